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

/// The sums of many rows, their norms, and what they are multiplied by.
template <class T>
struct RowValues {
  double* totals;
  double* errors;
  double* norms;
  T* factors;
  T* powers;
  double* columns = nullptr;  ///< that each sum is divided by, or null: all by those of the finisher
};

/// The norms of rows whose sums are these, where those need no other units. `columns`: see RowValues.
template <class T, class D, class V = hn::Vec<D>>
HWY_INLINE V norms_of(D d, const HostFinisher& finisher, V total, const double* errors, const double* columns) {
  if (finisher.norm == HostNorm::largest) {
    const auto error = hn::LoadU(d, errors);
    return hn::IfThenElse(hn::IsNaN(error), error, total);
  }
  if constexpr (sizeof(T) == 8) total = hn::Add(total, hn::LoadU(d, errors));
  if (columns)
    total = hn::Div(total, hn::LoadU(d, columns));
  else if constexpr (sizeof(T) == 8)
    total = hn::Div(total, hn::Set(d, finisher.columns));
  else
    total = hn::Mul(total, hn::Set(d, 1 / finisher.columns));  // not the nearest double, which no float can tell
  return finisher.norm == HostNorm::squares ? hn::Sqrt(total) : total;
}

/// From sums to scales, for so many rows, the first of which is number `first` of its matrix. True where all powers are
/// one, and not set. sum_again(row) is called where a sum is not to be trusted.
template <class T, class SumAgain>
HWY_INLINE bool find_scales(const HostFinisher& finisher, const RowValues<T>& of, std::int64_t first, std::int64_t rows,
                            const SumAgain& sum_again) {
  const hn::ScalableTag<double> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const auto epsilon = hn::Set(d, finisher.epsilon), one = hn::Set(d, 1.0), zero = hn::Zero(d);
  const auto least_total = hn::Set(d, finisher.least_total);
  const auto smallest = hn::Set(d, finisher.smallest), largest = hn::Set(d, finisher.largest);
  for (std::int64_t row = rows; row % lanes != 0; ++row) {
    of.totals[row] = of.totals[0];
    of.errors[row] = of.errors[0];
    if (of.columns) of.columns[row] = of.columns[0];
  }
  auto are_plain = hn::Eq(one, one);
  for (std::int64_t row = 0; row < rows; row += lanes) {
    const auto total = hn::LoadU(d, of.totals + row);
    const auto norm = norms_of<T>(d, finisher, total, of.errors + row, of.columns ? of.columns + row : nullptr);
    const auto divisor = hn::Add(norm, epsilon);
    const auto is_ordinary = hn::And(hn::Ge(divisor, smallest), hn::Le(divisor, largest));
    // Rows of zeros stay as they are where epsilon is 0.
    const auto is_zero = hn::And(hn::Eq(total, zero), hn::Eq(divisor, zero));
    are_plain = hn::And(are_plain, hn::And(hn::Ge(total, least_total), hn::Or(is_ordinary, is_zero)));
    hn::StoreU(norm, d, of.norms + row);
    store<false>(d, hn::IfThenElse(is_zero, one, hn::Div(one, divisor)), of.factors + row);
  }
  if (finisher.record_norms) finisher.record_norms(finisher.finisher, first, rows, of.norms);
  if (HWY_LIKELY(hn::AllTrue(d, are_plain))) return true;
  // The other rows keep their factors: their bits must not depend on what rows are beside them.
  for (std::int64_t row = 0; row < rows; ++row) {
    of.powers[row] = 1;
    const double total = of.totals[row], norm = of.norms[row], divisor = norm + finisher.epsilon;
    const bool is_trusted = total >= finisher.least_total && total < infinity;
    const bool is_ordinary = divisor >= finisher.smallest && divisor <= finisher.largest;
    if (is_trusted && (is_ordinary || (total == 0 && divisor == 0))) continue;
    HostSum sum{.total = norm};  // if that is the largest value
    if (finisher.norm != HostNorm::largest)
      sum = is_trusted ? HostSum{.total = total, .error = sizeof(T) == 8 ? of.errors[row] : 0} : sum_again(row);
    const HostScale scale = finisher.finish(finisher.finisher, first + row, sum);
    of.factors[row] = static_cast<T>(scale.factor);
    of.powers[row] = static_cast<T>(scale.power);
  }
  return false;
}

/// A weight beside each of many values, or null.
template <class T>
struct WeightsBeside {
  const T* weights;

  HWY_INLINE explicit operator bool() const { return weights != nullptr; }
  template <class D>
  HWY_INLINE hn::Vec<D> at(D d, std::int64_t j) const {
    return hn::LoadU(d, weights + j);
  }
};

/// One weight for all values, or null.
template <class T>
struct WeightOfAll {
  const T* weight;

  HWY_INLINE explicit operator bool() const { return weight != nullptr; }
  template <class D>
  HWY_INLINE hn::Vec<D> at(D d, std::int64_t) const {
    return hn::Set(d, *weight);
  }
};

/// A scale beside each of many values, and their weights.
template <class T, class WeightsOf>
class Scales {
  using D = hn::ScalableTag<T>;

 public:
  HWY_INLINE Scales(const T* factors, const T* powers, const WeightsOf& weights)
      : factors_(factors), powers_(powers), weights_(weights) {}

  template <bool has_powers, class X, class Y>
  HWY_INLINE void store_few(const X* x, Y* y, std::int64_t j, std::int64_t end) const {
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(D()));
    for (; j < end; j += lanes) {
      const auto count = static_cast<std::size_t>(std::min(lanes, end - j));
      auto v = product<has_powers, false>(load_n(D(), x + j, count), j);
      if (weights_) v = hn::Mul(v, weights_.at(D(), j));
      store_n(D(), v, y + j, count);
    }
  }

  /// Stores from j on what fills vectors, or two of them where values have 16 bits; says where it ended.
  template <bool bypass_cache, bool has_powers, class X, class Y>
  HWY_INLINE std::int64_t store_vectors(const X* x, Y* y, std::int64_t j, std::int64_t end) const {
    return weights_ ? store_all<bypass_cache, has_powers, true>(x, y, j, end)
                    : store_all<bypass_cache, has_powers, false>(x, y, j, end);
  }

 private:
  template <bool bypass_cache, bool has_powers, bool has_weights, class X, class Y>
  HWY_INLINE std::int64_t store_all(const X* x, Y* y, std::int64_t j, std::int64_t end) const {
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(D()));
    const auto product_at = [&](std::int64_t k)
                                HWY_ATTR { return product<has_powers, has_weights>(load(D(), x + k), k); };
    if constexpr (sizeof(Y) == 2)
      for (; j + 2 * lanes <= end; j += 2 * lanes)
        store_two<bypass_cache>(D(), product_at(j), product_at(j + lanes), y + j);
    else
      for (; j + lanes <= end; j += lanes) store<bypass_cache>(D(), product_at(j), y + j);
    return j;
  }

  template <bool has_powers, bool has_weights>
  HWY_INLINE hn::Vec<D> product(hn::Vec<D> v, std::int64_t j) const {
    if constexpr (has_powers) v = hn::Mul(v, hn::LoadU(D(), powers_ + j));
    v = hn::Mul(v, hn::LoadU(D(), factors_ + j));
    return has_weights ? hn::Mul(v, weights_.at(D(), j)) : v;
  }

  const T* factors_;
  const T* powers_;
  WeightsOf weights_;
};

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace rownorm::impl
HWY_AFTER_NAMESPACE();

#endif
