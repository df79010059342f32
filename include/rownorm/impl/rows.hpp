// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_IMPL_ROWS_HPP
#define ROWNORM_IMPL_ROWS_HPP

#include <cstdint>

#include <Kokkos_Core.hpp>

namespace rownorm::impl {

/// What leads to elements: a pointer, but for what is spread over several arrays.
template <class Value>
struct PointerOf {
  using type = Value*;
};
template <class Value>
using PointerTo = typename PointerOf<Value>::type;

/// The type of what is read of one array under an index, and how many arrays there are.
template <class Value>
struct ValuesRead {
  using type = Value;
  static constexpr int arrays = 1;
};

/// One row of any view: element j is at data[j * stride]. Extents and strides count elements.
template <class Value>
struct Row {
  PointerTo<Value> data;
  std::int64_t columns;
  std::int64_t stride;

  KOKKOS_FUNCTION decltype(auto) operator()(std::int64_t j) const { return data[j * stride]; }
};

/// Any view of rank 1 or 2 as rows: element (i, j) is at data[i * row_stride + j * column_stride].
template <class Value>
struct Rows {
  PointerTo<Value> data;
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

/// Where rows begin that are a batch of equal matrices: row i is row i % batch_rows of matrix i / batch_rows.
struct RowOffsets {
  std::int64_t row_stride = 0;
  std::int64_t batch_rows = 1;
  std::int64_t batch_stride = 0;
  std::int64_t first = 0;   ///< the row that counts as number 0
  std::int64_t offset = 0;  ///< of all rows
  double inverse = 1;       ///< of batch_rows: GPUs divide integers of 64 bits by a hundred instructions

  static RowOffsets of(std::int64_t row_stride, std::int64_t batch_rows, std::int64_t batch_stride) {
    return {row_stride, batch_rows, batch_stride, 0, 0, 1 / static_cast<double>(batch_rows)};
  }

  friend bool operator==(const RowOffsets&, const RowOffsets&) = default;

  KOKKOS_FUNCTION std::int64_t operator()(std::int64_t i) const {
    i += first;
    if (i < batch_rows) return offset + i * row_stride;                        // always so where there is one batch
    auto batch = static_cast<std::int64_t>(static_cast<double>(i) * inverse);  // or its neighbour
    std::int64_t row = i - batch * batch_rows;
    if (row < 0) {
      --batch;
      row += batch_rows;
    } else if (row >= batch_rows) {
      ++batch;
      row -= batch_rows;
    }
    return offset + batch * batch_stride + row * row_stride;
  }
};

/// The rows of a batch of matrices, `batch_rows` each, whose first elements are batch_stride apart.
template <class Value>
struct BatchedRows : Rows<Value> {
  RowOffsets offsets;

  BatchedRows(const Rows<Value>& matrix) : BatchedRows(matrix, matrix.rows, 0) {}
  BatchedRows(const Rows<Value>& all, std::int64_t batch_rows, std::int64_t batch_stride)
      : Rows<Value>(all), offsets(RowOffsets::of(all.row_stride, batch_rows, batch_stride)) {}

  KOKKOS_FUNCTION Row<Value> operator()(std::int64_t i) const {
    return {this->data + offsets(i), this->columns, this->column_stride};
  }

  std::int64_t batch_rows() const { return offsets.batch_rows; }
  std::int64_t batch_stride() const { return offsets.batch_stride; }
  std::int64_t batches() const { return batch_rows() > 0 ? this->rows / batch_rows() : 1; }

  /// The rows from `begin` on.
  BatchedRows from(std::int64_t begin, std::int64_t count) const {
    BatchedRows some = *this;
    some.offsets.first += begin;
    some.rows = count;
    return some;
  }
};

}  // namespace rownorm::impl

#endif
