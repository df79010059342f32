// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_IMPL_KERNELS_COLUMN_TILES_HPP
#define ROWNORM_IMPL_KERNELS_COLUMN_TILES_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <Kokkos_Core.hpp>

#include <rownorm/impl/compat.hpp>
#include <rownorm/impl/exchange.hpp>
#include <rownorm/impl/finisher.hpp>
#include <rownorm/impl/native_team.hpp>
#include <rownorm/impl/packet.hpp>
#include <rownorm/impl/rows.hpp>
#include <rownorm/impl/slice_teams.hpp>
#include <rownorm/impl/tiles.hpp>
#include <rownorm/schedule.hpp>

namespace rownorm::impl {

/// Rows that lie side by side in memory (LayoutLeft), in x, in y or in both: a team takes a tile of neighbouring rows,
/// or a slice of such a tile, and holds it. Long tiles are shared by several teams as long rows are: see exchange.hpp.
template <class X, class Y, class Finisher, int n, TileOrder order>
struct ColumnTiles {
  using Partial = typename Finisher::Partial;
  using Scale = typename Finisher::Scale;
  static constexpr SliceTeams teams = slice_teams(Finisher::has_large_partials || n == 8);
  using TilesOf = Tiles<X, Y, Finisher, n, order, packets_held<X, Finisher>(teams), true>;
  using Held = typename TilesOf::Held;

  TilesOf tiles;
  Finisher finisher;
  Exchange<Partial> exchange;
  bool in_place;

  std::size_t scratch_bytes(int threads) const {
    return tiles.held_bytes() + tiles.partials(threads) * sizeof(Partial) + tiles.tile_rows() * sizeof(Scale) +
           4 * line_bytes;
  }

  template <class Member>
  KOKKOS_FUNCTION void operator()(const Member& member) const {
    const auto scratch = [&](std::size_t bytes) { return member.team_scratch(0).get_shmem_aligned(bytes, line_bytes); };
    const int thread = member.team_rank(), tile_rows = tiles.tile_rows();
    const int item = member.league_rank() / exchange.slices(), slice = member.league_rank() % exchange.slices();
    const TileOfMatrix tile = tiles.locate(item);
    const auto at = tiles.place(thread);
    auto* const scales = static_cast<Scale*>(scratch(tile_rows * sizeof(Scale)));
    auto* const sums = static_cast<Partial*>(scratch(tiles.partials(member.team_size()) * sizeof(Partial)));
    auto* const missing = static_cast<int*>(scratch(sizeof(int)));
    auto* const memory = static_cast<typename Held::Stored*>(scratch(0));
    if (thread == 0) *missing = no_slice;

    Held held = tiles.hold(tile, slice, at, memory);
    tiles.share(member, sums, finisher, at, finisher.template accumulate_rows<n>(tiles.values_of(held, slice, at)));
    if (exchange.slices() == 1) {
      // Small teams have more rows than threads. Whole rows wait in scratch memory for there to be no need for
      // registers.
      for (int row = thread; row < tile_rows; row += member.team_size()) {
        const Partial whole = tiles.combine_shares(sums, finisher, row, tiles.shares());
        scales[row] = finisher.scale(whole);
        if constexpr (Finisher::has_extras) sums[row] = whole;
      }
      member.team_barrier();
      tiles.store(finisher, held, true, memory, scales, tile, slice, thread);
      if constexpr (Finisher::has_extras)
        for (int row = thread; row < tile_rows; row += member.team_size()) tiles.record(finisher, tile, row, sums[row]);
      return;
    }

    // Each thread exchanges for one row.
    const Partial mine = tiles.combine_shares(sums, finisher, thread, tiles.shares());
    const int log2_rows = tiles.log2_n + tiles.log2_groups;
    const ExchangePlace there{
        exchange.epoch(), item, slice, thread & (tile_rows - 1), thread >> log2_rows, member.team_size() >> log2_rows};
    Partial row{};
    const auto collect_rest = [&] {
      Partial collected{};
      const int late = collect(exchange, there, finisher, mine, in_place, collected);
      if (late != no_slice) Kokkos::atomic_min(missing, late);
      member.team_barrier();
      sums[thread] = collected;
      member.team_barrier();
      row = tiles.combine_shares(sums, finisher, thread, there.workers);
      return *missing == no_slice ? no_slice : (slice + *missing) % exchange.slices();
    };
    const auto store_and_leave = [&](auto is_held) {
      const std::uint64_t finished_before = thread == 0 ? exchange.finish() : 0;
      if (thread < tile_rows) scales[thread] = finisher.scale(row);
      member.team_barrier();
      if constexpr (Finisher::has_extras) sums[thread] = row;  // once there is no need for registers
      tiles.store(finisher, held, is_held.value, memory, scales, tile, slice, thread);
      if constexpr (Finisher::has_extras)
        if (slice == 0 && thread < tile_rows) tiles.record(finisher, tile, thread, sums[thread]);
      if (thread == 0) exchange.leave(there.epoch, finished_before, member.league_size());
    };
    int late = collect_rest();
    if (late == no_slice) return store_and_leave(std::true_type());
    for (; late != no_slice; late = collect_rest()) {
      const auto some = finisher.template accumulate_rows<n>([&](const auto& f) {
        tiles.for_each_place(tile, late, at,
                             [&](const auto& value, Y&, int q, int c) { f(value, q, tiles.column_of(late, at, c)); });
      });
      Kokkos::memory_fence();
      const Partial of_late = tiles.combine(member, sums, finisher, at, some);
      if (there.worker == 0) help(exchange, there, late, of_late);
      if (thread == 0) *missing = no_slice;
      member.team_barrier();
    }
    store_and_leave(std::false_type());
  }

  template <class Exec>
  static void launch(const Exec& exec, const typename TilesOf::XRows& x, const typename TilesOf::YRows& y,
                     const Finisher& finisher, const Schedule& schedule) {
    const int slices = schedule.teams_per_row, threads = schedule.team_size;
    const TilesOf all = TilesOf::of(x, y, schedule);
    const Exchange<Partial> exchange(slices > 1 ? workspace_of(exec) : Workspace{}, slices, all.tile_rows(),
                                     schedule.patience);
    const std::int64_t tiles = all.tiles();
    const std::int64_t max_tiles = Exchange<Partial>::items_per_launch(tiles, slices, all.tile_rows());
    for (std::int64_t first = 0; first < tiles; first += max_tiles) {
      const std::int64_t count = std::min(max_tiles, tiles - first);
      const ColumnTiles kernel{all.from(first, count), finisher, exchange, is_at(x.data, y.data)};
      launch_native_teams<teams.lanes, teams.per_processor>("rownorm::ColumnTiles", exec,
                                                            static_cast<int>(count) * slices, threads, 1,
                                                            kernel.scratch_bytes(threads), kernel);
    }
  }
};

}  // namespace rownorm::impl

#endif
