// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_IMPL_SLICE_TEAMS_HPP
#define ROWNORM_IMPL_SLICE_TEAMS_HPP

#include <Kokkos_Core.hpp>

#include <rownorm/impl/compat.hpp>
#include <rownorm/impl/counts.hpp>
#include <rownorm/impl/packet.hpp>
#include <rownorm/impl/values.hpp>

namespace rownorm::impl {

/// Teams that kernels are compiled for. Together they have all registers of a processor; how many of these are left for
/// packets depends on the sums.
struct SliceTeams {
  int lanes;
  int per_processor;
  int packets_in_registers;  ///< of a lane
};

/// Those that hold slices in registers and in scratch memory. Sums of double, or of eight rows at once, are large.
constexpr SliceTeams slice_teams(bool has_large_sums, int per_processor = 2) {
  return has_large_sums ? SliceTeams{512 / per_processor, per_processor, 12}
                        : SliceTeams{1024 / per_processor, per_processor, 6};
}

/// True for the sums that take most registers: of squares of double, and a dot product beside them.
constexpr bool has_largest_sums(bool in_double, int arrays, bool takes_roots) {
  return in_double && arrays > 1 && takes_roots;
}

/// Packets of X that a lane holds in registers, for rows that Finisher finishes: roots need some of them where there
/// are none to spare, and pairs are two.
template <class X, class Finisher>
constexpr int packets_held(const SliceTeams& teams) {
  const bool is_tight = is_double_v<typename Finisher::ComputeType> == (arrays_read<X> > 1);
  const int for_roots = Finisher::takes_roots && is_tight ? 1 : 0;
  return (teams.packets_in_registers - for_roots) / arrays_read<X>;
}

/// Those that read slices one after the other.
constexpr SliceTeams stream_teams(bool has_large_sums) {
  return has_large_sums ? SliceTeams{256, 2, 8} : SliceTeams{512, 2, 4};
}

/// Of the groups of rows in a tile, so many (as a power of two) are side by side in a warp where lanes turn blocks.
inline constexpr int log2_groups_of_warp = 3;
inline constexpr int log2_warp_lanes = log2_of(warp_lanes);

/// How many lanes of a warp, as a power of two, have the same rows of a tile; they are as far apart as it has groups.
KOKKOS_FUNCTION constexpr int log2_lanes_of_a_row(int log2_groups, bool in_blocks, bool x_has_adjacent_rows) {
  const bool are_apart = in_blocks ? log2_groups <= log2_groups_of_warp : x_has_adjacent_rows;
  return are_apart && log2_groups < log2_warp_lanes ? log2_warp_lanes - log2_groups : 0;
}

}  // namespace rownorm::impl

#endif
