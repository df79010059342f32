# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Installs the build `build` of the sources `source`, and moves the result to `prefix`, so that whoever uses it uses one
# that has been moved. Fails where its package or its headers name a folder that is not, or no longer, there for users.
cmake_minimum_required(VERSION 3.22)

set(installed ${prefix}.installed)
file(REMOVE_RECURSE ${prefix} ${installed})
execute_process(COMMAND ${CMAKE_COMMAND} --install ${build} --prefix ${installed} --config "${config}"
                COMMAND_ERROR_IS_FATAL ANY)
file(RENAME ${installed} ${prefix})

file(GLOB_RECURSE files ${prefix}/*.cmake ${prefix}/*.h ${prefix}/*.hpp)
if(NOT files)
  message(FATAL_ERROR "nothing was installed in ${prefix}")
endif()
foreach(file IN LISTS files)
  file(READ ${file} text)
  if(file MATCHES "/RowNormConfig\\.cmake$") # it says where its dependencies were found, which may be anywhere
    string(REGEX REPLACE "[^\n]*_DIR[^\n]*" "" text "${text}")
  endif()
  foreach(folder ${source} ${build} ${installed})
    string(FIND "${text}" "${folder}/" place)
    if(NOT place EQUAL -1)
      message(FATAL_ERROR "${file} names ${folder}")
    endif()
  endforeach()
endforeach()
