// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_TESTS_SPARSE_MATRICES_HPP
#define ROWNORM_TESTS_SPARSE_MATRICES_HPP

/// Sparse matrices of tests, on the host and as Kokkos Kernels has them, and what is to become of them.

#include <KokkosSparse_CrsMatrix.hpp>
#include <Kokkos_Core.hpp>
#include <algorithm>
#include <cstdint>
#include <random>
#include <rownorm/sparse.hpp>
#include <string>
#include <vector>

#include "support/reference.hpp"

namespace rownorm::tests {

/// Entries row by row, with values that float holds exactly.
struct HostMatrix {
  std::int64_t columns = 0;
  std::vector<std::int64_t> row_map{0};
  std::vector<std::int64_t> indices;
  Reals values;

  std::int64_t rows() const { return static_cast<std::int64_t>(row_map.size()) - 1; }
  std::int64_t entries() const { return static_cast<std::int64_t>(indices.size()); }
  Reals row(std::int64_t i) const { return Reals(values.begin() + row_map[i], values.begin() + row_map[i + 1]); }
};

/// A matrix whose rows have such lengths.
inline HostMatrix matrix_of(const std::vector<std::int64_t>& lengths, std::int64_t columns, unsigned seed = 1) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> value(-1, 1);
  HostMatrix matrix;
  matrix.columns = columns;
  for (const std::int64_t length : lengths) {
    const float scale = std::ldexp(1.0F, static_cast<int>(random() % 40) - 20);
    std::int64_t column = static_cast<std::int64_t>(random()) % columns;
    for (std::int64_t k = 0; k < length; ++k) {
      column = (column + 1 + static_cast<std::int64_t>(random() % 7)) % columns;
      matrix.indices.push_back(column);
      matrix.values.push_back(random() % 50 == 0 ? 0.0F : scale * value(random));
    }
    matrix.row_map.push_back(matrix.entries());
  }
  return matrix;
}

struct Shape {
  std::string name;
  std::vector<std::int64_t> lengths;
};

/// Lengths of rows that kernels may stumble over.
inline std::vector<Shape> shapes() {
  std::mt19937 random(7);
  std::vector<Shape> all{{"one row", {10}},
                         {"one empty row", {0}},
                         {"empty rows", std::vector<std::int64_t>(9000, 0)},
                         {"one long row", {70000}},
                         {"long rows", {5000, 40000, 0, 3, 100000, 1}},
                         {"tiles to the entry", {4477, 4474, 4480, 1, 4476, 8957, 2237, 2240, 560, 5037, 3, 5034}},
                         {"stencil", std::vector<std::int64_t>(5000, 5)},
                         {"a dense row among empty ones", std::vector<std::int64_t>(9001, 0)}};
  all.back().lengths[4500] = 30000;
  Shape uniform{"uniform", {}}, power_law{"power law", {}};
  for (int i = 0; i < 2000; ++i) uniform.lengths.push_back(static_cast<std::int64_t>(random() % 64));
  for (int i = 0; i < 4000; ++i) {
    const double u = (static_cast<double>(random() % 100000) + 1) / 100001;
    power_law.lengths.push_back(std::min<std::int64_t>(static_cast<std::int64_t>(std::pow(u, -0.9)) - 1, 60000));
  }
  Shape lanes{"about as long as what a lane has, or a warp", {}};
  for (const std::int64_t length : {8, 9, 0, 15, 16, 17, 31, 32, 33, 70, 127, 511, 512, 513, 514, 1023, 1024, 1025})
    for (int i = 0; i < 13; ++i) lanes.lengths.push_back(length - i % 2);
  std::erase(lanes.lengths, -1);
  std::shuffle(lanes.lengths.begin(), lanes.lengths.end(), random);
  all.push_back(lanes);
  all.push_back(uniform);
  all.push_back(power_law);
  return all;
}

template <class View, class Values>
void fill(const View& view, const Values& values) {
  const auto host = Kokkos::create_mirror_view(Kokkos::HostSpace(), view);
  using Value = typename View::non_const_value_type;
  // No 16-bit format is made of a long double on devices.
  using From = std::conditional_t<sizeof(Value) == 2, float, typename Values::value_type>;
  for (std::size_t k = 0; k < values.size(); ++k) host(k) = static_cast<Value>(static_cast<From>(values[k]));
  Kokkos::deep_copy(view, host);
}

template <class Value, class Ordinal, class Offset, class Exec>
using Crs = KokkosSparse::CrsMatrix<Value, Ordinal, typename Exec::device_type, void, Offset>;

template <class M>
M crs(const HostMatrix& matrix) {
  using Device = typename M::device_type;
  const Kokkos::View<typename M::non_const_size_type*, Device> row_map("row_map", matrix.row_map.size());
  const Kokkos::View<typename M::non_const_ordinal_type*, Device> indices("indices", matrix.indices.size());
  const Kokkos::View<typename M::non_const_value_type*, Device> values("values", matrix.values.size());
  fill(row_map, matrix.row_map);
  fill(indices, matrix.indices);
  fill(values, matrix.values);
  return M("A", static_cast<typename M::ordinal_type>(matrix.rows()),
           static_cast<typename M::ordinal_type>(matrix.columns), static_cast<typename M::size_type>(matrix.entries()),
           values, row_map, indices);
}

/// Another matrix with the graph of A, and values that nobody wants.
template <class M, class MatrixA>
M like(const MatrixA& A) {
  const typename M::values_type values("B", A.values.extent(0));
  Kokkos::deep_copy(values, typename M::value_type(-77));
  return M("B", A.numCols(), values, A.graph);
}

template <class View>
auto on_host(const View& view) {
  std::vector<typename View::non_const_value_type> values(view.extent(0));
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), view);
  for (std::size_t k = 0; k < values.size(); ++k) values[k] = host(k);
  return values;
}

/// What rows are to be divided by, without epsilon; zeros that are not stored count for means unless `over_entries`.
inline long double norm_of(const HostMatrix& matrix, std::int64_t i, const AnyNorm& norm, bool over_entries = false) {
  Reals row = matrix.row(i);
  if (!over_entries) row.resize(std::max<std::size_t>(row.size(), matrix.columns));
  if (row.empty()) return 0;
  // Rows may have more entries than there are columns, of which some count more than once.
  const long double length = over_entries ? row.size() : matrix.columns;
  if (norm == AnyNorm(MeanAbs{})) return reference_norm(SumAbs{}, row) / length;
  if (norm == AnyNorm(RootMeanSquare{})) return reference_norm(Euclidean{}, row) / std::sqrt(length);
  return reference_norm(norm, row);
}

/// How far values are from what is expected, in ulp.
template <class Value>
long double distance(const std::vector<Value>& actual, const Reals& expected) {
  if (actual.size() != expected.size()) return infinity;
  long double largest = 0;
  for (std::size_t k = 0; k < actual.size(); ++k)
    largest = std::max<long double>(largest, ulp_distance(actual[k], expected[k]));
  return largest;
}

/// The normalised matrix, and norms.
struct Expected {
  Reals values, norms;
};
inline Expected expected(const HostMatrix& matrix, const AnyNorm& norm, double epsilon, bool over_entries = false) {
  Expected all;
  for (std::int64_t i = 0; i < matrix.rows(); ++i) {
    const long double of_row = norm_of(matrix, i, norm, over_entries), divisor = of_row + epsilon;
    all.norms.push_back(of_row);
    for (const long double x : matrix.row(i)) all.values.push_back(divisor == 0 ? x : x / divisor);
  }
  return all;
}

}  // namespace rownorm::tests

#endif
