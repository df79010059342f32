# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/RowNorm)

# Shared libraries find one another beside themselves, wherever they are moved, and Kokkos where it was when they were
# linked.
if(NOT DEFINED CMAKE_INSTALL_RPATH)
  foreach(target RowNorm_rownorm RowNorm_c RowNorm_tune)
    if(TARGET ${target})
      set_target_properties(${target} PROPERTIES INSTALL_RPATH $<IF:$<PLATFORM_ID:Darwin>,@loader_path,$ORIGIN>
                                                 INSTALL_RPATH_USE_LINK_PATH ON)
    endif()
  endforeach()
endif()

install(DIRECTORY include/rownorm DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(
  TARGETS RowNorm_rownorm
  EXPORT RowNormTargets
  INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(
  EXPORT RowNormTargets
  NAMESPACE RowNorm::
  DESTINATION ${package_dir})

foreach(component sparse c tune) # a file each, which is read only where the component is asked for
  if(TARGET RowNorm_${component})
    install(
      TARGETS RowNorm_${component}
      EXPORT RowNorm_${component}_targets
      INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
    install(
      EXPORT RowNorm_${component}_targets
      NAMESPACE RowNorm::
      DESTINATION ${package_dir})
  endif()
endforeach()
if(RowNorm_HAS_SPARSE)
  install(FILES cmake/RowNormKokkosKernels.cmake DESTINATION ${package_dir})
endif()

get_target_property(kokkos_is_installed Kokkos::kokkos IMPORTED)
if(NOT kokkos_is_installed) # but a subproject: what CMake found at another time is not it
  set(Kokkos_DIR "")
endif()
configure_package_config_file(cmake/RowNormConfig.cmake.in RowNormConfig.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(RowNormConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/RowNormConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/RowNormConfigVersion.cmake
        DESTINATION ${package_dir})
