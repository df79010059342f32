// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

/// rownorm_bench: times l1_normalize and its siblings against a copy of the same bytes. README.md says how it is used.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <Kokkos_Core.hpp>
#include <Kokkos_Random.hpp>
#include <nlohmann/json.hpp>
#include <rownorm/rownorm.hpp>

#include "cases.hpp"
#include "copy.hpp"
#include "timer.hpp"

namespace bench {

namespace {

using Buffer = Kokkos::View<char*, Exec>;
using Json = nlohmann::ordered_json;

/// Every layout is a pair of strides known at run time, so that only the value type is a template parameter.
template <class T>
using Matrix = Kokkos::View<T**, Kokkos::LayoutStride, Exec, Kokkos::MemoryUnmanaged>;

/// What all cases share.
struct Bench {
  Exec exec;
  rownorm::Machine machine = rownorm::machine_of(exec);
  Kokkos::Random_XorShift64_Pool<Exec> random{20261122};
  Buffer x, y, gradient;
  Buffer scratch{"scratch", 4 * static_cast<std::size_t>(machine.cache_bytes)};
  Json results = Json::array();

  /// Makes x and y as large as the largest case so far. False where the memory does not suffice.
  bool reserve(std::int64_t bytes) {
    if (static_cast<std::size_t>(bytes) <= x.size()) return true;
    const double held_bytes = 2.0 * static_cast<double>(x.size());
    if (2.0 * static_cast<double>(bytes) > 0.95 * (free_bytes() + held_bytes)) return false;
    x = y = Buffer();
    x = Buffer(Kokkos::view_alloc("x", Kokkos::WithoutInitializing), bytes);
    y = Buffer(Kokkos::view_alloc("y", Kokkos::WithoutInitializing), bytes);
    return true;
  }

  /// The same for the third array that gradients take.
  bool reserve_gradient() {
    if (gradient.size() >= x.size()) return true;
    gradient = Buffer();
    if (static_cast<double>(x.size()) > 0.95 * free_bytes()) return false;
    gradient = Buffer(Kokkos::view_alloc("gradient", Kokkos::WithoutInitializing), x.size());
    return true;
  }

  /// Fills the shared cache with what no case reads.
  void flush() { Kokkos::deep_copy(exec, scratch, 0); }
};

struct Times {
  double median, min, max;  // seconds
};

Times summary(std::vector<double> seconds) {
  std::sort(seconds.begin(), seconds.end());
  return {seconds[seconds.size() / 2], seconds.front(), seconds.back()};
}

/// Hands Google Benchmark the times that were taken.
void report(benchmark::State& state, const std::vector<double>& seconds) {
  for (auto second = seconds.begin(); state.KeepRunning(); ++second) state.SetIterationTime(*second);
}

/// Odd, so that the median is a time that was measured.
int repeats(std::int64_t bytes) { return bytes <= std::int64_t{1} << 31 ? 31 : 11; }

template <class T>
Matrix<T> matrix(const Buffer& buffer, const Case& which, Layout layout, int offset) {
  const auto [rows, columns] = which.shape;
  const auto strides = layout == Layout::right
                           ? Kokkos::LayoutStride(rows, columns + which.placement.padding, columns, 1)
                           : Kokkos::LayoutStride(rows, 1, columns, rows);
  return Matrix<T>(reinterpret_cast<T*>(buffer.data()) + offset, strides);
}

Json record(const Case& which) {
  const Placement& place = which.placement;
  return {{"name", which.name},
          {"rows", which.shape.rows},
          {"columns", which.shape.columns},
          {"type", which.type},
          {"x_layout", to_string(place.x_layout)},
          {"y_layout", to_string(place.y_layout)},
          {"in_place", place.in_place},
          {"padding", place.padding},
          {"x_offset", place.x_offset},
          {"y_offset", place.y_offset}};
}

/// What some tasks take beside matrices.
template <class T>
struct Extras {
  Kokkos::View<T*, Exec> norms, weights;
  Kokkos::View<rownorm::RowStatus, Exec> status{"status"};

  explicit Extras(const Case& which)
      : norms("norms", which.task.task == Task::norms_out || which.task.task == Task::row_norms ? which.shape.rows : 0),
        weights("weights", which.task.task == Task::weights ? which.shape.columns : 0) {
    Kokkos::deep_copy(weights, T(0.5));
  }
};

template <class T>
void run_task(const Bench& bench, const Case& which, const Matrix<T>& x, const Matrix<T>& y, const Extras<T>& extras) {
  const Exec& exec = bench.exec;
  const auto backward = [&](const rownorm::AnyNorm& norm) {
    const auto gradient = matrix<T>(bench.gradient, which, which.placement.x_layout, which.placement.x_offset);
    rownorm::normalize_backward(exec, x, gradient, y, {.norm = norm});
  };
  switch (which.task.task) {
    case Task::l1_normalize:
      return rownorm::l1_normalize(exec, x, y);
    case Task::root_mean_square:
      return rownorm::normalize(exec, x, y, {.norm = rownorm::RootMeanSquare{}});
    case Task::euclidean:
      return rownorm::normalize(exec, x, y, {.norm = rownorm::Euclidean{}});
    case Task::max_abs:
      return rownorm::normalize(exec, x, y, {.norm = rownorm::MaxAbs{}});
    case Task::norms_out:
      return rownorm::normalize(exec, x, y, extras.norms);
    case Task::weights:
      return rownorm::normalize(exec, x, y, {.norm = rownorm::RootMeanSquare{}, .weights = extras.weights});
    case Task::status:
      return rownorm::normalize(exec, x, y, {.status = extras.status});
    case Task::row_norms:
      return rownorm::row_norms(exec, x, extras.norms, rownorm::RootMeanSquare{});
    case Task::backward_mean_abs:
      return backward(rownorm::MeanAbs{});
    case Task::backward_root_mean_square:
      return backward(rownorm::RootMeanSquare{});
    case Task::inner_axis: {
      constexpr std::int64_t inner = 256;
      using Array = Kokkos::View<T***, Kokkos::LayoutRight, Exec, Kokkos::MemoryUnmanaged>;
      const std::int64_t outer = std::max<std::int64_t>(1, which.shape.rows / inner);
      const Array x_array(x.data(), outer, which.shape.columns, std::min(inner, which.shape.rows));
      const Array y_array(y.data(), outer, which.shape.columns, std::min(inner, which.shape.rows));
      return rownorm::normalize(exec, x_array, y_array, {.axis = 1});
    }
  }
}

template <class T>
void time_case(Bench& bench, benchmark::State& state, const Case& which) {
  constexpr std::int64_t value_bytes = sizeof(T);
  const std::int64_t buffer_bytes = which.buffer_elements() * value_bytes, bytes = which.elements() * value_bytes;
  if (!bench.reserve(buffer_bytes)) {
    state.SkipWithError(("x and y need " + std::to_string(2 * buffer_bytes >> 20) + " MiB, more than is free").c_str());
    return;
  }
  const Exec& exec = bench.exec;
  const Placement& place = which.placement;
  const auto x = matrix<T>(bench.x, which, place.x_layout, place.x_offset);
  const auto y = place.in_place ? x : matrix<T>(bench.y, which, place.y_layout, place.y_offset);
  const Kokkos::View<T*, Exec, Kokkos::MemoryUnmanaged> values(reinterpret_cast<T*>(bench.x.data()),
                                                               which.buffer_elements());
  Kokkos::fill_random(exec, values, bench.random, T(-1), T(1));

  const auto first_bytes = Kokkos::make_pair(std::int64_t{0}, bytes);
  const auto copy_target = Kokkos::subview(bench.y, first_bytes);
  const auto copy_source = Kokkos::subview(bench.x, first_bytes);
  const auto copy = [&] { copy_bytes(exec, bench.machine, copy_source, copy_target); };
  if (which.task.arrays == 3) {
    if (!bench.reserve_gradient()) return state.SkipWithError("no memory is free for a third array");
    Kokkos::deep_copy(exec, bench.gradient, bench.x);
  }
  const Extras<T> extras(which);
  const auto normalize = [&] { run_task(bench, which, x, y, extras); };

  std::vector<Mark> copy_marks, marks;  // begin, end, begin, end
  const auto time = [&](std::vector<Mark>& begins_and_ends, const auto& f) {
    if (which.calls > 1) {
      // The device is kept busy until the host has enqueued all calls; one before them brings x and y into the cache.
      for (int i = 0; i < 4; ++i) bench.flush();
      f();
    } else if (2 * bytes < 4 * bench.machine.cache_bytes) {
      bench.flush();
    }
    begins_and_ends.emplace_back(exec);
    for (int call = 0; call < which.calls; ++call) f();
    begins_and_ends.emplace_back(exec);
  };
  copy();
  normalize();
  // Copies and calls take turns, so that both meet the same clocks. Nothing waits before all are enqueued: the device
  // is never idle, and the times hold nothing of the host's.
  for (benchmark::IterationCount i = 0; i < state.max_iterations; ++i) {
    time(copy_marks, copy);
    time(marks, normalize);
  }
  const auto seconds_a_call = [&](const std::vector<Mark>& begins_and_ends) {
    std::vector<double> seconds(begins_and_ends.size() / 2);
    for (std::size_t i = 0; i < seconds.size(); ++i)
      seconds[i] = begins_and_ends[2 * i + 1].seconds_since(begins_and_ends[2 * i]) / which.calls;
    return seconds;
  };
  const std::vector<double> seconds = seconds_a_call(marks);
  report(state, seconds);

  const Times copied = summary(seconds_a_call(copy_marks)), ours = summary(seconds);
  // A copy of as many bytes as the task moves: it moves two arrays, the task one to three.
  const double of_copy = which.task.arrays / 2.0 * copied.median / ours.median;
  const double gigabytes = 1e-9 * static_cast<double>(bytes);
  state.counters["of_copy"] = of_copy;
  state.counters["GB/s"] = which.task.arrays * gigabytes / ours.median;
  state.counters["copy GB/s"] = 2 * gigabytes / copied.median;

  Json result = record(which);
  if (which.task.task == Task::l1_normalize) {
    const rownorm::Problem problem = rownorm::problem_of(x, y);
    result["schedule"] = rownorm::explain(rownorm::choose_schedule(problem, bench.machine), problem, bench.machine);
  } else {
    result["task"] = which.task.name;
  }
  result["milliseconds"] = ours.median * 1e3;
  result["min_milliseconds"] = ours.min * 1e3;
  result["max_milliseconds"] = ours.max * 1e3;
  result["copy_milliseconds"] = copied.median * 1e3;
  result["of_copy"] = of_copy;
  bench.results.push_back(result);
}

/// What a call costs the host, beside the least that Kokkos can enqueue.
void time_enqueueing(Bench& bench, benchmark::State& state, const Case& which) {
  bench.reserve(which.elements() * std::int64_t{sizeof(float)});
  const Exec& exec = bench.exec;
  const auto x = matrix<float>(bench.x, which, Layout::right, 0), y = matrix<float>(bench.y, which, Layout::right, 0);
  Kokkos::deep_copy(exec, bench.x, 0);
  const int team_size = bench.machine.kind == rownorm::Machine::Kind::gpu ? 32 : 1;
  const auto seconds_a_call = [&](const auto& f) {
    f();
    exec.fence("rownorm_bench: nothing is left to wait for");
    const Kokkos::Timer timer;
    for (int call = 0; call < which.calls; ++call) f();
    const double seconds = timer.seconds();
    exec.fence("rownorm_bench: calls are done");
    return seconds / which.calls;
  };
  std::vector<double> seconds, empty_seconds;
  for (benchmark::IterationCount i = 0; i < state.max_iterations; ++i) {
    empty_seconds.push_back(seconds_a_call([&] {
      Kokkos::parallel_for("rownorm_bench::empty", Kokkos::TeamPolicy<Exec>(exec, 8, team_size),
                           rownorm::impl::EmptyTeamKernel());
    }));
    seconds.push_back(seconds_a_call([&] { rownorm::l1_normalize(exec, x, y); }));
  }
  report(state, seconds);

  const Times ours = summary(seconds), empty = summary(empty_seconds);
  state.counters["us"] = ours.median * 1e6;
  state.counters["empty us"] = empty.median * 1e6;
  state.counters["of_empty"] = ours.median / empty.median;
  Json result = record(which);
  result["enqueue_milliseconds"] = ours.median * 1e3;
  result["empty_enqueue_milliseconds"] = empty.median * 1e3;
  result["of_empty"] = ours.median / empty.median;
  bench.results.push_back(result);
}

struct ValueType {
  const char* name;
  std::int64_t bytes;
  void (*time_case)(Bench&, benchmark::State&, const Case&);
};

// clang-format off
const ValueType value_types[] = {
    {"float", sizeof(float), time_case<float>},
    {"double", sizeof(double), time_case<double>},
    ROWNORM_IMPL_WITH_HALF({"half_t", 2, time_case<Kokkos::Experimental::half_t>},)
    ROWNORM_IMPL_WITH_BHALF({"bhalf_t", 2, time_case<Kokkos::Experimental::bhalf_t>},)
};
// clang-format on

void register_cases(Bench& bench, bool sweep) {
  const auto add = [](const Case& which, int iterations, const auto& run) {
    return benchmark::RegisterBenchmark(which.name.c_str(), run)->UseManualTime()->Iterations(iterations);
  };
  for (const Table& table : tables(sweep))
    for (const ValueType& type : value_types)
      for (const Placement& place : table.placements)
        for (const NamedTask& task : table.tasks)
          for (const Shape& shape : table.shapes) {
            std::ostringstream name;
            name << table.name << '/' << type.name << '/' << (task.task == Task::l1_normalize ? place.name : task.name)
                 << '/' << shape.rows << 'x' << shape.columns;
            const Case which{name.str(), type.name, shape, place, table.calls, task};
            add(which, repeats(2 * type.bytes * which.elements()), [&bench, &type, which](benchmark::State& state) {
              type.time_case(bench, state, which);
            })->Unit(benchmark::kMillisecond);
          }
  const Case which{"enqueue/float/contiguous/8x1024", "float", {8, 1024}, contiguous, 200, {"", Task::l1_normalize}};
  add(which, 31, [&bench, which](benchmark::State& state) {
    time_enqueueing(bench, state, which);
  })->Unit(benchmark::kMicrosecond);
}

void print_worst_of_sweep(const Json& results) {
  std::multimap<double, Json> sweep;
  for (const Json& result : results)
    if (result["name"].get<std::string>().starts_with("sweep/")) sweep.emplace(result["of_copy"], result);
  if (!sweep.empty()) std::cout << "The slowest of the sweep, as a fraction of a copy:\n" << std::fixed;
  for (int count = 0; const auto& [of_copy, result] : sweep)
    if (++count <= 10)
      std::cout << "  " << std::setprecision(3) << of_copy << "  " << result["name"].get<std::string>() << "  "
                << result["schedule"].get<std::string>() << '\n';
}

Json document(const Bench& bench) {
  const std::time_t now = std::time(nullptr);
  std::ostringstream date;
  date << std::put_time(std::gmtime(&now), "%Y-%m-%d");
  const auto text = [](int version) {
    return std::to_string(version / 10000) + '.' + std::to_string(version / 100 % 100) + '.' +
           std::to_string(version % 100);
  };
  std::map<std::string, std::string> versions = device_versions();
  versions["RowNorm"] = text(ROWNORM_VERSION);
  versions["Kokkos"] = text(KOKKOS_VERSION);
  return {{"date", date.str()},
          {"device", rownorm::device_name(bench.exec)},
          {"versions", versions},
          {"results", bench.results}};
}

void print_help() {
  benchmark::PrintDefaultHelp();
  std::cout << "rownorm_bench adds\n"
               "          [--json <file>]   writes the results as JSON\n"
               "          [--sweep]         adds the table `sweep`, and says where it is slowest\n";
}

int run(int argc, char** argv) {
  benchmark::Initialize(&argc, argv, print_help);
  const Kokkos::ScopeGuard kokkos(argc, argv);
  CLI::App app;
  std::string json;
  bool sweep = false;
  // What cannot be written is better known before the work.
  const auto open = [](const std::string& name) { return std::ofstream(name) ? "" : name + " cannot be written"; };
  app.add_option("--json", json)->check(open);
  app.add_flag("--sweep", sweep);
  CLI11_PARSE(app, argc, argv);

  Bench bench;
  register_cases(bench, sweep);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  print_worst_of_sweep(bench.results);
  return json.empty() || std::ofstream(json) << document(bench).dump(2) << std::endl ? 0 : 1;
}

}  // namespace

}  // namespace bench

int main(int argc, char** argv) {
  try {
    return bench::run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "rownorm_bench: " << error.what() << '\n';
    return 2;
  }
}
