// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <rownorm/impl/launch_backward.hpp>

namespace rownorm::impl {

#define ROWNORM_IMPL_DEFINE_BACKWARDS(EXEC) ROWNORM_IMPL_BACKWARDS(template, EXEC, MeanAbs)
ROWNORM_IMPL_FOR_EACH_EXECUTION_SPACE(ROWNORM_IMPL_DEFINE_BACKWARDS)
#undef ROWNORM_IMPL_DEFINE_BACKWARDS

}  // namespace rownorm::impl
