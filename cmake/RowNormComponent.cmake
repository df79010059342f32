# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

# Whether to build a component that needs a package: sets RowNorm_HAS_<NAME>, with the option RowNorm_ENABLE_<NAME>.
# `what` is built; `target` is what the package provides, `words` say in messages what it is and where Debian has it.
function(rownorm_component name what package target words)
  string(TOUPPER ${name} NAME)
  set(option RowNorm_ENABLE_${NAME})
  set(${option}
      AUTO
      CACHE STRING "Build ${what}, which needs ${words}: ON, OFF, or AUTO, where it is found")
  set_property(CACHE ${option} PROPERTY STRINGS AUTO ON OFF)
  set(has FALSE)
  if(${option})
    if(NOT TARGET ${target})
      find_package(${package} CONFIG QUIET)
      if(TARGET ${target}) # a project that contains this one uses it with the component
        set_target_properties(${target} PROPERTIES IMPORTED_GLOBAL TRUE)
      endif()
    endif()
    if(TARGET ${target})
      set(has TRUE)
      message(STATUS "RowNorm: with the component ${name}")
    elseif(${option} STREQUAL "AUTO")
      message(STATUS "RowNorm: without the component ${name}, for no ${package} is found")
    else()
      message(
        FATAL_ERROR "RowNorm: ${option} is on, but no ${package} is found: ${words}. Name it "
                    "with -D${package}_ROOT=<its install prefix>, or set ${option} to OFF.")
    endif()
  endif()
  set(RowNorm_HAS_${NAME} ${has} PARENT_SCOPE)
endfunction()

# What all libraries have: lib<name>, in packages RowNorm::<component>.
function(rownorm_set_library_properties target name component)
  set_target_properties(
    ${target}
    PROPERTIES OUTPUT_NAME ${name}
               EXPORT_NAME ${component}
               POSITION_INDEPENDENT_CODE ON
               VERSION ${PROJECT_VERSION}
               SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
  rownorm_enable_warnings(${target})
endfunction()
