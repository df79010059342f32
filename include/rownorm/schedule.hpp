// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_SCHEDULE_HPP
#define ROWNORM_SCHEDULE_HPP

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

#include <rownorm/machine.hpp>

namespace rownorm {

/// Which elements of a matrix are neighbours in memory: those of a row (LayoutRight), those of a column (LayoutLeft),
/// or none.
enum class Neighbours { in_row, in_column, none };

/// What a schedule needs to know of the work.
struct Problem {
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  int x_value_bytes = 0;
  int y_value_bytes = x_value_bytes;
  Neighbours x_neighbours = Neighbours::in_row;
  Neighbours y_neighbours = Neighbours::in_row;
  bool is_aligned = true;       ///< neighbours in x and in y begin and end at multiples of 16 bytes
  bool have_same_phase = true;  ///< rows of x and of y begin equally many elements before a packet
  bool is_dense = true;         ///< rows of x and of y follow each other without gaps
  std::int64_t batches = 1;     ///< matrices that the rows are of, as many of each
  bool in_double = x_value_bytes >= 8 || y_value_bytes >= 8;  ///< rows are computed in double
  int arrays_read = 1;                                        ///< x alone, or x and a gradient
  bool takes_roots = false;                                   ///< the norm is a root of a sum of squares
  bool has_extras = false;  ///< more is wanted than a matrix divided by mean absolute values, or sums of these
  /// The norm is one of RowNorm's own and values are real, and for gradients all of one type, as kernels for hosts want
  /// it.
  bool is_compiled = true;

  std::int64_t batch_rows() const { return batches > 0 ? rows / batches : 0; }

  friend bool operator==(const Problem&, const Problem&) = default;  // nvcc does not derive it from the next one
  friend auto operator<=>(const Problem&, const Problem&) = default;
};

/// The kernels there are; docs/architecture.md says which rows each serves.
enum class Kernel {
  TeamPerRow,
  PackedRows,
  RowsInScratch,
  RowInRegisters,
  RowAcrossTeams,
  StreamedRow,
  ColumnTiles,
  StreamedTiles,
  HostRow,
};

/// What a kernel is told to do.
struct Schedule {
  Kernel kernel = Kernel::TeamPerRow;
  std::int64_t rows_per_team = 1;  ///< consecutive rows that one team serves
  int league_size = 0;             ///< teams
  int team_size = 1;               ///< threads a team
  int vector_length = 1;           ///< vector lanes a thread
  int packet_values = 1;           ///< consecutive elements that are moved as one
  int packets_per_lane = 1;        ///< packets that a lane holds at once
  int teams_per_row = 1;           ///< teams that share a row, or a tile of rows
  int slice_columns = 0;           ///< columns that each of these has
  int patience = 0;                ///< how often a team looks for another's partial result before it helps
  int tile_rows = 0;               ///< neighbouring rows that host threads have at once, where columns are contiguous
  int scratch_bytes = 0;           ///< room of a host thread for its part of a tile of x
  bool overlap = false;            ///< a host thread sums each row while it stores the one before
  bool bypass_cache = false;       ///< a host thread stores y past the caches

  friend bool operator==(const Schedule&, const Schedule&) = default;
};

/// Chooses how to run a problem on a machine. A pure host function: it launches nothing and reads no device, so it
/// can be asked what a machine that is not there would run. A problem without elements gets no teams.
Schedule choose_schedule(const Problem& problem, const Machine& machine);

/// The same with a kernel of the caller's choice; no teams where that cannot serve the problem on the machine.
Schedule schedule_with(Kernel kernel, const Problem& problem, const Machine& machine);

/// The schedules that are worth a try for a problem on a machine, each once: first the one that choose_schedule
/// chooses, then those of every other kernel that can serve it, and of each with larger and smaller teams, slices and
/// tiles, and more or fewer packets a lane. All give results that are right. None for a problem without elements.
std::vector<Schedule> candidate_schedules(const Problem& problem, const Machine& machine);

/// The kernel's name, as in its profiling label `rownorm::<name>`.
const char* to_string(Kernel kernel);

/// Says in one sentence what a schedule does and why it was chosen.
std::string explain(const Schedule& schedule, const Problem& problem, const Machine& machine);

}  // namespace rownorm

#endif
