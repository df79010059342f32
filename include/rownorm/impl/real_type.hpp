// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_IMPL_REAL_TYPE_HPP
#define ROWNORM_IMPL_REAL_TYPE_HPP

#include <cstdint>

namespace rownorm::impl {

/// How a real value is stored, for code that learns it when it runs. Needs no Kokkos.
enum class RealType : std::int8_t { f32, f64, f16, bf16 };

}  // namespace rownorm::impl

#endif
