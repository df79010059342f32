// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_DRIVER_OPTIONS_HPP
#define ROWNORM_DRIVER_OPTIONS_HPP

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dtype.hpp"
#include "npy.hpp"

namespace driver {

enum class Layout { right, left, strided };

/// The version of RowNorm, as in "0.1.0".
std::string version();

const char* to_string(Layout layout);

/// What the command line asks for, checked as far as that is possible without reading or computing values.
struct Options {
  std::int64_t rows = 512;
  std::int64_t columns = 65535;
  Dtype dtype = Dtype::f32;
  Layout layout = Layout::right;
  double epsilon = 1e-8;
  bool in_place = false;
  int repeats = 10;
  std::uint64_t seed = 0;
  bool check = false;
  bool explain = false;
  std::string tune;              ///< file of tuned schedules; nothing is tuned where empty
  std::optional<NpyFile> input;  ///< random values where there is none
  std::string output;            ///< no file where empty, as with json
  std::string json;              ///< "-": standard output
};

/// The options, or none where the command line asks for help, which is then printed.
/// Throws std::runtime_error in one line where something is wrong.
std::optional<Options> parse_options(int argc, const char* const* argv);

/// Throws std::runtime_error for a flag that Kokkos would ignore with a warning, or abort at.
void check_kokkos_flags(const std::vector<char*>& flags);

}  // namespace driver

#endif
