// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_IMPL_KERNELS_TEAM_PER_ROW_HPP
#define ROWNORM_IMPL_KERNELS_TEAM_PER_ROW_HPP

#include <cstdint>

#include <Kokkos_Core.hpp>

#include <rownorm/impl/finisher.hpp>
#include <rownorm/impl/nested.hpp>
#include <rownorm/impl/rows.hpp>
#include <rownorm/schedule.hpp>

namespace rownorm::impl {

/// The plain form, which serves every row of every view on every backend: one team a row, a nested reduction for
/// the norm, a nested loop to rescale. The second pass reads the row from cache where the live rows fit there.
template <class X, class Y, class Finisher>
struct TeamPerRow {
  typename Finisher::template RowsOf<X> x;
  typename Finisher::template RowsOf<Y> y;
  Finisher finisher;
  std::int64_t rows_per_team;

  template <class Member>
  KOKKOS_FUNCTION void operator()(const Member& member) const {
    const std::int64_t first = member.league_rank() * rows_per_team;
    const std::int64_t last = Kokkos::min(first + rows_per_team, x.rows);
    for (std::int64_t i = first; i < last; ++i) {
      const auto whole = accumulate_nested<Nesting::team_vector>(member, x(i), finisher);
      Kokkos::single(Kokkos::PerTeam(member), [&] { finisher.record(i, whole); });
      if (finisher.writes_y()) rescale_nested<Nesting::team_vector>(member, x(i), y(i), finisher, whole);
    }
  }

  template <class Exec>
  void launch(const Exec& exec, const Schedule& schedule) const {
    // The bound holds the compiler to as many registers as the largest team a schedule may ask for can have.
    using Policy = Kokkos::TeamPolicy<Exec, Kokkos::LaunchBounds<1024, 1>>;
    Kokkos::parallel_for("rownorm::TeamPerRow",
                         Policy(exec, schedule.league_size, schedule.team_size, schedule.vector_length), *this);
  }
};

}  // namespace rownorm::impl

#endif
