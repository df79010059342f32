// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_DRIVER_REFERENCE_HPP
#define ROWNORM_DRIVER_REFERENCE_HPP

/// What y should be: the formula in long double, one element after the other, with nothing of RowNorm in it.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include <Kokkos_Core.hpp>

#include "matrix.hpp"

namespace driver {

/// How far a value of the dtype is from the exact one, in units in the last place. Not-a-number and infinity are right
/// where they are exact, or where infinity is what a value above the largest one rounds to.
inline double ulp_error(Dtype dtype, double value, long double exact) {
  constexpr double wrong = std::numeric_limits<double>::infinity();
  const DtypeTraits type = traits(dtype);
  if (std::isnan(value) || std::isnan(exact)) return std::isnan(value) && std::isnan(exact) ? 0 : wrong;
  if (std::isinf(exact)) return value == exact ? 0 : wrong;
  if (std::isinf(value)) {
    const long double largest = std::ldexp(1 - std::ldexp(1.0L, -type.digits), type.max_exponent);
    return std::copysign(exact, value) == exact && std::abs(exact) >= largest ? 0 : wrong;
  }
  const int exponent = exact == 0 ? type.min_exponent : std::max(std::ilogb(exact), type.min_exponent);
  return static_cast<double>(std::abs(value - exact) / std::ldexp(1.0L, exponent - (type.digits - 1)));
}

/// The mean absolute value of row i. The sum is compensated (Neumaier's), for rows of any length.
template <class T>
long double mean_abs(const HostBuffer<T>& x, const Placement& place, std::int64_t i) {
  long double sum = 0, lost = 0;
  for (std::int64_t j = 0; j < place.columns; ++j) {
    const long double term = std::abs(static_cast<double>(x(place(i, j))));
    const long double next = sum + term;
    lost += sum >= term ? (sum - next) + term : (term - next) + sum;
    sum = next;
  }
  return (std::isfinite(sum) ? sum + lost : sum) / place.columns;
}

/// The largest error of any element of y, in units in the last place of the dtype.
template <class T>
double largest_ulp_error(const Options& options, const HostBuffer<T>& x, const HostBuffer<T>& y) {
  const Placement place = placement(options);
  const Dtype dtype = options.dtype;
  // RowNorm holds epsilon in the type that it computes in.
  const long double epsilon = dtype == Dtype::f64 ? options.epsilon : static_cast<float>(options.epsilon);
  double largest = 0;
  const HostExec host;
  Kokkos::parallel_reduce(
      "rownorm_driver::check", Kokkos::RangePolicy<HostExec, Kokkos::IndexType<std::int64_t>>(host, 0, place.rows),
      [=](std::int64_t i, double& row_largest) {
        const long double divisor = mean_abs(x, place, i) + epsilon;
        for (std::int64_t j = 0; j < place.columns; ++j) {
          const std::int64_t at = place(i, j);
          // Only a row of zeros without an epsilon has the divisor 0, and it stays zero.
          const long double exact = divisor == 0 ? 0 : static_cast<double>(x(at)) / divisor;
          row_largest = std::max(row_largest, ulp_error(dtype, rounded(dtype, static_cast<double>(y(at))), exact));
        }
      },
      Kokkos::Max<double>(largest));
  return largest;
}

}  // namespace driver

#endif
