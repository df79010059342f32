// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_SPARSE_IMPL_CALL_HPP
#define ROWNORM_SPARSE_IMPL_CALL_HPP

/// The way of every call: check, rows, schedule, launch.

#include <cstdint>
#include <type_traits>

#include <Kokkos_Core.hpp>

#include <rownorm/impl/call.hpp>
#include <rownorm/impl/finisher.hpp>
#include <rownorm/impl/launch.hpp>
#include <rownorm/impl/region.hpp>
#include <rownorm/machine.hpp>
#include <rownorm/sparse/column_order.hpp>
#include <rownorm/sparse/impl/check.hpp>
#include <rownorm/sparse/impl/entry_tiles.hpp>
#include <rownorm/sparse/impl/host_entries.hpp>
#include <rownorm/sparse/impl/matrix.hpp>
#include <rownorm/sparse/impl/rows_by_teams.hpp>
#include <rownorm/sparse/impl/sparse_finisher.hpp>
#include <rownorm/sparse/impl/sparse_rows.hpp>
#include <rownorm/sparse/parameters.hpp>
#include <rownorm/sparse/schedule.hpp>

namespace rownorm::sparse::impl {

using rownorm::impl::NoNorms;

template <class Norm>
bool is_mean(const Norm& norm) {
  if constexpr (std::is_same_v<Norm, AnyNorm>)
    return norm == AnyNorm(MeanAbs{}) || norm == AnyNorm(RootMeanSquare{});
  else  // of a norm of the user's own only that knows what it does with a length
    return !std::is_same_v<Norm, SumAbs> && !std::is_same_v<Norm, Euclidean> && !std::is_same_v<Norm, MaxAbs>;
}

/// What is made of rows beside their values.
template <class Compute>
struct Wanted {
  double epsilon = 0;
  bool over_entries = false;
  std::int64_t columns = 0;
  rownorm::impl::RowExtras extras{};
  rownorm::impl::RowScale<Compute>* scales = nullptr;
};

/// Enqueues the kernel that the schedule names, of those that choose_schedule has for the space.
template <class Exec, class RowsType, class Source, class Y, class Norm, class Compute>
void launch_kernel(const Exec& exec, const RowsType& rows, const Source& x, Y* y,
                   const SparseFinisher<Norm, Compute>& finisher, const Schedule& schedule) {
  if (schedule.tiles == 0) return;
  if constexpr (is_compressed_v<RowsType> && rownorm::impl::is_host_space_v<Exec>)
    HostEntries<Source, Y, typename RowsType::Offset, Norm, Compute>{rows, x, y, finisher}.launch(exec, schedule);
  else if constexpr (is_compressed_v<RowsType> && rownorm::impl::has_lanes_v<Exec>)
    EntryTiles<Source, Y, typename RowsType::Offset, Norm, Compute>::launch(exec, rows, x, y, finisher, schedule);
  else
    RowsByTeams<RowsType, Source, Y, Norm, Compute>{rows, x, y, finisher}.launch(exec, schedule);
}

/// f(finisher), with that of the norm.
template <class Norm, class Compute, class F>
void with_finisher(const Norm& any_norm, const Wanted<Compute>& wanted, const F& f) {
  rownorm::impl::with_compiled_norm(
      any_norm, wanted.columns, [&]<class Known>(const Known& norm, const rownorm::impl::RowLength& length) {
        const rownorm::impl::RowFinisher<Known, Compute> plain{norm, length, static_cast<Compute>(wanted.epsilon)};
        f(SparseFinisher<Known, Compute>{
            {plain, wanted.extras}, wanted.over_entries && is_mean(any_norm), wanted.scales});
      });
}

template <class Exec, class RowsType, class Source, class Y, class Norm, class Compute>
void launch(const Exec& exec, const RowsType& rows, const Source& x, Y* y, const Norm& norm,
            const Wanted<Compute>& wanted, const Schedule& schedule) {
  with_finisher(norm, wanted, [&](const auto& finisher) { launch_kernel(exec, rows, x, y, finisher, schedule); });
}

/// What a call asks of rows, as `choose_schedule` wants to know it.
template <class X, class Y, class Norm, class RowsType>
Problem problem_of(const RowsType& rows, bool in_place) {
  return {.rows = rows.rows,
          .entries = rows.entries,
          .x_value_bytes = sizeof(X),
          .y_value_bytes = sizeof(Y),
          .in_place = in_place,
          .is_compressed = is_compressed_v<RowsType>,
          .is_compiled = rownorm::impl::is_built_in_v<Norm>};
}

template <Matrix M>
auto rows_of(const M& A) {
  using Offset = typename M::non_const_size_type;
  const MatrixInfo of = info("A", A);
  if constexpr (BlockMatrix<M>)
    return BlockRows<Offset>{A.graph.row_map.data(), of.point_rows(), of.values, of.block};
  else
    return SparseRows<Offset>{A.graph.row_map.data(), of.rows, of.entries};
}

/// y = x times the scale of its column.
template <class Exec, class Ordinal, class X, class Y, class Norm, class Compute>
void rescale_columns(const Exec& exec, const Ordinal* indices, std::int64_t entries, const X* x, Y* y,
                     const SparseFinisher<Norm, Compute>& finisher) {
  const auto* const scales = finisher.scales;
  Kokkos::parallel_for(
      "rownorm::RescaleColumns", Kokkos::RangePolicy<Exec, Kokkos::IndexType<std::int64_t>>(exec, 0, entries),
      KOKKOS_LAMBDA(std::int64_t k) {
        y[k] = finisher.template rescaled<Y>(scales[indices[k]], x[k], rownorm::impl::NoWeights{}, 0);
      });
}

/// Norms and scales of columns, and then entries, which need them.
template <class Exec, class M, class Y, class Norm, class Compute>
void normalize_columns(const Exec& exec, const M& A, Y* y, const Norm& norm, Wanted<Compute> wanted,
                       const ColumnOrderRef& order) {
  using X = typename M::non_const_value_type;
  const auto entries = static_cast<std::int64_t>(A.graph.entries.extent(0));
  const SparseRows<std::int64_t> columns{order.begins(), order.columns(), entries};
  const bool writes_y = wanted.extras.writes_y;
  wanted.extras.writes_y = false;
  const Kokkos::View<rownorm::impl::RowScale<Compute>*, typename Exec::memory_space> scales(
      Kokkos::view_alloc(exec, Kokkos::WithoutInitializing, "rownorm::scales"), writes_y ? columns.rows : 0);
  if (writes_y) wanted.scales = scales.data();
  const Schedule schedule = choose_schedule(problem_of<X, Y, Norm>(columns, true), machine_of(exec));
  // The kernels want a y, where they write nothing.
  launch(exec, columns, Gathered<X>{A.values.data(), order.entries()}, static_cast<X*>(nullptr), norm, wanted,
         schedule);
  if (!writes_y) return;
  const SparseFinisher<MeanAbs, Compute> scaling{
      {{{}, rownorm::impl::RowLength(1), Compute{}}, {}}, false, wanted.scales};
  rescale_columns(exec, A.graph.entries.data(), entries, A.values.data(), y, scaling);
  exec.fence("rownorm: before scales of columns are freed");
}

/// Messages speak in the name of `function`. Values are not written where `writes_y` is false; B is then A.
template <class Exec, Matrix MA, Matrix MB, class Norms, class Norm>
void normalize(const char* function, const Exec& exec, const MA& A, const MB& B, const Norms& norms,
               const Parameters<Norm>& params, bool writes_y = true) {
  using X = typename MA::non_const_value_type;
  using Y = typename MB::non_const_value_type;
  using Compute = compute_type<X, Y>;
  constexpr bool has_norms = !std::is_same_v<Norms, NoNorms>;
  if constexpr (has_norms) check_norms_type<Exec, Norms>();

  const Checks check(function);
  const MatrixInfo of_a = info("A", A), of_b = info("B", B);
  check.matrix(of_a);
  const bool along_rows = check.is_along_rows(of_a, params.axis);
  check.epsilon(params.epsilon, rownorm::impl::largest_epsilon<Compute>);
  check.reach("params.status", params.status.template can_be_written_by<Exec>());
  if (writes_y) {
    check.matrix(of_b);
    check.same_graph(of_a, of_b);
    check.aliases(of_a, of_b);
  }
  Wanted<Compute> wanted{.epsilon = params.epsilon,
                         .over_entries = params.mean_over == MeanOver::stored_entries,
                         .columns = along_rows ? of_a.point_columns() : of_a.point_rows(),
                         .extras = {.status = params.status.counts(), .writes_y = writes_y}};
  if constexpr (has_norms) {
    check.norms(of_a, along_rows, norms, writes_y, of_b);
    wanted.extras.norms = rownorm::impl::VectorRef(norms);
    const auto extent = static_cast<std::int64_t>(norms.extent(0));
    wanted.extras.norm_offsets =
        rownorm::impl::RowOffsets::of(static_cast<std::int64_t>(norms.stride(0)), std::max<std::int64_t>(extent, 1), 0);
  }
  const rownorm::impl::Region region(function);
  if (params.check != Check::arguments) check.row_map(exec, of_a, A);
  if (params.check == Check::indices) check.indices(exec, of_a, A);

  const X* const x = A.values.data();
  Y* const y = const_cast<Y*>(B.values.data());
  if (along_rows) {
    const auto rows = rows_of(A);
    const bool in_place = of_a.data == of_b.data;
    launch(exec, rows, Direct<X>{x}, y, params.norm, wanted,
           choose_schedule(problem_of<X, Y, Norm>(rows, in_place), machine_of(exec)));
  } else if constexpr (BlockMatrix<MA>) {
    check.refuse("params.axis is ", params.axis, ", but columns of a BsrMatrix cannot be normalised");
  } else {
    if (of_a.columns == 0) return;
    check.order(of_a, params.column_order);
    check.reach("params.column_order", params.column_order.template can_be_read_by<Exec>());
    if (params.column_order.is_given())
      normalize_columns(exec, A, y, params.norm, wanted, params.column_order);
    else
      normalize_columns(exec, A, y, params.norm, wanted, ColumnOrderRef(ColumnOrder<Exec>(exec, A)));
  }
}

}  // namespace rownorm::sparse::impl

#endif
