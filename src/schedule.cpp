// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <algorithm>
#include <bit>
#include <rownorm/schedule.hpp>
#include <sstream>

namespace rownorm {

namespace {

// A league is counted in an int, and on CUDA Kokkos adds its size once more to the rank of every team.
constexpr std::int64_t max_league_size = std::int64_t{1} << 30;

std::int64_t divide_rounding_up(std::int64_t a, std::int64_t b) { return a / b + (a % b != 0); }

std::int64_t power_of_two_from(std::int64_t n) {
  return static_cast<std::int64_t>(std::bit_ceil(static_cast<std::uint64_t>(n)));
}

/// Rows that teams of so many threads have under way at once.
std::int64_t live_rows(const Problem& problem, const Machine& machine, std::int64_t team_threads) {
  const std::int64_t teams =
      machine.processors * std::max<std::int64_t>(1, machine.threads_per_processor / team_threads);
  return std::min(problem.rows, teams);
}

Schedule team_per_row_on_gpu(const Problem& problem, const Machine& machine) {
  // Of all team sizes from 32 to 1024, the one that gives a thread 16 elements is the fastest, or nearly so, for rows
  // of 1024 to 16384 floats on an H200 (docs/performance.md).
  constexpr std::int64_t elements_per_thread = 16;
  // As few as these still pay where teams would be too small, or too few, to fill the machine.
  constexpr std::int64_t min_elements_per_thread = 4;

  // A row that one warp covers is reduced by its lanes; longer rows by teams of single lanes, which in the same
  // measurement were up to 5 % faster than teams of warps.
  const bool one_warp = problem.columns <= machine.vector_lanes;
  std::int64_t threads =
      one_warp ? power_of_two_from(problem.columns)
               : std::max<std::int64_t>(machine.vector_lanes,
                                        power_of_two_from(divide_rounding_up(problem.columns, elements_per_thread)));
  threads = std::min<std::int64_t>(threads, machine.max_team_threads);
  const auto can_grow = [&] {
    return 2 * threads <= machine.max_team_threads && problem.columns >= 2 * threads * min_elements_per_thread;
  };
  // A processor holds 24 or 32 teams at most: teams of one warp leave half of it empty.
  if (threads == machine.vector_lanes && can_grow()) threads *= 2;
  // A few rows need large teams.
  const std::int64_t resident_threads = std::int64_t{machine.processors} * machine.threads_per_processor;
  while (can_grow() && 2 * threads * problem.rows <= resident_threads) threads *= 2;

  const std::int64_t vector_length = one_warp ? threads : 1;
  const std::int64_t rows_per_team = divide_rounding_up(problem.rows, max_league_size);
  return {.kernel = Kernel::TeamPerRow,
          .rows_per_team = rows_per_team,
          .league_size = static_cast<int>(divide_rounding_up(problem.rows, rows_per_team)),
          .team_size = static_cast<int>(threads / vector_length),
          .vector_length = static_cast<int>(vector_length)};
}

Schedule team_per_row_on_host(const Problem& problem, const Machine& machine) {
  // Consecutive rows for each thread, in enough pieces that no thread gets many rows more than another.
  constexpr std::int64_t teams_per_thread = 32;
  // Threads that share a row meet at barriers, which cost as much as some thousand elements.
  constexpr std::int64_t min_elements_per_thread = 1 << 14;

  const std::int64_t threads_per_row =
      std::min(machine.processors / problem.rows, problem.columns / min_elements_per_thread);
  const std::int64_t rows_per_team = divide_rounding_up(problem.rows, teams_per_thread * machine.processors);
  return {.kernel = Kernel::TeamPerRow,
          .rows_per_team = rows_per_team,
          .league_size = static_cast<int>(divide_rounding_up(problem.rows, rows_per_team)),
          .team_size = static_cast<int>(std::clamp<std::int64_t>(threads_per_row, 1, machine.max_team_threads)),
          .vector_length = 1};
}

}  // namespace

Schedule choose_schedule(const Problem& problem, const Machine& machine) {
  if (problem.rows == 0 || problem.columns == 0) return {};
  return machine.kind == Machine::Kind::gpu ? team_per_row_on_gpu(problem, machine)
                                            : team_per_row_on_host(problem, machine);
}

const char* to_string(Kernel kernel) {
  switch (kernel) {
    case Kernel::TeamPerRow:
      return "TeamPerRow";
  }
  return "unknown";
}

std::string explain(const Schedule& schedule, const Problem& problem, const Machine& machine) {
  if (schedule.league_size == 0) return "nothing to do: the matrix has no elements";
  std::ostringstream text;
  const int team_threads = schedule.team_size * schedule.vector_length;
  text << to_string(schedule.kernel) << ": ";
  if (schedule.rows_per_team == 1)
    text << "one team a row, ";
  else
    text << schedule.league_size << " teams with " << schedule.rows_per_team << " consecutive rows each, ";
  text << team_threads << (team_threads == 1 ? " thread" : " threads") << " a team";
  if (schedule.vector_length > 1)
    text << " (" << schedule.team_size << " x " << schedule.vector_length << " vector lanes)";
  if (machine.kind == Machine::Kind::gpu) {
    const std::int64_t rows = live_rows(problem, machine, team_threads);
    text << "; " << rows << (rows == 1 ? " row" : " rows") << " under way at once hold "
         << rows * problem.columns * problem.x_value_bytes / 1024 << " KiB, for the second pass to read again from a "
         << machine.cache_bytes / 1024 << " KiB cache";
  } else {
    text << " on " << machine.processors << (machine.processors == 1 ? " processor" : " processors");
    if (schedule.team_size > 1) text << ", because there are fewer rows than processors";
  }
  return text.str();
}

}  // namespace rownorm
