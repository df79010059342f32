// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What would run where: asked of machines that need not be there.
#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <cstdint>
#include <rownorm/rownorm.hpp>

#include "support/types.hpp"

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
  for (const Machine& machine : all_machines)
    for (const std::int64_t rows : sizes)
      for (const std::int64_t columns : sizes)
        for (const int value_bytes : {2, 4, 8}) {
          CAPTURE(rows, columns, value_bytes, machine.processors);
          const Schedule s = choose_schedule({rows, columns, value_bytes}, machine);
          REQUIRE(s.league_size > 0);
          REQUIRE(s.league_size <= 1 << 30);
          REQUIRE(s.team_size > 0);
          REQUIRE(is_power_of_two(s.vector_length));  // others abort in Kokkos 5.1
          REQUIRE(s.vector_length <= machine.vector_lanes);
          REQUIRE(s.team_size * s.vector_length <= machine.max_team_threads);
          // Every row is served, and no team is without one.
          REQUIRE(s.rows_per_team > 0);
          REQUIRE(s.league_size * s.rows_per_team >= rows);
          REQUIRE((s.league_size - 1) * s.rows_per_team < rows);
          // Pure: the same question has the same answer.
          REQUIRE(choose_schedule({rows, columns, value_bytes}, machine) == s);
        }
}

TEST_CASE("a problem without elements gets no teams", "[schedule]") {
  for (const Machine& machine : all_machines) {
    CHECK(choose_schedule({0, 7, 4}, machine).league_size == 0);
    CHECK(choose_schedule({7, 0, 4}, machine).league_size == 0);
  }
}

TEST_CASE("an Ada GPU with 128 processors", "[schedule][ada]") {
  // Long rows: teams of 1024 threads, of which a processor with 1536 holds one.
  CHECK(choose_schedule({32768, 65535, 4}, machines::ada) == Schedule{Kernel::TeamPerRow, 1, 32768, 1024, 1});
  // 16 elements a thread.
  CHECK(choose_schedule({32768, 4096, 4}, machines::ada) == Schedule{Kernel::TeamPerRow, 1, 32768, 256, 1});
  CHECK(choose_schedule({65536, 1023, 4}, machines::ada) == Schedule{Kernel::TeamPerRow, 1, 65536, 64, 1});
  // No team of one warp where a row is long enough for two.
  CHECK(choose_schedule({262144, 256, 4}, machines::ada) == Schedule{Kernel::TeamPerRow, 1, 262144, 64, 1});
  CHECK(choose_schedule({262144, 255, 4}, machines::ada) == Schedule{Kernel::TeamPerRow, 1, 262144, 32, 1});
  // A row no longer than a warp is served by vector lanes.
  CHECK(choose_schedule({1 << 20, 16, 4}, machines::ada) == Schedule{Kernel::TeamPerRow, 1, 1 << 20, 1, 16});
  CHECK(choose_schedule({1 << 20, 5, 4}, machines::ada) == Schedule{Kernel::TeamPerRow, 1, 1 << 20, 1, 8});
  // A few rows get large teams, since nothing else keeps 128 processors busy.
  CHECK(choose_schedule({128, 8192, 4}, machines::ada) == Schedule{Kernel::TeamPerRow, 1, 128, 1024, 1});
  CHECK(choose_schedule({1, 1 << 28, 4}, machines::ada) == Schedule{Kernel::TeamPerRow, 1, 1, 1024, 1});
}

TEST_CASE("more rows than a launch can count", "[schedule]") {
  const std::int64_t rows = (1LL << 32) + 1;
  const Schedule s = choose_schedule({rows, 8, 4}, machines::hopper);
  // Twice the league must fit an int: Kokkos' CUDA backend adds it to the rank of each team.
  CHECK(s.rows_per_team == 5);
  CHECK(s.league_size == 858993460);
}

TEST_CASE("host threads share the rows, and a row where rows are fewer", "[schedule][host]") {
  CHECK(choose_schedule({1 << 20, 64, 4}, machines::host(16)) == Schedule{Kernel::TeamPerRow, 2048, 512, 1, 1});
  CHECK(choose_schedule({1000, 65535, 4}, machines::host(2)) == Schedule{Kernel::TeamPerRow, 16, 63, 1, 1});
  CHECK(choose_schedule({100, 65535, 4}, machines::host(16)) == Schedule{Kernel::TeamPerRow, 1, 100, 1, 1});
  CHECK(choose_schedule({4, 1 << 24, 4}, machines::host(16)) == Schedule{Kernel::TeamPerRow, 1, 4, 4, 1});
  CHECK(choose_schedule({1, 1 << 24, 4}, machines::host(16)) == Schedule{Kernel::TeamPerRow, 1, 1, 16, 1});
  CHECK(choose_schedule({1, 1 << 24, 4}, machines::host(1)) == Schedule{Kernel::TeamPerRow, 1, 1, 1, 1});
  CHECK(choose_schedule({1, 1000, 4}, machines::host(16)).team_size == 1);  // too short to share
}

TEST_CASE("explain says what runs and why", "[schedule][explain]") {
  using Catch::Matchers::ContainsSubstring;
  const auto text = [](const Problem& problem, const Machine& machine) {
    return explain(choose_schedule(problem, machine), problem, machine);
  };
  CHECK_THAT(text({32768, 65535, 4}, machines::ada), ContainsSubstring("TeamPerRow: one team a row, 1024 threads"));
  CHECK_THAT(text({32768, 65535, 4}, machines::ada), ContainsSubstring("128 rows under way"));
  CHECK_THAT(text({1, 1 << 24, 4}, machines::host(16)), ContainsSubstring("fewer rows than processors"));
  CHECK_THAT(text({1 << 20, 64, 4}, machines::host(16)), ContainsSubstring("2048 consecutive rows"));
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
