// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The component RowNorm::tune.
#include <algorithm>
#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <random>
#include <rownorm/rownorm.hpp>
#include <rownorm/tune.hpp>
#include <string>
#include <thread>
#include <vector>

#include "support/tools.hpp"
#include "support/types.hpp"

using namespace rownorm::tests;
using Catch::Matchers::ContainsSubstring;
using rownorm::Kernel;
using rownorm::Neighbours;
using rownorm::Problem;
using rownorm::Schedule;
using rownorm::Tuned;

namespace {

/// A file of tuned schedules, in a folder of its own; nothing tuned is left behind.
struct File {
  File() {
    std::filesystem::create_directory(folder);
    rownorm::forget_tuned_schedules();
  }
  ~File() {
    rownorm::forget_tuned_schedules();
    std::filesystem::remove_all(folder);
  }

  nlohmann::json read() const { return nlohmann::json::parse(std::ifstream(path)); }
  void write(const std::string& text) const { std::ofstream(path) << text; }

  std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("rownorm_tune_" + std::to_string(std::random_device()()));
  std::string path = (folder / "tuned.json").string();
};

/// One that need not be measured.
Tuned tuned(std::int64_t rows, const rownorm::Machine& machine, Kernel kernel = Kernel::TeamPerRow) {
  const Problem problem{.rows = rows, .columns = 1000, .x_value_bytes = 4};
  return {.machine = machine,
          .device = "a device",
          .problem = problem,
          .schedule = schedule_with(kernel, problem, machine),
          .seconds = 0.5,
          .seconds_before = 0.75};
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("tune finds a candidate, and calls run it", "[tune]", Spaces) {
  const File file;
  const Kokkos::View<float**, Right, TestType> x("x", 300, 777), y("y", 300, 777);
  const Problem problem = rownorm::problem_of(x, y);
  const rownorm::Machine machine = rownorm::machine_of(TestType());
  const Tuned found = rownorm::tune(TestType(), problem);
  const auto candidates = candidate_schedules(problem, machine);
  CHECK(std::find(candidates.begin(), candidates.end(), found.schedule) != candidates.end());
  CHECK(found.problem == problem);
  CHECK(found.machine == machine);
  CHECK(found.device == rownorm::device_name(TestType()));
  CHECK(found.seconds > 0);
  CHECK(found.seconds <= found.seconds_before);
  // Only what is faster takes a place.
  CHECK((found.schedule == candidates[0]) == (found.seconds == found.seconds_before));
  CHECK(schedule_for(problem, machine) == found.schedule);
  Kokkos::deep_copy(x, -3.0F);
  rownorm::l1_normalize(TestType(), x, y);
  CHECK(Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), y)(299, 776) == -1);
}

TEMPLATE_LIST_TEST_CASE("arrays are made for every problem that calls may have", "[tune]", Spaces) {
  const Neighbours orders[] = {Neighbours::in_row, Neighbours::in_column, Neighbours::none};
  const rownorm::Machine machine = rownorm::machine_of(TestType());
  for (const int bytes : {2, 4, 8}) {
    if (bytes == 2 && sizeof(half_t) != 2) continue;
    for (const Neighbours x_order : orders)
      for (const Neighbours y_order : orders)
        for (const bool is_dense : {true, false})
          for (const bool is_aligned : {true, false})
            for (const bool have_same_phase : {true, false})
              for (const int arrays_read : {1, 2})
                for (const bool takes_roots : {false, true})
                  for (const std::int64_t batches : {1, 3}) {
                    // Not all of that goes together.
                    const bool by_rows = x_order == Neighbours::in_row && y_order == Neighbours::in_row;
                    if (is_dense && (!by_rows || batches > 1)) continue;
                    if (is_aligned && by_rows && !have_same_phase) continue;
                    const Problem problem = rownorm::impl::problem_of_call({.rows = 48,
                                                                            .columns = 64,
                                                                            .x_value_bytes = bytes,
                                                                            .x_neighbours = x_order,
                                                                            .y_neighbours = y_order,
                                                                            .is_aligned = is_aligned,
                                                                            .have_same_phase = have_same_phase,
                                                                            .is_dense = is_dense,
                                                                            .batches = batches,
                                                                            .arrays_read = arrays_read,
                                                                            .takes_roots = takes_roots});
                    CAPTURE(bytes, x_order, y_order, is_dense, is_aligned, have_same_phase, arrays_read, takes_roots,
                            batches);
                    rownorm::impl::with_value_of_size(bytes, [&]<class Value>() {
                      const rownorm::impl::Trial<TestType, Value> trial{TestType(), problem};
                      for (const Schedule& schedule : candidate_schedules(problem, machine))
                        CHECK_NOTHROW(trial.run(schedule));
                      return 0;
                    });
                  }
  }
  TestType().fence();
}

TEMPLATE_LIST_TEST_CASE("problems of views of every kind can be tuned", "[tune]", Spaces) {
  const File file;
  const TestType exec;
  const auto check = [&](const auto& x, const auto& y) {
    rownorm::Tuned found;
    REQUIRE_NOTHROW(found = rownorm::tune(exec, rownorm::problem_of(x, y)));
    CHECK(found.problem == rownorm::problem_of(x, y));
  };
  const Kokkos::View<float***, Right, TestType> cube("cube", 8, 100, 4);
  const Kokkos::View<float**, Right, TestType> y("y", 8, 100);
  check(Kokkos::subview(cube, Kokkos::ALL, Kokkos::ALL, 0), y);
  check(Kokkos::subview(cube, Kokkos::ALL, Kokkos::ALL, 1), Kokkos::subview(cube, Kokkos::ALL, Kokkos::ALL, 2));
  check(Kokkos::subview(cube, 0, Kokkos::ALL, 0), Kokkos::subview(y, 0, Kokkos::ALL));
  check(Kokkos::subview(cube, 0, Kokkos::ALL, Kokkos::ALL), Kokkos::subview(cube, 1, Kokkos::ALL, Kokkos::ALL));
  const Kokkos::View<float**, Left, TestType> left("left", 9, 100), other("other", 9, 100);
  check(left, other);
}

TEMPLATE_LIST_TEST_CASE("what was tuned for root mean squares, and gradients, serves these", "[tune]", Spaces) {
  const File file;
  const TestType exec;
  const Kokkos::View<float**, Right, TestType> x("x", 64, 500), y("y", 64, 500), g("g", 64, 500);
  const auto kernel_with = [&](Problem problem, const auto& call) {
    Tuned tuned = rownorm::tune(exec, problem);
    tuned.schedule = schedule_with(Kernel::TeamPerRow, tuned.problem, tuned.machine);
    rownorm::use_tuned_schedule(tuned);
    const Listener listener;
    call();
    return listener.launches().at(0);
  };
  Problem roots = rownorm::problem_of(x, y), gradient = roots, extras = roots;
  roots.takes_roots = true;
  extras.has_extras = true;
  gradient.arrays_read = 2;
  CHECK(kernel_with(roots, [&] { rownorm::normalize(exec, x, y, {.norm = rownorm::Euclidean{}}); }) ==
        "rownorm::TeamPerRow");
  CHECK(kernel_with(extras, [&] { rownorm::normalize(exec, x, y, {.norm = rownorm::MaxAbs{}}); }) ==
        "rownorm::TeamPerRow");
  CHECK(kernel_with(gradient, [&] { rownorm::normalize_backward(exec, x, g, y); }) == "rownorm::TeamPerRow");
}

TEST_CASE("the fastest candidate is found", "[tune]") {
  const File file;
  const Kokkos::DefaultHostExecutionSpace exec;
  const Problem problem{.rows = 1000, .columns = 300, .x_value_bytes = 4};
  const auto candidates = candidate_schedules(problem, rownorm::machine_of(exec));
  REQUIRE(candidates.size() > 1);
  struct Calls {
    Schedule fast;
    void run(const Schedule& schedule) const {
      std::this_thread::sleep_for(std::chrono::milliseconds(schedule == fast ? 1 : 3));
    }
  };
  for (const Schedule& fast : candidates) {
    const Tuned found = rownorm::impl::fastest_schedule(exec, problem, Calls{fast});
    CHECK(found.schedule == fast);
    CHECK(found.seconds >= 1e-3);
    if (fast != candidates[0]) CHECK(found.seconds_before >= 3e-3);
  }
}

TEST_CASE("what cannot be tuned is refused", "[tune][errors]") {
  const File file;
  const Kokkos::DefaultExecutionSpace exec;
  const Listener listener;
  const auto refused = [&](const Problem& problem, const std::string& why) {
    CHECK_THROWS_WITH(rownorm::tune(exec, problem),
                      ContainsSubstring("rownorm::tune: problem, ") && ContainsSubstring(why));
  };
  refused({.rows = 0, .columns = 7, .x_value_bytes = 4}, "0 x 7");
  refused({.rows = 7, .columns = 0, .x_value_bytes = 4}, "no elements");
  refused({.rows = 7, .columns = 5, .x_value_bytes = 4, .y_value_bytes = 8}, "of 4 and 8 bytes");
  refused({.rows = 7, .columns = 5, .x_value_bytes = 16}, "no real type");
  refused({.rows = 7, .columns = 5, .x_value_bytes = 4, .batches = 2}, "equally many rows");
  refused({.rows = 7, .columns = 5, .x_value_bytes = 4, .batches = 0}, "equally many rows");
  refused({.rows = 7, .columns = 5, .x_value_bytes = 4, .arrays_read = 3}, "neither 1 nor 2");
  refused({.rows = 7, .columns = 5, .x_value_bytes = 4, .is_aligned = true}, "all its properties");
  CHECK(rownorm::tuned_schedules().empty());
  CHECK(listener.launches().empty());
  CHECK(listener.allocations().empty());
}

TEST_CASE("tuned schedules are kept in a file", "[tune][file]") {
  const File file;
  const std::vector<Tuned> all = {tuned(10, rownorm::machines::hopper, Kernel::RowInRegisters),
                                  tuned(20, rownorm::machines::ada), tuned(30, rownorm::machines::host(4))};
  for (const Tuned& one : all) rownorm::use_tuned_schedule(one);
  rownorm::save_tuned_schedules(file.path);
  const auto json = file.read();
  REQUIRE(json.at("tuned").size() == 3);
  CHECK(json["tuned"][0]["device"] == "a device");

  rownorm::forget_tuned_schedules();
  rownorm::use_tuned_schedule(tuned(40, rownorm::machines::ada));
  CHECK(rownorm::load_tuned_schedules(file.path) == 3);
  CHECK(rownorm::tuned_schedules().size() == 4);
  for (const Tuned& one : all) {
    CHECK(schedule_for(one.problem, one.machine) == one.schedule);
    const std::vector<Tuned> now = rownorm::tuned_schedules();
    const auto found = std::find_if(now.begin(), now.end(), [&](const Tuned& t) { return t.problem == one.problem; });
    REQUIRE(found != now.end());
    CHECK(found->machine == one.machine);
    CHECK(found->device == one.device);
    CHECK(found->seconds == one.seconds);
    CHECK(found->seconds_before == one.seconds_before);
  }
  // A file is replaced as a whole, and nothing is left beside it.
  rownorm::forget_tuned_schedules();
  rownorm::save_tuned_schedules(file.path);
  CHECK(file.read().at("tuned").empty());
  CHECK(std::distance(std::filesystem::directory_iterator(file.folder), {}) == 1);
}

TEST_CASE("files that are none change nothing", "[tune][file][errors]") {
  const File file;
  rownorm::use_tuned_schedule(tuned(10, rownorm::machines::hopper));
  rownorm::use_tuned_schedule(tuned(20, rownorm::machines::hopper));
  rownorm::save_tuned_schedules(file.path);
  const auto right = file.read();
  rownorm::forget_tuned_schedules();
  const auto refused = [&](const std::string& why) {
    CHECK_THROWS_WITH(rownorm::load_tuned_schedules(file.path),
                      ContainsSubstring("rownorm::load_tuned_schedules: " + file.path) && ContainsSubstring(why));
    CHECK(rownorm::tuned_schedules().empty());
  };
  auto wrong = right;
  wrong["tuned"][1].erase("problem");  // after one that is right
  file.write(wrong.dump());
  refused("problem");
  wrong = right;
  wrong["format"] = 2;
  file.write(wrong.dump());
  refused("has format 2, not 1");
  file.write("{\"format\": 1");
  refused("is no file of tuned schedules");
  file.write("[]");
  refused("is no file of tuned schedules");
  std::filesystem::remove(file.path);
  refused("cannot be read");
  CHECK_THROWS_WITH(rownorm::save_tuned_schedules(file.path + "/no/such/folder"),
                    ContainsSubstring("rownorm::save_tuned_schedules: ") && ContainsSubstring("cannot be written"));

  // Schedules that are not known to be right are left out.
  wrong = right;
  wrong["tuned"][0]["schedule"]["team_size"] = 12345;
  wrong["tuned"][1]["schedule"]["kernel"] = "NoSuchKernel";
  file.write(wrong.dump());
  CHECK(rownorm::load_tuned_schedules(file.path) == 0);
  wrong = right;
  wrong["tuned"][0]["machine"]["kind"] = "a kind to come";
  wrong["tuned"][1]["problem"]["batches"] = 0;
  file.write(wrong.dump());
  CHECK(rownorm::load_tuned_schedules(file.path) == 0);
  wrong["tuned"][1]["machine"]["max_team_threads"] = 1;
  wrong["tuned"][1]["problem"] = right["tuned"][1]["problem"];
  file.write(wrong.dump());
  CHECK(rownorm::load_tuned_schedules(file.path) == 0);
  file.write(right.dump());
  CHECK(rownorm::load_tuned_schedules(file.path) == 2);
}
