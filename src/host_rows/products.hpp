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
#include <rownorm/impl/host_rows.hpp>

HWY_BEFORE_NAMESPACE();
namespace rownorm::impl {
namespace HWY_NAMESPACE {
namespace {

/// y = (x * power) * factor, for parts of a row that begin where `begin` says, but for the first.
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

  HWY_INLINE void few(std::int64_t j, std::int64_t end) const {
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(D()));
    for (; j < end; j += lanes) {
      const auto count = static_cast<std::size_t>(std::min(lanes, end - j));
      store_n(D(), product(load_n(D(), x_ + j, count)), y_ + j, count);
    }
  }

  /// As many values as PieceSum takes at a step; y + j lies at the start of a line.
  HWY_INLINE void step(std::int64_t j) const {
    two_vectors(j);
    if constexpr (sizeof(T) == 8) two_vectors(j + 2 * hn::Lanes(D()));
  }

 private:
  HWY_INLINE void two_vectors(std::int64_t j) const {
    const auto lanes = hn::Lanes(D());
    store_two<bypass_cache>(D(), product(load(D(), x_ + j)), product(load(D(), x_ + j + lanes)), y_ + j);
  }
  HWY_INLINE hn::Vec<D> product(hn::Vec<D> v) const { return hn::Mul(has_power ? hn::Mul(v, power_) : v, factor_); }

  const X* x_;
  Y* y_;
  hn::Vec<D> power_, factor_;
};

/// Rescales a row from its element `begin` to before `end`, and meanwhile sums the n elements from `next` on, so that
/// memory is read and written at the same time.
template <bool bypass_cache, bool has_power, class X, class Y>
HWY_INLINE HostSum rescale_and_sum(const X* x, Y* y, std::int64_t begin, std::int64_t end, const HostScale& scale,
                                   const X* next, std::int64_t n) {
  const RowProduct<bypass_cache, has_power, X, Y> product(x, y, scale);
  PieceSum<X, Y> sum;
  const std::int64_t step = sum.step_values();
  std::int64_t j = std::min(end, begin + elements_to_line(y + begin)), k = 0;
  product.few(begin, j);
  for (; j + step <= end && k + step <= n; j += step, k += step) {
    sum.step(next + k);
    product.step(j);
  }
  for (; j + step <= end; j += step) product.step(j);
  product.few(j, end);
  return checked<X, Y>(finish_piece(sum, next, k, n), next, n);
}

template <class X, class Y>
HWY_NOINLINE HostSum rescale_row(const X* x, Y* y, std::int64_t begin, std::int64_t end, const HostScale& scale,
                                 bool bypass_cache, const X* next = nullptr, std::int64_t n = 0) {
  if (scale.power != 1) return rescale_and_sum<false, true>(x, y, begin, end, scale, next, n);
  if (bypass_cache) return rescale_and_sum<true, false>(x, y, begin, end, scale, next, n);
  return rescale_and_sum<false, false>(x, y, begin, end, scale, next, n);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace rownorm::impl
HWY_AFTER_NAMESPACE();

#endif
