// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_SPARSE_EQUILIBRATE_HPP
#define ROWNORM_SPARSE_EQUILIBRATE_HPP

#include <cstdint>

#include <Kokkos_Core.hpp>

#include <rownorm/norms.hpp>
#include <rownorm/sparse/impl/call.hpp>
#include <rownorm/sparse/impl/equilibrate.hpp>
#include <rownorm/sparse/impl/matrix.hpp>
#include <rownorm/sparse/parameters.hpp>

namespace rownorm::sparse {

/// The last parameter of `equilibrate`.
struct EquilibrateParameters {
  AnyNorm norm = MaxAbs{};
  double tolerance = 1e-3;   ///< how far a norm may be from 1: positive
  int max_iterations = 100;  ///< zero or positive
  MeanOver mean_over = MeanOver::all_elements;
  Check check = Check::arguments;
};

/// What became of a matrix.
template <class Exec>
struct Equilibration {
  Kokkos::View<double*, typename Exec::memory_space> row_scales;
  Kokkos::View<double*, typename Exec::memory_space> column_scales;
  int iterations = 0;     ///< how often scales were improved
  double deviation = 0;   ///< the largest |norm - 1| of a row or column that is not zero
  bool converged = true;  ///< deviation <= tolerance
};

/// Scales rows and columns of a CrsMatrix until the norms of both are near 1:
///
///     B(i, j) = row_scales(i) * A(i, j) * column_scales(j)
///
/// by the iteration of D. Ruiz, A scaling algorithm to equilibrate both rows and columns norms in matrices, report
/// RAL-TR-2001-034, Rutherford Appleton Laboratory, 2001: each step divides all rows and all columns at once by the
/// square roots of their norms. A symmetric matrix stays symmetric: on hosts to the last bit, if its rows are sorted by
/// column. With MaxAbs, the default, a step halves the logarithm of each norm: norms within a factor of 1000 of 1 are
/// within 0.001 after some 13 steps. Other norms converge where the matrix has a scaling of that kind: for SumAbs and
/// Euclidean a square matrix with total support; MeanAbs and RootMeanSquare are for those that are not square.
///
/// Arguments: A and B as for `normalize`: B shares the graph of A, or is A. Rows and columns of zeros, or without
/// entries, keep the scale 1 and count for no deviation.
///
/// Numbers: scales and norms are computed in double for every value type; B is rounded once. The same matrix, schedule
/// and device give the same bits.
///
/// Cost: a step reads values, rows, columns and their order, and sorts what is scaled: 7 numbers an entry. Allocates
/// for the time of the call 16 bytes an entry for what is scaled, in both orders, 8 for the order of columns and 8 for
/// the row of each entry, and keeps the scales. Waits for `exec`, once a step, and before it returns.
///
/// Throws std::invalid_argument as `normalize` does; where the tolerance is not positive or max_iterations negative;
/// and where a value is infinite or NaN.
template <rownorm::impl::ExecutionSpace Exec, CompressedMatrix MatrixA, CompressedMatrix MatrixB>
Equilibration<Exec> equilibrate(const Exec& exec, const MatrixA& A, const MatrixB& B,
                                const EquilibrateParameters& params = {}) {
  impl::check_types<Exec, MatrixA, MatrixB>();
  return impl::equilibrate<Equilibration<Exec>>("rownorm::sparse::equilibrate", exec, A, B, params);
}

/// The same in place.
template <rownorm::impl::ExecutionSpace Exec, CompressedMatrix MatrixA>
Equilibration<Exec> equilibrate(const Exec& exec, const MatrixA& A, const EquilibrateParameters& params = {}) {
  return equilibrate(exec, A, A, params);
}

}  // namespace rownorm::sparse

#endif
