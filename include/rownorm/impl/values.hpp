// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_IMPL_VALUES_HPP
#define ROWNORM_IMPL_VALUES_HPP

/// What is known of the types of values.

#include <type_traits>

#include <Kokkos_Core.hpp>

#include <rownorm/impl/half.hpp>

namespace rownorm::impl {

template <class Value>
inline constexpr bool is_double_v = std::is_same_v<std::remove_const_t<Value>, double>;

/// The real types that values may have. Kokkos' half_t and bhalf_t are among them: where they do not have 16 bits they
/// are float.
template <class Value>
inline constexpr bool is_real_value_v =
    std::is_same_v<std::remove_const_t<Value>, float> || is_double_v<Value> ||
    std::is_same_v<std::remove_const_t<Value>, Float16> || std::is_same_v<std::remove_const_t<Value>, BFloat16>;

template <class Value>
inline constexpr bool is_complex_v = std::is_same_v<std::remove_const_t<Value>, Kokkos::complex<float>> ||
                                     std::is_same_v<std::remove_const_t<Value>, Kokkos::complex<double>>;

template <class Value>
inline constexpr bool is_supported_value_v = is_real_value_v<Value> || is_complex_v<Value>;

/// True where rows of such values are computed in double: the modulus of a complex number may leave the range of float,
/// or lose digits there, where neither of its parts does.
template <class Value>
inline constexpr bool computes_in_double_v = is_double_v<Value> || is_complex_v<Value>;

/// What the parts of a complex number are; a real number itself.
template <class Value>
struct RealPartOf {
  using type = Value;
};
template <class Real>
struct RealPartOf<Kokkos::complex<Real>> {
  using type = Real;
};
template <class Value>
using real_part_of = typename RealPartOf<std::remove_const_t<Value>>::type;

}  // namespace rownorm::impl

namespace rownorm {

/// The type that a row of X is computed in on its way to a row of Y: double where either is double or complex,
/// otherwise float.
template <class X, class Y = X>
using compute_type = std::conditional_t<impl::computes_in_double_v<X> || impl::computes_in_double_v<Y>, double, float>;

}  // namespace rownorm

#endif
