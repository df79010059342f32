// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_SPARSE_SCHEDULE_HPP
#define ROWNORM_SPARSE_SCHEDULE_HPP

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>

#include <Kokkos_Core.hpp>

#include <rownorm/impl/counts.hpp>
#include <rownorm/machine.hpp>

namespace rownorm::sparse {

namespace impl {

/// Work is counted in items: one for each entry, and so many for each row.
inline constexpr std::int64_t row_items = 3;
KOKKOS_FUNCTION constexpr std::int64_t items_of(std::int64_t rows, std::int64_t entries) {
  return rows * row_items + entries;
}

}  // namespace impl

/// What a schedule needs to know of the work.
struct Problem {
  std::int64_t rows = 0;
  std::int64_t entries = 0;
  int x_value_bytes = 0;
  int y_value_bytes = x_value_bytes;
  bool in_place = false;
  bool is_compressed = true;  ///< a row's entries are neighbours: no blocks
  bool is_compiled = true;    ///< the norm is one of RowNorm's own
};

/// The kernels there are; docs/architecture.md says how they work.
enum class Kernel { EntryTiles, HostEntries, RowsByTeams };

/// What a kernel is told to do.
struct Schedule {
  Kernel kernel = Kernel::RowsByTeams;
  std::int64_t tile_items = 0;  ///< that a team has, or a share of a host thread: see impl::row_items
  std::int64_t tiles = 0;       ///< of these
  int team_size = 1;            ///< threads a team
  int vector_length = 1;        ///< vector lanes a thread
  int patience = 0;             ///< how often a team looks for the total of a row before it leaves its slice
  std::int64_t max_slices = 0;  ///< of rows with more nobody waits for the total
  int last_teams = 0;           ///< teams of the last kernel, for what was not waited for
  bool bypass_cache = false;    ///< a host thread stores y past the caches

  friend bool operator==(const Schedule&, const Schedule&) = default;
};

namespace impl {

/// So many items a tile may have at most: a row that ends no further belongs to the tile that it begins in.
KOKKOS_FUNCTION constexpr std::int64_t most_items_of(std::int64_t tile_items) { return tile_items + tile_items / 8; }

/// Items of a tile, lanes of its team, and teams that a processor is to have at once, which bounds their registers, for
/// values of so many bytes. Measured: docs/performance.md.
constexpr std::int64_t tile_items(int value_bytes) { return value_bytes <= 8 ? 4480 : 2240; }
constexpr int tile_lanes(int value_bytes) { return value_bytes <= 4 ? 128 : 256; }
constexpr int tile_teams_per_processor(int value_bytes) { return value_bytes <= 4 ? 9 : value_bytes <= 8 ? 5 : 4; }

/// Shares of host threads: many more than threads, so that no thread waits long for the last, but none so small that it
/// costs to begin one.
inline constexpr std::int64_t shares_per_thread = 16;
inline constexpr std::int64_t least_share_items = std::int64_t{1} << 14;

}  // namespace impl

/// The same with a kernel of the caller's choice; no tiles where that cannot serve the problem on the machine.
inline Schedule schedule_with(Kernel kernel, const Problem& problem, const Machine& machine) {
  const std::int64_t items = impl::items_of(problem.rows, problem.entries);
  Schedule schedule{.kernel = kernel};
  if (problem.rows == 0) return schedule;
  switch (kernel) {
    case Kernel::EntryTiles: {
      if (!problem.is_compressed) return schedule;
      const int value_bytes = std::max(problem.x_value_bytes, problem.y_value_bytes);
      const int lanes = impl::tile_lanes(value_bytes);
      schedule.tile_items = impl::tile_items(value_bytes);
      const bool has_lanes = machine.vector_lanes == 32;
      schedule.vector_length = has_lanes ? 32 : 1;
      schedule.team_size = has_lanes ? lanes / 32 : machine.max_team_threads;
      schedule.patience = 256;
      // As many slices as the device holds at once. To wait for one that is not there yet may stop all who are.
      const int item_bytes = std::max(value_bytes, 4);
      const auto team_bytes = static_cast<int>(impl::most_items_of(schedule.tile_items)) * item_bytes * 11 / 10 + 1536;
      const int teams = std::min(impl::tile_teams_per_processor(value_bytes), machine.scratch_bytes / team_bytes);
      schedule.max_slices = static_cast<std::int64_t>(machine.processors) * teams;
      schedule.last_teams = 4 * machine.processors;
      break;
    }
    case Kernel::HostEntries: {
      if (!problem.is_compressed || machine.kind != Machine::Kind::host) return schedule;
      const std::int64_t shares = machine.processors == 1 ? 1 : machine.processors * impl::shares_per_thread;
      schedule.tile_items =
          std::max(rownorm::impl::divide_rounding_up(items, shares), std::min(items, impl::least_share_items));
      schedule.bypass_cache = !problem.in_place && problem.entries * problem.y_value_bytes > machine.cache_bytes / 2;
      break;
    }
    case Kernel::RowsByTeams: {
      // As many lanes as rows have entries on average, and as many rows a team as make it 128 lanes.
      const bool has_lanes = machine.kind == Machine::Kind::gpu;
      while (has_lanes && 2 * schedule.vector_length <= machine.vector_lanes &&
             schedule.vector_length * problem.rows < problem.entries)
        schedule.vector_length *= 2;
      if (has_lanes) schedule.team_size = std::min(128, machine.max_team_threads) / schedule.vector_length;
      schedule.tile_items = schedule.team_size;  // rows
      schedule.tiles = rownorm::impl::divide_rounding_up(problem.rows, schedule.tile_items);
      return schedule;
    }
  }
  schedule.tiles = rownorm::impl::divide_rounding_up(items, schedule.tile_items);
  return schedule;
}

/// Chooses how to run a problem on a machine. A pure host function, as that of dense rows.
inline Schedule choose_schedule(const Problem& problem, const Machine& machine) {
  const bool is_nvidia = machine.compute_capability > 0;
  if (problem.is_compressed && is_nvidia) return schedule_with(Kernel::EntryTiles, problem, machine);
  if (problem.is_compressed && machine.kind == Machine::Kind::host)
    return schedule_with(Kernel::HostEntries, problem, machine);
  return schedule_with(Kernel::RowsByTeams, problem, machine);
}

/// The kernel's name, as in its profiling label `rownorm::<name>`.
inline const char* to_string(Kernel kernel) {
  switch (kernel) {
    case Kernel::EntryTiles:
      return "EntryTiles";
    case Kernel::HostEntries:
      return "HostEntries";
    case Kernel::RowsByTeams:
      break;
  }
  return "RowsByTeams";
}

/// Says in one sentence what a schedule does and why it was chosen.
inline std::string explain(const Schedule& schedule, const Problem& problem) {
  const std::string work = " for " + std::to_string(problem.rows) + " rows with " + std::to_string(problem.entries) +
                           " entries: " + to_string(schedule.kernel);
  if (schedule.tiles == 0) return "No kernel" + work + " has nothing to do";
  const std::string tiles = std::to_string(schedule.tiles), items = std::to_string(schedule.tile_items);
  const std::string counted = " (an entry is one, a row " + std::to_string(impl::row_items) + ")";
  switch (schedule.kernel) {
    case Kernel::EntryTiles:
      return "Three kernels" + work + ", " + tiles + " teams of " +
             std::to_string(schedule.team_size * schedule.vector_length) + " lanes with " + items + " items each" +
             counted +
             ", one before that finds where these begin, and one after it for slices of long rows that could not wait";
    case Kernel::HostEntries:
      return "One kernel" + work + ", " + tiles + " shares of " + items + " items" + counted +
             (schedule.bypass_cache ? ", y stored past the caches" : "") +
             (schedule.tiles > 1 ? ", and a second one for rows longer than a share" : "");
    case Kernel::RowsByTeams:
      break;
  }
  return "One kernel" + work + ", " + tiles + " teams of " + items + " rows with " +
         std::to_string(schedule.vector_length) + " lanes each, the plain form";
}

}  // namespace rownorm::sparse

#endif
