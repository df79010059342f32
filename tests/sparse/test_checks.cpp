// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What is refused, with which words.
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <rownorm/sparse.hpp>

#include "matrices.hpp"

using namespace rownorm::tests;
namespace sparse = rownorm::sparse;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::MessageMatches;

namespace {

using Exec = Kokkos::DefaultExecutionSpace;
using M = Crs<double, int, int, Exec>;

template <class F>
void check_refusal(const F& f, const std::string& words) {
  CHECK_THROWS_MATCHES(f(), std::invalid_argument,
                       MessageMatches(ContainsSubstring("rownorm::sparse::") && ContainsSubstring(words)));
}

M with_row_map(const M& A, const std::vector<int>& map) {
  const Kokkos::View<int*, Exec::device_type> row_map("row_map", map.size());
  fill(row_map, map);
  const typename M::staticcrsgraph_type graph(A.graph.entries, row_map);
  return M("A", A.numCols(), A.values, graph);
}

}  // namespace

TEST_CASE("arguments that do not fit together are refused", "[checks]") {
  const Exec exec;
  const HostMatrix matrix = matrix_of({2, 0, 3}, 7);
  const M A = crs<M>(matrix), B = like<M>(A);
  const Kokkos::View<double*> norms("norms", 3), short_norms("norms", 2);

  check_refusal([&] { sparse::normalize(exec, A, crs<M>(matrix)); }, "B has a graph of its own");
  check_refusal([&] { sparse::normalize(exec, A, crs<M>(matrix_of({2, 1}, 7))); }, "A is 3 x 7 with 5 column indices");
  check_refusal([&] { sparse::normalize(exec, A, B, short_norms); }, "norms has extent 2, but A (3 x 7) has 3 rows");
  check_refusal([&] { sparse::normalize(exec, A, B, norms, {.axis = 0}); }, "has 7 columns");
  check_refusal([&] { sparse::normalize(exec, A, B, {.axis = 2}); }, "params.axis is 2");
  check_refusal([&] { sparse::normalize(exec, A, B, {.epsilon = -1}); }, "params.epsilon is -1");

  const Kokkos::View<double*> values("values", 6);
  M longer = A, part = A, later = A;
  longer.values = values;
  check_refusal([&] { sparse::normalize(exec, longer, longer); }, "A has 6 values, but 5 column indices");
  part.values = Kokkos::subview(values, std::pair(0, 5));
  later.values = Kokkos::subview(values, std::pair(1, 6));
  check_refusal([&] { sparse::normalize(exec, part, later); }, "the values of A and B overlap in part");
  const typename M::values_type in_graph(reinterpret_cast<double*>(const_cast<int*>(A.graph.row_map.data())),
                                         5);  // never written to
  M aliased = A;
  aliased.values = in_graph;
  check_refusal([&] { sparse::normalize(exec, A, aliased); }, "overlap with the row map");
  check_refusal([&] { sparse::normalize(exec, A, B, Kokkos::subview(A.values, std::pair(0, 3))); },
                "norms overlaps with the values of A");
  const HostMatrix wide = matrix_of({2, 0, 3}, 9);
  const M other = crs<M>(wide);
  const sparse::ColumnOrder order(exec, other);
  check_refusal([&] { sparse::normalize(exec, A, B, {.axis = 0, .column_order = order}); },
                "params.column_order is of 9 columns with 5 entries");
}

TEST_CASE("a row map that is none is refused where that is asked for", "[checks]") {
  const Exec exec;
  const M A = crs<M>(matrix_of({2, 0, 3}, 7));
  const auto check = [&](const std::vector<int>& map, const std::string& words) {
    const M bad = with_row_map(A, map);
    check_refusal([&] { sparse::normalize(exec, bad, bad, {.check = sparse::Check::row_map}); }, words);
  };
  check({1, 2, 2, 5}, "begins with 1, but row 0 must begin at 0");
  check({0, 3, 2, 5}, "the row map of A decreases: row 1 begins at 3 and ends at 2");
  check({0, 2, 6, 5}, "row 1 of A ends at 6, but there are 5 column indices");
  check({0, 2, 2, 4}, "row 2 of A ends at 4, but there are 5 column indices");
  CHECK_NOTHROW(sparse::normalize(exec, A, A, {.check = sparse::Check::indices}));
}

TEST_CASE("a column index that is none is refused where that is asked for", "[checks]") {
  const Exec exec;
  HostMatrix matrix = matrix_of({2, 0, 3}, 7);
  matrix.indices[3] = 7;
  const M A = crs<M>(matrix);
  check_refusal([&] { sparse::normalize(exec, A, A, {.check = sparse::Check::indices}); },
                "row 2 of A has the column index 7 (entry 3), but there are 7 columns");
  const Kokkos::View<double*> norms("norms", 3);
  check_refusal([&] { sparse::row_norms(exec, A, norms, sparse::Parameters<>{.check = sparse::Check::indices}); },
                "row_norms: row 2");
}

TEST_CASE("matrices without rows, columns or entries are no work", "[checks]") {
  const Exec exec;
  const M nothing;
  CHECK_NOTHROW(sparse::normalize(exec, nothing, nothing));
  CHECK_NOTHROW(sparse::normalize(exec, nothing, nothing, {.axis = 0, .check = sparse::Check::indices}));
  const M empty = crs<M>(matrix_of({0, 0}, 3));
  const Kokkos::View<double*, Exec::device_type> norms("norms", 2), of_columns("norms", 3);
  Kokkos::deep_copy(norms, 7);
  Kokkos::deep_copy(of_columns, 7);
  sparse::normalize(exec, empty, empty, norms);
  sparse::normalize(exec, empty, empty, of_columns, {.axis = 0});
  exec.fence();
  CHECK(on_host(norms) == std::vector<double>(2, 0));
  CHECK(on_host(of_columns) == std::vector<double>(3, 0));
}
