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

/// f<norm>(), with the norm as a constant.
template <class F>
auto with_norm(HostNorm norm, const F& f) {
  switch (norm) {
    case HostNorm::squares:
      return f.template operator()<HostNorm::squares>();
    case HostNorm::largest:
      return f.template operator()<HostNorm::largest>();
    case HostNorm::magnitudes:
      break;
  }
  return f.template operator()<HostNorm::magnitudes>();
}

/// Independent sums, as many as vectors have use for. Sums of double are compensated by Knuth's two-sum. Of a largest
/// value the error is the sum of all, which is NaN if one of them is.
template <class Compute, int size>
struct Sums {
  double totals[size] = {};
  double errors[size] = {};

  /// Adds a value, given in the sum's units.
  template <HostNorm norm>
  void add(int k, double value) {
    if constexpr (norm == HostNorm::largest)
      add_largest(k, std::abs(value), std::abs(value));
    else
      add_total(k, norm == HostNorm::squares ? value * value : value);
  }
  template <HostNorm norm>
  void add(int k, const HostSum& sum) {
    if constexpr (norm == HostNorm::largest) {
      add_largest(k, sum.total, sum.error);
    } else {
      add_total(k, sum.total);
      errors[k] += sum.error;
    }
  }
  /// Adds a * b. Where sums are compensated, so is what rounding takes from the product: see DotProduct.
  void add_product(int k, double a, double b) {
    const double product = a * b;
    if constexpr (std::is_same_v<Compute, double>) errors[k] += std::fma(a, b, -product);
    add_total(k, product);
  }
  template <HostNorm norm>
  HostSum at(int k) const {
    if (norm == HostNorm::largest) return {.total = std::isnan(errors[k]) ? errors[k] : totals[k]};
    return {.total = totals[k], .error = errors[k]};
  }

 private:
  void add_largest(int k, double largest, double sum) {
    totals[k] = totals[k] < largest ? largest : totals[k];
    errors[k] += sum;
  }
  void add_total(int k, double value) {
    const double total = totals[k], sum = total + value;
    if constexpr (std::is_same_v<Compute, double>) {
      const double added = sum - total;
      errors[k] += (total - (sum - added)) + (value - added);
    }
    totals[k] = sum;
  }
};

/// Sums of lanes as one.
template <HostNorm norm, class Compute, int lanes>
HostSum sum_of_lanes(const Sums<Compute, lanes>& sums) {
  Sums<Compute, 1> sum;
  for (int k = 0; k < lanes; ++k) sum.template add<norm>(0, HostSum{.total = sums.totals[k], .error = sums.errors[k]});
  return sum.template at<norm>(0);
}

/// The sum of a part of a row in units that may not suit it.
template <HostNorm norm, class X, class Y>
HostSum sum_in(const HostUnits& units, const X* x, std::int64_t n, std::int64_t stride) {
  constexpr int lanes = 16;
  using Compute = ComputeOf<X, Y>;
  Sums<Compute, lanes> sums;
  const auto value = [&](std::int64_t j) {
    const auto one = loaded<double>(x[j * stride]);
    return (norm == HostNorm::magnitudes ? std::abs(one) : one) * units.per_unit;
  };
  std::int64_t j = 0;
  for (; j + lanes <= n; j += lanes)
    for (int k = 0; k < lanes; ++k) sums.template add<norm>(k, value(j + k));
  for (; j < n; ++j) sums.template add<norm>(static_cast<int>(j % lanes), value(j));
  HostSum result = sum_of_lanes<norm>(sums);
  result.unit = units.unit;
  return result;
}

template <class X, class Y>
HostSum sum_of(const HostFinisher& finisher, const X* x, std::int64_t n, std::int64_t stride) {
  return with_norm(finisher.norm, [&]<HostNorm norm>() {
    const HostSum sum = sum_in<norm, X, Y>({}, x, n, stride);
    const HostUnits better = finisher.better_units(sum);
    return better.per_unit == 1 ? sum : sum_in<norm, X, Y>(better, x, n, stride);
  });
}

/// The weights of so many columns, as they are computed with; ones where there are none.
template <class T>
void copy_weights(const HostWeights& weights, std::int64_t first, std::int64_t count, T* to) {
  if (weights.data == nullptr) {
    std::fill_n(to, count, T{1});
    return;
  }
  with_real_type<Half, BFloat>(weights.type, [&]<class W>() {
    const W* const from = static_cast<const W*>(weights.data) + first * weights.stride;
    for (std::int64_t j = 0; j < count; ++j) to[j] = loaded<T>(from[j * weights.stride]);
  });
}

/// Part of a row, which begins at a column.
template <class X, class Y>
void rescale(const HostMatrix& matrix, const X* x, Y* y, std::int64_t begin, std::int64_t end, const HostScale& scale) {
  using T = ComputeOf<X, Y>;
  const auto power = static_cast<T>(scale.power), factor = static_cast<T>(scale.factor);
  if (matrix.weights.data == nullptr) {
    if (power == 1)
      for (std::int64_t j = begin; j < end; ++j) y[j] = stored<Y>(loaded<T>(x[j]) * factor);
    else
      for (std::int64_t j = begin; j < end; ++j) y[j] = stored<Y>(loaded<T>(x[j]) * power * factor);
    return;
  }
  constexpr std::int64_t run = 256;
  T weights[run];
  for (; begin < end; begin += run) {
    const std::int64_t n = std::min(run, end - begin);
    copy_weights(matrix.weights, begin, n, weights);
    for (std::int64_t k = 0; k < n; ++k)
      y[begin + k] = stored<Y>(loaded<T>(x[begin + k]) * power * factor * weights[k]);
  }
}

std::int64_t piece_end(std::int64_t columns, std::int64_t p) {
  return std::min((p + 1) * host_piece_columns(columns), columns);
}

template <class X, class Y>
HostSum sum_piece(const HostMatrix& matrix, const void* row, std::int64_t p) {
  const std::int64_t begin = p * host_piece_columns(matrix.columns);
  return sum_of<X, Y>(matrix.finisher, static_cast<const X*>(row) + begin, piece_end(matrix.columns, p) - begin, 1);
}

template <class X, class Y>
void rescale_pieces(const HostMatrix& matrix, const void* x, void* y, const HostScale& scale, std::int64_t first,
                    std::int64_t last) {
  for (std::int64_t p = last; p-- > first;)
    rescale(matrix, static_cast<const X*>(x), static_cast<Y*>(y), p * host_piece_columns(matrix.columns),
            piece_end(matrix.columns, p), scale);
}

template <class X, class Y>
void normalize_row(const HostMatrix& matrix, std::int64_t i) {
  const HostFinisher& finisher = matrix.finisher;
  const X* const x = static_cast<const X*>(matrix.x) + i * matrix.x_stride;
  HostSum sum = sum_piece<X, Y>(matrix, x, 0);
  const std::int64_t pieces = host_pieces(matrix.columns);
  for (std::int64_t p = 1; p < pieces; ++p) sum = finisher.combine(sum, sum_piece<X, Y>(matrix, x, p));
  const HostScale scale = finisher.finish(finisher.finisher, i, sum);
  if (matrix.writes_y)
    rescale_pieces<X, Y>(matrix, x, static_cast<Y*>(matrix.y) + i * matrix.y_stride, scale, 0, pieces);
}

/// f(begin, n, weights of n columns from `begin` on) for runs of columns, the last one first.
template <class T, class F>
void for_each_run(const HostWeights& weights, std::int64_t begin, std::int64_t end, const F& f) {
  constexpr std::int64_t run = 256;
  T of_columns[run];
  std::fill_n(of_columns, run, T{1});
  for (std::int64_t j = begin + (end - begin - 1) / run * run; j >= begin; j -= run) {
    const std::int64_t n = std::min(run, end - j);
    if (weights.data != nullptr) copy_weights(weights, j, n, of_columns);
    f(j, n, of_columns);
  }
}

/// The dot product of a part of x and of the weighted gradient.
template <class X>
HostSum dot_piece(const HostMatrix& matrix, const X* x, const X* of_y, std::int64_t begin, std::int64_t end) {
  using T = ComputeOf<X, X>;
  constexpr int lanes = 16;
  Sums<T, lanes> sums;
  for_each_run<T>(matrix.weights, begin, end, [&](std::int64_t j, std::int64_t n, const T* weights) {
    const auto add = [&](int lane, std::int64_t k) {
      sums.add_product(lane, loaded<double>(x[j + k]), loaded<double>(of_y[j + k]) * weights[k]);
    };
    std::int64_t k = 0;
    for (; k + lanes <= n; k += lanes)
      for (int lane = 0; lane < lanes; ++lane) add(lane, k + lane);
    for (; k < n; ++k) add(static_cast<int>(k % lanes), k);
  });
  return sum_of_lanes<HostNorm::magnitudes>(sums);
}

/// A row of x, of the gradient with respect to y, and of that with respect to x.
template <class X>
struct GradientRow {
  const X* x;
  const X* of_y;
  X* y;

  GradientRow(const HostMatrix& matrix, const HostGradient& gradient, std::int64_t i)
      : x(static_cast<const X*>(matrix.x) + i * matrix.x_stride),
        of_y(static_cast<const X*>(gradient.of_y) + i * matrix.x_stride),
        y(static_cast<X*>(matrix.y) + i * matrix.y_stride) {}
};

template <class X>
HostGradientSum gradient_sum_of_row(const HostMatrix& matrix, const HostGradient& gradient, const GradientRow<X>& row) {
  const auto sum_of = [&](std::int64_t p) {
    const std::int64_t begin = p * host_piece_columns(matrix.columns);
    return HostGradientSum{sum_piece<X, X>(matrix, row.x, p),
                           dot_piece(matrix, row.x, row.of_y, begin, piece_end(matrix.columns, p))};
  };
  HostGradientSum sum = sum_of(0);
  for (std::int64_t p = 1; p < host_pieces(matrix.columns); ++p)
    sum = gradient.combine(gradient.finisher, sum, sum_of(p));
  return sum;
}

template <bool takes_squares, class X>
void store_gradients(const HostMatrix& matrix, const GradientRow<X>& row, const HostGradientScale& scale) {
  using T = ComputeOf<X, X>;
  const auto direct = static_cast<T>(scale.direct), along = static_cast<T>(scale.along),
             slope = static_cast<T>(scale.slope);
  const auto direction = [=](T x) { return takes_squares ? x * slope : static_cast<T>((x > 0) - (x < 0)); };
  for_each_run<T>(matrix.weights, 0, matrix.columns, [&](std::int64_t j, std::int64_t n, const T* weights) {
    for (std::int64_t k = 0; k < n; ++k)
      row.y[j + k] =
          stored<X>(direct * (loaded<T>(row.of_y[j + k]) * weights[k]) - along * direction(loaded<T>(row.x[j + k])));
  });
}

template <class X>
void gradients_of_row(const HostMatrix& matrix, const HostGradient& gradient, std::int64_t i) {
  const GradientRow<X> row(matrix, gradient, i);
  const HostGradientSum sum = gradient_sum_of_row(matrix, gradient, row);
  HostGradientScale scale;
  gradient.finish(gradient.finisher, &sum, 1, &scale);
  if (matrix.finisher.norm == HostNorm::squares)
    store_gradients<true>(matrix, row, scale);
  else
    store_gradients<false>(matrix, row, scale);
}

template <class X>
void gradients(const HostMatrix& matrix, const HostGradient& gradient, std::int64_t first, std::int64_t last) {
  for (std::int64_t i = first; i < last; ++i) gradients_of_row<X>(matrix, gradient, i);
}

/// Neighbouring rows, column by column.
template <class X, class Y>
void normalize_tile(const HostMatrix& matrix, std::int64_t first, std::int64_t rows) {
  using T = ComputeOf<X, Y>;
  constexpr int most = 64;
  const HostFinisher& finisher = matrix.finisher;
  const std::int64_t x_row = matrix.x_by_columns ? 1 : matrix.x_stride,
                     x_column = matrix.x_by_columns ? matrix.x_stride : 1;
  const std::int64_t y_row = matrix.y_by_columns ? 1 : matrix.y_stride,
                     y_column = matrix.y_by_columns ? matrix.y_stride : 1;
  const X* const x = static_cast<const X*>(matrix.x) + first * x_row;
  Y* const y = static_cast<Y*>(matrix.y) + first * y_row;
  const int n = static_cast<int>(std::min<std::int64_t>(rows, most));
  T powers[most], factors[most];
  with_norm(finisher.norm, [&]<HostNorm norm>() {
    Sums<T, most> sums;
    for (std::int64_t j = 0; j < matrix.columns; ++j)
      for (int i = 0; i < n; ++i) {
        const auto value = loaded<double>(x[i * x_row + j * x_column]);
        sums.template add<norm>(i, norm == HostNorm::magnitudes ? std::abs(value) : value);
      }
    for (int i = 0; i < n; ++i) {
      HostSum sum = sums.template at<norm>(i);
      if (const HostUnits better = finisher.better_units(sum); better.per_unit != 1)
        sum = sum_in<norm, X, Y>(better, x + i * x_row, matrix.columns, x_column);
      const HostScale scale = finisher.finish(finisher.finisher, first + i, sum);
      powers[i] = static_cast<T>(scale.power);
      factors[i] = static_cast<T>(scale.factor);
    }
  });
  for (std::int64_t j = 0; matrix.writes_y && j < matrix.columns; ++j) {
    T weight;
    copy_weights(matrix.weights, j, 1, &weight);
    for (int i = 0; i < n; ++i)
      y[i * y_row + j * y_column] = stored<Y>(loaded<T>(x[i * x_row + j * x_column]) * powers[i] * factors[i] * weight);
  }
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

HostKernels host_kernels(RealType x, RealType y) {
  return host_kernels_for<Half, BFloat>(x, y, []<class X, class Y>() {
    HostKernels kernels{sum_piece<X, Y>, rescale_pieces<X, Y>, normalize_rows<X, Y>, normalize_tiles<X, Y>};
    if constexpr (std::is_same_v<X, Y>) kernels.gradients = gradients<X>;
    return kernels;
  });
}

const char* host_instructions() { return ""; }

}  // namespace rownorm::impl
