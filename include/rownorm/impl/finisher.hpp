// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_IMPL_FINISHER_HPP
#define ROWNORM_IMPL_FINISHER_HPP

/// All that a row needs beside its elements: from them to a partial result, from that to what they are multiplied by,
/// and what else is made of it. Kernels take a finisher as a parameter and know no more of norms and outputs.

#include <cstdint>
#include <type_traits>

#include <Kokkos_Core.hpp>

#include <rownorm/impl/compat.hpp>
#include <rownorm/impl/packet.hpp>
#include <rownorm/impl/rows.hpp>
#include <rownorm/impl/vector_ref.hpp>
#include <rownorm/impl/weights.hpp>
#include <rownorm/norms.hpp>
#include <rownorm/parameters.hpp>

namespace rownorm::impl {

/// The largest epsilon that a compute type holds.
template <class Compute>
inline constexpr double largest_epsilon = Kokkos::Experimental::finite_max_v<Compute>;

/// The largest divisor whose inverse is taken as it is. Inverses of larger ones would soon be subnormal.
template <class Compute>
inline constexpr double largest_divisor = std::is_same_v<Compute, double> ? 0x1p1000 : 0x1p100;

/// Powers of two that bring what is too small, or too large, for a compute type into the middle of its range.
template <class Compute>
inline constexpr double stretch = std::is_same_v<Compute, double> ? 0x1p200 : 0x1p100;
inline constexpr double shrink = 0x1p-60;

/// A value as it is computed with.
template <class Compute, class Value>
KOKKOS_FORCEINLINE_FUNCTION auto as_compute(const Value& value) {
  if constexpr (is_complex_v<Value>)
    return Kokkos::complex<Compute>(value.real(), value.imag());
  else
    return static_cast<Compute>(value);
}

/// |x| times `factor`, a power of two that may be negative.
template <class Compute>
KOKKOS_FORCEINLINE_FUNCTION Compute magnitude(const Compute& x, Compute factor) {
  return Kokkos::abs(x) * factor;
}
template <class Compute>
KOKKOS_FORCEINLINE_FUNCTION Compute magnitude(const Kokkos::complex<Compute>& x, Compute factor) {
  // That of an infinity and a NaN is infinite to hypot, but a row with a NaN is to be NaN.
  if (Kokkos::isnan(x.real()) || Kokkos::isnan(x.imag())) return Kokkos::Experimental::quiet_NaN_v<Compute>;
  const Compute modulus = Kokkos::hypot(x.real() * factor, x.imag() * factor);
  return factor < 0 ? -modulus : modulus;
}

/// What the elements of a finished row are multiplied by. Two factors, because the inverse of a divisor may lie outside
/// of the range of its type; `power` is a power of two, and 1 for all but extreme rows.
template <class Compute>
struct RowScale {
  Compute power;
  Compute factor;

  template <class Value>  // real or complex
  KOKKOS_FORCEINLINE_FUNCTION Value operator()(const Value& x) const {
    return (x * power) * factor;
  }

  /// The same where power is 1, as the compiler then knows.
  KOKKOS_FORCEINLINE_FUNCTION RowScale without_power() const { return {1, factor}; }
};

/// 1 / divisor, rounded once, for a divisor in the normal range of Compute, infinity or NaN.
template <class Compute>
KOKKOS_FUNCTION Compute inverse(double divisor) {
  if constexpr (std::is_same_v<Compute, double>) {
    return 1 / divisor;
  } else {
    // One step of Newton's method is as good as a division of doubles, and much cheaper on GPUs.
    const double estimate = 1 / static_cast<float>(divisor);
    const double refined = estimate + estimate * (1 - divisor * estimate);
    return static_cast<float>(Kokkos::isfinite(divisor) ? refined : estimate);
  }
}

/// The partial results of n neighbouring rows.
template <class Partial, int n>
struct PartialsOf {
  Partial of[n];
};

/// True for partial results that know in which units they are: see AccurateSum.
template <class Partial>
concept HasUnits = requires(const Partial& partial) {
  partial.is_out_of_range();
};

/// Calls accumulate_from(an empty partial result, what values are to be multiplied by), and once more where its result
/// turns out to be in the wrong units.
template <class Partial, class Compute, class AccumulateFrom>
KOKKOS_FORCEINLINE_FUNCTION Partial accumulate_in_best_units(const AccumulateFrom& accumulate_from) {
  Partial partial = accumulate_from(Partial{}, Compute{1});
  if constexpr (HasUnits<Partial>)
    if (partial.is_out_of_range()) {
      const Partial nothing = partial.nothing_in_better_units();
      partial = accumulate_from(nothing, static_cast<Compute>(nothing.per_unit()));
    }
  return partial;
}

/// The partial results of parts of n rows, each by itself: see RowFinisher::accumulate_rows.
/// accumulate_one(partial result, value, column) takes values as they are.
template <int n, class Finisher, class ForEach, class AccumulateOne>
KOKKOS_FORCEINLINE_FUNCTION PartialsOf<typename Finisher::Partial, n> accumulate_each_row(
    const Finisher& finisher, const ForEach& for_each, const AccumulateOne& accumulate_one) {
  using Partial = typename Finisher::Partial;
  PartialsOf<Partial, n> partials{};
  for_each([&](const auto& value, int q, std::int64_t column) { accumulate_one(partials.of[q], value, column); });
  if constexpr (HasUnits<Partial>) {
    ROWNORM_IMPL_UNROLL()
    for (int row = 0; row < n; ++row)
      if (partials.of[row].is_out_of_range())
        partials.of[row] = finisher.accumulate([&](const auto& f) {
          for_each([&](const auto& value, int q, std::int64_t column) {
            if (q == row) f(value, unpaired, column);
          });
        });
  }
  return partials;
}

/// What a thread carries along of a norm.
template <class Norm, class Compute>
using PartialOf = typename Norm::template Partial<Compute>;

/// True for norms that are roots of sums of squares.
template <class Norm>
inline constexpr bool takes_roots_v = std::is_base_of_v<SumsSquares, Norm>;

/// y(i, j) = x(i, j) / (norm_i + epsilon), and nothing else.
template <class Norm, class Compute>
struct RowFinisher {
  using Partial = PartialOf<Norm, Compute>;
  using Scale = RowScale<Compute>;
  using ComputeType = Compute;
  /// What kernels need to know of the rows.
  template <class Value>
  using RowsOf = Rows<Value>;
  /// Whether there may be more to do than to write y, and rows of more than one matrix.
  static constexpr bool has_extras = false;
  /// Whether partial results take so many registers that teams must be smaller.
  static constexpr bool has_large_partials = is_double_v<Compute>;
  static constexpr bool takes_roots = takes_roots_v<Norm>;

  Norm norm;
  RowLength length;
  Compute epsilon;

  KOKKOS_FORCEINLINE_FUNCTION void combine(Partial& partial, const Partial& other) const {
    norm.combine(partial, other);
  }

  /// Accumulates one value times `per_unit`.
  template <class Value>
  KOKKOS_FORCEINLINE_FUNCTION void accumulate_one(Partial& partial, const Value& value, std::int64_t /*column*/,
                                                  Compute per_unit) const {
    norm.accumulate(partial, magnitude(as_compute<Compute>(value), per_unit));
  }

  /// The partial result of a part of a row. for_each(f) calls f(value, k, column) for each value of that part, and
  /// may be called twice. A value of even k is accumulated together with the next one, whose k is odd.
  template <class ForEach>
  KOKKOS_FORCEINLINE_FUNCTION Partial accumulate(const ForEach& for_each) const {
    return accumulate_in_best_units<Partial, Compute>([&](const Partial& nothing, Compute per_unit) {
      Partial partial = nothing;
      Compute first{};
      for_each([&](const auto& value, int k, std::int64_t) {
        const Compute x = magnitude(as_compute<Compute>(value), per_unit);
        if (k % 2 != 0) accumulate_two(partial, first, x);
        first = k % 2 == 0 ? x : Compute{};
      });
      return partial;
    });
  }

  /// The same for parts of n rows. for_each(f) calls f(value, q, column) for each value of the q-th of them.
  template <int n, class ForEach>
  KOKKOS_FORCEINLINE_FUNCTION PartialsOf<Partial, n> accumulate_rows(const ForEach& for_each) const {
    return accumulate_each_row<n>(*this, for_each, [&](Partial& partial, const auto& value, std::int64_t column) {
      accumulate_one(partial, value, column, 1);
    });
  }

  /// The norm of a row times `factor`, a power of two.
  KOKKOS_FORCEINLINE_FUNCTION double norm_times(const Partial& row, double factor) const {
    if constexpr (requires { norm.finish(row, length, factor); })
      return norm.finish(row, length, factor);
    else
      return norm.finish(row, length.columns) * factor;
  }

  /// The norm of a row. A mean may be finite though the sum that it is made of is not.
  KOKKOS_FORCEINLINE_FUNCTION double norm_of(const Partial& row) const {
    const double value = norm_times(row, 1);
    return Kokkos::isinf(value) ? norm_times(row, shrink) / shrink : value;
  }

  /// 1 / (norm + epsilon), for the partial result of a whole row.
  KOKKOS_FUNCTION Scale scale(const Partial& row) const {
    constexpr double smallest = Kokkos::Experimental::norm_min_v<Compute>;
    const auto divisor_times = [&](double power) {
      return norm_times(row, power) + static_cast<double>(epsilon) * power;
    };
    double power = 1;
    double divisor = divisor_times(power);
    if (divisor < smallest) {
      divisor = divisor_times(power = stretch<Compute>);
      if (divisor == 0) return {1, 1};  // a row of zeros, and epsilon 0: it stays zero
    } else if (divisor > largest_divisor<Compute>) {
      divisor = divisor_times(power = shrink);
    }
    return {static_cast<Compute>(power), inverse<Compute>(divisor)};
  }

  /// f(weights), for `rescaled`.
  template <class Y, class F>
  KOKKOS_FORCEINLINE_FUNCTION void with_weights(const F& f) const {
    f(NoWeights{});
  }
  /// The same from column `first` on, for kernels that have packets of n columns and have y to themselves.
  template <class Y, int n, class F>
  KOKKOS_FORCEINLINE_FUNCTION void with_constant_weights(std::int64_t /*first*/, const F& f) const {
    f(NoWeights{});
  }
  /// An element of y.
  template <class Y, class Value, class WeightsOfColumns>
  KOKKOS_FORCEINLINE_FUNCTION Y rescaled(const Scale& scale, const Value& value, const WeightsOfColumns& weights,
                                         std::int64_t column) const {
    const auto y = scale(as_compute<Compute>(value));
    return static_cast<Y>(weighted<decltype(+y), Compute>(y, weights, column));
  }

  KOKKOS_FORCEINLINE_FUNCTION static constexpr bool writes_y() { return true; }
  /// What else is made of row i than y. One thread a row calls it.
  KOKKOS_FORCEINLINE_FUNCTION void record(std::int64_t /*row*/, const Partial&) const {}
  /// The same for rows that are counted from `first` on.
  RowFinisher from(std::int64_t /*first*/) const { return *this; }

 private:
  KOKKOS_FORCEINLINE_FUNCTION void accumulate_two(Partial& partial, Compute a, Compute b) const {
    if constexpr (requires { norm.accumulate(partial, a, b); }) {
      norm.accumulate(partial, a, b);
    } else {
      norm.accumulate(partial, a);
      norm.accumulate(partial, b);
    }
  }
};

/// Everything that may be asked for beside y, or instead of it. What is not asked for is null.
struct RowExtras {
  VectorRef weights{};        ///< of columns
  VectorRef norms{};          ///< of rows
  RowOffsets norm_offsets{};  ///< where they are
  RowStatus* status = nullptr;
  bool writes_y = true;

  friend bool operator==(const RowExtras&, const RowExtras&) = default;
};

/// RowFinisher with extras, for rows of batches of matrices.
template <class Norm, class Compute>
struct ExtendedFinisher : RowFinisher<Norm, Compute> {
  using Base = RowFinisher<Norm, Compute>;
  using typename Base::Partial;
  using typename Base::Scale;
  template <class Value>
  using RowsOf = BatchedRows<Value>;
  static constexpr bool has_extras = true;

  RowExtras extras;

  template <class Y, class F>
  KOKKOS_FORCEINLINE_FUNCTION void with_weights(const F& f) const {
    impl::with_weights<Y, Compute>(extras.weights, f);
  }
  template <class Y, int n, class F>
  KOKKOS_FORCEINLINE_FUNCTION void with_constant_weights(std::int64_t first, const F& f) const {
    impl::with_constant_weights<Y, Compute, n>(extras.weights, first, f);
  }

  KOKKOS_FORCEINLINE_FUNCTION bool writes_y() const { return extras.writes_y; }

  KOKKOS_FUNCTION void record(std::int64_t i, const Partial& row) const {
    if (extras.norms.data == nullptr && extras.status == nullptr) return;
    const double value = this->norm_of(row);
    if (extras.norms.data != nullptr) extras.norms.set(extras.norm_offsets(i), value);
    if (extras.status == nullptr || (value > 0 && Kokkos::isfinite(value))) return;
    if (Kokkos::isnan(value))
      Kokkos::atomic_inc(&extras.status->nan);
    else if (Kokkos::isinf(this->norm_times(row, shrink)))
      Kokkos::atomic_inc(&extras.status->infinite);
    else if (this->norm_times(row, stretch<double>) == 0)
      Kokkos::atomic_inc(&extras.status->zero);
  }
  ExtendedFinisher from(std::int64_t first) const {
    ExtendedFinisher some = *this;
    some.extras.norm_offsets.first += first;
    return some;
  }
};

}  // namespace rownorm::impl

#endif
