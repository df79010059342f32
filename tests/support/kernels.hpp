// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_TESTS_KERNELS_HPP
#define ROWNORM_TESTS_KERNELS_HPP

#include <algorithm>

#include <Kokkos_Core.hpp>
#include <catch2/catch_test_macros.hpp>
#include <rownorm/impl/counts.hpp>
#include <rownorm/impl/slice_teams.hpp>
#include <rownorm/rownorm.hpp>
#include <vector>

#include "mixed_launches.hpp"
#include "types.hpp"

/// Every kernel that can serve a case, not only the one that would be chosen.
namespace rownorm::tests {

inline constexpr Kernel all_kernels[] = {Kernel::TeamPerRow,     Kernel::PackedRows,     Kernel::RowsInScratch,
                                         Kernel::RowInRegisters, Kernel::RowAcrossTeams, Kernel::StreamedRow,
                                         Kernel::ColumnTiles,    Kernel::StreamedTiles,  Kernel::HostRow};

/// Those that can serve x and y, whether or not they would be chosen. Rows that teams share, or read twice, are cut
/// into at least three slices where they are long enough, however much fits on the device. Some kernels serve only the
/// norms that RowNorm has itself, and some have smaller teams for roots.
template <class Exec, class X, class Y>
std::vector<Schedule> all_schedules(const Exec& exec, const impl::BatchedRows<X>& x, const impl::BatchedRows<Y>& y,
                                    bool norm_is_built_in = true, bool takes_roots = false) {
  Problem problem = impl::problem_of(x, y);
  problem.is_compiled = problem.is_compiled && norm_is_built_in;
  problem.takes_roots = takes_roots;
  std::vector<Schedule> schedules;
  for (const Kernel kernel : all_kernels) {
    Schedule schedule = schedule_with(kernel, problem, machine_of(exec));
    if (schedule.league_size == 0) continue;
    schedules.push_back(schedule);
    const int n = schedule.packet_values;
    if (kernel == Kernel::RowAcrossTeams) {  // also with teams of twice the size, that have a processor to themselves
      Schedule large = schedule;
      large.team_size =
          impl::slice_teams(problem.x_value_bytes == 8 || problem.y_value_bytes == 8, 1).lanes / schedule.vector_length;
      if (large != schedule) schedules.push_back(large);
    }
    const bool has_slices =
        kernel == Kernel::RowAcrossTeams || kernel == Kernel::ColumnTiles || kernel == Kernel::StreamedTiles;
    if (!has_slices || x.columns <= 3 * n) continue;
    schedule.slice_columns = static_cast<int>(impl::divide_rounding_up(schedule.slice_columns, 3 * n)) * n;
    schedule.teams_per_row = static_cast<int>(impl::divide_rounding_up(x.columns, schedule.slice_columns));
    if (schedule.teams_per_row > 256) continue;
    if (kernel == Kernel::ColumnTiles)  // a thread exchanges for one row
      schedule.team_size = std::max(schedule.team_size, static_cast<int>(schedule.rows_per_team));
    if (kernel == Kernel::StreamedTiles) schedule.teams_per_row = 2;  // so that one of them has two slices
    schedules.push_back(schedule);
  }
  return schedules;
}

/// Calls f(schedule) for each of them, with the schedule in Catch2's messages.
template <class Norm = AnyNorm, class Exec, class XView, class YView, class F>
void with_every_kernel(const Exec& exec, const XView& x, const YView& y, const F& f) {
  const impl::BatchedRows x_rows = impl::as_rows<typename XView::const_value_type>(x);
  const impl::BatchedRows y_rows = impl::as_rows<typename YView::value_type>(y);
  for (const Schedule& schedule : all_schedules(exec, x_rows, y_rows, impl::is_built_in_v<Norm>)) {
    INFO(to_string(schedule.kernel) << ", " << schedule.teams_per_row << " teams a row");
    f(schedule);
  }
}

/// normalize with a schedule of the test's own.
template <class Exec, class XView, class YView, class Norm = MeanAbs>
void normalize_with(const Schedule& schedule, const Exec& exec, const XView& x, const YView& y,
                    const Parameters<Norm>& params = {}, impl::RowExtras extras = {}) {
  const impl::BatchedRows x_rows = impl::as_rows<typename XView::const_value_type>(x);
  const impl::BatchedRows y_rows = impl::as_rows<typename YView::value_type>(y);
  extras.weights = params.weights.values();
  extras.status = params.status.counts();
  impl::launch(exec, x_rows, y_rows, params.norm, params.epsilon, extras, schedule);
}

/// Norms of rows as such a schedule's extras.
template <class Norms>
impl::RowExtras extras_with(const Norms& norms) {
  const auto rows = static_cast<std::int64_t>(norms.extent(0));
  return {.norms = impl::VectorRef(norms),
          .norm_offsets = impl::RowOffsets::of(static_cast<std::int64_t>(norms.stride(0)), rows, 0)};
}

}  // namespace rownorm::tests

#endif
