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
#include <rownorm/impl/region.hpp>
#include <rownorm/impl/row_plan.hpp>
#include <rownorm/impl/rows.hpp>
#include <rownorm/machine.hpp>
#include <rownorm/norms.hpp>
#include <rownorm/parameters.hpp>
#include <rownorm/schedule.hpp>
#include <rownorm/tuned.hpp>

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
    with_schedule(exec, problem,
                  [&](const Schedule& schedule) { launch(exec, x_rows, y_rows, norm, epsilon, extras, schedule); });
  }
}

/// Norms of rows, where they are wanted: where they lie, and the same for kernels.
struct NormsOut {
  Operand operand;
  VectorRef values;
};

template <class Norms>
NormsOut norms_out(const Norms& norms) {
  return {operand("norms", norms), VectorRef(norms)};
}

/// The way of every call that writes y, for arrays of XValue and YValue whose extents and places are known when the
/// program runs. `norms` is null where nobody wants them.
template <class XValue, class YValue, ExecutionSpace Exec, class Norm>
void normalize(const Checks& check, const Exec& exec, const Operand& x, const Operand& y, const NormsOut* norms,
               const Parameters<Norm>& params) {
  check.equal_extents(x, y);
  const int axis = check.axis(x, params.axis);
  check.epsilon(params.epsilon, largest_epsilon<compute_type<XValue, YValue>>, {&x, &y});
  check.weights<Exec>(x, axis, params.weights);
  RowExtras extras{.weights = params.weights.values(), .status = params.status.counts()};
  check.reach("params.status", params.status.template can_be_written_by<Exec>());
  if (norms) {
    extras.norms = norms->values;
    check.norm_extents(x, axis, norms->operand);
  }
  if (x.size() == 0) return;
  check.memory(x);
  check.memory(y);
  check.written(y);
  check.same_or_disjoint(x, y);
  if (norms) {
    check.memory(norms->operand);
    check.written(norms->operand);
    check.disjoint(x, norms->operand);
    check.disjoint(y, norms->operand);
    check.weights_memory(params.weights, {&y, &norms->operand});
  } else {
    check.weights_memory(params.weights, {&y});
  }

  const Region region(check.function());
  const RowPlan plan = norms ? plan_rows(axis, {&x, &y}, {&norms->operand}) : plan_rows(axis, {&x, &y}, {});
  launch_plan<Exec, const XValue, YValue>(exec, plan, x.data<const XValue>(), y.data<YValue>(), params.norm,
                                          params.epsilon, extras);
}

/// Messages speak in the name of `function`.
template <ExecutionSpace Exec, class X, class Y, class Norms, class Norm>
void normalize(const char* function, const Exec& exec, const X& x, const Y& y, const Norms& norms,
               const Parameters<Norm>& params) {
  check_types<Exec, X, Y>();
  using XValue = std::remove_const_t<element_type_of<X>>;
  using YValue = element_type_of<Y>;
  const Checks check(function);
  if constexpr (std::is_same_v<Norms, NoNorms>) {
    normalize<XValue, YValue>(check, exec, operand("x", x), operand("y", y), nullptr, params);
  } else {
    check_norms_type<Exec, X, Norms>();
    const NormsOut out = norms_out(norms);
    normalize<XValue, YValue>(check, exec, operand("x", x), operand("y", y), &out, params);
  }
}

/// The way of a call for norms alone.
template <class Value, ExecutionSpace Exec, class Norm>
void row_norms(const Checks& check, const Exec& exec, const Operand& x, const NormsOut& norms, const Norm& norm,
               int axis) {
  axis = check.axis(x, axis);
  check.norm_extents(x, axis, norms.operand);
  if (x.size() == 0) return;
  check.memory(x);
  check.memory(norms.operand);
  check.written(norms.operand);
  check.disjoint(x, norms.operand);

  const Region region(check.function());
  // Kernels want a y. They take x for its place, and write nothing there.
  const RowExtras extras{.norms = norms.values, .writes_y = false};
  launch_plan<Exec, const Value, Value>(exec, plan_rows(axis, {&x, &x}, {&norms.operand}), x.data<const Value>(),
                                        x.data<Value>(), norm, 0, extras);
}

template <ExecutionSpace Exec, class X, class Norms, class Norm>
void row_norms(const char* function, const Exec& exec, const X& x, const Norms& norms, const Norm& norm, int axis) {
  check_input_type<X>();
  check_access<Exec, X>();
  check_norms_type<Exec, X, Norms>();
  row_norms<std::remove_const_t<element_type_of<X>>>(Checks(function), exec, operand("x", x), norms_out(norms), norm,
                                                     axis);
}

}  // namespace rownorm::impl

#endif
