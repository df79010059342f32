// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <random>
#include <rownorm/tune.hpp>
#include <rownorm/version.hpp>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

namespace rownorm {

using nlohmann::json;

// Of members and enumerators, with their names: NLOHMANN_DEFINE_... writes to_json and from_json.
NLOHMANN_JSON_SERIALIZE_ENUM(Neighbours, {{Neighbours::in_row, "in_row"},
                                          {Neighbours::in_column, "in_column"},
                                          {Neighbours::none, "none"}})
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Problem, rows, columns, x_value_bytes, y_value_bytes, x_neighbours, y_neighbours,
                                   is_aligned, have_same_phase, is_dense, batches, in_double, arrays_read, takes_roots,
                                   has_extras, is_compiled)
NLOHMANN_JSON_SERIALIZE_ENUM(Machine::Kind, {{Machine::Kind::host, "host"}, {Machine::Kind::gpu, "gpu"}})
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Machine, kind, processors, threads_per_processor, max_team_threads, vector_lanes,
                                   cache_bytes, own_cache_bytes, compute_capability, scratch_bytes)

/// Schedules are not read: what a file has is compared with those that this version would try.
static void to_json(json& out, const Schedule& schedule) {
  out = {{"kernel", to_string(schedule.kernel)},
         {"rows_per_team", schedule.rows_per_team},
         {"league_size", schedule.league_size},
         {"team_size", schedule.team_size},
         {"vector_length", schedule.vector_length},
         {"packet_values", schedule.packet_values},
         {"packets_per_lane", schedule.packets_per_lane},
         {"teams_per_row", schedule.teams_per_row},
         {"slice_columns", schedule.slice_columns},
         {"patience", schedule.patience},
         {"tile_rows", schedule.tile_rows},
         {"scratch_bytes", schedule.scratch_bytes},
         {"overlap", schedule.overlap},
         {"bypass_cache", schedule.bypass_cache}};
}

static void to_json(json& out, const Tuned& tuned) {
  out = {{"device", tuned.device},     {"machine", tuned.machine}, {"problem", tuned.problem},
         {"schedule", tuned.schedule}, {"seconds", tuned.seconds}, {"seconds_before", tuned.seconds_before}};
}

namespace {

constexpr int format = 1;  // of the file

}  // namespace

namespace impl {

void refuse_to_tune(const Problem& problem, const char* reason) {
  throw std::invalid_argument("rownorm::tune: problem, " + std::to_string(problem.rows) + " x " +
                              std::to_string(problem.columns) + " with values of " +
                              std::to_string(problem.x_value_bytes) + " and " + std::to_string(problem.y_value_bytes) +
                              " bytes, cannot be tuned: " + reason);
}

}  // namespace impl

void save_tuned_schedules(const std::string& path) {
  const json file = {{"format", format},
                     {"rownorm", std::to_string(ROWNORM_VERSION_MAJOR) + '.' + std::to_string(ROWNORM_VERSION_MINOR) +
                                     '.' + std::to_string(ROWNORM_VERSION_PATCH)},
                     {"tuned", tuned_schedules()}};
  const std::string text =
      file.dump(2, ' ', false, json::error_handler_t::replace);  // names of devices may be anything
  const std::string temporary = path + '.' + std::to_string(std::random_device()()) + ".new";
  std::ofstream out(temporary);
  out << text << '\n';
  out.close();
  std::error_code error;
  if (out) std::filesystem::rename(temporary, path, error);
  if (!out || error) {
    std::filesystem::remove(temporary, error);
    throw std::runtime_error("rownorm::save_tuned_schedules: " + path + " cannot be written");
  }
}

std::size_t load_tuned_schedules(const std::string& path) {
  const auto fail = [&](const std::string& reason) {
    throw std::runtime_error("rownorm::load_tuned_schedules: " + path + ' ' + reason);
  };
  std::ifstream in(path);
  if (!in) fail("cannot be read");
  std::vector<Tuned> known;
  try {
    const json file = json::parse(in);
    if (file.at("format") != format) fail("has format " + file.at("format").dump() + ", not " + std::to_string(format));
    for (const json& entry : file.at("tuned")) {
      Tuned tuned{.machine = entry.at("machine"),
                  .device = entry.at("device"),
                  .problem = entry.at("problem"),
                  .schedule = {},
                  .seconds = entry.at("seconds"),
                  .seconds_before = entry.at("seconds_before")};
      const json& schedule = entry.at("schedule");
      // Words and numbers that this version does not know have become others.
      if (json(tuned.machine) != entry.at("machine") || json(tuned.problem) != entry.at("problem")) continue;
      for (const Schedule& candidate : candidate_schedules(tuned.problem, tuned.machine))
        if (schedule == json(candidate)) {
          tuned.schedule = candidate;
          known.push_back(tuned);
        }
    }
  } catch (const json::exception& error) {
    fail(std::string("is no file of tuned schedules: ") + error.what());
  }
  for (const Tuned& tuned : known) use_tuned_schedule(tuned);
  return known.size();
}

}  // namespace rownorm
