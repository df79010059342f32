// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_IMPL_KERNELS_ROW_ACROSS_TEAMS_HPP
#define ROWNORM_IMPL_KERNELS_ROW_ACROSS_TEAMS_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <Kokkos_Core.hpp>

#include <rownorm/impl/compat.hpp>
#include <rownorm/impl/counts.hpp>
#include <rownorm/impl/exchange.hpp>
#include <rownorm/impl/held.hpp>
#include <rownorm/impl/native_team.hpp>
#include <rownorm/impl/packet.hpp>
#include <rownorm/impl/reduce.hpp>
#include <rownorm/impl/rows.hpp>
#include <rownorm/impl/slice_teams.hpp>
#include <rownorm/norms.hpp>
#include <rownorm/schedule.hpp>

namespace rownorm::impl {

/// Long rows: each team holds a slice, part of it in registers and part in scratch memory since neither is large enough
/// alone, and the partial results of the teams of a row meet in a workspace. Teams wait for each other, but none
/// depends on another: exchange.hpp has the argument.
template <class X, class Y, class Norm, int teams_per_processor>
struct RowAcrossTeams {
  using Compute = compute_type<X, Y>;
  using Partial = typename Norm::template Partial<Compute>;
  static constexpr SliceTeams teams = slice_teams(is_double_v<Compute>, teams_per_processor);
  static constexpr int n = packet_values<X, Y>;
  static constexpr int workers = teams.lanes, threads = workers / warp_lanes;
  using Step = ConstantStep<workers * n>;
  using Held = LanePackets<X, Y, n, teams.packets_in_registers, Step>;
  using Slice = Stretch<X, Y, n>;

  Rows<X> x;
  Rows<Y> y;
  RowFinisher<Norm, Compute> finisher;
  int slice_packets;
  Exchange<Partial> exchange;
  bool in_place;

  struct Scratch {
    Partial of_threads[threads];
    RowScale<Compute> scale;
    int late;  ///< a slice that no team has published in time
  };

  std::size_t scratch_bytes() const {
    const int held = Held::packets_in_scratch(packets_of(0, workers, slice_packets));
    return divide_rounding_up(sizeof(Scratch), line_bytes) * line_bytes +
           static_cast<std::size_t>(held) * workers * n * sizeof(X);
  }

  template <class Member>
  KOKKOS_FUNCTION void operator()(const Member& member) const {
    auto* const scratch = static_cast<Scratch*>(member.team_scratch(0).get_shmem_aligned(sizeof(Scratch), line_bytes));
    auto* const memory = static_cast<typename Held::Value*>(member.team_scratch(0).get_shmem_aligned(0, line_bytes));
    const int lane = lane_of(member), worker = member.team_rank() * warp_lanes + lane;
    const bool is_first = worker == 0, is_shared = exchange.slices() > 1;
    // The first thread alone exchanges; the others wait for it at a barrier.
    const ExchangePlace at{is_shared ? exchange.epoch() : 0,
                           member.league_rank() / exchange.slices(),
                           member.league_rank() % exchange.slices(),
                           0,
                           lane,
                           warp_lanes};
    const auto slice_of_row = [&](int slice) {
      return Slice::of(x(at.item), y(at.item)).slice(slice * slice_packets, slice_packets);
    };
    // What the team has together, for its first thread.
    const auto combine = [&](const Partial& mine) {
      const Partial thread = combine_lanes(warp_lanes, finisher.norm, mine);
      if (lane == 0) scratch->of_threads[member.team_rank()] = thread;
      member.team_barrier();
      Partial team;
      if (member.team_rank() == 0)
        team = combine_lanes(warp_lanes, finisher.norm, lane < threads ? scratch->of_threads[lane] : Partial{});
      return team;
    };

    const Slice slice = slice_of_row(at.slice);
    Held held(slice.x + worker * n, {}, packets_of(worker, workers, slice.packets), is_packet_aligned<X, n>(slice.x),
              memory + worker * n, {});
    const int edge = slice.edge(worker);
    typename Held::Value edge_value{};
    if (edge != slice.no_edge) edge_value = slice.x[edge];
    const Partial mine = combine(finisher.accumulate([&](const auto& f) {
      held.for_each(f);
      if (edge != slice.no_edge) f(edge_value, unpaired);
    }));

    std::uint64_t finished_before = 0;
    const auto find_scale = [&] {
      if (member.team_rank() == 0) {
        Partial row = mine;
        int late = no_slice;
        if (is_shared) {
          Partial collected;
          late = min_of_lanes(collect(exchange, at, finisher.norm, mine, in_place, collected));
          row = combine_lanes(warp_lanes, finisher.norm, collected);
          if (is_first && late == no_slice) finished_before = exchange.finish();
        }
        if (lane == 0) {
          scratch->late = late == no_slice ? no_slice : (at.slice + late) % exchange.slices();
          scratch->scale = finisher.scale(row);
        }
      }
      member.team_barrier();
      return scratch->late;
    };
    int late = find_scale();
    if (late == no_slice && scratch->scale.power == 1) {
      const Compute factor = scratch->scale.factor;
      const auto rescaled = [&](const auto& value, int) {
        return static_cast<Y>(static_cast<Compute>(value) * factor);
      };
      held.store(slice.y + worker * n, {}, rescaled);
      if (edge != slice.no_edge) slice.y[edge] = rescaled(edge_value, 0);
    } else {
      // What is held is given up, so that these rare cases take no registers from the usual one.
      for (; late != no_slice; late = find_scale()) {
        const Partial some =
            finisher.accumulate([&](const auto& f) { for_each_in(slice_of_row(late), worker, workers, f); });
        Kokkos::memory_fence();
        const Partial missing = combine(some);
        if (is_first) help(exchange, at, late, missing);
      }
      const RowScale<Compute> scale = scratch->scale;
      rescale_in(slice_of_row(at.slice), worker, workers,
                 [&](const auto& value, int) { return static_cast<Y>(scale(static_cast<Compute>(value))); });
    }
    if (is_first && is_shared) exchange.leave(at.epoch, finished_before, member.league_size());
  }

  template <class Exec>
  static void launch(const Exec& exec, Rows<X> x, Rows<Y> y, const RowFinisher<Norm, Compute>& finisher,
                     const Schedule& schedule) {
    const int slices = schedule.teams_per_row;
    const Exchange<Partial> exchange(slices > 1 ? workspace_of(exec) : Workspace{}, slices, 1, schedule.patience);
    const std::int64_t max_rows = Exchange<Partial>::items_per_launch(x.rows, slices, 1);
    for (std::int64_t first = 0; first < x.rows; first += max_rows) {
      const std::int64_t rows = std::min(max_rows, x.rows - first);
      const RowAcrossTeams kernel{x.from(first, rows),
                                  y.from(first, rows),
                                  finisher,
                                  schedule.slice_columns / n,
                                  exchange,
                                  static_cast<const void*>(x.data) == y.data};
      launch_native_teams<workers, teams.per_processor>("rownorm::RowAcrossTeams", exec,
                                                        static_cast<int>(rows) * slices, threads, warp_lanes,
                                                        kernel.scratch_bytes(), kernel);
    }
  }
};

}  // namespace rownorm::impl

#endif
