// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <algorithm>
#include <cstdint>
#include <rownorm/impl/host_rows.hpp>
#include <rownorm/schedule.hpp>
#include <sstream>
#include <string>

namespace rownorm {

const char* to_string(Kernel kernel) {
  switch (kernel) {
    case Kernel::TeamPerRow:
      return "TeamPerRow";
    case Kernel::PackedRows:
      return "PackedRows";
    case Kernel::RowsInScratch:
      return "RowsInScratch";
    case Kernel::RowInRegisters:
      return "RowInRegisters";
    case Kernel::RowAcrossTeams:
      return "RowAcrossTeams";
    case Kernel::StreamedRow:
      return "StreamedRow";
    case Kernel::ColumnTiles:
      return "ColumnTiles";
    case Kernel::StreamedTiles:
      return "StreamedTiles";
    case Kernel::HostRow:
      return "HostRow";
  }
  return "unknown";
}

namespace {

/// Rows that teams of so many threads have under way at once.
std::int64_t live_rows(const Problem& problem, const Machine& machine, std::int64_t team_threads) {
  const std::int64_t teams =
      machine.processors * std::max<std::int64_t>(1, machine.threads_per_processor / team_threads);
  return std::min(problem.rows, teams);
}

std::string counted(std::int64_t count, const char* noun) {
  return std::to_string(count) + ' ' + noun + (count == 1 ? "" : "s");
}

std::string share_of_a_thread(const Schedule& schedule) {
  const bool in_tiles = schedule.tile_rows > 0, is_shared = schedule.team_size > 1;
  std::string text;
  if (is_shared && !in_tiles)
    return counted(schedule.team_size, "thread") + " a row, because rows are few or longer than the caches";
  if (is_shared)
    text = counted(schedule.team_size, "thread") + " together";
  else
    text = counted(schedule.league_size, "thread") + " with " + counted(schedule.rows_per_team, "consecutive row") +
           " each";
  if (in_tiles)
    text += ", in tiles of " + std::to_string(schedule.tile_rows) + ", because rows lie side by side, " +
            (schedule.scratch_bytes > 0 ? "each held in cache" : "each read twice, because no cache holds it");
  else if (schedule.overlap)
    text += ", of which one is summed while the one before is stored";
  else
    text += ", stored from its end, which is still in cache";
  return text;
}

/// What the kernels for hosts are made of.
std::string host_loops() {
  const std::string instructions = impl::host_instructions();
  return instructions.empty() ? "plain loops (built without Highway)" : instructions + " instructions";
}

std::string share_of_a_team(const Schedule& schedule) {
  switch (schedule.kernel) {
    case Kernel::TeamPerRow:
      return schedule.rows_per_team == 1 ? "one team a row"
                                         : counted(schedule.league_size, "team") + " with " +
                                               counted(schedule.rows_per_team, "consecutive row") + " each";
    case Kernel::PackedRows:
      return counted(schedule.rows_per_team, "row") + " a team, each held in registers by " +
             counted(schedule.vector_length, "lane");
    case Kernel::RowsInScratch:
      return counted(schedule.rows_per_team, "row") +
             " a team, in scratch memory, because they are short and begin "
             "anywhere";
    case Kernel::RowInRegisters:
      return "one team a row, which it holds in registers";
    case Kernel::RowAcrossTeams:
      return counted(schedule.teams_per_row, "team") + " a row, each of which holds " +
             counted(schedule.slice_columns, "column") + " in registers and scratch memory";
    case Kernel::StreamedRow:
      return "each row read twice, because the machine cannot hold it";
    case Kernel::ColumnTiles:
      return "tiles of " + counted(schedule.rows_per_team, "row") + " by " + counted(schedule.slice_columns, "column") +
             ", because rows lie side by side";
    case Kernel::StreamedTiles:
      return "tiles of " + counted(schedule.rows_per_team, "row") +
             ", because rows lie side by side, each read twice, because the machine cannot hold it";
    case Kernel::HostRow:
      return share_of_a_thread(schedule);
  }
  return "";
}

}  // namespace

std::string explain(const Schedule& schedule, const Problem& problem, const Machine& machine) {
  if (schedule.league_size == 0) return "nothing to do: the matrix has no elements";
  std::ostringstream text;
  if (schedule.kernel == Kernel::HostRow) {
    text << to_string(schedule.kernel) << ": " << share_of_a_thread(schedule) << "; y is stored "
         << (schedule.bypass_cache ? "past the caches, which it does not fit" : "through the caches") << "; "
         << host_loops();
    return text.str();
  }
  const int team_threads = schedule.team_size * schedule.vector_length;
  text << to_string(schedule.kernel) << ": " << share_of_a_team(schedule) << ", " << counted(team_threads, "thread")
       << " a team";
  if (schedule.vector_length > 1)
    text << " (" << schedule.team_size << " x " << schedule.vector_length << " vector lanes)";
  if (machine.kind == Machine::Kind::host) {
    text << " on " << counted(machine.processors, "processor");
    if (schedule.team_size > 1) text << ", because there are fewer rows than processors";
  } else if (schedule.kernel == Kernel::TeamPerRow) {
    const std::int64_t rows = live_rows(problem, machine, team_threads);
    text << "; " << counted(rows, "row") << " under way at once hold "
         << rows * problem.columns * problem.x_value_bytes / 1024 << " KiB, for the second pass to read again from a "
         << machine.cache_bytes / 1024 << " KiB cache";
  }
  return text.str();
}

}  // namespace rownorm
