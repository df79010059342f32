// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_NORMS_HPP
#define ROWNORM_NORMS_HPP

#include <cstdint>
#include <type_traits>

#include <Kokkos_Core.hpp>

#include <rownorm/impl/compat.hpp>

namespace rownorm {

namespace impl {

template <class Value>
inline constexpr bool is_double_v = std::is_same_v<std::remove_const_t<Value>, double>;

/// A sum of non-negative values of type Compute, good to about one rounding of Compute for 2^28 terms and more: it is
/// carried in about twice the precision, because one thread may have a whole row to add.
template <class Compute>
struct AccurateSum;

template <>
struct AccurateSum<float> {
  static constexpr float large_unit = 1;

  double total = 0;

  KOKKOS_FUNCTION void add(float value) { total += value; }
  KOKKOS_FUNCTION void add(float a, float b) { total += static_cast<double>(a) + b; }
  KOKKOS_FUNCTION void add(const AccurateSum& other) { total += other.total; }
  /// The sum times `factor`, a power of two.
  KOKKOS_FUNCTION double times(double factor) const { return total * factor; }
  /// Never: 2^63 times the largest float is a small double.
  KOKKOS_FUNCTION bool overflowed() const { return false; }
  KOKKOS_FUNCTION AccurateSum in_large_units() const { return *this; }
};

template <>
struct AccurateSum<double> {
  /// A unit in which the sum of up to 2^63 finite values is finite. It is negative, so that the sign of a total, zero
  /// included, tells in which units it is.
  static constexpr double large_unit = -0x1p63;

  double total = 0;
  double error = 0;  // what rounding took from total

  /// Adds a value, given in the sum's units, with the two-sum of Knuth, The Art of Computer Programming, volume 2,
  /// section 4.2.2, theorem B.
  KOKKOS_FUNCTION void add(double value) {
    const double sum = total + value;
    const double added = sum - total;
    error += (total - (sum - added)) + (value - added);
    total = sum;
  }
  /// Adds two values, which are rounded once on the way: half the work, for at most half an ulp of the sum.
  KOKKOS_FUNCTION void add(double a, double b) { add(a + b); }
  KOKKOS_FUNCTION void add(const AccurateSum& other) {
    AccurateSum sum{total, error + other.error};
    sum.add(other.total);
    if (is_in_large_units() == other.is_in_large_units() && Kokkos::isfinite(sum.total))
      *this = sum;
    else if (other.overflowed())
      *this = other;
    else if (!overflowed())  // else it must be found to have: larger units come too late
      add_in_large_units(other.in_large_units());
  }
  /// The same sum, with room for more.
  KOKKOS_FUNCTION AccurateSum in_large_units() const {
    return is_in_large_units() ? *this : AccurateSum{total / large_unit, error / large_unit};
  }
  KOKKOS_FUNCTION double times(double factor) const {
    if (!Kokkos::isfinite(total)) return Kokkos::abs(total);
    if (is_in_large_units()) factor *= large_unit;
    return total * factor + error * factor;
  }
  /// True where the sum left the range of double, and would not have done so in large units.
  KOKKOS_FUNCTION bool overflowed() const { return Kokkos::isinf(total) && total > 0; }

 private:
  KOKKOS_FUNCTION bool is_in_large_units() const { return Kokkos::signbit(total); }
  KOKKOS_FUNCTION void add_in_large_units(const AccurateSum& other) {
    *this = in_large_units();
    add(other.total);
    error += other.error;
  }
};

}  // namespace impl

/// The type that a row of X is computed in on its way to a row of Y: double where either is double, otherwise float.
template <class X, class Y>
using compute_type = std::conditional_t<impl::is_double_v<X> || impl::is_double_v<Y>, double, float>;

namespace impl {

/// The number of columns, and its inverse: on GPUs a division of doubles costs as much as a dozen elements.
struct RowLength {
  double columns;
  double inverse;

  KOKKOS_FUNCTION explicit RowLength(std::int64_t n) : columns(static_cast<double>(n)), inverse(1 / columns) {}
};

}  // namespace impl

/// The mean absolute value of a row, mean_j |x(i, j)|.
///
/// A norm says what a thread carries along its part of a row (`Partial`, whose default value is the identity), how
/// one element is accumulated, how two parts are combined, and how a row is finished. Kernels know no more of it.
struct MeanAbs {
  template <class Compute>
  using Partial = impl::AccurateSum<Compute>;

  /// Accumulates x times `factor`.
  template <class Compute>
  KOKKOS_FUNCTION void accumulate(impl::AccurateSum<Compute>& partial, Compute x, Compute factor) const {
    partial.add(Kokkos::abs(x) * factor);
  }
  /// The same of two neighbours, x and z.
  template <class Compute>
  KOKKOS_FUNCTION void accumulate(impl::AccurateSum<Compute>& partial, Compute x, Compute z, Compute factor) const {
    partial.add(Kokkos::abs(x) * factor, Kokkos::abs(z) * factor);
  }

  template <class Compute>
  KOKKOS_FUNCTION void combine(impl::AccurateSum<Compute>& partial, const impl::AccurateSum<Compute>& other) const {
    partial.add(other);
  }

  /// The norm of a row times `factor`, a power of two.
  template <class Compute>
  KOKKOS_FUNCTION double finish(const impl::AccurateSum<Compute>& partial, const impl::RowLength& length,
                                double factor) const {
    // The product is not the nearest double, which no float can tell.
    return impl::is_double_v<Compute> ? partial.times(factor) / length.columns : partial.times(factor) * length.inverse;
  }
};

/// The last parameter of every entry point: `normalize(exec, x, y, {.epsilon = 1e-6})`.
template <class Norm = MeanAbs>
struct Parameters {
  Norm norm{};
  double epsilon = 1e-8;  ///< added to the norm of each row, in the compute type: zero or positive, and finite there
};

namespace impl {

/// The largest epsilon that a compute type holds.
template <class Compute>
inline constexpr double largest_epsilon = Kokkos::Experimental::finite_max_v<Compute>;

/// The largest divisor whose inverse is taken as it is. Inverses of larger ones would soon be subnormal.
template <class Compute>
inline constexpr double largest_divisor = is_double_v<Compute> ? 0x1p1000 : 0x1p100;

/// What the elements of a finished row are multiplied by. Two factors, because the inverse of a divisor may lie outside
/// of the range of its type; `power` is a power of two, and 1 for all but extreme rows.
template <class Compute>
struct RowScale {
  Compute power;
  Compute factor;

  KOKKOS_FUNCTION Compute operator()(Compute x) const { return (x * power) * factor; }
};

/// 1 / divisor, rounded once, for a divisor in the normal range of Compute, infinity or NaN.
template <class Compute>
KOKKOS_FUNCTION Compute inverse(double divisor) {
  if constexpr (is_double_v<Compute>) {
    return 1 / divisor;
  } else {
    // One step of Newton's method is as good as a division of doubles, and much cheaper on GPUs.
    const double estimate = 1 / static_cast<float>(divisor);
    const double refined = estimate + estimate * (1 - divisor * estimate);
    return static_cast<float>(Kokkos::isfinite(divisor) ? refined : estimate);
  }
}

/// The index of a value that is accumulated by itself: see RowFinisher::accumulate.
inline constexpr int unpaired = 1;

/// The partial results of n neighbouring rows.
template <class Partial, int n>
struct PartialsOf {
  Partial of[n];
};

/// All that a row needs beside its elements: from them to a partial result, and from that to what they are multiplied
/// by.
template <class Norm, class Compute>
struct RowFinisher {
  using Partial = typename Norm::template Partial<Compute>;

  Norm norm;
  RowLength length;
  Compute epsilon;

  /// The partial result of a part of a row. for_each(f) calls f(value, k) for each value of that part, and may be
  /// called twice. A value of even k is accumulated together with the next one, whose k is odd.
  template <class ForEach>
  KOKKOS_FORCEINLINE_FUNCTION Partial accumulate(const ForEach& for_each) const {
    Partial partial = accumulate_in_units(for_each, Partial{}, Compute{1});
    if (partial.overflowed())
      partial = accumulate_in_units(for_each, Partial{}.in_large_units(), 1 / Partial::large_unit);
    return partial;
  }

  /// The same for parts of n rows. for_each(f) calls f(value, q) for each value of the q-th of them.
  template <int n, class ForEach>
  KOKKOS_FORCEINLINE_FUNCTION PartialsOf<Partial, n> accumulate_rows(const ForEach& for_each) const {
    PartialsOf<Partial, n> partials;
    for_each(
        [&](const auto& value, int q) { norm.accumulate(partials.of[q], static_cast<Compute>(value), Compute{1}); });
    ROWNORM_IMPL_UNROLL()
    for (int row = 0; row < n; ++row)
      if (partials.of[row].overflowed())
        partials.of[row] = accumulate([&](const auto& f) {
          for_each([&](const auto& value, int q) {
            if (q == row) f(value, unpaired);
          });
        });
    return partials;
  }

  /// 1 / (norm + epsilon), for the partial result of a whole row.
  KOKKOS_FUNCTION RowScale<Compute> scale(const Partial& row) const {
    constexpr double smallest = Kokkos::Experimental::norm_min_v<Compute>;
    constexpr double shrink = 0x1p-60;
    constexpr double stretch = is_double_v<Compute> ? 0x1p200 : 0x1p100;

    const auto divisor_times = [&](double power) {
      return norm.finish(row, length, power) + static_cast<double>(epsilon) * power;
    };
    double power = 1;
    double divisor = divisor_times(power);
    if (divisor < smallest) {
      divisor = divisor_times(power = stretch);
      if (divisor == 0) return {1, 1};  // a row of zeros, and epsilon 0: it stays zero
    } else if (divisor > largest_divisor<Compute>) {
      divisor = divisor_times(power = shrink);
    }
    return {static_cast<Compute>(power), inverse<Compute>(divisor)};
  }

 private:
  template <class ForEach>
  KOKKOS_FORCEINLINE_FUNCTION Partial accumulate_in_units(const ForEach& for_each, const Partial& nothing,
                                                          Compute per_unit) const {
    Partial partial = nothing;
    Compute first{};
    for_each([&](const auto& value, int k) {
      const auto x = static_cast<Compute>(value);
      if (k % 2 != 0) norm.accumulate(partial, first, x, per_unit);
      first = k % 2 == 0 ? x : Compute{};
    });
    return partial;
  }
};

}  // namespace impl

}  // namespace rownorm

#endif
