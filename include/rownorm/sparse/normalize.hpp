// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_SPARSE_NORMALIZE_HPP
#define ROWNORM_SPARSE_NORMALIZE_HPP

#include <Kokkos_Core.hpp>

#include <rownorm/norms.hpp>
#include <rownorm/sparse/impl/call.hpp>
#include <rownorm/sparse/impl/matrix.hpp>
#include <rownorm/sparse/parameters.hpp>

namespace rownorm::sparse {

/// Normalises the rows of a sparse matrix, or its columns:
///
///     B(i, j) = A(i, j) / (norm_i + epsilon)                for each entry that is stored
///
/// where norm_i is what `params.norm` makes of row i, as rownorm::normalize would of the dense matrix. Entries that are
/// stored more than once count as often, each by itself: add them up before if they are to be one.
///
/// Arguments
/// - exec: the execution space instance to enqueue on.
/// - A: a KokkosSparse::CrsMatrix or BsrMatrix of any ordinal and offset type, of float, double, half_t, bhalf_t,
///   complex<float> or complex<double>, const or not. Of a BsrMatrix rows are those of the matrix, not of blocks.
/// - B: a matrix that shares the graph of A, with values of the same or another type; complex where A is. It may be A.
/// - params: `norm`, `epsilon` and `status` as for dense arrays; `axis`: -1 or 1 for rows, 0 for columns, of a
///   CrsMatrix only; `mean_over`: what MeanAbs and RootMeanSquare take for the length of a row, by default the number
///   of columns; `check`: how much of A is looked at before; `column_order`, for columns.
///
/// Numbers: as rownorm::normalize. The same matrix, schedule and device give the same bits. Rows without entries have
/// norm 0.
///
/// Cost: for rows, reads the row map and each value once, and writes each value once; column indices are not read.
/// Values of rows longer than a device's teams hold together are read twice. Columns: sorts the entries, unless
/// `params.column_order` is given; then reads values and their order, and values and column indices.
///
/// Execution: rows are enqueued on `exec` as one kernel to three, without a fence. Allocates on CUDA, at the first call
/// on a stream with so many entries, 80 bytes for each 4480 items, freed by Kokkos::finalize; on hosts with
/// more than one thread, for the time of the call, 48 bytes for each 16384 entries. Columns: allocates a scale for
/// each, and waits for `exec`. So does any `params.check` beyond Check::arguments.
///
/// Throws std::invalid_argument, before anything is written, where the parts of a matrix do not fit together, B does
/// not share the graph of A, values overlap in part or with the graph, epsilon is negative, NaN or too large, or there
/// is no such axis; and with the checks that are asked for, where the row map is not one or a column index is not that
/// of a column, and says in which row.
template <rownorm::impl::ExecutionSpace Exec, Matrix MatrixA, Matrix MatrixB, class Norm = AnyNorm>
void normalize(const Exec& exec, const MatrixA& A, const MatrixB& B, const Parameters<Norm>& params = {}) {
  impl::check_types<Exec, MatrixA, MatrixB>();
  impl::normalize("rownorm::sparse::normalize", exec, A, B, impl::NoNorms{}, params);
}

/// The same in place.
template <rownorm::impl::ExecutionSpace Exec, Matrix MatrixA, class Norm = AnyNorm>
void normalize(const Exec& exec, const MatrixA& A, const Parameters<Norm>& params = {}) {
  impl::check_types<Exec, MatrixA, MatrixA>();
  impl::normalize("rownorm::sparse::normalize", exec, A, A, impl::NoNorms{}, params);
}

/// The same, and writes the norms as well: norms is a view of rank 1 with an element for each row (or column), of
/// float, double, half_t or bhalf_t.
template <rownorm::impl::ExecutionSpace Exec, Matrix MatrixA, Matrix MatrixB, class Norms, class Norm = AnyNorm>
requires Kokkos::is_view_v<Norms>
void normalize(const Exec& exec, const MatrixA& A, const MatrixB& B, const Norms& norms,
               const Parameters<Norm>& params = {}) {
  impl::check_types<Exec, MatrixA, MatrixB>();
  impl::normalize("rownorm::sparse::normalize", exec, A, B, norms, params);
}

/// The norms alone. Of the parameters epsilon has no part in it.
template <rownorm::impl::ExecutionSpace Exec, Matrix MatrixA, class Norms, class Norm = AnyNorm>
requires Kokkos::is_view_v<Norms>
void row_norms(const Exec& exec, const MatrixA& A, const Norms& norms, const Parameters<Norm>& params = {}) {
  impl::check_input_type<Exec, MatrixA>();
  impl::normalize("rownorm::sparse::row_norms", exec, A, A, norms, params, false);
}

/// The same as for dense arrays: `row_norms(exec, A, norms, SumAbs{})`.
template <rownorm::impl::ExecutionSpace Exec, Matrix MatrixA, class Norms, class Norm>
requires Kokkos::is_view_v<Norms>
void row_norms(const Exec& exec, const MatrixA& A, const Norms& norms, const Norm& norm, int axis = -1) {
  row_norms(exec, A, norms, Parameters<Norm>{.norm = norm, .axis = axis});
}

/// What a schedule needs to know of a call, to ask what it would run.
template <Matrix MatrixA, Matrix MatrixB>
Problem problem_of(const MatrixA& A, const MatrixB& B) {
  return impl::problem_of<typename MatrixA::non_const_value_type, typename MatrixB::non_const_value_type, AnyNorm>(
      impl::rows_of(A), static_cast<const void*>(A.values.data()) == static_cast<const void*>(B.values.data()));
}

}  // namespace rownorm::sparse

#endif
