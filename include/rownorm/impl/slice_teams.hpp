// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_IMPL_SLICE_TEAMS_HPP
#define ROWNORM_IMPL_SLICE_TEAMS_HPP

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

/// Those that read slices one after the other.
constexpr SliceTeams stream_teams(bool has_large_sums) {
  return has_large_sums ? SliceTeams{256, 2, 8} : SliceTeams{256, 3, 4};
}

}  // namespace rownorm::impl

#endif
