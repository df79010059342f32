// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_IMPL_TILES_HPP
#define ROWNORM_IMPL_TILES_HPP

/// Tiles: neighbouring rows, for matrices of which x, y or both have their rows side by side.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <Kokkos_Core.hpp>

#include <rownorm/impl/compat.hpp>
#include <rownorm/impl/counts.hpp>
#include <rownorm/impl/finisher.hpp>
#include <rownorm/impl/held.hpp>
#include <rownorm/impl/packet.hpp>
#include <rownorm/impl/problem.hpp>
#include <rownorm/impl/rows.hpp>
#include <rownorm/impl/slice_teams.hpp>
#include <rownorm/schedule.hpp>

namespace rownorm::impl {

/// How a tile is moved.
enum class TileOrder {
  same,             ///< rows are neighbours in x and in y: packets of rows, held as they are
  columns_to_rows,  ///< rows are neighbours in x, columns in y: each lane turns blocks of n x n values
  rows_to_columns,  ///< the other way round
  values,           ///< any of these, value by value; where the orders differ, lanes write what others have read
};

/// A tile of a matrix; of one among several, so many elements after the first one's.
struct TileOfMatrix {
  int number;
  std::int64_t matrix;
  std::int64_t x_offset;
  std::int64_t y_offset;
};

/// A matrix as tiles, tiles as slices of columns, and who works where. Neighbouring threads have neighbouring groups of
/// n rows, so that each access is coalesced.
///
/// - packets: how many a lane holds in registers, or as many of these as make whole blocks.
/// - in_scratch: whether slices may be larger than that.
template <class X, class Y, class Finisher, int n, TileOrder order, int packets, bool in_scratch>
struct Tiles {
  using Scale = typename Finisher::Scale;
  using XRows = typename Finisher::template RowsOf<X>;
  using YRows = typename Finisher::template RowsOf<Y>;
  using Value = std::remove_const_t<X>;
  static constexpr int log2_n = log2_of(n);
  static constexpr bool in_blocks = order == TileOrder::columns_to_rows || order == TileOrder::rows_to_columns;
  /// Columns, and packets, that a thread has next to each other.
  static constexpr int block = in_blocks ? n : 1;
  static constexpr int blocks_in_registers = order == TileOrder::values ? 0 : packets / block;
  using Held =
      std::conditional_t<in_blocks, LaneBlocks<X, Y, n, blocks_in_registers, order == TileOrder::columns_to_rows>,
                         LanePackets<X, Y, n, blocks_in_registers, std::int64_t>>;

  Rows<X> x;  ///< of one matrix
  Rows<Y> y;
  int log2_groups;            ///< of n rows each, that make up a tile
  int log2_workers;           ///< threads of a team that share a group
  int log2_writers_of_a_row;  ///< of y, in which threads write what others have read: a warp, if it is long enough
  int slice_columns;
  int first_row;  ///< of the first tile: rows before it are there only to align the others
  bool x_has_adjacent_rows;
  bool y_has_adjacent_rows;
  // Of a batch of matrices, where finishers have such:
  std::int64_t x_batch_stride;
  std::int64_t y_batch_stride;
  std::int64_t matrices;
  std::int64_t first_tile;

  /// A thread's place in a tile: the first of the n rows it works on, and which of their workers it is.
  struct Place {
    int row;
    int worker;
  };

  static Tiles of(const XRows& all_x, const YRows& all_y, const Schedule& schedule) {
    Rows<X> x = all_x;
    Rows<Y> y = all_y;
    std::int64_t x_batch_stride = 0, y_batch_stride = 0;
    std::int64_t matrices = 1;
    if constexpr (Finisher::has_extras) {
      x.rows = y.rows = all_x.batch_rows();
      x_batch_stride = all_x.batch_stride();
      y_batch_stride = all_y.batch_stride();
      matrices = all_x.batches();
    }
    const auto tile_rows = static_cast<int>(schedule.rows_per_team);
    const bool x_has_adjacent_rows = neighbours_of(x) == Neighbours::in_column;
    const bool y_has_adjacent_rows = neighbours_of(y) == Neighbours::in_column;
    // Tiles begin where blocks of L2 do, as far as the first column tells.
    const auto rows_into_a_block = [&](const auto& matrix, std::size_t value_bytes) {
      constexpr std::uintptr_t block_bytes = 256;
      return static_cast<int>(address_of(matrix.data) % block_bytes / value_bytes) / n * n % tile_rows;
    };
    int margin = 0;  // nor need a single tile do so
    if (x.rows > tile_rows)
      margin = x_has_adjacent_rows ? rows_into_a_block(x, sizeof(typename ValuesRead<Value>::type))
                                   : rows_into_a_block(y, sizeof(Y));
    return {x.from(-margin, x.rows + margin),
            y.from(-margin, y.rows + margin),
            log2_of(tile_rows / n),
            log2_of(schedule.team_size / (tile_rows / n)),
            std::min(log2_warp_lanes, log2_of(2 * schedule.slice_columns - 1)),
            schedule.slice_columns,
            margin,
            x_has_adjacent_rows,
            y_has_adjacent_rows,
            x_batch_stride,
            y_batch_stride,
            matrices,
            0};
  }

  /// The tiles from `first` on.
  Tiles from(std::int64_t first, std::int64_t count) const {
    Tiles some = *this;
    if constexpr (Finisher::has_extras) {
      some.first_tile += first;
      return some;
    }
    const std::int64_t before = first * tile_rows(), rows = std::min(count * tile_rows(), x.rows - before);
    some.x = x.from(before, rows);
    some.y = y.from(before, rows);
    some.first_row = first == 0 ? first_row : 0;
    return some;
  }

  KOKKOS_FUNCTION int tile_rows() const { return n << log2_groups; }
  KOKKOS_FUNCTION int workers() const { return 1 << log2_workers; }
  std::int64_t tiles() const { return tiles_of_matrix() * matrices; }
  std::int64_t slices() const { return divide_rounding_up(x.columns, slice_columns); }

  KOKKOS_FORCEINLINE_FUNCTION Place place(int thread) const {
    return in_blocks ? place_of_block(thread) : place_among(thread, x_has_adjacent_rows);
  }

  /// Where tile number `tile` of those that are served is.
  KOKKOS_FORCEINLINE_FUNCTION TileOfMatrix locate(int tile) const {
    if constexpr (Finisher::has_extras) {
      const std::int64_t of_matrix = tiles_of_matrix(), matrix = (first_tile + tile) / of_matrix;
      const auto number = static_cast<int>((first_tile + tile) % of_matrix);
      return {number, matrix, matrix * x_batch_stride, matrix * y_batch_stride};
    } else {
      return {tile, 0, 0, 0};
    }
  }

  /// Tells the finisher of a row of a tile.
  template <class Partial>
  KOKKOS_FORCEINLINE_FUNCTION void record(const Finisher& finisher, const TileOfMatrix& tile, int row,
                                          const Partial& whole) const {
    const std::int64_t i = static_cast<std::int64_t>(tile.number) * tile_rows() + row;
    if (i < first_row || i >= x.rows) return;
    finisher.record(tile.matrix * (x.rows - first_row) + i - first_row, whole);
  }

  /// What the thread has of a slice. It is read into registers, and what these cannot take into scratch `memory`.
  KOKKOS_FORCEINLINE_FUNCTION Held hold(const TileOfMatrix& tile, int slice, const Place& at,
                                        typename Held::Stored* memory) const {
    const auto from = first_of(x, tile.x_offset, tile, slice, at);
    int count = blocks_of(tile, slice, at);
    if (!in_scratch) count = Kokkos::min(count, +blocks_in_registers);  // it is: this tells the compiler
    auto* const mine = memory + at.worker * pitch() + at.row;
    const std::int64_t step = static_cast<std::int64_t>(workers()) * pitch();
    if constexpr (in_blocks)
      return Held(from, block_steps(x, order == TileOrder::columns_to_rows), count, mine, step);
    else
      return Held(from, workers() * x.column_stride, count, true, mine, step);
  }

  /// What calls f(value, q, column) for each value held, of the q-th row.
  KOKKOS_FORCEINLINE_FUNCTION auto values_of(const Held& held, int slice, const Place& at) const {
    return [this, &held, slice, at](const auto& f) {
      held.for_each([&](const auto& value, int q, int c) { f(value, q, column_of(slice, at, c)); });
    };
  }

  /// The c-th of a thread's columns of a slice.
  KOKKOS_FORCEINLINE_FUNCTION std::int64_t column_of(int slice, const Place& at, int c) const {
    return static_cast<std::int64_t>(slice) * slice_columns + (at.worker + c / block * workers()) * block + c % block;
  }

  /// Of scratch memory that the slices take.
  std::size_t held_bytes() const {
    const int beyond = Held::packets_in_scratch(packets_of(0, workers(), slice_columns / block));
    return static_cast<std::size_t>(beyond) * workers() * pitch() * sizeof(Value);
  }

  /// Writes it to y, times the scales of the tile's rows. What turns out not to be held any more, or is extreme, is
  /// read again from x.
  KOKKOS_FORCEINLINE_FUNCTION void store(const Finisher& finisher, Held& held, bool is_held,
                                         const typename Held::Stored* memory, const Scale* scales,
                                         const TileOfMatrix& tile, int slice, int thread) const {
    if (!finisher.writes_y()) return;
    if constexpr (order == TileOrder::values)
      if (x_has_adjacent_rows != y_has_adjacent_rows)
        return store_turned(finisher, memory, scales, tile, slice, thread);
    const Place at = place(thread);
    Scale scale[n];
    ROWNORM_IMPL_UNROLL()
    for (int q = 0; q < n; ++q) {
      scale[q] = scales[at.row + q].without_power();
      is_held = is_held && scales[at.row + q].power == 1;
    }
    finisher.template with_weights<Y>([&](const auto& weights) {
      if (!is_held)  // given up, so that these rare cases take no registers from the usual one
        for_each_place(tile, slice, at, [&](const auto& from, Y& to, int q, int c) {
          to = finisher.template rescaled<Y>(scales[at.row + q], from, weights, column_of(slice, at, c));
        });
      else if constexpr (in_blocks)
        held.store(first_of(y, tile.y_offset, tile, slice, at), block_steps(y, order == TileOrder::rows_to_columns),
                   [&](const auto& value, int q, int c) {
                     return finisher.template rescaled<Y>(scale[q], value, weights, column_of(slice, at, c));
                   });
      else
        held.store(
            first_of(y, tile.y_offset, tile, slice, at), workers() * y.column_stride, [](int c) { return c; },
            [&](const auto& value, int c, int q) {
              return finisher.template rescaled<Y>(scale[q], value, weights, column_of(slice, at, c));
            });
    });
  }

  /// f(element of x, element of y, q, c) for each element of the slice that the thread has, in the q-th of its rows and
  /// the c-th of its columns, column by column, without holding it.
  template <class F>
  KOKKOS_FUNCTION void for_each_place(const TileOfMatrix& tile, int slice, const Place& at, const F& f) const {
    PointerTo<X> from = first_of(x, tile.x_offset, tile, slice, at);
    Y* to = first_of(y, tile.y_offset, tile, slice, at);
    const int blocks = blocks_of(tile, slice, at);
    ROWNORM_IMPL_UNROLL(1)
    for (int b = 0; b < blocks; ++b) {
      ROWNORM_IMPL_UNROLL(1)
      for (int column = 0; column < block; ++column) {
        ROWNORM_IMPL_UNROLL()
        for (int q = 0; q < n; ++q)
          f(from[column * x.column_stride + q * x.row_stride], to[column * y.column_stride + q * y.row_stride], q,
            b * block + column);
      }
      from += workers() * block * x.column_stride;
      to += workers() * block * y.column_stride;
    }
  }

  /// Partial results that a team has in scratch memory at once: one a row for each warp, or one a thread.
  KOKKOS_FUNCTION int partials(int threads) const {
    return Kokkos::max(threads, tile_rows() << (log2_workers - log2_lanes_of_a_row()));
  }

  /// Leaves in `scratch`, which has room for so many `partials`, what workers have of each row, for combine_shares.
  template <class Member, class Partial>
  KOKKOS_FORCEINLINE_FUNCTION void share(const Member& member, Partial* scratch, const Finisher& finisher,
                                         const Place& at, PartialsOf<Partial, n> mine) const {
    const int log2_lanes = log2_lanes_of_a_row();
    ROWNORM_IMPL_UNROLL()
    for (int distance = warp_lanes / 2; distance > 0; distance /= 2)
      if (log2_lanes > 0 && distance >> log2_groups > 0)
        for (int q = 0; q < n; ++q) finisher.combine(mine.of[q], shuffle_down(mine.of[q], distance, warp_lanes));
    member.team_barrier();  // the last use of the scratch memory is over
    if ((at.worker & ((1 << log2_lanes) - 1)) == 0)
      for (int q = 0; q < n; ++q) scratch[(at.worker >> log2_lanes) * tile_rows() + at.row + q] = mine.of[q];
    member.team_barrier();
  }

  /// What all workers of a row have together: of row number `thread`, modulo the rows of a tile.
  template <class Member, class Partial>
  KOKKOS_FORCEINLINE_FUNCTION Partial combine(const Member& member, Partial* scratch, const Finisher& finisher,
                                              const Place& at, const PartialsOf<Partial, n>& mine) const {
    share(member, scratch, finisher, at, mine);
    return combine_shares(scratch, finisher, member.team_rank(), shares());
  }

  /// In how many parts `share` leaves a row.
  KOKKOS_FUNCTION int shares() const { return workers() >> log2_lanes_of_a_row(); }

  /// What is in scratch memory of a row, together.
  template <class Partial>
  KOKKOS_FORCEINLINE_FUNCTION Partial combine_shares(const Partial* scratch, const Finisher& finisher, int thread,
                                                     int shares) const {
    scratch += thread & (tile_rows() - 1);
    Partial row = *scratch;
    for (int share = 1; share < shares; ++share) finisher.combine(row, scratch[share * tile_rows()]);
    return row;
  }

 private:
  KOKKOS_FORCEINLINE_FUNCTION Place place_among(int thread, bool rows_are_adjacent) const {
    return rows_are_adjacent ? Place{(thread & ((1 << log2_groups) - 1)) * n, thread >> log2_groups}
                             : Place{(thread >> log2_workers) * n, thread & (workers() - 1)};
  }

  /// A warp has few groups of many workers, so that both what it reads and what it writes are whole sectors of L2.
  KOKKOS_FORCEINLINE_FUNCTION Place place_of_block(int thread) const {
    const int log2_near = log2_groups < log2_groups_of_warp ? log2_groups : log2_groups_of_warp;
    const int near = thread & ((1 << log2_near) - 1);
    const int far = thread >> (log2_near + log2_workers);
    return {(far << log2_near | near) * n, thread >> log2_near & (workers() - 1)};
  }

  KOKKOS_FUNCTION std::int64_t tiles_of_matrix() const { return (x.rows + tile_rows() - 1) / tile_rows(); }

  /// The first element that a thread has of a slice, in the matrix that begins at an offset.
  template <class T>
  KOKKOS_FORCEINLINE_FUNCTION PointerTo<T> first_of(const Rows<T>& matrix, std::int64_t offset,
                                                    const TileOfMatrix& tile, int slice, const Place& at) const {
    const std::int64_t i = static_cast<std::int64_t>(tile.number) * tile_rows() + at.row;
    const std::int64_t j = static_cast<std::int64_t>(slice) * slice_columns + at.worker * block;
    return matrix.data + offset + i * matrix.row_stride + j * matrix.column_stride;
  }

  /// How many blocks of columns it has.
  KOKKOS_FORCEINLINE_FUNCTION int blocks_of(const TileOfMatrix& tile, int slice, const Place& at) const {
    const std::int64_t i = static_cast<std::int64_t>(tile.number) * tile_rows() + at.row;
    if ((tile.number == 0 && at.row < first_row) || i >= x.rows) return 0;
    const std::int64_t columns = x.columns - static_cast<std::int64_t>(slice) * slice_columns;
    const int blocks = static_cast<int>(Kokkos::min<std::int64_t>(slice_columns, columns)) / block;
    return Kokkos::max(0, blocks - at.worker + workers() - 1) >> log2_workers;
  }

  template <class T>
  KOKKOS_FORCEINLINE_FUNCTION BlockSteps block_steps(const Rows<T>& matrix, bool has_adjacent_rows) const {
    return {has_adjacent_rows ? matrix.column_stride : matrix.row_stride, workers() * block * matrix.column_stride};
  }

  /// Writes what scratch memory holds in the order of y, neighbouring threads neighbouring elements.
  KOKKOS_FORCEINLINE_FUNCTION void store_turned(const Finisher& finisher, const typename Held::Stored* memory,
                                                const Scale* scales, const TileOfMatrix& tile, int slice,
                                                int thread) const {
    const int log2_writers = y_has_adjacent_rows ? log2_workers : log2_writers_of_a_row;
    const int writers = 1 << log2_writers, rows_at_once = 1 << (log2_groups + log2_workers - log2_writers);
    const Place first = y_has_adjacent_rows ? Place{thread & (rows_at_once - 1), thread >> log2_groups}
                                            : Place{thread >> log2_writers, thread & (writers - 1)};
    const std::int64_t before = static_cast<std::int64_t>(slice) * slice_columns;
    const auto columns = static_cast<int>(Kokkos::min<std::int64_t>(slice_columns, x.columns - before));
    finisher.template with_weights<Y>([&](const auto& weights) {
      for (Place at = first; at.row < tile_rows(); at.row += rows_at_once) {
        const std::int64_t i = static_cast<std::int64_t>(tile.number) * tile_rows() + at.row;
        if (i >= x.rows || (tile.number == 0 && at.row < first_row)) continue;
        const Scale scale = scales[at.row];
        Y* to = first_of(y, tile.y_offset, tile, slice, at);
        ROWNORM_IMPL_UNROLL(4)
        for (int c = at.worker; c < columns; c += writers) {
          const auto value = Packet<Value, 1>::load(memory + held_at(at.row, c), workers() * pitch()).get(0);
          *to = finisher.template rescaled<Y>(scale, value, weights, before + c);
          to += writers * y.column_stride;
        }
      }
    });
  }

  /// Where in scratch memory the first value of a row and column is; the next one's, if two arrays are read, follows
  /// after those of all workers.
  KOKKOS_FORCEINLINE_FUNCTION int held_at(int row, int column) const {
    const int worker = column & (workers() - 1);
    return row + (arrays_read<X> * (column - worker) + worker) * pitch();
  }

  KOKKOS_FUNCTION int log2_lanes_of_a_row() const {
    return impl::log2_lanes_of_a_row(log2_groups, in_blocks, x_has_adjacent_rows);
  }

  /// Values of scratch memory from one column to the next: one more than rows where lanes read what others have read,
  /// against bank conflicts.
  KOKKOS_FUNCTION int pitch() const {
    return tile_rows() + (order == TileOrder::values && x_has_adjacent_rows != y_has_adjacent_rows ? 1 : 0);
  }
};

}  // namespace rownorm::impl

#endif
