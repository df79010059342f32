// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_SPARSE_HPP
#define ROWNORM_SPARSE_HPP

/// Rows and columns of the sparse matrices of Kokkos Kernels: the component RowNorm::sparse.

#include <rownorm/sparse/column_order.hpp>
#include <rownorm/sparse/equilibrate.hpp>
#include <rownorm/sparse/normalize.hpp>
#include <rownorm/sparse/parameters.hpp>
#include <rownorm/sparse/schedule.hpp>

#endif
