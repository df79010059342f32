// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "options.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <cmath>
#include <limits>
#include <regex>
#include <rownorm/version.hpp>
#include <stdexcept>

namespace driver {

namespace {

constexpr const char* examples = R"(Examples:
  rownorm_driver
      time the default problem
  rownorm_driver --batch 4096 --dim 8192 --dtype f64 --check
      compare every element with a reference computed in long double
  rownorm_driver --input x.npy --output y.npy --epsilon 1e-6
      normalise a matrix that NumPy saved
  rownorm_driver --batch 64 --dim 1000000 --layout left --explain
      say how the rows are spread over the device, and why
  rownorm_driver --dim 5000 --tune tuned.json
      measure which schedule is the fastest, keep the answer, and run it
  rownorm_driver --json - --kokkos-num-threads=8 | jq .gigabytes_per_second
      measure from a script, with 8 threads on the host

Flags that start with --kokkos- are for Kokkos; --kokkos-help lists them.
Exit status: 0, or 1 where --check finds a larger error than RowNorm promises, or 2 where an error stopped the run.)";

template <class Enum>
Enum parse_name(const std::string& name, std::initializer_list<Enum> values, const char* (*name_of)(Enum)) {
  for (const Enum value : values)
    if (name == name_of(value)) return value;
  throw std::logic_error("a name that CLI11 should have refused");
}

const char* to_string(Dtype dtype) { return traits(dtype).name; }

/// Refuses what is no whole number in the given range: versions of CLI11 differ in how they take signs and overflows.
CLI::Validator whole_number(std::uint64_t min, std::uint64_t max = std::numeric_limits<std::int64_t>::max()) {
  return CLI::Validator(
      [=](std::string& text) -> std::string {
        std::uint64_t value = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (error != std::errc{} || end != text.data() + text.size() || value < min || value > max)
          return fmt::format("{} is not a whole number from {} to {}", text, min, max);
        text = std::to_string(value);  // without leading zeros, which CLI11 would take as octal
        return {};
      },
      "");
}

void use_input(const std::string& path, std::optional<Dtype> dtype, std::optional<std::int64_t> rows,
               std::optional<std::int64_t> columns, Options& options) {
  options.input = open_npy(path, dtype);
  const NpyHeader& header = options.input->header;
  const auto agree = [&](const char* flag, std::optional<std::int64_t> asked, std::int64_t found) {
    if (asked && *asked != found)
      throw std::runtime_error(fmt::format("{} is {}, but {} has {}", flag, *asked, path, found));
  };
  agree("--batch", rows, header.rows);
  agree("--dim", columns, header.columns);
  options.rows = header.rows;
  options.columns = header.columns;
  options.dtype = header.dtype;
}

}  // namespace

std::string version() {
  return fmt::format("{}.{}.{}", ROWNORM_VERSION_MAJOR, ROWNORM_VERSION_MINOR, ROWNORM_VERSION_PATCH);
}

const char* to_string(Layout layout) {
  switch (layout) {
    case Layout::right:
      return "right";
    case Layout::left:
      return "left";
    case Layout::strided:
      break;
  }
  return "strided";
}

std::optional<Options> parse_options(int argc, const char* const* argv) {
  Options options;
  std::optional<std::int64_t> rows, columns;
  std::string dtype, layout;
  std::optional<std::string> input;

  CLI::App app("Normalises the rows of a matrix, y(i,j) = x(i,j) / (mean_j |x(i,j)| + epsilon), and times it.\n",
               "rownorm_driver");
  app.footer(examples);
  app.set_version_flag("--version", version());
  app.add_option("--batch", rows, fmt::format("Rows (default: {}, or those of --input)", options.rows))
      ->transform(whole_number(1));
  app.add_option("--dim", columns, fmt::format("Columns (default: {}, or those of --input)", options.columns))
      ->transform(whole_number(1));
  app.add_option("--dtype", dtype, "f32, f64, f16 or bf16 (default: f32, or that of --input)")
      ->check(CLI::IsMember({"f32", "f64", "f16", "bf16"}));
  app.add_option("--layout", layout,
                 "right: rows one after the other; left: columns one after the other;\n"
                 "strided: rows with a pitch of dim + 3\n"
                 "(default: right, or left for an --input in Fortran order)")
      ->check(CLI::IsMember({"right", "left", "strided"}));
  app.add_option("--epsilon", options.epsilon, "Added to each row's mean; zero or positive (default: 1e-8)");
  app.add_flag("--in-place", options.in_place, "Let y be x");
  app.add_option("--repeat", options.repeats, fmt::format("Timed calls (default: {})", options.repeats))
      ->transform(whole_number(1, std::numeric_limits<int>::max()));
  CLI::Option* seed = app.add_option("--seed", options.seed, "Of the random values, uniform in [-1, 1) (default: 0)");
  seed->transform(whole_number(0, std::numeric_limits<std::uint64_t>::max()));
  app.add_flag("--check", options.check, "Compare with a reference computed on the host in long double");
  app.add_option("--input", input, "Read x from this .npy file:\nrank 1 (one row) or 2, little-endian, either order")
      ->excludes(seed);
  app.add_option("--output", options.output, "Write y to this .npy file");
  app.add_flag("--explain", options.explain, "Say which schedule was chosen, and why");
  app.add_option("--tune", options.tune,
                 "Run the schedule that is the fastest, by this JSON file; measure that, and add\n"
                 "it to the file, where it does not know the problem on this device");
  app.add_option("--json", options.json, "Write the result as JSON to this file; - for standard output only");

  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help_or_version) {
    app.exit(help_or_version);
    return std::nullopt;
  }

  if (!(options.epsilon >= 0) || std::isinf(options.epsilon))
    throw std::runtime_error(
        fmt::format("--epsilon is {}, but must be zero or a positive finite number", options.epsilon));
  if (!options.output.empty() && options.output == options.json)
    throw std::runtime_error("--output and --json name the same file");
  if (!options.tune.empty() && (options.tune == options.output || options.tune == options.json))
    throw std::runtime_error("--tune names the same file as --output or --json");

  std::optional<Dtype> given_dtype;
  if (!dtype.empty()) given_dtype = parse_name(dtype, {Dtype::f32, Dtype::f64, Dtype::f16, Dtype::bf16}, to_string);
  if (input) {
    use_input(*input, given_dtype, rows, columns, options);
  } else {
    options.rows = rows.value_or(options.rows);
    options.columns = columns.value_or(options.columns);
    options.dtype = given_dtype.value_or(options.dtype);
  }
  if (!layout.empty())
    options.layout = parse_name(layout, {Layout::right, Layout::left, Layout::strided}, to_string);
  else if (options.input && options.input->header.fortran_order)
    options.layout = Layout::left;
  return options;
}

void check_kokkos_flags(const std::vector<char*>& flags) {
  static const std::regex known(
      "--kokkos-(help|tools-help|tools-(libs|args)=.*|num-threads=0*[1-9][0-9]{0,5}|device-id=([0-9]{1,6})|"
      "map-device-id-by=(random|mpi_rank)|(disable-warnings|print-configuration|tune-internals)(=(yes|no|true|false|"
      "[01]))?)");
  constexpr std::size_t device_id = 3;  // its group in the expression
  for (const char* flag : flags) {
    std::cmatch match;
    if (!std::regex_match(flag, match, known))
      throw std::runtime_error(fmt::format("not a valid Kokkos flag: {}; --kokkos-help lists them", flag));
    if (!match[device_id].matched) continue;
    const int devices = Kokkos::num_devices();  // negative where Kokkos has only host backends
    if (devices >= 0 && std::stoi(match[device_id]) >= devices)
      throw std::runtime_error(fmt::format("{}: the number of devices is {}", flag, devices));
  }
}

}  // namespace driver
