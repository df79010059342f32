# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# cmake -DCOMMAND=<nvcc and its flags> -DARCHITECTURE=sm_90 -DSOURCE=<file> -P check_registers.cmake
#
# Compiles SOURCE for one architecture, prints how many registers and how many bytes of spills each kernel has, and fails
# where one spills.
execute_process(
  COMMAND ${COMMAND} -arch=${ARCHITECTURE} -Xptxas -v -cubin -o ${OUTPUT} ${SOURCE}
  OUTPUT_VARIABLE log
  ERROR_VARIABLE log
  RESULT_VARIABLE status)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "${log}")
endif()

string(REPLACE ";" "," log "${log}")
string(REPLACE "\n" ";" lines "${log}")
set(spilling "")
foreach(line IN LISTS lines)
  if(line MATCHES "Compiling entry function '([^']*)'")
    set(mangled "${CMAKE_MATCH_1}")
    set(kernel "")
    if(mangled MATCHES "rownorm4impl[0-9]+([A-Za-z]+)I")
      set(kernel "${CMAKE_MATCH_1}")
      if(mangled MATCHES "(Accumulate|Rescale)E")
        string(APPEND kernel "::${CMAKE_MATCH_1}")
      endif()
      if(mangled MATCHES "7MeanAbsE[fd]E((Li[0-9]+E)+)")
        string(REGEX REPLACE "[A-Za-z]+" " " parameters "${CMAKE_MATCH_1}")
        string(STRIP "${parameters}" parameters)
        string(APPEND kernel "<${parameters}>")
      endif()
    endif()
    set(type float)
    foreach(pair "IKdd=double" "__half=half_t" "bfloat16=bhalf_t")
      string(REPLACE "=" ";" pair ${pair})
      list(GET pair 0 pattern)
      if(mangled MATCHES "${pattern}")
        list(GET pair 1 type)
      endif()
    endforeach()
  elseif(line MATCHES "([0-9]+) bytes spill stores, ([0-9]+) bytes spill loads")
    set(spills "${CMAKE_MATCH_1} + ${CMAKE_MATCH_2}")
  elseif(line MATCHES "Used ([0-9]+) registers" AND kernel)
    message("${ARCHITECTURE} ${kernel} ${type}: ${CMAKE_MATCH_1} registers, ${spills} bytes of spills")
    if(NOT spills STREQUAL "0 + 0")
      list(APPEND spilling "${kernel} ${type}")
    endif()
  endif()
endforeach()
if(spilling)
  message(FATAL_ERROR "registers are spilled on ${ARCHITECTURE} by: ${spilling}")
endif()
