// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_IMPL_KERNELS_ROWS_IN_SCRATCH_HPP
#define ROWNORM_IMPL_KERNELS_ROWS_IN_SCRATCH_HPP

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <Kokkos_Core.hpp>

#include <rownorm/impl/finisher.hpp>
#include <rownorm/impl/held.hpp>
#include <rownorm/impl/packet.hpp>
#include <rownorm/impl/rows.hpp>
#include <rownorm/schedule.hpp>

namespace rownorm::impl {

/// Short rows without gaps between them, of any length: to packets a team's rows are one stretch of memory, wherever
/// one row ends. It goes to scratch memory, where each thread rescales rows of its own, and back from there. X and Y
/// are of one size.
template <class X, class Y, class Finisher>
struct RowsInScratch {
  using Value = std::remove_const_t<X>;
  static constexpr int n = packet_values<X, Y>;

  typename Finisher::template RowsOf<X> x;
  typename Finisher::template RowsOf<Y> y;
  Finisher finisher;
  int rows_per_team;

  std::size_t scratch_bytes() const {
    return static_cast<std::size_t>(rows_per_team) * x.columns * sizeof(Value) + 3 * line_bytes;
  }

  template <class Member>
  KOKKOS_FUNCTION void operator()(const Member& member) const {
    const int thread = member.team_rank(), threads = member.team_size(), columns = static_cast<int>(x.columns);
    const std::int64_t first = static_cast<std::int64_t>(member.league_rank()) * rows_per_team;
    const int rows = static_cast<int>(Kokkos::min<std::int64_t>(rows_per_team, x.rows - first));
    const int values = rows * columns;
    const auto stretch = Stretch<X, Y, n>::of({x(first).data, values, 1}, {y(first).data, values, 1});

    auto* const scratch = static_cast<Packet<Value, n>*>(
        member.team_scratch(0).get_shmem_aligned(values * sizeof(Value) + 2 * line_bytes, line_bytes));
    const ScratchPackets<X, Y, n> held(stretch, scratch + line_bytes / packet_bytes, thread, threads);
    member.team_barrier();

    for (int r = thread; r < rows; r += threads) {
      Value* const row = held.values() - stretch.head + r * columns;
      const auto whole = finisher.accumulate([&](const auto& f) {
        for (int j = 0; j < columns; ++j) f(row[j], unpaired, j);
      });
      finisher.record(first + r, whole);
      if (!finisher.writes_y()) continue;
      const auto scale = finisher.scale(whole);
      finisher.template with_weights<Y>([&](const auto& weights) {
        for (int j = 0; j < columns; ++j)
          row[j] = Kokkos::bit_cast<Value>(finisher.template rescaled<Y>(scale, row[j], weights, j));
      });
    }
    if (!finisher.writes_y()) return;

    member.team_barrier();
    held.store([](const Value& value) { return Kokkos::bit_cast<Y>(value); });
  }

  template <class Exec>
  void launch(const Exec& exec, const Schedule& schedule) const {
    using Policy = Kokkos::TeamPolicy<Exec, Kokkos::LaunchBounds<256>>;
    Kokkos::parallel_for(
        "rownorm::RowsInScratch",
        Policy(exec, schedule.league_size, schedule.team_size, 1).set_scratch_size(0, Kokkos::PerTeam(scratch_bytes())),
        *this);
  }
};

}  // namespace rownorm::impl

#endif
