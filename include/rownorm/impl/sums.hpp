// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_IMPL_SUMS_HPP
#define ROWNORM_IMPL_SUMS_HPP

/// Sums of a row that keep their digits, whatever its length and its values.
///
/// One thread may have a whole row to add, so sums carry about twice the precision of the computation: float is summed
/// in double, double with a second double for what rounding took away. Sums of double know in which units they are: a
/// part of a row whose sum leaves the range in which it can be trusted is added up once more, in better units.

#include <cstdint>

#include <Kokkos_Core.hpp>

#include <rownorm/impl/compat.hpp>
#include <rownorm/impl/values.hpp>

namespace rownorm::impl {

/// The number of columns, and its inverse: on GPUs a division of doubles costs as much as a dozen elements.
struct RowLength {
  double columns;
  double inverse;

  KOKKOS_FUNCTION explicit RowLength(std::int64_t n) : columns(static_cast<double>(n)), inverse(1 / columns) {}
};

/// Adds `value` to `total`, and what rounding takes from it to `error`: the two-sum of Knuth, The Art of Computer
/// Programming, volume 2, section 4.2.2, theorem B.
KOKKOS_FORCEINLINE_FUNCTION void add_exactly(double& total, double& error, double value) {
  const double sum = total + value;
  const double added = sum - total;
  error += (total - (sum - added)) + (value - added);
  total = sum;
}

/// A sum of non-negative values of type Compute, good to about one rounding of Compute for 2^28 terms and more.
template <class Compute>
struct AccurateSum;

template <>
struct AccurateSum<float> {
  double total = 0;

  KOKKOS_FUNCTION void add(float value) { total += value; }
  KOKKOS_FUNCTION void add(double value) { total += value; }
  KOKKOS_FUNCTION void add(float a, float b) { total += static_cast<double>(a) + b; }
  KOKKOS_FUNCTION void add(const AccurateSum& other) { total += other.total; }
  /// The sum times `factor`, a power of two.
  KOKKOS_FUNCTION double times(double factor) const { return total * factor; }

  /// Never: 2^63 times the largest float is a small double.
  KOKKOS_FUNCTION bool is_out_of_range() const { return false; }
  KOKKOS_FUNCTION AccurateSum nothing_in_better_units() const { return {}; }
  KOKKOS_FUNCTION float per_unit() const { return 1; }
};

template <>
struct AccurateSum<double> {
  /// A unit in which the sum of up to 2^63 finite values is finite. It is negative, so that the sign of a total, zero
  /// included, tells in which units it is.
  static constexpr double large_unit = -0x1p63;

  double total = 0;
  double error = 0;  // what rounding took from total

  /// Adds a value, given in the sum's units.
  KOKKOS_FUNCTION void add(double value) { add_exactly(total, error, value); }
  /// Adds two values, which are rounded once on the way: half the work, for at most half an ulp of the sum.
  KOKKOS_FUNCTION void add(double a, double b) { add(a + b); }
  KOKKOS_FUNCTION void add(const AccurateSum& other) {
    AccurateSum sum{total, error + other.error};
    sum.add(other.total);
    if (is_in_large_units() == other.is_in_large_units() && Kokkos::isfinite(sum.total))
      *this = sum;
    else if (other.is_out_of_range())
      *this = other;
    else if (!is_out_of_range())  // else it must be found to be: larger units come too late
      add_in_large_units(other.in_large_units());
  }
  KOKKOS_FUNCTION double times(double factor) const {
    if (!Kokkos::isfinite(total)) return Kokkos::abs(total);
    if (is_in_large_units()) factor *= large_unit;
    return total * factor + error * factor;
  }

  /// True where the sum left the range of double, and would not have done so in better units.
  KOKKOS_FUNCTION bool is_out_of_range() const { return Kokkos::isinf(total) && total > 0; }
  /// An empty sum in these.
  KOKKOS_FUNCTION AccurateSum nothing_in_better_units() const { return AccurateSum{}.in_large_units(); }
  /// What values are to be multiplied by before they are added.
  KOKKOS_FUNCTION double per_unit() const { return is_in_large_units() ? 1 / large_unit : 1; }

 private:
  KOKKOS_FUNCTION bool is_in_large_units() const { return Kokkos::signbit(total); }
  /// The same sum, with room for more.
  KOKKOS_FUNCTION AccurateSum in_large_units() const {
    return is_in_large_units() ? *this : AccurateSum{total / large_unit, error / large_unit};
  }
  KOKKOS_FUNCTION void add_in_large_units(const AccurateSum& other) {
    *this = in_large_units();
    add(other.total);
    error += other.error;
  }
};

/// A sum of squares of values of type Compute, as accurate as AccurateSum.
template <class Compute>
struct SumOfSquares;

template <>
struct SumOfSquares<float> {
  double total = 0;

  KOKKOS_FUNCTION void add(float value) { add(static_cast<double>(value)); }
  KOKKOS_FUNCTION void add(double value) { total += value * value; }
  KOKKOS_FUNCTION void add(const SumOfSquares& other) { total += other.total; }
  /// The root of the mean over so many columns, times `factor`.
  KOKKOS_FUNCTION double root_times(double factor, const RowLength& length) const {
    return Kokkos::sqrt(total * length.inverse) * factor;
  }

  /// Never: 2^63 squares of the largest float are a small double, and the smallest one's square is a normal one.
  KOKKOS_FUNCTION bool is_out_of_range() const { return false; }
  KOKKOS_FUNCTION SumOfSquares nothing_in_better_units() const { return {}; }
  KOKKOS_FUNCTION float per_unit() const { return 1; }
};

/// The least sum of squares of double that has lost no digits because squares were too small.
inline constexpr double least_trusted_square = 0x1p-900;

template <>
struct SumOfSquares<double> {
  /// Powers of two that values are divided by before they are squared: so that 2^63 squares of the largest value have a
  /// finite sum, that those of the smallest lose no digit, and between the two as they are.
  enum class Unit : std::int64_t { small = -590, one = 0, large = 560 };

  double total = 0;
  double error = 0;  // what rounding took from total
  Unit unit = Unit::one;

  /// Adds the square of a value, given in the sum's units.
  KOKKOS_FUNCTION void add(double value) {
    const double square = value * value;
    error += Kokkos::fma(value, value, -square);
    add_exactly(total, error, square);
  }
  /// Adds the squares of two values, which are rounded once or twice on the way: half the work, for at most an ulp of
  /// the sum, and half an ulp of its root.
  KOKKOS_FUNCTION void add(double a, double b) { add_exactly(total, error, Kokkos::fma(a, a, b * b)); }
  KOKKOS_FUNCTION void add(const SumOfSquares& other) {
    if (unit == other.unit) {  // nearly always
      SumOfSquares sum = *this;
      sum.add_same_unit(other);
      if (Kokkos::isfinite(sum.total)) {
        *this = sum;
        return;
      }
    }
    *this = sum_in_common_units(*this, other);
  }
  KOKKOS_FUNCTION double root_times(double factor, const RowLength& length) const {
    if (!Kokkos::isfinite(total)) return total;  // whatever became of its error
    return Kokkos::sqrt((total + error) / length.columns) * (power(unit) * factor);
  }

  /// True where squares overflow, or are so small that they may have lost digits.
  KOKKOS_FUNCTION bool is_out_of_range() const {
    return has_overflowed() || (unit == Unit::one && total < least_trusted_square);
  }
  KOKKOS_FUNCTION SumOfSquares nothing_in_better_units() const { return {0, 0, total < 1 ? Unit::small : Unit::large}; }
  KOKKOS_FUNCTION double per_unit() const { return unit == Unit::one ? 1 : unit == Unit::large ? 0x1p-560 : 0x1p590; }

 private:
  /// Apart, so that these rare cases take no registers from the usual one.
  static ROWNORM_IMPL_NOINLINE KOKKOS_FUNCTION SumOfSquares sum_in_common_units(SumOfSquares a, SumOfSquares b) {
    if (b.total == 0 || a.has_overflowed()) return a;  // it must be found to have: larger units come too late
    if (a.total == 0 || b.has_overflowed()) return b;
    const Unit common = a.unit < b.unit ? b.unit : a.unit;
    SumOfSquares sum = a.in(common);
    sum.add_same_unit(b.in(common));
    if (Kokkos::isinf(sum.total) && common == Unit::one && Kokkos::isfinite(a.total) && Kokkos::isfinite(b.total)) {
      sum = a.in(Unit::large);
      sum.add_same_unit(b.in(Unit::large));
    }
    return sum;
  }
  /// True where there may be units in which it would not have.
  KOKKOS_FUNCTION bool has_overflowed() const { return unit == Unit::one && Kokkos::isinf(total); }
  static KOKKOS_FUNCTION double power(Unit unit) {
    return unit == Unit::one ? 1 : unit == Unit::large ? 0x1p560 : 0x1p-590;
  }
  /// In larger units. What underflows there, nothing of that size can tell.
  KOKKOS_FUNCTION SumOfSquares in(Unit larger) const {
    if (larger == unit) return *this;
    const double ratio = power(unit) / power(larger);
    return {total * ratio * ratio, error * ratio * ratio, larger};
  }
  KOKKOS_FUNCTION void add_same_unit(const SumOfSquares& other) {
    add_exactly(total, error, other.total);
    error += other.error;
  }
};

/// How norms of sums accumulate.
struct SumsMagnitudes {
  template <class Compute>
  using Partial = AccurateSum<Compute>;

  template <class Compute>
  KOKKOS_FUNCTION void accumulate(AccurateSum<Compute>& partial, Compute magnitude) const {
    partial.add(magnitude);
  }
  /// The same of two neighbours.
  template <class Compute>
  KOKKOS_FUNCTION void accumulate(AccurateSum<Compute>& partial, Compute a, Compute b) const {
    partial.add(a, b);
  }
  template <class Compute>
  KOKKOS_FUNCTION void combine(AccurateSum<Compute>& partial, const AccurateSum<Compute>& other) const {
    partial.add(other);
  }
};

struct SumsSquares {
  template <class Compute>
  using Partial = SumOfSquares<Compute>;

  template <class Compute>
  KOKKOS_FUNCTION void accumulate(SumOfSquares<Compute>& partial, Compute magnitude) const {
    partial.add(magnitude);
  }
  /// The same of two neighbours.
  KOKKOS_FUNCTION void accumulate(SumOfSquares<double>& partial, double a, double b) const { partial.add(a, b); }
  template <class Compute>
  KOKKOS_FUNCTION void combine(SumOfSquares<Compute>& partial, const SumOfSquares<Compute>& other) const {
    partial.add(other);
  }
};

}  // namespace rownorm::impl

#endif
