// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Rows times their scales.
#if defined(ROWNORM_HOST_ROWS_PRODUCTS_HPP) == defined(HWY_TARGET_TOGGLE)  // once for each instruction set
#ifdef ROWNORM_HOST_ROWS_PRODUCTS_HPP
#undef ROWNORM_HOST_ROWS_PRODUCTS_HPP
#else
#define ROWNORM_HOST_ROWS_PRODUCTS_HPP
#endif

#include <algorithm>
#include <cstdint>
#include <host_rows/sums.hpp>
#include <host_rows/values.hpp>
#include <host_rows/weights.hpp>
#include <rownorm/impl/host_rows.hpp>
#include <type_traits>

HWY_BEFORE_NAMESPACE();
namespace rownorm::impl {
namespace HWY_NAMESPACE {
namespace {

/// y = (x * power) * factor * weight, for parts of a row that begin where `begin` says, but for the first.
template <bool bypass_cache, bool has_power, class X, class Y>
class RowProduct {
  using T = ComputeOf<X, Y>;
  using D = hn::ScalableTag<T>;

 public:
  HWY_INLINE RowProduct(const X* x, Y* y, const HostScale& scale)
      : x_(x),
        y_(y),
        power_(hn::Set(D(), static_cast<T>(scale.power))),
        factor_(hn::Set(D(), static_cast<T>(scale.factor))) {}

  /// The weights of the columns from j on; null where there are none.
  HWY_INLINE void set_weights(const T* weights, std::int64_t j) {
    weights_ = weights;
    first_weight_ = j;
  }

  HWY_INLINE void few(std::int64_t j, std::int64_t end) const {
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(D()));
    for (; j < end; j += lanes) {
      const auto count = static_cast<std::size_t>(std::min(lanes, end - j));
      auto v = product(load_n(D(), x_ + j, count));
      if (weights_) v = hn::Mul(v, hn::LoadN(D(), weights_ + (j - first_weight_), count));
      store_n(D(), v, y_ + j, count);
    }
  }

  /// As many values as PieceSum takes at a step; y + j lies at the start of a line.
  HWY_INLINE void step(std::int64_t j) const {
    if (weights_)
      vectors<true>(j);
    else
      vectors<false>(j);
  }

 private:
  template <bool has_weights>
  HWY_INLINE void vectors(std::int64_t j) const {
    two_vectors<has_weights>(j);
    if constexpr (sizeof(T) == 8) two_vectors<has_weights>(j + 2 * hn::Lanes(D()));
  }
  template <bool has_weights>
  HWY_INLINE void two_vectors(std::int64_t j) const {
    const auto lanes = hn::Lanes(D());
    auto v0 = product(load(D(), x_ + j)), v1 = product(load(D(), x_ + j + lanes));
    if constexpr (has_weights) {
      const T* const weights = weights_ + (j - first_weight_);
      v0 = hn::Mul(v0, hn::LoadU(D(), weights));
      v1 = hn::Mul(v1, hn::LoadU(D(), weights + lanes));
    }
    store_two<bypass_cache>(D(), v0, v1, y_ + j);
  }
  HWY_INLINE hn::Vec<D> product(hn::Vec<D> v) const { return hn::Mul(has_power ? hn::Mul(v, power_) : v, factor_); }

  const X* x_;
  Y* y_;
  hn::Vec<D> power_, factor_;
  const T* weights_ = nullptr;
  std::int64_t first_weight_ = 0;
};

/// Elements that are neighbours, and where they are stored.
template <class X, class Y>
struct RowPart {
  const X* x;  ///< of the whole row
  Y* y;
  std::int64_t begin, end;
};

/// Rescales a part of a row, and meanwhile sums the n elements from `next` on, so that memory is read and written at
/// the same time. The sum is of rows that have the same type as y.
template <bool bypass_cache, bool has_power, class X, class Y>
HWY_INLINE HostSum rescale_and_sum(const HostFinisher& finisher, const RowPart<X, Y>& row, const HostScale& scale,
                                   Weights<ComputeOf<X, Y>>& weights, const X* next, std::int64_t n) {
  constexpr bool sums_next = std::is_same_v<X, Y> && !has_power;
  RowProduct<bypass_cache, has_power, X, Y> product(row.x, row.y, scale);
  PieceSum<X, Y> sum(finisher.norm);
  const std::int64_t step = sum.step_values();
  std::int64_t j = std::min(row.end, row.begin + elements_to_line(row.y + row.begin)), k = 0;
  product.set_weights(weights.at(row.begin, j), row.begin);
  product.few(row.begin, j);
  while (j < row.end) {
    const std::int64_t end = weights.run_end(j, row.end);
    product.set_weights(weights.at(j, end), j);
    if constexpr (sums_next)
      for (; j + step <= end && k + step <= n; j += step, k += step) {
        sum.step(next + k);
        product.step(j);
      }
    for (; j + step <= end; j += step) product.step(j);
    product.few(j, end);
    j = end;
  }
  if constexpr (sums_next)
    return checked<X, Y>(finisher, finish_piece(sum, next, k, n), next, n);
  else
    return n > 0 ? sum_piece<X, Y>(finisher, next, n) : HostSum{};
}

template <class X, class Y>
HWY_NOINLINE HostSum rescale(const HostMatrix& matrix, const RowPart<X, Y>& row, const HostScale& scale,
                             Weights<ComputeOf<X, Y>>& weights, const X* next = nullptr, std::int64_t n = 0) {
  const HostFinisher& finisher = matrix.finisher;
  if (scale.power != 1) return rescale_and_sum<false, true>(finisher, row, scale, weights, next, n);
  if (matrix.bypass_cache) return rescale_and_sum<true, false>(finisher, row, scale, weights, next, n);
  return rescale_and_sum<false, false>(finisher, row, scale, weights, next, n);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace rownorm::impl
HWY_AFTER_NAMESPACE();

#endif
