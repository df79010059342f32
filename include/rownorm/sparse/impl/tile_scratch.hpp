// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_SPARSE_IMPL_TILE_SCRATCH_HPP
#define ROWNORM_SPARSE_IMPL_TILE_SCRATCH_HPP

/// What a team has of its tile in scratch memory.
///
/// Entries are in chunks of 64 or 128 bytes, one a lane, and as many chunks as a warp has lanes are a group. A word of
/// each chunk marks the entries that rows begin with. Marks divide the entries into segments: the number of an entry's
/// is how many marks there are up to it. A segment has a slot, for its partial result and after that for its scale.

#include <algorithm>
#include <cstdint>
#include <new>
#include <type_traits>

#include <Kokkos_Core.hpp>

#include <rownorm/impl/compat.hpp>
#include <rownorm/impl/finisher.hpp>
#include <rownorm/impl/packet.hpp>
#include <rownorm/impl/values.hpp>
#include <rownorm/sparse/impl/tile_team.hpp>
#include <rownorm/sparse/impl/tiled_rows.hpp>
#include <rownorm/sparse/schedule.hpp>

namespace rownorm::sparse::impl {

template <class X, class Y, class Partial, class Scale, class Compute>
class TileScratch {
 public:
  /// As values are held between reading and writing: as they are, or where y is of another type in one that holds both.
  using Held =
      std::conditional_t<std::is_same_v<X, Y>, X,
                         std::conditional_t<rownorm::impl::is_complex_v<X>, Kokkos::complex<Compute>, Compute>>;
  static constexpr int packet = rownorm::impl::packet_bytes / static_cast<int>(sizeof(Held));
  static constexpr int packets = sizeof(Held) >= 8 ? 8 : 4;  ///< of a chunk
  static constexpr int chunk = packets * packet;
  using Values = rownorm::impl::Packet<Held, packet>;

  static KOKKOS_FORCEINLINE_FUNCTION Held as_held(const X& value) {
    if constexpr (std::is_same_v<X, Held>)
      return value;
    else
      return rownorm::impl::as_compute<Compute>(value);
  }

  /// How much tiles of no more than so many items need.
  static int bytes(std::int64_t most_items, int warps) {
    const std::int64_t most_rows = most_items / row_items + 1;
    // Bytes grow in proportion to entries and to rows, so they are most where there are only entries, or only rows.
    const auto most_chunks = [](std::int64_t entries) { return (entries + packet + chunk - 1) / chunk + 1; };
    return std::max(bytes_of(most_chunks(most_items), 0, warps), bytes_of(most_chunks(0), most_rows, warps));
  }

  template <class Team>
  KOKKOS_FUNCTION TileScratch(const Team& team, char* memory, const Tile& tile)
      : chunks(static_cast<int>(static_cast<unsigned>(tile.end()) / chunk) + 1),
        held_(reinterpret_cast<Held*>(memory)),
        slots_(memory + chunks * chunk_bytes),
        tails(reinterpret_cast<Partial*>(slots_ + slots_of(tile.rows()) * slot_bytes)),
        first_segments(reinterpret_cast<int*>(tails + team.warps())),
        marks(reinterpret_cast<std::uint32_t*>(first_segments + team.warps())),
        ranks(reinterpret_cast<std::uint16_t*>(marks + chunks + words)),
        starts(ranks + chunks) {}

  const int chunks;

 private:
  static constexpr int words = 3;  // beside those of chunks
  Held* const held_;
  char* const slots_;

 public:
  Partial* const tails;         ///< of each warp: what follows the last mark of its chunks
  int* const first_segments;    ///< of each warp: the number of the segment that its chunks begin with
  std::uint32_t* const marks;   ///< of each chunk
  std::uint16_t* const ranks;   ///< of each chunk: the number of the segment before its first mark
  std::uint16_t* const starts;  ///< where the rows that begin in the tile do, and its end

  KOKKOS_FORCEINLINE_FUNCTION std::uint32_t& have_powers() const { return marks[chunks]; }
  KOKKOS_FORCEINLINE_FUNCTION std::uint32_t& is_missing(Slot slot) const { return marks[chunks + 1 + slot]; }

  /// The first of a warp's groups of chunks; or of the next warp's.
  KOKKOS_FORCEINLINE_FUNCTION int first_group(unsigned warp, unsigned warps) const {
    const unsigned groups = static_cast<unsigned>(chunks + lanes_of_warp() - 1) / lanes_of_warp();
    return static_cast<int>(groups * warp / warps);
  }

  template <class Team>
  KOKKOS_FUNCTION void clear(const Team& team) const {
    ROWNORM_IMPL_UNROLL(4)
    for (int c = team.worker(); c < chunks + words; c += team.workers()) marks[c] = 0;
  }
  KOKKOS_FORCEINLINE_FUNCTION void mark(unsigned entry) const {
    Kokkos::atomic_or(&marks[entry / chunk], 1u << entry % chunk);
  }
  /// The number of the segment that an entry is in.
  KOKKOS_FORCEINLINE_FUNCTION int segment(unsigned entry) const {
    const unsigned c = entry / chunk;
    return ranks[c] + marks_to(marks[c], entry % chunk);
  }
  /// The entry that a segment begins with, the slow way.
  KOKKOS_FUNCTION int begin_of(int segment) const {
    int entry = 0;
    for (int marks_left = segment; marks_left > 0; ++entry)
      if ((marks[entry / chunk] >> entry % chunk & 1) != 0 && --marks_left == 0) return entry;
    return entry;
  }

  /// Slots, one after the other.
  class Cursor {
   public:
    KOKKOS_FORCEINLINE_FUNCTION explicit Cursor(char* slot) : slot_(slot) {}
    KOKKOS_FORCEINLINE_FUNCTION void advance(unsigned segments) { slot_ += segments * slot_bytes; }
    KOKKOS_FORCEINLINE_FUNCTION Partial partial() const { return *reinterpret_cast<const Partial*>(slot_); }
    KOKKOS_FORCEINLINE_FUNCTION void put(const Partial& partial) const { new (slot_) Partial(partial); }
    KOKKOS_FORCEINLINE_FUNCTION Scale scale() const { return *reinterpret_cast<const Scale*>(slot_); }
    KOKKOS_FORCEINLINE_FUNCTION void put(const Scale& scale) const { new (slot_) Scale(scale); }

   private:
    char* slot_;
  };
  KOKKOS_FORCEINLINE_FUNCTION Cursor slot(int segment) const { return Cursor(slots_ + segment * slot_bytes); }

  KOKKOS_FORCEINLINE_FUNCTION Cursor slot_of(unsigned entry) const { return slot(segment(entry)); }

  /// An entry, and the first one of a packet.
  KOKKOS_FORCEINLINE_FUNCTION Held& held(unsigned entry) const {
    return packet_of(entry / chunk, entry / packet % packets)[entry % packet];
  }
  /// f(value, whether it is marked) for the entries of a chunk with such marks.
  template <class F>
  KOKKOS_FORCEINLINE_FUNCTION void for_chunk(unsigned c, std::uint32_t marks_of_chunk, const F& f) const {
    ROWNORM_IMPL_UNROLL()
    for (int p = 0; p < packets; ++p) {
      const auto values = Values::load(packet_of(c, p));
      ROWNORM_IMPL_UNROLL()
      for (int k = 0; k < packet; ++k) f(values.get(k), (marks_of_chunk >> (p * packet + k) & 1) != 0);
    }
  }
  /// The packets of a lane, each so many entries after the one before as are in the packets of a warp, or a multiple.
  class PacketsOfLane {
   public:
    KOKKOS_FORCEINLINE_FUNCTION PacketsOfLane(const TileScratch& scratch, unsigned first)
        : slots_(scratch.slots_),
          even_(&scratch.held(first)),
          odd_(&scratch.held(first + of_warp) - of_warp),
          marks_(scratch.marks + first / chunk),
          ranks_(scratch.ranks + first / chunk),
          in_chunk_(first % chunk) {}

    /// A packet of f(slot, value), so many entries after the first one.
    template <class F>
    KOKKOS_FORCEINLINE_FUNCTION Values changed(unsigned further, const F& f) const {
      const Values values = load(further);
      const unsigned c = (in_chunk_ + further) / chunk, q = (in_chunk_ + further) % chunk;
      const std::uint32_t marks = marks_[c];
      Cursor slot(slots_ + (ranks_[c] + marks_to(marks, q)) * slot_bytes);
      Values changed;
      ROWNORM_IMPL_UNROLL()
      for (int k = 0; k < packet; ++k) {
        if (k > 0) slot.advance(marks >> q >> k & 1);
        changed.set(k, f(slot, values.get(k)));
      }
      return changed;
    }

   private:
    KOKKOS_FORCEINLINE_FUNCTION Values load(unsigned further) const {
      return Values::load((further / of_warp % 2 == 0 ? even_ : odd_) + further);
    }
    /// Packets change places in the same way every second time.
    static constexpr unsigned of_warp = rownorm::impl::warp_lanes * packet;

    char* slots_;
    const Held* even_;
    const Held* odd_;
    const std::uint32_t* marks_;
    const std::uint16_t* ranks_;
    unsigned in_chunk_;
  };
  KOKKOS_FORCEINLINE_FUNCTION PacketsOfLane packets_from(unsigned first) const { return PacketsOfLane(*this, first); }

 private:
  static constexpr int chunk_bytes = packets * rownorm::impl::packet_bytes;
  static constexpr int slot_bytes = static_cast<int>((std::max(sizeof(Partial), sizeof(Scale)) + 7) / 8 * 8);
  static_assert(alignof(Partial) <= 8 && alignof(Scale) <= 8);

  /// Of so many rows, entries before and after them, and those of a row that began before.
  static KOKKOS_FUNCTION int slots_of(int rows) { return rows + 3; }
  static int bytes_of(std::int64_t chunks, std::int64_t rows, int warps) {
    return static_cast<int>(chunks * (chunk_bytes + sizeof(std::uint32_t) + sizeof(std::uint16_t)) +
                            slots_of(static_cast<int>(rows)) * slot_bytes + warps * (sizeof(Partial) + sizeof(int)) +
                            words * sizeof(std::uint32_t) + (rows + 1) * sizeof(std::uint16_t));
  }

  /// Of the marks of a chunk those of entries up to this one.
  static KOKKOS_FORCEINLINE_FUNCTION int marks_to(std::uint32_t marks, unsigned entry) {
    return Kokkos::Experimental::popcount_builtin(marks & ((2u << entry) - 1));
  }
  /// The packet of a chunk. On devices they change places, so that no two of eight neighbouring lanes, each in its
  /// chunk, meet in a bank; 64 packets further it is the same again.
  KOKKOS_FORCEINLINE_FUNCTION Held* packet_of(unsigned c, unsigned number) const {
    KOKKOS_IF_ON_DEVICE((return held_ + c * chunk + (number ^ (packets == 8 ? c % 8 : c / 2 % 4)) * packet;))
    KOKKOS_IF_ON_HOST((return held_ + c * chunk + number * packet;))
  }
};

}  // namespace rownorm::sparse::impl

#endif
