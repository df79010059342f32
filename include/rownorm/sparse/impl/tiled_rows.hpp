// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_SPARSE_IMPL_TILED_ROWS_HPP
#define ROWNORM_SPARSE_IMPL_TILED_ROWS_HPP

/// Rows and entries divided into tiles of equally many items.

#include <cstdint>

#include <Kokkos_Core.hpp>

#include <rownorm/sparse/impl/sparse_rows.hpp>

namespace rownorm::sparse::impl {

/// Where a tile begins: with the row that is the first to begin in it or after it, and with an entry, which is of the
/// row before where that is cut here.
struct TileBegin {
  std::int64_t row;
  std::int64_t entry;
  int first_tile;  ///< of the row that is cut here
  int slices;      ///< tiles that it meets; 0 where no row is cut here

  KOKKOS_FUNCTION bool cuts() const { return slices > 0; }
  KOKKOS_FUNCTION std::int64_t cut_row() const { return row - 1; }
};

/// Tile t has items t * tile_items and following: rows that begin in it, to their ends where it then has no
/// more than most_items_of(tile_items). Other rows that reach beyond their first tile are cut where tiles end.
template <class OffsetType>
struct TiledRows : SparseRows<OffsetType> {
  std::int64_t tile_items;
  std::int64_t tiles;

  KOKKOS_FUNCTION TileBegin find(std::int64_t tile) const {
    const std::int64_t first = Kokkos::min(tile * tile_items, this->items());
    const std::int64_t row = this->first_row_at(first);
    const TileBegin whole{row, this->begin(row), 0, 0};
    if (row == 0) return whole;
    const std::int64_t first_tile = this->item(row - 1) / tile_items, end = this->item(row);
    if (end <= first_tile * tile_items + most_items_of(tile_items)) return whole;
    const std::int64_t last_tile = (end - 1) / tile_items;
    if (last_tile < tile) return whole;  // it ends where this tile begins
    return {row, Kokkos::max(first - row * row_items, this->begin(row - 1)), static_cast<int>(first_tile),
            static_cast<int>(last_tile - first_tile + 1)};
  }
};

/// A row that is cut has a slice at the beginning of a tile, where it began before, or at its end.
enum Slot : int { at_begin = 0, at_end = 1 };

/// What a tile has of a row that is cut: entries from `begin` to before `end`.
struct Slice {
  std::int64_t row;
  int begin;
  int end;
  int first_tile;
  int count;  ///< of slices of the row

  KOKKOS_FUNCTION bool is_empty() const { return begin == end; }
};

/// A tile, with entries counted from the first that is held.
struct Tile {
  std::int64_t number;
  std::int64_t origin;  ///< that entry
  TileBegin first;
  TileBegin last;

  KOKKOS_FUNCTION int begin() const { return static_cast<int>(first.entry - origin); }
  KOKKOS_FUNCTION int end() const { return static_cast<int>(last.entry - origin); }
  /// Rows that begin in it, and of these such as also end with it.
  KOKKOS_FUNCTION int rows() const { return static_cast<int>(last.row - first.row); }
  KOKKOS_FUNCTION int whole_rows() const { return rows() - has_slice(at_end); }

  KOKKOS_FUNCTION bool has_slice(Slot slot) const {
    return slot == at_begin ? first.cuts() : last.cuts() && last.first_tile == number;
  }
  /// `starts`: where its rows begin, and its end.
  KOKKOS_FUNCTION Slice slice(Slot slot, const std::uint16_t* starts) const {
    // Member by member: what is chosen as a whole must be in memory.
    const bool is_first = slot == at_begin;
    return {.row = is_first ? first.cut_row() : last.cut_row(),
            .begin = is_first ? begin() : starts[rows() - 1],
            .end = is_first ? starts[0] : end(),
            .first_tile = is_first ? first.first_tile : last.first_tile,
            .count = is_first ? first.slices : last.slices};
  }
};

}  // namespace rownorm::sparse::impl

#endif
