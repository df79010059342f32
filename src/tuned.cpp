// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <algorithm>
#include <atomic>
#include <cmath>
#include <map>
#include <mutex>
#include <rownorm/tuned.hpp>
#include <shared_mutex>
#include <stdexcept>
#include <utility>
#include <vector>

namespace rownorm {

namespace {

constinit std::atomic<bool> has_any = false;  // tuned schedules
constinit std::atomic<bool> follows_tool = false;

/// The tuned schedules of this process.
struct Table {
  std::shared_mutex mutex;
  std::map<std::pair<Machine, Problem>, Tuned> schedules;
};

Table& table() {
  static Table table;
  return table;
}

}  // namespace

Schedule schedule_for(const Problem& problem, const Machine& machine) {
  if (has_any.load(std::memory_order_relaxed)) {
    const std::shared_lock lock(table().mutex);
    const auto found = table().schedules.find({machine, problem});
    if (found != table().schedules.end()) return found->second.schedule;
  }
  return choose_schedule(problem, machine);
}

std::vector<Tuned> tuned_schedules() {
  const std::shared_lock lock(table().mutex);
  std::vector<Tuned> all;
  for (const auto& [key, tuned] : table().schedules) all.push_back(tuned);
  return all;
}

void use_tuned_schedule(const Tuned& tuned) {
  const std::vector<Schedule> candidates = candidate_schedules(tuned.problem, tuned.machine);
  if (std::find(candidates.begin(), candidates.end(), tuned.schedule) == candidates.end())
    throw std::invalid_argument("rownorm::use_tuned_schedule: tuned.schedule, of " +
                                std::string(to_string(tuned.schedule.kernel)) + ", is no candidate for " +
                                std::to_string(tuned.problem.rows) + " x " + std::to_string(tuned.problem.columns) +
                                " on tuned.machine");
  if (!std::isfinite(tuned.seconds) || !std::isfinite(tuned.seconds_before))
    throw std::invalid_argument("rownorm::use_tuned_schedule: tuned.seconds and tuned.seconds_before must be finite");
  const std::unique_lock lock(table().mutex);
  table().schedules.insert_or_assign({tuned.machine, tuned.problem}, tuned);
  has_any.store(true, std::memory_order_relaxed);
}

void forget_tuned_schedules() {
  const std::unique_lock lock(table().mutex);
  table().schedules.clear();
  has_any.store(false, std::memory_order_relaxed);
}

void follow_tuning_tool(bool follow) { follows_tool.store(follow, std::memory_order_relaxed); }

namespace impl {

bool is_anything_tuned() {
  return has_any.load(std::memory_order_relaxed) || follows_tool.load(std::memory_order_relaxed);
}

bool asks_tuning_tool() {
  return follows_tool.load(std::memory_order_relaxed) && Kokkos::Tools::Experimental::have_tuning_tool();
}

}  // namespace impl

}  // namespace rownorm
