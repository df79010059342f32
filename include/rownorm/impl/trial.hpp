// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_IMPL_TRIAL_HPP
#define ROWNORM_IMPL_TRIAL_HPP

/// How schedules of a problem are timed: on arrays that are made for it.

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include <Kokkos_Core.hpp>

#include <rownorm/impl/backward.hpp>
#include <rownorm/impl/finisher.hpp>
#include <rownorm/impl/launch.hpp>
#include <rownorm/impl/launch_backward.hpp>
#include <rownorm/impl/pair.hpp>
#include <rownorm/impl/problem.hpp>
#include <rownorm/impl/rows.hpp>
#include <rownorm/impl/values.hpp>
#include <rownorm/impl/vector_ref.hpp>
#include <rownorm/machine.hpp>
#include <rownorm/norms.hpp>
#include <rownorm/schedule.hpp>
#include <rownorm/tuned.hpp>

namespace rownorm::impl {

[[noreturn]] void refuse_to_tune(const Problem& problem, const char* reason);

inline void check_tunable(const Problem& problem) {
  if (problem.rows <= 0 || problem.columns <= 0) refuse_to_tune(problem, "it has no elements");
  if (problem.batches < 1 || problem.rows % problem.batches != 0)
    refuse_to_tune(problem, "batches have not equally many rows");
  if (problem.arrays_read != 1 && problem.arrays_read != 2) refuse_to_tune(problem, "arrays_read is neither 1 nor 2");
  if (problem.x_value_bytes != problem.y_value_bytes) refuse_to_tune(problem, "x and y are of different types");
  const bool has_half = sizeof(Kokkos::Experimental::half_t) == 2;
  if (problem.x_value_bytes != 4 && problem.x_value_bytes != 8 && !(problem.x_value_bytes == 2 && has_half))
    refuse_to_tune(problem, "no real type of Kokkos here has as many bytes as its values");
}

/// f<Value>() with the real type of such a size.
template <class F>
auto with_value_of_size(int bytes, const F& f) {
  if (bytes == 8) return f.template operator()<double>();
  if (bytes == 4) return f.template operator()<float>();
  return f.template operator()<Kokkos::Experimental::half_t>();
}

/// How an array lies whose rows are to have the properties of a problem.
struct TrialLayout {
  std::int64_t first = 0;  ///< elements before the first one
  std::int64_t row_stride = 0;
  std::int64_t column_stride = 0;
  std::int64_t batch_stride = 0;

  TrialLayout(const Problem& problem, Neighbours neighbours, bool is_out_of_phase) {
    const std::int64_t n = packet_bytes / problem.x_value_bytes, rows = problem.batch_rows();
    first = (problem.is_aligned ? 0 : 1) + (is_out_of_phase ? 1 : 0);
    if (neighbours == Neighbours::in_row) {
      column_stride = 1;
      row_stride = problem.columns;
      if (!problem.is_dense) row_stride = problem.is_aligned ? (problem.columns / n + 1) * n : problem.columns + 1;
      batch_stride = rows * row_stride;
    } else if (neighbours == Neighbours::in_column) {
      row_stride = 1;
      column_stride = rows > 1 ? rows : 2;
      batch_stride = problem.columns * column_stride;
    } else {
      column_stride = problem.is_aligned ? std::max<std::int64_t>(2, n) : 2;
      row_stride = column_stride * problem.columns;
      batch_stride = rows * row_stride;
    }
  }

  std::int64_t size(const Problem& problem) const { return first + problem.batches * batch_stride; }

  template <class Value>
  BatchedRows<Value> rows(PointerTo<Value> data, const Problem& problem) const {
    return {Rows<Value>{data + first, problem.rows, problem.columns, row_stride, column_stride}, problem.batch_rows(),
            problem.batches > 1 ? batch_stride : 0};
  }
};

/// The layouts of x and y, which have all properties of a problem, or are refused.
template <class Value>
struct TrialLayouts {
  TrialLayout x, y;

  explicit TrialLayouts(const Problem& problem)
      : x(problem, problem.x_neighbours, false),
        y(problem, problem.y_neighbours, is_by_rows(problem) && !problem.have_same_phase) {
    alignas(packet_bytes) Value place[packet_bytes] = {};  // in the place of arrays that are not there yet
    const BatchedRows<Value> y_rows = y.rows<Value>(place, problem);
    Problem made = problem.arrays_read > 1 ? problem_of(x.rows<const Pair<Value>>({place, place}, problem), y_rows)
                                           : problem_of(x.rows<const Value>(place, problem), y_rows);
    if (!is_by_rows(problem)) made.have_same_phase = problem.have_same_phase;  // which matters only there
    made.takes_roots = problem.takes_roots;
    made.has_extras = problem.has_extras;
    if (made != problem) refuse_to_tune(problem, "no arrays of one real type have all its properties");
  }

  static bool is_by_rows(const Problem& problem) {
    return problem.x_neighbours == Neighbours::in_row && problem.y_neighbours == Neighbours::in_row;
  }
};

/// Arrays of a problem, and calls of it with any schedule.
template <class Exec, class Value>
class Trial {
 public:
  Trial(const Exec& exec, const Problem& problem)
      : exec_(exec),
        problem_(problem),
        layouts_(problem),
        x_(array(layouts_.x)),
        gradient_(problem.arrays_read > 1 ? array(layouts_.x) : Array()),
        y_(array(layouts_.y)),
        norms_(Kokkos::view_alloc(exec, "rownorm::tune norms"), problem.has_extras ? problem.rows : 0) {}

  void run(const Schedule& schedule) const {
    if (problem_.takes_roots)
      run_with(RootMeanSquare{}, schedule);
    else
      run_with(MeanAbs{}, schedule);
  }

 private:
  using Array = Kokkos::View<Value*, typename Exec::memory_space>;
  using Compute = compute_type<Value>;
  static constexpr double epsilon = 1e-8;

  Array array(const TrialLayout& layout) const {
    const Array values(Kokkos::view_alloc(exec_, Kokkos::WithoutInitializing, "rownorm::tune"), layout.size(problem_));
    Kokkos::deep_copy(exec_, values, Value(1));
    return values;
  }
  BatchedRows<const Value> x_rows() const { return layouts_.x.template rows<const Value>(x_.data(), problem_); }
  BatchedRows<Value> y_rows() const { return layouts_.y.template rows<Value>(y_.data(), problem_); }
  BatchedRows<const Pair<Value>> pairs() const {
    return layouts_.x.template rows<const Pair<Value>>({x_.data(), gradient_.data()}, problem_);
  }

  template <class Norm>
  void run_with(const Norm& norm, const Schedule& schedule) const {
    if (problem_.arrays_read > 1) {
      const BackwardFinisher<Norm, Compute, Value> finisher{norm, RowLength(problem_.columns), epsilon, VectorRef()};
      launch_kernel<Exec, const Pair<Value>, Value>(exec_, pairs(), y_rows(), finisher, schedule);
      return;
    }
    RowExtras extras;
    if (problem_.has_extras) {
      extras.norms = VectorRef(norms_);
      extras.norm_offsets = RowOffsets::of(1, problem_.batch_rows(), problem_.batch_rows());
    }
    launch(exec_, x_rows(), y_rows(), norm, epsilon, extras, schedule);
  }

  Exec exec_;
  Problem problem_;
  TrialLayouts<Value> layouts_;
  Array x_, gradient_, y_;
  Kokkos::View<float*, typename Exec::memory_space> norms_;
};

/// What a call has for a problem that says less: sums of squares and batches are no plain calls, and gradients have no
/// extras.
inline Problem problem_of_call(Problem problem) {
  problem.has_extras = problem.arrays_read == 1 && (problem.has_extras || problem.takes_roots || problem.batches > 1);
  return problem;
}

/// The fastest of all candidates. They run in turn, so that a device that slows down slows all of them down; who is
/// much slower than the fastest is timed no more than once.
template <class Exec, class Calls>
Tuned fastest_schedule(const Exec& exec, const Problem& problem, const Calls& calls) {
  constexpr double least_seconds = 2e-3;  // of what is timed at once
  constexpr int rounds = 7;
  constexpr double much_slower = 1.2, noticeably_faster = 0.99;
  struct Candidate {
    Schedule schedule;
    std::vector<double> seconds;

    double median() {
      std::sort(seconds.begin(), seconds.end());
      return seconds[seconds.size() / 2];
    }
  };

  const Machine machine = machine_of(exec);
  std::vector<Candidate> candidates;
  for (const Schedule& schedule : candidate_schedules(problem, machine)) candidates.push_back({schedule, {}});
  if (candidates.empty()) refuse_to_tune(problem, "it has no candidates");
  const auto seconds_of = [&](const Schedule& schedule, int count) {
    exec.fence("rownorm::tune");
    const Kokkos::Timer timer;
    for (int k = 0; k < count; ++k) calls.run(schedule);
    exec.fence("rownorm::tune");
    return timer.seconds() / count;
  };
  double fastest = std::numeric_limits<double>::infinity();
  for (Candidate& candidate : candidates) {
    seconds_of(candidate.schedule, 1);
    candidate.seconds.push_back(seconds_of(candidate.schedule, 1));
    fastest = std::min(fastest, candidate.seconds.back());
  }
  const int count = static_cast<int>(std::min(1000.0, least_seconds / fastest)) + 1;
  for (int round = 0; round < rounds; ++round)
    for (Candidate& candidate : candidates)
      if (&candidate == &candidates.front() || candidate.seconds.front() < much_slower * fastest)
        candidate.seconds.push_back(seconds_of(candidate.schedule, count));

  Candidate& chosen = candidates.front();
  Tuned tuned{machine, device_name(exec), problem, chosen.schedule, chosen.median(), chosen.median()};
  for (Candidate& candidate : candidates)
    if (const double seconds = candidate.median();
        seconds < std::min(tuned.seconds, noticeably_faster * tuned.seconds_before)) {
      tuned.schedule = candidate.schedule;
      tuned.seconds = seconds;
    }
  return tuned;
}

}  // namespace rownorm::impl

#endif
