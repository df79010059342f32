// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_IMPL_TUNING_TOOL_HPP
#define ROWNORM_IMPL_TUNING_TOOL_HPP

#include <cstddef>
#include <mutex>
#include <rownorm/schedule.hpp>
#include <vector>

namespace rownorm::impl {

/// True where a tool is to be followed, and one is there.
bool asks_tuning_tool();

/// A question to the tool that is loaded into Kokkos, and what it measures, to the end of this object. There is one at
/// a time.
class TuningContext {
 public:
  TuningContext(const Problem& problem, const std::vector<Schedule>& candidates, const Schedule& otherwise);
  ~TuningContext();
  TuningContext(const TuningContext&) = delete;
  TuningContext& operator=(const TuningContext&) = delete;

  const Schedule& schedule() const { return schedule_; }

 private:
  std::unique_lock<std::mutex> lock_;
  std::size_t id_;
  Schedule schedule_;
};

}  // namespace rownorm::impl

#endif
