// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_IMPL_PROBLEM_HPP
#define ROWNORM_IMPL_PROBLEM_HPP

#include <cstdint>
#include <type_traits>

#include <rownorm/impl/packet.hpp>
#include <rownorm/impl/rows.hpp>
#include <rownorm/impl/values.hpp>
#include <rownorm/schedule.hpp>

namespace rownorm::impl {

template <class Value>
Neighbours neighbours_of(const Rows<Value>& matrix) {
  if (matrix.column_stride == 1 || matrix.columns == 1) return Neighbours::in_row;
  return matrix.row_stride == 1 || matrix.rows == 1 ? Neighbours::in_column : Neighbours::none;
}

/// The first matrix of a batch.
template <class Value>
Rows<Value> first_matrix(const BatchedRows<Value>& matrices) {
  Rows<Value> first = matrices;
  first.rows = matrices.batch_rows();
  return first;
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
  return begin_in_phase<n>(x.data, y.data) && (x.rows == 1 || (x.row_stride - y.row_stride) % n == 0);
}

/// Whether kernels for hosts are compiled for such values. Those of pairs are gradients, which stay of one type.
template <class X, class Y>
inline constexpr bool is_compiled_for_hosts_v =
    is_real_value_v<typename ValuesRead<std::remove_const_t<X>>::type>&& is_real_value_v<Y> &&
    (arrays_read<X> == 1 || std::is_same_v<typename ValuesRead<std::remove_const_t<X>>::type, Y>);

/// What a schedule needs to know of x and y.
template <class X, class Y>
Problem problem_of(const BatchedRows<X>& all_x, const BatchedRows<Y>& all_y) {
  constexpr int n = packet_values<X, Y>;
  const Rows<X> x = first_matrix(all_x);
  const Rows<Y> y = first_matrix(all_y);
  const bool is_one = all_x.batches() == 1;
  const auto is_dense = [](const auto& matrix) { return matrix.rows == 1 || matrix.row_stride == matrix.columns; };
  const bool are_aligned = is_one || (all_x.batch_stride() % n == 0 && all_y.batch_stride() % n == 0);
  const bool have_equal_phases = is_one || (all_x.batch_stride() - all_y.batch_stride()) % n == 0;
  return {.rows = all_x.rows,
          .columns = x.columns,
          .x_value_bytes = sizeof(typename ValuesRead<std::remove_const_t<X>>::type),
          .y_value_bytes = sizeof(Y),
          .x_neighbours = neighbours_of(x),
          .y_neighbours = neighbours_of(y),
          .is_aligned = is_aligned<n>(x) && is_aligned<n>(y) && are_aligned,
          .have_same_phase = have_same_phase<n>(x, y) && have_equal_phases,
          .is_dense = is_dense(x) && is_dense(y) && is_one,
          .batches = all_x.batches(),
          .arrays_read = arrays_read<X>,
          .is_compiled = is_compiled_for_hosts_v<X, Y>};
}

}  // namespace rownorm::impl

#endif
