// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_NORMALIZE_HPP
#define ROWNORM_NORMALIZE_HPP

#include <Kokkos_Core.hpp>

#include <rownorm/impl/call.hpp>
#include <rownorm/norms.hpp>
#include <rownorm/parameters.hpp>

namespace rownorm {

/// Normalises the rows of x:
///
///     y(i, j) = x(i, j) / (norm_i + epsilon) * weights(j)
///
/// where norm_i is what `params.norm` makes of row i: mean_j |x(i, j)| for MeanAbs, the default; and weights are 1
/// unless given. Of an array of more than two dimensions, rows lie along `params.axis`, and all other indices tell them
/// apart.
///
/// Arguments
/// - exec: the execution space instance to enqueue on.
/// - x: a view of rank 1 (one row) to 8 of float, double, half_t, bhalf_t, complex<float> or complex<double>, const or
///   not; or an mdspan of such, whose memory is taken to be where `exec` works.
/// - y: the same of equal extents; complex where x is. x and y may differ in layout, strides, alignment and value type.
///   y may be x (or another view of exactly its elements); any other overlap is an error.
/// - params: `norm`, one of norms.hpp; `epsilon`, added to each norm: zero or positive, and finite in the compute type,
///   1e-8 by default; `axis`, -1 by default, which is the last; `weights`, a view of rank 1 with an element for each
///   column; `status`, a view of rank 0 where rows of zeros, with a NaN and with an infinity are counted.
///
/// Numbers
/// - Rows are computed in double where x or y is double or complex, otherwise in float, and sums carry about twice
/// that:
///   results are within 4 ulp of the exact ones for float and double, 1 ulp for half_t and bhalf_t, and sums neither
///   overflow nor lose small values. Epsilon is held in the type of the computation. Weights add a rounding.
/// - A row of zeros stays zero, also with epsilon 0. A row with a NaN becomes NaN. In a row with an infinity, finite
///   elements become 0 and infinite ones NaN.
/// - The same input, extents, schedule and device give the same bits.
///
/// Cost
/// - Reads each element once and writes it once, but for rows that the device, or a host's caches, cannot hold, which
/// are
///   read twice.
///
/// Execution
/// - Enqueues on `exec` one kernel, or two for rows that the device cannot hold, or more of either for more data than
///   the workspace serves at once (some gigabytes), and does not fence: with a GPU it returns before they have run,
///   while Kokkos' host backends run a kernel as they enqueue it. Arrays of more dimensions take as many where their
///   rows begin at multiples of two strides, as those of all contiguous arrays do, and otherwise one for each step
///   along the dimensions beyond. An empty view launches none.
/// - Allocates nothing, beyond what Kokkos itself reserves for teams, at the first call on an instance that needs as
///   much; a workspace of 9 MiB at the first call on a CUDA stream with rows that teams share or read twice: a call not
///   to be captured in a graph; and on hosts, at the first call with rows that lie side by side, memory for each
///   thread, together half as much as the cache they share, which it keeps until it ends.
/// - May be called from any number of host threads and instances at once, unless Kokkos was built for one host thread
///   (Kokkos_ENABLE_ATOMICS_BYPASS: then it takes no lock).
///
/// Throws std::invalid_argument, before anything is launched or written, where extents differ, epsilon is negative, NaN
/// or too large for the compute type, x has no such axis, there is not one weight for each column, a view with elements
/// has no memory or memory that `exec` cannot access, two indices of y lead to one element, x and y overlap in part, or
/// weights overlap with y.
template <impl::ExecutionSpace Exec, class X, class Y, class Norm = AnyNorm>
void normalize(const Exec& exec, const X& x, const Y& y, const Parameters<Norm>& params = {}) {
  impl::normalize("rownorm::normalize", exec, x, y, impl::NoNorms{}, params);
}

/// The same on the default instance of the execution space of x.
template <class X, class Y, class Norm = AnyNorm>
void normalize(const X& x, const Y& y, const Parameters<Norm>& params = {}) {
  impl::normalize("rownorm::normalize", impl::execution_space_of<X>{}, x, y, impl::NoNorms{}, params);
}

/// Normalises the rows of x, and writes their norms as well:
///
///     norms(i) = norm_i
///     y(i, j) = x(i, j) / (norm_i + epsilon) * weights(j)
///
/// norms is a view of float, double, half_t or bhalf_t, of any layout, with the extents of x less the axis; for x of
/// rank 1, of rank 0 or of one element. Norms are rounded to its type, and infinite where that cannot hold them. In
/// everything else the same as without it; norms may not overlap with x, y or weights.
template <impl::ExecutionSpace Exec, class X, class Y, impl::ArrayLike Norms, class Norm = AnyNorm>
void normalize(const Exec& exec, const X& x, const Y& y, const Norms& norms, const Parameters<Norm>& params = {}) {
  impl::normalize("rownorm::normalize", exec, x, y, norms, params);
}

/// The same on the default instance of the execution space of x.
template <class X, class Y, impl::ArrayLike Norms, class Norm = AnyNorm>
requires(!impl::ExecutionSpace<X>) void normalize(const X& x, const Y& y, const Norms& norms,
                                                  const Parameters<Norm>& params = {}) {
  impl::normalize("rownorm::normalize", impl::execution_space_of<X>{}, x, y, norms, params);
}

/// Normalises the rows of x by their mean absolute value:
///
///     y(i, j) = x(i, j) / (mean_j |x(i, j)| + epsilon)
///
/// `normalize` with MeanAbs, and in everything else the same.
template <impl::ExecutionSpace Exec, class X, class Y>
void l1_normalize(const Exec& exec, const X& x, const Y& y, const Parameters<MeanAbs>& params = {}) {
  impl::normalize("rownorm::l1_normalize", exec, x, y, impl::NoNorms{}, params);
}

/// The same on the default instance of the execution space of x.
template <class X, class Y>
void l1_normalize(const X& x, const Y& y, const Parameters<MeanAbs>& params = {}) {
  impl::normalize("rownorm::l1_normalize", impl::execution_space_of<X>{}, x, y, impl::NoNorms{}, params);
}

/// The norms of the rows of x, and nothing else:
///
///     norms(i) = norm_i
///
/// x, norms, the norm and the axis are those of `normalize` with norms, and so are numbers, execution and errors. Reads
/// each element once.
template <impl::ExecutionSpace Exec, class X, impl::ArrayLike Norms, class Norm = MeanAbs>
void row_norms(const Exec& exec, const X& x, const Norms& norms, const Norm& norm = {}, int axis = -1) {
  impl::row_norms("rownorm::row_norms", exec, x, norms, norm, axis);
}

/// The same on the default instance of the execution space of x.
template <class X, impl::ArrayLike Norms, class Norm = MeanAbs>
requires(!impl::ExecutionSpace<X>) void row_norms(const X& x, const Norms& norms, const Norm& norm = {},
                                                  int axis = -1) {
  impl::row_norms("rownorm::row_norms", impl::execution_space_of<X>{}, x, norms, norm, axis);
}

/// What a schedule needs to know of views x and y of rank 1 or 2, to ask what a call would run:
/// `explain(choose_schedule(problem_of(x, y), machine), problem_of(x, y), machine)`.
template <class X, class Y>
Problem problem_of(const X& x, const Y& y) {
  return impl::problem_of(impl::BatchedRows(impl::as_rows<const impl::element_type_of<X>>(x)),
                          impl::BatchedRows(impl::as_rows<impl::element_type_of<Y>>(y)));
}

}  // namespace rownorm

#endif
