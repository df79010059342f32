// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_IMPL_KERNELS_HOST_ROW_BACKWARD_HPP
#define ROWNORM_IMPL_KERNELS_HOST_ROW_BACKWARD_HPP

/// HostRow for gradients.

#include <cstdint>

#include <Kokkos_Core.hpp>

#include <rownorm/impl/backward.hpp>
#include <rownorm/impl/finisher.hpp>
#include <rownorm/impl/host_rows.hpp>
#include <rownorm/impl/kernels/host_row.hpp>
#include <rownorm/impl/pair.hpp>
#include <rownorm/impl/problem.hpp>
#include <rownorm/impl/rows.hpp>
#include <rownorm/impl/values.hpp>
#include <rownorm/impl/vector_ref.hpp>
#include <rownorm/schedule.hpp>

namespace rownorm::impl {

template <class X, class Y, class Norm, class Compute>
inline constexpr bool is_served_by_host_row_v<const Pair<X>, Y, BackwardFinisher<Norm, Compute, Y>> =
    has_host_norm_v<Norm>&& is_compiled_for_hosts_v<const Pair<X>, Y>;

/// The functions of HostGradient.
template <class Finisher>
struct HostGradientFinishing {
  using Partial = typename Finisher::Partial;
  using OfNorm = decltype(Partial::norm);
  using OfDot = decltype(Partial::dot);

  static Partial as_gradient_partial(const HostGradientSum& sum) {
    return {as_partial<OfNorm>(sum.norm), as_partial<OfDot>(sum.dot)};
  }

  static HostGradientSum combine(const void* of, const HostGradientSum& sum, const HostGradientSum& other) {
    Partial combined = as_gradient_partial(sum);
    static_cast<const Finisher*>(of)->combine(combined, as_gradient_partial(other));
    return {as_host_sum(combined.norm), as_host_sum(combined.dot)};
  }

  static void finish(const void* of, const HostGradientSum* sums, std::int64_t rows, HostGradientScale* scales) {
    const Finisher finisher = *static_cast<const Finisher*>(of);
    for (std::int64_t i = 0; i < rows; ++i) {
      const auto scale = finisher.scale(as_gradient_partial(sums[i]));
      scales[i] = {scale.direct, scale.along, scale.slope};
    }
  }
};

/// What kernels for hosts need of a finisher of gradients, which must outlive their work.
template <class Finisher>
HostGradient host_gradient(const Finisher& finisher) {
  using Finishing = HostGradientFinishing<Finisher>;
  return {.of_y = nullptr, .combine = Finishing::combine, .finish = Finishing::finish, .finisher = &finisher};
}

/// Gradients of rows whose elements are neighbours. Each thread has consecutive rows.
template <class X, class Norm, class Compute>
struct HostRow<const Pair<X>, X, BackwardFinisher<Norm, Compute, X>> {
  using Finisher = BackwardFinisher<Norm, Compute, X>;

  const BatchedRows<const Pair<X>>& x;
  const BatchedRows<X>& y;
  const Finisher& finisher;

  template <class Exec>
  void launch(const Exec& exec, const Schedule& schedule) const {
    const bool in_place = is_at(x.data, y.data);
    const HostMatrix matrix{.x = nullptr,
                            .y = nullptr,
                            .columns = x.columns,
                            .x_stride = x.row_stride,
                            .y_stride = y.row_stride,
                            .x_by_columns = false,
                            .y_by_columns = false,
                            .tile_rows = 0,
                            .bypass_cache = schedule.bypass_cache && !in_place,
                            .overlap = schedule.overlap,
                            .weights = {finisher.weights.data, finisher.weights.stride, finisher.weights.type},
                            .finisher = {}};
    const auto kernel = host_kernels(real_type<X>(), real_type<X>()).gradients;
    launch_host_threads(
        exec, schedule, x.rows, [=, x = x, y = y, finisher = finisher](std::int64_t first, std::int64_t last) {
          const RowFinisher<Norm, Compute> of_norm{finisher.norm, finisher.length,
                                                   static_cast<Compute>(finisher.epsilon)};
          HostMatrix one = matrix;
          one.finisher = host_finisher(of_norm);
          HostGradient gradient = host_gradient(finisher);
          for_each_matrix(x.batch_rows(), first, last, [&](std::int64_t number, std::int64_t begin, std::int64_t end) {
            const PairPointer<X> pairs = x.data + number * x.batch_stride();
            one.x = pairs.x;
            one.y = y.data + number * y.batch_stride();
            gradient.of_y = pairs.gradient;
            kernel(one, gradient, begin, end);
          });
        });
  }
};

}  // namespace rownorm::impl

#endif
