// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_IMPL_KERNELS_PACKED_ROWS_HPP
#define ROWNORM_IMPL_KERNELS_PACKED_ROWS_HPP

#include <cstdint>
#include <type_traits>
#include <utility>

#include <Kokkos_Core.hpp>

#include <rownorm/impl/compat.hpp>
#include <rownorm/impl/held.hpp>
#include <rownorm/impl/packet.hpp>
#include <rownorm/impl/reduce.hpp>
#include <rownorm/impl/rows.hpp>
#include <rownorm/norms.hpp>
#include <rownorm/schedule.hpp>

namespace rownorm::impl {

/// Short rows, many a team: the vector lanes of a thread share a row and hold it in registers. A thread has `rows` rows
/// under way at once, since one short row is too little to keep the memory busy.
template <class X, class Y, class Norm, int n, int packets, int rows>
struct PackedRows {
  using Compute = compute_type<X, Y>;
  using Part = HeldPackets<X, Y, n, packets>;

  Rows<X> x;
  Rows<Y> y;
  RowFinisher<Norm, Compute> finisher;
  int lanes;

  template <class Member>
  KOKKOS_FUNCTION void operator()(const Member& member) const {
    const int threads = member.team_size();
    const std::int64_t first = static_cast<std::int64_t>(member.league_rank()) * threads * rows + member.team_rank();
    normalize(member, first, std::make_integer_sequence<int, rows>());
  }

  template <class Exec>
  void launch(const Exec& exec, const Schedule& schedule) const {
    // Sums of double would spill if compilers chose how many teams a processor has.
    using Bounds = std::conditional_t<is_double_v<Compute>, Kokkos::LaunchBounds<128, 6>, Kokkos::LaunchBounds<256>>;
    using Policy = Kokkos::TeamPolicy<Exec, Bounds>;
    Kokkos::parallel_for("rownorm::PackedRows",
                         Policy(exec, schedule.league_size, schedule.team_size, schedule.vector_length), *this);
  }

 private:
  /// Row i; a stretch of nothing where there is no such row.
  KOKKOS_FUNCTION Stretch<X, Y, n> stretch(std::int64_t i) const {
    return i < x.rows ? Stretch<X, Y, n>::of(x(i), y(i)) : Stretch<X, Y, n>{};
  }

  template <class Member, int... q>
  KOKKOS_FUNCTION void normalize(const Member& member, std::int64_t first, std::integer_sequence<int, q...>) const {
    const int threads = member.team_size(), lane = lane_of(member);
    Part parts[] = {Part(stretch(first + q * threads), lane, lanes)...};
    ROWNORM_IMPL_UNROLL()
    for (int r = 0; r < rows; ++r) {
      const auto mine = finisher.accumulate([&](const auto& f) { parts[r].for_each(f); });
      const auto scale = finisher.scale(combine_lanes(lanes, finisher.norm, mine));
      parts[r].store([&](const auto& value) { return static_cast<Y>(scale(static_cast<Compute>(value))); });
    }
  }
};

}  // namespace rownorm::impl

#endif
