// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_IMPL_LAUNCH_BACKWARD_HPP
#define ROWNORM_IMPL_LAUNCH_BACKWARD_HPP

/// The way of normalize_backward: check, plan, schedule, launch.

#include <cstdint>
#include <type_traits>

#include <Kokkos_Core.hpp>

#include <rownorm/impl/backward.hpp>
#include <rownorm/impl/call.hpp>
#include <rownorm/impl/check.hpp>
#include <rownorm/impl/kernels/host_row_backward.hpp>
#include <rownorm/impl/launch.hpp>
#include <rownorm/impl/pair.hpp>
#include <rownorm/impl/problem.hpp>
#include <rownorm/impl/region.hpp>
#include <rownorm/impl/row_plan.hpp>
#include <rownorm/machine.hpp>
#include <rownorm/schedule.hpp>

namespace rownorm::impl {

template <class Norm>
concept HasDerivative = requires {
  sizeof(Derivative<Norm>);
};

template <class Exec, class X, class Y, class Norm>
void launch_backward(const Exec& exec, const RowPlan& plan, const X* x, const X* gradient, Y* y,
                     const BackwardFinisher<Norm, compute_type<X, Y>, Y>& finisher) {
  using Compute = compute_type<X, Y>;
  const PlannedOperand &of_x = plan.operands[0], &of_gradient = plan.operands[1];
  const bool lie_the_same_way = of_x == of_gradient;
  const std::int64_t loops = plan.loops();
  for (std::int64_t loop = 0; loop < loops; ++loop) {
    const BatchedRows<Y> y_rows = planned_rows<Y>(y, plan, 2, loop);
    if (lie_the_same_way) {
      const BatchedRows<const Pair<X>> pairs = planned_rows<const Pair<X>>({x, gradient}, plan, 0, loop);
      Problem problem = problem_of(pairs, y_rows);
      problem.takes_roots = finisher.takes_roots;
      with_schedule(exec, problem, [&](const Schedule& schedule) {
        launch_kernel<Exec, const Pair<X>, Y>(exec, pairs, y_rows, finisher, schedule);
      });
    } else {
      const LoosePairs<X> pairs(planned_rows<const X>(x, plan, 0, loop),
                                planned_rows<const X>(gradient, plan, 1, loop));
      const Schedule schedule = schedule_with(Kernel::TeamPerRow, problem_of(pairs.x, y_rows), machine_of(exec));
      using Loose = LooseBackwardFinisher<Norm, Compute, Y>;
      TeamPerRow<const Pair<X>, Y, Loose>{pairs, y_rows, Loose{finisher}, schedule.rows_per_team}.launch(exec,
                                                                                                         schedule);
    }
  }
}

/// The way of every call, for arrays of Value and Output whose extents and places are known when the program runs.
template <class Value, class Output, ExecutionSpace Exec, class Norm>
void normalize_backward(const Checks& check, const Exec& exec, const Operand& x, const Operand& grad_y,
                        const Operand& grad_x, const Parameters<Norm>& params) {
  using Compute = compute_type<Value, Output>;
  check.equal_extents(x, grad_y);
  check.equal_extents(x, grad_x);
  const int axis = check.axis(x, params.axis);
  check.epsilon(params.epsilon, largest_epsilon<Compute>, {&x, &grad_y, &grad_x});
  check.weights<Exec>(x, axis, params.weights);
  with_compiled_norm(params.norm, x.extents[axis], [&]<class Known>(const Known& norm, const RowLength& length) {
    if constexpr (!HasDerivative<Known>) {
      static_assert(std::is_same_v<Norm, AnyNorm>, "rownorm: normalize_backward has no gradient of this norm");
      check.no_gradient("MaxAbs", x);
    } else {
      if (x.size() == 0) return;
      check.memory(x);
      check.memory(grad_y);
      check.memory(grad_x);
      check.written(grad_x);
      check.same_or_disjoint(x, grad_x);
      check.same_or_disjoint(grad_y, grad_x);
      check.weights_memory(params.weights, {&grad_x});
      const Region region(check.function());
      const double epsilon = static_cast<Compute>(params.epsilon);
      launch_backward<Exec, Value, Output, Known>(
          exec, plan_rows(axis, {&x, &grad_y, &grad_x}, {}), x.data<const Value>(), grad_y.data<const Value>(),
          grad_x.data<Output>(), {norm, length, epsilon, params.weights.values()});
    }
  });
}

/// Messages speak in the name of `function`.
template <ExecutionSpace Exec, class X, class GradY, class GradX, class Norm>
void normalize_backward(const char* function, const Exec& exec, const X& x, const GradY& grad_y, const GradX& grad_x,
                        const Parameters<Norm>& params) {
  check_types<Exec, X, GradX>();
  check_types<Exec, GradY, GradX>();
  using Value = std::remove_const_t<element_type_of<X>>;
  using Output = element_type_of<GradX>;
  static_assert(std::is_same_v<Value, std::remove_const_t<element_type_of<GradY>>>,
                "rownorm: x and grad_y must have the same value type");
  static_assert(is_real_value_v<Value> && is_real_value_v<Output>,
                "rownorm: normalize_backward has no gradient of complex values");
  normalize_backward<Value, Output>(Checks(function), exec, operand("x", x), operand("grad_y", grad_y),
                                    operand("grad_x", grad_x), params);
}

// The common types are compiled once, in src/launch_backward_*.cpp.
#define ROWNORM_IMPL_BACKWARD(KEYWORDS, EXEC, VALUE, NORM)                           \
  KEYWORDS void launch_kernel<EXEC, const Pair<VALUE>, VALUE>(                       \
      const EXEC&, const BatchedRows<const Pair<VALUE>>&, const BatchedRows<VALUE>&, \
      const BackwardFinisher<NORM, compute_type<VALUE>, VALUE>&, const Schedule&);
#define ROWNORM_IMPL_BACKWARDS(KEYWORDS, EXEC, NORM)                                                \
  ROWNORM_IMPL_BACKWARD(KEYWORDS, EXEC, float, NORM)                                                \
  ROWNORM_IMPL_BACKWARD(KEYWORDS, EXEC, double, NORM)                                               \
  ROWNORM_IMPL_WITH_HALF(ROWNORM_IMPL_BACKWARD(KEYWORDS, EXEC, Kokkos::Experimental::half_t, NORM)) \
  ROWNORM_IMPL_WITH_BHALF(ROWNORM_IMPL_BACKWARD(KEYWORDS, EXEC, Kokkos::Experimental::bhalf_t, NORM))
#define ROWNORM_IMPL_DECLARE_BACKWARDS(EXEC)             \
  ROWNORM_IMPL_BACKWARDS(extern template, EXEC, MeanAbs) \
  ROWNORM_IMPL_BACKWARDS(extern template, EXEC, RootMeanSquare)
ROWNORM_IMPL_FOR_EACH_EXECUTION_SPACE(ROWNORM_IMPL_DECLARE_BACKWARDS)

}  // namespace rownorm::impl

#endif
