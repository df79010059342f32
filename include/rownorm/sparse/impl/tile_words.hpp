// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_SPARSE_IMPL_TILE_WORDS_HPP
#define ROWNORM_SPARSE_IMPL_TILE_WORDS_HPP

/// Where teams leave what they know of rows that are cut.
///
/// Such a row has a slice in each tile that it meets: in its first tile at the end, in all others at the beginning.
/// Each team leaves the partial result of its slice and counts itself; the last one to do so combines all in order,
/// leaves the total with the row's first tile, and says so. No team depends on that: who does not find the total soon
/// marks its slice as left for the last kernel, which finds all totals.

#include <algorithm>
#include <cstdint>
#include <map>
#include <mutex>
#include <vector>

#include <Kokkos_Core.hpp>

#include <rownorm/impl/compat.hpp>
#include <rownorm/sparse/impl/tiled_rows.hpp>

namespace rownorm::sparse::impl {

/// A row has its slice at the beginning of a tile, where it began before, or at its end.
enum Slot : int { at_begin = 0, at_end = 1 };

/// Memory for so many tiles: words, and behind them partial results. The first kernel of a call makes it ready.
struct TileMemory {
  static constexpr std::int64_t words_per_tile = 6;
  static constexpr std::int64_t max_partial_words = 3;
  static constexpr std::int64_t partials_per_tile = 3;

  std::uint64_t* data = nullptr;
  std::int64_t tiles = 0;  ///< and room for where the last one ends

  static std::int64_t words(std::int64_t tiles) {
    return 1 + (tiles + 1) * (words_per_tile + partials_per_tile * max_partial_words);
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
      : left_count_(memory.data),
        words_(reinterpret_cast<Words*>(left_count_ + 1)),
        totals_(reinterpret_cast<Partial*>(words_ + memory.tiles + 1)),
        parts_(totals_ + memory.tiles) {}

  /// Makes those of a tile ready.
  KOKKOS_FUNCTION void clear(std::int64_t tile, const TileBegin& begin) const {
    words_[tile] = {begin, 0, 0, 0};
    if (tile == 0) *left_count_ = 0;
  }
  KOKKOS_FUNCTION const TileBegin& begin(std::int64_t tile) const { return words_[tile].begin; }

  KOKKOS_FUNCTION Partial& part(std::int64_t tile, Slot slot) const { return parts_[2 * tile + slot]; }
  /// Of a row that begins in a tile and is cut. There is at most one.
  KOKKOS_FUNCTION Partial& total(std::int64_t first_tile) const { return totals_[first_tile]; }

  /// One thread of each team calls it when it has left its part and called memory_fence. True for the last of a row.
  KOKKOS_FUNCTION bool count(std::int64_t first_tile, std::int64_t slices) const {
    return Kokkos::atomic_fetch_add(&words_[first_tile].counted, std::uint64_t{1}) + 1 ==
           static_cast<std::uint64_t>(slices);
  }

  /// Says that a total is there, when it has been left and memory_fence called; and whether it is: who then reads it
  /// calls memory_fence first.
  KOKKOS_FUNCTION void set_done(std::int64_t first_tile) const {
    rownorm::impl::relaxed_store(&words_[first_tile].is_done, 1);
  }
  KOKKOS_FUNCTION bool is_done(std::int64_t first_tile) const {
    return rownorm::impl::relaxed_load(&words_[first_tile].is_done) != 0;
  }

  /// Leaves slices of a tile for the last kernel, a bit each; and the k-th there, in no order.
  KOKKOS_FUNCTION void leave(std::int64_t tile, unsigned slots) const {
    const std::uint64_t k = Kokkos::atomic_fetch_add(left_count_, std::uint64_t{1});
    words_[k].left = static_cast<std::uint64_t>(tile) << 2 | slots;
  }
  KOKKOS_FUNCTION std::int64_t left_count() const { return static_cast<std::int64_t>(*left_count_); }
  struct Left {
    std::int64_t tile;
    unsigned slots;
  };
  KOKKOS_FUNCTION Left left(std::int64_t k) const {
    return {static_cast<std::int64_t>(words_[k].left >> 2), static_cast<unsigned>(words_[k].left & 3)};
  }

 private:
  struct Words {
    TileBegin begin;
    std::uint64_t is_done;
    std::uint64_t counted;
    std::uint64_t left;
  };
  static_assert(sizeof(Words) == TileMemory::words_per_tile * sizeof(std::uint64_t));

  std::uint64_t* left_count_ = nullptr;
  Words* words_ = nullptr;
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
