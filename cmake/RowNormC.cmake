# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# The component RowNorm::c: librownorm_c, for C and what calls C, on the tensors of DLPack.

set(RowNorm_ENABLE_C
    AUTO
    CACHE STRING "Build librownorm_c, which needs the header of DLPack: ON, OFF, or AUTO, where it is found")
set_property(CACHE RowNorm_ENABLE_C PROPERTY STRINGS AUTO ON OFF)

set(RowNorm_HAS_C FALSE)
if(RowNorm_ENABLE_C)
  if(NOT TARGET dlpack::dlpack)
    find_package(dlpack CONFIG QUIET)
    if(TARGET dlpack::dlpack) # a project that contains this one uses it with RowNorm::c
      set_target_properties(dlpack::dlpack PROPERTIES IMPORTED_GLOBAL TRUE)
    endif()
  endif()
  if(TARGET dlpack::dlpack)
    set(RowNorm_HAS_C TRUE)
    message(STATUS "RowNorm: with the component c")
  elseif(RowNorm_ENABLE_C STREQUAL "AUTO")
    message(STATUS "RowNorm: without the component c, for no DLPack is found")
  else()
    message(
      FATAL_ERROR "RowNorm: RowNorm_ENABLE_C is on, but no DLPack is found (Debian: libdlpack-dev). Name it "
                  "with -Ddlpack_ROOT=<its install prefix>, or set RowNorm_ENABLE_C to OFF.")
  endif()
endif()

if(RowNorm_HAS_C)
  add_library(RowNorm_c src/c/kokkos.cpp src/c/rownorm.cpp src/c/tensor.cpp)
  add_library(RowNorm::c ALIAS RowNorm_c)
  target_include_directories(
    RowNorm_c
    PUBLIC $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:include>
    PRIVATE src)
  target_compile_definitions(RowNorm_c PRIVATE ROWNORM_C_VERSION="${PROJECT_VERSION}")
  target_link_libraries(RowNorm_c PUBLIC dlpack::dlpack PRIVATE RowNorm_rownorm)
  set_target_properties(
    RowNorm_c
    PROPERTIES OUTPUT_NAME rownorm_c
               EXPORT_NAME c
               POSITION_INDEPENDENT_CODE ON
               VERSION ${PROJECT_VERSION}
               SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
  rownorm_enable_warnings(RowNorm_c)
  if(NOT RowNorm_ENABLE_INSTALL) # a project that contains this one builds what it links
    set_target_properties(RowNorm_c PROPERTIES EXCLUDE_FROM_ALL TRUE)
  endif()
endif()
