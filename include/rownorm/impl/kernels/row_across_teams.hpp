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
#include <rownorm/impl/finisher.hpp>
#include <rownorm/impl/held.hpp>
#include <rownorm/impl/native_team.hpp>
#include <rownorm/impl/packet.hpp>
#include <rownorm/impl/reduce.hpp>
#include <rownorm/impl/rows.hpp>
#include <rownorm/impl/slice_teams.hpp>
#include <rownorm/schedule.hpp>

namespace rownorm::impl {

/// Long rows: each team holds a slice, part of it in registers and part in scratch memory since neither is large enough
/// alone, and the partial results of the teams of a row meet in a workspace. Teams wait for each other, but none
/// depends on another: exchange.hpp has the argument.
template <class X, class Y, class Finisher, int teams_per_processor>
struct RowAcrossTeams {
  using Partial = typename Finisher::Partial;
  using Scale = typename Finisher::Scale;
  static constexpr int n = packet_values<X, Y>;
  // Pairs of eight values would spill.
  static constexpr bool is_large = is_double_v<typename Finisher::ComputeType> || (arrays_read<X> > 1 && n == 8);
  static constexpr SliceTeams teams = slice_teams(is_large, teams_per_processor);
  static constexpr int workers = teams.lanes, threads = workers / warp_lanes;
  using Step = ConstantStep<workers * n>;
  using Held = LanePackets<X, Y, n, packets_held<X, Finisher>(teams), Step>;
  using Slice = Stretch<X, Y, n>;

  typename Finisher::template RowsOf<X> x;
  typename Finisher::template RowsOf<Y> y;
  Finisher finisher;
  int slice_packets;
  Exchange<Partial> exchange;
  bool in_place;

  struct Scratch {
    Partial of_threads[threads];
    Scale scale;
    Partial row;  ///< for extras, once there is no need for registers
    int late;     ///< a slice that no team has published in time
  };

  std::size_t scratch_bytes() const {
    const int held = Held::packets_in_scratch(packets_of(0, workers, slice_packets));
    return divide_rounding_up(sizeof(Scratch), line_bytes) * line_bytes +
           static_cast<std::size_t>(held) * workers * n * sizeof(X);
  }

  template <class Member>
  KOKKOS_FUNCTION void operator()(const Member& member) const {
    auto* const scratch = static_cast<Scratch*>(member.team_scratch(0).get_shmem_aligned(sizeof(Scratch), line_bytes));
    auto* const memory = static_cast<typename Held::Stored*>(member.team_scratch(0).get_shmem_aligned(0, line_bytes));
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
      const Partial thread = combine_lanes(warp_lanes, finisher, mine);
      if (lane == 0) scratch->of_threads[member.team_rank()] = thread;
      member.team_barrier();
      Partial team{};
      if (member.team_rank() == 0) team = combine_lanes(threads, finisher, scratch->of_threads[lane % threads]);
      return team;
    };

    const Slice slice = slice_of_row(at.slice);
    Held held(slice.x + worker * n, {}, packets_of(worker, workers, slice.packets), is_packet_aligned<X, n>(slice.x),
              memory + worker * n, {});
    const int edge = slice.edge(worker);
    typename Held::Value edge_value{};
    if (edge != slice.no_edge) edge_value = slice.x[edge];
    // Of the row's columns, that which packet 0 of a slice begins with.
    const auto first_column = [&](int slice_of) {
      return slice.head_of_row + static_cast<std::int64_t>(slice_of) * slice_packets * n;
    };
    const std::int64_t column = first_column(at.slice);
    const auto column_of = [&](int k, int p) { return column + (worker + p * workers) * n + k; };
    const Partial mine = combine(finisher.accumulate([&](const auto& f) {
      held.for_each([&](const auto& value, int k, int p) { f(value, n > 1 ? k : unpaired, column_of(k, p)); });
      if (edge != slice.no_edge) f(edge_value, unpaired, column + edge);
    }));

    std::uint64_t finished_before = 0;
    const auto find_scale = [&] {
      if (member.team_rank() == 0) {
        Partial row = mine;
        int late = no_slice;
        if (is_shared) {
          Partial collected{};
          late = min_of_lanes(collect(exchange, at, finisher, mine, in_place, collected));
          row = combine_lanes(exchange.lanes(), finisher, collected);
          if (is_first && late == no_slice) finished_before = exchange.finish();
        }
        if (lane == 0) {
          scratch->late = late == no_slice ? no_slice : (at.slice + late) % exchange.slices();
          scratch->scale = finisher.scale(row);
          if constexpr (Finisher::has_extras) scratch->row = row;
        }
      }
      member.team_barrier();
      return scratch->late;
    };
    int late = find_scale();
    if (late == no_slice && scratch->scale.power == 1) {
      if (finisher.writes_y()) {
        const Scale scale = scratch->scale.without_power();
        finisher.template with_constant_weights<Y, n>(column_of(0, 0), [&](const auto& weights) {
          held.store(
              slice.y + worker * n, {}, [&](int p) { return weights.template packet<n>(p * workers * n); },
              [&](const auto& value, const auto& some_weights, int k) {
                return finisher.template rescaled<Y>(scale, value, some_weights, k);
              });
          if (edge != slice.no_edge)
            slice.y[edge] = finisher.template rescaled<Y>(scale, edge_value, weights, edge - worker * n);
        });
      }
    } else {
      // What is held is given up, so that these rare cases take no registers from the usual one.
      for (; late != no_slice; late = find_scale()) {
        const Partial some = finisher.accumulate([&](const auto& f) {
          for_each_in(slice_of_row(late), worker, workers, [&](const auto& value, int k, int offset) {
            f(value, n > 1 ? k : unpaired, first_column(late) + offset);
          });
        });
        Kokkos::memory_fence();
        const Partial missing = combine(some);
        if (is_first) help(exchange, at, late, missing);
      }
      const Scale scale = scratch->scale;
      if (finisher.writes_y())
        finisher.template with_weights<Y>([&](const auto& weights) {
          rescale_in(slice_of_row(at.slice), worker, workers, [&](const auto& value, int offset) {
            return finisher.template rescaled<Y>(scale, value, weights, column + offset);
          });
        });
    }
    if (is_first && is_shared) exchange.leave(at.epoch, finished_before, member.league_size());
    if constexpr (Finisher::has_extras)
      if (is_first && at.slice == 0) finisher.record(at.item, scratch->row);
  }

  template <class Exec>
  static void launch(const Exec& exec, const typename Finisher::template RowsOf<X>& x,
                     const typename Finisher::template RowsOf<Y>& y, const Finisher& finisher,
                     const Schedule& schedule) {
    const int slices = schedule.teams_per_row;
    const Exchange<Partial> exchange(slices > 1 ? workspace_of(exec) : Workspace{}, slices, 1, schedule.patience);
    const std::int64_t max_rows = Exchange<Partial>::items_per_launch(x.rows, slices, 1);
    for (std::int64_t first = 0; first < x.rows; first += max_rows) {
      const std::int64_t rows = std::min(max_rows, x.rows - first);
      const RowAcrossTeams kernel{
          x.from(first, rows),  y.from(first, rows), finisher.from(first), schedule.slice_columns / n, exchange,
          is_at(x.data, y.data)};
      launch_native_teams<workers, teams.per_processor>("rownorm::RowAcrossTeams", exec,
                                                        static_cast<int>(rows) * slices, threads, warp_lanes,
                                                        kernel.scratch_bytes(), kernel);
    }
  }
};

}  // namespace rownorm::impl

#endif
