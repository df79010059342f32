// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_IMPL_CHECK_HPP
#define ROWNORM_IMPL_CHECK_HPP

/// Every static_assert and every thrown message.

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <Kokkos_Core.hpp>

#include <rownorm/impl/rows.hpp>

namespace rownorm::impl {

template <class Value>
inline constexpr bool is_supported_value_v =
    std::is_same_v<Value, float> || std::is_same_v<Value, double> ||
    std::is_same_v<Value, Kokkos::Experimental::half_t> || std::is_same_v<Value, Kokkos::Experimental::bhalf_t>;

template <class View>
concept RowView = Kokkos::is_view_v<View>;

template <class X, class Y>
KOKKOS_FUNCTION constexpr void check_view_types() {
  static_assert(RowView<X>, "rownorm: x must be a Kokkos::View");
  static_assert(RowView<Y>, "rownorm: y must be a Kokkos::View");
  if constexpr (RowView<X> && RowView<Y>) {
    static_assert(is_supported_value_v<typename X::non_const_value_type>,
                  "rownorm: the value type of x must be float, double, half_t or bhalf_t");
    static_assert(is_supported_value_v<typename Y::non_const_value_type>,
                  "rownorm: the value type of y must be float, double, half_t or bhalf_t");
    static_assert(!std::is_const_v<typename Y::value_type>, "rownorm: y is written to, so its values may not be const");
    static_assert(!X::memory_traits::is_atomic && !Y::memory_traits::is_atomic,
                  "rownorm: views with the Atomic memory trait are not supported");
  }
}

template <class Exec, class X, class Y>
constexpr void check_types() {
  check_view_types<X, Y>();
  if constexpr (RowView<X> && RowView<Y>) {
    static_assert((X::rank() == 1 || X::rank() == 2) && (Y::rank() == 1 || Y::rank() == 2),
                  "rownorm: x and y must be views of rank 1 (one row) or 2 (rows by columns)");
    static_assert(X::rank() == Y::rank(), "rownorm: x and y must have the same rank");
    static_assert(Kokkos::SpaceAccessibility<Exec, typename X::memory_space>::accessible,
                  "rownorm: the execution space cannot access the memory of x");
    static_assert(Kokkos::SpaceAccessibility<Exec, typename Y::memory_space>::accessible,
                  "rownorm: the execution space cannot access the memory of y");
  }
}

/// Where the elements of a view lie, without their type. Strides count bytes.
struct Footprint {
  std::uintptr_t address;
  int rank;
  std::int64_t rows;
  std::int64_t columns;
  std::int64_t row_stride;
  std::int64_t column_stride;
  std::int64_t value_bytes;

  template <class Value>
  Footprint(const Rows<Value>& view, std::size_t view_rank)
      : address(reinterpret_cast<std::uintptr_t>(view.data)),
        rank(static_cast<int>(view_rank)),
        rows(view.rows),
        columns(view.columns),
        row_stride(view.row_stride * static_cast<std::int64_t>(sizeof(Value))),
        column_stride(view.column_stride * static_cast<std::int64_t>(sizeof(Value))),
        value_bytes(sizeof(Value)) {}
};

/// True where x and y are the same elements, each under the same index. Neither may be empty.
bool same_elements(const Footprint& x, const Footprint& y);

/// True where x and y have a byte in common. Exact for any strides. O(1) where the address ranges are disjoint, the
/// strides of x and y equal or their residues disjoint; otherwise as many steps as one of the extents. Neither may be
/// empty.
bool overlap(const Footprint& x, const Footprint& y);

/// True where two indices of a view lead to one element.
bool self_overlap(const Footprint& view);

/// Throws std::invalid_argument, in the name of `function`, unless
/// - x and y have equal extents,
/// - epsilon lies between zero and `largest_epsilon`,
/// - and, where there are elements, neither is a null pointer, no two indices of y lead to one element, and x and y
///   are the same elements or have none in common.
void check_arguments(const char* function, const Footprint& x, const Footprint& y, double epsilon,
                     double largest_epsilon);

}  // namespace rownorm::impl

#endif
