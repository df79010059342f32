// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_DRIVER_REPORT_HPP
#define ROWNORM_DRIVER_REPORT_HPP

#include <string>

#include "measure.hpp"
#include "options.hpp"

namespace driver {

/// Whether the error is one that RowNorm promises not to exceed.
bool passed(const Options& options, double max_error_ulp);

/// For people.
std::string table(const Options& options, const Result& result);

/// For programs.
std::string json(const Options& options, const Result& result);

}  // namespace driver

#endif
