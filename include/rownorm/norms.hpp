// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_NORMS_HPP
#define ROWNORM_NORMS_HPP

#include <cstdint>
#include <type_traits>

#include <Kokkos_Core.hpp>

namespace rownorm {

namespace impl {

template <class Value>
inline constexpr bool is_double_v = std::is_same_v<std::remove_const_t<Value>, double>;

/// A sum of non-negative values of type Compute, good to well under one ulp of Compute for 2^28 terms and more:
/// it is carried in about twice the precision, because one thread may have a whole row to add.
template <class Compute>
struct AccurateSum;

template <>
struct AccurateSum<float> {
  double total = 0;

  KOKKOS_FUNCTION void add(float value) { total += value; }
  KOKKOS_FUNCTION void add(const AccurateSum& other) { total += other.total; }
  /// The sum times `factor`, a power of two.
  KOKKOS_FUNCTION double times(double factor) const { return total * factor; }
  /// Never: 2^63 times the largest float is a small double.
  KOKKOS_FUNCTION bool overflowed() const { return false; }
};

template <>
struct AccurateSum<double> {
  double total = 0;
  double error = 0;  // what rounding took from total

  /// The two-sum of Knuth, The Art of Computer Programming, volume 2, section 4.2.2, theorem B.
  KOKKOS_FUNCTION void add(double value) {
    const double sum = total + value;
    const double added = sum - total;
    error += (total - (sum - added)) + (value - added);
    total = sum;
  }
  KOKKOS_FUNCTION void add(const AccurateSum& other) {
    add(other.total);
    error += other.error;
  }
  KOKKOS_FUNCTION double times(double factor) const {
    return Kokkos::isfinite(total) ? total * factor + error * factor : total;
  }
  KOKKOS_FUNCTION bool overflowed() const { return Kokkos::isinf(total); }
};

}  // namespace impl

/// The type that a row of X is computed in on its way to a row of Y: double where either is double, otherwise float.
template <class X, class Y>
using compute_type = std::conditional_t<impl::is_double_v<X> || impl::is_double_v<Y>, double, float>;

/// The mean absolute value of a row, mean_j |x(i, j)|.
///
/// A norm says what a thread carries along its part of a row (`Partial`, whose default value is the identity), how
/// one element is accumulated, how two parts are combined, and how a row is finished. Kernels know no more of it.
struct MeanAbs {
  static constexpr const char* name = "mean_abs";

  template <class Compute>
  using Partial = impl::AccurateSum<Compute>;

  /// Accumulates one element, given as a multiple of a unit that the kernel chose.
  template <class Compute>
  KOKKOS_FUNCTION void accumulate(impl::AccurateSum<Compute>& partial, Compute x) const {
    partial.add(Kokkos::abs(x));
  }

  template <class Compute>
  KOKKOS_FUNCTION void combine(impl::AccurateSum<Compute>& partial, const impl::AccurateSum<Compute>& other) const {
    partial.add(other);
  }

  /// True where the row must be accumulated again in a larger unit, because the sum left the range of its type.
  template <class Compute>
  KOKKOS_FUNCTION bool overflowed(const impl::AccurateSum<Compute>& partial) const {
    return partial.overflowed();
  }

  /// The norm of a row of `columns` elements times `factor`, a power of two.
  template <class Compute>
  KOKKOS_FUNCTION double finish(const impl::AccurateSum<Compute>& partial, std::int64_t columns, double factor) const {
    return partial.times(factor) / static_cast<double>(columns);
  }
};

/// The last parameter of every entry point: `normalize(exec, x, y, {.epsilon = 1e-6})`.
template <class Norm = MeanAbs>
struct Parameters {
  Norm norm{};
  double epsilon = 1e-8;  ///< added to the norm of each row, in the compute type: zero or positive, and finite there
};

namespace impl {

/// What the elements of a finished row are divided by: y = (x * scale) / divisor. The scale is a power of two, and
/// 1 for all but extreme rows: it keeps the divisor a normal number, so that the quotient keeps all its digits.
template <class Compute>
struct RowDivisor {
  Compute scale;
  Compute divisor;

  KOKKOS_FUNCTION Compute operator()(Compute x) const { return (x * scale) / divisor; }
};

/// The largest epsilon that a compute type holds.
template <class Compute>
inline constexpr double largest_epsilon = Kokkos::Experimental::finite_max_v<Compute>;

/// A unit in which the sum of up to 2^63 finite values is finite.
inline constexpr double large_unit = 0x1p63;

/// norm + epsilon as a RowDivisor, for a row whose elements were accumulated as multiples of `unit`.
template <class Compute, class Norm, class Partial>
KOKKOS_FUNCTION RowDivisor<Compute> row_divisor(const Norm& norm, const Partial& partial, double unit,
                                                std::int64_t columns, Compute epsilon) {
  constexpr double smallest = Kokkos::Experimental::norm_min_v<Compute>;
  constexpr double largest = Kokkos::Experimental::finite_max_v<Compute>;
  constexpr double shrink = 0x1p-2;
  constexpr double stretch = is_double_v<Compute> ? 0x1p200 : 0x1p100;

  const auto scaled = [&](double scale) {
    return norm.finish(partial, columns, scale) * unit + static_cast<double>(epsilon) * scale;
  };
  double scale = unit == 1 ? 1 : shrink;
  double divisor = scaled(scale);
  if (divisor < smallest) {
    scale = stretch;
    divisor = scaled(scale);
    if (divisor == 0) return {1, 1};  // a row of zeros, and epsilon 0: it stays zero
  } else if (divisor > largest / 2) {
    scale = shrink;
    divisor = scaled(scale);
  }
  return {static_cast<Compute>(scale), static_cast<Compute>(divisor)};
}

}  // namespace impl

}  // namespace rownorm

#endif
