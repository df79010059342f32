// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_NORMS_HPP
#define ROWNORM_NORMS_HPP

/// The norms that rows are divided by.
///
/// A norm is a function of the magnitudes of a row: |x(i, j)|, the modulus where x is complex. It says what a thread
/// carries along its part of a row, how one magnitude is accumulated, how two parts are combined, and how a row is
/// finished. Kernels of GPUs know no more of it, so one of your own is as welcome to them as these; on hosts TeamPerRow
/// serves it:
///
///     struct CountNonzero {
///       template <class Compute>
///       using Partial = double;  // trivially copyable; Partial{} is the identity
///
///       template <class Compute>
///       KOKKOS_FUNCTION void accumulate(double& partial, Compute magnitude) const { partial += magnitude > 0; }
///       KOKKOS_FUNCTION void combine(double& partial, double other) const { partial += other; }
///       KOKKOS_FUNCTION double finish(double partial, double columns) const { return partial / columns; }
///     };
///
/// Compute is `compute_type` of x and y: float or double. Parts are combined in a fixed order, so the bits are the same
/// every time. What such a norm makes of overflow, NaN and infinity is its own affair; those here keep the promises of
/// docs/semantics.md.

#include <cstdint>
#include <type_traits>

#include <Kokkos_Core.hpp>

#include <rownorm/impl/compat.hpp>
#include <rownorm/impl/sums.hpp>

namespace rownorm {

/// The mean absolute value of a row, mean_j |x(i, j)|.
struct MeanAbs : impl::SumsMagnitudes {
  /// The norm of a row times `factor`, a power of two.
  template <class Compute>
  KOKKOS_FUNCTION double finish(const impl::AccurateSum<Compute>& partial, const impl::RowLength& length,
                                double factor) const {
    // The product is not the nearest double, which no float can tell.
    return impl::is_double_v<Compute> ? partial.times(factor) / length.columns : partial.times(factor) * length.inverse;
  }
};

/// The sum of the absolute values of a row, sum_j |x(i, j)|: the l1 norm.
struct SumAbs : impl::SumsMagnitudes {
  template <class Compute>
  KOKKOS_FUNCTION double finish(const impl::AccurateSum<Compute>& partial, const impl::RowLength&,
                                double factor) const {
    return partial.times(factor);
  }
};

/// The root mean square of a row, sqrt(mean_j |x(i, j)|^2).
struct RootMeanSquare : impl::SumsSquares {
  template <class Compute>
  KOKKOS_FUNCTION double finish(const impl::SumOfSquares<Compute>& partial, const impl::RowLength& length,
                                double factor) const {
    return partial.root_times(factor, length);
  }
};

/// The length of a row as a vector, sqrt(sum_j |x(i, j)|^2): the l2 norm.
struct Euclidean : impl::SumsSquares {
  template <class Compute>
  KOKKOS_FUNCTION double finish(const impl::SumOfSquares<Compute>& partial, const impl::RowLength&,
                                double factor) const {
    return partial.root_times(factor, impl::RowLength(1));
  }
};

/// The largest absolute value of a row, max_j |x(i, j)|; NaN where there is one.
struct MaxAbs {
  template <class Compute>
  using Partial = Compute;

  template <class Compute>
  KOKKOS_FUNCTION void accumulate(Compute& partial, Compute magnitude) const {
    if (!(magnitude <= partial)) partial = Kokkos::isnan(partial) ? partial : magnitude;
  }
  template <class Compute>
  KOKKOS_FUNCTION void combine(Compute& partial, Compute other) const {
    accumulate(partial, other);
  }
  template <class Compute>
  KOKKOS_FUNCTION double finish(Compute partial, const impl::RowLength&, double factor) const {
    return static_cast<double>(partial) * factor;
  }
};

/// Any of the norms above, chosen when the program runs. It is what `Parameters` holds unless told otherwise, so that
/// `normalize(x, y, {.norm = Euclidean{}})` needs no template argument.
class AnyNorm {
 public:
  KOKKOS_FUNCTION constexpr AnyNorm(MeanAbs = {}) : kind_(Kind::mean_abs) {}
  KOKKOS_FUNCTION constexpr AnyNorm(SumAbs) : kind_(Kind::sum_abs) {}
  KOKKOS_FUNCTION constexpr AnyNorm(RootMeanSquare) : kind_(Kind::root_mean_square) {}
  KOKKOS_FUNCTION constexpr AnyNorm(Euclidean) : kind_(Kind::euclidean) {}
  KOKKOS_FUNCTION constexpr AnyNorm(MaxAbs) : kind_(Kind::max_abs) {}

  /// f(norm), with the norm as a type of its own.
  ROWNORM_IMPL_CALLS_WHAT_IT_IS_GIVEN
  template <class F>
  KOKKOS_FUNCTION constexpr auto visit(const F& f) const {
    switch (kind_) {
      case Kind::sum_abs:
        return f(SumAbs{});
      case Kind::root_mean_square:
        return f(RootMeanSquare{});
      case Kind::euclidean:
        return f(Euclidean{});
      case Kind::max_abs:
        return f(MaxAbs{});
      case Kind::mean_abs:
        break;
    }
    return f(MeanAbs{});
  }

  friend KOKKOS_FUNCTION constexpr bool operator==(const AnyNorm& a, const AnyNorm& b) { return a.kind_ == b.kind_; }

 private:
  enum class Kind : std::int8_t { mean_abs, sum_abs, root_mean_square, euclidean, max_abs };
  Kind kind_;
};

}  // namespace rownorm

#endif
