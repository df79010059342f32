// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_DRIVER_MEASURE_HPP
#define ROWNORM_DRIVER_MEASURE_HPP

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include <Kokkos_Core.hpp>
#include <rownorm/rownorm.hpp>
#include <rownorm/tune.hpp>

#include "matrix.hpp"
#include "options.hpp"
#include "output_file.hpp"
#include "reference.hpp"

namespace driver {

struct Timing {
  double median;  ///< seconds, as the others
  double min;
  double max;
};

struct Result {
  std::string device;
  rownorm::Schedule schedule;
  std::string explanation;
  std::optional<rownorm::Tuned> tuned;  ///< what a file says of it
  Timing timing;
  double bytes_per_second;
  double copy_bytes_per_second;
  std::optional<double> max_error_ulp;  ///< where it was checked
};

inline constexpr bool device_is_host = std::is_same_v<Exec::memory_space, Kokkos::HostSpace>;

/// Times `repeats` calls of f, each until the device is done with it, after one that warms up.
template <class F>
Timing time(const Exec& exec, const char* what, int repeats, const F& f) {
  f();
  exec.fence(what);
  const bool watched = ::isatty(STDERR_FILENO) == 1;
  bool progress_shown = false;
  std::vector<double> seconds;
  const Kokkos::Timer total;
  for (int repeat = 0; repeat < repeats; ++repeat) {
    if (watched && total.seconds() > 1) {
      fmt::print(stderr, "\r{}: {} of {}", what, repeat, repeats);
      std::fflush(stderr);
      progress_shown = true;
    }
    const Kokkos::Timer timer;
    f();
    exec.fence(what);
    seconds.push_back(timer.seconds());
  }
  if (progress_shown) fmt::print(stderr, "\r\033[K");
  std::sort(seconds.begin(), seconds.end());
  const std::size_t middle = seconds.size() / 2;
  const double median = seconds.size() % 2 ? seconds[middle] : (seconds[middle - 1] + seconds[middle]) / 2;
  return {median, seconds.front(), seconds.back()};
}

/// The rate of a copy that moves as many bytes as normalisation does, the measure of what the memory can give.
template <class T>
double copy_rate(const Exec& exec, int repeats, const DeviceBuffer<T>& x, const DeviceBuffer<T>& y) {
  const bool in_place = x.data() == y.data();
  const std::size_t count = in_place ? x.size() / 2 : x.size();
  const auto source = Kokkos::subview(x, Kokkos::make_pair(std::size_t{0}, count));
  const auto target = Kokkos::subview(y, Kokkos::make_pair(y.size() - count, y.size()));
  const Timing timing = time(exec, "copy", repeats, [&] { Kokkos::deep_copy(exec, target, source); });
  return 2.0 * static_cast<double>(count * sizeof(T)) / timing.median;
}

/// Has calls run what the file of tuned schedules says of the problem. Where it says nothing, finds out, and adds it.
inline rownorm::Tuned tune_by(const std::string& path, const Exec& exec, const rownorm::Problem& problem) {
  if (std::filesystem::exists(path)) rownorm::load_tuned_schedules(path);
  for (const rownorm::Tuned& known : rownorm::tuned_schedules())
    if (known.problem == problem && known.machine == rownorm::machine_of(exec)) return known;
  const rownorm::Tuned tuned = rownorm::tune(exec, problem);
  rownorm::save_tuned_schedules(path);
  return tuned;
}

/// Runs what the options ask for. T is the type that holds their dtype.
template <class T>
Result measure(const Options& options, OutputFile* output) {
  const Exec exec;
  const Placement place = placement(options);
  // A copy within one buffer needs two halves, even if the matrix has one element.
  const std::size_t size = std::max<std::int64_t>(place.buffer_size(), 2);
  const DeviceBuffer<T> x("x", size);
  const DeviceBuffer<T> y = options.in_place ? x : DeviceBuffer<T>("y", size);

  // Where the device is the host, its memory serves the host as well; but in place x does not outlive the first call.
  HostBuffer<T> host_x;
  if constexpr (device_is_host) host_x = x;
  if (options.in_place || !device_is_host) host_x = HostBuffer<T>("host_x", size);
  if (options.input)
    read(*options.input, options, host_x);
  else
    generate(options, host_x);
  const auto load_x = [&] { Kokkos::deep_copy(exec, x, host_x); };

  Result result;
  const rownorm::Machine machine = rownorm::machine_of(exec);
  const char* const unit = machine.kind == rownorm::Machine::Kind::gpu ? "processor" : "thread";
  result.device = fmt::format("{}, {} {}{}", rownorm::device_name(exec), machine.processors, unit,
                              machine.processors == 1 ? "" : "s");
  const Matrix<T> x_matrix = matrix(x, place), y_matrix = matrix(y, place);
  const rownorm::Problem problem = rownorm::problem_of(x_matrix, y_matrix);
  if (!options.tune.empty()) result.tuned = tune_by(options.tune, exec, problem);
  result.schedule = rownorm::schedule_for(problem, machine);
  result.explanation = rownorm::explain(result.schedule, problem, machine);

  load_x();
  result.copy_bytes_per_second = copy_rate(exec, options.repeats, x, y);
  if (options.in_place) load_x();

  const auto normalize = [&] { rownorm::l1_normalize(exec, x_matrix, y_matrix, {.epsilon = options.epsilon}); };
  result.timing = time(exec, "normalize", options.repeats, normalize);
  const double bytes = 2.0 * static_cast<double>(place.rows) * static_cast<double>(place.columns) * sizeof(T);
  result.bytes_per_second = bytes / result.timing.median;

  if (options.in_place) {
    load_x();
    normalize();
  }
  if (!options.check && output == nullptr) return result;
  HostBuffer<T> host_y;
  if constexpr (device_is_host)
    host_y = y;
  else
    host_y = HostBuffer<T>("host_y", size);
  Kokkos::deep_copy(exec, host_y, y);
  exec.fence("rownorm_driver: y is on the host");
  if (options.check) result.max_error_ulp = largest_ulp_error(options, host_x, host_y);
  if (output != nullptr) write(host_y, options, *output);
  return result;
}

}  // namespace driver

#endif
