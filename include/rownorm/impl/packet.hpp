// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_IMPL_PACKET_HPP
#define ROWNORM_IMPL_PACKET_HPP

/// Packets of up to 16 bytes, the alignment they need, and the elements that no packet covers.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <Kokkos_Core.hpp>

#include <rownorm/impl/compat.hpp>
#include <rownorm/impl/rows.hpp>

namespace rownorm::impl {

/// The most bytes that one thread loads or stores at once.
inline constexpr int packet_bytes = 16;

/// A line of a cache. Scratch memory that whole lines are copied to begins at one: else each copy meets two, which
/// costs whole kernels 2 to 5 %.
inline constexpr int line_bytes = 128;

/// Values a packet, for rows of X on their way to rows of Y.
template <class X, class Y>
inline constexpr int packet_values =
    packet_bytes / static_cast<int>(std::max(sizeof(typename ValuesRead<std::remove_const_t<X>>::type), sizeof(Y)));

/// How many arrays are read for X.
template <class X>
inline constexpr int arrays_read = ValuesRead<std::remove_const_t<X>>::arrays;

template <class Value>
std::uintptr_t address_of(const Value* first) {
  return reinterpret_cast<std::uintptr_t>(first);
}
template <class X, class Y>
bool is_at(const X* first, const Y* y) {
  return static_cast<const void*>(first) == y;
}
/// True where x and y begin equally many elements before a packet of n values.
template <int n, class X, class Y>
bool begin_in_phase(const X* x, const Y* y) {
  return (static_cast<std::int64_t>(address_of(x) / sizeof(X)) - static_cast<std::int64_t>(address_of(y) / sizeof(Y))) %
             n ==
         0;
}

/// The index of a value that is accumulated by itself: see RowFinisher::accumulate.
inline constexpr int unpaired = 1;

/// n consecutive values, moved as one where they are aligned. They are kept as they are in memory, because compilers
/// give each value of 16 bits a register of its own.
template <class Value, int n>
class Packet {
 public:
  /// From scratch memory. Packets of several arrays lie in several places there, so far from one to the next.
  static KOKKOS_FORCEINLINE_FUNCTION Packet load(const Value* first, std::int64_t /*to_next_array*/ = 0) {
    Packet packet;
    packet.memory_ = *reinterpret_cast<const Memory*>(first);
    return packet;
  }
  /// From global memory, where x is.
  static KOKKOS_FORCEINLINE_FUNCTION Packet fetch(const Value* first) {
    Packet packet;
    packet.memory_ = load_words(reinterpret_cast<const Memory*>(first));
    return packet;
  }
  /// From global memory that nobody writes while the kernel runs.
  static KOKKOS_FORCEINLINE_FUNCTION Packet fetch_constant(const Value* first) {
    Packet packet;
    packet.memory_ = load_constant_words(reinterpret_cast<const Memory*>(first));
    return packet;
  }
  /// Begins to copy a packet to scratch memory; the thread that does so calls end_copies before it reads it.
  static KOKKOS_FORCEINLINE_FUNCTION void begin_copy(Value* to, const Value* from, std::int64_t /*to_next_array*/ = 0) {
    if constexpr (bytes >= 4)
      impl::begin_copy<bytes>(to, from);
    else
      *to = *from;
  }
  /// The same value by value, from where there is no packet.
  static KOKKOS_FORCEINLINE_FUNCTION void copy_values(Value* to, const Value* from,
                                                      std::int64_t /*to_next_array*/ = 0) {
    for (int k = 0; k < n; ++k) to[k] = from[k];
  }
  /// To global memory.
  KOKKOS_FORCEINLINE_FUNCTION void store(Value* first) const { store_words(reinterpret_cast<Memory*>(first), memory_); }

  KOKKOS_FORCEINLINE_FUNCTION Value get(int k) const {
    if constexpr (n == 1) {
      return Kokkos::bit_cast<Value>(memory_);
    } else if constexpr (sizeof(Value) == 8) {
      return Kokkos::bit_cast<Value>(std::uint64_t{word(memory_, 2 * k + 1)} << 32 | word(memory_, 2 * k));
    } else if constexpr (sizeof(Value) == 4) {
      return Kokkos::bit_cast<Value>(word(memory_, k));
    } else {
      return Kokkos::bit_cast<Value>(static_cast<std::uint16_t>(word(memory_, k / 2) >> (k % 2 * 16)));
    }
  }
  KOKKOS_FORCEINLINE_FUNCTION void set(int k, Value value) {
    if constexpr (n == 1) {
      memory_ = Kokkos::bit_cast<Memory>(value);
    } else if constexpr (sizeof(Value) == 8) {
      const auto bits = Kokkos::bit_cast<std::uint64_t>(value);
      word(memory_, 2 * k) = static_cast<unsigned>(bits);
      word(memory_, 2 * k + 1) = static_cast<unsigned>(bits >> 32);
    } else if constexpr (sizeof(Value) == 4) {
      word(memory_, k) = Kokkos::bit_cast<unsigned>(value);
    } else {
      const unsigned bits = Kokkos::bit_cast<std::uint16_t>(value);
      unsigned& both = word(memory_, k / 2);
      both = k % 2 == 0 ? bits : both | bits << 16;
    }
  }

  /// Makes the compiler read the values again from here, rather than keep what it made of them before.
  KOKKOS_FORCEINLINE_FUNCTION void renew() {
    if constexpr (bytes >= 4)
      for (int w = 0; w < bytes / 4; ++w) forget_origin(word(memory_, w));
  }

 private:
  static constexpr int bytes = n * sizeof(Value);
  using Memory = MemoryWords<bytes>;

  /// Word w of the packet. An array would be split into words by the compiler, and each moved by itself.
  template <class Words>
  static KOKKOS_FORCEINLINE_FUNCTION auto& word(Words& words, int w) {
    if constexpr (sizeof(Words) == 4)
      return words;
    else if constexpr (sizeof(Words) == 8)
      return w == 0 ? words.x : words.y;
    else
      return w == 0 ? words.x : w == 1 ? words.y : w == 2 ? words.z : words.w;
  }

  Memory memory_;
};

template <class Value, int n>
KOKKOS_FORCEINLINE_FUNCTION bool is_packet_aligned(const Value* first) {
  return reinterpret_cast<std::uintptr_t>(first) % (n * sizeof(Value)) == 0;
}

/// So many bytes further.
template <class Value>
KOKKOS_FORCEINLINE_FUNCTION Value* bytes_further(Value* first, std::ptrdiff_t bytes) {
  using Byte = std::conditional_t<std::is_const_v<Value>, const char, char>;
  return reinterpret_cast<Value*>(reinterpret_cast<Byte*>(first) + bytes);
}

/// A stretch of one row of x and y: whole packets, with at most n - 1 elements before (head) and after them (tail).
/// Packets of y are aligned. Those of x need not be: then they are loaded value by value. Elements have unit stride.
template <class X, class Y, int n>
struct Stretch {
  PointerTo<X> x;  ///< at the first packet, as y
  Y* y;
  int packets;
  int head;
  int tail;
  int head_of_row;  ///< the same as head, but for a slice of the row, where only the first has it

  /// The whole of a row.
  static KOKKOS_FUNCTION Stretch of(const Row<X>& x, const Row<Y>& y) {
    const auto misaligned = static_cast<int>(reinterpret_cast<std::uintptr_t>(y.data) / sizeof(Y) % n);
    const auto head = static_cast<int>(Kokkos::min<std::int64_t>((n - misaligned) % n, x.columns));
    const std::int64_t body = x.columns - head;
    return {x.data + head, y.data + head, static_cast<int>(body / n), head, static_cast<int>(body % n), head};
  }

  /// The packets from `first` on, at most `count`; with the head if they are the row's first, with the tail if its
  /// last.
  KOKKOS_FUNCTION Stretch slice(int first, int count) const {
    const int begin = Kokkos::min(first, packets), end = Kokkos::min(begin + count, packets);
    const std::ptrdiff_t offset = static_cast<std::ptrdiff_t>(begin) * n;
    const bool owns_tail = end == packets && (begin < end || first == 0);
    return {x + offset, y + offset, end - begin, first == 0 ? head : 0, owns_tail ? tail : 0, head_of_row};
  }

  static constexpr int no_edge = 1 << 30;

  /// The element of the head or tail that a worker has, counted from the first packet: the first n workers have the
  /// head, the next n the tail.
  KOKKOS_FORCEINLINE_FUNCTION int edge(int worker) const {
    if (n == 1) return no_edge;
    if (worker < n) return worker < head ? worker - head : no_edge;
    return worker - n < tail ? packets * n + worker - n : no_edge;
  }
};

/// How many packets worker number `worker` has of `packets`.
KOKKOS_FORCEINLINE_FUNCTION int packets_of(int worker, int workers, int packets) {
  return Kokkos::max(0, (packets - worker + workers - 1) / workers);
}

/// f(value, k, its place counted from the first packet) for each value that a worker would hold, the k-th of its
/// packet, in the same order, without holding them.
template <class X, class Y, int n, class F>
KOKKOS_FUNCTION void for_each_in(const Stretch<X, Y, n>& stretch, int worker, int workers, const F& f) {
  ROWNORM_IMPL_UNROLL(1)
  for (int packet = worker; packet < stretch.packets; packet += workers)
    for (int k = 0; k < n; ++k) f(stretch.x[packet * n + k], k, packet * n + k);
  if (const int edge = stretch.edge(worker); edge != stretch.no_edge) f(stretch.x[edge], unpaired, edge);
}

/// Writes f(value, its place counted from the first packet) for each value of x that a worker would hold to its place
/// in y.
template <class X, class Y, int n, class F>
KOKKOS_FUNCTION void rescale_in(const Stretch<X, Y, n>& stretch, int worker, int workers, const F& f) {
  ROWNORM_IMPL_UNROLL(1)
  for (int packet = worker; packet < stretch.packets; packet += workers)
    for (int k = 0; k < n; ++k) stretch.y[packet * n + k] = f(stretch.x[packet * n + k], packet * n + k);
  if (const int edge = stretch.edge(worker); edge != stretch.no_edge) stretch.y[edge] = f(stretch.x[edge], edge);
}

}  // namespace rownorm::impl

#endif
