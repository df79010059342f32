// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_TEAM_NORMALIZE_HPP
#define ROWNORM_TEAM_NORMALIZE_HPP

#include <cstdint>
#include <type_traits>

#include <Kokkos_Core.hpp>

#include <rownorm/impl/check.hpp>
#include <rownorm/impl/nested.hpp>
#include <rownorm/norms.hpp>
#include <rownorm/parameters.hpp>

namespace rownorm {

namespace impl {

/// f(norm), with a norm that kernels take.
template <class Norm, class F>
KOKKOS_FORCEINLINE_FUNCTION auto with_norm(const Norm& norm, const F& f) {
  if constexpr (std::is_same_v<Norm, AnyNorm>)
    return norm.visit(f);
  else
    return f(norm);
}

/// Checks what a kernel can check, and calls f(x, y, finisher) where there are elements.
template <class X, class Y, class Norm, class F>
KOKKOS_FORCEINLINE_FUNCTION void with_row(const X& x_row, const Y& y_row, const Parameters<Norm>& params, const F& f) {
  check_pair_types<X, Y>();
  static_assert(rank_of<X> == 1 && rank_of<Y> == 1, "rownorm::team_normalize: x_row and y_row must be views of rank 1");
  using Input = const element_type_of<X>;
  using Output = element_type_of<Y>;
  using Compute = compute_type<Input, Output>;
  if (x_row.extent(0) != y_row.extent(0)) Kokkos::abort("rownorm::team_normalize: x_row and y_row differ in extent");
  if (!(params.epsilon >= 0 && params.epsilon <= largest_epsilon<Compute>))
    Kokkos::abort("rownorm::team_normalize: params.epsilon is negative, NaN or too large");
  if (params.weights.is_given() && params.weights.values().extent != static_cast<std::int64_t>(x_row.extent(0)))
    Kokkos::abort("rownorm::team_normalize: params.weights and x_row differ in extent");
  if (x_row.extent(0) == 0) return;

  const auto x = as_row<Input>(x_row);
  with_norm(params.norm, [&]<class Known>(const Known& norm) {
    ExtendedFinisher<Known, Compute> finisher{{norm, RowLength(x.columns), static_cast<Compute>(params.epsilon)}, {}};
    finisher.extras.weights = params.weights.values();
    finisher.extras.status = params.status.counts();
    f(x, as_row<Output>(y_row), finisher);
  });
}

/// The same for a norm alone: returns f(x, finisher), or the norm of a row of nothing, which is 0.
template <class X, class Norm, class F>
KOKKOS_FORCEINLINE_FUNCTION double with_row_to_measure(const X& x_row, const Norm& any_norm, const F& f) {
  check_input_type<X>();
  static_assert(rank_of<X> == 1, "rownorm::team_row_norm: x_row must be a view of rank 1");
  using Input = const element_type_of<X>;
  using Compute = compute_type<Input>;
  if (x_row.extent(0) == 0) return 0;
  const auto x = as_row<Input>(x_row);
  return with_norm(any_norm, [&]<class Known>(const Known& norm) {
    return f(x, RowFinisher<Known, Compute>{norm, RowLength(x.columns), 0});
  });
}

template <Nesting nesting, class Member, class F>
KOKKOS_FORCEINLINE_FUNCTION void once(const Member& member, const F& f) {
  if constexpr (nesting == Nesting::thread_vector)
    Kokkos::single(Kokkos::PerThread(member), f);
  else
    Kokkos::single(Kokkos::PerTeam(member), f);
}

/// The partial result of a row that one thread has to itself.
template <class X, class Finisher>
KOKKOS_FUNCTION typename Finisher::Partial accumulate_alone(const Row<X>& x, const Finisher& finisher) {
  return finisher.accumulate([&](const auto& f) {
    for (std::int64_t j = 0; j < x.columns; ++j) f(x(j), unpaired, j);
  });
}

}  // namespace impl

/// Normalises one row inside a team kernel:
///
///     y(j) = x(j) / (norm + epsilon) * weights(j)
///
/// with the norm of `params`, mean_j |x(j)| unless it says otherwise.
///
/// x_row and y_row are views of rank 1 and equal extent, or such mdspans, of any layout, that the team can reach; they
/// are the same elements or have none in common. Precision and treatment of zeros, NaN and infinity are those of
/// `normalize`. `params.axis` has no meaning here.
///
/// All who share the row, which `nesting` says, call it with the same arguments:
/// - team_vector, the default: all threads and vector lanes of the team, outside of any nested parallel region;
/// - team_thread: the same where threads have one vector lane each;
/// - thread_vector: the lanes of one thread, within a TeamThreadRange or outside of any. Threads may have different
/// rows.
///
/// Synchronises neither at its start nor at its end: with the first two, call `member.team_barrier()` before it where
/// other threads of the team wrote to x_row, and after it before other threads read y_row or overwrite x_row. Allocates
/// no memory, in scratch or elsewhere, beyond what Kokkos reserves for team reductions. Aborts where the extents differ
/// or epsilon is not what `normalize` accepts, since a kernel cannot throw.
template <Nesting nesting = Nesting::team_vector, class Member, class X, class Y, class Norm = AnyNorm>
KOKKOS_FUNCTION void team_normalize(const Member& member, const X& x_row, const Y& y_row,
                                    const Parameters<Norm>& params = {}) {
  impl::with_row(x_row, y_row, params, [&](const auto& x, const auto& y, const auto& finisher) {
    const auto whole = impl::accumulate_nested<nesting>(member, x, finisher);
    impl::once<nesting>(member, [&] { finisher.record(0, whole); });
    impl::rescale_nested<nesting>(member, x, y, finisher, whole);
  });
}

/// The norm of one row inside a team kernel, mean_j |x(j)| unless told otherwise; 0 for a row of nothing. All who share
/// the row call it, as they call team_normalize, and all get the norm.
template <Nesting nesting = Nesting::team_vector, class Member, class X, class Norm = MeanAbs>
KOKKOS_FUNCTION double team_row_norm(const Member& member, const X& x_row, const Norm& norm = {}) {
  return impl::with_row_to_measure(x_row, norm, [&](const auto& x, const auto& finisher) {
    return finisher.norm_of(impl::accumulate_nested<nesting>(member, x, finisher));
  });
}

/// Normalises a row that the calling thread has to itself, in a kernel of any policy; in everything else the same as
/// team_normalize.
template <class X, class Y, class Norm = AnyNorm>
KOKKOS_FUNCTION void thread_normalize(const X& x_row, const Y& y_row, const Parameters<Norm>& params = {}) {
  impl::with_row(x_row, y_row, params,
                 [&]<class Output>(const auto& x, const impl::Row<Output>& y, const auto& finisher) {
                   const auto whole = impl::accumulate_alone(x, finisher);
                   finisher.record(0, whole);
                   const auto scale = finisher.scale(whole);
                   finisher.template with_weights<Output>([&](const auto& weights) {
                     for (std::int64_t j = 0; j < x.columns; ++j)
                       y(j) = finisher.template rescaled<Output>(scale, x(j), weights, j);
                   });
                 });
}

/// The norm of a row that the calling thread has to itself.
template <class X, class Norm = MeanAbs>
KOKKOS_FUNCTION double thread_row_norm(const X& x_row, const Norm& norm = {}) {
  return impl::with_row_to_measure(x_row, norm, [&](const auto& x, const auto& finisher) {
    return finisher.norm_of(impl::accumulate_alone(x, finisher));
  });
}

}  // namespace rownorm

#endif
