// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The kernels that are compiled ahead, once more by themselves, for check_registers.cmake to read what ptxas says.
#include <rownorm/impl/launch.hpp>

namespace rownorm::impl {

ROWNORM_IMPL_LAUNCHES(template, Kokkos::Cuda)

}  // namespace rownorm::impl
