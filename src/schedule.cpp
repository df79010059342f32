// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <algorithm>
#include <bit>
#include <initializer_list>
#include <iterator>
#include <limits>
#include <rownorm/impl/counts.hpp>
#include <rownorm/impl/host_rows.hpp>
#include <rownorm/impl/packet.hpp>
#include <rownorm/impl/slice_teams.hpp>
#include <rownorm/schedule.hpp>
#include <utility>
#include <vector>

namespace rownorm {

namespace {

using impl::divide_rounding_up;
using impl::max_league_size;
using impl::packet_bytes;

std::int64_t power_of_two_from(std::int64_t n) {
  return static_cast<std::int64_t>(std::bit_ceil(static_cast<std::uint64_t>(n)));
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

// What suits an NVIDIA GPU: one row an architecture. docs/performance.md has the measurements.
struct Tuning {
  int compute_capability;  // from this one on
  int packed_threads;      // a team that has many short rows
  int scratch_row_bytes;   // of short rows that a team has in scratch memory
  int few_packets;         // that a lane holds in registers of a row of at most
  int few_packets_row;     // ... so many packets; eight in longer rows
  int slice_bytes;         // that all teams of a processor hold in scratch memory, of shared rows and of tiles
  int tile_bytes;          // neighbouring rows of a tile, counted in bytes of one column
  int block_bytes;         // ... where x and y do not lie the same way; twice that, if it suffices, for rows of y
  int stream_threads;      // a team of StreamedRow
  int stream_teams;        // of which so many a processor accumulate
};

constexpr Tuning tunings[] = {
    // Hopper. Short rows: small teams, so that a new one starts as soon as a few rows are done. Rows in registers: two
    // packets a lane are too few, since each warp pays for its share of a reduction; with four or eight the registers
    // of a processor hold 64 to 128 KiB of rows. Slices: 192 of the 228 KiB of a processor, since what is left is the
    // L1 cache, through which registers are loaded; with 24 KiB more, all loads take longer. Columns of a tile: two
    // lines of L2; with one, DRAM is up to a tenth slower.
    {.compute_capability = 90,
     .packed_threads = 128,
     .scratch_row_bytes = 8 << 10,
     .few_packets = 4,
     .few_packets_row = 512,
     .slice_bytes = 192 << 10,
     .tile_bytes = 256,
     .block_bytes = 64,
     .stream_threads = 512,
     .stream_teams = 2},
    // Ada, on paper, and whatever came before it. A processor has 100 KiB of scratch memory, and 1536 threads, so teams
    // of 1024 would leave a third of them unused: rows that need more than eight packets for each of 768 threads are
    // shared. All else is Hopper's, whose memory is four times as fast.
    {.compute_capability = 0,
     .packed_threads = 128,
     .scratch_row_bytes = 8 << 10,
     .few_packets = 4,
     .few_packets_row = 512,
     .slice_bytes = 80 << 10,
     .tile_bytes = 256,
     .block_bytes = 64,
     .stream_threads = 512,
     .stream_teams = 1},
};

const Tuning& tuning_for(const Machine& machine) {
  return *std::find_if(std::begin(tunings), std::end(tunings),
                       [&](const Tuning& t) { return machine.compute_capability >= t.compute_capability; });
}

// A team that has looked so often for what another one should have published, some milliseconds long, helps.
constexpr int patience = 1 << 13;

int packet_values(const Problem& problem) {
  return packet_bytes / std::max(problem.x_value_bytes, problem.y_value_bytes);
}

/// Teams with slices that the machine has under way at once, less a fifth for what else may run on it.
std::int64_t resident(const impl::SliceTeams& teams, const Machine& machine) {
  return std::int64_t{machine.processors} * teams.per_processor * 4 / 5;
}

/// That all teams of a processor hold in scratch memory. Their sums, and what CUDA takes for itself, need some of it
/// too.
int slice_bytes(const Machine& machine, const Tuning& tuning) {
  return machine.scratch_bytes > 0 ? std::min(tuning.slice_bytes, machine.scratch_bytes / 7 * 6) : tuning.slice_bytes;
}

/// True where sums take so many registers that teams must be smaller: those of double, and of two arrays.
bool has_large_sums(const Problem& problem) { return problem.in_double || problem.arrays_read > 1; }

bool has_adjacent_columns(const Problem& problem) {
  return problem.x_neighbours == Neighbours::in_row && problem.y_neighbours == Neighbours::in_row;
}

/// True where the rows of one of x and y lie side by side, and not those of the other.
bool are_turned(const Problem& problem) { return problem.x_neighbours != problem.y_neighbours; }

/// True where kernels for hosts can serve the problem by tiles.
bool is_by_tiles(const Problem& problem) {
  const auto either = {problem.x_neighbours, problem.y_neighbours};
  return std::count(either.begin(), either.end(), Neighbours::none) == 0 && !has_adjacent_columns(problem) &&
         problem.x_value_bytes == problem.y_value_bytes && (!are_turned(problem) || problem.x_value_bytes >= 4);
}

// A thread is not worth waking for less.
constexpr std::int64_t min_elements_per_host_thread = 1 << 11;
// Threads that share a row, or a tile of rows, meet at barriers, which cost as much as some thousand elements.
constexpr std::int64_t min_elements_per_sharing_thread = 1 << 14;

/// Consecutive rows, so many at a time, for each of some workers.
void give_rows(Schedule& schedule, std::int64_t rows, std::int64_t workers, std::int64_t multiple) {
  const std::int64_t groups = divide_rounding_up(rows, multiple);
  schedule.rows_per_team = divide_rounding_up(groups, workers) * multiple;
  schedule.league_size = static_cast<int>(divide_rounding_up(rows, schedule.rows_per_team));
}

/// How many rows a thread that has tiles of its own gets at least: whole matrices of a batch where there are enough of
/// them, else whole lines of memory.
std::int64_t rows_in_one_piece(const Problem& problem, std::int64_t threads, std::int64_t line_values) {
  return problem.batches > 1 && problem.batches >= threads ? problem.batch_rows() : line_values;
}

/// Of the cache that all threads share, what each may use for tiles.
std::int64_t room_of_a_thread(const Machine& machine) {
  return std::min<std::int64_t>(machine.cache_bytes / 2 / machine.processors, 1 << 30);
}

/// Tiles for the problem. Each column lies in pages of its own, and to look up a page costs as much as to read a
/// kilobyte: so tiles are as high as a page is long. Threads have tiles of their own, of which they hold what they
/// read, where their own caches have room for that; else they share tiles, of two pages if they can, with some columns
/// for each. Where all caches together have no room for half a page of each column, x is read twice instead.
void make_tiles(Schedule& schedule, const Problem& problem, const Machine& machine) {
  constexpr std::int64_t page = 4096, line = 64;
  const std::int64_t line_values = line / problem.x_value_bytes, elements = problem.rows * problem.columns;
  const std::int64_t room = room_of_a_thread(machine);
  const std::int64_t own_room = std::min(room, machine.own_cache_bytes / 8 * 5);
  const std::int64_t threads = std::clamp<std::int64_t>(elements / min_elements_per_host_thread, 1, machine.processors);
  const std::int64_t pieces = impl::host_tile_pieces(problem.columns);
  const std::int64_t sharing =
      std::min({pieces, threads, std::int64_t{machine.max_team_threads}, elements / min_elements_per_sharing_thread});
  // Of each column a tile has so many bytes at most, and no more than there are rows.
  const auto highest = [&](std::int64_t bytes, std::int64_t rows) {
    while (bytes > line && bytes / 2 >= rows * problem.x_value_bytes) bytes /= 2;
    return bytes;
  };
  const std::int64_t rows_of_a_thread = divide_rounding_up(problem.rows, threads);
  std::int64_t column_bytes = highest(page, std::min(problem.batch_rows(), rows_of_a_thread));
  std::int64_t columns = problem.columns;
  const bool rows_are_few = problem.rows < threads * line_values;
  if (sharing > 1 && (rows_are_few || (column_bytes * columns > own_room && sharing == threads))) {
    columns = divide_rounding_up(pieces, sharing) * divide_rounding_up(problem.columns, pieces);
    column_bytes = highest(2 * page * columns <= own_room ? 2 * page : page, problem.batch_rows());
    schedule.team_size = static_cast<int>(sharing);
    schedule.league_size = 1;
    schedule.rows_per_team = problem.rows;
  } else {
    give_rows(schedule, problem.rows, threads, rows_in_one_piece(problem, threads, line_values));
  }
  std::int64_t held_bytes = column_bytes;
  while (held_bytes > page / 2 && held_bytes * columns > room) held_bytes /= 2;
  if (held_bytes * columns <= room) {
    column_bytes = held_bytes;
    schedule.scratch_bytes = static_cast<int>(room);
  }
  schedule.tile_rows = static_cast<int>(column_bytes / problem.x_value_bytes);
}

/// Tiles that are turned: of a thread's own, as high as a part of a page that the caches have room for.
void make_turned_tiles(Schedule& schedule, const Problem& problem, const Machine& machine) {
  constexpr std::int64_t line = 64;
  const std::int64_t line_values = line / problem.x_value_bytes;
  const std::int64_t threads =
      std::clamp<std::int64_t>(problem.rows * problem.columns / min_elements_per_host_thread, 1, machine.processors);
  const std::int64_t room = room_of_a_thread(machine);
  std::int64_t column_bytes = impl::max_turned_tile_bytes;
  while (column_bytes > 4 * line && column_bytes * problem.columns > room) column_bytes /= 2;
  schedule.tile_rows = static_cast<int>(column_bytes / problem.x_value_bytes);
  if (column_bytes * problem.columns <= room) schedule.scratch_bytes = static_cast<int>(room);
  give_rows(schedule, problem.rows, threads, rows_in_one_piece(problem, threads, line_values));
}

Schedule host_row(const Problem& problem, const Machine& machine) {
  if (!problem.is_compiled) return {};
  const std::int64_t row_bytes = problem.columns * problem.x_value_bytes;
  const std::int64_t threads = std::clamp<std::int64_t>(
      problem.rows * (problem.columns / min_elements_per_host_thread + 1), 1, machine.processors);
  Schedule schedule{.kernel = Kernel::HostRow,
                    .bypass_cache = problem.rows * problem.columns * problem.y_value_bytes >
                                    machine.cache_bytes / (problem.arrays_read + 1)};
  if (problem.arrays_read > 1) {
    // Gradients: a thread to a row, or TeamPerRow, whose threads share rows.
    if (!has_adjacent_columns(problem) || problem.rows < threads) return {};
    schedule.overlap = 2 * problem.arrays_read * threads * row_bytes <= machine.cache_bytes;
    give_rows(schedule, problem.rows, threads, 1);
    return schedule;
  }
  if (is_by_tiles(problem)) {
    if (are_turned(problem))
      make_turned_tiles(schedule, problem, machine);
    else
      make_tiles(schedule, problem, machine);
    return schedule;
  }
  if (!has_adjacent_columns(problem)) return {};
  // A thread to a row, unless rows are too few or do not come out even, or the caches hold one row but not one for
  // each. Where they do not even hold one, threads that do not wait for each other are faster.
  const bool is_even = problem.rows % threads == 0 || problem.rows >= 4 * threads;
  const bool share = problem.rows < threads ||
                     (threads * row_bytes > machine.cache_bytes && (row_bytes <= machine.cache_bytes || !is_even));
  const std::int64_t threads_per_row =
      share ? std::min({problem.rows < threads ? machine.processors / problem.rows : threads,
                        problem.columns / min_elements_per_sharing_thread, std::int64_t{machine.max_team_threads}})
            : 1;
  schedule.team_size = static_cast<int>(std::max<std::int64_t>(1, threads_per_row));
  schedule.overlap = schedule.team_size == 1 && problem.x_value_bytes == problem.y_value_bytes &&
                     2 * threads * row_bytes <= machine.cache_bytes;
  give_rows(schedule, problem.rows, std::max<std::int64_t>(1, threads / schedule.team_size), 1);
  return schedule;
}

Schedule packed_rows(const Problem& problem, const Machine& machine, const Tuning& tuning) {
  const int n = packet_values(problem);
  const std::int64_t packets = problem.columns / n;
  const bool in_packets = problem.is_aligned || problem.columns >= 4 * n;
  // Packets a lane, and rows a thread, are compiled as pairs: 1 x 4, 2 x 2, 4 x 1. Few packets a lane where rows are
  // short, so that neighbouring lanes read close to each other; rows of 128 bytes would meet in the same banks of L1.
  // Sums of double cost more to combine, and rows with extras more to finish: fewer lanes a row.
  const auto packets_of_a_lane = [&] {
    if (!in_packets) return 2;
    if (packets <= (has_large_sums(problem) || problem.has_extras ? 1 : 2)) return 1;
    if (packets <= 4 || (packets == 8 && !problem.has_extras)) return 2;
    return has_large_sums(problem) || packets > 2 * machine.vector_lanes ? 4 : 2;
  };
  const int per_lane = packets_of_a_lane();
  const int rows_per_thread = !in_packets ? 4 : 4 / per_lane;
  std::int64_t lanes = power_of_two_from(
      std::max<std::int64_t>(1, divide_rounding_up(in_packets ? packets : problem.columns, per_lane)));
  // The elements before and after whole packets need lanes of their own.
  if (!problem.is_aligned && in_packets) lanes = std::max<std::int64_t>(lanes, 2 * n);
  const std::int64_t threads = tuning.packed_threads / lanes;
  const std::int64_t league = divide_rounding_up(problem.rows, std::max<std::int64_t>(1, threads * rows_per_thread));
  if (lanes > machine.vector_lanes || league > max_league_size) return {};
  return {.kernel = Kernel::PackedRows,
          .rows_per_team = threads * rows_per_thread,
          .league_size = static_cast<int>(league),
          .team_size = static_cast<int>(threads),
          .vector_length = static_cast<int>(lanes),
          .packet_values = in_packets ? n : 1,
          .packets_per_lane = per_lane};
}

Schedule rows_in_scratch(const Problem& problem, const Machine&, const Tuning& tuning) {
  const std::int64_t row_bytes = problem.columns * problem.x_value_bytes;
  const std::int64_t rows_per_team = tuning.scratch_row_bytes / row_bytes;
  if (!problem.is_dense || problem.arrays_read > 1 || problem.x_value_bytes != problem.y_value_bytes ||
      rows_per_team < 32)
    return {};
  const std::int64_t league = divide_rounding_up(problem.rows, rows_per_team);
  if (league > max_league_size) return {};
  return {.kernel = Kernel::RowsInScratch,
          .rows_per_team = rows_per_team,
          .league_size = static_cast<int>(league),
          .team_size = tuning.packed_threads,
          .packet_values = packet_values(problem)};
}

Schedule row_in_registers(const Problem& problem, const Machine& machine, const Tuning& tuning) {
  const std::int64_t packets = problem.columns / packet_values(problem);
  // Large sums cost more to combine.
  const bool is_large = problem.x_value_bytes >= 8 || problem.arrays_read > 1;
  const int per_lane = (packets <= tuning.few_packets_row && !is_large ? tuning.few_packets : 8) / problem.arrays_read;
  const std::int64_t warps =
      std::max<std::int64_t>(1, divide_rounding_up(packets, std::int64_t{per_lane} * machine.vector_lanes));
  // Sums of double need so many registers that no more than twice 384 threads of a processor have them; those of
  // squares with a gradient, four times 128. Teams must not leave much of a processor unused.
  const int of_kernel = impl::has_largest_sums(problem.in_double, problem.arrays_read, problem.takes_roots) ? 128
                        : has_large_sums(problem)                                                           ? 384
                                                                                                            : 1024;
  const int max_threads = std::min({machine.max_team_threads, machine.threads_per_processor / 2, of_kernel});
  if (warps * machine.vector_lanes > max_threads || problem.rows > max_league_size) return {};
  return {.kernel = Kernel::RowInRegisters,
          .league_size = static_cast<int>(problem.rows),
          .team_size = static_cast<int>(warps),
          .vector_length = machine.vector_lanes,
          .packet_values = packet_values(problem),
          .packets_per_lane = per_lane};
}

Schedule row_across_teams(const Problem& problem, const Machine& machine, const Tuning& tuning) {
  const int n = packet_values(problem), packet = n * problem.x_value_bytes;
  const std::int64_t packets = divide_rounding_up(problem.columns, n);
  const auto most_packets = [&](const impl::SliceTeams& of) {
    const int in_scratch = slice_bytes(machine, tuning) / of.per_processor / (packet * problem.arrays_read) / of.lanes;
    return of.lanes * (of.packets_in_registers / problem.arrays_read + in_scratch);
  };
  // Two teams a processor, since one loads while the other waits. A single large one is better where it holds the row,
  // so that no team waits for others; but not where x must be loaded value by value, nor where it would leave much of
  // the processor unused.
  const bool is_large = problem.in_double || (problem.arrays_read > 1 && n == 8);
  impl::SliceTeams of = impl::slice_teams(is_large);
  if (const auto large = impl::slice_teams(is_large, 1); problem.have_same_phase &&
                                                         machine.threads_per_processor >= 2048 &&
                                                         most_packets(of) < packets && packets <= most_packets(large))
    of = large;
  const std::int64_t teams = divide_rounding_up(packets, most_packets(of));
  // With fewer than two rows under way at once, all wait for the same exchange: two passes are faster.
  if (5 * teams > 3 * resident(of, machine) || problem.rows > max_league_size) return {};
  // Slices as large as they can be, and the rest in the last: faster than slices of equal size. All begin where a line
  // of L2 does.
  constexpr std::int64_t line = impl::line_bytes / packet_bytes;
  const std::int64_t slice_packets = teams > 1 ? most_packets(of) : divide_rounding_up(packets, line) * line;
  return {.kernel = Kernel::RowAcrossTeams,
          .league_size = static_cast<int>(std::min(problem.rows * teams, max_league_size)),
          .team_size = of.lanes / machine.vector_lanes,
          .vector_length = machine.vector_lanes,
          .packet_values = n,
          .packets_per_lane = of.packets_in_registers / problem.arrays_read,
          .teams_per_row = static_cast<int>(teams),
          .slice_columns = static_cast<int>(slice_packets * n),
          .patience = patience};
}

Schedule streamed_row(const Problem& problem, const Machine& machine, const Tuning& tuning) {
  // Sums of double leave registers for half as many threads.
  const int threads = has_large_sums(problem) ? tuning.stream_threads / 2 : tuning.stream_threads;
  // Several teams after each other on each place of a processor, so that the last ones leave few without work.
  constexpr int rounds = 8;
  const std::int64_t resident_teams = std::int64_t{machine.processors} * tuning.stream_teams;
  const std::int64_t teams = divide_rounding_up(rounds * resident_teams, problem.rows);
  return {.kernel = Kernel::StreamedRow,
          .league_size = static_cast<int>(std::min(problem.rows * teams, max_league_size)),
          .team_size = threads / machine.vector_lanes,
          .vector_length = machine.vector_lanes,
          .packet_values = packet_values(problem),
          .packets_per_lane = 4 / problem.arrays_read,
          .teams_per_row = static_cast<int>(teams)};
}

/// Tiles, as far as the problem decides what they are. Column kernels move n neighbouring rows at once or, where x and
/// y do not lie the same way, blocks of n x n values.
struct TileShape {
  int n;
  int block;  // columns
  int value_bytes;
  bool is_large;
  int arrays_read;
  bool is_by_value;  // columns that begin anywhere, of which values are written one at a time
  int few_packets;   // of a lane, for which a team of half as many threads would do
  int most_rows;

  TileShape(const Problem& problem, const Tuning& tuning)
      : n(problem.is_aligned ? packet_values(problem) : 1),
        block(problem.x_neighbours == problem.y_neighbours ? 1 : n),
        value_bytes(std::max(problem.x_value_bytes, problem.y_value_bytes)),
        is_large(has_large_sums(problem) || n == 8),
        arrays_read(problem.arrays_read),
        is_by_value(n == 1 && problem.y_neighbours == Neighbours::in_column) {
    const bool y_is_by_rows = block > 1 && problem.x_neighbours == Neighbours::in_column;
    few_packets = block == 1 ? 8 : y_is_by_rows ? n : n / 2;
    // Of a line at either end of a column a tile moves only a part: the wider it is, the fewer of them. Those of 16-bit
    // values are wide enough where they are short.
    const bool is_wide = is_by_value && (value_bytes >= 4 || arrays_read > 1 || problem.columns >= 64);
    most_rows = rows_of(
        problem, block == 1 ? tuning.tile_bytes * (is_wide ? 2 : 1) : tuning.block_bytes * (y_is_by_rows ? 2 : 1));
  }

  /// So many bytes of a column, if there are so many rows; no more of them than a team has threads.
  int rows_of(const Problem& problem, int bytes) const {
    const std::int64_t rows = std::min(bytes / value_bytes, impl::slice_teams(is_large).lanes);
    return static_cast<int>(std::max<std::int64_t>(n, std::min(rows, power_of_two_from(problem.batch_rows()))));
  }

  int packets_in_registers(const impl::SliceTeams& of) const {
    return n == 1 ? 0 : of.packets_in_registers / arrays_read / block * block;
  }

  /// That a team holds, of so many rows.
  std::int64_t slice_columns(const Problem& problem, const impl::SliceTeams& of, int rows, int threads,
                             int scratch_bytes) const {
    const int groups = rows / n, workers = threads / groups;
    const bool differ = problem.x_neighbours != problem.y_neighbours;
    const int pitch = rows + (n == 1 && differ ? 1 : 0);
    // As the kernel lays it out: partial results, what each row is multiplied by, and the rest of the last lines.
    const int sharing =
        impl::log2_lanes_of_a_row(impl::log2_of(groups), block > 1, problem.x_neighbours == Neighbours::in_column);
    const int partials = std::max(threads, rows * workers >> sharing);
    const int partial_bytes = arrays_read > 1 ? 40 : problem.in_double ? 16 : 8;
    const int other_bytes = (partials + rows) * partial_bytes + 4 * impl::line_bytes;
    const int in_scratch = std::max(0, scratch_bytes - other_bytes) / (pitch * problem.x_value_bytes * arrays_read);
    const int of_a_worker = (packets_in_registers(of) + in_scratch / workers) / block * block;
    return std::min<std::int64_t>(problem.columns, std::int64_t{workers} * of_a_worker);
  }
};

/// A tile of ColumnTiles while its size is chosen, from the widest one on that there can be.
struct ColumnTile {
  const Problem& problem;
  const Machine& machine;
  const Tuning& tuning;
  TileShape shape{problem, tuning};
  impl::SliceTeams of = impl::slice_teams(shape.is_large);
  int rows = shape.most_rows;
  int threads = of.lanes;

  bool is_in_blocks() const { return shape.block > 1; }
  bool is_gradient() const { return shape.arrays_read > 1; }
  int bytes() const { return rows * shape.value_bytes; }  // of a column
  std::int64_t tiles() const { return problem.batches * divide_rounding_up(problem.batch_rows(), rows); }
  std::int64_t packets_of_a_lane() const { return rows / shape.n * problem.columns / threads; }

  std::int64_t slice_columns() const {
    return shape.slice_columns(problem, of, rows, threads, slice_bytes(machine, tuning) / of.per_processor);
  }
  /// Teams that share a tile, of which there is no end where one cannot hold a single column.
  std::int64_t slices() const {
    const std::int64_t columns = slice_columns();
    return columns > 0 ? divide_rounding_up(problem.columns, columns) : std::numeric_limits<std::int64_t>::max();
  }
  std::int64_t most_slices() const {
    const std::int64_t all = resident(of, machine);
    return is_in_blocks() ? all / 2 : shape.is_by_value ? 3 * all / 10 : all;
  }
  /// True where the teams of one more tile do not fit the device beside those of others, and much of it is idle.
  bool leaves_idle() const {
    const std::int64_t teams = std::int64_t{machine.processors} * of.per_processor, at_once = teams / slices();
    return !are_turned(problem) && tiles() > at_once && 4 * at_once * slices() < 3 * teams;
  }

  /// Of a small array narrower tiles, so that more processors have one, if a single team holds such a tile.
  void spread() {
    const int widest = rows;
    while (tiles() < machine.processors / slices() && rows > shape.n && bytes() > tuning.tile_bytes / 4) rows /= 2;
    if (slices() > 1) rows = widest;
  }

  /// Short tiles: small teams, of which many are under way, with a few packets a lane at least; and wider tiles where
  /// there would be fewer still. A team that turns blocks has a thread for each row at least, others have one for each
  /// packet of rows.
  void choose_team() {
    const int least_threads = is_in_blocks() ? 128 : machine.vector_lanes,
              rows_of_a_thread = is_in_blocks() ? 1 : shape.n;
    while (threads > least_threads && threads / 2 >= rows / rows_of_a_thread &&
           packets_of_a_lane() <= shape.few_packets)
      threads /= 2;
    while (2 * rows <= threads * rows_of_a_thread && rows < problem.batch_rows() && packets_of_a_lane() < 4) rows *= 2;
  }

  /// Narrower tiles where teams would read more from each other than they gain, which those of blocks, of gradients and
  /// of tiles that are wider than most do as soon as they share one.
  void narrow(int least_bytes) {
    const bool turns_values = shape.n == 1 && !shape.is_by_value;
    const auto most_wide = [&] {
      const bool must_be_whole = is_in_blocks() || is_gradient() || turns_values || bytes() > tuning.tile_bytes;
      return must_be_whole ? 1 : resident(of, machine) / 2;
    };
    while ((slices() > most_wide() || leaves_idle()) && rows > shape.n && bytes() > least_bytes) rows /= 2;
    // Half as wide as others, if a single team holds such a tile.
    if (turns_values || (is_gradient() && (shape.value_bytes == 2 || (shape.value_bytes == 8 && shape.is_by_value)))) {
      const int shared = rows;
      if (slices() > 1 && rows > shape.n) rows /= 2;
      if (slices() > 1) rows = shared;
    }
  }

  void share() {
    const int widest = rows;
    if (is_in_blocks()) {
      narrow(tuning.block_bytes);
      // Not so narrow that lines of y are cut, where even then many would share them.
      constexpr int many = 8;
      if (problem.y_neighbours == Neighbours::in_row && shape.value_bytes >= 4 && slices() > many) {
        const int narrow_rows = std::exchange(rows, widest);
        narrow(2 * tuning.block_bytes);
        if (slices() > most_slices()) rows = narrow_rows;
      }
    } else if (shape.is_by_value && shape.value_bytes >= (is_gradient() ? 8 : 4)) {
      narrow(tuning.tile_bytes);
      constexpr int few = 4;  // who share wide tiles as well as others
      if (!is_gradient() && !are_turned(problem) && slices() > 1 && slices() <= few) rows = widest;
    } else {
      narrow(tuning.tile_bytes / 2);
    }
    if (slices() > 1) threads = std::max(threads, rows);  // each exchanges for one row
  }
};

Schedule column_tiles(const Problem& problem, const Machine& machine, const Tuning& tuning) {
  ColumnTile tile{problem, machine, tuning};
  tile.spread();
  tile.choose_team();
  tile.share();
  if (tile.slices() > tile.most_slices() || tile.leaves_idle()) return {};
  return {.kernel = Kernel::ColumnTiles,
          .rows_per_team = tile.rows,
          .league_size = static_cast<int>(std::min(tile.tiles() * tile.slices(), max_league_size)),
          .team_size = tile.threads,
          .packet_values = tile.shape.n,
          .packets_per_lane = tile.shape.packets_in_registers(tile.of),
          .teams_per_row = static_cast<int>(tile.slices()),
          .slice_columns = static_cast<int>(tile.slice_columns()),
          .patience = patience};
}

Schedule streamed_tiles(const Problem& problem, const Machine& machine, const Tuning& tuning) {
  const TileShape shape(problem, tuning);
  const impl::SliceTeams of = impl::stream_teams(shape.is_large);
  const int threads = of.lanes;
  const bool is_wide = shape.is_by_value && !are_turned(problem) && shape.arrays_read == 1 && shape.value_bytes >= 4;
  int rows = is_wide ? shape.rows_of(problem, 4 * tuning.tile_bytes) : shape.most_rows;
  const auto tiles = [&] { return problem.batches * divide_rounding_up(problem.batch_rows(), rows); };
  const auto teams = [&] { return divide_rounding_up(std::int64_t{machine.processors} * of.per_processor, tiles()); };
  // Where tiles are few, narrower ones, of which each has fewer teams to wait for.
  constexpr int many = 32;
  const int least_bytes = shape.is_by_value ? 2 * tuning.tile_bytes : tuning.tile_bytes / 2;
  while (shape.block == 1 && teams() > many && rows > shape.n && rows * shape.value_bytes > least_bytes) rows /= 2;
  // Packets are held in registers alone, and single values in what Kokkos grants of scratch memory.
  const std::int64_t slice_columns = shape.slice_columns(problem, of, rows, threads, shape.n == 1 ? 32 << 10 : 0);
  if (slice_columns == 0) return {};
  return {.kernel = Kernel::StreamedTiles,
          .rows_per_team = rows,
          .league_size = static_cast<int>(std::min(tiles() * teams(), max_league_size)),
          .team_size = threads,
          .packet_values = shape.n,
          .packets_per_lane = shape.packets_in_registers(of),
          .teams_per_row = static_cast<int>(teams()),
          .slice_columns = static_cast<int>(slice_columns)};
}

/// With a kernel, and numbers of the table's or others.
Schedule schedule_with(Kernel kernel, const Problem& problem, const Machine& machine, const Tuning& tuning) {
  if (problem.rows == 0 || problem.columns == 0) return {};
  if (kernel == Kernel::TeamPerRow)
    return machine.kind == Machine::Kind::gpu ? team_per_row_on_gpu(problem, machine)
                                              : team_per_row_on_host(problem, machine);
  if (kernel == Kernel::HostRow)
    return machine.kind == Machine::Kind::host && problem.is_compiled ? host_row(problem, machine) : Schedule{};
  if (machine.compute_capability == 0) return {};  // no NVIDIA GPU, which all others are for
  if (kernel == Kernel::ColumnTiles || kernel == Kernel::StreamedTiles) {
    const bool is_plain = problem.x_neighbours != Neighbours::none && problem.y_neighbours != Neighbours::none;
    if (!is_plain || has_adjacent_columns(problem)) return {};
    return kernel == Kernel::ColumnTiles ? column_tiles(problem, machine, tuning)
                                         : streamed_tiles(problem, machine, tuning);
  }
  if (!has_adjacent_columns(problem)) return {};
  switch (kernel) {
    case Kernel::PackedRows:
      return packed_rows(problem, machine, tuning);
    case Kernel::RowsInScratch:
      return rows_in_scratch(problem, machine, tuning);
    case Kernel::RowInRegisters:
      return row_in_registers(problem, machine, tuning);
    case Kernel::RowAcrossTeams:
      return row_across_teams(problem, machine, tuning);
    case Kernel::StreamedRow:
      return streamed_row(problem, machine, tuning);
    case Kernel::TeamPerRow:
    case Kernel::ColumnTiles:
    case Kernel::StreamedTiles:
    case Kernel::HostRow:
      break;
  }
  return {};
}

constexpr Kernel all_kernels[] = {Kernel::TeamPerRow,     Kernel::PackedRows,     Kernel::RowsInScratch,
                                  Kernel::RowInRegisters, Kernel::RowAcrossTeams, Kernel::StreamedRow,
                                  Kernel::ColumnTiles,    Kernel::StreamedTiles,  Kernel::HostRow};

using Number = int Tuning::*;
/// What may be tried instead of a number of the table: a multiple, or a part of it. Kernels are compiled for no more
/// than so many threads and packets, and processors have no more scratch memory.
struct Variation {
  Number number;
  int times;
  int by = 1;

  Tuning of(Tuning tuning) const {
    tuning.*number = tuning.*number * times / by;
    return tuning;
  }
};
constexpr Variation variations[] = {
    {&Tuning::packed_threads, 1, 2}, {&Tuning::scratch_row_bytes, 1, 2}, {&Tuning::scratch_row_bytes, 2},
    {&Tuning::few_packets, 2},       {&Tuning::slice_bytes, 2, 3},       {&Tuning::slice_bytes, 5, 6},
    {&Tuning::tile_bytes, 1, 2},     {&Tuning::tile_bytes, 2},           {&Tuning::block_bytes, 2},
    {&Tuning::stream_threads, 1, 2}, {&Tuning::stream_teams, 1, 2},      {&Tuning::stream_teams, 2},
};

/// False for numbers that no problem or machine has, as a file may have them.
bool is_possible(const Problem& problem, const Machine& machine) {
  const auto lies_between = [](std::int64_t least, std::int64_t most) {
    return [=](std::int64_t number) { return least <= number && number <= most; };
  };
  const auto is_size = lies_between(0, 1LL << 50);
  const auto is_extent = lies_between(1, 1LL << 40);
  const auto is_count = lies_between(1, 1 << 20);
  const auto is_value_size = lies_between(2, 16);
  return is_extent(problem.rows) && is_extent(problem.columns) && problem.rows <= (1LL << 50) / problem.columns &&
         is_value_size(problem.x_value_bytes) && is_value_size(problem.y_value_bytes) && is_extent(problem.batches) &&
         problem.rows % problem.batches == 0 && lies_between(1, 2)(problem.arrays_read) &&
         is_count(machine.processors) && is_count(machine.threads_per_processor) &&
         is_count(machine.max_team_threads) && is_count(machine.vector_lanes) && is_size(machine.cache_bytes) &&
         is_size(machine.own_cache_bytes) && is_size(machine.compute_capability) && is_size(machine.scratch_bytes);
}

/// Machines whose schedules are valid on this one as well: with smaller teams, or, of hosts, fewer threads or other
/// caches.
std::vector<Machine> similar_machines(const Machine& machine) {
  std::vector<Machine> similar;
  const auto add = [&](const auto& change) {
    similar.push_back(machine);
    change(similar.back());
  };
  if (machine.kind == Machine::Kind::gpu) {
    for (const int by : {2, 4, 8})
      add([&](Machine& other) { other.max_team_threads = std::max(1, machine.max_team_threads / by); });
  } else {
    for (const auto& [times, by] : {std::pair{0, 1}, {1, 4}, {2, 1}})
      add([&, times = times, by = by](Machine& other) { other.cache_bytes = machine.cache_bytes * times / by; });
    add([&](Machine& other) { other.own_cache_bytes *= 2; });
    add([&](Machine& other) { other.max_team_threads = 1; });
    add([&](Machine& other) {
      other.processors = std::max(1, machine.processors / 2);
      other.max_team_threads = std::min(other.processors, machine.max_team_threads);
    });
  }
  return similar;
}

/// With the first of these kernels that can serve the problem.
Schedule first_of(std::initializer_list<Kernel> kernels, const Problem& problem, const Machine& machine) {
  for (const Kernel kernel : kernels)
    if (const Schedule schedule = schedule_with(kernel, problem, machine); schedule.league_size > 0) return schedule;
  return {};
}

}  // namespace

Schedule choose_schedule(const Problem& problem, const Machine& machine) {
  if (machine.kind == Machine::Kind::host) return first_of({Kernel::HostRow, Kernel::TeamPerRow}, problem, machine);
  if (!has_adjacent_columns(problem))
    return first_of({Kernel::ColumnTiles, Kernel::StreamedTiles, Kernel::TeamPerRow}, problem, machine);
  // Short rows whose packets begin anywhere need many lanes, or have no packets at all.
  if (const int n = packet_values(problem); problem.columns < (problem.is_aligned ? n : 12 * n))
    if (const Schedule schedule = schedule_with(Kernel::RowsInScratch, problem, machine); schedule.league_size > 0)
      return schedule;
  // Of those that can serve a row the fastest, which its length decides: in this order.
  return first_of(
      {Kernel::PackedRows, Kernel::RowInRegisters, Kernel::RowAcrossTeams, Kernel::StreamedRow, Kernel::TeamPerRow},
      problem, machine);
}

Schedule schedule_with(Kernel kernel, const Problem& problem, const Machine& machine) {
  return schedule_with(kernel, problem, machine, tuning_for(machine));
}

std::vector<Schedule> candidate_schedules(const Problem& problem, const Machine& machine) {
  if (!is_possible(problem, machine)) return {};
  std::vector<Schedule> candidates;
  const auto add = [&](const Schedule& schedule) {
    if (schedule.league_size > 0 && std::find(candidates.begin(), candidates.end(), schedule) == candidates.end())
      candidates.push_back(schedule);
  };
  add(choose_schedule(problem, machine));
  for (const Kernel kernel : all_kernels) {
    add(schedule_with(kernel, problem, machine));
    for (const Variation& variation : variations)
      add(schedule_with(kernel, problem, machine, variation.of(tuning_for(machine))));
    for (const Machine& other : similar_machines(machine)) add(schedule_with(kernel, problem, other));
  }
  return candidates;
}

}  // namespace rownorm
