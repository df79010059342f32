// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What would run where: asked of machines that need not be there.
#include <algorithm>
#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <cstdint>
#include <rownorm/impl/host_rows.hpp>
#include <rownorm/rownorm.hpp>
#include <vector>

#include "support/kernels.hpp"

using rownorm::choose_schedule;
using rownorm::Kernel;
using rownorm::Machine;
using rownorm::Problem;
using rownorm::Schedule;
namespace machines = rownorm::machines;

namespace {

const Machine all_machines[] = {machines::ada, machines::hopper, machines::host(1), machines::host(2),
                                machines::host(16)};
const std::int64_t sizes[] = {1, 2, 3, 16, 31, 32, 33, 255, 1000, 4096, 65535, 1 << 20, (1LL << 31) + 7, 1LL << 33};

bool is_power_of_two(int n) { return n > 0 && (n & (n - 1)) == 0; }

}  // namespace

TEST_CASE("every schedule is one that its machine can run", "[schedule]") {
  using rownorm::Neighbours;
  const Neighbours orders[] = {Neighbours::in_row, Neighbours::in_column, Neighbours::none};
  for (const Machine& machine : all_machines)
    for (const std::int64_t rows : sizes)
      for (const std::int64_t columns : sizes)
        for (const int value_bytes : {2, 4, 8})
          for (const Neighbours x_order : orders)
            for (const Neighbours y_order : {Neighbours::in_row, Neighbours::in_column})
              for (const bool aligned : {false, true})
                for (const int arrays_read : {1, 2}) {
                  const Problem problem{.rows = rows,
                                        .columns = columns,
                                        .x_value_bytes = value_bytes,
                                        .y_value_bytes = value_bytes,
                                        .x_neighbours = x_order,
                                        .y_neighbours = y_order,
                                        .is_aligned = aligned && rows % 8 == 0 && columns % 8 == 0,
                                        .is_dense = aligned,
                                        .arrays_read = arrays_read};
                  CAPTURE(rows, columns, value_bytes, arrays_read, machine.processors, machine.compute_capability);
                  std::vector<Schedule> schedules = candidate_schedules(problem, machine);
                  const bool is_too_large = schedules.empty();
                  REQUIRE(is_too_large == (rows > (1LL << 50) / columns));
                  const Schedule chosen = choose_schedule(problem, machine);
                  if (!is_too_large) REQUIRE(chosen == schedules[0]);
                  for (const Kernel kernel : rownorm::tests::all_kernels) {
                    const Schedule one = schedule_with(kernel, problem, machine);
                    if (one.league_size == 0) continue;
                    REQUIRE(one.kernel == kernel);
                    if (is_too_large)
                      schedules.push_back(one);
                    else
                      REQUIRE(std::count(schedules.begin(), schedules.end(), one) == 1);
                  }
                  for (const Schedule& s : schedules) {
                    const Kernel kernel = s.kernel;
                    CAPTURE(to_string(kernel));
                    REQUIRE(s.league_size > 0);
                    REQUIRE(s.league_size <= 1 << 30);
                    REQUIRE(s.team_size > 0);
                    REQUIRE(is_power_of_two(s.vector_length));  // others abort in Kokkos 5.1
                    REQUIRE(s.vector_length <= machine.vector_lanes);
                    REQUIRE(s.team_size * s.vector_length <= machine.max_team_threads);
                    REQUIRE(s.rows_per_team > 0);
                    if (kernel == Kernel::TeamPerRow || kernel == Kernel::PackedRows ||
                        kernel == Kernel::RowsInScratch || kernel == Kernel::HostRow) {
                      // Every row is served, and no team is without one.
                      REQUIRE(s.league_size * s.rows_per_team >= rows);
                      REQUIRE((s.league_size - 1) * s.rows_per_team < rows);
                    }
                    if (kernel == Kernel::PackedRows)  // a row's values have a lane each
                      REQUIRE(s.vector_length * s.packets_per_lane * s.packet_values + 2 * (s.packet_values - 1) >=
                              columns);
                    if (kernel == Kernel::RowInRegisters)
                      REQUIRE((s.vector_length * s.team_size * s.packets_per_lane + 2) * s.packet_values > columns);
                    if (kernel == Kernel::ColumnTiles || kernel == Kernel::StreamedTiles) {
                      REQUIRE(is_power_of_two(static_cast<int>(s.rows_per_team)));
                      REQUIRE(s.rows_per_team >= s.packet_values);
                      REQUIRE(s.rows_per_team <= s.packet_values * s.team_size);
                      const bool is_shared = kernel == Kernel::StreamedTiles || s.teams_per_row > 1;
                      if (is_shared || x_order != y_order) REQUIRE(s.rows_per_team <= s.team_size);
                      REQUIRE(s.slice_columns > 0);
                      if (x_order != y_order)  // blocks
                        REQUIRE((s.slice_columns == columns || s.slice_columns % s.packet_values == 0));
                    }
                    if (kernel == Kernel::RowAcrossTeams || kernel == Kernel::ColumnTiles) {
                      REQUIRE(std::int64_t{s.slice_columns} * s.teams_per_row >= columns);
                      REQUIRE(std::int64_t{s.slice_columns} * (s.teams_per_row - 1) < columns);
                      // All teams of a row are under way at once: no more than two fit a processor.
                      REQUIRE((s.teams_per_row == 1 || s.teams_per_row <= 2 * machine.processors));
                    }
                  }
                  REQUIRE(chosen.league_size > 0);
                  // Pure: the same question has the same answer.
                  REQUIRE(choose_schedule(problem, machine) == chosen);
                }
}

TEST_CASE("a problem without elements gets no teams", "[schedule]") {
  for (const Machine& machine : all_machines) {
    CHECK(choose_schedule({0, 7, 4}, machine).league_size == 0);
    CHECK(choose_schedule({7, 0, 4}, machine).league_size == 0);
    CHECK(candidate_schedules({7, 0, 4}, machine).empty());
    // Nor has one with numbers that make no sense, which a file may have.
    const Problem right{7, 5, 4};
    CHECK_FALSE(candidate_schedules(right, machine).empty());
    for (const auto& spoil : std::initializer_list<void (*)(Problem&)>{
             [](Problem& p) { p.rows = -7; }, [](Problem& p) { p.columns = 1LL << 60; },
             [](Problem& p) { p.x_value_bytes = 0; }, [](Problem& p) { p.y_value_bytes = 1 << 30; },
             [](Problem& p) { p.batches = 0; }, [](Problem& p) { p.batches = 2; },
             [](Problem& p) { p.arrays_read = 0; }}) {
      Problem wrong = right;
      spoil(wrong);
      CHECK(candidate_schedules(wrong, machine).empty());
    }
    for (const auto number : {&Machine::processors, &Machine::threads_per_processor, &Machine::max_team_threads,
                              &Machine::vector_lanes, &Machine::compute_capability, &Machine::scratch_bytes}) {
      Machine wrong = machine;
      wrong.*number = -1;
      CHECK(candidate_schedules(right, wrong).empty());
    }
  }
}

TEST_CASE("what Hopper and Ada run, by the length of a row", "[schedule][ada][hopper]") {
  const auto kernel = [](std::int64_t rows, std::int64_t columns, const Machine& machine) {
    return choose_schedule({rows, columns, 4}, machine).kernel;
  };
  for (const Machine& machine : {machines::hopper, machines::ada}) {
    CHECK(kernel(1 << 22, 16, machine) == Kernel::PackedRows);
    CHECK(kernel(1 << 18, 256, machine) == Kernel::PackedRows);
    CHECK(kernel(1 << 16, 1024, machine) == Kernel::RowInRegisters);
    CHECK(kernel(1 << 14, 8192, machine) == Kernel::RowInRegisters);
    CHECK(kernel(1 << 15, 65535, machine) == Kernel::RowAcrossTeams);
    CHECK(kernel(1, 1 << 28, machine) == Kernel::StreamedRow);
  }
  // 128 KiB a row: a team of 1024 threads, which leaves a third of one of Ada's processors unused.
  CHECK(kernel(8192, 32768, machines::hopper) == Kernel::RowInRegisters);
  CHECK(kernel(8192, 32768, machines::ada) == Kernel::RowAcrossTeams);
  CHECK(choose_schedule({8192, 32768, 4}, machines::ada).teams_per_row == 2);
  // One large team a row where it holds it, else teams of half the size; not where x must be read value by value.
  CHECK(choose_schedule({8192, 65536, 4}, machines::hopper).teams_per_row == 1);
  CHECK(choose_schedule({8192, 65536, 4}, machines::hopper).team_size == 32);
  CHECK(choose_schedule({4096, 131072, 4}, machines::hopper).team_size == 16);
  CHECK(
      choose_schedule({.rows = 8192, .columns = 65536, .x_value_bytes = 4, .have_same_phase = false}, machines::hopper)
          .team_size == 16);
  // At least five thirds of a row are under way at once: of 16 MiB on Hopper, of 8 MiB on Ada.
  CHECK(kernel(64, 1 << 22, machines::hopper) == Kernel::RowAcrossTeams);
  CHECK(kernel(32, 1 << 23, machines::hopper) == Kernel::StreamedRow);
  CHECK(kernel(128, 1 << 21, machines::ada) == Kernel::RowAcrossTeams);
  CHECK(kernel(64, 1 << 22, machines::ada) == Kernel::StreamedRow);
}

TEST_CASE("what runs where memory is not row by row", "[schedule]") {
  Problem problem{.rows = 16384, .columns = 8192, .x_value_bytes = 4};
  problem.y_value_bytes = 4;
  problem.x_neighbours = problem.y_neighbours = rownorm::Neighbours::in_column;
  CHECK(choose_schedule(problem, machines::hopper).kernel == Kernel::ColumnTiles);
  CHECK(choose_schedule(problem, machines::hopper).packet_values == 4);
  problem.y_neighbours = rownorm::Neighbours::in_row;  // blocks of 4 x 4
  CHECK(choose_schedule(problem, machines::hopper).packet_values == 4);
  problem.is_aligned = false;
  CHECK(choose_schedule(problem, machines::hopper).packet_values == 1);
  CHECK(choose_schedule(problem, machines::hopper).kernel == Kernel::ColumnTiles);
  problem.columns = 1 << 20;  // no tile of which the device could hold
  CHECK(choose_schedule(problem, machines::hopper).kernel == Kernel::StreamedTiles);
  problem.y_neighbours = rownorm::Neighbours::none;
  CHECK(choose_schedule(problem, machines::hopper).kernel == Kernel::TeamPerRow);
  // Short rows that begin anywhere.
  CHECK(choose_schedule({.rows = 1 << 20, .columns = 15, .x_value_bytes = 4, .is_aligned = false}, machines::hopper)
            .kernel == Kernel::RowsInScratch);
  // With gaps between them they are no one stretch of memory.
  CHECK(choose_schedule({.rows = 1 << 20, .columns = 15, .x_value_bytes = 4, .is_aligned = false, .is_dense = false},
                        machines::hopper)
            .kernel == Kernel::PackedRows);
  // Teams with slices fit the scratch memory of the device, whatever its row of the table asks for.
  Machine small = machines::hopper;
  small.scratch_bytes = 100 << 10;
  const Schedule shared = schedule_with(Kernel::RowAcrossTeams, {8192, 65536, 4}, small);
  CHECK(16 * shared.team_size * shared.vector_length * shared.packets_per_lane + (50 << 10) >=
        4 * shared.slice_columns);
  // A GPU without kernels of its own.
  Machine other = machines::hopper;
  other.compute_capability = 0;
  CHECK(choose_schedule({1 << 14, 8192, 4}, other).kernel == Kernel::TeamPerRow);
}

TEST_CASE("batches of matrices, and two arrays read as one", "[schedule]") {
  using rownorm::Neighbours;
  // The first axis of 65536 matrices of 64 x 8: tiles are no higher than a matrix has rows, and one launch serves all.
  const Problem inner{.rows = 65536 * 8,
                      .columns = 64,
                      .x_value_bytes = 4,
                      .x_neighbours = Neighbours::in_column,
                      .y_neighbours = Neighbours::in_column,
                      .is_dense = false,
                      .batches = 65536};
  const Schedule tiles = choose_schedule(inner, machines::hopper);
  CHECK(tiles.kernel == Kernel::ColumnTiles);
  CHECK(tiles.rows_per_team == 8);
  CHECK(tiles.league_size == 65536);
  // Pairs of x and a gradient take twice the registers, so that lanes hold half as many.
  for (const std::int64_t columns : {1024, 4096}) {
    Problem pairs{.rows = 4096, .columns = columns, .x_value_bytes = 4};
    const Schedule one = choose_schedule(pairs, machines::hopper);
    pairs.arrays_read = 2;
    const Schedule two = choose_schedule(pairs, machines::hopper);
    CHECK(two.kernel == Kernel::RowInRegisters);
    CHECK(two.packets_per_lane * 2 <= 8);
    CHECK(two.team_size >= one.team_size);
  }
  // Where teams hold slices, pairs have as many lanes as x alone; those of eight values would take too many registers.
  Problem pairs{.rows = 8192, .columns = 65536, .x_value_bytes = 4, .arrays_read = 2};
  CHECK(choose_schedule(pairs, machines::hopper).team_size == 16);
  pairs.x_value_bytes = pairs.y_value_bytes = 2;
  CHECK(choose_schedule(pairs, machines::hopper).team_size == 16);
  pairs.columns = 1 << 18;
  CHECK(choose_schedule(pairs, machines::hopper).team_size == 8);
  // No kernel for hosts knows a norm of the caller's own, or complex values.
  CHECK(choose_schedule({.rows = 10, .columns = 10, .x_value_bytes = 8, .is_compiled = false}, machines::host(2))
            .kernel == Kernel::TeamPerRow);
}

TEST_CASE("what extras change", "[schedule]") {
  // Rows cost more to finish, so that fewer lanes have one.
  const auto packed = [](std::int64_t columns, int value_bytes, bool has_extras) {
    return choose_schedule(
        {.rows = 1 << 22, .columns = columns, .x_value_bytes = value_bytes, .has_extras = has_extras},
        machines::hopper);
  };
  CHECK(packed(16, 2, false).vector_length == 2);
  CHECK(packed(16, 2, true).vector_length == 1);
  CHECK(packed(16, 8, false).vector_length == 4);
  CHECK(packed(16, 8, true).vector_length == 2);
  CHECK(packed(64, 4, true) == packed(64, 4, false));
}

TEST_CASE("the largest sums are for teams of four warps", "[schedule]") {
  const auto of_gradients = [](std::int64_t columns, bool takes_roots) {
    return choose_schedule(
        {.rows = 65536, .columns = columns, .x_value_bytes = 8, .arrays_read = 2, .takes_roots = takes_roots},
        machines::hopper);
  };
  CHECK(of_gradients(1024, true).kernel == Kernel::RowInRegisters);
  CHECK(of_gradients(1024, true).team_size == 4);
  CHECK(of_gradients(1026, true).kernel == Kernel::RowAcrossTeams);
  CHECK(of_gradients(3072, false).kernel == Kernel::RowInRegisters);
}

TEST_CASE("rows that are read twice are shared by so many teams that the last ones leave few processors without work",
          "[schedule]") {
  for (const std::int64_t rows : {std::int64_t{1}, std::int64_t{64}, std::int64_t{200}}) {
    const Schedule streamed =
        schedule_with(Kernel::StreamedRow, {.rows = rows, .columns = 1 << 22, .x_value_bytes = 8}, machines::hopper);
    CHECK(streamed.teams_per_row * rows >= 8 * 2 * machines::hopper.processors);
  }
}

TEST_CASE("short tiles have small teams, with more rows than threads", "[schedule]") {
  using rownorm::Neighbours;
  Problem inner{.rows = 16384 * 256,
                .columns = 16,
                .x_value_bytes = 2,
                .x_neighbours = Neighbours::in_column,
                .y_neighbours = Neighbours::in_column,
                .is_dense = false,
                .batches = 16384};
  CHECK(choose_schedule(inner, machines::hopper).team_size == 32);
  CHECK(choose_schedule(inner, machines::hopper).rows_per_team == 128);
  inner.y_neighbours = Neighbours::in_row;
  CHECK(choose_schedule(inner, machines::hopper).team_size >= 128);
}

TEST_CASE("tiles are as wide as suits small arrays, gradients and columns that begin anywhere", "[schedule]") {
  using rownorm::Neighbours;
  const auto tiles = [](std::int64_t rows, std::int64_t columns, int value_bytes, bool is_aligned, int arrays_read = 1,
                        Neighbours of_y = Neighbours::in_column) {
    return choose_schedule({.rows = rows,
                            .columns = columns,
                            .x_value_bytes = value_bytes,
                            .x_neighbours = Neighbours::in_column,
                            .y_neighbours = of_y,
                            .is_aligned = is_aligned,
                            .is_dense = false,
                            .arrays_read = arrays_read},
                           machines::hopper);
  };
  // 256 bytes of a column; 64 where there would be fewer tiles than processors and a single team holds one.
  CHECK(tiles(1 << 18, 1024, 4, true).rows_per_team == 64);
  CHECK(tiles(1000, 1000, 4, true).rows_per_team == 16);
  CHECK(tiles(1000, 1000, 4, true).teams_per_row == 1);
  CHECK(tiles(128, 4096, 4, true).rows_per_team == 64);
  // Half as many of gradients, where it spares teams that share a tile; of 16-bit ones a quarter, where none is shared.
  CHECK(tiles(1 << 18, 200, 4, true, 2).rows_per_team == 64);
  CHECK(tiles(1 << 18, 512, 4, true, 2).rows_per_team == 32);
  CHECK(tiles(1 << 18, 512, 2, true, 2).rows_per_team == 32);
  CHECK(tiles(1 << 15, 4096, 2, true, 2).rows_per_team == 64);
  // Twice as many where columns begin anywhere, unless a narrower tile is one team's.
  CHECK(tiles(1 << 20, 100, 4, false).rows_per_team == 128);
  CHECK(tiles(1 << 20, 200, 4, false).rows_per_team == 64);
  CHECK(tiles(1 << 18, 1000, 4, false).rows_per_team == 128);
  CHECK(tiles(1 << 15, 8000, 4, false).rows_per_team == 64);
  CHECK(tiles(1 << 20, 33, 2, false).rows_per_team == 128);
  CHECK(tiles(1 << 20, 100, 2, false).rows_per_team == 256);
  // ... which many teams had better not share: x is read twice, by still wider tiles.
  CHECK(tiles(1 << 14, 20000, 4, false).kernel == Kernel::ColumnTiles);
  CHECK(tiles(1 << 13, 32769, 4, false).kernel == Kernel::StreamedTiles);
  CHECK(tiles(1 << 13, 32769, 4, false).rows_per_team == 256);
  // Rows of y that are written value by value are the longer, the narrower tiles are.
  CHECK(tiles(1 << 18, 1001, 4, false, 1, Neighbours::in_row).rows_per_team == 16);
  CHECK(tiles(1 << 15, 12001, 4, false, 1, Neighbours::in_row).rows_per_team == 32);
}

TEST_CASE("teams share a tile as long as there are no others that idle ones could have", "[schedule]") {
  using rownorm::Neighbours;
  const auto kernel = [](std::int64_t rows, std::int64_t columns) {
    return choose_schedule({.rows = rows,
                            .columns = columns,
                            .x_value_bytes = 4,
                            .x_neighbours = Neighbours::in_column,
                            .y_neighbours = Neighbours::in_column,
                            .is_dense = false},
                           machines::hopper);
  };
  CHECK(kernel(32, 180000).kernel == Kernel::ColumnTiles);
  CHECK(kernel(32, 180000).teams_per_row > machines::hopper.processors);
  CHECK(kernel(4096, 180000).kernel == Kernel::StreamedTiles);
  // Of few tiles that are read twice narrower ones, each of which fewer teams share.
  CHECK(kernel(4096, 180000).rows_per_team == 64);
  CHECK(kernel(256, 180000).rows_per_team == 32);
}

TEST_CASE("TeamPerRow on a GPU", "[schedule]") {
  const auto schedule = [](std::int64_t rows, std::int64_t columns) {
    return schedule_with(Kernel::TeamPerRow, {rows, columns, 4}, machines::ada);
  };
  const auto expected = [](int league, int team, int lanes) {
    return Schedule{.kernel = Kernel::TeamPerRow, .league_size = league, .team_size = team, .vector_length = lanes};
  };
  // Long rows: teams of 1024 threads, of which a processor with 1536 holds one.
  CHECK(schedule(32768, 65535) == expected(32768, 1024, 1));
  // 16 elements a thread.
  CHECK(schedule(32768, 4096) == expected(32768, 256, 1));
  CHECK(schedule(65536, 1023) == expected(65536, 64, 1));
  // No team of one warp where a row is long enough for two.
  CHECK(schedule(262144, 256) == expected(262144, 64, 1));
  CHECK(schedule(262144, 255) == expected(262144, 32, 1));
  // A row no longer than a warp is served by vector lanes.
  CHECK(schedule(1 << 20, 16) == expected(1 << 20, 1, 16));
  CHECK(schedule(1 << 20, 5) == expected(1 << 20, 1, 8));
  // A few rows get large teams, since nothing else keeps 128 processors busy.
  CHECK(schedule(128, 8192) == expected(128, 1024, 1));
  CHECK(schedule(1, 1 << 28) == expected(1, 1024, 1));
}

TEST_CASE("more rows than a launch can count", "[schedule]") {
  const std::int64_t rows = (1LL << 32) + 1;
  const Schedule s = schedule_with(Kernel::TeamPerRow, {rows, 8, 4}, machines::hopper);
  // Twice the league must fit an int: Kokkos' CUDA backend adds it to the rank of each team.
  CHECK(s.rows_per_team == 5);
  CHECK(s.league_size == 858993460);
}

TEST_CASE("host threads share the rows, and a row where rows are fewer", "[schedule][host]") {
  const auto expected = [](std::int64_t rows, int league, int team) {
    return Schedule{.kernel = Kernel::TeamPerRow, .rows_per_team = rows, .league_size = league, .team_size = team};
  };
  const auto plain = [](const Problem& problem, const Machine& machine) {
    return schedule_with(Kernel::TeamPerRow, problem, machine);
  };
  CHECK(plain({1 << 20, 64, 4}, machines::host(16)) == expected(2048, 512, 1));
  CHECK(plain({1000, 65535, 4}, machines::host(2)) == expected(16, 63, 1));
  CHECK(plain({100, 65535, 4}, machines::host(16)) == expected(1, 100, 1));
  CHECK(plain({4, 1 << 24, 4}, machines::host(16)) == expected(1, 4, 4));
  CHECK(plain({1, 1 << 24, 4}, machines::host(16)) == expected(1, 1, 16));
  CHECK(plain({1, 1 << 24, 4}, machines::host(1)) == expected(1, 1, 1));
  CHECK(plain({1, 1000, 4}, machines::host(16)).team_size == 1);  // too short to share
}

TEST_CASE("what host threads do with rows", "[schedule][host]") {
  // 32 MiB of cache that threads share, 1 MiB for each.
  const auto schedule = [](const Problem& problem, int threads) {
    return choose_schedule(problem, machines::host(threads));
  };
  const auto expected = [](std::int64_t rows, int league, int team, bool overlap, bool bypass_cache) {
    return Schedule{.kernel = Kernel::HostRow,
                    .rows_per_team = rows,
                    .league_size = league,
                    .team_size = team,
                    .overlap = overlap,
                    .bypass_cache = bypass_cache};
  };
  // Consecutive rows for each thread; two of a thread's rows fit the cache.
  CHECK(schedule({1 << 20, 64, 4}, 16) == expected(1 << 16, 16, 1, true, true));
  CHECK(schedule({4096, 65535, 4}, 2) == expected(2048, 2, 1, true, true));
  // One does, two do not.
  CHECK(schedule({1000, 1 << 19, 4}, 16) == expected(63, 16, 1, false, true));
  // The cache holds one row, but none for each thread.
  CHECK(schedule({100, 1 << 22, 4}, 16) == expected(100, 1, 16, false, true));
  // It does not even hold one.
  CHECK(schedule({16, 1 << 24, 4}, 16) == expected(1, 16, 1, false, true));
  // Rows do not come out even, or are fewer than threads.
  CHECK(schedule({17, 1 << 24, 4}, 16) == expected(17, 1, 16, false, true));
  CHECK(schedule({4, 1 << 20, 4}, 16) == expected(1, 4, 4, false, false));
  CHECK(schedule({1, 1 << 24, 4}, 1) == expected(1, 1, 1, false, true));
  CHECK(schedule({1, 1000, 4}, 16).team_size == 1);  // too short to share
  // y in cache, and too little work for all threads.
  CHECK(schedule({4, 1024, 4}, 16) == expected(1, 4, 1, true, false));
  CHECK_FALSE(schedule({64, 1024, 4}, 2).bypass_cache);

  Problem columns{.rows = 1 << 16, .columns = 1024, .x_value_bytes = 4};
  columns.x_neighbours = columns.y_neighbours = rownorm::Neighbours::in_column;
  const auto tiles = [&](std::int64_t rows, std::int64_t count, int threads) {
    columns.rows = rows;
    columns.columns = count;
    const Schedule s = schedule(columns, threads);
    return std::vector<std::int64_t>{s.tile_rows, s.team_size, s.league_size, s.rows_per_team, s.scratch_bytes};
  };
  using Expected = std::vector<std::int64_t>;
  CHECK(tiles(1 << 16, 64, 2) == Expected{1024, 1, 2, 1 << 15, 8 << 20});    // a page, which a thread's own cache holds
  CHECK(tiles(1 << 16, 1024, 2) == Expected{1024, 2, 1, 1 << 16, 8 << 20});  // threads share one
  CHECK(tiles(1 << 16, 1024, 16) == Expected{2048, 16, 1, 1 << 16, 1 << 20});  // two pages
  CHECK(tiles(1 << 16, 8192, 16) == Expected{512, 16, 1, 1 << 16, 1 << 20});   // half a page
  CHECK(tiles(1 << 16, 16384, 16) == Expected{1024, 16, 1, 1 << 16, 0});       // x is read twice
  CHECK(tiles(1 << 16, 16384, 1) == Expected{1024, 1, 1, 1 << 16, 0});
  CHECK(tiles(1 << 16, 200, 16) == Expected{1024, 1, 16, 1 << 12, 1 << 20});  // columns are too few to share
  CHECK(tiles(100, 1 << 20, 16) == Expected{128, 16, 1, 100, 0});             // fewer rows than threads have lines for
  CHECK(tiles(16, 1 << 10, 16) == Expected{16, 1, 1, 16, 1 << 20});           // too little to share
  columns.y_neighbours = rownorm::Neighbours::in_row;
  CHECK(tiles(1 << 16, 64, 2) == Expected{1024, 1, 2, 1 << 15, 8 << 20});  // turned in between
  CHECK(tiles(1 << 16, 1 << 16, 2) == Expected{64, 1, 2, 1 << 15, 0});
  columns.x_value_bytes = columns.y_value_bytes = 2;
  CHECK(schedule(columns, 2).kernel == Kernel::TeamPerRow);
}

TEST_CASE("what host threads do with gradients", "[schedule][host][backward]") {
  const auto gradients = [](std::int64_t rows, std::int64_t columns) {
    Problem problem{.rows = rows, .columns = columns, .x_value_bytes = 4};
    problem.y_value_bytes = 4;
    problem.arrays_read = 2;
    return problem;
  };
  const Schedule many = choose_schedule(gradients(1 << 20, 64), machines::host(16));
  CHECK(many == Schedule{.kernel = Kernel::HostRow,
                         .rows_per_team = 1 << 16,
                         .league_size = 16,
                         .overlap = true,
                         .bypass_cache = true});
  // The caches hold no two rows of both arrays for each thread.
  CHECK_FALSE(choose_schedule(gradients(64, 1 << 18), machines::host(16)).overlap);
  CHECK_FALSE(choose_schedule(gradients(64, 1024), machines::host(16)).bypass_cache);
  // Too few rows, rows that are no neighbours in memory, and results of another type.
  CHECK(choose_schedule(gradients(16, 1 << 20), machines::host(16)).kernel == Kernel::HostRow);
  CHECK(choose_schedule(gradients(15, 1 << 20), machines::host(16)).kernel == Kernel::TeamPerRow);
  Problem other = gradients(1 << 12, 1 << 12);
  other.x_neighbours = other.y_neighbours = rownorm::Neighbours::in_column;
  CHECK(choose_schedule(other, machines::host(16)).kernel == Kernel::TeamPerRow);
  other = gradients(1 << 12, 1 << 12);
  other.is_compiled = false;
  CHECK(choose_schedule(other, machines::host(16)).kernel == Kernel::TeamPerRow);
  // A batch is cut where a matrix of rows would be.
  Problem batch = gradients(1 << 20, 64);
  batch.batches = 1 << 10;
  batch.is_dense = false;
  CHECK(choose_schedule(batch, machines::host(16)) == many);
}

TEST_CASE("what host threads do with batches", "[schedule][host][batches]") {
  using rownorm::Neighbours;
  const auto schedule = [](std::int64_t batches, std::int64_t rows, std::int64_t columns, Neighbours x, Neighbours y) {
    Problem problem{.rows = batches * rows, .columns = columns, .x_value_bytes = 4};
    problem.y_value_bytes = 4;
    problem.x_neighbours = x;
    problem.y_neighbours = y;
    problem.is_dense = false;
    problem.batches = batches;
    return choose_schedule(problem, machines::host(16));
  };
  // Rows whose elements are neighbours: those of all matrices are shared out alike.
  const Schedule rows = schedule(1000, 80, 512, Neighbours::in_row, Neighbours::in_row);
  CHECK(rows.kernel == Kernel::HostRow);
  CHECK(rows.rows_per_team == 5000);
  CHECK(rows.league_size == 16);
  // Side by side: whole matrices for each thread, in tiles that are no higher than a matrix.
  for (const Neighbours y : {Neighbours::in_column, Neighbours::in_row}) {
    const Schedule tiles = schedule(1000, 64, 128, Neighbours::in_column, y);
    CHECK(tiles.kernel == Kernel::HostRow);
    CHECK(tiles.team_size == 1);
    CHECK(tiles.rows_per_team % 64 == 0);
    CHECK(tiles.league_size == 16);
  }
  CHECK(schedule(1000, 64, 128, Neighbours::in_column, Neighbours::in_column).tile_rows == 64);
  // Fewer matrices than threads: threads have lines of columns instead.
  const Schedule few = schedule(2, 1 << 12, 128, Neighbours::in_column, Neighbours::in_column);
  CHECK(few.league_size == 16);
  CHECK(few.rows_per_team == 512);
}

TEST_CASE("explain says what runs and why", "[schedule][explain]") {
  using Catch::Matchers::ContainsSubstring;
  const auto text = [](const Problem& problem, const Machine& machine) {
    return explain(choose_schedule(problem, machine), problem, machine);
  };
  const Problem problem{32768, 65535, 4};
  const std::string plain = explain(schedule_with(Kernel::TeamPerRow, problem, machines::ada), problem, machines::ada);
  CHECK_THAT(plain, ContainsSubstring("TeamPerRow: one team a row, 1024 threads"));
  CHECK_THAT(plain, ContainsSubstring("128 rows under way"));
  CHECK_THAT(text(problem, machines::hopper), ContainsSubstring("RowAcrossTeams: 1 team a row"));
  CHECK_THAT(text({1 << 20, 64, 4}, machines::ada),
             ContainsSubstring("32 rows a team, each held in registers by 8 lanes"));
  CHECK_THAT(text({1, 1 << 24, 4}, machines::host(16)), ContainsSubstring("16 threads a row"));
  CHECK_THAT(text({1 << 20, 64, 4}, machines::host(16)), ContainsSubstring("16 threads with 65536 consecutive rows"));
  CHECK_THAT(text({1 << 20, 64, 4}, machines::host(16)), ContainsSubstring("past the caches"));
  CHECK_THAT(text({64, 64, 4}, machines::host(16)), ContainsSubstring("through the caches"));
  const std::string instructions = rownorm::impl::host_instructions();
  CHECK_THAT(text({64, 64, 4}, machines::host(16)),
             ContainsSubstring(instructions.empty() ? "built without Highway" : instructions));
  CHECK_THAT(text({0, 5, 4}, machines::hopper), ContainsSubstring("nothing to do"));
}

TEMPLATE_LIST_TEST_CASE("the machine is read from the execution space", "[machine]", rownorm::tests::Spaces) {
  const TestType exec;
  const Machine machine = rownorm::machine_of(exec);
  CHECK((machine.kind == Machine::Kind::host) ==
        bool(Kokkos::SpaceAccessibility<TestType, Kokkos::HostSpace>::accessible));
  CHECK(machine.processors * machine.threads_per_processor == exec.concurrency());
  CHECK(machine.max_team_threads >= 1);
  CHECK(is_power_of_two(machine.vector_lanes));
  if (machine.kind == Machine::Kind::gpu) CHECK(machine.cache_bytes > 0);
  CHECK_FALSE(rownorm::device_name(exec).empty());
}
