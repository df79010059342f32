// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Scales of many rows at once.
#if defined(ROWNORM_HOST_ROWS_SCALES_HPP) == defined(HWY_TARGET_TOGGLE)  // once for each instruction set
#ifdef ROWNORM_HOST_ROWS_SCALES_HPP
#undef ROWNORM_HOST_ROWS_SCALES_HPP
#else
#define ROWNORM_HOST_ROWS_SCALES_HPP
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <host_rows/sums.hpp>
#include <host_rows/values.hpp>
#include <rownorm/impl/host_rows.hpp>

HWY_BEFORE_NAMESPACE();
namespace rownorm::impl {
namespace HWY_NAMESPACE {
namespace {

/// So many values vectors may reach past the last.
constexpr std::int64_t slack = host_vector_slack;

/// The sums of many rows, and what they are multiplied by.
template <class T>
struct RowValues {
  double* totals;
  double* errors;
  T* factors;
  T* powers;
};

/// From sums to scales, for so many rows. True where all powers are one, and not set. sum_again(row) is called where
/// a sum has overflowed.
template <class T, class SumAgain>
HWY_INLINE bool find_scales(const HostFinisher& finisher, const RowValues<T>& of, std::int64_t rows,
                            const SumAgain& sum_again) {
  const hn::ScalableTag<double> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const auto epsilon = hn::Set(d, finisher.epsilon), one = hn::Set(d, 1.0);
  const auto columns = hn::Set(d, finisher.columns), inverse = hn::Set(d, 1 / finisher.columns);
  const auto smallest = hn::Set(d, finisher.smallest), largest = hn::Set(d, finisher.largest);
  for (std::int64_t row = rows; row % lanes != 0; ++row) {
    of.totals[row] = of.totals[0];
    of.errors[row] = of.errors[0];
  }
  auto are_plain = hn::Eq(one, one);
  for (std::int64_t row = 0; row < rows; row += lanes) {
    auto mean = hn::LoadU(d, of.totals + row);
    if constexpr (sizeof(T) == 8)
      mean = hn::Div(hn::Add(mean, hn::LoadU(d, of.errors + row)), columns);
    else
      mean = hn::Mul(mean, inverse);  // not the nearest double, which no float can tell
    const auto divisor = hn::Add(mean, epsilon);
    are_plain = hn::And(are_plain, hn::And(hn::Ge(divisor, smallest), hn::Le(divisor, largest)));
    store<false>(d, hn::Div(one, divisor), of.factors + row);
  }
  if (HWY_LIKELY(hn::AllTrue(d, are_plain))) return true;
  // The other rows keep their factors: their bits must not depend on what rows are beside them.
  const auto sum_of = [&](std::int64_t row) { return HostSum{of.totals[row], sizeof(T) == 8 ? of.errors[row] : 0}; };
  const auto is_plain = [&](const HostSum& sum) {
    const double mean =
        sizeof(T) == 8 ? (sum.total + sum.error) / finisher.columns : sum.total * (1 / finisher.columns);
    const double divisor = mean + finisher.epsilon;
    return divisor >= finisher.smallest && divisor <= finisher.largest;
  };
  for (std::int64_t row = 0; row < rows; ++row) {
    of.powers[row] = 1;
    const HostSum sum = sum_of(row);
    if (is_plain(sum)) continue;
    const HostScale scale = finisher.scale(finisher.finisher, sum.total == infinity ? sum_again(row) : sum);
    of.factors[row] = static_cast<T>(scale.factor);
    of.powers[row] = static_cast<T>(scale.power);
  }
  return false;
}

/// A scale beside each of many values.
template <class T>
class Scales {
  using D = hn::ScalableTag<T>;

 public:
  HWY_INLINE Scales(const T* factors, const T* powers) : factors_(factors), powers_(powers) {}

  template <bool has_powers, class X, class Y>
  HWY_INLINE void store_few(const X* x, Y* y, std::int64_t j, std::int64_t end) const {
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(D()));
    for (; j < end; j += lanes) {
      const auto count = static_cast<std::size_t>(std::min(lanes, end - j));
      store_n(D(), product<has_powers>(load_n(D(), x + j, count), j), y + j, count);
    }
  }

  /// Stores from j on what fills vectors, or two of them where values have 16 bits; says where it ended.
  template <bool bypass_cache, bool has_powers, class X, class Y>
  HWY_INLINE std::int64_t store_vectors(const X* x, Y* y, std::int64_t j, std::int64_t end) const {
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(D()));
    if constexpr (sizeof(Y) == 2)
      for (; j + 2 * lanes <= end; j += 2 * lanes)
        store_two<bypass_cache>(D(), product<has_powers>(load(D(), x + j), j),
                                product<has_powers>(load(D(), x + j + lanes), j + lanes), y + j);
    else
      for (; j + lanes <= end; j += lanes) store<bypass_cache>(D(), product<has_powers>(load(D(), x + j), j), y + j);
    return j;
  }

 private:
  template <bool has_powers>
  HWY_INLINE hn::Vec<D> product(hn::Vec<D> v, std::int64_t j) const {
    if constexpr (has_powers) v = hn::Mul(v, hn::LoadU(D(), powers_ + j));
    return hn::Mul(v, hn::LoadU(D(), factors_ + j));
  }

  const T* factors_;
  const T* powers_;
};

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace rownorm::impl
HWY_AFTER_NAMESPACE();

#endif
