// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_IMPL_NESTED_HPP
#define ROWNORM_IMPL_NESTED_HPP

/// Rows by Kokkos' own nested parallelism: what team_normalize and its siblings do, and the kernel TeamPerRow.

#include <cstdint>

#include <Kokkos_Core.hpp>

#include <rownorm/impl/finisher.hpp>
#include <rownorm/impl/reduce.hpp>
#include <rownorm/impl/rows.hpp>

namespace rownorm {

/// Who shares a row inside a caller's own kernel.
enum class Nesting {
  team_vector,    ///< all threads of the team, and all their vector lanes
  team_thread,    ///< all threads of the team, where those have one vector lane
  thread_vector,  ///< the vector lanes of the calling thread; each thread of the team may have a row of its own
};

namespace impl {

template <Nesting nesting, class Member>
KOKKOS_FORCEINLINE_FUNCTION auto range_of(const Member& member, std::int64_t count) {
  if constexpr (nesting == Nesting::team_vector)
    return Kokkos::TeamVectorRange(member, count);
  else if constexpr (nesting == Nesting::team_thread)
    return Kokkos::TeamThreadRange(member, count);
  else
    return Kokkos::ThreadVectorRange(member, count);
}

/// The partial result of a whole row, which all who share it get.
template <Nesting nesting, class Member, class XRow, class Finisher>
KOKKOS_FUNCTION typename Finisher::Partial accumulate_nested(const Member& member, const XRow& x,
                                                             const Finisher& finisher) {
  using Partial = typename Finisher::Partial;
  using Compute = typename Finisher::ComputeType;
  // All see the same partial result, so they take the same branch.
  return accumulate_in_best_units<Partial, Compute>([&](const Partial& nothing, Compute per_unit) {
    Partial row{};
    Kokkos::parallel_reduce(
        range_of<nesting>(member, x.columns),
        [&](std::int64_t j, Partial& partial) { finisher.accumulate_one(partial, x(j), j, per_unit); },
        PartialReducer<Finisher>(finisher, row, nothing));
    return row;
  });
}

/// Writes a row whose partial result is known.
template <Nesting nesting, class Member, class XRow, class Y, class Finisher>
KOKKOS_FUNCTION void rescale_nested(const Member& member, const XRow& x, const Row<Y>& y, const Finisher& finisher,
                                    const typename Finisher::Partial& row) {
  const auto scale = finisher.scale(row);
  finisher.template with_weights<Y>([&](const auto& weights) {
    Kokkos::parallel_for(range_of<nesting>(member, x.columns),
                         [&](std::int64_t j) { y(j) = finisher.template rescaled<Y>(scale, x(j), weights, j); });
  });
}

}  // namespace impl

}  // namespace rownorm

#endif
