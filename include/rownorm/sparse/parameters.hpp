// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_SPARSE_PARAMETERS_HPP
#define ROWNORM_SPARSE_PARAMETERS_HPP

#include <rownorm/norms.hpp>
#include <rownorm/parameters.hpp>
#include <rownorm/sparse/column_order.hpp>

namespace rownorm::sparse {

/// What MeanAbs and RootMeanSquare, or a norm of your own, take for the length of a row.
///
/// The default is the row's length in the matrix, zeros that are not stored included: then the norm is a property of
/// the matrix, not of how it is stored; explicit zeros do not change it, and it is that of the dense array.
enum class MeanOver {
  all_elements,    ///< the number of columns (of rows, for the norms of columns)
  stored_entries,  ///< the number of entries that are stored of the row
};

/// How much of a matrix is checked before anything is written. What is more than `arguments` reads the matrix, and
/// waits for the execution space.
enum class Check {
  arguments,  ///< extents, value types, memory and aliases: costs nothing
  row_map,    ///< and that the row map begins at zero, never decreases and ends at the number of entries
  indices,    ///< and that each column index is that of a column
};

/// The last parameter of the functions for sparse matrices: `normalize(exec, A, B, {.norm = SumAbs{}, .epsilon = 0})`.
/// Norm, epsilon and status are those of rownorm::Parameters, with the same defaults.
template <class Norm = AnyNorm>
struct Parameters {
  Norm norm{};
  double epsilon = 1e-8;  ///< added to the norm of each row, in the compute type: zero or positive, and finite there
  int axis = -1;          ///< -1 or 1: rows; 0 or -2: columns
  MeanOver mean_over = MeanOver::all_elements;
  StatusCounter status{};  ///< where rows (or columns) that are not ordinary are counted
  Check check = Check::arguments;
  ColumnOrderRef column_order{};  ///< of this graph, for axis 0; made by the call unless given
};

}  // namespace rownorm::sparse

#endif
