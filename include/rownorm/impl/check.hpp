// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_IMPL_CHECK_HPP
#define ROWNORM_IMPL_CHECK_HPP

/// Every static_assert and every thrown message.

#include <cstdint>
#include <initializer_list>
#include <string>
#include <type_traits>

#include <Kokkos_Core.hpp>

#include <rownorm/impl/operand.hpp>
#include <rownorm/impl/values.hpp>
#include <rownorm/impl/vector_ref.hpp>
#include <rownorm/parameters.hpp>

namespace rownorm::impl {

template <class X>
KOKKOS_FUNCTION constexpr void check_input_type() {
  static_assert(ArrayLike<X>, "rownorm: x must be a Kokkos::View or an mdspan");
  if constexpr (ArrayLike<X>) {
    static_assert(is_supported_value_v<element_type_of<X>>,
                  "rownorm: the value type of x must be float, double, half_t, bhalf_t, or complex<float or double>");
    if constexpr (Kokkos::is_view_v<X>)
      static_assert(!X::memory_traits::is_atomic, "rownorm: views with the Atomic memory trait are not supported");
  }
}

template <class Y>
KOKKOS_FUNCTION constexpr void check_output_type() {
  static_assert(ArrayLike<Y>, "rownorm: y must be a Kokkos::View or an mdspan");
  if constexpr (ArrayLike<Y>) {
    static_assert(is_supported_value_v<element_type_of<Y>>,
                  "rownorm: the value type of y must be float, double, half_t, bhalf_t, or complex<float or double>");
    static_assert(!std::is_const_v<element_type_of<Y>>, "rownorm: y is written to, so its values may not be const");
    if constexpr (Kokkos::is_view_v<Y>)
      static_assert(!Y::memory_traits::is_atomic, "rownorm: views with the Atomic memory trait are not supported");
  }
}

template <class X, class Y>
KOKKOS_FUNCTION constexpr void check_pair_types() {
  check_input_type<X>();
  check_output_type<Y>();
  if constexpr (ArrayLike<X> && ArrayLike<Y>)
    static_assert(is_complex_v<element_type_of<X>> == is_complex_v<element_type_of<Y>>,
                  "rownorm: x and y must both be complex, or both be real");
}

template <class Exec, class X>
constexpr void check_access() {
  if constexpr (Kokkos::is_view_v<X>)
    static_assert(can_access_v<X, Exec>, "rownorm: the execution space cannot access the memory of x");
}

template <class Exec, class X, class Y>
constexpr void check_types() {
  check_pair_types<X, Y>();
  if constexpr (ArrayLike<X> && ArrayLike<Y>) {
    static_assert(X::rank() >= 1 && X::rank() <= max_rank && Y::rank() >= 1 && Y::rank() <= max_rank,
                  "rownorm: x and y must have a rank from 1 to 8");
    static_assert(X::rank() == Y::rank(), "rownorm: x and y must have the same rank");
    check_access<Exec, X>();
    if constexpr (Kokkos::is_view_v<Y>)
      static_assert(can_access_v<Y, Exec>, "rownorm: the execution space cannot access the memory of y");
  }
}

/// For arrays of norms of the rows of X.
template <class Exec, class X, class Norms>
constexpr void check_norms_type() {
  static_assert(Kokkos::is_view_v<Norms>, "rownorm: norms must be a Kokkos::View");
  if constexpr (Kokkos::is_view_v<Norms>) {
    static_assert(is_real_value_v<typename Norms::value_type> && !std::is_const_v<typename Norms::value_type>,
                  "rownorm: norms is written to; its value type must be float, double, half_t or bhalf_t");
    static_assert(Norms::rank() + 1 == X::rank() || (Norms::rank() == 1 && X::rank() == 1),
                  "rownorm: norms must have one dimension less than x");
    static_assert(can_access_v<Norms, Exec>, "rownorm: the execution space cannot access the memory of norms");
  }
}

/// True where two arrays are the same elements, each under the same index. Neither may be empty.
bool same_elements(const Operand& a, const Operand& b);

/// True where two arrays have a byte in common. Exact for any strides. O(1) where the address ranges are disjoint, the
/// strides equal or their residues disjoint; otherwise as many steps as some of the extents. Neither may be empty.
bool overlap(const Operand& a, const Operand& b);

/// True where two indices of an array lead to one element.
bool self_overlap(const Operand& array);

/// Throws std::invalid_argument in the name of a function.
class Checks {
 public:
  explicit Checks(const char* function) : function_(function) {}

  const char* function() const { return function_; }

  /// The axis as a dimension of x, which is not negative. Refuses one that x does not have.
  int axis(const Operand& x, int axis) const;
  /// Refuses arrays whose extents are not those of x.
  void equal_extents(const Operand& x, const Operand& other) const;
  /// Refuses norms that have not an element for each row of x.
  void norm_extents(const Operand& x, int axis, const Operand& norms) const;
  /// Refuses an epsilon that does not lie between zero and `largest`; `called_with` is said with it.
  void epsilon(double epsilon, double largest, std::initializer_list<const Operand*> called_with) const;
  /// Refuses column weights that x has not as many columns as, or that the execution space cannot read.
  template <class Exec>
  void weights(const Operand& x, int axis, const ColumnWeights& weights) const {
    if (!weights.is_given()) return;
    weight_extents(x, axis, weights_operand(weights));
    reach("params.weights", weights.template can_be_read_by<Exec>());
  }
  /// Refuses those that have elements but no memory, or overlap with what is written.
  void weights_memory(const ColumnWeights& weights, std::initializer_list<const Operand*> written) const;
  /// Refuses memory that the execution space cannot reach.
  void reach(const char* name, bool can_reach) const;
  /// Refuses a norm that has no gradient, always.
  [[noreturn]] void no_gradient(const char* norm, const Operand& x) const;
  /// Refuses an array that has elements but no memory.
  void memory(const Operand& array) const;
  /// Refuses an array that is to be written if two indices lead to one element.
  void written(const Operand& array) const;
  /// Refuses arrays that overlap in part. They may be the same elements.
  void same_or_disjoint(const Operand& read, const Operand& written) const;
  /// Refuses arrays that overlap.
  void disjoint(const Operand& other, const Operand& written) const;

 private:
  static Operand weights_operand(const ColumnWeights& weights);
  void weight_extents(const Operand& x, int axis, const Operand& weights) const;
  [[noreturn]] void refuse(const std::string& what) const;

  const char* function_;
};

}  // namespace rownorm::impl

#endif
