// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_IMPL_KERNELS_TEAM_PER_ROW_HPP
#define ROWNORM_IMPL_KERNELS_TEAM_PER_ROW_HPP

#include <cstdint>

#include <Kokkos_Core.hpp>

#include <rownorm/impl/rows.hpp>
#include <rownorm/norms.hpp>
#include <rownorm/schedule.hpp>
#include <rownorm/team_normalize.hpp>

namespace rownorm::impl {

/// The plain form, which serves every row of every view on every backend: one team a row, a nested reduction for
/// the norm, a nested loop to rescale. The second pass reads the row from cache where the live rows fit there.
template <class X, class Y, class Norm>
struct TeamPerRow {
  using Compute = compute_type<X, Y>;

  Rows<X> x;
  Rows<Y> y;
  RowFinisher<Norm, Compute> finisher;
  std::int64_t rows_per_team;

  template <class Member>
  KOKKOS_FUNCTION void operator()(const Member& member) const {
    const std::int64_t first = member.league_rank() * rows_per_team;
    const std::int64_t last = Kokkos::min(first + rows_per_team, x.rows);
    for (std::int64_t i = first; i < last; ++i) team_normalize_row<Compute>(member, x(i), y(i), finisher);
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
