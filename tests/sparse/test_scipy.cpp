// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What scikit-learn's preprocessing.normalize and SciPy's norms give for sparse matrices; data/make.py says which.
#include <KokkosSparse_IOUtils.hpp>
#include <catch2/catch_test_macros.hpp>
#include <cstdlib>
#include <rownorm/sparse.hpp>
#include <string>
#include <utility>

#include "matrices.hpp"
#include "support/npy.hpp"

using namespace rownorm::tests;
namespace sparse = rownorm::sparse;
using Exec = Kokkos::DefaultExecutionSpace;

namespace {

std::string data(const std::string& name) {
  const char* const elsewhere = std::getenv("ROWNORM_SPARSE_TEST_DATA");
  return std::string(elsewhere != nullptr ? elsewhere : ROWNORM_SPARSE_TESTS_DATA) + "/" + name;
}
Reals read(const std::string& name) { return read_npy(data(name + ".npy")).values; }

const std::vector<std::pair<std::string, rownorm::AnyNorm>> norms_of_scikit = {
    {"l1", rownorm::SumAbs{}}, {"l2", rownorm::Euclidean{}}, {"max", rownorm::MaxAbs{}}};

template <class Value>
HostMatrix read_matrix(const std::string& name, std::int64_t columns) {
  HostMatrix matrix;
  matrix.columns = columns;
  matrix.row_map.clear();
  for (const long double x : read(name + ".row_map")) matrix.row_map.push_back(static_cast<std::int64_t>(x));
  for (const long double x : read(name + ".indices")) matrix.indices.push_back(static_cast<std::int64_t>(x));
  matrix.values = read(name + ".values");
  return matrix;
}

template <class Value>
void check_matrix(const std::string& name, std::int64_t columns, bool has_columns) {
  using M = Crs<Value, int, int, Exec>;
  const HostMatrix matrix = read_matrix<Value>(name, columns);
  const M A = crs<M>(matrix), B = like<M>(A);
  const Kokkos::View<Value*, Exec> of_rows("norms", matrix.rows()), of_columns("norms", columns);
  for (const auto& [kind, norm] : norms_of_scikit) {
    CAPTURE(name, kind);
    sparse::normalize(Exec(), A, B, of_rows, {.norm = norm, .epsilon = 0});
    CHECK(distance(on_host(B.values), read(name + "." + kind)) <= 6);
    CHECK(distance(on_host(of_rows), read(name + "." + kind + "_row_norms")) <= 6);
    if (!has_columns) continue;
    sparse::normalize(Exec(), A, B, of_columns, {.norm = norm, .epsilon = 0, .axis = 0});
    CHECK(distance(on_host(B.values), read(name + "." + kind + "_by_columns")) <= 6);
    CHECK(distance(on_host(of_columns), read(name + "." + kind + "_column_norms")) <= 6);
  }
}

}  // namespace

TEST_CASE("what scikit-learn and SciPy give", "[scikit]") {
  check_matrix<double>("rows", 40, true);
  check_matrix<float>("single", 11, true);
  check_matrix<double>("duplicates", 5, false);
}

TEST_CASE("a matrix from a Matrix Market file", "[scikit]") {
  using M = Crs<double, int, int, Exec>;
  const auto A = KokkosSparse::Impl::read_kokkos_crst_matrix<M>(data("rows.mtx").c_str());
  sparse::normalize(Exec(), A, {.norm = rownorm::Euclidean{}, .epsilon = 0, .check = sparse::Check::indices});
  CHECK(distance(on_host(A.values), read("rows.l2")) <= 6);
}
