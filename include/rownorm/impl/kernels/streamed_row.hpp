// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_IMPL_KERNELS_STREAMED_ROW_HPP
#define ROWNORM_IMPL_KERNELS_STREAMED_ROW_HPP

#include <algorithm>
#include <cstdint>
#include <mutex>

#include <Kokkos_Core.hpp>

#include <rownorm/impl/compat.hpp>
#include <rownorm/impl/counts.hpp>
#include <rownorm/impl/finisher.hpp>
#include <rownorm/impl/held.hpp>
#include <rownorm/impl/packet.hpp>
#include <rownorm/impl/reduce.hpp>
#include <rownorm/impl/rows.hpp>
#include <rownorm/impl/stream_sums.hpp>
#include <rownorm/impl/workspace.hpp>
#include <rownorm/schedule.hpp>

namespace rownorm::impl {

/// Rows that the device cannot hold, read twice by two kernels: the first accumulates, the second rescales from the
/// end, which is still in cache.
template <class X, class Y, class Finisher>
struct StreamedRow {
  using Partial = typename Finisher::Partial;
  using XRows = typename Finisher::template RowsOf<X>;
  using YRows = typename Finisher::template RowsOf<Y>;
  static constexpr int n = packet_values<X, Y>;
  static constexpr int max_threads = 1024 / warp_lanes;
  static constexpr int packets = 4 / arrays_read<X>;  // a lane

  /// Rows in chunks: what one team holds at a time. Chunks start at packets of y.
  struct Chunks {
    XRows x;
    YRows y;
    std::int64_t values;   ///< a chunk
    std::int64_t per_row;  ///< chunks

    KOKKOS_FUNCTION Stretch<X, Y, n> operator()(std::int64_t i, std::int64_t chunk) const {
      const std::int64_t first = chunk * values, columns = Kokkos::min(values, x.columns - first);
      return Stretch<X, Y, n>::of({x(i).data + first, columns, 1}, {y(i).data + first, columns, 1});
    }
  };

  struct Accumulate {
    Chunks chunks;
    Finisher finisher;
    StreamSums<Partial> sums;

    struct Scratch {
      Partial parts[2][max_threads];
      int is_last;
    };

    template <class Member>
    KOKKOS_FUNCTION void operator()(const Member& member) const {
      auto* const scratch = static_cast<Scratch*>(member.team_scratch(0).get_shmem(sizeof(Scratch)));
      const int worker = member.team_rank() * warp_lanes + lane_of(member), workers = member.team_size() * warp_lanes;
      const int teams = sums.teams(), i = member.league_rank() / teams, team = member.league_rank() % teams;
      Partial mine{};
      for (std::int64_t chunk = team; chunk < chunks.per_row; chunk += teams) {
        const HeldPackets<X, Y, n, packets> held(chunks(i, chunk), worker, workers);
        finisher.combine(mine, finisher.accumulate([&](const auto& f) {
          held.for_each([&](const auto& value, int k, int column) { f(value, k, chunk * chunks.values + column); });
        }));
      }
      const Partial part = combine_team(member, scratch->parts[0], finisher, mine);
      if (worker == 0) {
        sums.part(i, team, 0) = part;
        Kokkos::memory_fence();
        scratch->is_last = sums.finish(i);
      }
      member.team_barrier();
      if (!scratch->is_last) return;

      Kokkos::memory_fence();
      Partial some{};
      for (int t = worker; t < teams; t += workers) finisher.combine(some, sums.part(i, t, 0));
      const Partial row = combine_team(member, scratch->parts[1], finisher, some);
      if (worker == 0) {
        sums.row(i) = row;
        finisher.record(i, row);
      }
    }
  };

  struct Rescale {
    Chunks chunks;
    Finisher finisher;
    StreamSums<Partial> sums;

    template <class Member>
    KOKKOS_FUNCTION void operator()(const Member& member) const {
      const int worker = member.team_rank() * warp_lanes + lane_of(member), workers = member.team_size() * warp_lanes;
      const std::int64_t from_the_end = member.league_size() - 1 - member.league_rank();
      const std::int64_t i = from_the_end / chunks.per_row, chunk = from_the_end % chunks.per_row;
      HeldPackets<X, Y, n, packets> held(chunks(i, chunk), worker, workers);
      const auto scale = finisher.scale(sums.row(i));
      const std::int64_t first_column = chunk * chunks.values + held.first_column();
      finisher.template with_constant_weights<Y, n>(first_column, [&](const auto& weights) {
        held.store(weights, [&](const auto& value, const auto& some_weights, int k) {
          return finisher.template rescaled<Y>(scale, value, some_weights, k);
        });
      });
    }
  };

  template <class Exec>
  static void launch(const Exec& exec, const XRows& x, const YRows& y, const Finisher& finisher,
                     const Schedule& schedule) {
    using Policy = Kokkos::TeamPolicy<Exec, Kokkos::LaunchBounds<512, Finisher::has_large_partials ? 1 : 2>>;
    const std::int64_t values = std::int64_t{schedule.team_size} * warp_lanes * packets * n;
    const std::int64_t per_row = divide_rounding_up(x.columns, values);
    const auto teams =
        static_cast<int>(std::min({std::int64_t{schedule.teams_per_row}, per_row, StreamSums<Partial>::max_teams(1)}));
    const auto policy = [&](std::int64_t league) {
      return Policy(exec, static_cast<int>(league), schedule.team_size, warp_lanes);
    };
    // As many rows a launch as the workspace has room for, and as a league can count.
    const std::int64_t max_rows =
        std::max<std::int64_t>(1, std::min(StreamSums<Partial>::room(1, teams), max_league_size / per_row));
    for (std::int64_t first = 0; first < x.rows; first += max_rows) {
      const std::int64_t rows = std::min(max_rows, x.rows - first);
      const Chunks chunks{x.from(first, rows), y.from(first, rows), values, per_row};
      const StreamSums<Partial> sums(workspace_of(exec), rows, 1, teams);
      const std::lock_guard lock(streamed_pair);
      Kokkos::parallel_for(
          "rownorm::StreamedRow::Accumulate",
          policy(rows * teams).set_scratch_size(0, Kokkos::PerTeam(sizeof(typename Accumulate::Scratch))),
          Accumulate{chunks, finisher.from(first), sums});
      if (finisher.writes_y())
        Kokkos::parallel_for("rownorm::StreamedRow::Rescale", policy(rows * per_row), Rescale{chunks, finisher, sums});
    }
  }
};

}  // namespace rownorm::impl

#endif
