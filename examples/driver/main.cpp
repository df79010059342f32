// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

/// rownorm_driver: runs, times and checks rownorm::l1_normalize. `rownorm_driver --help` says how it is used.

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <Kokkos_Core.hpp>

#include "matrix.hpp"
#include "measure.hpp"
#include "options.hpp"
#include "output_file.hpp"
#include "report.hpp"

namespace driver {

namespace {

/// What the host can still give without swapping, where the system says so.
std::optional<double> available_host_bytes() {
  std::ifstream file("/proc/meminfo");
  std::string word;
  while (file >> word)
    if (double kibibytes = 0; word == "MemAvailable:" && file >> kibibytes) return kibibytes * 1024;
  return std::nullopt;
}

/// Linux lets a program allocate more memory than there is, and kills it later: better to ask before.
void check_host_memory(const Options& options) {
  const int host_buffers = device_is_host ? 2 + 2 * !options.tune.empty()  // tuning has arrays of its own
                                          : 1 + (options.check || !options.output.empty());
  const double values = static_cast<double>(options.rows) * (static_cast<double>(options.columns) + row_padding);
  const double needed = host_buffers * values * static_cast<double>(held_bytes(options.dtype));
  constexpr double most_addressable = 0x1p62;
  const double available = available_host_bytes().value_or(most_addressable);
  if (needed > available)
    throw std::runtime_error(fmt::format("{} x {} values of {} need {:.4g} GB of host memory; {:.4g} GB are available",
                                         options.rows, options.columns, traits(options.dtype).name, needed / 1e9,
                                         available / 1e9));
}

void print(const std::string& text) {
  if (std::fputs(text.c_str(), stdout) < 0 || std::fflush(stdout) != 0)
    throw std::runtime_error("standard output cannot be written");
}

int run(int argc, char** argv) {
  // Kokkos' flags are kept from CLI11, and ours from Kokkos, so that what is wrong with either is found before Kokkos
  // starts any device.
  std::vector<char*> ours, kokkos;
  for (char* const argument : std::vector<char*>(argv + 1, argv + argc))
    (std::string(argument).starts_with("--kokkos") ? kokkos : ours).push_back(argument);
  check_kokkos_flags(kokkos);
  ours.insert(ours.begin(), argv[0]);
  const std::optional<Options> options = parse_options(static_cast<int>(ours.size()), ours.data());
  if (!options) return 0;
  check_host_memory(*options);

  const bool json_only = options->json == "-";
  std::optional<OutputFile> output, json_file;
  if (!options->output.empty()) output.emplace(options->output);
  if (!options->json.empty() && !json_only) json_file.emplace(options->json);

  int kokkos_argc = static_cast<int>(kokkos.size()) + 1;
  kokkos.insert(kokkos.begin(), argv[0]);
  kokkos.push_back(nullptr);
  const Kokkos::ScopeGuard guard(kokkos_argc, kokkos.data());
  // Since version 5, Kokkos itself leaves the program after its help.
  if (std::any_of(argv + 1, argv + argc, [](const char* flag) { return flag == std::string("--kokkos-help"); }))
    return 0;
  const Result result = with_value_of(
      options->dtype, [&](auto value) { return measure<decltype(value)>(*options, output ? &*output : nullptr); });

  const std::string report = json(*options, result);
  if (json_file) json_file->write(report.data(), report.size());
  if (output) output->commit();
  if (json_file) json_file->commit();
  print(json_only ? report : table(*options, result));
  return result.max_error_ulp && !passed(*options, *result.max_error_ulp) ? 1 : 0;
}

}  // namespace

}  // namespace driver

int main(int argc, char** argv) {
  try {
    return driver::run(argc, argv);
  } catch (const std::exception& error) {
    std::string line = error.what();
    while (line.ends_with('\n')) line.pop_back();
    std::replace(line.begin(), line.end(), '\n', ' ');
    fmt::print(stderr, "rownorm_driver: {}\n", line);
    return 2;
  }
}
