// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_TESTS_NPY_HPP
#define ROWNORM_TESTS_NPY_HPP

#include <cstddef>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

#include "reference.hpp"

/// As much of NumPy's .npy format as the matrices of tests/data are in: float and double, rows after each other. The
/// format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
namespace rownorm::tests {

struct NpyArray {
  std::size_t rows = 1, columns = 1;  ///< an array of one dimension has columns of one element
  bool is_float = false;
  Reals values;
};

inline NpyArray read_npy(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  const auto require = [&](bool holds, const char* what) {
    if (!holds) throw std::runtime_error(path + ": " + what);
  };
  constexpr std::size_t preamble = 10;  // magic number, version, length of the header
  require(bytes.size() > preamble && bytes.compare(1, 5, "NUMPY") == 0 && bytes[6] == 1, "is not a .npy file");
  const std::size_t header_size = static_cast<unsigned char>(bytes[8]) + 256U * static_cast<unsigned char>(bytes[9]);
  const std::string header = bytes.substr(preamble, header_size);
  require(header.find("'fortran_order': False") != std::string::npos, "its rows must follow each other");

  NpyArray array;
  array.is_float = header.find("'<f4'") != std::string::npos;
  require(array.is_float || header.find("'<f8'") != std::string::npos, "must be of float or double");
  const std::size_t shape = header.find('(');
  require(shape != std::string::npos, "has no shape");
  const std::size_t comma = header.find(',', shape);
  array.rows = std::stoul(header.substr(shape + 1));
  if (header[comma + 1] != ')') array.columns = std::stoul(header.substr(comma + 1));

  const std::size_t value_bytes = array.is_float ? sizeof(float) : sizeof(double), begin = preamble + header_size;
  require(bytes.size() == begin + array.rows * array.columns * value_bytes, "is not as long as its shape");
  for (std::size_t at = begin; at < bytes.size(); at += value_bytes) {
    float narrow = 0;
    double wide = 0;
    if (array.is_float)
      std::memcpy(&narrow, bytes.data() + at, sizeof(narrow));
    else
      std::memcpy(&wide, bytes.data() + at, sizeof(wide));
    array.values.push_back(array.is_float ? narrow : wide);
  }
  return array;
}

}  // namespace rownorm::tests

#endif
