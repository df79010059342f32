// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_SCHEDULE_HPP
#define ROWNORM_SCHEDULE_HPP

#include <cstdint>
#include <string>

#include <rownorm/machine.hpp>

namespace rownorm {

/// What a schedule needs to know of the work.
struct Problem {
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  int x_value_bytes = 0;
};

/// The kernels there are; docs/architecture.md says which rows each serves.
enum class Kernel { TeamPerRow };

/// What a kernel is told to do.
struct Schedule {
  Kernel kernel = Kernel::TeamPerRow;
  std::int64_t rows_per_team = 1;  ///< consecutive rows that one team serves, one after the other
  int league_size = 0;             ///< teams
  int team_size = 1;               ///< threads a team
  int vector_length = 1;           ///< vector lanes a thread

  friend bool operator==(const Schedule&, const Schedule&) = default;
};

/// Chooses how to run a problem on a machine. A pure host function: it launches nothing and reads no device, so it
/// can be asked what a machine that is not there would run. A problem without elements gets no teams.
Schedule choose_schedule(const Problem& problem, const Machine& machine);

/// The kernel's name, as in its profiling label `rownorm::<name>`.
const char* to_string(Kernel kernel);

/// Says in one sentence what a schedule does and why it was chosen.
std::string explain(const Schedule& schedule, const Problem& problem, const Machine& machine);

}  // namespace rownorm

#endif
