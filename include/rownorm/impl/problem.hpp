// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_IMPL_PROBLEM_HPP
#define ROWNORM_IMPL_PROBLEM_HPP

#include <cstdint>

#include <rownorm/impl/packet.hpp>
#include <rownorm/impl/rows.hpp>
#include <rownorm/schedule.hpp>

namespace rownorm::impl {

template <class Value>
Neighbours neighbours_of(const Rows<Value>& matrix) {
  if (matrix.column_stride == 1 || matrix.columns == 1) return Neighbours::in_row;
  return matrix.row_stride == 1 || matrix.rows == 1 ? Neighbours::in_column : Neighbours::none;
}

/// True where packets of n values along rows, or along columns, begin at multiples of their size.
template <int n, class Value>
bool is_aligned(const Rows<Value>& matrix) {
  const bool in_row = neighbours_of(matrix) == Neighbours::in_row;
  const std::int64_t length = in_row ? matrix.columns : matrix.rows;
  const std::int64_t pitch = in_row ? matrix.row_stride : matrix.column_stride;
  const bool many = (in_row ? matrix.rows : matrix.columns) > 1;
  return is_packet_aligned<Value, n>(matrix.data) && length % n == 0 && (!many || pitch % n == 0);
}

/// True where, in every row, x and y begin equally many elements before a packet of n values.
template <int n, class X, class Y>
bool have_same_phase(const Rows<X>& x, const Rows<Y>& y) {
  const auto elements = [](const auto* first) {
    return static_cast<std::int64_t>(reinterpret_cast<std::uintptr_t>(first) / sizeof(*first));
  };
  return (elements(x.data) - elements(y.data)) % n == 0 && (x.rows == 1 || (x.row_stride - y.row_stride) % n == 0);
}

/// What a schedule needs to know of x and y.
template <class X, class Y>
Problem problem_of(const Rows<X>& x, const Rows<Y>& y) {
  constexpr int n = packet_values<X, Y>;
  const auto is_dense = [](const auto& matrix) { return matrix.rows == 1 || matrix.row_stride == matrix.columns; };
  return {.rows = x.rows,
          .columns = x.columns,
          .x_value_bytes = sizeof(X),
          .y_value_bytes = sizeof(Y),
          .x_neighbours = neighbours_of(x),
          .y_neighbours = neighbours_of(y),
          .is_aligned = is_aligned<n>(x) && is_aligned<n>(y),
          .have_same_phase = have_same_phase<n>(x, y),
          .is_dense = is_dense(x) && is_dense(y)};
}

}  // namespace rownorm::impl

#endif
