// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_IMPL_VECTOR_REF_HPP
#define ROWNORM_IMPL_VECTOR_REF_HPP

#include <cstdint>
#include <type_traits>

#include <Kokkos_Core.hpp>

#include <rownorm/impl/half.hpp>
#include <rownorm/impl/real_type.hpp>

namespace rownorm::impl {

template <class Value>
KOKKOS_FUNCTION constexpr RealType real_type() {
  using T = std::remove_const_t<Value>;
  if constexpr (std::is_same_v<T, float>) return RealType::f32;  // half_t and bhalf_t too may be that
  if constexpr (std::is_same_v<T, double>) return RealType::f64;
  if constexpr (std::is_same_v<T, Float16>) return RealType::f16;
  return RealType::bf16;
}

template <class View, class Exec>
inline constexpr bool can_access_v = Kokkos::SpaceAccessibility<Exec, typename View::memory_space>::accessible;

/// Elements of a view of real values, for kernels that are not compiled for its type: what is read or written once a
/// row or once a column does not need it.
struct VectorRef {
  void* data = nullptr;
  std::int64_t extent = 0;
  std::int64_t stride = 0;
  RealType type = RealType::f32;

  VectorRef() = default;
  friend bool operator==(const VectorRef&, const VectorRef&) = default;
  template <class View>
  KOKKOS_FUNCTION explicit VectorRef(const View& view)
      : data(const_cast<typename View::non_const_value_type*>(view.data())),
        extent(1),
        stride(View::rank() == 0 ? 1 : static_cast<std::int64_t>(view.stride(0))),
        type(real_type<typename View::value_type>()) {
    for (int r = 0; r < static_cast<int>(View::rank()); ++r) extent *= static_cast<std::int64_t>(view.extent(r));
  }

  std::int64_t value_bytes() const { return type == RealType::f64 ? 8 : type == RealType::f32 ? 4 : 2; }

  template <class Compute>
  KOKKOS_FUNCTION Compute get(std::int64_t at) const {
    switch (type) {
      case RealType::f64:
        return static_cast<Compute>(static_cast<const double*>(data)[at]);
      case RealType::f16:
        return static_cast<Compute>(static_cast<const Float16*>(data)[at]);
      case RealType::bf16:
        return static_cast<Compute>(static_cast<const BFloat16*>(data)[at]);
      case RealType::f32:
        break;
    }
    return static_cast<Compute>(static_cast<const float*>(data)[at]);
  }
  /// Rounds a value to what is stored, so many elements after the first.
  KOKKOS_FUNCTION void set(std::int64_t at, double value) const {
    const auto store = [&](auto* first) { first[at] = static_cast<std::remove_reference_t<decltype(*first)>>(value); };
    switch (type) {
      case RealType::f32:
        return store(static_cast<float*>(data));
      case RealType::f64:
        return store(static_cast<double*>(data));
      case RealType::f16:
        return store(static_cast<Float16*>(data));
      case RealType::bf16:
        return store(static_cast<BFloat16*>(data));
    }
  }
};

}  // namespace rownorm::impl

#endif
