// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_IMPL_ROWS_HPP
#define ROWNORM_IMPL_ROWS_HPP

#include <cstdint>

#include <Kokkos_Core.hpp>

namespace rownorm::impl {

/// One row of any view: element j is at data[j * stride]. Extents and strides count elements.
template <class Value>
struct Row {
  Value* data;
  std::int64_t columns;
  std::int64_t stride;

  KOKKOS_FUNCTION Value& operator()(std::int64_t j) const { return data[j * stride]; }
};

/// Any view as rows: element (i, j) is at data[i * row_stride + j * column_stride].
template <class Value>
struct Rows {
  Value* data;
  std::int64_t rows;
  std::int64_t columns;
  std::int64_t row_stride;
  std::int64_t column_stride;

  KOKKOS_FUNCTION Row<Value> operator()(std::int64_t i) const {
    return {data + i * row_stride, columns, column_stride};
  }

  /// The rows from `first` on.
  Rows from(std::int64_t first, std::int64_t count) const {
    return {data + first * row_stride, count, columns, row_stride, column_stride};
  }
};

/// A view of rank 1 as one row.
template <class Value, class View>
KOKKOS_FUNCTION Row<Value> as_row(const View& view) {
  return {view.data(), static_cast<std::int64_t>(view.extent(0)), static_cast<std::int64_t>(view.stride(0))};
}

/// A view of rank 1 (one row) or 2 (rows x columns) as rows.
template <class Value, class View>
Rows<Value> as_rows(const View& view) {
  const auto extent = [&](int r) { return static_cast<std::int64_t>(view.extent(r)); };
  const auto stride = [&](int r) { return static_cast<std::int64_t>(view.stride(r)); };
  if constexpr (View::rank() == 1)
    return {view.data(), 1, extent(0), 0, stride(0)};
  else
    return {view.data(), extent(0), extent(1), stride(0), stride(1)};
}

}  // namespace rownorm::impl

#endif
