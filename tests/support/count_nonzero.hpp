// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_TESTS_COUNT_NONZERO_HPP
#define ROWNORM_TESTS_COUNT_NONZERO_HPP

#include <algorithm>

#include <Kokkos_Core.hpp>

#include "reference.hpp"

namespace rownorm::tests {

/// The share of a row that is not zero: a norm of the user's own, as norms.hpp has it.
struct CountNonzero {
  template <class Compute>
  using Partial = double;

  template <class Compute>
  KOKKOS_FUNCTION void accumulate(double& partial, Compute magnitude) const {
    partial += magnitude > 0;
  }
  KOKKOS_FUNCTION void combine(double& partial, double other) const { partial += other; }
  KOKKOS_FUNCTION double finish(double partial, double columns) const { return partial / columns; }
};

inline long double reference_norm(CountNonzero, const Reals& x) {
  const auto count = std::count_if(x.begin(), x.end(), [](long double value) { return value != 0; });
  return static_cast<long double>(count) / static_cast<long double>(x.size());
}

}  // namespace rownorm::tests

#endif
