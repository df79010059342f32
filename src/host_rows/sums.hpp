// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Sums of absolute values, vector by vector.
#if defined(ROWNORM_HOST_ROWS_SUMS_HPP) == defined(HWY_TARGET_TOGGLE)  // once for each instruction set
#ifdef ROWNORM_HOST_ROWS_SUMS_HPP
#undef ROWNORM_HOST_ROWS_SUMS_HPP
#else
#define ROWNORM_HOST_ROWS_SUMS_HPP
#endif

#include <algorithm>
#include <cstdint>
#include <host_rows/values.hpp>
#include <limits>
#include <rownorm/impl/host_rows.hpp>
#include <type_traits>

HWY_BEFORE_NAMESPACE();
namespace rownorm::impl {
namespace HWY_NAMESPACE {
namespace {

/// A vector of sums in double, exact enough for values of float or less.
template <class D>
struct PlainSums {
  hn::Vec<D> total;

  HWY_INLINE PlainSums() : total(hn::Zero(D())) {}
  HWY_INLINE void add(hn::Vec<D> value) { total = hn::Add(total, value); }
  HWY_INLINE void add(const PlainSums& other) { add(other.total); }
  HWY_INLINE HostSum reduced() const { return {hn::ReduceSum(D(), total), 0}; }
#if !HWY_HAVE_SCALABLE
  /// The sums of neighbouring lanes, a's and then b's.
  static HWY_INLINE PlainSums of_neighbours(const PlainSums& a, const PlainSums& b) {
    PlainSums sums;
    sums.total = hn::Add(hn::ConcatEven(D(), b.total, a.total), hn::ConcatOdd(D(), b.total, a.total));
    return sums;
  }
#endif
  HWY_INLINE void load(const double* totals, const double*) { total = hn::LoadU(D(), totals); }
  HWY_INLINE void store(double* totals, double*) const { hn::StoreU(total, D(), totals); }
};

/// The same for values of double: what rounding takes from a total is summed as well (Knuth's two-sum).
template <class D>
struct CompensatedSums {
  hn::Vec<D> total;
  hn::Vec<D> error;

  HWY_INLINE CompensatedSums() : total(hn::Zero(D())), error(hn::Zero(D())) {}
  HWY_INLINE void add(hn::Vec<D> value) {
    const auto sum = hn::Add(total, value), added = hn::Sub(sum, total);
    error = hn::Add(error, hn::Add(hn::Sub(total, hn::Sub(sum, added)), hn::Sub(value, added)));
    total = sum;
  }
  HWY_INLINE void add(const CompensatedSums& other) {
    add(other.total);
    error = hn::Add(error, other.error);
  }
  HWY_INLINE HostSum reduced() const {
#if HWY_HAVE_SCALABLE
    HWY_ALIGN double totals[hn::MaxLanes(D())];
    hn::Store(total, D(), totals);
    const hn::CappedTag<double, 1> one;
    CompensatedSums<hn::CappedTag<double, 1>> sums;
    for (std::size_t lane = 0; lane < hn::Lanes(D()); ++lane) sums.add(hn::Set(one, totals[lane]));
    return {hn::GetLane(sums.total), hn::GetLane(sums.error) + hn::ReduceSum(D(), error)};
#else
    if constexpr (hn::MaxLanes(D()) == 1) {
      return {hn::GetLane(total), hn::GetLane(error)};
    } else {
      using Half = hn::Half<D>;
      CompensatedSums<Half> half, upper;
      half.total = hn::LowerHalf(Half(), total), half.error = hn::LowerHalf(Half(), error);
      upper.total = hn::UpperHalf(Half(), total), upper.error = hn::UpperHalf(Half(), error);
      half.add(upper);
      return half.reduced();
    }
#endif
  }
#if !HWY_HAVE_SCALABLE
  static HWY_INLINE CompensatedSums of_neighbours(const CompensatedSums& a, const CompensatedSums& b) {
    CompensatedSums sums, odd;
    sums.total = hn::ConcatEven(D(), b.total, a.total), sums.error = hn::ConcatEven(D(), b.error, a.error);
    odd.total = hn::ConcatOdd(D(), b.total, a.total), odd.error = hn::ConcatOdd(D(), b.error, a.error);
    sums.add(odd);
    return sums;
  }
#endif
  HWY_INLINE void load(const double* totals, const double* errors) {
    total = hn::LoadU(D(), totals);
    error = hn::LoadU(D(), errors);
  }
  HWY_INLINE void store(double* totals, double* errors) const {
    hn::StoreU(total, D(), totals);
    hn::StoreU(error, D(), errors);
  }
};

template <class X, class Y, class D>
using SumsOf = std::conditional_t<std::is_same_v<ComputeOf<X, Y>, double>, CompensatedSums<D>, PlainSums<D>>;

/// Of one piece of a row, step by step, so that something else can be done between the steps. Values are taken in
/// units: double holds any sum of float or less.
template <class X, class Y>
class PieceSum {
  using D = hn::ScalableTag<double>;
  using F = hn::ScalableTag<float>;
  using Sums = SumsOf<X, Y, D>;
  /// Neighbours of 16 bits are added in float first: half the conversions to double.
  static constexpr bool in_pairs = sizeof(X) == 2 && std::is_same_v<ComputeOf<X, Y>, float>;

 public:
  HWY_INLINE explicit PieceSum(double value_per_unit = 1) : factor_(hn::Set(D(), value_per_unit)) {}

  static HWY_INLINE std::int64_t step_values() { return 4 * static_cast<std::int64_t>(hn::Lanes(D())); }

  HWY_INLINE void step(const X* x) {
    const auto lanes = hn::Lanes(D());
    for (std::int64_t j = 0; j < step_values(); j += line_bytes / sizeof(X))
      hwy::Prefetch(x + j + fetch_ahead_bytes / sizeof(X));
    if constexpr (in_pairs) {
      add_pair(load(F(), x), load(F(), x + 2 * lanes));
    } else {
      add(sums0_, load(D(), x));
      add(sums1_, load(D(), x + lanes));
      add(sums2_, load(D(), x + 2 * lanes));
      add(sums3_, load(D(), x + 3 * lanes));
    }
  }

  /// Fewer values than a step has.
  HWY_INLINE void last_step(const X* x, std::size_t n) {
    const auto lanes = hn::Lanes(D());
    if constexpr (in_pairs) {
      const auto most = hn::Lanes(F());
      add_pair(load_n(F(), x, std::min(n, most)), load_n(F(), x + most, n > most ? n - most : 0));
    } else {
      std::size_t j = 0;
      for (; j + lanes <= n; j += lanes) add(sums0_, load(D(), x + j));
      if (j < n) add(sums1_, load_n(D(), x + j, n - j));
    }
  }

  HWY_INLINE HostSum reduced() {
    sums0_.add(sums1_);
    if constexpr (!in_pairs) {
      sums2_.add(sums3_);
      sums0_.add(sums2_);
    }
    return sums0_.reduced();
  }

 private:
  HWY_INLINE void add(Sums& sums, hn::Vec<D> value) {
    value = hn::Abs(value);
    if constexpr (std::is_same_v<Sums, CompensatedSums<D>>) value = hn::Mul(value, factor_);
    sums.add(value);
  }
  HWY_INLINE void add_pair(hn::Vec<F> a, hn::Vec<F> b) {
    const auto sum = hn::Add(hn::Abs(a), hn::Abs(b));
    sums0_.add(hn::PromoteLowerTo(D(), sum));
    sums1_.add(hn::PromoteUpperTo(D(), sum));
  }

  hn::Vec<D> factor_;
  Sums sums0_, sums1_, sums2_, sums3_;
};

constexpr double infinity = std::numeric_limits<double>::infinity();

template <class X, class Y>
HWY_INLINE HostSum finish_piece(PieceSum<X, Y>& sum, const X* x, std::int64_t j, std::int64_t n) {
  const std::int64_t step = sum.step_values();
  for (; j + step <= n; j += step) sum.step(x + j);
  if (j < n) sum.last_step(x + j, static_cast<std::size_t>(n - j));
  return sum.reduced();
}

/// The sum of a piece that has left the range of what it was taken in.
template <class X, class Y>
HWY_NOINLINE HostSum sum_overflowed(const X* x, std::int64_t n) {
  if constexpr (std::is_same_v<ComputeOf<X, Y>, double>) {
    PieceSum<X, Y> sum(1 / HostSum::large_unit);
    return finish_piece(sum, x, 0, n);
  } else {
    double total = 0;  // pairs may overflow float, single values cannot overflow double
    for (std::int64_t j = 0; j < n; ++j)
      total += static_cast<double>(hn::GetLane(hn::Abs(load_n(hn::CappedTag<float, 1>(), x + j, 1))));
    return {total, 0};
  }
}

/// The sum of a row that has left the range of double when its values, which lie a stride apart, were added one by one.
template <class X, class Y>
HWY_NOINLINE HostSum sum_overflowed_row(const X* x, std::int64_t n, std::int64_t stride) {
  if constexpr (std::is_same_v<ComputeOf<X, Y>, float>) {
    return {infinity, 0};  // no sum of numbers does
  } else {
    const hn::CappedTag<double, 1> one;
    CompensatedSums<hn::CappedTag<double, 1>> sums;
    for (std::int64_t j = 0; j < n; ++j)
      sums.add(hn::Mul(hn::Abs(load_n(one, x + j * stride, 1)), hn::Set(one, 1 / HostSum::large_unit)));
    return {hn::GetLane(sums.total), hn::GetLane(sums.error)};
  }
}

template <class X, class Y>
HWY_INLINE HostSum checked(const HostSum& sum, const X* x, std::int64_t n) {
  return HWY_UNLIKELY(sum.total == infinity) ? sum_overflowed<X, Y>(x, n) : sum;
}

template <class X, class Y>
HWY_INLINE HostSum sum_piece(const X* x, std::int64_t n) {
  PieceSum<X, Y> sum;
  return checked<X, Y>(finish_piece(sum, x, 0, n), x, n);
}

/// A vector of sums of a row that has fewer values than a step, of which `vectors` are to be loaded, n of the last.
template <class X, class Y, int vectors>
HWY_INLINE auto sums_of_narrow_row(const X* x, std::size_t n) {
  using D = hn::ScalableTag<double>;
  const D d;
  const auto lanes = hn::Lanes(d);
  SumsOf<X, Y, D> sums;
  if constexpr (vectors == 1) {
    sums.total = hn::Abs(load_n(d, x, n));
  } else {
    sums.total = hn::Abs(load(d, x));
    if constexpr (vectors > 2) sums.add(hn::Abs(load(d, x + lanes)));
    if constexpr (vectors > 3) sums.add(hn::Abs(load(d, x + 2 * lanes)));
    sums.add(hn::Abs(load_n(d, x + (vectors - 1) * lanes, n)));
  }
  return sums;
}

#if HWY_HAVE_SCALABLE
constexpr std::int64_t narrow_rows_at_once = 1;
#else
/// So many narrow rows are summed at once, each into a lane: neighbouring lanes are added until each row has only one.
constexpr std::int64_t narrow_rows_at_once = hn::MaxLanes(hn::ScalableTag<double>());
#endif

template <class X, class Y, int vectors, std::int64_t rows>
HWY_INLINE auto sums_of_narrow_rows(const X* x, std::int64_t pitch, std::size_t n) {
  if constexpr (rows == 1) {
    return sums_of_narrow_row<X, Y, vectors>(x, n);
  } else {
    const auto lower = sums_of_narrow_rows<X, Y, vectors, rows / 2>(x, pitch, n);
    const auto upper = sums_of_narrow_rows<X, Y, vectors, rows / 2>(x + rows / 2 * pitch, pitch, n);
    return decltype(lower)::of_neighbours(lower, upper);
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace rownorm::impl
HWY_AFTER_NAMESPACE();

#endif
