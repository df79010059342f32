// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_TEAM_NORMALIZE_HPP
#define ROWNORM_TEAM_NORMALIZE_HPP

#include <cstdint>

#include <Kokkos_Core.hpp>

#include <rownorm/impl/check.hpp>
#include <rownorm/impl/reduce.hpp>
#include <rownorm/impl/rows.hpp>
#include <rownorm/norms.hpp>

namespace rownorm {

namespace impl {

/// The work of team_normalize and of TeamPerRow. Reads x twice: once for the norm, once to rescale.
template <class Compute, class Member, class X, class Y, class Norm>
KOKKOS_FUNCTION void team_normalize_row(const Member& member, const Row<X>& x, const Row<Y>& y,
                                        const RowFinisher<Norm, Compute>& finisher) {
  using Partial = typename Norm::template Partial<Compute>;
  const auto accumulate_row = [&](const Partial& nothing, Compute per_unit) {
    Partial row;
    Kokkos::parallel_reduce(
        Kokkos::TeamVectorRange(member, x.columns),
        [&](std::int64_t j, Partial& partial) {
          finisher.norm.accumulate(partial, static_cast<Compute>(x(j)), per_unit);
        },
        NormReducer<Norm, Compute>(finisher.norm, row, nothing));
    return row;
  };

  // The whole team sees the same partial result, so it takes the same branch.
  Partial row = accumulate_row(Partial{}, 1);
  if (row.overflowed()) row = accumulate_row(Partial{}.in_large_units(), 1 / Partial::large_unit);
  const RowScale<Compute> scale = finisher.scale(row);

  Kokkos::parallel_for(Kokkos::TeamVectorRange(member, x.columns),
                       [&](std::int64_t j) { y(j) = static_cast<Y>(scale(static_cast<Compute>(x(j)))); });
}

}  // namespace impl

/// Normalises one row inside a team kernel: y(j) = x(j) / (norm(x) + epsilon), the norm being mean_j |x(j)| unless
/// `params.norm` says otherwise.
///
/// All threads and vector lanes of the team call it with the same arguments, outside of any nested parallel region.
/// x_row and y_row are views of rank 1 and equal extent, of any layout, that the team can reach; they are the same
/// elements or have none in common. Precision and treatment of zeros, NaN and infinity are those of `normalize`.
///
/// Synchronises neither at its start nor at its end: call `member.team_barrier()` before it where other threads of the
/// team wrote to x_row, and after it before other threads read y_row or overwrite x_row. Allocates no memory, in
/// scratch or elsewhere, beyond what Kokkos reserves for team reductions. Aborts where the extents differ or epsilon is
/// not what `normalize` accepts, since a kernel cannot throw.
template <class Member, class X, class Y, class Norm = MeanAbs>
KOKKOS_FUNCTION void team_normalize(const Member& member, const X& x_row, const Y& y_row,
                                    const Parameters<Norm>& params = {}) {
  impl::check_view_types<X, Y>();
  static_assert(X::rank() == 1 && Y::rank() == 1, "rownorm::team_normalize: x_row and y_row must be views of rank 1");
  if (x_row.extent(0) != y_row.extent(0)) Kokkos::abort("rownorm::team_normalize: x_row and y_row differ in extent");
  using Input = typename X::const_value_type;
  using Output = typename Y::value_type;
  using Compute = compute_type<Input, Output>;
  if (!(params.epsilon >= 0 && params.epsilon <= impl::largest_epsilon<Compute>))
    Kokkos::abort("rownorm::team_normalize: params.epsilon is negative, NaN or too large");
  if (x_row.extent(0) == 0) return;

  const auto x = impl::as_row<Input>(x_row);
  const impl::RowFinisher<Norm, Compute> finisher{params.norm, impl::RowLength(x.columns),
                                                  static_cast<Compute>(params.epsilon)};
  impl::team_normalize_row<Compute>(member, x, impl::as_row<Output>(y_row), finisher);
}

}  // namespace rownorm

#endif
