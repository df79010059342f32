// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_TESTS_NORMS_HPP
#define ROWNORM_TESTS_NORMS_HPP

#include <algorithm>
#include <iterator>
#include <rownorm/norms.hpp>

namespace rownorm::tests {

/// Every norm that RowNorm has, at run time: so tests are compiled once for all of them.
inline constexpr AnyNorm all_norms[] = {MeanAbs{}, SumAbs{}, RootMeanSquare{}, Euclidean{}, MaxAbs{}};

inline const char* name_of(const AnyNorm& norm) {
  constexpr const char* names[] = {"MeanAbs", "SumAbs", "RootMeanSquare", "Euclidean", "MaxAbs"};
  return names[std::find(std::begin(all_norms), std::end(all_norms), norm) - std::begin(all_norms)];
}

}  // namespace rownorm::tests

#endif
