// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_DRIVER_NPY_HPP
#define ROWNORM_DRIVER_NPY_HPP

/// The .npy format of NumPy, as https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html defines it.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "dtype.hpp"

namespace driver {

/// What the header of a .npy file says.
struct NpyHeader {
  Dtype dtype;
  bool fortran_order;  ///< columns one after the other, instead of rows
  int rank;            ///< 2, or 1 for a single row
  std::int64_t rows;
  std::int64_t columns;
};

struct NpyFile {
  std::filesystem::path path;
  NpyHeader header;
  std::int64_t data_offset;
};

/// Reads and checks all of a file but its values: on return it has exactly as many bytes as its header asks for. The
/// bytes of bfloat16 are anonymous in a .npy file, so they are taken only where `expected` says bf16.
/// Throws std::runtime_error in one line that starts with the path.
NpyFile open_npy(const std::filesystem::path& path, std::optional<Dtype> expected);

/// What a file of version 1.0 has before its values.
std::string npy_preamble(const NpyHeader& header);

}  // namespace driver

#endif
