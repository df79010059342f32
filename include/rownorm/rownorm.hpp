// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_ROWNORM_HPP
#define ROWNORM_ROWNORM_HPP

/// Everything in RowNorm that needs only Kokkos.

#include <rownorm/machine.hpp>
#include <rownorm/normalize.hpp>
#include <rownorm/normalize_backward.hpp>
#include <rownorm/norms.hpp>
#include <rownorm/parameters.hpp>
#include <rownorm/schedule.hpp>
#include <rownorm/team_normalize.hpp>
#include <rownorm/tuned.hpp>
#include <rownorm/version.hpp>

#endif
