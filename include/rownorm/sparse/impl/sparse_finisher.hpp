// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_SPARSE_IMPL_SPARSE_FINISHER_HPP
#define ROWNORM_SPARSE_IMPL_SPARSE_FINISHER_HPP

#include <cstdint>

#include <Kokkos_Core.hpp>

#include <rownorm/impl/finisher.hpp>
#include <rownorm/impl/sums.hpp>

namespace rownorm::sparse::impl {

/// The finisher of dense rows, for rows that are each as long as they have entries, where means are over these.
template <class Norm, class Compute>
struct SparseFinisher : rownorm::impl::ExtendedFinisher<Norm, Compute> {
  using Base = rownorm::impl::ExtendedFinisher<Norm, Compute>;
  using typename Base::Partial;
  using typename Base::Scale;

  bool over_entries = false;
  Scale* scales = nullptr;  ///< where scales of rows are wanted as well

  /// The scale of a row. One thread a row `records`.
  KOKKOS_FORCEINLINE_FUNCTION Scale finish(std::int64_t i, const Partial& row, std::int64_t entries,
                                           bool records) const {
    SparseFinisher own = *this;
    if (over_entries) own.length = rownorm::impl::RowLength(Kokkos::max<std::int64_t>(entries, 1));
    return finish_with(own, i, row, records && this->records());
  }
  /// Whether it matters which row it is, or how many entries it has.
  KOKKOS_FORCEINLINE_FUNCTION bool knows_rows() const { return over_entries || records(); }
  /// Whether anything is made of rows without entries.
  KOKKOS_FORCEINLINE_FUNCTION bool records() const {
    return this->extras.norms.data != nullptr || this->extras.status != nullptr || scales != nullptr;
  }

 private:
  KOKKOS_FORCEINLINE_FUNCTION Scale finish_with(const SparseFinisher& finisher, std::int64_t i, const Partial& row,
                                                bool records) const {
    if (records) finisher.record(i, row);
    if (!this->extras.writes_y && scales == nullptr) return {1, 1};
    const Scale scale = scale_with(finisher, row);
    if (records && scales != nullptr) scales[i] = scale;
    return scale;
  }

  /// `scale`, whose last cases are better out of the way of hosts' loops over short rows.
  static KOKKOS_FORCEINLINE_FUNCTION Scale scale_with(const SparseFinisher& finisher, const Partial& row) {
    KOKKOS_IF_ON_HOST(
        (const double divisor = finisher.norm_times(row, 1) + static_cast<double>(finisher.epsilon);
         if (divisor >= Kokkos::Experimental::norm_min_v<Compute> &&
             divisor <= rownorm::impl::largest_divisor<Compute>) return {1, rownorm::impl::inverse<Compute>(divisor)};))
    return finisher.scale(row);
  }
};

}  // namespace rownorm::sparse::impl

#endif
