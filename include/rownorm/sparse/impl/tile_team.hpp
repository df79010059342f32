// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_SPARSE_IMPL_TILE_TEAM_HPP
#define ROWNORM_SPARSE_IMPL_TILE_TEAM_HPP

#include <cstdint>

#include <Kokkos_Core.hpp>

#include <rownorm/impl/compat.hpp>
#include <rownorm/impl/reduce.hpp>

namespace rownorm::sparse::impl {

/// A team whose members are vector lanes on devices, with 32 a thread, and threads on hosts: what they find out
/// together. All of them call each function. Results do not depend on who is faster.
template <class Member>
class TileTeam {
 public:
  KOKKOS_FUNCTION explicit TileTeam(const Member& member) : member_(member) {}

  static KOKKOS_FORCEINLINE_FUNCTION constexpr int lanes() {
    KOKKOS_IF_ON_DEVICE((return rownorm::impl::warp_lanes;))
    KOKKOS_IF_ON_HOST((return 1;))
  }
  KOKKOS_FORCEINLINE_FUNCTION int worker() const {
    return member_.team_rank() * lanes() + rownorm::impl::lane_of(member_);
  }
  KOKKOS_FORCEINLINE_FUNCTION int workers() const { return member_.team_size() * lanes(); }
  KOKKOS_FORCEINLINE_FUNCTION int warp() const { return member_.team_rank(); }
  KOKKOS_FORCEINLINE_FUNCTION int warps() const { return member_.team_size(); }
  KOKKOS_FORCEINLINE_FUNCTION void barrier() const { member_.team_barrier(); }

  /// What all have together, which all get. Before the next use of the scratch memory the team needs a barrier.
  template <class Finisher, class Partial>
  KOKKOS_FUNCTION Partial combine(Partial* scratch, const Finisher& finisher, const Partial& mine) const {
    KOKKOS_IF_ON_DEVICE((return rownorm::impl::combine_team(member_, scratch, finisher, mine);))
    KOKKOS_IF_ON_HOST((scratch[worker()] = mine; barrier(); Partial total{};
                       for (int w = 0; w < workers(); ++w) finisher.combine(total, scratch[w]); return total;))
  }

  /// What so many neighbouring workers have together, of one warp.
  template <class Finisher, class Partial>
  KOKKOS_FORCEINLINE_FUNCTION Partial combine_group([[maybe_unused]] int workers_each,
                                                    [[maybe_unused]] const Finisher& finisher,
                                                    const Partial& mine) const {
    KOKKOS_IF_ON_DEVICE((return rownorm::impl::combine_lanes(workers_each, finisher, mine);))
    KOKKOS_IF_ON_HOST((return mine;))
  }

 private:
  const Member& member_;
};

}  // namespace rownorm::sparse::impl

#endif
