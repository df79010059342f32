// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Sums of absolute values, vector by vector.
#if defined(ROWNORM_HOST_ROWS_SUMS_HPP) == defined(HWY_TARGET_TOGGLE)  // once for each instruction set
#ifdef ROWNORM_HOST_ROWS_SUMS_HPP
#undef ROWNORM_HOST_ROWS_SUMS_HPP
#else
#define ROWNORM_HOST_ROWS_SUMS_HPP
#endif

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <host_rows/values.hpp>
#include <limits>
#include <rownorm/impl/host_rows.hpp>
#include <type_traits>

HWY_BEFORE_NAMESPACE();
namespace rownorm::impl {
namespace HWY_NAMESPACE {
namespace {

/// f<norm>(), with the norm as a constant.
template <class F>
HWY_INLINE decltype(auto) with_norm(HostNorm norm, const F& f) {
  if (HWY_LIKELY(norm == HostNorm::magnitudes)) return f.template operator()<HostNorm::magnitudes>();
  if (norm == HostNorm::squares) return f.template operator()<HostNorm::squares>();
  return f.template operator()<HostNorm::largest>();
}

/// A vector of sums for rows that are computed in T. Those for float are plain sums in double, which is exact enough;
/// those for double sum as well what rounding takes from a total (Knuth's two-sum).
template <class T, class D>
struct Sums {
  static constexpr bool are_compensated = std::is_same_v<T, double>;
  /// True where a sum has two parts. Of a largest value the second is the sum of all, which is NaN if one of them is.
  template <HostNorm norm>
  static constexpr bool has_error = are_compensated || norm == HostNorm::largest;

  hn::Vec<D> total;
  hn::Vec<D> error;

  HWY_INLINE Sums() : total(hn::Zero(D())), error(hn::Zero(D())) {}

  template <HostNorm norm>
  HWY_INLINE void add(hn::Vec<D> value) {
    if constexpr (norm == HostNorm::largest) {
      add_largest(hn::Abs(value), hn::Abs(value));
    } else if constexpr (norm == HostNorm::magnitudes) {
      add_total(hn::Abs(value));
    } else if constexpr (are_compensated) {
      // The same with an unrounded square where the target has the instruction, else with a rounded one.
      const auto sum = hn::MulAdd(value, value, total), added = hn::Sub(sum, total);
      error = hn::Add(error, hn::Add(hn::Sub(total, hn::Sub(sum, added)), hn::MulSub(value, value, added)));
      total = sum;
    } else {
      total = hn::MulAdd(value, value, total);
    }
  }

  /// Adds a value that is first multiplied by `per_unit`, as far as units matter.
  template <HostNorm norm>
  HWY_INLINE void add(hn::Vec<D> value, hn::Vec<D> per_unit) {
    if constexpr (!are_compensated || norm == HostNorm::largest)
      add<norm>(value);
    else if constexpr (norm == HostNorm::squares)
      add<norm>(hn::Mul(value, per_unit));
    else
      add_total(hn::Mul(hn::Abs(value), per_unit));  // negative where units are: see AccurateSum
  }

  /// The sums that have this value alone.
  template <HostNorm norm>
  static HWY_INLINE Sums of(hn::Vec<D> value) {
    Sums sums;
    sums.total = norm == HostNorm::squares ? hn::Mul(value, value) : hn::Abs(value);
    if constexpr (norm == HostNorm::largest) sums.error = sums.total;
    if constexpr (norm == HostNorm::squares && are_compensated) sums.error = hn::MulSub(value, value, sums.total);
    return sums;
  }

  template <HostNorm norm>
  HWY_INLINE void add(const Sums& other) {
    if constexpr (norm == HostNorm::largest) {
      add_largest(other.total, other.error);
    } else {
      if constexpr (are_compensated) error = hn::Add(error, other.error);  // first: so a + b has the bits of b + a
      add_total(other.total);
    }
  }

  template <HostNorm norm>
  HWY_INLINE HostSum reduced() const {
    if constexpr (norm == HostNorm::largest) {
      const double sum = hn::ReduceSum(D(), error);
      return {sum == sum ? hn::ReduceMax(D(), total) : sum, 0};
    } else if constexpr (!are_compensated) {
      return {hn::ReduceSum(D(), total), 0};
    } else {
#if HWY_HAVE_SCALABLE
      HWY_ALIGN double totals[hn::MaxLanes(D())];
      hn::Store(total, D(), totals);
      const hn::CappedTag<double, 1> one;
      Sums<T, hn::CappedTag<double, 1>> sums;
      for (std::size_t lane = 0; lane < hn::Lanes(D()); ++lane) sums.add_total(hn::Set(one, totals[lane]));
      return {hn::GetLane(sums.total), hn::GetLane(sums.error) + hn::ReduceSum(D(), error)};
#else
      if constexpr (hn::MaxLanes(D()) == 1) {
        return {hn::GetLane(total), hn::GetLane(error)};
      } else {
        using Half = hn::Half<D>;
        Sums<T, Half> half, upper;
        half.total = hn::LowerHalf(Half(), total), half.error = hn::LowerHalf(Half(), error);
        upper.total = hn::UpperHalf(Half(), total), upper.error = hn::UpperHalf(Half(), error);
        half.template add<norm>(upper);
        return half.template reduced<norm>();
      }
#endif
    }
  }

#if !HWY_HAVE_SCALABLE
  /// Lane i of the result has lanes i and i + distance of a, or of b where i has the bit `distance` set, in which case
  /// these are i - distance and i. One shuffle and one blend each, as most processors have few units for shuffles.
  template <HostNorm norm, std::size_t distance>
  static HWY_INLINE Sums of_neighbours(const Sums& a, const Sums& b) {
    Sums sums, others;
    sums.total = kept<distance>(a.total, b.total), others.total = crossed<distance>(a.total, b.total);
    if constexpr (has_error<norm>)
      sums.error = kept<distance>(a.error, b.error), others.error = crossed<distance>(a.error, b.error);
    sums.template add<norm>(others);
    return sums;
  }
#endif
  template <HostNorm norm>
  HWY_INLINE void load(const double* totals, const double* errors) {
    total = hn::LoadU(D(), totals);
    if constexpr (has_error<norm>) error = hn::LoadU(D(), errors);
  }
  template <HostNorm norm>
  HWY_INLINE void store(double* totals, double* errors) const {
    hn::StoreU(total, D(), totals);
    if constexpr (has_error<norm>) hn::StoreU(error, D(), errors);
  }

  /// Adds a * b. Where sums are compensated, so is what rounding takes from the product: see DotProduct.
  HWY_INLINE void add_product(hn::Vec<D> a, hn::Vec<D> b) {
    if constexpr (are_compensated) {
      const auto product = hn::Mul(a, b);
      error = hn::Add(error, rounding_of(a, b, product));
      add_total(product);
    } else {
      total = hn::MulAdd(a, b, total);
    }
  }

  HWY_INLINE void add_total(hn::Vec<D> value) {
    const auto sum = hn::Add(total, value);
    if constexpr (are_compensated) {
      const auto added = hn::Sub(sum, total);
      error = hn::Add(error, hn::Add(hn::Sub(total, hn::Sub(sum, added)), hn::Sub(value, added)));
    }
    total = sum;
  }

 private:
#if !HWY_HAVE_SCALABLE
  /// Of every two groups of `distance` lanes the first of a and the second of b.
  template <std::size_t distance>
  static HWY_INLINE hn::Vec<D> kept(hn::Vec<D> a, hn::Vec<D> b) {
    if constexpr (2 * distance == hn::MaxLanes(D()))
      return hn::ConcatUpperLower(D(), b, a);
    else if constexpr (distance == 1)
      return hn::OddEven(b, a);
    else
      return hn::OddEvenBlocks(b, a);
  }
  /// The others: the second of a, and then the first of b.
  template <std::size_t distance>
  static HWY_INLINE hn::Vec<D> crossed(hn::Vec<D> a, hn::Vec<D> b) {
    if constexpr (2 * distance == hn::MaxLanes(D()))
      return hn::ConcatLowerUpper(D(), b, a);
    else if constexpr (distance == 1)
      return hn::CombineShiftRightBytes<sizeof(double)>(D(), b, a);
    else
      return hn::SwapAdjacentBlocks(hn::OddEvenBlocks(a, b));
  }
#endif
  /// a * b - product, exactly. Unlike squares, products of either sign may cancel, so that it matters everywhere.
  static HWY_INLINE hn::Vec<D> rounding_of(hn::Vec<D> a, hn::Vec<D> b, hn::Vec<D> product) {
#if HWY_NATIVE_FMA
    return hn::MulSub(a, b, product);
#else
    HWY_ALIGN double values[hn::MaxLanes(D())], factors[hn::MaxLanes(D())], products[hn::MaxLanes(D())];
    hn::Store(a, D(), values), hn::Store(b, D(), factors), hn::Store(product, D(), products);
    for (std::size_t lane = 0; lane < hn::Lanes(D()); ++lane)
      products[lane] = std::fma(values[lane], factors[lane], -products[lane]);
    return hn::Load(D(), products);
#endif
  }
  HWY_INLINE void add_largest(hn::Vec<D> largest, hn::Vec<D> sum) {
    total = hn::Max(total, largest);
    error = hn::Add(error, sum);
  }
};

/// Of one piece of a row, step by step, so that something else can be done between the steps. Values are taken in
/// units: double holds any sum of float or less.
template <class X, class Y>
class PieceSum {
  using T = ComputeOf<X, Y>;
  using D = hn::ScalableTag<double>;
  using F = hn::ScalableTag<float>;
  /// Neighbours of 16 bits are added in float first: half the conversions to double. Not their squares, which may
  /// overflow there.
  template <HostNorm norm>
  static constexpr bool in_pairs = norm == HostNorm::magnitudes && sizeof(X) == 2 && std::is_same_v<T, float>;

 public:
  HWY_INLINE explicit PieceSum(HostNorm norm, double per_unit = 1) : norm_(norm), per_unit_(hn::Set(D(), per_unit)) {}

  static HWY_INLINE std::int64_t step_values() { return 4 * static_cast<std::int64_t>(hn::Lanes(D())); }

  HWY_INLINE void step(const X* x) {
    for (std::int64_t j = 0; j < step_values(); j += line_bytes / sizeof(X))
      hwy::Prefetch(x + j + fetch_ahead_bytes / sizeof(X));
    if (HWY_LIKELY(norm_ == HostNorm::magnitudes))
      add_step<HostNorm::magnitudes>(x);
    else if (norm_ == HostNorm::squares)
      add_step<HostNorm::squares>(x);
    else
      add_step<HostNorm::largest>(x);
  }

  /// Fewer values than a step has.
  HWY_INLINE void last_step(const X* x, std::size_t n) {
    if (HWY_LIKELY(norm_ == HostNorm::magnitudes))
      add_few<HostNorm::magnitudes>(x, n);
    else if (norm_ == HostNorm::squares)
      add_few<HostNorm::squares>(x, n);
    else
      add_few<HostNorm::largest>(x, n);
  }

  HWY_INLINE HostSum reduced() {
    if (HWY_LIKELY(norm_ == HostNorm::magnitudes)) return reduce<HostNorm::magnitudes>();
    return norm_ == HostNorm::squares ? reduce<HostNorm::squares>() : reduce<HostNorm::largest>();
  }

 private:
  template <HostNorm norm>
  HWY_INLINE void add_step(const X* x) {
    const auto lanes = hn::Lanes(D());
    if constexpr (in_pairs<norm>) {
      add_pair(load(F(), x), load(F(), x + 2 * lanes));
    } else {
      sums0_.template add<norm>(load(D(), x), per_unit_);
      sums1_.template add<norm>(load(D(), x + lanes), per_unit_);
      sums2_.template add<norm>(load(D(), x + 2 * lanes), per_unit_);
      sums3_.template add<norm>(load(D(), x + 3 * lanes), per_unit_);
    }
  }

  template <HostNorm norm>
  HWY_INLINE void add_few(const X* x, std::size_t n) {
    if constexpr (in_pairs<norm>) {
      const auto most = hn::Lanes(F());
      add_pair(load_n(F(), x, std::min(n, most)), load_n(F(), x + most, n > most ? n - most : 0));
    } else {
      const auto lanes = hn::Lanes(D());
      std::size_t j = 0;
      for (; j + lanes <= n; j += lanes) sums0_.template add<norm>(load(D(), x + j), per_unit_);
      if (j < n) sums1_.template add<norm>(load_n(D(), x + j, n - j), per_unit_);
    }
  }

  template <HostNorm norm>
  HWY_INLINE HostSum reduce() {
    sums0_.template add<norm>(sums1_);
    if constexpr (!in_pairs<norm>) {
      sums2_.template add<norm>(sums3_);
      sums0_.template add<norm>(sums2_);
    }
    return sums0_.template reduced<norm>();
  }

  HWY_INLINE void add_pair(hn::Vec<F> a, hn::Vec<F> b) {
    const auto sum = hn::Add(hn::Abs(a), hn::Abs(b));
    sums0_.add_total(hn::PromoteLowerTo(D(), sum));
    sums1_.add_total(hn::PromoteUpperTo(D(), sum));
  }

  HostNorm norm_;
  hn::Vec<D> per_unit_;
  Sums<T, D> sums0_, sums1_, sums2_, sums3_;
};

constexpr double infinity = std::numeric_limits<double>::infinity();

template <class X, class Y>
HWY_INLINE HostSum finish_piece(PieceSum<X, Y>& sum, const X* x, std::int64_t j, std::int64_t n) {
  const std::int64_t step = sum.step_values();
  for (; j + step <= n; j += step) sum.step(x + j);
  if (j < n) sum.last_step(x + j, static_cast<std::size_t>(n - j));
  return sum.reduced();
}

template <class X, class Y>
HWY_NOINLINE HostSum sum_in(const HostUnits& units, HostNorm norm, const X* x, std::int64_t n) {
  PieceSum<X, Y> piece(norm, units.per_unit);
  HostSum sum = finish_piece(piece, x, 0, n);
  sum.unit = units.unit;
  return sum;
}

/// The sum of a row whose elements are `stride` apart, in the units that suit it.
template <class X, class Y>
HWY_NOINLINE HostSum sum_row_again(const HostFinisher& finisher, const X* x, std::int64_t n, std::int64_t stride) {
  using D = hn::CappedTag<double, 1>;
  const auto sum_in = [&](const HostUnits& units) HWY_ATTR {
    return with_norm(finisher.norm, [&]<HostNorm norm>() HWY_ATTR {
      Sums<ComputeOf<X, Y>, D> sums;
      for (std::int64_t j = 0; j < n; ++j)
        sums.template add<norm>(load_n(D(), x + j * stride, 1), hn::Set(D(), units.per_unit));
      HostSum sum = sums.template reduced<norm>();
      sum.unit = units.unit;
      return sum;
    });
  };
  const HostSum sum = sum_in({});
  const HostUnits units = finisher.better_units(sum);
  return units.per_unit == 1 ? sum : sum_in(units);
}

/// The sum of a piece, taken once more where it is not to be trusted: in double its units may be wrong, and in float
/// pairs may overflow that double would hold.
template <class X, class Y>
HWY_NOINLINE HostSum sum_piece_again(const HostFinisher& finisher, const HostSum& sum, const X* x, std::int64_t n) {
  if constexpr (std::is_same_v<ComputeOf<X, Y>, float>) {
    return sum_row_again<X, Y>(finisher, x, n, 1);
  } else {
    const HostUnits units = finisher.better_units(sum);
    return units.per_unit == 1 ? sum : sum_in<X, Y>(units, finisher.norm, x, n);
  }
}

template <class X, class Y>
HWY_INLINE HostSum checked(const HostFinisher& finisher, const HostSum& sum, const X* x, std::int64_t n) {
  const bool is_trusted = sum.total >= finisher.least_total && sum.total < infinity;
  return HWY_LIKELY(is_trusted) ? sum : sum_piece_again<X, Y>(finisher, sum, x, n);
}

template <class X, class Y>
HWY_INLINE HostSum sum_piece(const HostFinisher& finisher, const X* x, std::int64_t n) {
  return checked<X, Y>(finisher, sum_in<X, Y>({}, finisher.norm, x, n), x, n);
}

/// A vector of sums of a row that has fewer values than a step, of which `vectors` are to be loaded, n of the last.
template <HostNorm norm, class X, class Y, int vectors>
HWY_INLINE auto sums_of_narrow_row(const X* x, std::size_t n) {
  using D = hn::ScalableTag<double>;
  using RowSums = Sums<ComputeOf<X, Y>, D>;
  [[maybe_unused]] const auto lanes = hn::Lanes(D());
  if constexpr (vectors == 1) {
    return RowSums::template of<norm>(load_n(D(), x, n));
  } else {
    RowSums sums = RowSums::template of<norm>(load(D(), x));
    if constexpr (vectors > 2) sums.template add<norm>(load(D(), x + lanes));
    if constexpr (vectors > 3) sums.template add<norm>(load(D(), x + 2 * lanes));
    sums.template add<norm>(load_n(D(), x + (vectors - 1) * lanes, n));
    return sums;
  }
}

#if HWY_HAVE_SCALABLE
constexpr std::int64_t narrow_rows_at_once = 1;
#else
/// So many narrow rows are summed at once, each into a lane: neighbouring lanes are added until each row has only one.
constexpr std::int64_t narrow_rows_at_once = hn::MaxLanes(hn::ScalableTag<double>());
#endif

template <HostNorm norm, class X, class Y, int vectors, std::int64_t rows>
HWY_INLINE auto sums_of_narrow_rows(const X* x, std::int64_t pitch, std::size_t n) {
  if constexpr (rows == 1) {
    return sums_of_narrow_row<norm, X, Y, vectors>(x, n);
  } else {
    const auto lower = sums_of_narrow_rows<norm, X, Y, vectors, rows / 2>(x, pitch, n);
    const auto upper = sums_of_narrow_rows<norm, X, Y, vectors, rows / 2>(x + rows / 2 * pitch, pitch, n);
    return decltype(lower)::template of_neighbours<norm, rows / 2>(lower, upper);
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace rownorm::impl
HWY_AFTER_NAMESPACE();

#endif
