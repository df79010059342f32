// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_IMPL_REDUCE_HPP
#define ROWNORM_IMPL_REDUCE_HPP

/// Partial results, combined over the lanes of a thread and the threads of a team. The order is fixed, so the
/// bits are.

#include <Kokkos_Core.hpp>

#include <rownorm/impl/compat.hpp>

namespace rownorm::impl {

/// A finisher's partial results as a Kokkos reducer.
template <class Finisher>
class PartialReducer {
 public:
  using reducer = PartialReducer;
  using value_type = typename Finisher::Partial;
  using result_view_type = Kokkos::View<value_type, Kokkos::AnonymousSpace, Kokkos::MemoryUnmanaged>;

  /// The reduction starts from `nothing`: no elements, in whichever units.
  KOKKOS_FUNCTION PartialReducer(const Finisher& finisher, value_type& value, const value_type& nothing)
      : finisher_(finisher), value_(value), nothing_(nothing) {}

  KOKKOS_FUNCTION void init(value_type& value) const { value = nothing_; }
  KOKKOS_FUNCTION void join(value_type& value, const value_type& other) const { finisher_.combine(value, other); }
  KOKKOS_FUNCTION value_type& reference() const { return value_; }
  KOKKOS_FUNCTION result_view_type view() const { return result_view_type(&value_); }
  KOKKOS_FUNCTION bool references_scalar() const { return true; }

 private:
  const Finisher& finisher_;
  value_type& value_;
  value_type nothing_;
};

/// What `lanes` neighbouring vector lanes, a power of two, have together; each lane brings its `mine`, and all get the
/// same bits. All lanes of a warp call it. Kokkos' own reduction over a ThreadVectorRange, whose bounds no compiler
/// knows, is loops and divisions.
template <class Finisher, class Partial>
KOKKOS_FORCEINLINE_FUNCTION Partial combine_lanes(int lanes, const Finisher& finisher, const Partial& mine) {
  Partial total = mine;
  ROWNORM_IMPL_UNROLL()
  for (int distance = warp_lanes / 2; distance > 0; distance /= 2)
    if (distance < lanes) finisher.combine(total, shuffle_down(total, distance, lanes));
  return shuffle(total, 0, lanes);
}

/// The same for all threads of a team, each of which is a warp: shuffles within a thread, one word a thread in
/// `scratch` memory, one barrier. Before the next use of the same scratch memory the team needs a barrier.
template <class Member, class Finisher, class Partial>
KOKKOS_FORCEINLINE_FUNCTION Partial combine_team(const Member& member, Partial* scratch, const Finisher& finisher,
                                                 const Partial& mine) {
  const Partial thread = combine_lanes(warp_lanes, finisher, mine);
  const int threads = member.team_size();
  if (threads == 1) return thread;
  const int lane = lane_of(member);
  if (lane == 0) scratch[member.team_rank()] = thread;
  member.team_barrier();
  Partial total{};
  if (threads <= 8) {  // fewer than shuffles would take
    for (int t = 0; t < threads; ++t) finisher.combine(total, scratch[t]);
    return total;
  }
  if (lane < threads) total = scratch[lane];
  return combine_lanes(warp_lanes, finisher, total);
}

/// op(op(a, b), ...) of a warp's values, for all of its lanes.
template <class Op>
KOKKOS_FORCEINLINE_FUNCTION int reduce_lanes(int mine, const Op& op) {
  ROWNORM_IMPL_UNROLL()
  for (int distance = warp_lanes / 2; distance > 0; distance /= 2)
    mine = op(mine, shuffle_down(mine, distance, warp_lanes));
  return shuffle(mine, 0, warp_lanes);
}
KOKKOS_FORCEINLINE_FUNCTION int min_of_lanes(int mine) {
  return reduce_lanes(mine, [](int a, int b) { return Kokkos::min(a, b); });
}
KOKKOS_FORCEINLINE_FUNCTION int sum_of_lanes(int mine) {
  return reduce_lanes(mine, [](int a, int b) { return a + b; });
}

/// The sum of what the lanes before the caller's have.
KOKKOS_FORCEINLINE_FUNCTION int sum_of_lanes_before(int lane, int mine) {
  int sum = mine;
  ROWNORM_IMPL_UNROLL()
  for (int distance = 1; distance < warp_lanes; distance *= 2) {
    const int other = shuffle_up(sum, distance);
    if (lane >= distance) sum += other;
  }
  return sum - mine;
}

/// A segmented scan of a warp: what the lanes from the last one at or before the caller's whose bit in `heads` is set,
/// or from the first, have together up to the caller's.
template <class Finisher, class Partial>
KOKKOS_FORCEINLINE_FUNCTION Partial combine_since_head(int lane, unsigned heads, const Finisher& finisher,
                                                       const Partial& mine) {
  const unsigned before = heads & ((2u << lane) - 1);
  const int head = before == 0 ? 0 : 31 - Kokkos::Experimental::countl_zero_builtin(before);
  Partial total = mine;
  ROWNORM_IMPL_UNROLL()
  for (int distance = 1; distance < warp_lanes; distance *= 2) {
    if (lanes_where(lane - distance >= head) == 0) break;
    Partial sum = shuffle_up(total, distance);
    finisher.combine(sum, total);
    if (lane - distance >= head) total = sum;
  }
  return total;
}

}  // namespace rownorm::impl

#endif
