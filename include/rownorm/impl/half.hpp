// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_IMPL_HALF_HPP
#define ROWNORM_IMPL_HALF_HPP

#include <cstdint>
#include <type_traits>

#include <Kokkos_Core.hpp>

#include <rownorm/impl/real_type.hpp>

namespace rownorm::impl {

/// A value of 16 bits as it is stored, IEEE binary16 or bfloat16, for hosts where Kokkos has no such type. It is
/// rounded to the nearest, ties to even; what is NaN stays so.
template <RealType type>
class Stored16 {
  static_assert(type == RealType::f16 || type == RealType::bf16);

 public:
  Stored16() = default;
  KOKKOS_FUNCTION explicit Stored16(double value) : bits_(bits_of(to_odd(value))) {}

  KOKKOS_FUNCTION explicit operator float() const {
    const std::uint32_t sign = (bits_ & 0x8000U) << 16;
    if constexpr (type == RealType::bf16) return Kokkos::bit_cast<float>(std::uint32_t{bits_} << 16);
    const std::uint32_t exponent = bits_ >> 10 & 0x1fU, fraction = bits_ & 0x3ffU;
    if (exponent == 0) {
      const float magnitude = static_cast<float>(fraction) * 0x1p-24F;
      return sign != 0 ? -magnitude : magnitude;
    }
    const std::uint32_t float_exponent = exponent == 0x1fU ? 0xffU : exponent + (127 - 15);
    return Kokkos::bit_cast<float>(sign | float_exponent << 23 | fraction << 13);
  }
  KOKKOS_FUNCTION explicit operator double() const { return static_cast<float>(*this); }

 private:
  /// The float before the value, seen from zero, with its last bit set, unless the value is a float itself: so nothing
  /// is lost that decides how it is rounded to fewer bits.
  static KOKKOS_FUNCTION float to_odd(double value) {
    const auto nearest = static_cast<float>(value);
    if (static_cast<double>(nearest) == value || value != value) return nearest;
    auto word = Kokkos::bit_cast<std::uint32_t>(nearest);
    if (Kokkos::abs(static_cast<double>(nearest)) > Kokkos::abs(value)) --word;
    return Kokkos::bit_cast<float>(word | 1U);
  }

  static KOKKOS_FUNCTION std::uint16_t bits_of(float value) {
    const auto word = Kokkos::bit_cast<std::uint32_t>(value);
    const std::uint32_t sign = word >> 16 & 0x8000U, magnitude = word & 0x7fffffffU;
    return static_cast<std::uint16_t>(sign |
                                      (type == RealType::bf16 ? as_bfloat16(magnitude) : as_binary16(magnitude)));
  }

  static KOKKOS_FUNCTION std::uint32_t as_bfloat16(std::uint32_t magnitude) {
    if (magnitude > 0x7f800000U) return 0x7fc0U;
    return (magnitude + 0x7fffU + (magnitude >> 16 & 1U)) >> 16;
  }

  static KOKKOS_FUNCTION std::uint32_t as_binary16(std::uint32_t magnitude) {
    if (magnitude > 0x7f800000U) return 0x7e00U;
    const auto value = Kokkos::bit_cast<float>(magnitude);
    if (value >= 65520.0F) return 0x7c00U;  // half way to what would follow the largest
    // Neighbours of 0.5 are as far from each other as binary16's subnormal numbers.
    if (value < 0x1p-14F) return Kokkos::bit_cast<std::uint32_t>(value + 0.5F) - Kokkos::bit_cast<std::uint32_t>(0.5F);
    return ((magnitude + 0xfffU + (magnitude >> 13 & 1U)) >> 13) - ((127U - 15U) << 10);
  }

  std::uint16_t bits_;
};

/// What values of 16 bits are in memory: Kokkos' types where these have 16 bits.
using Float16 = std::conditional_t<sizeof(Kokkos::Experimental::half_t) == 2, Kokkos::Experimental::half_t,
                                   Stored16<RealType::f16>>;
using BFloat16 = std::conditional_t<sizeof(Kokkos::Experimental::bhalf_t) == 2, Kokkos::Experimental::bhalf_t,
                                    Stored16<RealType::bf16>>;

}  // namespace rownorm::impl

#endif
