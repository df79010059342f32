// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_TESTS_RANDOM_HPP
#define ROWNORM_TESTS_RANDOM_HPP

#include <cmath>
#include <random>

#include "reference.hpp"

namespace rownorm::tests {

/// Rows of random values in T, each row at a scale of its own.
template <class T>
Reals random_rows(std::size_t rows, std::size_t columns, unsigned seed) {
  std::mt19937_64 engine(seed);
  std::uniform_real_distribution<double> value(-1, 1);
  std::uniform_int_distribution<int> exponent(-10, 10);
  Reals x;
  x.reserve(rows * columns);
  for (std::size_t i = 0; i < rows; ++i) {
    const double scale = std::ldexp(1.0, exponent(engine));
    for (std::size_t j = 0; j < columns; ++j) x.push_back(static_cast<double>(static_cast<T>(scale * value(engine))));
  }
  return x;
}

}  // namespace rownorm::tests

#endif
