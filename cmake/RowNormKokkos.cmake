# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Provides Kokkos::kokkos: the caller's own target, an installed Kokkos, or one fetched from its release.

set(RowNorm_KOKKOS_VERSIONS 4.6...<6)
set(RowNorm_FETCHED_KOKKOS_VERSION 5.2.2)

if(TARGET Kokkos::kokkos)
  set(kokkos_place "of the enclosing project")
else()
  find_package(Kokkos ${RowNorm_KOKKOS_VERSIONS} CONFIG QUIET)
  if(Kokkos_FOUND)
    set(kokkos_place "from ${Kokkos_DIR}")
  elseif(RowNorm_ENABLE_FETCH_KOKKOS)
    message(STATUS "RowNorm: fetching Kokkos ${RowNorm_FETCHED_KOKKOS_VERSION}")
    foreach(backend IN LISTS RowNorm_REQUIRED_BACKENDS)
      set(Kokkos_ENABLE_${backend} ON CACHE BOOL "Required by RowNorm_REQUIRED_BACKENDS")
    endforeach()
    include(FetchContent)
    FetchContent_Declare(
      Kokkos
      GIT_REPOSITORY https://github.com/kokkos/kokkos.git
      GIT_TAG ${RowNorm_FETCHED_KOKKOS_VERSION}
      GIT_SHALLOW ON)
    FetchContent_MakeAvailable(Kokkos)
    set(kokkos_place "fetched")
  else()
    string(REPLACE ";" " or " considered "${Kokkos_CONSIDERED_VERSIONS}")
    if(considered)
      set(considered "Found only version ${considered}, in ${Kokkos_CONSIDERED_CONFIGS}. ")
    endif()
    message(
      FATAL_ERROR
        "RowNorm: no usable Kokkos found; it needs version 4.6 up to, not including, 6. ${considered}Do one of these:\n"
        "  -DKokkos_ROOT=<prefix>                where a Kokkos is installed\n"
        "  -DRowNorm_ENABLE_FETCH_KOKKOS=ON      to download Kokkos ${RowNorm_FETCHED_KOKKOS_VERSION} and build it here;\n"
        "                                        choose backends with -DRowNorm_REQUIRED_BACKENDS=\"OPENMP;CUDA\"\n"
        "  add_subdirectory(<Kokkos>)            before RowNorm, in the project that contains both\n"
        "On Debian without any of these, ./scripts/demo.sh and ./scripts/test.sh make an environment of their own.")
  endif()
endif()

# A Kokkos that is a subproject, or was found in another scope, keeps its variables to itself. Its header has the same.
if(NOT (Kokkos_VERSION AND Kokkos_DEVICES) AND TARGET Kokkos::kokkoscore)
  get_target_property(directories Kokkos::kokkoscore INTERFACE_INCLUDE_DIRECTORIES)
  string(REGEX REPLACE "\\$<BUILD_INTERFACE:|>" "" directories "${directories}")
  foreach(directory IN LISTS directories)
    if(EXISTS "${directory}/KokkosCore_config.h")
      file(STRINGS "${directory}/KokkosCore_config.h" lines REGEX "define KOKKOS_")
      string(REGEX MATCHALL "KOKKOS_VERSION_(MAJOR|MINOR|PATCH) [0-9]+" Kokkos_VERSION "${lines}")
      string(REGEX REPLACE "[^0-9;]+" "" Kokkos_VERSION "${Kokkos_VERSION}")
      list(JOIN Kokkos_VERSION "." Kokkos_VERSION)
      set(Kokkos_DEVICES "")
      foreach(backend THREADS OPENMP SERIAL HPX OPENACC OPENMPTARGET CUDA HIP SYCL) # in the order of Kokkos' package
        if("#define KOKKOS_ENABLE_${backend}" IN_LIST lines)
          list(APPEND Kokkos_DEVICES ${backend})
          set(Kokkos_ENABLE_${backend} ON)
        endif()
      endforeach()
      break()
    endif()
  endforeach()
endif()
message(STATUS "RowNorm: using Kokkos ${Kokkos_VERSION} with ${Kokkos_DEVICES}, ${kokkos_place}")

foreach(backend IN LISTS RowNorm_REQUIRED_BACKENDS)
  if(NOT Kokkos_ENABLE_${backend})
    message(FATAL_ERROR "RowNorm: this Kokkos has no ${backend} backend, which RowNorm_REQUIRED_BACKENDS asks for. "
                        "Name one that has it with -DKokkos_ROOT=<its install prefix>.")
  endif()
endforeach()
