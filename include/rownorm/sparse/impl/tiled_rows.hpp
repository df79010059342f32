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

/// Tile t has items t * tile_items and following: rows that begin in it, to their ends where these are no further than
/// `overhang` behind its own. Other rows that reach beyond their first tile are cut where tiles end.
template <class OffsetType>
struct TiledRows : SparseRows<OffsetType> {
  std::int64_t tile_items;
  std::int64_t tiles;

  KOKKOS_FUNCTION std::int64_t overhang() const { return tile_items / 8; }
  KOKKOS_FUNCTION std::int64_t most_items() const { return tile_items + overhang(); }

  KOKKOS_FUNCTION TileBegin find(std::int64_t tile) const {
    const std::int64_t first = Kokkos::min(tile * tile_items, this->items());
    const std::int64_t row = this->first_row_at(first);
    const TileBegin whole{row, this->begin(row), 0, 0};
    if (row == 0) return whole;
    const std::int64_t first_tile = this->item(row - 1) / tile_items, end = this->item(row);
    if (end <= (first_tile + 1) * tile_items + overhang()) return whole;
    const std::int64_t last_tile = (end - 1) / tile_items;
    if (last_tile < tile) return whole;  // it ends where this tile begins
    return {row, first - row, static_cast<int>(first_tile), static_cast<int>(last_tile - first_tile + 1)};
  }
};

/// What a tile has of a row that is cut: entries from `begin` to before `end`.
struct Slice {
  std::int64_t row;
  int begin;
  int end;
  int first_tile;
  int count;  ///< of slices of the row
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
  KOKKOS_FUNCTION int whole_rows() const { return rows() - has_slice_after(); }

  KOKKOS_FUNCTION bool has_slice_before() const { return first.cuts(); }
  KOKKOS_FUNCTION bool has_slice_after() const { return last.cuts() && last.first_tile == number; }
  /// `starts`: where its rows begin, and the next one.
  KOKKOS_FUNCTION Slice slice_before(const int* starts) const {
    return {first.cut_row(), begin(), Kokkos::min(starts[0], end()), first.first_tile, first.slices};
  }
  KOKKOS_FUNCTION Slice slice_after(const int* starts) const {
    return {last.cut_row(), starts[rows() - 1], end(), last.first_tile, last.slices};
  }
};

}  // namespace rownorm::sparse::impl

#endif
