// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_IMPL_WEIGHTS_HPP
#define ROWNORM_IMPL_WEIGHTS_HPP

/// Weights of columns, as kernels read them: by a type that is picked once a row, so that no decision is left for each
/// element. `at` reads one, `packet<n>` those of n neighbouring columns, from which `at` takes the k-th.

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include <Kokkos_Core.hpp>

#include <rownorm/impl/compat.hpp>
#include <rownorm/impl/packet.hpp>
#include <rownorm/impl/real_type.hpp>
#include <rownorm/impl/values.hpp>
#include <rownorm/impl/vector_ref.hpp>

namespace rownorm::impl {

/// Neighbouring columns whose weights are read one by one, when they are asked for.
template <class OfColumns>
struct WeightsFrom {
  OfColumns of_columns;
  std::int64_t first;

  template <class Compute>
  KOKKOS_FORCEINLINE_FUNCTION auto at(int k) const {
    return of_columns.template at<Compute>(first + k);
  }
};

/// Weights that are all 1.
struct NoWeights {
  template <int n>
  KOKKOS_FORCEINLINE_FUNCTION NoWeights packet(std::int64_t /*column*/) const {
    return {};
  }
};

/// Weights whose type is known.
///
/// - are_constant: nobody writes them while the kernel runs. Compilers then read them before they store y, several at a
///   time; else each would have to wait for the store before it, since y might be where weights are.
template <class Weight, bool are_constant>
struct Weights {
  const Weight* data;
  std::int64_t stride;

  template <class Compute>
  KOKKOS_FORCEINLINE_FUNCTION Compute at(std::int64_t column) const {
    const Weight* const weight = data + column * stride;
    if constexpr (are_constant)
      return static_cast<Compute>(Packet<Weight, 1>::fetch_constant(weight).get(0));
    else
      return static_cast<Compute>(*weight);
  }
  template <int n>
  KOKKOS_FORCEINLINE_FUNCTION WeightsFrom<Weights> packet(std::int64_t column) const {
    return {*this, column};
  }
};

/// Constant weights in packets, which are aligned.
template <class Weight>
struct PackedWeights {
  const Weight* data;

  template <int n>
  struct Of {
    static constexpr int packet_values = std::min(n, packet_bytes / static_cast<int>(sizeof(Weight)));
    Packet<Weight, packet_values> packets[n / packet_values];

    template <class Compute>
    KOKKOS_FORCEINLINE_FUNCTION Compute at(int k) const {
      return static_cast<Compute>(packets[k / packet_values].get(k % packet_values));
    }
  };

  template <class Compute>
  KOKKOS_FORCEINLINE_FUNCTION Compute at(std::int64_t column) const {
    return static_cast<Compute>(Packet<Weight, 1>::fetch_constant(data + column).get(0));
  }
  template <int n>
  KOKKOS_FORCEINLINE_FUNCTION Of<n> packet(std::int64_t column) const {
    Of<n> some;
    constexpr int values = Of<n>::packet_values;
    for (int p = 0; p < n / values; ++p)
      some.packets[p] = Packet<Weight, values>::fetch_constant(data + column + p * values);
    return some;
  }
};

/// Weights of any other type, from column `first` on.
struct AnyWeights {
  VectorRef values;
  std::int64_t first;

  template <class Compute>
  KOKKOS_FORCEINLINE_FUNCTION Compute at(std::int64_t column) const {
    return values.get<Compute>((first + column) * values.stride);
  }
  template <int n>
  KOKKOS_FORCEINLINE_FUNCTION WeightsFrom<AnyWeights> packet(std::int64_t column) const {
    return {*this, column};
  }
};

/// f(weights), for rows of Y. The usual types are known then: that which Y is computed in, and its own.
template <class Y, class Compute, class F>
KOKKOS_FORCEINLINE_FUNCTION auto with_weights(const VectorRef& weights, const F& f) {
  using Real = real_part_of<Y>;
  if (weights.data == nullptr) return f(NoWeights{});
  if (weights.type == real_type<Compute>())
    return f(Weights<Compute, false>{static_cast<const Compute*>(weights.data), weights.stride});
  if constexpr (!std::is_same_v<Real, Compute>)
    if (weights.type == real_type<Real>())
      return f(Weights<Real, false>{static_cast<const Real*>(weights.data), weights.stride});
  return f(AnyWeights{weights, 0});
}

/// Weights are read before their turn for packets of so many columns at most: larger ones leave no registers for that.
inline constexpr int max_columns_read_ahead = 4;

/// The same for weights that nobody writes while the kernel runs, counted from column `first` on, of packets of n
/// columns that follow it.
template <class Y, class Compute, int n, class F>
KOKKOS_FORCEINLINE_FUNCTION void with_constant_weights(const VectorRef& weights, std::int64_t first, const F& f) {
  using Real = real_part_of<Y>;
  const auto with_those_at = [&]<class Weight>(const Weight* of_columns) {
    const Weight* const data = of_columns + first * weights.stride;
    if constexpr (n > 1 && n <= max_columns_read_ahead)
      if (weights.stride == 1 && is_packet_aligned<Weight, PackedWeights<Weight>::template Of<n>::packet_values>(data))
        return f(PackedWeights<Weight>{data});
    f(Weights<Weight, (n <= max_columns_read_ahead)>{data, weights.stride});
  };
  if (weights.data == nullptr) return f(NoWeights{});
  if (weights.type == real_type<Compute>()) return with_those_at(static_cast<const Compute*>(weights.data));
  if constexpr (!std::is_same_v<Real, Compute>)
    if (weights.type == real_type<Real>()) return with_those_at(static_cast<const Real*>(weights.data));
  f(AnyWeights{weights, first});
}

/// A value times the weight of its column.
template <class Value, class Compute>
KOKKOS_FORCEINLINE_FUNCTION Value weighted(const Value& value, const NoWeights&, std::int64_t) {
  return value;
}
template <class Value, class Compute, class WeightsOfColumns>
KOKKOS_FORCEINLINE_FUNCTION Value weighted(const Value& value, const WeightsOfColumns& weights, std::int64_t column) {
  return value * weights.template at<Compute>(column);
}

}  // namespace rownorm::impl

#endif
