// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_PARAMETERS_HPP
#define ROWNORM_PARAMETERS_HPP

#include <cstdint>
#include <type_traits>

#include <Kokkos_Core.hpp>

#include <rownorm/impl/compat.hpp>
#include <rownorm/impl/values.hpp>
#include <rownorm/impl/vector_ref.hpp>
#include <rownorm/norms.hpp>

namespace rownorm {

/// How many rows were not ordinary. A row with a NaN counts as that alone, whatever else it holds.
struct RowStatus {
  std::int64_t zero = 0;      ///< rows of zeros
  std::int64_t nan = 0;       ///< rows with a NaN
  std::int64_t infinite = 0;  ///< rows with an infinity, and no NaN

  friend KOKKOS_FUNCTION constexpr bool operator==(const RowStatus& a, const RowStatus& b) {
    return a.zero == b.zero && a.nan == b.nan && a.infinite == b.infinite;
  }
};

/// Weights of the columns, as RMSNorm layers have them: any view of rank 1 of float, double, half_t or bhalf_t, const
/// or not. Fastest are those of the type of y, and of the type that rows are computed in, which `compute_type` tells.
/// It refers to the view's memory, which must live until the work is done.
class ColumnWeights {
 public:
  ColumnWeights() = default;
  template <class View>
  requires Kokkos::is_view_v<View> KOKKOS_FUNCTION ColumnWeights(const View& view)
      : values_(view),
        on_host_(impl::can_access_v<View, Kokkos::DefaultHostExecutionSpace>),
        on_device_(impl::can_access_v<View, Kokkos::DefaultExecutionSpace>),
        is_given_(true) {
    static_assert(View::rank() == 1, "rownorm: params.weights must be a view of rank 1, with a weight for each column");
    static_assert(impl::is_real_value_v<typename View::non_const_value_type>,
                  "rownorm: the value type of params.weights must be float, double, half_t or bhalf_t");
  }

  KOKKOS_FUNCTION const impl::VectorRef& values() const { return values_; }
  KOKKOS_FUNCTION bool is_given() const { return is_given_; }
  template <class Exec>
  bool can_be_read_by() const {
    return impl::is_host_space_v<Exec> ? on_host_ : on_device_;
  }

 private:
  impl::VectorRef values_;
  bool on_host_ = true;
  bool on_device_ = true;
  bool is_given_ = false;
};

/// Where to count rows that were not ordinary: a view of rank 0 of RowStatus. Calls add to what is there, in atomic
/// steps; who wants the counts of one call sets them to zero before it. It refers to the view's memory.
class StatusCounter {
 public:
  StatusCounter() = default;
  template <class View>
  requires Kokkos::is_view_v<View> KOKKOS_FUNCTION StatusCounter(const View& view)
      : counts_(view.data()),
        on_host_(impl::can_access_v<View, Kokkos::DefaultHostExecutionSpace>),
        on_device_(impl::can_access_v<View, Kokkos::DefaultExecutionSpace>) {
    static_assert(View::rank() == 0 && std::is_same_v<typename View::value_type, RowStatus>,
                  "rownorm: params.status must be a view of rank 0 of rownorm::RowStatus");
  }

  KOKKOS_FUNCTION RowStatus* counts() const { return counts_; }
  template <class Exec>
  bool can_be_written_by() const {
    return impl::is_host_space_v<Exec> ? on_host_ : on_device_;
  }

 private:
  RowStatus* counts_ = nullptr;
  bool on_host_ = true;
  bool on_device_ = true;
};

/// The last parameter of every entry point: `normalize(exec, x, y, {.norm = Euclidean{}, .epsilon = 0})`. For a norm of
/// your own, `Parameters<MyNorm>{.epsilon = 0}`.
template <class Norm = AnyNorm>
struct Parameters {
  Norm norm{};
  double epsilon = 1e-8;    ///< added to the norm of each row, in the compute type: zero or positive, and finite there
  int axis = -1;            ///< along which rows lie; negative ones count from the end, so -1 is the last
  ColumnWeights weights{};  ///< y is multiplied by them, column by column
  StatusCounter status{};   ///< where rows that are not ordinary are counted
};

}  // namespace rownorm

#endif
