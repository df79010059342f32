// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_SPARSE_IMPL_TILE_WORDS_HPP
#define ROWNORM_SPARSE_IMPL_TILE_WORDS_HPP

/// Where teams leave what they know of rows that are cut.
///
/// Such a row has a slice in each tile that it meets: in its first tile at the end, in all others at the beginning.
/// Each team leaves the partial result of its slice, in words that tell by themselves whether they are there, and
/// combines those of all slices in order. No team depends on another: who does not find them soon marks its slice as
/// left for the last kernel, before which all are there.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <map>
#include <mutex>
#include <vector>

#include <Kokkos_Core.hpp>

#include <rownorm/impl/compat.hpp>
#include <rownorm/sparse/impl/tiled_rows.hpp>

namespace rownorm::sparse::impl {

/// Memory for so many tiles. The first kernel of a call makes it ready.
struct TileMemory {
  static constexpr std::int64_t words_per_tile = 4;
  static constexpr std::int64_t parts_per_tile = 2;
  static constexpr std::int64_t max_part_words = 3;

  std::uint64_t* data = nullptr;
  std::int64_t tiles = 0;  ///< and room for where the last one ends

  static std::int64_t words(std::int64_t tiles) {
    return 1 + (tiles + 1) * (words_per_tile + parts_per_tile * max_part_words);
  }
};

/// What kernels see of it.
template <class Partial>
class TileWords {
  static constexpr int part_words = (sizeof(Partial) + sizeof(std::uint64_t) - 1) / sizeof(std::uint64_t);
  static_assert(part_words <= TileMemory::max_part_words,
                "rownorm: the partial results of this norm are too large for sparse matrices on this device");

 public:
  TileWords() = default;
  explicit TileWords(const TileMemory& memory)
      : left_count_(memory.data),
        tiles_(reinterpret_cast<OfTile*>(left_count_ + 1)),
        parts_(reinterpret_cast<std::uint64_t*>(tiles_ + memory.tiles + 1)) {}

  /// Makes those of a tile ready.
  KOKKOS_FUNCTION void clear(std::int64_t tile, const TileBegin& begin) const {
    tiles_[tile] = {begin, 0};
    for (int w = 0; w < 2 * part_words; ++w) part(tile, at_begin)[w] = absent;
    if (tile == 0) *left_count_ = 0;
  }
  KOKKOS_FUNCTION const TileBegin& begin(std::int64_t tile) const { return tiles_[tile].begin; }

  KOKKOS_FUNCTION void put_part(std::int64_t tile, Slot slot, const Partial& partial) const {
    std::uint64_t words[part_words] = {};
    std::memcpy(words, &partial, sizeof(Partial));
    for (int w = 0; w < part_words; ++w) rownorm::impl::relaxed_store(&part(tile, slot)[w], words[w]);
  }
  /// False where it is not there yet, or is a NaN of just these bits, which is then for the last kernel.
  KOKKOS_FUNCTION bool get_part(std::int64_t tile, Slot slot, Partial& partial) const {
    std::uint64_t words[part_words];
    bool is_there = true;
    for (int w = 0; w < part_words; ++w) {
      words[w] = rownorm::impl::relaxed_load(&part(tile, slot)[w]);
      is_there = is_there && words[w] != absent;
    }
    std::memcpy(&partial, words, sizeof(Partial));
    return is_there;
  }

  /// Leaves slices of a tile for the last kernel, a bit each; and the k-th there, in no order.
  KOKKOS_FUNCTION void leave(std::int64_t tile, unsigned slots) const {
    const std::uint64_t k = Kokkos::atomic_fetch_add(left_count_, std::uint64_t{1});
    tiles_[k].left = static_cast<std::uint64_t>(tile) << 2 | slots;
  }
  KOKKOS_FUNCTION std::int64_t left_count() const { return static_cast<std::int64_t>(*left_count_); }
  struct Left {
    std::int64_t tile;
    unsigned slots;
  };
  KOKKOS_FUNCTION Left left(std::int64_t k) const {
    return {static_cast<std::int64_t>(tiles_[k].left >> 2), static_cast<unsigned>(tiles_[k].left & 3)};
  }

 private:
  static constexpr std::uint64_t absent = ~std::uint64_t{0};

  struct OfTile {
    TileBegin begin;
    std::uint64_t left;
  };
  static_assert(sizeof(OfTile) == TileMemory::words_per_tile * sizeof(std::uint64_t));

  KOKKOS_FUNCTION std::uint64_t* part(std::int64_t tile, Slot slot) const {
    return parts_ + (2 * tile + slot) * part_words;
  }

  std::uint64_t* left_count_ = nullptr;
  OfTile* tiles_ = nullptr;
  std::uint64_t* parts_ = nullptr;
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
  static auto& streams = *new std::map<rownorm::impl::StreamId, OfStream>;  // never destroyed, as in workspace.hpp

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
