// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_IMPL_REDUCE_HPP
#define ROWNORM_IMPL_REDUCE_HPP

/// Partial results of a norm, combined over the lanes of a thread and the threads of a team. The order is fixed, so the
/// bits are.

#include <cstddef>

#include <Kokkos_Core.hpp>

namespace rownorm::impl {

/// A norm's partial results as a Kokkos reducer.
template <class Norm, class Compute>
class NormReducer {
 public:
  using reducer = NormReducer;
  using value_type = typename Norm::template Partial<Compute>;
  using result_view_type = Kokkos::View<value_type, Kokkos::AnonymousSpace, Kokkos::MemoryUnmanaged>;

  /// The reduction starts from `nothing`: no elements, in whichever units.
  KOKKOS_FUNCTION NormReducer(const Norm& norm, value_type& value, const value_type& nothing = {})
      : norm_(norm), value_(value), nothing_(nothing) {}

  KOKKOS_FUNCTION void init(value_type& value) const { value = nothing_; }
  KOKKOS_FUNCTION void join(value_type& value, const value_type& other) const { norm_.combine(value, other); }
  KOKKOS_FUNCTION value_type& reference() const { return value_; }
  KOKKOS_FUNCTION result_view_type view() const { return result_view_type(&value_); }
  KOKKOS_FUNCTION bool references_scalar() const { return true; }

 private:
  const Norm& norm_;
  value_type& value_;
  value_type nothing_;
};

/// What the vector lanes of a thread have together; each lane brings its `mine`, and all get the same bits.
template <class Compute, class Member, class Norm, class Partial>
KOKKOS_FORCEINLINE_FUNCTION Partial combine_lanes(const Member& member, int lanes, const Norm& norm,
                                                  const Partial& mine) {
  Partial total;
  Kokkos::parallel_reduce(
      Kokkos::ThreadVectorRange(member, lanes), [&](int, Partial& partial) { norm.combine(partial, mine); },
      NormReducer<Norm, Compute>(norm, total));
  return total;
}

/// Scratch memory of `combine_team`, for teams of so many threads.
template <class Partial>
KOKKOS_FUNCTION constexpr std::size_t combine_team_bytes(int team_size) {
  return static_cast<std::size_t>(team_size) * sizeof(Partial);
}

/// The same for all threads of a team with `lanes` vector lanes each: shuffles within a thread, one word a thread in
/// scratch memory, one barrier. Before the next use of the same scratch memory the team needs a barrier.
template <class Compute, class Member, class Norm, class Partial>
KOKKOS_FORCEINLINE_FUNCTION Partial combine_team(const Member& member, int lanes, Partial* scratch, const Norm& norm,
                                                 const Partial& mine) {
  const Partial thread = combine_lanes<Compute>(member, lanes, norm, mine);
  if (member.team_size() == 1) return thread;
  Kokkos::single(Kokkos::PerThread(member), [&] { scratch[member.team_rank()] = thread; });
  member.team_barrier();
  Partial total;
  if (member.team_size() <= 8) {  // fewer than shuffles would take
    for (int t = 0; t < member.team_size(); ++t) norm.combine(total, scratch[t]);
    return total;
  }
  Kokkos::parallel_reduce(
      Kokkos::ThreadVectorRange(member, member.team_size()),
      [&](int t, Partial& partial) { norm.combine(partial, scratch[t]); }, NormReducer<Norm, Compute>(norm, total));
  return total;
}

}  // namespace rownorm::impl

#endif
