// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_TESTS_MIXED_LAUNCHES_HPP
#define ROWNORM_TESTS_MIXED_LAUNCHES_HPP

#include <rownorm/rownorm.hpp>

#include "types.hpp"

// Pairs of different value types are compiled once for all tests, in support/mixed_launches_*.cpp.
#define ROWNORM_TESTS_MIXED_LAUNCH(KEYWORDS, EXEC, X, Y)                                             \
  KEYWORDS void rownorm::impl::launch_kernel<EXEC, const X, Y>(                                      \
      const EXEC&, const rownorm::impl::BatchedRows<const X>&, const rownorm::impl::BatchedRows<Y>&, \
      const rownorm::impl::ExtendedFinisher<rownorm::MeanAbs, rownorm::compute_type<X, Y>>&,         \
      const rownorm::Schedule&);
#define ROWNORM_TESTS_MIXED_LAUNCHES_1(KEYWORDS, EXEC)                                             \
  ROWNORM_TESTS_MIXED_LAUNCH(KEYWORDS, EXEC, float, double)                                        \
  ROWNORM_TESTS_MIXED_LAUNCH(KEYWORDS, EXEC, double, float)                                        \
  ROWNORM_IMPL_WITH_HALF(ROWNORM_TESTS_MIXED_LAUNCH(KEYWORDS, EXEC, rownorm::tests::half_t, float) \
                             ROWNORM_TESTS_MIXED_LAUNCH(KEYWORDS, EXEC, float, rownorm::tests::half_t))
#define ROWNORM_TESTS_MIXED_LAUNCHES_2(KEYWORDS, EXEC)                                                   \
  ROWNORM_IMPL_WITH_HALF(ROWNORM_TESTS_MIXED_LAUNCH(KEYWORDS, EXEC, double, rownorm::tests::half_t))     \
  ROWNORM_IMPL_WITH_BHALF(ROWNORM_TESTS_MIXED_LAUNCH(KEYWORDS, EXEC, rownorm::tests::bhalf_t, float)     \
                              ROWNORM_TESTS_MIXED_LAUNCH(KEYWORDS, EXEC, float, rownorm::tests::bhalf_t) \
                                  ROWNORM_TESTS_MIXED_LAUNCH(KEYWORDS, EXEC, rownorm::tests::bhalf_t, double))
#define ROWNORM_TESTS_DECLARE_1(EXEC) ROWNORM_TESTS_MIXED_LAUNCHES_1(extern template, EXEC)
#define ROWNORM_TESTS_DECLARE_2(EXEC) ROWNORM_TESTS_MIXED_LAUNCHES_2(extern template, EXEC)
ROWNORM_IMPL_FOR_EACH_EXECUTION_SPACE(ROWNORM_TESTS_DECLARE_1)
ROWNORM_IMPL_FOR_EACH_EXECUTION_SPACE(ROWNORM_TESTS_DECLARE_2)

#endif
