// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_IMPL_KERNELS_COLUMN_TILES_HPP
#define ROWNORM_IMPL_KERNELS_COLUMN_TILES_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <Kokkos_Core.hpp>

#include <rownorm/impl/compat.hpp>
#include <rownorm/impl/counts.hpp>
#include <rownorm/impl/exchange.hpp>
#include <rownorm/impl/native_team.hpp>
#include <rownorm/impl/packet.hpp>
#include <rownorm/impl/rows.hpp>
#include <rownorm/impl/slice_teams.hpp>
#include <rownorm/norms.hpp>
#include <rownorm/schedule.hpp>

namespace rownorm::impl {

/// Rows that lie side by side in memory (LayoutLeft), in x, in y or in both: a team takes a tile of neighbouring rows,
/// or a slice of such a tile. Neighbouring threads have neighbouring rows of the same column, n rows each, so that each
/// access is coalesced. Where only one of x and y is laid out so, n is 1, and the tile is read in the order of x, held
/// in scratch memory, and written in the order of y. Long tiles are shared by several teams as long rows are: see
/// exchange.hpp.
template <class X, class Y, class Norm, int n>
struct ColumnTiles {
  using Compute = compute_type<X, Y>;
  using Partial = typename Norm::template Partial<Compute>;
  using Partials = PartialsOf<Partial, n>;
  static constexpr SliceTeams teams = slice_teams(is_double_v<Compute> || n == 8);
  static constexpr int packets_in_registers = n == 1 ? 0 : teams.packets_in_registers;
  using Held = LanePackets<X, Y, n, packets_in_registers, std::int64_t>;
  using Value = typename Held::Value;
  static constexpr int log2_n = log2_of(n), log2_warp_lanes = log2_of(warp_lanes);

  Rows<X> x;
  Rows<Y> y;
  RowFinisher<Norm, Compute> finisher;
  Exchange<Partial> exchange;
  int log2_groups;   ///< of n rows each, that make up a tile
  int log2_workers;  ///< threads of a team that share a group
  int slice_columns;
  int first_row;  ///< of the first tile: rows before it are there only to align the others
  bool x_has_adjacent_rows;
  bool y_has_adjacent_rows;
  bool in_place;

  /// A thread's place in a tile: the first of the n rows it works on, and which of their workers it is.
  struct Place {
    int row;
    int worker;
  };

  KOKKOS_FUNCTION int tile_rows() const { return n << log2_groups; }
  KOKKOS_FUNCTION int workers() const { return 1 << log2_workers; }

  KOKKOS_FORCEINLINE_FUNCTION Place place(int thread, bool rows_are_adjacent) const {
    return rows_are_adjacent ? Place{(thread & ((1 << log2_groups) - 1)) * n, thread >> log2_groups}
                             : Place{(thread >> log2_workers) * n, thread & (workers() - 1)};
  }

  /// The first element that a thread has of a slice.
  template <class T>
  KOKKOS_FORCEINLINE_FUNCTION T* first_of(const Rows<T>& matrix, int tile, int slice, const Place& at) const {
    const std::int64_t i = static_cast<std::int64_t>(tile) * tile_rows() + at.row;
    const std::int64_t j = static_cast<std::int64_t>(slice) * slice_columns + at.worker;
    return matrix.data + i * matrix.row_stride + j * matrix.column_stride;
  }

  /// How many columns it has, of the same n rows.
  KOKKOS_FORCEINLINE_FUNCTION int columns_of(int tile, int slice, const Place& at) const {
    const std::int64_t i = static_cast<std::int64_t>(tile) * tile_rows() + at.row;
    const std::int64_t columns = x.columns - static_cast<std::int64_t>(slice) * slice_columns;
    return (tile > 0 || at.row >= first_row) && i < x.rows
               ? packets_of(at.worker, workers(), static_cast<int>(Kokkos::min<std::int64_t>(slice_columns, columns)))
               : 0;
  }

  /// f(from, to) for each of them, without holding it.
  template <class F>
  KOKKOS_FUNCTION void for_each_column(int tile, int slice, const Place& at, const F& f) const {
    X* from = first_of(x, tile, slice, at);
    Y* to = first_of(y, tile, slice, at);
    ROWNORM_IMPL_UNROLL(1)
    for (int k = columns_of(tile, slice, at); k > 0; --k) {
      f(from, to);
      from += workers() * x.column_stride;
      to += workers() * y.column_stride;
    }
  }

  /// Writes what scratch memory holds in the order of y.
  KOKKOS_FORCEINLINE_FUNCTION void store_turned(const Value* memory, const RowScale<Compute>* scales, int tile,
                                                int slice, int thread) const {
    const Place at = place(thread, y_has_adjacent_rows);
    const RowScale<Compute> scale = scales[at.row];
    const Value* from = memory + at.worker * pitch() + at.row;
    Y* to = first_of(y, tile, slice, at);
    ROWNORM_IMPL_UNROLL(4)
    for (int k = columns_of(tile, slice, at); k > 0; --k) {
      *to = static_cast<Y>(scale(static_cast<Compute>(*from)));
      from += workers() * pitch();
      to += workers() * y.column_stride;
    }
  }

  /// The lanes of a warp that have the same rows.
  KOKKOS_FUNCTION int log2_lanes_of_a_row() const {
    return x_has_adjacent_rows ? Kokkos::max(0, log2_warp_lanes - log2_groups) : 0;
  }

  /// Partial results that a team has in scratch memory at once: one a row for each warp, or one a thread.
  KOKKOS_FUNCTION int partials(int threads) const {
    return Kokkos::max(threads, tile_rows() << (log2_workers - log2_lanes_of_a_row()));
  }

  /// What all workers of a row have together: of row number `thread`, modulo the rows of a tile.
  template <class Member>
  KOKKOS_FORCEINLINE_FUNCTION Partial combine(const Member& member, Partial* scratch, const Place& at,
                                              Partials mine) const {
    const int log2_lanes = log2_lanes_of_a_row();
    ROWNORM_IMPL_UNROLL()
    for (int distance = warp_lanes / 2; distance > 0; distance /= 2)
      if (log2_lanes > 0 && distance >> log2_groups > 0)
        for (int q = 0; q < n; ++q) finisher.norm.combine(mine.of[q], shuffle_down(mine.of[q], distance, warp_lanes));
    member.team_barrier();  // the last use of the scratch memory is over
    if ((at.worker & ((1 << log2_lanes) - 1)) == 0)
      for (int q = 0; q < n; ++q) scratch[(at.worker >> log2_lanes) * tile_rows() + at.row + q] = mine.of[q];
    member.team_barrier();
    return combine_shares(scratch, member.team_rank(), workers() >> log2_lanes);
  }

  /// The same of what is in scratch memory already.
  KOKKOS_FORCEINLINE_FUNCTION Partial combine_shares(const Partial* scratch, int thread, int shares) const {
    scratch += thread & (tile_rows() - 1);
    Partial row = *scratch;
    for (int share = 1; share < shares; ++share) finisher.norm.combine(row, scratch[share * tile_rows()]);
    return row;
  }

  /// Values of scratch memory from one column to the next: one more than rows where a tile is turned, against bank
  /// conflicts.
  KOKKOS_FUNCTION int pitch() const { return tile_rows() + (x_has_adjacent_rows == y_has_adjacent_rows ? 0 : 1); }

  std::size_t scratch_bytes(int threads) const {
    const int held = Held::packets_in_scratch(packets_of(0, workers(), slice_columns));
    return static_cast<std::size_t>(held) * workers() * pitch() * sizeof(Value) + partials(threads) * sizeof(Partial) +
           tile_rows() * sizeof(RowScale<Compute>) + 4 * packet_bytes;
  }

  template <class Member>
  KOKKOS_FUNCTION void operator()(const Member& member) const {
    const auto scratch = [&](std::size_t bytes) {
      return member.team_scratch(0).get_shmem_aligned(bytes, packet_bytes);
    };
    const int thread = member.team_rank();
    const int tile = member.league_rank() / exchange.slices(), slice = member.league_rank() % exchange.slices();
    const Place at = place(thread, x_has_adjacent_rows);
    auto* const scales = static_cast<RowScale<Compute>*>(scratch(tile_rows() * sizeof(RowScale<Compute>)));
    auto* const sums = static_cast<Partial*>(scratch(partials(member.team_size()) * sizeof(Partial)));
    auto* const missing = static_cast<int*>(scratch(sizeof(int)));
    auto* const memory = static_cast<Value*>(scratch(0));
    if (thread == 0) *missing = no_slice;

    Held held(first_of(x, tile, slice, at), workers() * x.column_stride, columns_of(tile, slice, at), true,
              memory + at.worker * pitch() + at.row, static_cast<std::int64_t>(workers()) * pitch());
    const Partial mine =
        combine(member, sums, at, finisher.template accumulate_rows<n>([&](const auto& f) { held.for_each(f); }));

    const auto store = [&](const Partial& row, auto is_held) {
      if (thread < tile_rows()) scales[thread] = finisher.scale(row);
      member.team_barrier();
      if constexpr (n == 1)
        if (x_has_adjacent_rows != y_has_adjacent_rows) return store_turned(memory, scales, tile, slice, thread);
      Compute factor[n];
      bool is_plain = is_held.value;
      ROWNORM_IMPL_UNROLL()
      for (int q = 0; q < n; ++q) {
        factor[q] = scales[at.row + q].factor;
        is_plain = is_plain && scales[at.row + q].power == 1;
      }
      if (is_plain)
        held.store(first_of(y, tile, slice, at), workers() * y.column_stride,
                   [&](const auto& value, int q) { return static_cast<Y>(static_cast<Compute>(value) * factor[q]); });
      else  // What is held is given up, so that these rare cases take no registers from the usual one.
        for_each_column(tile, slice, at, [&](X* from, Y* to) {
          for (int q = 0; q < n; ++q) to[q] = static_cast<Y>(scales[at.row + q](static_cast<Compute>(from[q])));
        });
    };
    if (exchange.slices() == 1) return store(mine, std::true_type());

    // Each thread exchanges for one row.
    const int log2_rows = log2_n + log2_groups;
    const ExchangePlace there{exchange.epoch(),
                              tile,
                              slice,
                              thread & (tile_rows() - 1),
                              thread >> log2_rows,
                              member.team_size() >> log2_rows};
    Partial row;
    const auto collect_rest = [&] {
      Partial collected;
      const int late = collect(exchange, there, finisher.norm, mine, in_place, collected);
      if (late != no_slice) Kokkos::atomic_min(missing, late);
      member.team_barrier();
      sums[thread] = collected;
      member.team_barrier();
      row = combine_shares(sums, thread, there.workers);
      return *missing == no_slice ? no_slice : (slice + *missing) % exchange.slices();
    };
    const auto store_and_leave = [&](auto is_held) {
      const std::uint64_t finished_before = thread == 0 ? exchange.finish() : 0;
      store(row, is_held);
      if (thread == 0) exchange.leave(there.epoch, finished_before, member.league_size());
    };
    int late = collect_rest();
    if (late == no_slice) return store_and_leave(std::true_type());
    for (; late != no_slice; late = collect_rest()) {
      const Partials some = finisher.template accumulate_rows<n>([&](const auto& f) {
        for_each_column(tile, late, at, [&](X* from, Y*) { f(Packet<Value, n>::load(from)); });
      });
      Kokkos::memory_fence();
      const Partial of_late = combine(member, sums, at, some);
      if (there.worker == 0) help(exchange, there, late, of_late);
      if (thread == 0) *missing = no_slice;
      member.team_barrier();
    }
    store_and_leave(std::false_type());
  }

  template <class Exec>
  static void launch(const Exec& exec, const Rows<X>& x, const Rows<Y>& y, const RowFinisher<Norm, Compute>& finisher,
                     const Schedule& schedule) {
    const int slices = schedule.teams_per_row, threads = schedule.team_size;
    const int tile_rows = static_cast<int>(schedule.rows_per_team);
    const Exchange<Partial> exchange(slices > 1 ? workspace_of(exec) : Workspace{}, slices, tile_rows,
                                     schedule.patience);
    const auto has_adjacent_rows = [](const auto& matrix) {
      return matrix.row_stride == 1 && matrix.column_stride != 1;
    };
    // Tiles begin where blocks of L2 do, as far as the first column tells.
    const auto rows_into_a_block = [&](const auto& matrix) {
      constexpr std::uintptr_t block_bytes = 256;
      const auto address = reinterpret_cast<std::uintptr_t>(matrix.data);
      return static_cast<int>(address % block_bytes / sizeof(*matrix.data)) / n * n % tile_rows;
    };
    const int margin = has_adjacent_rows(x) ? rows_into_a_block(x) : rows_into_a_block(y);
    // As many launches, of one size, as it takes for the workspace to have room.
    const std::int64_t tiles = divide_rounding_up(x.rows + margin, tile_rows);
    const std::int64_t room =
        slices > 1 ? Exchange<Partial>::capacity / (std::int64_t{slices} * tile_rows) : max_league_size;
    const std::int64_t max_tiles = divide_rounding_up(tiles, divide_rounding_up(tiles, room));
    for (std::int64_t first = 0; first < tiles; first += max_tiles) {
      const std::int64_t count = std::min(max_tiles, tiles - first), first_row = first * tile_rows - margin;
      const std::int64_t rows = std::min(count * tile_rows, x.rows - first_row);
      const ColumnTiles kernel{x.from(first_row, rows),
                               y.from(first_row, rows),
                               finisher,
                               exchange,
                               log2_of(tile_rows / n),
                               log2_of(threads / (tile_rows / n)),
                               schedule.slice_columns,
                               first == 0 ? margin : 0,
                               has_adjacent_rows(x),
                               has_adjacent_rows(y),
                               static_cast<const void*>(x.data) == y.data};
      launch_native_teams<teams.lanes, teams.per_processor>("rownorm::ColumnTiles", exec,
                                                            static_cast<int>(count) * slices, threads, 1,
                                                            kernel.scratch_bytes(threads), kernel);
    }
  }
};

}  // namespace rownorm::impl

#endif
