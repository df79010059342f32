// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The kernels of the plain call, once more by themselves, for check_registers.cmake to read what ptxas says.
#include <rownorm/impl/launch.hpp>

namespace rownorm::impl {

ROWNORM_IMPL_LAUNCHES(template, Kokkos::Cuda, Rows, RowFinisher, MeanAbs)

}  // namespace rownorm::impl
