// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_IMPL_LAUNCH_HPP
#define ROWNORM_IMPL_LAUNCH_HPP

#include <rownorm/impl/compat.hpp>
#include <rownorm/impl/kernels/team_per_row.hpp>
#include <rownorm/impl/rows.hpp>
#include <rownorm/norms.hpp>
#include <rownorm/schedule.hpp>

namespace rownorm::impl {

/// Enqueues on `exec` the kernel that the schedule names.
template <class Exec, class X, class Y, class Norm>
void launch(const Exec& exec, const Rows<X>& x, const Rows<Y>& y, const Parameters<Norm>& params,
            const Schedule& schedule) {
  const auto epsilon = static_cast<compute_type<X, Y>>(params.epsilon);
  switch (schedule.kernel) {
    case Kernel::TeamPerRow:
      TeamPerRow<X, Y, Norm>{x, y, params.norm, epsilon, schedule.rows_per_team}.launch(exec, schedule);
  }
}

// The common types are compiled once, in src/launch.cpp. KEYWORDS: `extern template` here, `template` there.
#define ROWNORM_IMPL_LAUNCH(KEYWORDS, EXEC, VALUE)                                                            \
  KEYWORDS void launch(const EXEC&, const Rows<const VALUE>&, const Rows<VALUE>&, const Parameters<MeanAbs>&, \
                       const Schedule&);
#define ROWNORM_IMPL_LAUNCHES(KEYWORDS, EXEC)                                               \
  ROWNORM_IMPL_LAUNCH(KEYWORDS, EXEC, float)                                                \
  ROWNORM_IMPL_LAUNCH(KEYWORDS, EXEC, double)                                               \
  ROWNORM_IMPL_WITH_HALF(ROWNORM_IMPL_LAUNCH(KEYWORDS, EXEC, Kokkos::Experimental::half_t)) \
  ROWNORM_IMPL_WITH_BHALF(ROWNORM_IMPL_LAUNCH(KEYWORDS, EXEC, Kokkos::Experimental::bhalf_t))
#define ROWNORM_IMPL_DECLARE_LAUNCHES(EXEC) ROWNORM_IMPL_LAUNCHES(extern template, EXEC)
ROWNORM_IMPL_FOR_EACH_EXECUTION_SPACE(ROWNORM_IMPL_DECLARE_LAUNCHES)

}  // namespace rownorm::impl

#endif
