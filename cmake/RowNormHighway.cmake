# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# The kernels for rows on the host, without Kokkos: with its CUDA backend they are still compiled by the host's compiler.

if(RowNorm_ENABLE_HIGHWAY AND NOT TARGET hwy::hwy)
  message(FATAL_ERROR "RowNorm: RowNorm_ENABLE_HIGHWAY is on, but no Highway 1.2 or later is found. Name it with "
                      "-Dhwy_ROOT=<its install prefix>, or set RowNorm_ENABLE_HIGHWAY to OFF for plain loops instead.")
endif()

set(RowNorm_HIGHWAY_TARGETS)
set(RowNorm_LINKS_HIGHWAY FALSE)
if(RowNorm_ENABLE_HIGHWAY)
  set(RowNorm_HIGHWAY_TARGETS hwy::hwy)
  if(NOT BUILD_SHARED_LIBS)
    set(RowNorm_LINKS_HIGHWAY TRUE)
  endif()
  add_library(RowNorm_host_rows OBJECT src/host_rows.cpp)
  message(STATUS "RowNorm: rows on the host use Highway ${hwy_VERSION}")
else()
  add_library(RowNorm_host_rows OBJECT src/host_rows_plain.cpp)
  message(STATUS "RowNorm: rows on the host are plain loops, without Highway")
endif()
target_include_directories(RowNorm_host_rows PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/include ${CMAKE_CURRENT_SOURCE_DIR}/src)
target_compile_features(RowNorm_host_rows PRIVATE cxx_std_20)
target_link_libraries(RowNorm_host_rows PRIVATE ${RowNorm_HIGHWAY_TARGETS})
set_target_properties(RowNorm_host_rows PROPERTIES POSITION_INDEPENDENT_CODE ON)
rownorm_enable_warnings(RowNorm_host_rows)
