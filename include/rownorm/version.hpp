// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_VERSION_HPP
#define ROWNORM_VERSION_HPP

// The one place that states the version: CMake reads these three lines.
#define ROWNORM_VERSION_MAJOR 0
#define ROWNORM_VERSION_MINOR 1
#define ROWNORM_VERSION_PATCH 0

/// The version as one integer, 10000 * major + 100 * minor + patch, for use in `#if`.
#define ROWNORM_VERSION (ROWNORM_VERSION_MAJOR * 10000 + ROWNORM_VERSION_MINOR * 100 + ROWNORM_VERSION_PATCH)

#endif
