// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_IMPL_KERNELS_STREAMED_TILES_HPP
#define ROWNORM_IMPL_KERNELS_STREAMED_TILES_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <mutex>

#include <Kokkos_Core.hpp>

#include <rownorm/impl/compat.hpp>
#include <rownorm/impl/counts.hpp>
#include <rownorm/impl/finisher.hpp>
#include <rownorm/impl/packet.hpp>
#include <rownorm/impl/rows.hpp>
#include <rownorm/impl/slice_teams.hpp>
#include <rownorm/impl/stream_sums.hpp>
#include <rownorm/impl/tiles.hpp>
#include <rownorm/impl/workspace.hpp>
#include <rownorm/schedule.hpp>

namespace rownorm::impl {

/// The tiles of ColumnTiles where they are too long for the device to hold, read twice by two kernels as StreamedRow
/// reads rows: the first accumulates, the second rescales from the end, which is still in cache.
template <class X, class Y, class Finisher, int n, TileOrder order>
struct StreamedTiles {
  using Partial = typename Finisher::Partial;
  using Scale = typename Finisher::Scale;
  static constexpr SliceTeams teams = stream_teams(Finisher::has_large_partials || n == 8);
  using TilesOf =
      Tiles<X, Y, Finisher, n, order, teams.packets_in_registers / arrays_read<X>, order == TileOrder::values>;
  using Held = typename TilesOf::Held;

  struct Accumulate {
    TilesOf tiles;
    Finisher finisher;
    int tile_count;
    int slice_count;
    StreamSums<Partial> sums;

    std::size_t scratch_bytes(int threads) const {
      return tiles.partials(threads) * sizeof(Partial) + tiles.held_bytes() + 3 * line_bytes;
    }

    template <class Member>
    KOKKOS_FUNCTION void operator()(const Member& member) const {
      const auto scratch = [&](std::size_t bytes) {
        return member.team_scratch(0).get_shmem_aligned(bytes, line_bytes);
      };
      auto* const partials = static_cast<Partial*>(scratch(tiles.partials(member.team_size()) * sizeof(Partial)));
      auto* const is_last = static_cast<int*>(scratch(sizeof(int)));
      auto* const memory = static_cast<typename TilesOf::Held::Stored*>(scratch(0));
      // Teams with neighbouring ranks have the same columns of neighbouring tiles.
      const int thread = member.team_rank(), tile_rows = tiles.tile_rows();
      const int item = member.league_rank() % tile_count, team = member.league_rank() / tile_count;
      const TileOfMatrix tile = tiles.locate(item);
      const auto at = tiles.place(thread);
      PartialsOf<Partial, n> mine{};
      for (int slice = team; slice < slice_count; slice += sums.teams()) {
        const Held held = tiles.hold(tile, slice, at, memory);
        const auto some = finisher.template accumulate_rows<n>(tiles.values_of(held, slice, at));
        for (int q = 0; q < n; ++q) finisher.combine(mine.of[q], some.of[q]);
      }
      const Partial part = tiles.combine(member, partials, finisher, at, mine);
      if (thread < tile_rows) sums.part(item, team, thread) = part;
      Kokkos::memory_fence();
      member.team_barrier();
      if (thread == 0) *is_last = sums.finish(item);
      member.team_barrier();
      if (!*is_last) return;

      Kokkos::memory_fence();
      const int row = thread & (tile_rows - 1), shares = member.team_size() / tile_rows;
      Partial share{};
      for (int t = thread / tile_rows; t < sums.teams(); t += shares) finisher.combine(share, sums.part(item, t, row));
      partials[thread] = share;
      member.team_barrier();
      const Partial whole = tiles.combine_shares(partials, finisher, thread, shares);
      if (thread < tile_rows) {
        sums.row(item * tile_rows + thread) = whole;
        tiles.record(finisher, tile, thread, whole);
      }
    }
  };

  struct Rescale {
    TilesOf tiles;
    Finisher finisher;
    int tile_count;
    StreamSums<Partial> sums;

    std::size_t scratch_bytes() const {
      return tiles.tile_rows() * sizeof(Scale) + tiles.held_bytes() + 2 * line_bytes;
    }

    template <class Member>
    KOKKOS_FUNCTION void operator()(const Member& member) const {
      const auto scratch = [&](std::size_t bytes) {
        return member.team_scratch(0).get_shmem_aligned(bytes, line_bytes);
      };
      const int thread = member.team_rank(), tile_rows = tiles.tile_rows();
      auto* const scales = static_cast<Scale*>(scratch(tile_rows * sizeof(Scale)));
      auto* const memory = static_cast<typename TilesOf::Held::Stored*>(scratch(0));
      const int from_the_end = member.league_size() - 1 - member.league_rank();
      const int item = from_the_end % tile_count, slice = from_the_end / tile_count;
      const TileOfMatrix tile = tiles.locate(item);
      Held held = tiles.hold(tile, slice, tiles.place(thread), memory);
      if (thread < tile_rows) scales[thread] = finisher.scale(sums.row(item * tile_rows + thread));
      end_copies();
      member.team_barrier();
      tiles.store(finisher, held, true, memory, scales, tile, slice, thread);
    }
  };

  template <class Exec>
  static void launch(const Exec& exec, const typename TilesOf::XRows& x, const typename TilesOf::YRows& y,
                     const Finisher& finisher, const Schedule& schedule) {
    using Policy = Kokkos::TeamPolicy<Exec, Kokkos::LaunchBounds<teams.lanes, teams.per_processor>>;
    const TilesOf all = TilesOf::of(x, y, schedule);
    const std::int64_t tiles = all.tiles(), slices = all.slices();
    const std::int64_t max_teams = StreamSums<Partial>::max_teams(all.tile_rows());
    const auto teams_per_tile = static_cast<int>(std::min({std::int64_t{schedule.teams_per_row}, slices, max_teams}));
    const auto policy = [&](std::int64_t league, std::size_t scratch_bytes) {
      return Policy(exec, static_cast<int>(league), schedule.team_size, 1)
          .set_scratch_size(0, Kokkos::PerTeam(scratch_bytes));
    };
    // As many tiles a launch as the workspace has room for, and as a league can count.
    const std::int64_t room = StreamSums<Partial>::room(all.tile_rows(), teams_per_tile);
    const std::int64_t max_tiles = std::max<std::int64_t>(1, std::min(room, max_league_size / slices));
    for (std::int64_t first = 0; first < tiles; first += max_tiles) {
      const std::int64_t count = std::min(max_tiles, tiles - first);
      const TilesOf some = all.from(first, count);
      const StreamSums<Partial> sums(workspace_of(exec), count * all.tile_rows(), all.tile_rows(), teams_per_tile);
      const Accumulate accumulate{some, finisher, static_cast<int>(count), static_cast<int>(slices), sums};
      const Rescale rescale{some, finisher, static_cast<int>(count), sums};
      const std::lock_guard lock(streamed_pair);
      Kokkos::parallel_for("rownorm::StreamedTiles::Accumulate",
                           policy(count * teams_per_tile, accumulate.scratch_bytes(schedule.team_size)), accumulate);
      if (finisher.writes_y())
        Kokkos::parallel_for("rownorm::StreamedTiles::Rescale", policy(count * slices, rescale.scratch_bytes()),
                             rescale);
    }
  }
};

}  // namespace rownorm::impl

#endif
