# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# The component RowNorm::c: librownorm_c, for C and what calls C, on the tensors of DLPack.

rownorm_component(c librownorm_c dlpack dlpack::dlpack "the header of DLPack (Debian: libdlpack-dev)")

if(RowNorm_HAS_C)
  add_library(RowNorm_c src/c/kokkos.cpp src/c/rownorm.cpp src/c/tensor.cpp)
  add_library(RowNorm::c ALIAS RowNorm_c)
  target_include_directories(
    RowNorm_c
    PUBLIC $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:include>
    PRIVATE src)
  target_compile_definitions(RowNorm_c PRIVATE ROWNORM_C_VERSION="${PROJECT_VERSION}")
  target_link_libraries(RowNorm_c PUBLIC dlpack::dlpack PRIVATE RowNorm_rownorm)
  rownorm_set_library_properties(RowNorm_c rownorm_c c)
  if(NOT RowNorm_ENABLE_INSTALL) # a project that contains this one builds what it links
    set_target_properties(RowNorm_c PROPERTIES EXCLUDE_FROM_ALL TRUE)
  endif()
endif()
