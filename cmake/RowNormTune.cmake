# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# The component RowNorm::tune: schedules that are measured, and kept in JSON files.

rownorm_component(tune librownorm_tune nlohmann_json nlohmann_json::nlohmann_json
                  "nlohmann-json (Debian: nlohmann-json3-dev)")

if(RowNorm_HAS_TUNE)
  add_library(RowNorm_tune src/tune/tune.cpp)
  add_library(RowNorm::tune ALIAS RowNorm_tune)
  # Who links the library needs no nlohmann-json.
  target_link_libraries(RowNorm_tune PUBLIC RowNorm_rownorm PRIVATE $<BUILD_INTERFACE:nlohmann_json::nlohmann_json>)
  rownorm_set_library_properties(RowNorm_tune rownorm_tune tune)
  if(NOT RowNorm_ENABLE_INSTALL) # a project that contains this one builds what it links
    set_target_properties(RowNorm_tune PROPERTIES EXCLUDE_FROM_ALL TRUE)
  endif()
endif()
