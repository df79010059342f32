// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Rows and columns of sparse matrices against the formula.
#include <KokkosSparse_BsrMatrix.hpp>
#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>
#include <rownorm/sparse.hpp>
#include <utility>

#include "matrices.hpp"
#include "support/count_nonzero.hpp"
#include "support/types.hpp"

using namespace rownorm::tests;
namespace sparse = rownorm::sparse;

namespace {

const std::vector<std::pair<const char*, rownorm::AnyNorm>> all_norms = {{"MeanAbs", rownorm::MeanAbs{}},
                                                                         {"SumAbs", rownorm::SumAbs{}},
                                                                         {"RootMeanSquare", rownorm::RootMeanSquare{}},
                                                                         {"Euclidean", rownorm::Euclidean{}},
                                                                         {"MaxAbs", rownorm::MaxAbs{}}};

/// The same matrix with rows for columns, and where its entries are in it.
HostMatrix transposed(const HostMatrix& matrix, std::vector<std::int64_t>& places) {
  std::vector<std::vector<std::int64_t>> of_column(matrix.columns);
  for (std::int64_t k = 0; k < matrix.entries(); ++k) of_column[matrix.indices[k]].push_back(k);
  HostMatrix turned;
  turned.columns = matrix.rows();
  for (const auto& column : of_column) {
    for (const std::int64_t k : column) {
      turned.indices.push_back(0);
      turned.values.push_back(matrix.values[k]);
      places.push_back(k);
    }
    turned.row_map.push_back(turned.entries());
  }
  return turned;
}

template <class Exec, class Value, class Ordinal, class Offset>
void check_rows(const Shape& shape) {
  using M = Crs<Value, Ordinal, Offset, Exec>;
  using Const = Crs<const Value, Ordinal, Offset, Exec>;
  const HostMatrix matrix = matrix_of(shape.lengths, 1000);
  const M A = crs<M>(matrix);
  const Exec exec;
  for (const auto& [name, norm] : all_norms) {
    CAPTURE(shape.name, name);
    const Expected right = expected(matrix, norm, 0);
    const Kokkos::View<Value*, typename Exec::device_type> norms("norms", matrix.rows());

    const M B = like<M>(A);
    sparse::normalize(exec, Const(A), B, norms, {.norm = norm, .epsilon = 0});
    CHECK(distance(on_host(B.values), right.values) <= 4);
    CHECK(distance(on_host(norms), right.norms) <= 4);

    const M C = like<M>(A);
    Kokkos::deep_copy(exec, C.values, A.values);
    sparse::normalize(exec, C, {.norm = norm, .epsilon = 0});
    CHECK(on_host(C.values) == on_host(B.values));

    Kokkos::deep_copy(exec, norms, Value(-1));
    sparse::row_norms(exec, A, norms, norm);
    CHECK(distance(on_host(norms), right.norms) <= 4);
  }
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("rows of sparse matrices follow the formula", "[rows]", Spaces) {
  for (const Shape& shape : shapes()) {
    check_rows<TestType, double, int, int>(shape);
    check_rows<TestType, float, std::int64_t, std::size_t>(shape);
  }
}

TEMPLATE_LIST_TEST_CASE("epsilon, and means over columns or stored entries", "[rows]", Spaces) {
  using M = Crs<double, int, int, TestType>;
  const TestType exec;
  const HostMatrix matrix = matrix_of({3, 0, 700, 5000, 1}, 10000);
  const M A = crs<M>(matrix), B = like<M>(A);
  for (const auto& [name, norm] : all_norms)
    for (const bool over_entries : {false, true}) {
      CAPTURE(name, over_entries);
      sparse::normalize(
          exec, A, B,
          {.norm = norm,
           .epsilon = 0.5,
           .mean_over = over_entries ? sparse::MeanOver::stored_entries : sparse::MeanOver::all_elements});
      CHECK(distance(on_host(B.values), expected(matrix, norm, 0.5, over_entries).values) <= 4);
    }
  // The defaults are those of dense arrays.
  sparse::normalize(exec, A, B);
  CHECK(distance(on_host(B.values), expected(matrix, rownorm::MeanAbs{}, 1e-8).values) <= 4);
}

TEMPLATE_LIST_TEST_CASE("A and B of different types, and special values", "[rows]", Spaces) {
  using M = Crs<float, int, int, TestType>;
  using Wide = Crs<double, int, int, TestType>;
  const TestType exec;
  HostMatrix matrix = matrix_of({4, 4, 4, 4, 4}, 10);
  std::fill(matrix.values.begin(), matrix.values.begin() + 4, 3.0e38F);
  matrix.values[5] = not_a_number;
  matrix.values[9] = infinity;
  std::fill(matrix.values.begin() + 12, matrix.values.begin() + 16, 0);
  const M A = crs<M>(matrix);
  const Wide B = like<Wide>(A);
  const Kokkos::View<rownorm::RowStatus, typename TestType::device_type> status("status");
  sparse::normalize(exec, A, B, {.norm = rownorm::SumAbs{}, .epsilon = 0, .status = status});
  Expected right = expected(matrix, rownorm::SumAbs{}, 0);
  std::fill(right.values.begin() + 4, right.values.begin() + 8, not_a_number);
  for (int k = 8; k < 12; ++k) right.values[k] = k == 9 ? not_a_number : 0;
  CHECK(distance(on_host(B.values), right.values) <= 4);
  const auto counted = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), status);
  CHECK(counted() == rownorm::RowStatus{.zero = 1, .nan = 1, .infinite = 1});
}

TEMPLATE_LIST_TEST_CASE("rows of any lengths beside extreme ones", "[rows][norms]", Spaces) {
  using M = Crs<float, int, int, TestType>;
  const TestType exec;
  std::vector<std::int64_t> lengths;
  for (const int length : {7, 0, 1, 16, 63, 0, 8, 512, 9, 300, 513, 5})
    for (int k = 0; k < 40; ++k) lengths.push_back(length);
  HostMatrix matrix = matrix_of(lengths, 2000);
  const auto fill_row = [&](std::size_t i, float value) {
    std::fill(matrix.values.begin() + matrix.row_map[i], matrix.values.begin() + matrix.row_map[i + 1], value);
  };
  fill_row(10, 3.0e38F), fill_row(20, 1.0e-42F), fill_row(121, 0), fill_row(300, -3.0e38F);
  const M A = crs<M>(matrix), B = like<M>(A);
  const Kokkos::View<rownorm::RowStatus, typename TestType::device_type> status("status");
  for (const rownorm::AnyNorm& norm : {rownorm::AnyNorm(rownorm::SumAbs{}), rownorm::AnyNorm(rownorm::MeanAbs{}),
                                       rownorm::AnyNorm(rownorm::Euclidean{}), rownorm::AnyNorm(rownorm::MaxAbs{})})
    for (const auto mean_over : {sparse::MeanOver::all_elements, sparse::MeanOver::stored_entries}) {
      const Expected right = expected(matrix, norm, 0, mean_over == sparse::MeanOver::stored_entries);
      sparse::normalize(exec, A, B, {.norm = norm, .epsilon = 0, .mean_over = mean_over});
      CHECK(distance(on_host(B.values), right.values) <= 4);
      Kokkos::deep_copy(status, rownorm::RowStatus{});
      sparse::normalize(exec, A, B, {.norm = norm, .epsilon = 0, .mean_over = mean_over, .status = status});
      CHECK(distance(on_host(B.values), right.values) <= 4);
      const auto counted = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), status);
      CHECK(counted() == rownorm::RowStatus{.zero = 81, .nan = 0, .infinite = 0});
    }
}

template <class Exec, class Half>
void check_16_bits() {
  using M = Crs<Half, int, int, Exec>;
  for (const Shape& shape : shapes()) {
    HostMatrix matrix = matrix_of(shape.lengths, 1000);
    for (std::size_t k = 0; k < matrix.values.size(); ++k)  // what both formats hold exactly
      matrix.values[k] = static_cast<long double>(static_cast<int>(k * 37 % 255) - 127) / 32;
    const M A = crs<M>(matrix), B = like<M>(A);
    for (const rownorm::AnyNorm& norm : {rownorm::AnyNorm(rownorm::Euclidean{}), rownorm::AnyNorm(rownorm::MaxAbs{})}) {
      CAPTURE(shape.name);
      sparse::normalize(Exec(), A, B, {.norm = norm, .epsilon = 0});
      CHECK(distance(on_host(B.values), expected(matrix, norm, 0).values) <= 2);
    }
  }
}

TEMPLATE_LIST_TEST_CASE("matrices of 16-bit values", "[rows]", Spaces) {
  check_16_bits<TestType, Kokkos::Experimental::half_t>();
  check_16_bits<TestType, Kokkos::Experimental::bhalf_t>();
}

TEMPLATE_LIST_TEST_CASE("complex matrices", "[rows]", Spaces) {
  using Value = Kokkos::complex<double>;
  using M = Crs<Value, int, int, TestType>;
  const TestType exec;
  const HostMatrix matrix = matrix_of({3, 0, 700, 5000, 1}, 10000);
  const M A = crs<M>(matrix), B = like<M>(A);
  auto turned = on_host(A.values);  // 3 + 4i instead of 5
  for (Value& value : turned) value *= Value(0.6, 0.8);
  const auto values = Kokkos::create_mirror_view(Kokkos::HostSpace(), A.values);
  for (std::size_t k = 0; k < turned.size(); ++k) values(k) = turned[k];
  Kokkos::deep_copy(A.values, values);
  sparse::normalize(exec, A, B, {.norm = rownorm::SumAbs{}, .epsilon = 0});
  const Expected right = expected(matrix, rownorm::SumAbs{}, 0);
  std::vector<double> real, imaginary;
  Reals right_real, right_imaginary;
  for (const Value& value : on_host(B.values)) real.push_back(value.real()), imaginary.push_back(value.imag());
  for (const long double x : right.values) right_real.push_back(x * 0.6L), right_imaginary.push_back(x * 0.8L);
  CHECK(distance(real, right_real) <= 8);
  CHECK(distance(imaginary, right_imaginary) <= 8);
}

TEMPLATE_LIST_TEST_CASE("columns of sparse matrices", "[columns]", Spaces) {
  using M = Crs<double, int, int, TestType>;
  const TestType exec;
  for (const Shape& shape : shapes()) {
    const HostMatrix matrix = matrix_of(shape.lengths, shape.name == "stencil" ? 3 : 500);
    std::vector<std::int64_t> places;
    const HostMatrix turned = transposed(matrix, places);
    const M A = crs<M>(matrix), B = like<M>(A);
    const sparse::ColumnOrder order(exec, A);
    for (const auto& [name, norm] : all_norms) {
      CAPTURE(shape.name, name);
      const Expected right = expected(turned, norm, 0.25);
      Reals values(matrix.entries());
      for (std::size_t k = 0; k < places.size(); ++k) values[places[k]] = right.values[k];
      const Kokkos::View<double*, typename TestType::device_type> norms("norms", matrix.columns);
      sparse::normalize(exec, A, B, norms, {.norm = norm, .epsilon = 0.25, .axis = 0});
      CHECK(distance(on_host(B.values), values) <= 4);
      CHECK(distance(on_host(norms), right.norms) <= 4);

      const auto once = on_host(B.values);
      const M C = like<M>(A);
      sparse::normalize(exec, A, C, {.norm = norm, .epsilon = 0.25, .axis = 0, .column_order = order});
      CHECK(on_host(C.values) == once);
    }
  }
}

TEMPLATE_LIST_TEST_CASE("rows of block matrices are those of the matrix", "[blocks]", Spaces) {
  using M = Crs<double, int, int, TestType>;
  using Blocks = KokkosSparse::Experimental::BsrMatrix<double, int, typename TestType::device_type, void, int>;
  const TestType exec;
  const int block = 3;
  // Three blocks in the first block row, none in the second, one in the third.
  const HostMatrix graph = matrix_of({3, 0, 1}, 8);
  const HostMatrix flat = matrix_of({graph.entries() * block * block}, 100);
  HostMatrix points;
  points.columns = graph.columns * block;
  std::vector<std::int64_t> places;
  for (std::int64_t I = 0; I < graph.rows(); ++I)
    for (int i = 0; i < block; ++i) {
      for (std::int64_t b = graph.row_map[I]; b < graph.row_map[I + 1]; ++b)
        for (int j = 0; j < block; ++j) {
          places.push_back((b * block + i) * block + j);
          points.indices.push_back(graph.indices[b] * block + j);
          points.values.push_back(flat.values[places.back()]);
        }
      points.row_map.push_back(points.entries());
    }
  const M of_graph = crs<M>(graph);
  const Kokkos::View<double*, typename TestType::device_type> x("x", flat.values.size()), y("y", flat.values.size());
  fill(x, flat.values);
  const auto make = [&](const auto& values) {
    return Blocks("blocks", of_graph.numRows(), of_graph.numCols(), static_cast<int>(graph.entries()), values,
                  of_graph.graph.row_map, of_graph.graph.entries, block);
  };
  const Blocks A = make(x), B = make(y);
  const Kokkos::View<double*, typename TestType::device_type> norms("norms", points.rows());
  for (const auto& [name, norm] : all_norms) {
    CAPTURE(name);
    const Expected right = expected(points, norm, 0.25);
    Reals values(flat.values.size());
    for (std::size_t k = 0; k < places.size(); ++k) values[places[k]] = right.values[k];
    sparse::normalize(exec, A, B, norms, {.norm = norm, .epsilon = 0.25});
    CHECK(distance(on_host(B.values), values) <= 4);
    CHECK(distance(on_host(norms), right.norms) <= 4);
  }
}

TEST_CASE("a norm of the user's own", "[rows]") {
  using Exec = Kokkos::DefaultExecutionSpace;
  using M = Crs<double, int, int, Exec>;
  const HostMatrix matrix = matrix_of({100, 40000, 0, 7}, 100);
  const M A = crs<M>(matrix);
  const Kokkos::View<double*, typename Exec::device_type> norms("norms", matrix.rows());
  sparse::row_norms(Exec(), A, norms,
                    sparse::Parameters<CountNonzero>{.norm = {}, .mean_over = sparse::MeanOver::stored_entries});
  const auto actual = on_host(norms);
  for (std::int64_t i = 0; i < matrix.rows(); ++i) {
    const Reals row = matrix.row(i);
    const auto nonzero =
        static_cast<double>(std::count_if(row.begin(), row.end(), [](long double x) { return x != 0; }));
    CHECK(actual[i] == nonzero / std::max<double>(1, static_cast<double>(row.size())));
  }
}
