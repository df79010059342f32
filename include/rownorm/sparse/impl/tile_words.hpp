// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_SPARSE_IMPL_TILE_WORDS_HPP
#define ROWNORM_SPARSE_IMPL_TILE_WORDS_HPP

/// Where teams leave what they know of rows that are longer than a tile.
///
/// Such a row has a slice in each tile that it meets: in its first tile at the end, in all others at the beginning.
/// Each team leaves the partial result of its slice and counts itself; the last one to do so combines all in order,
/// leaves the total with the row's first tile, and says so. No team depends on that: who does not find the total soon
/// marks its slice as left for the next kernel, which finds all totals. That kernel puts the words back to zero.

#include <algorithm>
#include <cstdint>
#include <map>
#include <mutex>
#include <vector>

#include <Kokkos_Core.hpp>

#include <rownorm/impl/compat.hpp>

namespace rownorm::sparse::impl {

/// A row has its slice at the beginning of a tile, where it began before, or at its end.
enum Slot : int { at_begin = 0, at_end = 1 };

/// Memory for so many tiles: words that kernels find zero and leave zero, and behind them partial results.
struct TileMemory {
  static constexpr std::int64_t flags_per_tile = 3;
  static constexpr std::int64_t max_partial_words = 3;
  static constexpr std::int64_t partials_per_tile = 3;

  std::uint64_t* data = nullptr;
  std::int64_t tiles = 0;

  static std::int64_t words(std::int64_t tiles) {
    return tiles * (flags_per_tile + partials_per_tile * max_partial_words);
  }
};

/// What kernels see of it.
template <class Partial>
class TileWords {
  static_assert(sizeof(Partial) <= TileMemory::max_partial_words * sizeof(std::uint64_t),
                "rownorm: the partial results of this norm are too large for sparse matrices on this device");

 public:
  TileWords() = default;
  explicit TileWords(const TileMemory& memory)
      : flags_(memory.data),
        totals_(reinterpret_cast<Partial*>(flags_ + memory.tiles * TileMemory::flags_per_tile)),
        parts_(totals_ + memory.tiles) {}

  KOKKOS_FUNCTION Partial& part(std::int64_t tile, Slot slot) const { return parts_[2 * tile + slot]; }
  /// Of a row that begins in a tile and is longer. There is at most one.
  KOKKOS_FUNCTION Partial& total(std::int64_t first_tile) const { return totals_[first_tile]; }

  /// One thread of each team calls it when it has left its part and called memory_fence. True for the last of a row.
  KOKKOS_FUNCTION bool count(std::int64_t first_tile, std::int64_t slices) const {
    const bool is_last =
        Kokkos::atomic_fetch_add(counted(first_tile), std::uint64_t{1}) + 1 == static_cast<std::uint64_t>(slices);
    if (is_last) rownorm::impl::relaxed_store(counted(first_tile), 0);
    return is_last;
  }

  /// Says that a total is there, when it has been left and memory_fence called; and whether it is: who then reads it
  /// calls memory_fence first.
  KOKKOS_FUNCTION void set_done(std::int64_t first_tile) const { rownorm::impl::relaxed_store(done(first_tile), 1); }
  KOKKOS_FUNCTION bool is_done(std::int64_t first_tile) const {
    return rownorm::impl::relaxed_load(done(first_tile)) != 0;
  }

  /// Which slices of a tile are left for the next kernel, a bit each.
  KOKKOS_FUNCTION void set_left(std::int64_t tile, unsigned slots) const { *left(tile) = slots; }
  /// The same there, which forgets it.
  KOKKOS_FUNCTION unsigned take_left(std::int64_t tile) const {
    const auto slots = static_cast<unsigned>(*left(tile));
    if (slots != 0) *left(tile) = 0;
    if (*done(tile) != 0) *done(tile) = 0;
    return slots;
  }

 private:
  KOKKOS_FUNCTION std::uint64_t* counted(std::int64_t tile) const { return flags_ + TileMemory::flags_per_tile * tile; }
  KOKKOS_FUNCTION std::uint64_t* done(std::int64_t tile) const { return counted(tile) + 1; }
  KOKKOS_FUNCTION std::uint64_t* left(std::int64_t tile) const { return counted(tile) + 2; }

  std::uint64_t* flags_ = nullptr;
  Partial* totals_ = nullptr;
  Partial* parts_ = nullptr;
};

/// Memory for so many tiles, of the stream behind `exec`, whose kernels run one after the other. Where a call needs
/// more than any before it on this stream it allocates twice as much; what is replaced stays, as a captured graph may
/// use it. All is freed by Kokkos::finalize.
template <class Exec>
TileMemory tile_memory(const Exec& exec, std::int64_t tiles) {
  using Words = Kokkos::View<std::uint64_t*, typename Exec::memory_space>;
  struct OfStream {
    TileMemory memory;
    std::vector<Words> words;
  };
  static std::mutex mutex;
  static std::map<rownorm::impl::StreamId, OfStream> streams;

  const std::lock_guard lock(mutex);
  if (streams.empty()) {
    Kokkos::push_finalize_hook([] {
      const std::lock_guard finalize_lock(mutex);
      streams.clear();
    });
  }
  OfStream& stream = streams[rownorm::impl::stream_id(exec)];
  if (stream.memory.tiles < tiles) {
    const std::int64_t room = std::max(tiles, 2 * stream.memory.tiles);
    stream.words.emplace_back(Kokkos::view_alloc(exec, "rownorm::sparse::workspace"), TileMemory::words(room));
    stream.memory = {stream.words.back().data(), room};
  }
  return stream.memory;
}

}  // namespace rownorm::sparse::impl

#endif
