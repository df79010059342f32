// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <rownorm/sparse.hpp>

#include "matrices.hpp"
#include "support/types.hpp"

using namespace rownorm::tests;
namespace sparse = rownorm::sparse;

namespace {

/// The largest deviation of a norm of a row or column from 1.
double deviation_of(const HostMatrix& graph, const std::vector<double>& values, bool is_sum) {
  std::vector<double> rows(graph.rows()), columns(graph.columns);
  for (std::int64_t i = 0; i < graph.rows(); ++i)
    for (std::int64_t k = graph.row_map[i]; k < graph.row_map[i + 1]; ++k)
      for (double* norm : {&rows[i], &columns[graph.indices[k]]})
        *norm = is_sum ? *norm + std::abs(values[k]) : std::max(*norm, std::abs(values[k]));
  double largest = 0;
  for (const auto& norms : {rows, columns})
    for (const double norm : norms)
      if (norm > 0) largest = std::max(largest, std::abs(norm - 1));
  return largest;
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("equilibrate brings all norms near 1", "[equilibrate]", Spaces) {
  using M = Crs<double, int, int, TestType>;
  const TestType exec;
  for (const Shape& shape : shapes()) {
    CAPTURE(shape.name);
    const HostMatrix matrix = matrix_of(shape.lengths, 300);
    const M A = crs<M>(matrix), B = like<M>(A);
    const auto result = sparse::equilibrate(exec, A, B, {.tolerance = 1e-6});
    CHECK(result.converged);
    CHECK(result.deviation <= 1e-6);
    CHECK(deviation_of(matrix, on_host(B.values), false) <= 1e-6 + 1e-12);
    const auto rows = on_host(result.row_scales), columns = on_host(result.column_scales);
    Reals right;
    for (std::int64_t i = 0; i < matrix.rows(); ++i)
      for (std::int64_t k = matrix.row_map[i]; k < matrix.row_map[i + 1]; ++k)
        right.push_back(matrix.values[k] * rows[i] * columns[matrix.indices[k]]);
    CHECK(distance(on_host(B.values), right) <= 4);

    const auto again = sparse::equilibrate(exec, A, A, {.tolerance = 1e-6});
    CHECK(on_host(A.values) == on_host(B.values));
    CHECK(again.iterations == result.iterations);
    CHECK(on_host(again.row_scales) == rows);
  }
}

TEST_CASE("equilibrate by sums, symmetrically, and no further than it is told", "[equilibrate]") {
  using Exec = Kokkos::DefaultExecutionSpace;
  using M = Crs<double, int, int, Exec>;
  const Exec exec;
  const int n = 200;
  HostMatrix matrix;  // tridiagonal, so of total support
  matrix.columns = n;
  for (int i = 0; i < n; ++i) {
    for (int j = std::max(0, i - 1); j <= std::min(n - 1, i + 1); ++j) {
      matrix.indices.push_back(j);
      matrix.values.push_back(i == j ? std::ldexp(1.0F, i % 13) : std::ldexp(1.0F, -std::min(i, j) % 5));
    }
    matrix.row_map.push_back(matrix.entries());
  }
  const M A = crs<M>(matrix), B = like<M>(A);
  const auto result = sparse::equilibrate(exec, A, B, {.norm = rownorm::SumAbs{}, .tolerance = 1e-8});
  CHECK(result.converged);
  CHECK(deviation_of(matrix, on_host(B.values), true) <= 1e-8 + 1e-12);
  CHECK(on_host(result.row_scales) == on_host(result.column_scales));

  // Rows of any length are summed as columns are; on GPUs those that teams share are cut elsewhere.
  if constexpr (rownorm::impl::is_host_space_v<Exec>) {
    HostMatrix full;
    full.columns = 600;
    for (int i = 0; i < 600; ++i) {
      for (int j = 0; j < 600; ++j)
        if (i % 7 == 0 || j % 7 == 0 || i == j) {
          full.indices.push_back(j);
          full.values.push_back(1.0F + static_cast<float>((i + 1) * (j + 1) % 97) / 8);
        }
      full.row_map.push_back(full.entries());
    }
    const M C = crs<M>(full), D = like<M>(C);
    const auto of_full = sparse::equilibrate(exec, C, D, {.norm = rownorm::SumAbs{}, .tolerance = 1e-6});
    CHECK(on_host(of_full.row_scales) == on_host(of_full.column_scales));
  }

  const auto stopped =
      sparse::equilibrate(exec, A, B, {.norm = rownorm::SumAbs{}, .tolerance = 1e-9, .max_iterations = 2});
  CHECK(stopped.iterations == 2);
  CHECK_FALSE(stopped.converged);
  CHECK(stopped.deviation > 1e-9);

  CHECK_THROWS_AS(sparse::equilibrate(exec, A, B, {.tolerance = 0}), std::invalid_argument);
  CHECK_THROWS_AS(sparse::equilibrate(exec, A, B, {.max_iterations = -1}), std::invalid_argument);
  Kokkos::deep_copy(Kokkos::subview(A.values, 3), std::nan(""));
  CHECK_THROWS_AS(sparse::equilibrate(exec, A, B), std::invalid_argument);
}
