// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_IMPL_KERNELS_ROW_IN_REGISTERS_HPP
#define ROWNORM_IMPL_KERNELS_ROW_IN_REGISTERS_HPP

#include <cstdint>
#include <type_traits>

#include <Kokkos_Core.hpp>

#include <rownorm/impl/compat.hpp>
#include <rownorm/impl/finisher.hpp>
#include <rownorm/impl/held.hpp>
#include <rownorm/impl/packet.hpp>
#include <rownorm/impl/reduce.hpp>
#include <rownorm/impl/rows.hpp>
#include <rownorm/impl/slice_teams.hpp>
#include <rownorm/schedule.hpp>

namespace rownorm::impl {

/// One team a row: read once, held in registers as packets, written once. The league is plain, one team for each row
/// and none that serves several in turn: a new team's loads overlap the stores of the last one.
template <class X, class Y, class Finisher, int packets>
struct RowInRegisters {
  using Partial = typename Finisher::Partial;
  static constexpr int n = packet_values<X, Y>;
  static constexpr int max_threads = 1024 / warp_lanes;

  typename Finisher::template RowsOf<X> x;
  typename Finisher::template RowsOf<Y> y;
  Finisher finisher;

  template <class Member>
  KOKKOS_FUNCTION void operator()(const Member& member) const {
    const std::int64_t i = member.league_rank();
    auto* const scratch = static_cast<Partial*>(member.team_scratch(0).get_shmem(max_threads * sizeof(Partial)));
    const int worker = member.team_rank() * warp_lanes + lane_of(member), workers = member.team_size() * warp_lanes;
    HeldPackets<X, Y, n, packets> part(Stretch<X, Y, n>::of(x(i), y(i)), worker, workers);
    const Partial mine = finisher.accumulate([&](const auto& f) { part.for_each(f); });
    const Partial row = combine_team(member, scratch, finisher, mine);
    if (finisher.writes_y()) {
      const auto scale = finisher.scale(row);
      finisher.template with_constant_weights<Y, n>(part.first_column(), [&](const auto& weights) {
        part.store(weights, [&](const auto& value, const auto& some_weights, int k) {
          return finisher.template rescaled<Y>(scale, value, some_weights, k);
        });
      });
    }
    if (worker == 0) finisher.record(i, row);
  }

  template <class Exec>
  void launch(const Exec& exec, const Schedule& schedule) const {
    constexpr bool is_largest =
        has_largest_sums(is_double_v<typename Finisher::ComputeType>, arrays_read<X>, Finisher::takes_roots);
    using LargeBounds = std::conditional_t<is_largest, Kokkos::LaunchBounds<128, 4>, Kokkos::LaunchBounds<384, 2>>;
    using Bounds = std::conditional_t<Finisher::has_large_partials, LargeBounds, Kokkos::LaunchBounds<1024>>;
    using Policy = Kokkos::TeamPolicy<Exec, Bounds>;
    Kokkos::parallel_for("rownorm::RowInRegisters",
                         Policy(exec, schedule.league_size, schedule.team_size, schedule.vector_length)
                             .set_scratch_size(0, Kokkos::PerTeam(max_threads * sizeof(Partial))),
                         *this);
  }
};

}  // namespace rownorm::impl

#endif
