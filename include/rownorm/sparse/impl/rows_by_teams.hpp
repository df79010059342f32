// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_SPARSE_IMPL_ROWS_BY_TEAMS_HPP
#define ROWNORM_SPARSE_IMPL_ROWS_BY_TEAMS_HPP

#include <cstdint>

#include <Kokkos_Core.hpp>

#include <rownorm/impl/finisher.hpp>
#include <rownorm/impl/reduce.hpp>
#include <rownorm/sparse/impl/sparse_finisher.hpp>
#include <rownorm/sparse/impl/sparse_rows.hpp>
#include <rownorm/sparse/schedule.hpp>

namespace rownorm::sparse::impl {

/// Rows of any kind, one a thread with its vector lanes: the plain form, for every backend.
template <class RowsType, class Source, class Y, class Norm, class Compute>
struct RowsByTeams {
  using Finisher = SparseFinisher<Norm, Compute>;
  using Partial = typename Finisher::Partial;

  RowsType rows;
  Source x;
  Y* y;
  Finisher finisher;

  template <class Member>
  KOKKOS_FUNCTION void operator()(const Member& member) const {
    const std::int64_t i = static_cast<std::int64_t>(member.league_rank()) * member.team_size() + member.team_rank();
    if (i >= rows.rows) return;
    const std::int64_t length = rows.length(i);
    const auto lanes = Kokkos::ThreadVectorRange(member, length);
    const Partial row = rownorm::impl::accumulate_in_best_units<Partial, Compute>([&](const Partial& nothing,
                                                                                      Compute per_unit) {
      Partial sum{};
      Kokkos::parallel_reduce(
          lanes,
          [&](std::int64_t k, Partial& partial) { finisher.accumulate_one(partial, x(rows.place(i, k)), k, per_unit); },
          rownorm::impl::PartialReducer<Finisher>(finisher, sum, nothing));
      return sum;
    });
    const auto scale = finisher.finish(i, row, length, false);
    Kokkos::single(Kokkos::PerThread(member), [&]() { finisher.finish(i, row, length, true); });
    if (!finisher.writes_y()) return;
    Kokkos::parallel_for(lanes, [&](std::int64_t k) {
      const std::int64_t place = rows.place(i, k);
      y[place] = finisher.template rescaled<Y>(scale, x(place), rownorm::impl::NoWeights{}, k);
    });
  }

  template <class Exec>
  void launch(const Exec& exec, const Schedule& schedule) const {
    using Policy = Kokkos::TeamPolicy<Exec, Kokkos::Schedule<Kokkos::Dynamic>>;
    Kokkos::parallel_for("rownorm::RowsByTeams",
                         Policy(exec, static_cast<int>(schedule.tiles), schedule.team_size, schedule.vector_length),
                         *this);
  }
};

}  // namespace rownorm::sparse::impl

#endif
