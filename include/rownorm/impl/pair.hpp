// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_IMPL_PAIR_HPP
#define ROWNORM_IMPL_PAIR_HPP

/// Two arrays that kernels read as one: wherever they have X, it may be a Pair. Both arrays lie the same way, so that
/// one offset serves both.

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <Kokkos_Core.hpp>

#include <rownorm/impl/packet.hpp>
#include <rownorm/impl/rows.hpp>

namespace rownorm::impl {

/// A value of x, and one of the gradient with respect to y, under the same index.
template <class X>
struct Pair {
  X x;
  X gradient;
};

/// Where pairs are: in two arrays.
template <class X>
struct PairPointer {
  const X* x;
  const X* gradient;

  KOKKOS_FORCEINLINE_FUNCTION Pair<X> operator[](std::int64_t j) const { return {x[j], gradient[j]}; }
  KOKKOS_FORCEINLINE_FUNCTION Pair<X> operator*() const { return {*x, *gradient}; }
  KOKKOS_FORCEINLINE_FUNCTION PairPointer operator+(std::int64_t j) const { return {x + j, gradient + j}; }
  KOKKOS_FORCEINLINE_FUNCTION PairPointer& operator+=(std::int64_t j) { return *this = *this + j; }
};

template <class X>
struct PointerOf<Pair<X>> {
  using type = PairPointer<X>;
};
template <class X>
struct PointerOf<const Pair<X>> {
  using type = PairPointer<X>;
};

template <class X>
struct ValuesRead<Pair<X>> {
  using type = X;
  static constexpr int arrays = 2;
};

template <class Value, int n, class X>
KOKKOS_FORCEINLINE_FUNCTION bool is_packet_aligned(const PairPointer<X>& first) {
  return is_packet_aligned<X, n>(first.x) && is_packet_aligned<X, n>(first.gradient);
}

template <class X>
std::uintptr_t address_of(const PairPointer<X>& first) {
  return address_of(first.x);
}
template <class X, class Y>
bool is_at(const PairPointer<X>& first, const Y* y) {
  return is_at(first.x, y) || is_at(first.gradient, y);
}
template <int n, class X, class Y>
bool begin_in_phase(const PairPointer<X>& first, const Y* y) {
  return begin_in_phase<n>(first.x, y) && begin_in_phase<n>(first.gradient, y);
}

/// A packet of each array. In scratch memory, too, packets of one array lie next to each other: if each pair of packets
/// did, neighbouring lanes would meet in the same banks.
template <class X, int n>
class Packet<Pair<X>, n> {
 public:
  static KOKKOS_FORCEINLINE_FUNCTION Packet load(const X* first, std::int64_t to_next_array) {
    return Packet(Packet<X, n>::load(first), Packet<X, n>::load(first + to_next_array));
  }
  static KOKKOS_FORCEINLINE_FUNCTION Packet fetch(const PairPointer<X>& first) {
    return Packet(Packet<X, n>::fetch(first.x), Packet<X, n>::fetch(first.gradient));
  }
  static KOKKOS_FORCEINLINE_FUNCTION void begin_copy(X* to, const PairPointer<X>& from, std::int64_t to_next_array) {
    Packet<X, n>::begin_copy(to, from.x);
    Packet<X, n>::begin_copy(to + to_next_array, from.gradient);
  }
  static KOKKOS_FORCEINLINE_FUNCTION void copy_values(X* to, const PairPointer<X>& from, std::int64_t to_next_array) {
    Packet<X, n>::copy_values(to, from.x);
    Packet<X, n>::copy_values(to + to_next_array, from.gradient);
  }

  Packet() = default;
  KOKKOS_FORCEINLINE_FUNCTION Pair<X> get(int k) const { return {x_.get(k), gradient_.get(k)}; }
  KOKKOS_FORCEINLINE_FUNCTION void set(int k, const Pair<X>& value) {
    x_.set(k, value.x);
    gradient_.set(k, value.gradient);
  }
  KOKKOS_FORCEINLINE_FUNCTION void renew() {
    x_.renew();
    gradient_.renew();
  }

 private:
  KOKKOS_FORCEINLINE_FUNCTION Packet(const Packet<X, n>& x, const Packet<X, n>& gradient)
      : x_(x), gradient_(gradient) {}

  Packet<X, n> x_;
  Packet<X, n> gradient_;
};

/// So many bytes further.
template <class Value, class X>
KOKKOS_FORCEINLINE_FUNCTION PairPointer<X> bytes_further(const PairPointer<X>& first, std::ptrdiff_t bytes) {
  static_assert(sizeof(Pair<X>) == 2 * sizeof(X));
  return {bytes_further<const X>(first.x, bytes / 2), bytes_further<const X>(first.gradient, bytes / 2)};
}

}  // namespace rownorm::impl

#endif
