// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_IMPL_KERNELS_ROW_ACROSS_TEAMS_HPP
#define ROWNORM_IMPL_KERNELS_ROW_ACROSS_TEAMS_HPP

#include <algorithm>
#include <cstdint>

#include <Kokkos_Core.hpp>

#include <rownorm/impl/compat.hpp>
#include <rownorm/impl/exchange.hpp>
#include <rownorm/impl/packet.hpp>
#include <rownorm/impl/reduce.hpp>
#include <rownorm/impl/rows.hpp>
#include <rownorm/norms.hpp>
#include <rownorm/schedule.hpp>

namespace rownorm::impl {

/// Several teams a row: each holds a slice in scratch memory, and their partial results meet in a workspace. Teams wait
/// for each other, but none depends on another: exchange.hpp has the argument.
template <class X, class Y, class Norm>
struct RowAcrossTeams {
  using Compute = compute_type<X, Y>;
  using Partial = typename Norm::template Partial<Compute>;
  static constexpr int n = packet_values<X, Y>;
  using HeldPacket = Packet<std::remove_const_t<X>, n>;
  static constexpr int max_threads = 32;  // of several lanes each

  Rows<X> x;
  Rows<Y> y;
  RowFinisher<Norm, Compute> finisher;
  int lanes;
  int slice_packets;
  Exchange<Partial> exchange;
  bool in_place;

  struct Scratch {
    Partial slice[max_threads];
    Partial row[max_threads];
    alignas(packet_bytes) int missing;
  };

  static std::size_t scratch_bytes(int slice_packets) {
    return sizeof(Scratch) + (slice_packets + 2) * sizeof(HeldPacket) + packet_bytes;
  }

  template <class Member>
  KOKKOS_FUNCTION void operator()(const Member& member) const {
    auto* const scratch =
        static_cast<Scratch*>(member.team_scratch(0).get_shmem_aligned(sizeof(Scratch), packet_bytes));
    auto* const held = static_cast<HeldPacket*>(
        member.team_scratch(0).get_shmem_aligned((slice_packets + 2) * sizeof(HeldPacket), packet_bytes));
    const int worker = member.team_rank() * lanes + lane_of(member), workers = member.team_size() * lanes;
    const ExchangePlace at{
        exchange.epoch(), member.league_rank() / exchange.slices(), member.league_rank() % exchange.slices(), 0, worker,
        workers};
    if (worker == 0) scratch->missing = no_slice;
    const Stretch<X, Y, n> whole = Stretch<X, Y, n>::of(x(at.item), y(at.item));
    using Partials = PartialsOf<Partial, 1>;
    const auto combine_in = [&](Partial* memory) {
      return [&, memory](const Partials& mine) {
        return Partials{{combine_team<Compute>(member, lanes, memory, finisher.norm, mine.of[0])}};
      };
    };

    const ScratchPackets<X, Y, n> part(whole.slice(at.slice * slice_packets, slice_packets), held + 1, worker, workers);
    const Partials slice =
        combine_in(scratch->slice)({{finisher.accumulate([&](const auto& f) { part.for_each(f); })}});
    Partials row;
    for (;;) {
      const int missing =
          collect(exchange, at, &scratch->missing, finisher.norm, slice, in_place, combine_in(scratch->row), row);
      if (missing == no_slice) break;
      const Stretch<X, Y, n> late = whole.slice(missing * slice_packets, slice_packets);
      help(member, exchange, at, missing, &scratch->missing,
           combine_in(scratch->slice)(
               {{finisher.accumulate([&](const auto& f) { for_each_in(late, worker, workers, f); })}}));
    }
    const std::uint64_t finished_before = worker == 0 ? exchange.finish() : 0;
    const RowScale<Compute> scale = finisher.scale(row.of[0]);
    part.store([&](const auto& value) { return static_cast<Y>(scale(static_cast<Compute>(value))); });
    if (worker == 0) exchange.leave(at.epoch, finished_before, member.league_size());
  }

  template <class Exec>
  static void launch(const Exec& exec, Rows<X> x, Rows<Y> y, const RowFinisher<Norm, Compute>& finisher,
                     const Schedule& schedule) {
    using Policy = Kokkos::TeamPolicy<Exec, Kokkos::LaunchBounds<256, is_double_v<Compute> ? 3 : 4>>;
    const Exchange<Partial> exchange(workspace_of(exec), schedule.teams_per_row, 1, schedule.patience);
    const int slice_packets = schedule.team_size * schedule.vector_length * schedule.packets_per_lane;
    // As many rows a launch as the workspace has room for.
    const std::int64_t rows = x.rows, max_rows = Exchange<Partial>::capacity / schedule.teams_per_row;
    for (std::int64_t first = 0; first < rows; first += max_rows) {
      const std::int64_t count = std::min(max_rows, rows - first);
      const RowAcrossTeams kernel{x.from(first, count),
                                  y.from(first, count),
                                  finisher,
                                  schedule.vector_length,
                                  slice_packets,
                                  exchange,
                                  static_cast<const void*>(x.data) == y.data};
      Kokkos::parallel_for(
          "rownorm::RowAcrossTeams",
          Policy(exec, static_cast<int>(count) * schedule.teams_per_row, schedule.team_size, schedule.vector_length)
              .set_scratch_size(0, Kokkos::PerTeam(scratch_bytes(slice_packets))),
          kernel);
    }
  }
};

}  // namespace rownorm::impl

#endif
