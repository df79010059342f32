// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_NORMALIZE_BACKWARD_HPP
#define ROWNORM_NORMALIZE_BACKWARD_HPP

#include <cstdint>
#include <type_traits>

#include <Kokkos_Core.hpp>

#include <rownorm/impl/call.hpp>
#include <rownorm/impl/launch_backward.hpp>
#include <rownorm/norms.hpp>
#include <rownorm/parameters.hpp>

namespace rownorm {

/// The gradient of `normalize`, for backpropagation: from the gradient of a loss with respect to y to that with respect
/// to x,
///
///     grad_x(i, k) = sum_j grad_y(i, j) dy(i, j)/dx(i, k)
///                  = weights(k) grad_y(i, k) / (norm_i + epsilon)
///                    - dnorm_i/dx(i, k) / (norm_i + epsilon)^2 * sum_j weights(j) grad_y(i, j) x(i, j)
///
/// where dnorm_i/dx(i, k) is sign(x(i, k)) for SumAbs, x(i, k) / norm_i for Euclidean, and that over the number of
/// columns for MeanAbs, or over it and norm_i for RootMeanSquare. Where a norm has no derivative, at x(i, k) = 0 and in
/// rows of zeros, it is taken to be 0; with epsilon 0 a row of zeros has the gradient 0.
///
/// Arguments
/// - exec, x, params: as `normalize` was given them. The norm may be any but MaxAbs and those of the caller's own, and
///   values are real; `status` has no meaning here.
/// - grad_y: an array of the same extents and value type as x.
/// - grad_x: the same, of any value type. It may be grad_y or x (or another view of exactly their elements); any other
///   overlap is an error.
///
/// Numbers: sums are those of `normalize`, and the dot product carries as much; the two products, and their difference,
/// are taken in the type of the computation. Results are within 4 ulp of the larger product for float, and 16 for
/// double; for half_t and bhalf_t, which are computed in float, within 1 ulp, unless the products cancel to less than
/// 2^-8 of the larger one. Rows with a NaN or an infinity become NaN. The same input, extents, schedule and device give
/// the same bits.
///
/// Execution: as `normalize`. Reads x and grad_y once and writes grad_x once, in one kernel, but for rows that the
/// device, or a host's caches, cannot hold, which are read twice. TeamPerRow, which reads them twice, serves arrays x
/// and grad_y that lie in different ways; and on hosts also rows whose elements are no neighbours, rows that are fewer
/// than threads, and grad_x of another value type.
///
/// Throws std::invalid_argument as `normalize` does, and where the norm has no gradient.
template <impl::ExecutionSpace Exec, class X, class GradY, class GradX, class Norm = AnyNorm>
void normalize_backward(const Exec& exec, const X& x, const GradY& grad_y, const GradX& grad_x,
                        const Parameters<Norm>& params = {}) {
  impl::normalize_backward("rownorm::normalize_backward", exec, x, grad_y, grad_x, params);
}

/// The same on the default instance of the execution space of x.
template <class X, class GradY, class GradX, class Norm = AnyNorm>
requires(!impl::ExecutionSpace<X>) void normalize_backward(const X& x, const GradY& grad_y, const GradX& grad_x,
                                                           const Parameters<Norm>& params = {}) {
  impl::normalize_backward("rownorm::normalize_backward", impl::execution_space_of<X>{}, x, grad_y, grad_x, params);
}

}  // namespace rownorm

#endif
