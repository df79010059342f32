// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_IMPL_KERNELS_HOST_ROW_HPP
#define ROWNORM_IMPL_KERNELS_HOST_ROW_HPP

#include <algorithm>
#include <cstdint>
#include <limits>
#include <new>
#include <type_traits>
#include <utility>

#include <Kokkos_Core.hpp>

#include <rownorm/impl/compat.hpp>
#include <rownorm/impl/finisher.hpp>
#include <rownorm/impl/host_barrier.hpp>
#include <rownorm/impl/host_rows.hpp>
#include <rownorm/impl/rows.hpp>
#include <rownorm/impl/values.hpp>
#include <rownorm/impl/vector_ref.hpp>
#include <rownorm/norms.hpp>
#include <rownorm/schedule.hpp>

namespace rownorm::impl {

/// What kernels without Kokkos know of a norm.
template <class Norm>
inline constexpr bool has_host_norm_v = false;
template <>
inline constexpr bool has_host_norm_v<MeanAbs> = true;
template <>
inline constexpr bool has_host_norm_v<RootMeanSquare> = true;
template <>
inline constexpr bool has_host_norm_v<MaxAbs> = true;
template <class Norm>
inline constexpr HostNorm host_norm_v = std::is_same_v<Norm, MeanAbs>          ? HostNorm::magnitudes
                                        : std::is_same_v<Norm, RootMeanSquare> ? HostNorm::squares
                                                                               : HostNorm::largest;

/// Finishers of rows that kernels for hosts serve.
template <class Finisher>
inline constexpr bool has_host_kernels_v = false;
template <class Norm, class Compute>
inline constexpr bool has_host_kernels_v<RowFinisher<Norm, Compute>> = has_host_norm_v<Norm>;
template <class Norm, class Compute>
inline constexpr bool has_host_kernels_v<ExtendedFinisher<Norm, Compute>> = has_host_norm_v<Norm>;
template <class Finisher>
concept HasHostKernels = has_host_kernels_v<Finisher>;

/// Rows that HostRow serves.
template <class X, class Y, class Finisher>
inline constexpr bool is_served_by_host_row_v = HasHostKernels<Finisher>&& is_real_value_v<X>&& is_real_value_v<Y>;

/// Those that may be asked for more than y.
template <class Finisher>
concept HasExtras = requires(const Finisher& finisher) {
  finisher.extras;
};

/// Partial results, as kernels without Kokkos know them, and back.
template <class Partial>
HostSum as_host_sum(const Partial& partial) {
  HostSum sum;
  if constexpr (std::is_floating_point_v<Partial>)
    sum.total = partial;
  else
    sum.total = partial.total;
  if constexpr (requires { partial.error; }) sum.error = partial.error;
  if constexpr (requires { partial.unit; }) sum.unit = static_cast<std::int32_t>(partial.unit);
  return sum;
}
template <class Partial>
Partial as_partial(const HostSum& sum) {
  Partial partial{};
  if constexpr (std::is_floating_point_v<Partial>)
    partial = static_cast<Partial>(sum.total);
  else
    partial.total = sum.total;
  if constexpr (requires { partial.error; }) partial.error = sum.error;
  if constexpr (requires { partial.unit; }) partial.unit = static_cast<decltype(partial.unit)>(sum.unit);
  return partial;
}

/// The functions of HostFinisher.
template <HasHostKernels Finisher>
struct HostFinishing {
  using Partial = typename Finisher::Partial;

  static HostSum combine(const HostSum& sum, const HostSum& other) {
    auto combined = as_partial<Partial>(sum);
    decltype(Finisher::norm)().combine(combined, as_partial<Partial>(other));
    return as_host_sum(combined);
  }

  static HostUnits better_units(const HostSum& sum) {
    if constexpr (HasUnits<Partial>)
      if (const auto partial = as_partial<Partial>(sum); partial.is_out_of_range()) {
        const Partial nothing = partial.nothing_in_better_units();
        return {nothing.per_unit(), as_host_sum(nothing).unit};
      }
    return {};
  }

  static HostScale finish(const void* of, std::int64_t i, const HostSum& sum) {
    const auto& finisher = *static_cast<const Finisher*>(of);
    const auto row = as_partial<Partial>(sum);
    finisher.record(i, row);
    const auto scale = finisher.scale(row);
    return {scale.power, scale.factor};
  }

  /// All rows are of one matrix.
  static void record_norms(const void* of, std::int64_t first, std::int64_t rows,
                           const double* norms) requires HasExtras<Finisher> {
    const RowExtras& extras = static_cast<const Finisher*>(of)->extras;
    const std::int64_t begin = extras.norm_offsets(first), stride = extras.norm_offsets.row_stride;
    for (std::int64_t i = 0; i < rows; ++i) extras.norms.set(begin + i * stride, norms[i]);
  }
};

/// What kernels for hosts need of a finisher, which must outlive their work.
template <HasHostKernels Finisher>
HostFinisher host_finisher(const Finisher& finisher) {
  using Compute = typename Finisher::ComputeType;
  using Finishing = HostFinishing<Finisher>;
  constexpr HostNorm norm = host_norm_v<decltype(Finisher::norm)>;
  HostFinisher host{.norm = norm,
                    .columns = finisher.length.columns,
                    .epsilon = finisher.epsilon,
                    .least_total = norm == HostNorm::squares && is_double_v<Compute> ? least_trusted_square : 0,
                    .smallest = Kokkos::Experimental::norm_min_v<Compute>,
                    .largest = largest_divisor<Compute>,
                    .combine = Finishing::combine,
                    .better_units = Finishing::better_units,
                    .finish = Finishing::finish,
                    .record_norms = nullptr,
                    .finisher = &finisher};
  if constexpr (HasExtras<Finisher>) {
    if (finisher.extras.norms.data) host.record_norms = Finishing::record_norms;
    // Rows of zeros are finished one by one, which counts them.
    if (finisher.extras.status)
      host.least_total = std::max(host.least_total, std::numeric_limits<double>::denorm_min());
  }
  return host;
}

/// One matrix of a batch.
template <class Value>
Value* matrix_data(const Rows<Value>& rows, std::int64_t) {
  return rows.data;
}
template <class Value>
Value* matrix_data(const BatchedRows<Value>& rows, std::int64_t matrix) {
  return rows.data + matrix * rows.batch_stride();
}
template <class Value>
std::int64_t rows_of_a_matrix(const Rows<Value>& rows) {
  return rows.rows;
}
template <class Value>
std::int64_t rows_of_a_matrix(const BatchedRows<Value>& rows) {
  return rows.batch_rows();
}

/// Calls f(number, begin, end) for the rows from `first` to before `last`, matrix by matrix of so many rows: `begin`
/// and `end` count those of matrix `number`.
template <class F>
void for_each_matrix(std::int64_t rows, std::int64_t first, std::int64_t last, const F& f) {
  while (first < last) {
    const std::int64_t number = first / rows, begin = number * rows, end = std::min(last, begin + rows);
    f(number, first - begin, end - begin);
    first = end;
  }
}

/// Enqueues f(first, last) for consecutive rows of each thread.
template <class Exec, class F>
void launch_host_threads(const Exec& exec, const Schedule& schedule, std::int64_t rows, const F& f) {
  const std::int64_t rows_per_thread = schedule.rows_per_team;
  Kokkos::parallel_for("rownorm::HostRow", Kokkos::RangePolicy<Exec>(exec, 0, schedule.league_size),
                       [=](std::int64_t thread) {
                         const std::int64_t first = thread * rows_per_thread;
                         f(first, std::min(first + rows_per_thread, rows));
                       });
}

/// Rows on the processors of the host, by kernels that src/ compiles for every instruction set: host_rows.hpp. Each
/// thread has consecutive rows; where rows are few or long, threads share one. What they work with is copied to them,
/// as the space may run them later.
template <class X, class Y, class Finisher>
struct HostRow {
  using Partial = typename Finisher::Partial;

  const typename Finisher::template RowsOf<X>& x;
  const typename Finisher::template RowsOf<Y>& y;
  const Finisher& finisher;

  template <class Exec>
  void launch(const Exec& exec, const Schedule& schedule) const {
    const bool in_place = static_cast<const void*>(x.data) == y.data;
    const bool in_tiles = schedule.tile_rows > 0;
    const bool x_by_columns = in_tiles && x.column_stride != 1, y_by_columns = in_tiles && y.column_stride != 1;
    HostMatrix matrix{.x = x.data,
                      .y = y.data,
                      .columns = x.columns,
                      .x_stride = x_by_columns ? x.column_stride : x.row_stride,
                      .y_stride = y_by_columns ? y.column_stride : y.row_stride,
                      .x_by_columns = x_by_columns,
                      .y_by_columns = y_by_columns,
                      .tile_rows = schedule.tile_rows,
                      .bypass_cache = schedule.bypass_cache && !in_place,
                      .overlap = schedule.overlap,
                      .writes_y = finisher.writes_y(),
                      .weights = {},
                      .finisher = {}};
    if constexpr (HasExtras<Finisher>) {
      const VectorRef& weights = finisher.extras.weights;
      matrix.weights = {weights.data, weights.stride, weights.type};
    }
    const HostKernels kernels = host_kernels(real_type<X>(), real_type<Y>());
    if (in_tiles)
      launch_tiles(exec, schedule, matrix, kernels);
    else if (schedule.team_size > 1)
      launch_teams(exec, schedule, matrix, kernels);
    else
      launch_threads(exec, schedule, matrix, kernels);
  }

 private:
  using XRows = typename Finisher::template RowsOf<X>;
  using YRows = typename Finisher::template RowsOf<Y>;

  static constexpr int line_bytes = 64;

  /// A team whose threads share a barrier, and so many bytes at a line.
  template <class Exec>
  static auto team_policy(const Exec& exec, const Schedule& schedule, int level, std::size_t bytes) {
    const std::size_t room = bytes + sizeof(HostBarrier) + 2 * line_bytes;
    return Kokkos::TeamPolicy<Exec>(exec, schedule.league_size, schedule.team_size)
        .set_scratch_size(level, Kokkos::PerTeam(static_cast<int>(room)));
  }
  template <class Member>
  static std::pair<HostBarrier*, void*> team_memory(const Member& member, int level, std::size_t bytes) {
    const auto& scratch = member.team_scratch(level);
    void* const barrier = scratch.get_shmem_aligned(sizeof(HostBarrier), line_bytes);
    void* const shared = scratch.get_shmem_aligned(bytes, line_bytes);
    if (member.team_rank() == 0) new (barrier) HostBarrier;
    member.team_barrier();
    return {static_cast<HostBarrier*>(barrier), shared};
  }

  /// Calls f(matrix, first, last) for the rows from `first` to before `last`, matrix by matrix, whose rows it counts.
  template <class F>
  static void for_each_matrix(HostMatrix matrix, const XRows& x, const YRows& y, const Finisher& finisher,
                              std::int64_t first, std::int64_t last, const F& f) {
    const std::int64_t rows = rows_of_a_matrix(x);
    impl::for_each_matrix(rows, first, last, [&](std::int64_t number, std::int64_t begin, std::int64_t end) {
      const Finisher of_matrix = finisher.from(number * rows);
      matrix.x = matrix_data(x, number);
      matrix.y = matrix_data(y, number);
      matrix.finisher = host_finisher(of_matrix);
      f(matrix, begin, end);
    });
  }

  template <class Exec>
  void launch_threads(const Exec& exec, const Schedule& schedule, const HostMatrix& matrix,
                      const HostKernels& kernels) const {
    launch_host_threads(exec, schedule, x.rows,
                        [=, x = x, y = y, finisher = finisher](std::int64_t first, std::int64_t last) {
                          for_each_matrix(matrix, x, y, finisher, first, last, kernels.normalize_rows);
                        });
  }

  template <class Exec>
  void launch_tiles(const Exec& exec, const Schedule& schedule, const HostMatrix& matrix,
                    const HostKernels& kernels) const {
    using Policy = Kokkos::TeamPolicy<Exec>;
    using Member = typename Policy::member_type;
    const std::int64_t rows_per_team = schedule.rows_per_team;
    const auto held_bytes = static_cast<std::size_t>(schedule.scratch_bytes);
    const auto shared_bytes =
        static_cast<std::size_t>(host_tile_shared_bytes(matrix.columns, schedule.tile_rows, schedule.team_size));
    Kokkos::parallel_for("rownorm::HostRow", team_policy(exec, schedule, 1, shared_bytes),
                         [=, x = x, y = y, finisher = finisher](const Member& member) {
                           const auto [barrier, shared] = team_memory(member, 1, shared_bytes);
                           const HostTileTeam team{.rank = member.team_rank(),
                                                   .size = member.team_size(),
                                                   .barrier = barrier,
                                                   .shared = shared,
                                                   .held = held_bytes > 0 ? host_thread_memory(held_bytes) : nullptr};
                           const std::int64_t first = member.league_rank() * rows_per_team;
                           for_each_matrix(matrix, x, y, finisher, first, std::min(first + rows_per_team, x.rows),
                                           [&](const HostMatrix& one, std::int64_t begin, std::int64_t end) {
                                             kernels.normalize_tiles(one, begin, end, team);
                                           });
                         });
  }

  template <class Exec>
  void launch_teams(const Exec& exec, const Schedule& schedule, const HostMatrix& matrix,
                    const HostKernels& kernels) const {
    using Policy = Kokkos::TeamPolicy<Exec>;
    const std::int64_t rows_per_team = schedule.rows_per_team, pieces = host_pieces(matrix.columns);
    const auto bytes = static_cast<std::size_t>(pieces) * sizeof(HostSum);
    const auto share = [=](std::int64_t rank, std::int64_t ranks) { return pieces * rank / ranks; };
    Kokkos::parallel_for(
        "rownorm::HostRow", team_policy(exec, schedule, 0, bytes),
        [=, x = x, y = y, finisher = finisher](const typename Policy::member_type& member) {
          const auto [barrier, shared] = team_memory(member, 0, bytes);
          auto* const sums = static_cast<HostSum*>(shared);
          const std::int64_t begin = share(member.team_rank(), member.team_size());
          const std::int64_t end = share(member.team_rank() + 1, member.team_size());
          HostMatrix with_finisher = matrix;
          with_finisher.finisher = host_finisher(finisher);
          const std::int64_t first = member.league_rank() * rows_per_team;
          for (std::int64_t i = first; i < std::min(first + rows_per_team, x.rows); ++i) {
            X* const x_row = x(i).data;
            for (std::int64_t p = begin; p < end; ++p) sums[p] = kernels.sum_piece(with_finisher, x_row, p);
            barrier->wait(member.team_size());
            auto sum = as_partial<Partial>(sums[0]);
            for (std::int64_t p = 1; p < pieces; ++p) finisher.combine(sum, as_partial<Partial>(sums[p]));
            if (member.team_rank() == 0) finisher.record(i, sum);
            const auto scale = finisher.scale(sum);
            barrier->wait(member.team_size());  // of a row's sums none is needed any more
            if (!matrix.writes_y) continue;
            kernels.rescale_pieces(with_finisher, x_row, y(i).data, HostScale{scale.power, scale.factor}, begin, end);
          }
        });
  }
};

}  // namespace rownorm::impl

#endif
