# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# The component RowNorm::sparse: headers that need Kokkos Kernels, which the rest never does.

set(RowNorm_ENABLE_SPARSE
    AUTO
    CACHE STRING "Provide RowNorm::sparse, which needs Kokkos Kernels: ON, OFF, or AUTO, where a matching one is found")
set_property(CACHE RowNorm_ENABLE_SPARSE PROPERTY STRINGS AUTO ON OFF)

set(RowNorm_HAS_SPARSE FALSE)
if(RowNorm_ENABLE_SPARSE)
  set(problem "no Kokkos Kernels is found")
  if(NOT TARGET KokkosKernels::all_libs AND NOT TARGET Kokkos::kokkoskernels)
    find_package(KokkosKernels CONFIG QUIET HINTS ${Kokkos_DIR}/../KokkosKernels)
    if(KokkosKernels_CONSIDERED_CONFIGS AND NOT KokkosKernels_FOUND)
      set(problem "the Kokkos Kernels in ${KokkosKernels_CONSIDERED_CONFIGS} does not go with this Kokkos")
    endif()
  endif()
  include(${CMAKE_CURRENT_LIST_DIR}/RowNormKokkosKernels.cmake)
  rownorm_kokkos_kernels(RowNorm_KOKKOS_KERNELS version)
  if(RowNorm_KOKKOS_KERNELS AND version VERSION_GREATER_EQUAL 4.6)
    string(REGEX REPLACE "\\..*" "" major "${version}")
    string(REGEX REPLACE "\\..*" "" kokkos_major "${Kokkos_VERSION}")
    if(NOT kokkos_major OR major EQUAL kokkos_major)
      set(RowNorm_HAS_SPARSE TRUE)
    endif()
  endif()
  if(RowNorm_HAS_SPARSE)
    message(STATUS "RowNorm: with the component sparse, for Kokkos Kernels ${version}")
  else()
    if(RowNorm_KOKKOS_KERNELS)
      set(problem "Kokkos Kernels ${version} does not go with Kokkos ${Kokkos_VERSION}")
    endif()
    if(RowNorm_ENABLE_SPARSE STREQUAL "AUTO")
      message(STATUS "RowNorm: without the component sparse, for ${problem}")
    else()
      message(
        FATAL_ERROR
          "RowNorm: RowNorm_ENABLE_SPARSE is on, but ${problem}. Name one of version 4.6 or later that was built for this "
          "Kokkos with -DKokkosKernels_ROOT=<its install prefix>, or set RowNorm_ENABLE_SPARSE to OFF.")
    endif()
  endif()
endif()

if(RowNorm_HAS_SPARSE)
  add_library(RowNorm_sparse INTERFACE)
  add_library(RowNorm::sparse ALIAS RowNorm_sparse)
  target_link_libraries(RowNorm_sparse INTERFACE RowNorm_rownorm ${RowNorm_KOKKOS_KERNELS})
  set_target_properties(RowNorm_sparse PROPERTIES EXPORT_NAME sparse)
endif()
