// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_IMPL_HELD_HPP
#define ROWNORM_IMPL_HELD_HPP

/// What a lane holds of a row, or of a tile of rows, from when it is read until it is written: packets in registers, in
/// scratch memory, or in both.

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <Kokkos_Core.hpp>

#include <rownorm/impl/compat.hpp>
#include <rownorm/impl/finisher.hpp>
#include <rownorm/impl/packet.hpp>

namespace rownorm::impl {

/// What one of `workers` threads holds in registers of a stretch: every workers-th packet from the worker's own on, and
/// one element of the head or tail. Where there can be such, there must be at least 2 n workers.
template <class X, class Y, int n, int packets>
class HeldPackets {
 public:
  using Value = std::remove_const_t<X>;

  KOKKOS_FORCEINLINE_FUNCTION HeldPackets(const Stretch<X, Y, n>& stretch, int worker, int workers)
      : y_(stretch.y + worker * n),
        column_(stretch.head + worker * n),
        step_(workers * n),
        count_(0),
        y_edge_(nullptr) {
    for (int p = 0; p < packets; ++p) count_ += worker + p * workers < stretch.packets ? 1 : 0;
    const auto x = stretch.x + worker * n;
    if (is_packet_aligned<X, n>(x)) {
      ROWNORM_IMPL_UNROLL()
      for (int p = 0; p < packets; ++p)
        if (p < count_) held_[p] = Packet<Value, n>::fetch(x + p * step_);
    } else {
      ROWNORM_IMPL_UNROLL()
      for (int p = 0; p < packets; ++p)
        if (p < count_)
          for (int k = 0; k < n; ++k) held_[p].set(k, x[p * step_ + k]);
    }
    if (const int edge = stretch.edge(worker); edge != stretch.no_edge) {
      edge_ = stretch.x[edge];
      y_edge_ = stretch.y + edge;
      edge_column_ = stretch.head + edge;
    }
  }

  /// f(value, k, its column of the stretch) for each value held, the k-th of its packet, in a fixed order.
  template <class F>
  KOKKOS_FORCEINLINE_FUNCTION void for_each(const F& f) const {
    ROWNORM_IMPL_UNROLL()
    for (int p = 0; p < packets; ++p)
      if (p < count_)
        for (int k = 0; k < n; ++k) f(held_[p].get(k), n > 1 ? k : unpaired, column_ + p * step_ + k);
    if (n > 1 && y_edge_ != nullptr) f(edge_, unpaired, edge_column_);
  }

  /// The column of the stretch that the first packet begins with.
  KOKKOS_FORCEINLINE_FUNCTION int first_column() const { return column_; }

  /// Writes f(value, some weights, the value's place among these) for each value held to its place in y. Weights of
  /// columns are counted from first_column on.
  template <class WeightsOfColumns, class F>
  KOKKOS_FORCEINLINE_FUNCTION void store(const WeightsOfColumns& weights, const F& f) {
    ROWNORM_IMPL_UNROLL()
    for (int p = 0; p < packets; ++p)
      if (p < count_) {
        held_[p].renew();
        const auto of_packet = weights.template packet<n>(p * step_);
        Packet<Y, n> result;
        for (int k = 0; k < n; ++k) result.set(k, f(held_[p].get(k), of_packet, k));
        result.store(y_ + p * step_);
      }
    if (n > 1 && y_edge_ != nullptr) *y_edge_ = f(edge_, weights, edge_column_ - column_);
  }

 private:
  Packet<Value, n> held_[packets];
  Value edge_;
  Y* y_;
  int column_;  // of the first value; the head is before it
  int step_;
  int count_;
  Y* y_edge_;
  int edge_column_;
};

/// The same in scratch memory, for stretches that registers cannot hold. Each worker has there what it will use itself,
/// so that no barrier is needed.
template <class X, class Y, int n>
class ScratchPackets {
 public:
  using Value = std::remove_const_t<X>;

  /// `scratch` has room for the packets of the stretch, and for one more before and after them.
  KOKKOS_FORCEINLINE_FUNCTION ScratchPackets(const Stretch<X, Y, n>& stretch, Packet<Value, n>* scratch, int worker,
                                             int workers)
      : stretch_(stretch), scratch_(scratch), worker_(worker), workers_(workers) {
    if (sizeof(*scratch) == packet_bytes && is_packet_aligned<X, n>(stretch.x)) {
      ROWNORM_IMPL_UNROLL(4)
      for (int k = worker; k < stretch.packets; k += workers) begin_copy<packet_bytes>(scratch + k, stretch.x + k * n);
    } else {
      ROWNORM_IMPL_UNROLL(4)
      for (int k = worker; k < stretch.packets; k += workers)
        for (int j = 0; j < n; ++j) scratch[k].set(j, stretch.x[k * n + j]);
    }
    if (const int edge = stretch.edge(worker); edge != stretch.no_edge) values()[edge] = stretch.x[edge];
    end_copies();
  }

  /// Writes f(value) for each value of the worker to its place in y.
  template <class F>
  KOKKOS_FORCEINLINE_FUNCTION void store(const F& f) const {
    ROWNORM_IMPL_UNROLL(4)
    for (int k = worker_; k < stretch_.packets; k += workers_) {
      const auto packet = Packet<Value, n>::load(values() + k * n);
      Packet<Y, n> result;
      for (int j = 0; j < n; ++j) result.set(j, f(packet.get(j)));
      result.store(stretch_.y + k * n);
    }
    if (const int edge = stretch_.edge(worker_); edge != stretch_.no_edge) stretch_.y[edge] = f(values()[edge]);
  }

  /// The values as they follow each other in the stretch, from that which begins the first packet.
  KOKKOS_FORCEINLINE_FUNCTION Value* values() const { return reinterpret_cast<Value*>(scratch_); }

 private:
  Stretch<X, Y, n> stretch_;
  Packet<Value, n>* scratch_;
  int worker_;
  int workers_;
};

/// So many elements from one packet to the next.
template <int elements>
struct ConstantStep {
  KOKKOS_FUNCTION constexpr operator std::ptrdiff_t() const { return elements; }
};

/// The packets that one lane has of a slice which neither registers nor scratch memory could hold alone: the first ones
/// are in registers, those beyond in scratch memory. Each worker has there what it will use itself, so that no barrier
/// is needed.
///
/// - Step: how many elements from one packet of an array to the next, an integer or, which saves registers, a
///   ConstantStep.
template <class X, class Y, int n, int registers, class Step>
class LanePackets {
 public:
  using Value = std::remove_const_t<X>;
  /// What is in scratch memory: values of one array. Packets of the next array follow one step later.
  using Stored = typename ValuesRead<Value>::type;

  /// What a lane has in scratch memory of so many packets.
  static KOKKOS_FUNCTION constexpr int packets_in_scratch(int packets) { return Kokkos::max(0, packets - registers); }

  /// x: the lane's first packet; scratch: the first of those in scratch memory. Packets that are not aligned are loaded
  /// value by value.
  KOKKOS_FORCEINLINE_FUNCTION LanePackets(PointerTo<X> x, Step x_step, int count, bool x_is_aligned, Stored* scratch,
                                          Step scratch_step)
      : scratch_(scratch), count_(count), scratch_step_(scratch_step) {
    std::ptrdiff_t bytes_on = 0;
    if (x_is_aligned) {
      ROWNORM_IMPL_UNROLL()
      for (int p = 0; p < registers; ++p, advance<X>(bytes_on, x_step))
        if (p < count) held_[p] = Packet<Value, n>::fetch(bytes_further<X>(x, bytes_on));
    } else {
      ROWNORM_IMPL_UNROLL()
      for (int p = 0; p < registers; ++p, advance<X>(bytes_on, x_step))
        if (p < count)
          for (int k = 0; k < n; ++k) held_[p].set(k, bytes_further<X>(x, bytes_on)[k]);
    }
    // The loop also keeps compilers from using the first of these loads before the last one is on its way.
    PointerTo<X> beyond = x + registers * x_step;
    if (x_is_aligned) {
      ROWNORM_IMPL_UNROLL(4)
      for (int p = registers; p < count; ++p, beyond += x_step, scratch += arrays_read<X> * scratch_step)
        Packet<Value, n>::begin_copy(scratch, beyond, scratch_step);
    } else {
      ROWNORM_IMPL_UNROLL(4)
      for (int p = registers; p < count; ++p, beyond += x_step, scratch += arrays_read<X> * scratch_step)
        Packet<Value, n>::copy_values(scratch, beyond, scratch_step);
    }
  }

  /// f(value, k, p) for each value, the k-th of packet p, in order.
  template <class F>
  KOKKOS_FORCEINLINE_FUNCTION void for_each(const F& f) const {
    const auto for_each_of = [&](const Packet<Value, n>& packet, int p) {
      ROWNORM_IMPL_UNROLL()
      for (int k = 0; k < n; ++k) f(packet.get(k), k, p);
    };
    ROWNORM_IMPL_UNROLL()
    for (int p = 0; p < registers; ++p)
      if (p < count_) for_each_of(held_[p], p);
    if (count_ > registers) {  // else compilers would wait for the copies first
      end_copies();
      const Stored* scratch = scratch_;
      ROWNORM_IMPL_UNROLL(2)
      for (int p = registers; p < count_; ++p, scratch += arrays_read<X> * scratch_step_)
        for_each_of(Packet<Value, n>::load(scratch, scratch_step_), p);
    }
  }

  /// Writes f(value, known_of(p), k) for each value, the k-th of packet p, to packets of y, of which the lane's first
  /// is at y. known_of(p) is what f wants to know of a whole packet.
  template <class KnownOf, class F>
  KOKKOS_FORCEINLINE_FUNCTION void store(Y* y, Step y_step, const KnownOf& known_of, const F& f) {
    std::ptrdiff_t bytes_on = 0;
    ROWNORM_IMPL_UNROLL()
    for (int p = 0; p < registers; ++p, advance<Y>(bytes_on, y_step))
      if (p < count_) {
        held_[p].renew();
        store_packet(bytes_further(y, bytes_on), held_[p], known_of(p), f);
      }
    y += registers * y_step;
    const Stored* scratch = scratch_;
    ROWNORM_IMPL_UNROLL(4)
    for (int p = registers; p < count_; ++p, y += y_step, scratch += arrays_read<X> * scratch_step_)
      store_packet(y, Packet<Value, n>::load(scratch, scratch_step_), known_of(p), f);
  }

 private:
  /// One step further. Where steps are not constants, compilers would keep an address for each packet. Bytes, since
  /// elements would have to be made bytes for each packet again.
  template <class T>
  static KOKKOS_FORCEINLINE_FUNCTION void advance(std::ptrdiff_t& bytes_on, const Step& step) {
    bytes_on += step * static_cast<std::ptrdiff_t>(sizeof(T));
    if constexpr (std::is_integral_v<Step>) forget_origin(bytes_on);
  }

  template <class Known, class F>
  static KOKKOS_FORCEINLINE_FUNCTION void store_packet(Y* y, const Packet<Value, n>& packet, const Known& known,
                                                       const F& f) {
    Packet<Y, n> result;
    ROWNORM_IMPL_UNROLL()
    for (int k = 0; k < n; ++k) result.set(k, f(packet.get(k), known, k));
    result.store(y);
  }

  Packet<Value, n> held_[registers > 0 ? registers : 1];
  Stored* scratch_;
  int count_;
  Step scratch_step_;
};

/// From one packet of a block to the next, and from one block to the next.
struct BlockSteps {
  std::int64_t packet;
  std::int64_t block;
};

/// Blocks of n x n values of one lane, for x and y of which one has neighbouring rows in its packets and the other has
/// neighbouring columns: n packets of x become n packets of y without leaving the lane. The first blocks are in
/// registers, those beyond in scratch memory.
///
/// - x_packets_are_columns: the rows are neighbours in x, not in y; else the other way round.
template <class X, class Y, int n, int registers, bool x_packets_are_columns>
class LaneBlocks {
 public:
  using Value = std::remove_const_t<X>;
  using Stored = typename ValuesRead<Value>::type;  ///< see LanePackets

  /// What a lane has in scratch memory of so many blocks.
  static KOKKOS_FUNCTION constexpr int packets_in_scratch(int blocks) { return n * Kokkos::max(0, blocks - registers); }

  /// x: the lane's first packet, aligned as all others; scratch: the first of those in scratch memory; `scratch_step`
  /// values from one packet of an array to the next.
  KOKKOS_FORCEINLINE_FUNCTION LaneBlocks(PointerTo<const X> x, const BlockSteps& step, int count, Stored* scratch,
                                         std::int64_t scratch_step)
      : scratch_(scratch), scratch_step_(scratch_step), count_(count) {
    ROWNORM_IMPL_UNROLL()
    for (int b = 0; b < registers; ++b)
      if (b < count)
        for (int p = 0; p < n; ++p) held_[b].packets[p] = Packet<Value, n>::fetch(x + b * step.block + p * step.packet);
    PointerTo<const X> beyond = x + registers * step.block;
    ROWNORM_IMPL_UNROLL(1)
    for (int b = registers; b < count; ++b, beyond += step.block - n * step.packet)
      for (int p = 0; p < n; ++p, scratch += arrays_read<X> * scratch_step, beyond += step.packet)
        Packet<Value, n>::begin_copy(scratch, beyond, scratch_step);
  }

  /// f(value, q, c) for each value, of the q-th row of its block, and of column number c of the lane's; the columns of
  /// each row in order.
  template <class F>
  KOKKOS_FORCEINLINE_FUNCTION void for_each(const F& f) const {
    ROWNORM_IMPL_UNROLL()
    for (int b = 0; b < registers; ++b)
      if (b < count_) for_each_of(held_[b], b, f);
    if (count_ > registers) {  // else compilers would wait for the copies first
      end_copies();
      const Stored* scratch = scratch_;
      ROWNORM_IMPL_UNROLL(1)
      for (int b = registers; b < count_; ++b, scratch += n * arrays_read<X> * scratch_step_)
        for_each_of(load(scratch, scratch_step_), b, f);
    }
  }

  /// Writes f(value, q, c) for each value, of the q-th row of its block, and of column number c of the lane's, to
  /// packets of y, of which the lane's first is at y.
  template <class F>
  KOKKOS_FORCEINLINE_FUNCTION void store(Y* y, const BlockSteps& step, const F& f) {
    ROWNORM_IMPL_UNROLL()
    for (int b = 0; b < registers; ++b)
      if (b < count_) {
        ROWNORM_IMPL_UNROLL()
        for (int p = 0; p < n; ++p) held_[b].packets[p].renew();
        store_block(y + b * step.block, step.packet, held_[b], b, f);
      }
    const Stored* scratch = scratch_;
    ROWNORM_IMPL_UNROLL(1)
    for (int b = registers; b < count_; ++b, scratch += n * arrays_read<X> * scratch_step_)
      store_block(y + b * step.block, step.packet, load(scratch, scratch_step_), b, f);
  }

 private:
  struct Block {
    Packet<Value, n> packets[n];
  };

  static KOKKOS_FORCEINLINE_FUNCTION Block load(const Stored* first, std::int64_t step) {
    Block block;
    ROWNORM_IMPL_UNROLL()
    for (int p = 0; p < n; ++p) block.packets[p] = Packet<Value, n>::load(first + p * arrays_read<X> * step, step);
    return block;
  }

  template <class F>
  static KOKKOS_FORCEINLINE_FUNCTION void for_each_of(const Block& block, int b, const F& f) {
    ROWNORM_IMPL_UNROLL()
    for (int p = 0; p < n; ++p)
      for (int k = 0; k < n; ++k)
        f(block.packets[p].get(k), x_packets_are_columns ? k : p, b * n + (x_packets_are_columns ? p : k));
  }

  template <class F>
  static KOKKOS_FORCEINLINE_FUNCTION void store_block(Y* y, std::int64_t step, const Block& block, int b, const F& f) {
    std::int64_t to = 0;
    ROWNORM_IMPL_UNROLL()
    for (int p = 0; p < n; ++p) {
      Packet<Y, n> result;
      ROWNORM_IMPL_UNROLL()
      for (int k = 0; k < n; ++k)
        result.set(k,
                   f(block.packets[k].get(p), x_packets_are_columns ? p : k, b * n + (x_packets_are_columns ? k : p)));
      result.store(y + to);
      to += step;
      forget_origin(to);  // else compilers would keep an address for each packet
    }
  }

  Block held_[registers > 0 ? registers : 1];
  Stored* scratch_;
  std::int64_t scratch_step_;
  int count_;
};

}  // namespace rownorm::impl

#endif
