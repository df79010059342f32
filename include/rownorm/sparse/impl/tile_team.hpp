// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_SPARSE_IMPL_TILE_TEAM_HPP
#define ROWNORM_SPARSE_IMPL_TILE_TEAM_HPP

#include <cstdint>

#include <Kokkos_Core.hpp>

#include <rownorm/impl/compat.hpp>
#include <rownorm/impl/reduce.hpp>

namespace rownorm::sparse::impl {

/// So many lanes a thread of a team has: on devices it is a warp.
KOKKOS_FORCEINLINE_FUNCTION constexpr int lanes_of_warp() {
  KOKKOS_IF_ON_DEVICE((return rownorm::impl::warp_lanes;))
  KOKKOS_IF_ON_HOST((return 1;))
}

/// A team whose members are vector lanes on devices, `device_lanes` of them with 32 a thread, and threads on hosts:
/// what they find out together. All of them call each function. Results do not depend on who is faster.
template <class Member, int device_lanes>
class TileTeam {
 public:
  KOKKOS_FUNCTION explicit TileTeam(const Member& member) : member_(member) {}

  static KOKKOS_FORCEINLINE_FUNCTION constexpr int lanes() { return lanes_of_warp(); }
  KOKKOS_FORCEINLINE_FUNCTION int worker() const {
    return member_.team_rank() * lanes() + rownorm::impl::lane_of(member_);
  }
  KOKKOS_FORCEINLINE_FUNCTION int workers() const { return warps() * lanes(); }
  KOKKOS_FORCEINLINE_FUNCTION int warp() const { return member_.team_rank(); }
  KOKKOS_FORCEINLINE_FUNCTION int warps() const {
    KOKKOS_IF_ON_DEVICE((return device_lanes / rownorm::impl::warp_lanes;))
    KOKKOS_IF_ON_HOST((return member_.team_size();))
  }
  KOKKOS_FORCEINLINE_FUNCTION int lane() const { return worker() % lanes(); }
  KOKKOS_FORCEINLINE_FUNCTION void barrier() const { member_.team_barrier(); }

  /// What all have together, which all get. Before the next use of the scratch memory the team needs a barrier.
  template <class Finisher, class Partial>
  KOKKOS_FUNCTION Partial combine(Partial* scratch, const Finisher& finisher, const Partial& mine) const {
    KOKKOS_IF_ON_DEVICE((return rownorm::impl::combine_team(member_, scratch, finisher, mine);))
    KOKKOS_IF_ON_HOST((scratch[worker()] = mine; barrier(); Partial total{};
                       for (int w = 0; w < workers(); ++w) finisher.combine(total, scratch[w]); return total;))
  }

  /// What lanes of a warp find out together: see reduce.hpp.
  KOKKOS_FORCEINLINE_FUNCTION int sum_of_lanes(int mine) const {
    KOKKOS_IF_ON_DEVICE((return rownorm::impl::sum_of_lanes(mine);))
    KOKKOS_IF_ON_HOST((return mine;))
  }
  KOKKOS_FORCEINLINE_FUNCTION int sum_of_lanes_before([[maybe_unused]] int mine) const {
    KOKKOS_IF_ON_DEVICE((return rownorm::impl::sum_of_lanes_before(lane(), mine);))
    KOKKOS_IF_ON_HOST((return 0;))
  }
  template <class Finisher, class Partial>
  KOKKOS_FORCEINLINE_FUNCTION Partial combine_lanes([[maybe_unused]] const Finisher& finisher,
                                                    const Partial& mine) const {
    KOKKOS_IF_ON_DEVICE((return rownorm::impl::combine_lanes(lanes(), finisher, mine);))
    KOKKOS_IF_ON_HOST((return mine;))
  }
  template <class Finisher, class Partial>
  KOKKOS_FORCEINLINE_FUNCTION Partial combine_since_head([[maybe_unused]] bool is_head,
                                                         [[maybe_unused]] const Finisher& finisher,
                                                         const Partial& mine) const {
    KOKKOS_IF_ON_DEVICE(
        (return rownorm::impl::combine_since_head(lane(), rownorm::impl::lanes_where(is_head), finisher, mine);))
    KOKKOS_IF_ON_HOST((return mine;))
  }

 private:
  const Member& member_;
};

}  // namespace rownorm::sparse::impl

#endif
