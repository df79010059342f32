// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The kernels of host_rows.hpp without Highway: loops that compilers turn into vectors by themselves. They store
// through the caches.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <rownorm/impl/host_rows.hpp>
#include <type_traits>

namespace rownorm::impl {

namespace {

/// The formats of 16 bits, which C++20 has no types for. Conversions round to nearest even.
struct Half {
  std::uint16_t bits;

  explicit operator float() const {
    const std::uint32_t sign = std::uint32_t{bits} >> 15 << 31, magnitude = bits & 0x7fffU;
    if (magnitude >= 0x7c00) return std::bit_cast<float>(sign | 0x7f800000U | (magnitude & 0x3ffU) << 13);
    // As bits of a float it is 2^112 times too small, and so it is where it is subnormal.
    const float value = std::bit_cast<float>(magnitude << 13) * 0x1p112F;
    return std::bit_cast<float>(std::bit_cast<std::uint32_t>(value) | sign);
  }
  static Half of(float value) {
    const auto all = std::bit_cast<std::uint32_t>(value), sign = all >> 16 & 0x8000U, magnitude = all & 0x7fffffffU;
    const auto half = [&](std::uint32_t bits) { return Half{static_cast<std::uint16_t>(sign | bits)}; };
    if (magnitude > 0x7f800000U) return half(0x7e00);
    if (magnitude >= 0x477ff000U) return half(0x7c00);
    // Added to a number whose last place is worth 2^-24, it is rounded there.
    if (magnitude < 0x38800000U)
      return half(std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude) + 0.5F) - 0x3f000000U);
    return half((magnitude - 0x38000000U + 0xfffU + (magnitude >> 13 & 1U)) >> 13);
  }
};

struct BFloat {
  std::uint16_t bits;

  explicit operator float() const { return std::bit_cast<float>(std::uint32_t{bits} << 16); }
  static BFloat of(float value) {
    const auto all = std::bit_cast<std::uint32_t>(value);
    if (std::isnan(value)) return {static_cast<std::uint16_t>(all >> 16 | 0x40U)};
    return {static_cast<std::uint16_t>((all + 0x7fffU + (all >> 16 & 1U)) >> 16)};
  }
};

template <class X, class Y>
using ComputeOf = std::conditional_t<std::is_same_v<X, double> || std::is_same_v<Y, double>, double, float>;

template <class T, class X>
T loaded(X x) {
  if constexpr (std::is_floating_point_v<X>)
    return static_cast<T>(x);
  else
    return static_cast<T>(static_cast<float>(x));
}

template <class Y, class T>
Y stored(T value) {
  if constexpr (std::is_floating_point_v<Y>)
    return static_cast<Y>(value);
  else
    return Y::of(static_cast<float>(value));
}

/// Independent sums, as many as vectors have use for. Sums of double are compensated by Knuth's two-sum.
template <class Compute, int size>
struct Sums {
  double totals[size] = {};
  double errors[size] = {};

  void add(int k, double value) {
    const double total = totals[k], sum = total + value;
    if constexpr (std::is_same_v<Compute, double>) {
      const double added = sum - total;
      errors[k] += (total - (sum - added)) + (value - added);
    }
    totals[k] = sum;
  }
};

template <class X, class Y>
HostSum sum_of(const X* x, std::int64_t n, std::int64_t stride, double value_per_unit = 1) {
  constexpr int lanes = 16;
  using Compute = ComputeOf<X, Y>;
  Sums<Compute, lanes> sums;
  const auto value = [&](std::int64_t j) { return std::abs(loaded<double>(x[j * stride])) * value_per_unit; };
  std::int64_t j = 0;
  for (; j + lanes <= n; j += lanes)
    for (int k = 0; k < lanes; ++k) sums.add(k, value(j + k));
  for (; j < n; ++j) sums.add(static_cast<int>(j % lanes), value(j));
  Sums<Compute, 1> sum;
  for (int k = 0; k < lanes; ++k) {
    sum.add(0, sums.totals[k]);
    sum.errors[0] += sums.errors[k];
  }
  const HostSum result{sum.totals[0], sum.errors[0]};
  const bool overflowed = std::is_same_v<Compute, double> && std::isinf(result.total) && result.total > 0;
  return overflowed ? sum_of<X, Y>(x, n, stride, 1 / HostSum::large_unit) : result;
}

template <class X, class Y>
void rescale(const X* x, Y* y, std::int64_t n, const HostScale& scale) {
  using T = ComputeOf<X, Y>;
  const auto power = static_cast<T>(scale.power), factor = static_cast<T>(scale.factor);
  if (power == 1)
    for (std::int64_t j = 0; j < n; ++j) y[j] = stored<Y>(loaded<T>(x[j]) * factor);
  else
    for (std::int64_t j = 0; j < n; ++j) y[j] = stored<Y>(loaded<T>(x[j]) * power * factor);
}

std::int64_t piece_values(std::int64_t columns, std::int64_t p) {
  return std::min(host_piece_columns(columns), columns - p * host_piece_columns(columns));
}

template <class X, class Y>
HostSum sum_piece(const void* row, std::int64_t columns, std::int64_t p) {
  const X* const x = static_cast<const X*>(row) + p * host_piece_columns(columns);
  return sum_of<X, Y>(x, piece_values(columns, p), 1);
}

template <class X, class Y>
void rescale_pieces(const void* x, void* y, std::int64_t columns, const HostScale& scale, bool, std::int64_t first,
                    std::int64_t last) {
  for (std::int64_t p = last; p-- > first;) {
    const std::int64_t begin = p * host_piece_columns(columns);
    rescale(static_cast<const X*>(x) + begin, static_cast<Y*>(y) + begin, piece_values(columns, p), scale);
  }
}

template <class X, class Y>
void normalize_row(const HostMatrix& matrix, std::int64_t i) {
  const X* const x = static_cast<const X*>(matrix.x) + i * matrix.x_stride;
  HostSum sum = sum_piece<X, Y>(x, matrix.columns, 0);
  const std::int64_t pieces = host_pieces(matrix.columns);
  for (std::int64_t p = 1; p < pieces; ++p) sum = matrix.finisher.combine(sum, sum_piece<X, Y>(x, matrix.columns, p));
  rescale_pieces<X, Y>(x, static_cast<Y*>(matrix.y) + i * matrix.y_stride, matrix.columns,
                       matrix.finisher.scale(matrix.finisher.finisher, sum), false, 0, pieces);
}

/// Neighbouring rows, column by column.
template <class X, class Y>
void normalize_tile(const HostMatrix& matrix, std::int64_t first, std::int64_t rows) {
  using T = ComputeOf<X, Y>;
  constexpr int most = 64;
  const std::int64_t x_row = matrix.x_by_columns ? 1 : matrix.x_stride,
                     x_column = matrix.x_by_columns ? matrix.x_stride : 1;
  const std::int64_t y_row = matrix.y_by_columns ? 1 : matrix.y_stride,
                     y_column = matrix.y_by_columns ? matrix.y_stride : 1;
  const X* const x = static_cast<const X*>(matrix.x) + first * x_row;
  Y* const y = static_cast<Y*>(matrix.y) + first * y_row;
  Sums<T, most> sums;
  const int n = static_cast<int>(std::min<std::int64_t>(rows, most));
  for (std::int64_t j = 0; j < matrix.columns; ++j)
    for (int i = 0; i < n; ++i) sums.add(i, std::abs(loaded<double>(x[i * x_row + j * x_column])));
  T powers[most], factors[most];
  for (int i = 0; i < n; ++i) {
    HostSum sum{sums.totals[i], sums.errors[i]};
    if (std::isinf(sum.total)) sum = sum_of<X, Y>(x + i * x_row, matrix.columns, x_column);
    const HostScale scale = matrix.finisher.scale(matrix.finisher.finisher, sum);
    powers[i] = static_cast<T>(scale.power);
    factors[i] = static_cast<T>(scale.factor);
  }
  for (std::int64_t j = 0; j < matrix.columns; ++j)
    for (int i = 0; i < n; ++i)
      y[i * y_row + j * y_column] = stored<Y>(loaded<T>(x[i * x_row + j * x_column]) * powers[i] * factors[i]);
  if (rows > most) normalize_tile<X, Y>(matrix, first + most, rows - most);
}

template <class X, class Y>
void normalize_rows(const HostMatrix& matrix, std::int64_t first, std::int64_t last) {
  for (std::int64_t i = first; i < last; ++i) normalize_row<X, Y>(matrix, i);
}

/// Each thread has rows of its own.
template <class X, class Y>
void normalize_tiles(const HostMatrix& matrix, std::int64_t first, std::int64_t last, const HostTileTeam& team) {
  const std::int64_t end = first + (last - first) * (team.rank + 1) / team.size;
  for (std::int64_t i = first + (last - first) * team.rank / team.size; i < end; i += matrix.tile_rows)
    normalize_tile<X, Y>(matrix, i, std::min(matrix.tile_rows, end - i));
}

}  // namespace

HostKernels host_kernels(HostValue x, HostValue y) {
  return host_kernels_for<Half, BFloat>(x, y, []<class X, class Y>() {
    return HostKernels{sum_piece<X, Y>, rescale_pieces<X, Y>, normalize_rows<X, Y>, normalize_tiles<X, Y>};
  });
}

const char* host_instructions() { return ""; }

}  // namespace rownorm::impl
