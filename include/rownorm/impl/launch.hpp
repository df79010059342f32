// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_IMPL_LAUNCH_HPP
#define ROWNORM_IMPL_LAUNCH_HPP

#include <rownorm/impl/compat.hpp>
#include <rownorm/impl/kernels/column_tiles.hpp>
#include <rownorm/impl/kernels/host_row.hpp>
#include <rownorm/impl/kernels/packed_rows.hpp>
#include <rownorm/impl/kernels/row_across_teams.hpp>
#include <rownorm/impl/kernels/row_in_registers.hpp>
#include <rownorm/impl/kernels/rows_in_scratch.hpp>
#include <rownorm/impl/kernels/streamed_row.hpp>
#include <rownorm/impl/kernels/streamed_tiles.hpp>
#include <rownorm/impl/kernels/team_per_row.hpp>
#include <rownorm/impl/problem.hpp>
#include <rownorm/impl/rows.hpp>
#include <rownorm/impl/tiles.hpp>
#include <rownorm/norms.hpp>
#include <rownorm/schedule.hpp>

namespace rownorm::impl {

template <class Exec, class X, class Y, class Norm, class Compute>
void launch_tiles(const Exec& exec, const Rows<X>& x, const Rows<Y>& y, const RowFinisher<Norm, Compute>& finisher,
                  const Schedule& schedule) {
  const auto launch_in = [&]<int n, TileOrder order>() {
    if (schedule.kernel == Kernel::ColumnTiles)
      ColumnTiles<X, Y, Norm, n, order>::launch(exec, x, y, finisher, schedule);
    else
      StreamedTiles<X, Y, Norm, n, order>::launch(exec, x, y, finisher, schedule);
  };
  if (schedule.packet_values == 1)
    launch_in.template operator()<1, TileOrder::values>();
  else if (neighbours_of(x) == neighbours_of(y))
    launch_in.template operator()<packet_values<X, Y>, TileOrder::same>();
  else if (neighbours_of(x) == Neighbours::in_column)
    launch_in.template operator()<packet_values<X, Y>, TileOrder::columns_to_rows>();
  else
    launch_in.template operator()<packet_values<X, Y>, TileOrder::rows_to_columns>();
}

/// The kernels of devices whose lanes have registers of their own.
template <class Exec, class X, class Y, class Norm, class Compute>
void launch_on_lanes(const Exec& exec, const Rows<X>& x, const Rows<Y>& y, const RowFinisher<Norm, Compute>& finisher,
                     const Schedule& schedule) {
  constexpr int n = packet_values<X, Y>;
  const int lanes = schedule.vector_length, packets = schedule.packets_per_lane;
  const bool in_packets = schedule.packet_values > 1;
  switch (schedule.kernel) {
    case Kernel::PackedRows:
      if (!in_packets)
        PackedRows<X, Y, Norm, 1, 2, 4>{x, y, finisher, lanes}.launch(exec, schedule);
      else if (packets == 1)
        PackedRows<X, Y, Norm, n, 1, 4>{x, y, finisher, lanes}.launch(exec, schedule);
      else if (packets == 2)
        PackedRows<X, Y, Norm, n, 2, 2>{x, y, finisher, lanes}.launch(exec, schedule);
      else
        PackedRows<X, Y, Norm, n, 4, 1>{x, y, finisher, lanes}.launch(exec, schedule);
      break;
    case Kernel::RowsInScratch:
      if constexpr (sizeof(X) == sizeof(Y))
        RowsInScratch<X, Y, Norm>{x, y, finisher, static_cast<int>(schedule.rows_per_team)}.launch(exec, schedule);
      break;
    case Kernel::RowInRegisters:
      if (packets == 4)
        RowInRegisters<X, Y, Norm, 4>{x, y, finisher}.launch(exec, schedule);
      else
        RowInRegisters<X, Y, Norm, 8>{x, y, finisher}.launch(exec, schedule);
      break;
    case Kernel::RowAcrossTeams:
      if (schedule.team_size == RowAcrossTeams<X, Y, Norm, 1>::threads)
        RowAcrossTeams<X, Y, Norm, 1>::launch(exec, x, y, finisher, schedule);
      else
        RowAcrossTeams<X, Y, Norm, 2>::launch(exec, x, y, finisher, schedule);
      break;
    case Kernel::StreamedRow:
      StreamedRow<X, Y, Norm>::launch(exec, x, y, finisher, schedule);
      break;
    case Kernel::ColumnTiles:
    case Kernel::StreamedTiles:
      launch_tiles(exec, x, y, finisher, schedule);
      break;
    case Kernel::TeamPerRow:
    case Kernel::HostRow:
      break;
  }
}

/// Enqueues on `exec` the kernel that the schedule names.
template <class Exec, class X, class Y, class Norm>
void launch(const Exec& exec, const Rows<X>& x, const Rows<Y>& y, const Parameters<Norm>& params,
            const Schedule& schedule) {
  using Compute = compute_type<X, Y>;
  const RowFinisher<Norm, Compute> finisher{params.norm, RowLength(x.columns), static_cast<Compute>(params.epsilon)};
  if (schedule.kernel == Kernel::TeamPerRow)
    TeamPerRow<X, Y, Norm>{x, y, finisher, schedule.rows_per_team}.launch(exec, schedule);
  else if constexpr (has_lanes_v<Exec>)
    launch_on_lanes(exec, x, y, finisher, schedule);
  else if constexpr (is_host_space_v<Exec> && std::is_same_v<Norm, MeanAbs>)
    HostRow<X, Y>{x, y, finisher}.launch(exec, schedule);
}

// The common types are compiled once, in src/launch.cpp. KEYWORDS: `extern template` here, `template` there.
#define ROWNORM_IMPL_LAUNCH(KEYWORDS, EXEC, VALUE)                                                            \
  KEYWORDS void launch(const EXEC&, const Rows<const VALUE>&, const Rows<VALUE>&, const Parameters<MeanAbs>&, \
                       const Schedule&);
#define ROWNORM_IMPL_LAUNCHES(KEYWORDS, EXEC)                                               \
  ROWNORM_IMPL_LAUNCH(KEYWORDS, EXEC, float)                                                \
  ROWNORM_IMPL_LAUNCH(KEYWORDS, EXEC, double)                                               \
  ROWNORM_IMPL_WITH_HALF(ROWNORM_IMPL_LAUNCH(KEYWORDS, EXEC, Kokkos::Experimental::half_t)) \
  ROWNORM_IMPL_WITH_BHALF(ROWNORM_IMPL_LAUNCH(KEYWORDS, EXEC, Kokkos::Experimental::bhalf_t))
#define ROWNORM_IMPL_DECLARE_LAUNCHES(EXEC) ROWNORM_IMPL_LAUNCHES(extern template, EXEC)
ROWNORM_IMPL_FOR_EACH_EXECUTION_SPACE(ROWNORM_IMPL_DECLARE_LAUNCHES)

}  // namespace rownorm::impl

#endif
