// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_IMPL_CALL_HPP
#define ROWNORM_IMPL_CALL_HPP

/// The way of every call: check, plan, schedule, launch.

#include <cstdint>
#include <initializer_list>
#include <type_traits>

#include <Kokkos_Core.hpp>

#include <rownorm/impl/check.hpp>
#include <rownorm/impl/launch.hpp>
#include <rownorm/impl/operand.hpp>
#include <rownorm/impl/problem.hpp>
#include <rownorm/impl/row_plan.hpp>
#include <rownorm/impl/rows.hpp>
#include <rownorm/machine.hpp>
#include <rownorm/norms.hpp>
#include <rownorm/parameters.hpp>
#include <rownorm/schedule.hpp>

namespace rownorm::impl {

template <class T>
concept ExecutionSpace = Kokkos::is_execution_space_v<T>;

template <class X>
struct ExecutionSpaceOf {
  using type = Kokkos::DefaultExecutionSpace;
};
template <class X>
requires Kokkos::is_view_v<X>
struct ExecutionSpaceOf<X> {
  using type = typename X::execution_space;
};
/// Where an array is worked on unless the caller says otherwise.
template <class X>
using execution_space_of = typename ExecutionSpaceOf<X>::type;

/// In the place of an array of norms that nobody asked for.
struct NoNorms {};

template <class Norm>
inline constexpr bool is_built_in_v =
    std::is_same_v<Norm, AnyNorm> || std::is_same_v<Norm, MeanAbs> || std::is_same_v<Norm, SumAbs> ||
    std::is_same_v<Norm, RootMeanSquare> || std::is_same_v<Norm, Euclidean> || std::is_same_v<Norm, MaxAbs>;

/// Launches what a plan asks for, with y as its operand number 1 and norms as number 2.
template <class Exec, class X, class Y, class Norm>
void launch_plan(const Exec& exec, const RowPlan& plan, X* x, Y* y, const Norm& norm, double epsilon,
                 RowExtras extras) {
  const PlannedOperand& norms = plan.operands[2];
  extras.norm_offsets = RowOffsets::of(norms.row_stride, plan.batch_rows, norms.batch_stride);
  if (extras.norms.data == nullptr) extras.norm_offsets = {};
  const std::int64_t loops = plan.loops();
  for (std::int64_t loop = 0; loop < loops; ++loop) {
    const BatchedRows<X> x_rows = planned_rows<X>(x, plan, 0, loop);
    const BatchedRows<Y> y_rows = planned_rows<Y>(y, plan, 1, loop);
    if (extras.norms.data != nullptr) extras.norm_offsets.offset = plan.loop_offset(loop, 2);
    Problem problem = problem_of(x_rows, y_rows);
    problem.is_compiled = problem.is_compiled && is_built_in_v<Norm>;
    problem.takes_roots = takes_roots(norm);
    problem.has_extras = !is_plain(x_rows, y_rows, norm, extras);
    launch(exec, x_rows, y_rows, norm, epsilon, extras, choose_schedule(problem, machine_of(exec)));
  }
}

/// Messages speak in the name of `function`.
template <ExecutionSpace Exec, class X, class Y, class Norms, class Norm>
void normalize(const char* function, const Exec& exec, const X& x, const Y& y, const Norms& norms,
               const Parameters<Norm>& params) {
  check_types<Exec, X, Y>();
  constexpr bool has_norms = !std::is_same_v<Norms, NoNorms>;
  if constexpr (has_norms) check_norms_type<Exec, X, Norms>();
  using XValue = const element_type_of<X>;
  using YValue = element_type_of<Y>;

  const Checks check(function);
  const Operand of_x = operand("x", x), of_y = operand("y", y);
  check.equal_extents(of_x, of_y);
  const int axis = check.axis(of_x, params.axis);
  check.epsilon(params.epsilon, largest_epsilon<compute_type<XValue, YValue>>, {&of_x, &of_y});
  check.weights<Exec>(of_x, axis, params.weights);
  RowExtras extras{.weights = params.weights.values(), .status = params.status.counts()};
  check.reach("params.status", params.status.template can_be_written_by<Exec>());
  Operand of_norms{};
  if constexpr (has_norms) {
    of_norms = operand("norms", norms);
    extras.norms = VectorRef(norms);
    check.norm_extents(of_x, axis, of_norms);
  }
  if (of_x.size() == 0) return;
  check.memory(of_x);
  check.memory(of_y);
  check.written(of_y);
  check.same_or_disjoint(of_x, of_y);
  if constexpr (has_norms) {
    check.memory(of_norms);
    check.written(of_norms);
    check.disjoint(of_x, of_norms);
    check.disjoint(of_y, of_norms);
    check.weights_memory(params.weights, {&of_y, &of_norms});
  } else {
    check.weights_memory(params.weights, {&of_y});
  }

  const RowPlan plan = has_norms ? plan_rows(axis, {&of_x, &of_y}, {&of_norms}) : plan_rows(axis, {&of_x, &of_y}, {});
  launch_plan<Exec, XValue, YValue>(exec, plan, data_of(x), data_of(y), params.norm, params.epsilon, extras);
}

template <ExecutionSpace Exec, class X, class Norms, class Norm>
void row_norms(const char* function, const Exec& exec, const X& x, const Norms& norms, const Norm& norm, int axis) {
  check_input_type<X>();
  check_access<Exec, X>();
  check_norms_type<Exec, X, Norms>();
  using Value = std::remove_const_t<element_type_of<X>>;

  const Checks check(function);
  const Operand of_x = operand("x", x), of_norms = operand("norms", norms);
  axis = check.axis(of_x, axis);
  check.norm_extents(of_x, axis, of_norms);
  if (of_x.size() == 0) return;
  check.memory(of_x);
  check.memory(of_norms);
  check.written(of_norms);
  check.disjoint(of_x, of_norms);

  // Kernels want a y. They take x for its place, and write nothing there.
  const RowExtras extras{.norms = VectorRef(norms), .writes_y = false};
  auto* const y = const_cast<Value*>(data_of(x));
  launch_plan<Exec, const Value, Value>(exec, plan_rows(axis, {&of_x, &of_x}, {&of_norms}), data_of(x), y, norm, 0,
                                        extras);
}

}  // namespace rownorm::impl

#endif
