// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_NORMALIZE_HPP
#define ROWNORM_NORMALIZE_HPP

#include <concepts>

#include <Kokkos_Core.hpp>

#include <rownorm/impl/check.hpp>
#include <rownorm/impl/launch.hpp>
#include <rownorm/impl/problem.hpp>
#include <rownorm/impl/rows.hpp>
#include <rownorm/machine.hpp>
#include <rownorm/norms.hpp>
#include <rownorm/schedule.hpp>

namespace rownorm {

namespace impl {

template <class T>
concept ExecutionSpace = Kokkos::is_execution_space_v<T>;

/// The way of every call: check, rows, schedule, launch. Messages speak in the name of `function`.
template <ExecutionSpace Exec, class X, class Y, class Norm>
void normalize(const char* function, const Exec& exec, const X& x, const Y& y, const Parameters<Norm>& params) {
  check_types<Exec, X, Y>();
  const auto x_rows = as_rows<typename X::const_value_type>(x);
  const auto y_rows = as_rows<typename Y::value_type>(y);
  check_arguments(function, Footprint(x_rows, X::rank()), Footprint(y_rows, Y::rank()), params.epsilon,
                  largest_epsilon<compute_type<typename X::value_type, typename Y::value_type>>);

  const Schedule schedule = choose_schedule(problem_of(x_rows, y_rows), machine_of(exec));
  if (schedule.league_size > 0) launch(exec, x_rows, y_rows, params, schedule);
}

}  // namespace impl

/// What a schedule needs to know of views x and y, to ask what a call would run:
/// `explain(choose_schedule(problem_of(x, y), machine), problem_of(x, y), machine)`.
template <class X, class Y>
Problem problem_of(const X& x, const Y& y) {
  return impl::problem_of(impl::as_rows<typename X::const_value_type>(x), impl::as_rows<typename Y::value_type>(y));
}

/// Normalises the rows of x:
///
///     y(i, j) = x(i, j) / (norm_i + epsilon)
///
/// where norm_i is what `params.norm` makes of row i: mean_j |x(i, j)| for MeanAbs, the default.
///
/// Arguments
/// - exec: the execution space instance to enqueue on.
/// - x: a view of rank 2 (rows x columns) or 1 (one row) of float, double, half_t or bhalf_t, const or not.
/// - y: a view of the same extents. x and y may differ in layout, strides, alignment and value type. y may be x (or
///   another view of exactly its elements); any other overlap is an error.
/// - params: `norm`, and `epsilon`, added to each norm: zero or positive, and finite in the compute type; 1e-8 by
///   default.
///
/// Numbers
/// - Rows are computed in double where x or y holds double, otherwise in float, and sums carry about twice that:
///   results are within 4 ulp of the exact ones for float and double, 1 ulp for half_t and bhalf_t, and sums
///   neither overflow nor lose small values. Epsilon is held in the type of the computation.
/// - A row of zeros stays zero, also with epsilon 0. A row with a NaN becomes NaN. In a row with an infinity, finite
///   elements become 0 and infinite ones NaN.
/// - The same input, extents, schedule and device give the same bits.
///
/// Execution
/// - Enqueues on `exec` one kernel, or two for rows that the device cannot hold, or more of either for more data than
///   the workspace serves at once (some gigabytes), and does not fence: with a GPU it returns before they have run,
///   while Kokkos' host backends run a kernel as they enqueue it. An empty view launches none.
/// - Allocates nothing, beyond what Kokkos itself reserves for teams, at the first call on an instance that needs as
///   much; a workspace of 9 MiB at the first call on a CUDA stream with rows that teams share or read twice: a call not
///   to be captured in a graph; and on hosts, at the first call with rows that lie side by side, memory for each
///   thread, together half as much as the cache they share, which it keeps until it ends.
/// - May be called from any number of host threads and instances at once, unless Kokkos was built for one host thread
///   (Kokkos_ENABLE_ATOMICS_BYPASS: then it takes no lock).
///
/// Throws std::invalid_argument, before anything is launched or written, where extents differ, epsilon is
/// negative, NaN or too large for the compute type, a view with elements has no memory, two indices of y lead to one
/// element, or x and y overlap in part.
template <impl::ExecutionSpace Exec, class X, class Y, class Norm = MeanAbs>
void normalize(const Exec& exec, const X& x, const Y& y, const Parameters<Norm>& params = {}) {
  impl::normalize("rownorm::normalize", exec, x, y, params);
}

/// The same on the default instance of the execution space of x.
template <class X, class Y, class Norm = MeanAbs>
void normalize(const X& x, const Y& y, const Parameters<Norm>& params = {}) {
  impl::normalize("rownorm::normalize", typename X::execution_space{}, x, y, params);
}

/// Normalises the rows of x by their mean absolute value:
///
///     y(i, j) = x(i, j) / (mean_j |x(i, j)| + epsilon)
///
/// `normalize` with MeanAbs, and in everything else the same.
template <impl::ExecutionSpace Exec, class X, class Y>
void l1_normalize(const Exec& exec, const X& x, const Y& y, const Parameters<MeanAbs>& params = {}) {
  impl::normalize("rownorm::l1_normalize", exec, x, y, params);
}

/// The same on the default instance of the execution space of x.
template <class X, class Y>
void l1_normalize(const X& x, const Y& y, const Parameters<MeanAbs>& params = {}) {
  impl::normalize("rownorm::l1_normalize", typename X::execution_space{}, x, y, params);
}

}  // namespace rownorm

#endif
