// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_IMPL_KERNELS_HOST_ROW_HPP
#define ROWNORM_IMPL_KERNELS_HOST_ROW_HPP

#include <algorithm>
#include <cstdint>
#include <new>
#include <type_traits>
#include <utility>

#include <Kokkos_Core.hpp>

#include <rownorm/impl/compat.hpp>
#include <rownorm/impl/host_barrier.hpp>
#include <rownorm/impl/host_rows.hpp>
#include <rownorm/impl/rows.hpp>
#include <rownorm/norms.hpp>
#include <rownorm/schedule.hpp>

namespace rownorm::impl {

template <class Value>
constexpr HostValue host_value() {
  using T = std::remove_const_t<Value>;
  if constexpr (std::is_same_v<T, float>) return HostValue::f32;  // half_t and bhalf_t too may be that
  if constexpr (std::is_same_v<T, double>) return HostValue::f64;
  if constexpr (std::is_same_v<T, Kokkos::Experimental::half_t>) return HostValue::f16;
  return HostValue::bf16;
}

/// AccurateSum, as kernels without Kokkos know it.
inline HostSum as_host_sum(const AccurateSum<float>& sum) { return {sum.total, 0}; }
inline HostSum as_host_sum(const AccurateSum<double>& sum) { return {sum.total, sum.error}; }
template <class Compute>
AccurateSum<Compute> as_accurate_sum(const HostSum& sum) {
  if constexpr (is_double_v<Compute>)
    return {sum.total, sum.error};
  else
    return {sum.total};
}

template <class Compute>
HostFinisher host_finisher(const RowFinisher<MeanAbs, Compute>& finisher) {
  using Finisher = RowFinisher<MeanAbs, Compute>;
  return {.columns = finisher.length.columns,
          .epsilon = finisher.epsilon,
          .smallest = Kokkos::Experimental::norm_min_v<Compute>,
          .largest = largest_divisor<Compute>,
          .combine =
              [](const HostSum& sum, const HostSum& other) {
                auto combined = as_accurate_sum<Compute>(sum);
                combined.add(as_accurate_sum<Compute>(other));
                return as_host_sum(combined);
              },
          .scale =
              [](const void* of, const HostSum& row) {
                const auto scale = static_cast<const Finisher*>(of)->scale(as_accurate_sum<Compute>(row));
                return HostScale{scale.power, scale.factor};
              },
          .finisher = &finisher};
}

/// Rows on the processors of the host, by kernels that src/ compiles for every instruction set: host_rows.hpp. Each
/// thread has consecutive rows; where rows are few or long, threads share one. What they work with is copied to them,
/// as the space may run them later.
template <class X, class Y>
struct HostRow {
  using Compute = compute_type<X, Y>;

  const Rows<X>& x;
  const Rows<Y>& y;
  const RowFinisher<MeanAbs, Compute>& finisher;

  template <class Exec>
  void launch(const Exec& exec, const Schedule& schedule) const {
    const bool in_place = static_cast<const void*>(x.data) == y.data;
    const bool in_tiles = schedule.tile_rows > 0;
    const bool x_by_columns = in_tiles && x.column_stride != 1, y_by_columns = in_tiles && y.column_stride != 1;
    const HostMatrix matrix{.x = x.data,
                            .y = y.data,
                            .columns = x.columns,
                            .x_stride = x_by_columns ? x.column_stride : x.row_stride,
                            .y_stride = y_by_columns ? y.column_stride : y.row_stride,
                            .x_by_columns = x_by_columns,
                            .y_by_columns = y_by_columns,
                            .tile_rows = schedule.tile_rows,
                            .bypass_cache = schedule.bypass_cache && !in_place,
                            .overlap = schedule.overlap,
                            .finisher = {}};
    const HostKernels kernels = host_kernels(host_value<X>(), host_value<Y>());
    if (in_tiles)
      launch_tiles(exec, schedule, matrix, kernels);
    else if (schedule.team_size > 1)
      launch_teams(exec, schedule, matrix, kernels);
    else
      launch_threads(exec, schedule, matrix, kernels);
  }

 private:
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

  static HostMatrix with_finisher(HostMatrix matrix, const RowFinisher<MeanAbs, Compute>& finisher) {
    matrix.finisher = host_finisher(finisher);
    return matrix;
  }

  template <class Exec>
  void launch_threads(const Exec& exec, const Schedule& schedule, const HostMatrix& matrix,
                      const HostKernels& kernels) const {
    const std::int64_t rows = x.rows, rows_per_thread = schedule.rows_per_team;
    Kokkos::parallel_for("rownorm::HostRow", Kokkos::RangePolicy<Exec>(exec, 0, schedule.league_size),
                         [=, finisher = finisher](std::int64_t thread) {
                           const std::int64_t first = thread * rows_per_thread;
                           kernels.normalize_rows(with_finisher(matrix, finisher), first,
                                                  std::min(first + rows_per_thread, rows));
                         });
  }

  template <class Exec>
  void launch_tiles(const Exec& exec, const Schedule& schedule, const HostMatrix& matrix,
                    const HostKernels& kernels) const {
    using Policy = Kokkos::TeamPolicy<Exec>;
    using Member = typename Policy::member_type;
    const std::int64_t rows = x.rows, rows_per_team = schedule.rows_per_team;
    const auto held_bytes = static_cast<std::size_t>(schedule.scratch_bytes);
    const auto shared_bytes =
        static_cast<std::size_t>(host_tile_shared_bytes(matrix.columns, schedule.tile_rows, schedule.team_size));
    Kokkos::parallel_for("rownorm::HostRow", team_policy(exec, schedule, 1, shared_bytes),
                         [=, finisher = finisher](const Member& member) {
                           const auto [barrier, shared] = team_memory(member, 1, shared_bytes);
                           const HostTileTeam team{.rank = member.team_rank(),
                                                   .size = member.team_size(),
                                                   .barrier = barrier,
                                                   .shared = shared,
                                                   .held = held_bytes > 0 ? host_thread_memory(held_bytes) : nullptr};
                           const std::int64_t first = member.league_rank() * rows_per_team;
                           kernels.normalize_tiles(with_finisher(matrix, finisher), first,
                                                   std::min(first + rows_per_team, rows), team);
                         });
  }

  template <class Exec>
  void launch_teams(const Exec& exec, const Schedule& schedule, const HostMatrix& matrix,
                    const HostKernels& kernels) const {
    using Policy = Kokkos::TeamPolicy<Exec>;
    const std::int64_t rows = x.rows, rows_per_team = schedule.rows_per_team, columns = x.columns;
    const std::int64_t pieces = host_pieces(columns), x_stride = x.row_stride, y_stride = y.row_stride;
    const auto bytes = static_cast<std::size_t>(pieces) * sizeof(HostSum);
    X* const x_data = x.data;
    Y* const y_data = y.data;
    const auto share = [=](std::int64_t rank, std::int64_t ranks) { return pieces * rank / ranks; };
    Kokkos::parallel_for("rownorm::HostRow", team_policy(exec, schedule, 0, bytes),
                         [=, finisher = finisher](const typename Policy::member_type& member) {
                           const auto [barrier, shared] = team_memory(member, 0, bytes);
                           auto* const sums = static_cast<HostSum*>(shared);
                           const std::int64_t begin = share(member.team_rank(), member.team_size());
                           const std::int64_t end = share(member.team_rank() + 1, member.team_size());
                           const std::int64_t first = member.league_rank() * rows_per_team;
                           for (std::int64_t i = first; i < std::min(first + rows_per_team, rows); ++i) {
                             X* const x_row = x_data + i * x_stride;
                             for (std::int64_t p = begin; p < end; ++p) sums[p] = kernels.sum_piece(x_row, columns, p);
                             barrier->wait(member.team_size());
                             auto sum = as_accurate_sum<Compute>(sums[0]);
                             for (std::int64_t p = 1; p < pieces; ++p) sum.add(as_accurate_sum<Compute>(sums[p]));
                             const RowScale<Compute> scale = finisher.scale(sum);
                             barrier->wait(member.team_size());  // of a row's sums none is needed any more
                             kernels.rescale_pieces(x_row, y_data + i * y_stride, columns,
                                                    HostScale{scale.power, scale.factor}, matrix.bypass_cache, begin,
                                                    end);
                           }
                         });
  }
};

}  // namespace rownorm::impl

#endif
