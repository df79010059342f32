// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_IMPL_SLICE_TEAMS_HPP
#define ROWNORM_IMPL_SLICE_TEAMS_HPP

namespace rownorm::impl {

/// The teams that the kernels with slices are compiled for. Together they have all registers of a processor; how many
/// of these are left for packets depends on the sums.
struct SliceTeams {
  int lanes;
  int per_processor;
  int packets_in_registers;  ///< of a lane
};

constexpr SliceTeams slice_teams(bool in_double) { return in_double ? SliceTeams{256, 2, 12} : SliceTeams{512, 2, 6}; }

}  // namespace rownorm::impl

#endif
