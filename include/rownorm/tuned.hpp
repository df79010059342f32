// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_TUNED_HPP
#define ROWNORM_TUNED_HPP

#include <string>
#include <vector>

#include <Kokkos_Core.hpp>

#include <rownorm/impl/tuning_tool.hpp>
#include <rownorm/machine.hpp>
#include <rownorm/schedule.hpp>

namespace rownorm {

/// What was measured of a problem on a machine, and which schedule was the fastest.
struct Tuned {
  Machine machine;
  std::string device;  ///< its name
  Problem problem;
  Schedule schedule;
  double seconds = 0;         ///< that a call takes with this schedule
  double seconds_before = 0;  ///< and with the one that choose_schedule chooses
};

/// What a call runs: the schedule that was tuned for exactly this problem on exactly this machine, where there is one,
/// and else that of choose_schedule. Tuned schedules belong to the process. Calls from several threads are safe.
Schedule schedule_for(const Problem& problem, const Machine& machine);

/// All that calls would use, in the order of machines and problems.
std::vector<Tuned> tuned_schedules();

/// From now on calls use this schedule for its problem and machine, instead of any that was tuned for them before.
/// Throws std::invalid_argument if it is none of their candidate_schedules, which alone are known to be right, or if
/// its seconds are not finite.
void use_tuned_schedule(const Tuned& tuned);

/// From now on calls use what choose_schedule chooses.
void forget_tuned_schedules();

/// From now on (or no longer) calls ask the tuning tool that is loaded into Kokkos, if there is one, which of their
/// candidate_schedules to run. That needs a Kokkos that was built with Kokkos_ENABLE_TUNING; else it changes nothing.
///
/// Each launch is a tuning context. Its inputs are `rownorm.rows`, `rownorm.columns`, `rownorm.batches` and
/// `rownorm.kind`, a number for all else that a Problem says; its output is `rownorm.schedule.<n>`, one of the n
/// numbers of candidates from 0 on, and the schedule of schedule_for if the tool does not set it. So that the tool
/// measures kernels, calls then wait for their own, one at a time: do not capture them in a graph.
void follow_tuning_tool(bool follow = true);

namespace impl {

/// False as long as calls can do without asking anybody: nothing was tuned, and no tool is followed.
bool is_anything_tuned();

/// launch(schedule), with the schedule of a call for the problem.
template <class Exec, class Launch>
void with_schedule(const Exec& exec, const Problem& problem, const Launch& launch) {
  const Machine machine = machine_of(exec);
  if (!is_anything_tuned()) return launch(choose_schedule(problem, machine));
  if (!asks_tuning_tool()) return launch(schedule_for(problem, machine));
  const TuningContext context(problem, candidate_schedules(problem, machine), schedule_for(problem, machine));
  launch(context.schedule());
  exec.fence("rownorm: a tuning tool measures");
}

}  // namespace impl

}  // namespace rownorm

#endif
