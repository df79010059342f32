# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

# Warnings for RowNorm's own targets; they never reach a consumer.
function(rownorm_enable_warnings target)
  set(warnings -Wall -Wextra -Wshadow)
  if(NOT Kokkos_ENABLE_CUDA)
    list(APPEND warnings -Wpedantic) # nvcc's generated code is not pedantic
  endif()
  target_compile_options(
    ${target} PRIVATE ${warnings} $<$<BOOL:${RowNorm_ENABLE_WARNINGS_AS_ERRORS}>:-Werror>)
endfunction()
