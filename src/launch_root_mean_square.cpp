// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <rownorm/impl/launch.hpp>

namespace rownorm::impl {

#define ROWNORM_IMPL_DEFINE_LAUNCHES(EXEC) \
  ROWNORM_IMPL_LAUNCHES(template, EXEC, BatchedRows, ExtendedFinisher, RootMeanSquare)
ROWNORM_IMPL_FOR_EACH_EXECUTION_SPACE(ROWNORM_IMPL_DEFINE_LAUNCHES)
#undef ROWNORM_IMPL_DEFINE_LAUNCHES

}  // namespace rownorm::impl
