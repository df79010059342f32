// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_IMPL_LAUNCH_HPP
#define ROWNORM_IMPL_LAUNCH_HPP

#include <rownorm/impl/compat.hpp>
#include <rownorm/impl/finisher.hpp>
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
#include <rownorm/parameters.hpp>
#include <rownorm/schedule.hpp>

namespace rownorm::impl {

template <class Exec, class X, class Y, class Finisher>
void launch_tiles(const Exec& exec, const typename Finisher::template RowsOf<X>& x,
                  const typename Finisher::template RowsOf<Y>& y, const Finisher& finisher, const Schedule& schedule) {
  const auto launch_in = [&]<int n, TileOrder order>() {
    if (schedule.kernel == Kernel::ColumnTiles)
      ColumnTiles<X, Y, Finisher, n, order>::launch(exec, x, y, finisher, schedule);
    else
      StreamedTiles<X, Y, Finisher, n, order>::launch(exec, x, y, finisher, schedule);
  };
  const auto x_neighbours = neighbours_of(first_matrix<X>(x)), y_neighbours = neighbours_of(first_matrix<Y>(y));
  if (packet_values<X, Y> == 1 || schedule.packet_values == 1)
    launch_in.template operator()<1, TileOrder::values>();
  else if (x_neighbours == y_neighbours)
    launch_in.template operator()<packet_values<X, Y>, TileOrder::same>();
  else if (x_neighbours == Neighbours::in_column)
    launch_in.template operator()<packet_values<X, Y>, TileOrder::columns_to_rows>();
  else
    launch_in.template operator()<packet_values<X, Y>, TileOrder::rows_to_columns>();
}

/// The kernels of devices whose lanes have registers of their own.
template <class Exec, class X, class Y, class Finisher>
void launch_on_lanes(const Exec& exec, const typename Finisher::template RowsOf<X>& x,
                     const typename Finisher::template RowsOf<Y>& y, const Finisher& finisher,
                     const Schedule& schedule) {
  constexpr int n = packet_values<X, Y>;
  const int lanes = schedule.vector_length, packets = schedule.packets_per_lane;
  const bool in_packets = n == 1 || schedule.packet_values > 1;
  switch (schedule.kernel) {
    case Kernel::PackedRows:
      if (!in_packets)
        PackedRows<X, Y, Finisher, 1, 2, 4>{x, y, finisher, lanes}.launch(exec, schedule);
      else if (packets == 1)
        PackedRows<X, Y, Finisher, n, 1, 4>{x, y, finisher, lanes}.launch(exec, schedule);
      else if (packets == 2)
        PackedRows<X, Y, Finisher, n, 2, 2>{x, y, finisher, lanes}.launch(exec, schedule);
      else
        PackedRows<X, Y, Finisher, n, 4, 1>{x, y, finisher, lanes}.launch(exec, schedule);
      break;
    case Kernel::RowsInScratch:
      if constexpr (sizeof(X) == sizeof(Y) && arrays_read<X> == 1)
        RowsInScratch<X, Y, Finisher>{x, y, finisher, static_cast<int>(schedule.rows_per_team)}.launch(exec, schedule);
      break;
    case Kernel::RowInRegisters:
      if constexpr (arrays_read<X> == 1)
        if (packets == 4) return RowInRegisters<X, Y, Finisher, 4>{x, y, finisher}.launch(exec, schedule);
      RowInRegisters<X, Y, Finisher, 8 / arrays_read<X>>{x, y, finisher}.launch(exec, schedule);
      break;
    case Kernel::RowAcrossTeams:
      if (schedule.team_size == RowAcrossTeams<X, Y, Finisher, 1>::threads)
        RowAcrossTeams<X, Y, Finisher, 1>::launch(exec, x, y, finisher, schedule);
      else
        RowAcrossTeams<X, Y, Finisher, 2>::launch(exec, x, y, finisher, schedule);
      break;
    case Kernel::StreamedRow:
      StreamedRow<X, Y, Finisher>::launch(exec, x, y, finisher, schedule);
      break;
    case Kernel::ColumnTiles:
    case Kernel::StreamedTiles:
      launch_tiles<Exec, X, Y>(exec, x, y, finisher, schedule);
      break;
    case Kernel::TeamPerRow:
    case Kernel::HostRow:
      break;
  }
}

/// Enqueues on `exec` the kernel that the schedule names.
template <class Exec, class X, class Y, class Finisher>
void launch_kernel(const Exec& exec, const typename Finisher::template RowsOf<X>& x,
                   const typename Finisher::template RowsOf<Y>& y, const Finisher& finisher, const Schedule& schedule) {
  if (schedule.kernel == Kernel::TeamPerRow)
    TeamPerRow<X, Y, Finisher>{x, y, finisher, schedule.rows_per_team}.launch(exec, schedule);
  else if constexpr (has_lanes_v<Exec>)
    launch_on_lanes<Exec, X, Y>(exec, x, y, finisher, schedule);
  else if constexpr (is_host_space_v<Exec> && is_served_by_host_row_v<X, Y, Finisher>)
    HostRow<X, Y, Finisher>{x, y, finisher}.launch(exec, schedule);
}

/// f(norm, length), with that of the norms which kernels are compiled for, and the number of columns that makes it of
/// the given one: a sum is the mean of a row of length one.
template <class Norm, class F>
void with_compiled_norm(const Norm& norm, std::int64_t columns, const F& f) {
  if constexpr (std::is_same_v<Norm, AnyNorm>)
    norm.visit([&](const auto& one) { with_compiled_norm(one, columns, f); });
  else if constexpr (std::is_same_v<Norm, SumAbs>)
    f(MeanAbs{}, RowLength(1));
  else if constexpr (std::is_same_v<Norm, Euclidean>)
    f(RootMeanSquare{}, RowLength(1));
  else
    f(norm, RowLength(columns));
}

/// True for what has kernels of its own, which carry nothing that it does not use: matrices of one type, divided by
/// the mean absolute values of their rows or by sums of these.
template <class X, class Y, class Norm>
bool is_plain(const BatchedRows<X>& x, const BatchedRows<Y>&, const Norm& any_norm, const RowExtras& extras) {
  bool is_plain = extras == RowExtras{} && x.batches() == 1 && std::is_same_v<std::remove_const_t<X>, Y>;
  with_compiled_norm(any_norm, x.columns, [&]<class Known>(const Known&, const RowLength&) {
    is_plain = is_plain && std::is_same_v<Known, MeanAbs>;
  });
  return is_plain;
}

/// True where the norm is made of a sum of squares.
template <class Norm>
bool takes_roots(const Norm& any_norm) {
  bool takes_roots = false;
  with_compiled_norm(any_norm, 1,
                     [&]<class Known>(const Known&, const RowLength&) { takes_roots = takes_roots_v<Known>; });
  return takes_roots;
}

/// Enqueues on `exec` the kernel that the schedule names, for rows that are all the caller wants or with extras.
template <class Exec, class X, class Y, class Norm>
void launch(const Exec& exec, const BatchedRows<X>& x, const BatchedRows<Y>& y, const Norm& any_norm, double epsilon,
            const RowExtras& extras, const Schedule& schedule) {
  using Compute = compute_type<X, Y>;
  with_compiled_norm(any_norm, x.columns, [&]<class Known>(const Known& norm, const RowLength& length) {
    const RowFinisher<Known, Compute> finisher{norm, length, static_cast<Compute>(epsilon)};
    if constexpr (std::is_same_v<Known, MeanAbs> && std::is_same_v<std::remove_const_t<X>, Y>)
      if (is_plain(x, y, norm, extras)) return launch_kernel<Exec, X, Y>(exec, x, y, finisher, schedule);
    launch_kernel<Exec, X, Y>(exec, x, y, ExtendedFinisher<Known, Compute>{finisher, extras}, schedule);
  });
}

// The common types are compiled once, in src/launch_*.cpp. KEYWORDS: `extern template` here, `template` there.
#define ROWNORM_IMPL_LAUNCH(KEYWORDS, EXEC, VALUE, ROWS, FINISHER, NORM)                                           \
  KEYWORDS void launch_kernel<EXEC, const VALUE, VALUE>(const EXEC&, const ROWS<const VALUE>&, const ROWS<VALUE>&, \
                                                        const FINISHER<NORM, compute_type<VALUE>>&, const Schedule&);
#define ROWNORM_IMPL_LAUNCHES(KEYWORDS, EXEC, ROWS, FINISHER, NORM)                                               \
  ROWNORM_IMPL_LAUNCH(KEYWORDS, EXEC, float, ROWS, FINISHER, NORM)                                                \
  ROWNORM_IMPL_LAUNCH(KEYWORDS, EXEC, double, ROWS, FINISHER, NORM)                                               \
  ROWNORM_IMPL_WITH_HALF(ROWNORM_IMPL_LAUNCH(KEYWORDS, EXEC, Kokkos::Experimental::half_t, ROWS, FINISHER, NORM)) \
  ROWNORM_IMPL_WITH_BHALF(ROWNORM_IMPL_LAUNCH(KEYWORDS, EXEC, Kokkos::Experimental::bhalf_t, ROWS, FINISHER, NORM))
#define ROWNORM_IMPL_DECLARE_LAUNCHES(EXEC)                                                   \
  ROWNORM_IMPL_LAUNCHES(extern template, EXEC, Rows, RowFinisher, MeanAbs)                    \
  ROWNORM_IMPL_LAUNCHES(extern template, EXEC, BatchedRows, ExtendedFinisher, MeanAbs)        \
  ROWNORM_IMPL_LAUNCHES(extern template, EXEC, BatchedRows, ExtendedFinisher, RootMeanSquare) \
  ROWNORM_IMPL_LAUNCHES(extern template, EXEC, BatchedRows, ExtendedFinisher, MaxAbs)
ROWNORM_IMPL_FOR_EACH_EXECUTION_SPACE(ROWNORM_IMPL_DECLARE_LAUNCHES)

}  // namespace rownorm::impl

#endif
