// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Values as they are stored, and as they are computed with.
#if defined(ROWNORM_HOST_ROWS_VALUES_HPP) == defined(HWY_TARGET_TOGGLE)  // once for each instruction set
#ifdef ROWNORM_HOST_ROWS_VALUES_HPP
#undef ROWNORM_HOST_ROWS_VALUES_HPP
#else
#define ROWNORM_HOST_ROWS_VALUES_HPP
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <hwy/cache_control.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace rownorm::impl {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

constexpr std::size_t line_bytes = 64;
/// So far ahead of what is summed x is fetched. The hardware does that as well, but stops at the end of each page.
constexpr std::size_t fetch_ahead_bytes = 1024;
constexpr std::size_t page_bytes = 4096;

template <class X, class Y>
using ComputeOf = std::conditional_t<std::is_same_v<X, double> || std::is_same_v<Y, double>, double, float>;

/// Values of 16 bits as float.
template <class D, class V>
HWY_INLINE hn::Vec<D> to_float(D d, V v) {
#if HWY_ARCH_ARM || (HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2)
  constexpr bool by_hardware = true;
#else
  constexpr bool by_hardware = false;
#endif
  if constexpr (by_hardware || std::is_same_v<hn::TFromV<V>, hwy::bfloat16_t>) {
    return hn::PromoteTo(d, v);
  } else {
    // Without instructions for it Highway takes infinities and NaN for numbers.
    const hn::RebindToUnsigned<D> bits_of;
    const auto bits = hn::PromoteTo(bits_of, hn::BitCast(hn::Rebind<std::uint16_t, D>(), v));
    const auto magnitude = hn::ShiftLeft<13>(hn::And(bits, hn::Set(bits_of, 0x7fffU)));
    const auto sign = hn::ShiftLeft<16>(hn::And(bits, hn::Set(bits_of, 0x8000U)));
    // As bits of a float a number is 2^112 times too small, subnormal or not.
    const auto number = hn::BitCast(bits_of, hn::Mul(hn::BitCast(d, magnitude), hn::Set(d, 0x1p112F)));
    const auto special = hn::Or(magnitude, hn::Set(bits_of, 0x7f800000U));
    const auto is_special = hn::Ge(magnitude, hn::Set(bits_of, 0x7c00U << 13));
    return hn::BitCast(d, hn::Or(sign, hn::IfThenElse(is_special, special, number)));
  }
}

/// n neighbours, or as many as a vector has, converted to its type.
template <class D, class X, class Load>
HWY_INLINE hn::Vec<D> load_converted(D d, const Load& load) {
  using T = hn::TFromD<D>;
  if constexpr (std::is_same_v<X, T>)
    return load(d);
  else if constexpr (sizeof(X) == 8)
    return hn::DemoteTo(d, load(hn::Rebind<X, D>()));
  else if constexpr (sizeof(X) == 4)
    return hn::PromoteTo(d, load(hn::Rebind<X, D>()));
  else if constexpr (sizeof(T) == 4)
    return to_float(d, load(hn::Rebind<X, D>()));
  else
    return hn::PromoteTo(d, to_float(hn::Rebind<float, D>(), load(hn::Rebind<X, D>())));
}

template <class D, class X>
HWY_INLINE hn::Vec<D> load(D d, const X* x) {
  return load_converted<D, X>(d, [&](auto memory) HWY_ATTR { return hn::LoadU(memory, x); });
}

template <class D, class X>
HWY_INLINE hn::Vec<D> load_n(D d, const X* x, std::size_t n) {
  return load_converted<D, X>(d, [&](auto memory) HWY_ATTR { return hn::LoadN(memory, x, n); });
}

template <class D, class Y, class Store>
HWY_INLINE void store_converted(D d, hn::Vec<D> v, const Store& store) {
  using T = hn::TFromD<D>;
  if constexpr (std::is_same_v<Y, T>)
    store(d, v);
  else if constexpr (2 * sizeof(Y) == sizeof(T))
    store(hn::Rebind<Y, D>(), hn::DemoteTo(hn::Rebind<Y, D>(), v));
  else
    store(hn::Rebind<Y, D>(), hn::DemoteTo(hn::Rebind<Y, D>(), hn::DemoteTo(hn::Rebind<float, D>(), v)));
}

template <bool bypass_cache, class D, class Y>
HWY_INLINE void store(D d, hn::Vec<D> v, Y* y) {
  store_converted<D, Y>(d, v, [&](auto memory, auto stored) HWY_ATTR {
    // Of a part of a register Highway would stream 16 bytes nevertheless.
    if constexpr (bypass_cache && hn::MaxLanes(memory) * sizeof(Y) >= 16)
      hn::Stream(stored, memory, y);
    else
      hn::StoreU(stored, memory, y);
  });
}

/// Stores two vectors. Those that become half as wide are stored as one: past the caches lines go out faster whole.
template <bool bypass_cache, class D, class Y>
HWY_INLINE void store_two(D d, hn::Vec<D> v0, hn::Vec<D> v1, Y* y) {
#if !HWY_HAVE_SCALABLE && HWY_TARGET != HWY_SCALAR
  if constexpr (2 * sizeof(Y) == sizeof(hn::TFromD<D>) && sizeof(Y) == 2) {
    const hn::Repartition<std::uint16_t, D> both;
    const hn::Half<decltype(both)> one;
    const hn::Rebind<Y, D> memory;
    const auto bits =
        hn::Combine(both, hn::BitCast(one, hn::DemoteTo(memory, v1)), hn::BitCast(one, hn::DemoteTo(memory, v0)));
    return store<bypass_cache>(both, bits, reinterpret_cast<std::uint16_t*>(y));
  }
#endif
  store<bypass_cache>(d, v0, y);
  store<bypass_cache>(d, v1, y + hn::Lanes(d));
}

template <class D, class Y>
HWY_INLINE void store_n(D d, hn::Vec<D> v, Y* y, std::size_t n) {
  store_converted<D, Y>(d, v, [&](auto memory, auto stored) HWY_ATTR { hn::StoreN(stored, memory, y, n); });
}

/// Elements before the next line of memory.
template <class Y>
HWY_INLINE std::int64_t elements_to_line(const Y* y) {
  return static_cast<std::int64_t>((line_bytes - reinterpret_cast<std::uintptr_t>(y) % line_bytes) % line_bytes /
                                   sizeof(Y));
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace rownorm::impl
HWY_AFTER_NAMESPACE();

#endif
