# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# The kernels for rows on the host, without Kokkos: with its CUDA backend they are still compiled by the host's compiler.

if(NOT TARGET hwy::hwy)
  find_package(hwy 1.2 CONFIG QUIET)
  if(TARGET hwy::hwy) # a project that contains this one links it with a static library
    set_target_properties(hwy::hwy PROPERTIES IMPORTED_GLOBAL TRUE)
  endif()
endif()
set(found OFF)
if(TARGET hwy::hwy)
  set(found ON)
endif()
option(RowNorm_ENABLE_HIGHWAY "Use Highway for rows on the host: one library for every instruction set" ${found})
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
  # Highway says where a product and a sum are one operation. Where flags give every instruction set fused ones, as
  # -march=x86-64-v4 does, compilers make more of them, and not everywhere the same.
  if(CMAKE_CXX_COMPILER_ID MATCHES "GNU|Clang|IntelLLVM")
    target_compile_options(RowNorm_host_rows PRIVATE -ffp-contract=off)
  endif()
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
