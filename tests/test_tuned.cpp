// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Which schedules calls run: those that were tuned, and those that a tuning tool asks for.
#include <algorithm>
#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <cmath>
#include <cstdint>
#include <limits>
#include <rownorm/rownorm.hpp>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "support/matrix.hpp"
#include "support/random.hpp"
#include "support/tools.hpp"

using namespace rownorm::tests;
using rownorm::Kernel;
using rownorm::Machine;
using rownorm::Problem;
using rownorm::Schedule;
using rownorm::Tuned;

namespace {

using SameTypes = Grid<Spaces, SameValues, std::tuple<Layouts<Right, Right>>>::type;

/// Leaves nothing tuned behind.
struct Untuned {
  Untuned() { rownorm::forget_tuned_schedules(); }
  ~Untuned() { rownorm::forget_tuned_schedules(); }
};

template <class Exec>
struct Arrays {
  Kokkos::View<float**, Right, Exec> x{"x", 64, 500}, y{"y", 64, 500};
  Problem problem = rownorm::problem_of(x, y);
  Machine machine = rownorm::machine_of(Exec());

  Tuned with(Kernel kernel) const {
    return {.machine = machine,
            .device = "one",
            .problem = problem,
            .schedule = schedule_with(kernel, problem, machine),
            .seconds = 1,
            .seconds_before = 2};
  }
};

}  // namespace

TEMPLATE_LIST_TEST_CASE("every candidate gives right results", "[tuned]", SameTypes) {
  using Exec = typename TestType::execution_space;
  using T = typename TestType::x_type;
  std::size_t most_candidates = 0;
  for (const auto& [rows, columns] :
       {std::pair(64, 16), std::pair(1000, 7), std::pair(130, 256), std::pair(65, 1031), std::pair(8, 40000)}) {
    const Reals x = random_rows<T>(rows, columns, 3);
    const long double epsilon = epsilon_as_seen<T, T>(1e-8);
    const Expected<T> expected(x, columns, epsilon), of_roots(x, columns, epsilon, rownorm::RootMeanSquare{});
    for (const Placements& at : all_placements(rows, columns)) {
      Buffer<Exec, T> x_buffer(at.x.length()), y_buffer(at.y.length());
      x_buffer.put(at.x, x);
      const auto x_view = view_at<const T, Stride, Exec>(x_buffer.data(), at.x);
      const auto y_view = view_at<T, Stride, Exec>(y_buffer.data(), at.y);
      const Problem plain = rownorm::problem_of(x_view, y_view);
      Problem roots = plain;
      roots.takes_roots = roots.has_extras = true;
      const Kokkos::View<double*, Exec> norms("norms", rows);
      for (const Problem& problem : {plain, roots}) {
        const auto candidates = candidate_schedules(problem, rownorm::machine_of(Exec()));
        REQUIRE(!candidates.empty());
        most_candidates = std::max(most_candidates, candidates.size());
        for (const Schedule& schedule : candidates) {
          CAPTURE(rows, columns, at.x.row_stride, at.y.row_stride, problem.takes_roots, to_string(schedule.kernel),
                  schedule.team_size, schedule.packets_per_lane, schedule.teams_per_row);
          y_buffer.poison_all();
          if (!problem.takes_roots) {
            normalize_with(schedule, Exec(), x_view, y_view);
            CHECK(expected.worst_ulp(y_buffer.get(at.y)) <= Format<T>::promised_ulp);
            continue;
          }
          normalize_with(schedule, Exec(), x_view, y_view,
                         rownorm::Parameters<rownorm::RootMeanSquare>{.norm = {}, .epsilon = 1e-8}, extras_with(norms));
          CHECK(of_roots.worst_ulp(y_buffer.get(at.y)) <= Format<T>::promised_ulp);
          const auto norms_on_host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), norms);
          for (int i = 0; i < rows; ++i)
            CHECK(std::abs(norms_on_host(i) - of_roots.norms()[static_cast<std::size_t>(i)]) <=
                  1e-6L * of_roots.norms()[static_cast<std::size_t>(i)]);
        }
      }
    }
  }
  CHECK(most_candidates > 2);
}

TEMPLATE_LIST_TEST_CASE("calls run what was tuned, for that problem on that machine", "[tuned]", Spaces) {
  const Untuned untuned;
  const Arrays<TestType> arrays;
  const auto kernel_of_call = [](const auto& x, const auto& y) {
    const Listener listener;
    rownorm::l1_normalize(TestType(), x, y);
    REQUIRE(listener.rownorm_launches() == 1);
    return listener.launches().at(0);
  };
  const std::string before = kernel_of_call(arrays.x, arrays.y);
  REQUIRE(before != "rownorm::TeamPerRow");

  rownorm::use_tuned_schedule(arrays.with(Kernel::TeamPerRow));
  CHECK(kernel_of_call(arrays.x, arrays.y) == "rownorm::TeamPerRow");
  CHECK(schedule_for(arrays.problem, arrays.machine).kernel == Kernel::TeamPerRow);
  CHECK(choose_schedule(arrays.problem, arrays.machine).kernel != Kernel::TeamPerRow);
  REQUIRE(rownorm::tuned_schedules().size() == 1);
  CHECK(rownorm::tuned_schedules()[0].device == "one");

  // Others are not concerned.
  const auto some = [](const auto& view) { return Kokkos::subview(view, std::pair(0, 63), Kokkos::ALL); };
  CHECK(kernel_of_call(some(arrays.x), some(arrays.y)) == before);
  Machine other = arrays.machine;
  ++other.processors;
  CHECK(schedule_for(arrays.problem, other) == choose_schedule(arrays.problem, other));

  // The last word counts.
  Tuned same = arrays.with(Kernel::TeamPerRow);
  same.schedule = choose_schedule(arrays.problem, arrays.machine);
  rownorm::use_tuned_schedule(same);
  CHECK(kernel_of_call(arrays.x, arrays.y) == before);
  CHECK(rownorm::tuned_schedules().size() == 1);

  rownorm::use_tuned_schedule(arrays.with(Kernel::TeamPerRow));
  rownorm::forget_tuned_schedules();
  CHECK(kernel_of_call(arrays.x, arrays.y) == before);
  CHECK(rownorm::tuned_schedules().empty());
}

TEMPLATE_LIST_TEST_CASE("gradients run what was tuned", "[tuned]", Spaces) {
  const Untuned untuned;
  const Arrays<TestType> arrays;
  const Kokkos::View<float**, Right, TestType> g("g", 64, 500);
  Tuned tuned = arrays.with(Kernel::TeamPerRow);
  tuned.problem.arrays_read = 2;
  tuned.schedule = schedule_with(Kernel::TeamPerRow, tuned.problem, tuned.machine);
  rownorm::use_tuned_schedule(tuned);
  const Listener listener;
  rownorm::normalize_backward(TestType(), arrays.x, g, arrays.y);
  CHECK(listener.launches().at(0) == "rownorm::TeamPerRow");
}

TEST_CASE("a schedule that is no candidate is refused", "[tuned][errors]") {
  using Catch::Matchers::ContainsSubstring;
  const Untuned untuned;
  const Arrays<Kokkos::DefaultExecutionSpace> arrays;
  Tuned tuned = arrays.with(Kernel::TeamPerRow);
  tuned.schedule.rows_per_team += 1000;
  CHECK_THROWS_WITH(rownorm::use_tuned_schedule(tuned),
                    ContainsSubstring("rownorm::use_tuned_schedule: tuned.schedule") && ContainsSubstring("64 x 500"));
  tuned = arrays.with(Kernel::TeamPerRow);
  tuned.seconds = std::numeric_limits<double>::infinity();
  CHECK_THROWS_WITH(rownorm::use_tuned_schedule(tuned), ContainsSubstring("must be finite"));
  CHECK(rownorm::tuned_schedules().empty());
}

TEST_CASE("schedules may be tuned while others call", "[tuned][concurrency]") {
  const Untuned untuned;
  using Exec = Kokkos::DefaultHostExecutionSpace;
  const Arrays<Exec> arrays;
  std::thread tuning([&] {
    for (int k = 0; k < 200; ++k) {
      rownorm::use_tuned_schedule(arrays.with(Kernel::TeamPerRow));
      rownorm::forget_tuned_schedules();
    }
  });
  std::set<Kernel> seen;
  for (int k = 0; k < 20000; ++k) seen.insert(schedule_for(arrays.problem, arrays.machine).kernel);
  tuning.join();
  for (const Kernel kernel : seen)
    CHECK((kernel == Kernel::TeamPerRow || kernel == choose_schedule(arrays.problem, arrays.machine).kernel));
}

namespace {

/// A tuning tool that wants a candidate by its number.
struct Tool {
  static inline std::int64_t wanted = 0, asked_of = 0, offered = -1, rows = 0;
  static inline int begun = 0, ended = 0;

  Tool() : previous(Kokkos::Tools::Experimental::get_callbacks()) {
    using namespace Kokkos::Tools::Experimental;
    wanted = asked_of = rows = begun = ended = 0;
    set_declare_input_type_callback([](const char*, std::size_t, VariableInfo*) {});
    set_declare_output_type_callback([](const char*, std::size_t, VariableInfo*) {});
    set_begin_context_callback([](std::size_t) { ++begun; });
    set_end_context_callback([](std::size_t, VariableValue) { ++ended; });
    set_request_output_values_callback(
        [](std::size_t, std::size_t inputs, const VariableValue* input, std::size_t, VariableValue* output) {
          for (std::size_t k = 0; k < inputs; ++k)
            if (input[k].value.int_value == 64) rows = 64;
          asked_of = static_cast<std::int64_t>(output->metadata->candidates.set.size);
          offered = output->value.int_value;
          output->value.int_value = wanted;
        });
    rownorm::follow_tuning_tool();
  }
  ~Tool() {
    rownorm::follow_tuning_tool(false);
    Kokkos::Tools::Experimental::set_callbacks(previous);
  }

  Kokkos::Tools::Experimental::EventSet previous;
};

}  // namespace

TEMPLATE_LIST_TEST_CASE("calls run what a tuning tool asks for", "[tuned][tools]", Spaces) {
#ifndef KOKKOS_ENABLE_TUNING
  SKIP("Kokkos was built without Kokkos_ENABLE_TUNING");
#else
  const Untuned untuned;
  const Arrays<TestType> arrays;
  const auto candidates = candidate_schedules(arrays.problem, arrays.machine);
  Kokkos::deep_copy(arrays.x, 3.0F);
  const Tool tool;
  for (std::size_t k = 0; k < candidates.size(); ++k) {
    Tool::wanted = static_cast<std::int64_t>(k);
    const Listener listener;
    rownorm::l1_normalize(TestType(), arrays.x, arrays.y);
    CHECK(listener.launches().at(0) == std::string("rownorm::") + to_string(candidates[k].kernel));
    CHECK(Tool::asked_of == static_cast<std::int64_t>(candidates.size()));
    CHECK(Tool::offered == 0);  // what choose_schedule chooses
    CHECK(Tool::rows == 64);
    CHECK((Tool::begun == static_cast<int>(k) + 1 && Tool::ended == Tool::begun));
    CHECK(Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), arrays.y)(63, 499) == 1);
  }
  Tool::wanted = 1000;  // no candidate's number: its question is answered by the default
  const Listener listener;
  rownorm::l1_normalize(TestType(), arrays.x, arrays.y);
  CHECK(listener.launches().at(0) == std::string("rownorm::") + to_string(candidates[0].kernel));
  rownorm::follow_tuning_tool(false);
  const int begun = Tool::begun;
  rownorm::l1_normalize(TestType(), arrays.x, arrays.y);
  CHECK(Tool::begun == begun);
#endif
}
