// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_IMPL_KERNELS_PACKED_ROWS_HPP
#define ROWNORM_IMPL_KERNELS_PACKED_ROWS_HPP

#include <cstdint>
#include <type_traits>
#include <utility>

#include <Kokkos_Core.hpp>

#include <rownorm/impl/compat.hpp>
#include <rownorm/impl/finisher.hpp>
#include <rownorm/impl/held.hpp>
#include <rownorm/impl/packet.hpp>
#include <rownorm/impl/reduce.hpp>
#include <rownorm/impl/rows.hpp>
#include <rownorm/schedule.hpp>

namespace rownorm::impl {

/// Short rows, many a team: the vector lanes of a thread share a row and hold it in registers. A thread has `rows` rows
/// under way at once, since one short row is too little to keep the memory busy.
template <class X, class Y, class Finisher, int n, int packets, int rows>
struct PackedRows {
  using Part = HeldPackets<X, Y, n, packets>;

  typename Finisher::template RowsOf<X> x;
  typename Finisher::template RowsOf<Y> y;
  Finisher finisher;
  int lanes;

  template <class Member>
  KOKKOS_FUNCTION void operator()(const Member& member) const {
    const int threads = member.team_size();
    const std::int64_t first = static_cast<std::int64_t>(member.league_rank()) * threads * rows + member.team_rank();
    normalize(member, first, std::make_integer_sequence<int, rows>());
  }

  template <class Exec>
  void launch(const Exec& exec, const Schedule& schedule) const {
    // Compilers would choose too few teams a processor, or, for large sums, too many.
    constexpr unsigned teams = !Finisher::has_extras ? 6 : arrays_read<X> == 2 ? 5 : 8;
    constexpr bool chooses_teams = Finisher::has_large_partials || (Finisher::has_extras && n == 8);
    using Bounds = std::conditional_t<chooses_teams, Kokkos::LaunchBounds<128, teams>, Kokkos::LaunchBounds<256>>;
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
      const auto row = combine_lanes(lanes, finisher, mine);
      if (finisher.writes_y()) {
        const auto scale = finisher.scale(row);
        finisher.template with_constant_weights<Y, n>(parts[r].first_column(), [&](const auto& weights) {
          parts[r].store(weights, [&](const auto& value, const auto& some_weights, int k) {
            return finisher.template rescaled<Y>(scale, value, some_weights, k);
          });
        });
      }
      if (const std::int64_t i = first + r * threads; lane == 0 && i < x.rows) finisher.record(i, row);
    }
  }
};

}  // namespace rownorm::impl

#endif
