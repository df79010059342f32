// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_IMPL_BACKWARD_HPP
#define ROWNORM_IMPL_BACKWARD_HPP

/// Gradients of normalised rows, as a finisher: kernels read pairs of x and the gradient with respect to y, and write
/// the gradient with respect to x.
///
/// With y_j = w_j x_j / (N + epsilon), a = 1 / (N + epsilon) and the dot product s = sum_j w_j g_j x_j,
///
///     gradient_k = a w_k g_k - s a^2 dN/dx_k
///
/// where dN/dx_k is sign(x_k) / n for the mean absolute value and x_k / (n N) for the root mean square. With n = 1 it
/// is that of their sums.

#include <cstdint>
#include <type_traits>

#include <Kokkos_Core.hpp>

#include <rownorm/impl/finisher.hpp>
#include <rownorm/impl/pair.hpp>
#include <rownorm/impl/rows.hpp>
#include <rownorm/impl/sums.hpp>
#include <rownorm/impl/values.hpp>
#include <rownorm/impl/vector_ref.hpp>
#include <rownorm/impl/weights.hpp>
#include <rownorm/norms.hpp>

namespace rownorm::impl {

/// A sum of products of either sign.
template <class Compute>
struct DotProduct;

template <>
struct DotProduct<float> {
  double total = 0;

  KOKKOS_FUNCTION void add(double a, double b) { total += a * b; }
  KOKKOS_FUNCTION void add(const DotProduct& other) { total += other.total; }
  KOKKOS_FUNCTION double value() const { return total; }
};

/// As if in twice the precision: algorithm 5.3 (Dot2) of Ogita, Rump and Oishi, Accurate Sum and Dot Product, SIAM J.
/// Sci. Comput. 26 (2005).
template <>
struct DotProduct<double> {
  double total = 0;
  double error = 0;

  KOKKOS_FUNCTION void add(double a, double b) {
    const double product = a * b;
    error += Kokkos::fma(a, b, -product);
    add_exactly(total, error, product);
  }
  KOKKOS_FUNCTION void add(const DotProduct& other) {
    add_exactly(total, error, other.total);
    error += other.error;
  }
  KOKKOS_FUNCTION double value() const { return total + error; }
};

/// How the norm of a row depends on its elements: dN/dx = direction(x, slope) / n, with the slope of a row of this
/// norm.
template <class Norm>
struct Derivative;

template <>
struct Derivative<MeanAbs> {
  static KOKKOS_FORCEINLINE_FUNCTION double slope(double /*norm*/) { return 1; }
  template <class Compute>
  static KOKKOS_FORCEINLINE_FUNCTION Compute direction(Compute x, Compute /*slope*/) {
    return static_cast<Compute>((x > 0 ? 1 : 0) - (x < 0 ? 1 : 0));
  }
};

template <>
struct Derivative<RootMeanSquare> {
  static KOKKOS_FORCEINLINE_FUNCTION double slope(double norm) { return norm == 0 ? 0 : 1 / norm; }
  template <class Compute>
  static KOKKOS_FORCEINLINE_FUNCTION Compute direction(Compute x, Compute slope) {
    return x * slope;
  }
};

/// What pairs of a finished row are multiplied by.
template <class Compute>
struct GradientScale {
  static constexpr int power = 1;  // kernels ask for it; no row is extreme here

  Compute direct;  ///< a
  Compute along;   ///< s a^2 / n
  Compute slope;

  KOKKOS_FORCEINLINE_FUNCTION GradientScale without_power() const { return *this; }
};

/// Y: what is written, of which type weights may be.
template <class Norm, class Compute, class Y>
struct BackwardFinisher {
  struct Partial {
    PartialOf<Norm, Compute> norm{};
    DotProduct<Compute> dot{};

    KOKKOS_FUNCTION bool is_out_of_range() const { return norm.is_out_of_range(); }
    KOKKOS_FUNCTION Partial nothing_in_better_units() const { return {norm.nothing_in_better_units(), {}}; }
    KOKKOS_FUNCTION double per_unit() const { return norm.per_unit(); }
  };
  using Scale = GradientScale<Compute>;
  using ComputeType = Compute;
  template <class Value>
  using RowsOf = BatchedRows<Value>;
  static constexpr bool has_extras = true;
  static constexpr bool has_large_partials = true;
  static constexpr bool takes_roots = takes_roots_v<Norm>;

  Norm norm;
  RowLength length;
  double epsilon;
  VectorRef weights;

  KOKKOS_FORCEINLINE_FUNCTION void combine(Partial& partial, const Partial& other) const {
    norm.combine(partial.norm, other.norm);
    partial.dot.add(other.dot);
  }

  template <class Of, class F>
  KOKKOS_FORCEINLINE_FUNCTION auto with_weights(const F& f) const {
    return impl::with_weights<Of, Compute>(weights, f);
  }
  template <class Of, int n, class F>
  KOKKOS_FORCEINLINE_FUNCTION void with_constant_weights(std::int64_t first, const F& f) const {
    impl::with_constant_weights<Of, Compute, n>(weights, first, f);
  }

  template <class X>
  KOKKOS_FORCEINLINE_FUNCTION void accumulate_one(Partial& partial, const Pair<X>& value, std::int64_t column,
                                                  Compute per_unit) const {
    with_weights<Y>([&](const auto& of_columns) { accumulate_weighted(partial, value, of_columns, column, per_unit); });
  }

  /// See RowFinisher.
  template <class ForEach>
  KOKKOS_FORCEINLINE_FUNCTION Partial accumulate(const ForEach& for_each) const {
    return with_weights<Y>([&](const auto& of_columns) {
      return accumulate_in_best_units<Partial, Compute>([&](const Partial& nothing, Compute per_unit) {
        Partial partial = nothing;
        [[maybe_unused]] double first = 0;
        for_each([&](const auto& value, [[maybe_unused]] int k, std::int64_t column) {
          if constexpr (is_double_v<Compute>) {
            const double x = magnitude(static_cast<double>(value.x), per_unit);
            if (k % 2 != 0) partial.norm.add(first, x);
            first = k % 2 == 0 ? x : 0;
            partial.dot.add(static_cast<double>(value.x), weighted_gradient<double>(value, of_columns, column));
          } else {
            accumulate_weighted(partial, value, of_columns, column, per_unit);
          }
        });
        return partial;
      });
    });
  }
  template <int n, class ForEach>
  KOKKOS_FORCEINLINE_FUNCTION PartialsOf<Partial, n> accumulate_rows(const ForEach& for_each) const {
    return with_weights<Y>([&](const auto& of_columns) {
      return accumulate_each_row<n>(*this, for_each, [&](Partial& partial, const auto& value, std::int64_t column) {
        accumulate_weighted(partial, value, of_columns, column, 1);
      });
    });
  }

  KOKKOS_FUNCTION Scale scale(const Partial& row) const {
    const double of_row = norm.finish(row.norm, length, 1), divisor = of_row + epsilon;
    if (divisor == 0) return {0, 0, 0};  // a row of zeros stays zero, whatever is done to it
    const double direct = 1 / divisor;
    return {static_cast<Compute>(direct), static_cast<Compute>(row.dot.value() * direct * direct * length.inverse),
            static_cast<Compute>(Derivative<Norm>::slope(of_row))};
  }

  template <class Of, class X, class WeightsOfColumns>
  KOKKOS_FORCEINLINE_FUNCTION Of rescaled(const Scale& scale, const Pair<X>& value, const WeightsOfColumns& of_columns,
                                          std::int64_t column) const {
    const auto x = static_cast<Compute>(value.x);
    const Compute gradient = weighted_gradient<Compute>(value, of_columns, column);
    return static_cast<Of>(scale.direct * gradient - scale.along * Derivative<Norm>::direction(x, scale.slope));
  }

  KOKKOS_FORCEINLINE_FUNCTION static constexpr bool writes_y() { return true; }
  KOKKOS_FORCEINLINE_FUNCTION void record(std::int64_t /*row*/, const Partial&) const {}
  BackwardFinisher from(std::int64_t /*first*/) const { return *this; }

 private:
  template <class As, class X, class WeightsOfColumns>
  static KOKKOS_FORCEINLINE_FUNCTION As weighted_gradient(const Pair<X>& value, const WeightsOfColumns& of_columns,
                                                          std::int64_t column) {
    return weighted<As, As>(static_cast<As>(value.gradient), of_columns, column);
  }
  template <class X, class WeightsOfColumns>
  KOKKOS_FORCEINLINE_FUNCTION void accumulate_weighted(Partial& partial, const Pair<X>& value,
                                                       const WeightsOfColumns& of_columns, std::int64_t column,
                                                       Compute per_unit) const {
    // In double from here on: conversions are what costs a GPU most of all.
    const auto x = static_cast<double>(value.x);
    partial.norm.add(magnitude(x, static_cast<double>(per_unit)));
    partial.dot.add(x, weighted_gradient<double>(value, of_columns, column));
  }
};

/// Pairs whose two arrays lie each in its own way.
template <class X>
struct LoosePairs {
  BatchedRows<const X> x;
  BatchedRows<const X> gradient;
  std::int64_t rows;

  LoosePairs(const BatchedRows<const X>& of_x, const BatchedRows<const X>& of_gradient)
      : x(of_x), gradient(of_gradient), rows(of_x.rows) {}

  struct OneRow {
    Row<const X> x;
    Row<const X> gradient;
    std::int64_t columns;

    KOKKOS_FUNCTION Pair<X> operator()(std::int64_t j) const { return {x(j), gradient(j)}; }
  };
  KOKKOS_FUNCTION OneRow operator()(std::int64_t i) const { return {x(i), gradient(i), x.columns}; }
};

template <class Value>
struct LooseRowsOf {
  using type = BatchedRows<Value>;
};
template <class X>
struct LooseRowsOf<const Pair<X>> {
  using type = LoosePairs<X>;
};

/// The same for these, which TeamPerRow alone serves.
template <class Norm, class Compute, class Y>
struct LooseBackwardFinisher : BackwardFinisher<Norm, Compute, Y> {
  template <class Value>
  using RowsOf = typename LooseRowsOf<Value>::type;
};

}  // namespace rownorm::impl

#endif
