// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "report.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace driver {

namespace {

std::string held_as(const Options& options) {
  switch (options.dtype) {
    case Dtype::f32:
      return "float";
    case Dtype::f64:
      return "double";
    case Dtype::f16:
      return held_as_float(Dtype::f16) ? "float" : "half_t";
    case Dtype::bf16:
      break;
  }
  return held_as_float(Dtype::bf16) ? "float" : "bhalf_t";
}

std::string source(const Options& options) {
  return options.input ? options.input->path.string() : fmt::format("random, seed {}", options.seed);
}

}  // namespace

bool passed(const Options& options, double max_error_ulp) {
  return max_error_ulp <= traits(options.dtype).promised_ulp;
}

std::string table(const Options& options, const Result& result) {
  std::string text = fmt::format("RowNorm {} on {}\n", version(), result.device);
  const auto line = [&](const char* name, const std::string& value) {
    text += fmt::format("  {:<11}{}\n", name, value);
  };
  const bool converted = options.dtype != Dtype::f32 && held_as_float(options.dtype);
  const rownorm::Schedule& schedule = result.schedule;
  const Timing& timing = result.timing;

  line("x", fmt::format("{} x {}, {}", options.rows, options.columns, source(options)));
  line("values", fmt::format("{}{}", traits(options.dtype).name,
                             converted ? " (held as float: this Kokkos has no 16-bit type)" : ""));
  line("layout", fmt::format("{}, {}", to_string(options.layout), options.in_place ? "in place" : "out of place"));
  line("epsilon", fmt::format("{}", options.epsilon));
  line("kernel", fmt::format("{}: league size {}, team size {}, vector length {}", rownorm::to_string(schedule.kernel),
                             schedule.league_size, schedule.team_size, schedule.vector_length));
  if (options.explain) line("why", result.explanation);
  if (result.tuned)
    line("tuned", fmt::format("{:.4g} ms a call, and {:.4g} ms as chosen without {}", result.tuned->seconds * 1e3,
                              result.tuned->seconds_before * 1e3, options.tune));
  line("time", fmt::format("{:.4g} ms (median of {}, from {:.4g} to {:.4g} ms)", timing.median * 1e3, options.repeats,
                           timing.min * 1e3, timing.max * 1e3));
  line("throughput",
       fmt::format("{:.4g} GB/s, {:.0f} % of a copy's {:.4g} GB/s", result.bytes_per_second / 1e9,
                   100 * result.bytes_per_second / result.copy_bytes_per_second, result.copy_bytes_per_second / 1e9));
  if (result.max_error_ulp)
    line("check", fmt::format("{}: the largest error is {:.3g} ulp, {} ulp is promised",
                              passed(options, *result.max_error_ulp) ? "passed" : "FAILED", *result.max_error_ulp,
                              traits(options.dtype).promised_ulp));
  if (!options.output.empty()) line("y", options.output);
  return text;
}

std::string json(const Options& options, const Result& result) {
  const rownorm::Schedule& schedule = result.schedule;
  nlohmann::ordered_json report = {
      {"version", version()},
      {"device", result.device},
      {"backend", Exec::name()},
      {"shape", {options.rows, options.columns}},
      {"dtype", traits(options.dtype).name},
      {"held_as", held_as(options)},
      {"layout", to_string(options.layout)},
      {"in_place", options.in_place},
      {"epsilon", options.epsilon},
      {"source", source(options)},
      {"schedule",
       {{"kernel", rownorm::to_string(schedule.kernel)},
        {"rows_per_team", schedule.rows_per_team},
        {"league_size", schedule.league_size},
        {"team_size", schedule.team_size},
        {"vector_length", schedule.vector_length},
        {"explanation", result.explanation}}},
      {"repeats", options.repeats},
      {"milliseconds",
       {{"median", result.timing.median * 1e3}, {"min", result.timing.min * 1e3}, {"max", result.timing.max * 1e3}}},
      {"gigabytes_per_second", result.bytes_per_second / 1e9},
      {"copy_gigabytes_per_second", result.copy_bytes_per_second / 1e9},
      {"fraction_of_copy", result.bytes_per_second / result.copy_bytes_per_second}};
  if (result.tuned)
    report["tuned"] = {{"milliseconds", result.tuned->seconds * 1e3},
                       {"milliseconds_before", result.tuned->seconds_before * 1e3}};
  if (result.max_error_ulp)
    report["check"] = {{"max_error_ulp", *result.max_error_ulp},  // null where it is infinite
                       {"promised_ulp", traits(options.dtype).promised_ulp},
                       {"passed", passed(options, *result.max_error_ulp)}};
  // A path need not be valid UTF-8.
  return report.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + '\n';
}

}  // namespace driver
