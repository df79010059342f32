// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_TESTS_REFERENCE_HPP
#define ROWNORM_TESTS_REFERENCE_HPP

#include <cmath>
#include <limits>
#include <rownorm/norms.hpp>
#include <type_traits>
#include <vector>

#include "types.hpp"

/// What the results are held against: the formula, written out in long double, and the distance from it in ulp.
namespace rownorm::tests {

using Reals = std::vector<long double>;

inline constexpr long double not_a_number = std::numeric_limits<long double>::quiet_NaN();
inline constexpr long double infinity = std::numeric_limits<long double>::infinity();

/// The sum of what f makes of each value. No digit of it is lost.
template <class F>
long double reference_sum(const Reals& x, const F& f) {
  long double sum = 0, lost = 0;
  for (const long double value : x) {
    const long double term = f(value), next = sum + term;
    if (std::isfinite(next)) lost += term - (next - sum);
    sum = next;
  }
  return sum + lost;
}

// A long double has room for the square of any double. Tests of norms of their own have functions like these.
inline long double reference_norm(SumAbs, const Reals& x) {
  return reference_sum(x, [](long double value) { return std::abs(value); });
}
inline long double reference_norm(MeanAbs, const Reals& x) {
  return reference_norm(SumAbs{}, x) / static_cast<long double>(x.size());
}
inline long double reference_norm(Euclidean, const Reals& x) {
  return std::sqrt(reference_sum(x, [](long double value) { return value * value; }));
}
inline long double reference_norm(RootMeanSquare, const Reals& x) {
  return std::sqrt(reference_sum(x, [](long double value) { return value * value; }) /
                   static_cast<long double>(x.size()));
}
inline long double reference_norm(MaxAbs, const Reals& x) {
  long double norm = 0;
  for (const long double value : x)
    if (!(std::abs(value) <= norm) && !std::isnan(norm)) norm = std::abs(value);
  return norm;
}
inline long double reference_norm(const AnyNorm& any_norm, const Reals& x) {
  return any_norm.visit([&](const auto& norm) { return reference_norm(norm, x); });
}

template <class Norm = MeanAbs>
Reals reference_row(const Reals& x, long double epsilon, const Norm& any_norm = {}) {
  const long double norm = reference_norm(any_norm, x);
  Reals y = x;
  if (norm == 0) return y;
  for (long double& value : y) value /= norm + epsilon;
  return y;
}

/// Epsilon as rows of X on their way to Y see it: in the compute type, which semantics.md gives for each value type.
template <class X, class Y>
long double epsilon_as_seen(double epsilon) {
  constexpr bool in_double = std::is_same_v<std::remove_const_t<X>, double> || std::is_same_v<Y, double>;
  return in_double ? static_cast<long double>(epsilon) : static_cast<long double>(static_cast<float>(epsilon));
}

template <class T>
struct Format {  // float and double
  static constexpr int digits = std::numeric_limits<T>::digits;
  static constexpr int min_exponent = std::numeric_limits<T>::min_exponent - 1;
  static constexpr int max_exponent = std::numeric_limits<T>::max_exponent - 1;
  static constexpr long double promised_ulp = 4;
};
// clang-format off
ROWNORM_IMPL_WITH_HALF(template <> struct Format<half_t> {
  static constexpr int digits = 11, min_exponent = -14, max_exponent = 15;
  static constexpr long double promised_ulp = 1;
};)
ROWNORM_IMPL_WITH_BHALF(template <> struct Format<bhalf_t> {
  static constexpr int digits = 8, min_exponent = -126, max_exponent = 127;
  static constexpr long double promised_ulp = 1;
};)
// clang-format on

/// The largest finite value of T.
template <class T>
long double largest() {
  return std::ldexp(2.0L - std::ldexp(1.0L, 1 - Format<T>::digits), Format<T>::max_exponent);
}

/// The smallest positive value of T, a subnormal one.
template <class T>
long double smallest() {
  return std::ldexp(1.0L, Format<T>::min_exponent - Format<T>::digits + 1);
}

/// |actual - expected| in units of the last place of T at `expected`; infinite where one is NaN and the other is not.
template <class T>
long double ulp_distance(T actual_value, long double expected) {
  constexpr long double far = std::numeric_limits<long double>::infinity();
  const auto actual = static_cast<long double>(static_cast<double>(actual_value));
  if (std::isnan(actual) || std::isnan(expected)) return std::isnan(actual) && std::isnan(expected) ? 0 : far;
  // What rounds to infinity may be infinity.
  if (std::isinf(actual) && std::abs(expected) > largest<T>() && (actual > 0) == (expected > 0)) return 0;
  if (std::isinf(actual) || std::isinf(expected)) return actual == expected ? 0 : far;
  const int exponent =
      expected == 0 ? Format<T>::min_exponent : std::max(std::ilogb(expected), Format<T>::min_exponent);
  return std::abs(actual - expected) / std::ldexp(1.0L, exponent - Format<T>::digits + 1);
}

}  // namespace rownorm::tests

#endif
