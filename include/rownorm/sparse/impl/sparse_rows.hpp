// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_SPARSE_IMPL_SPARSE_ROWS_HPP
#define ROWNORM_SPARSE_IMPL_SPARSE_ROWS_HPP

/// Rows of a sparse matrix as kernels see them, and where the values of their entries are.

#include <algorithm>
#include <cstdint>

#include <Kokkos_Core.hpp>

#include <rownorm/sparse/schedule.hpp>

namespace rownorm::sparse::impl {

/// Compressed rows as a line of items: `row_items` for a row itself, and then one for each of its entries.
template <class OffsetType>
struct SparseRows {
  using Offset = OffsetType;

  const Offset* begins;  ///< rows + 1 of them
  std::int64_t rows;
  std::int64_t entries;

  KOKKOS_FORCEINLINE_FUNCTION std::int64_t begin(std::int64_t i) const { return static_cast<std::int64_t>(begins[i]); }
  KOKKOS_FORCEINLINE_FUNCTION std::int64_t length(std::int64_t i) const { return begin(i + 1) - begin(i); }
  /// The first item of a row. It grows with every row.
  KOKKOS_FORCEINLINE_FUNCTION std::int64_t item(std::int64_t i) const { return begin(i) + i * row_items; }
  KOKKOS_FORCEINLINE_FUNCTION std::int64_t items() const { return items_of(rows, entries); }
  /// Where the value of entry k of row i is.
  KOKKOS_FORCEINLINE_FUNCTION std::int64_t place(std::int64_t i, std::int64_t k) const { return begin(i) + k; }

  /// The first row whose first item is no earlier than the given one; `rows` if there is none.
  KOKKOS_FUNCTION std::int64_t first_row_at(std::int64_t wanted) const {
    std::int64_t low = 0, high = rows;
    while (low < high) {
      const std::int64_t middle = low + (high - low) / 2;
      if (item(middle) < wanted)
        low = middle + 1;
      else
        high = middle;
    }
    return low;
  }
};

/// The rows of a matrix of square blocks, each of which is stored row by row: row i of a block row has so many
/// neighbouring values of each of its blocks.
template <class Offset>
struct BlockRows {
  const Offset* begins;  ///< of block rows, in blocks
  std::int64_t rows;     ///< of the matrix, not of blocks
  std::int64_t entries;
  std::int64_t block;

  KOKKOS_FORCEINLINE_FUNCTION std::int64_t length(std::int64_t i) const {
    const std::int64_t of_blocks = i / block;
    return (static_cast<std::int64_t>(begins[of_blocks + 1]) - static_cast<std::int64_t>(begins[of_blocks])) * block;
  }
  KOKKOS_FORCEINLINE_FUNCTION std::int64_t place(std::int64_t i, std::int64_t k) const {
    const std::int64_t of_blocks = i / block, number = static_cast<std::int64_t>(begins[of_blocks]) + k / block;
    return (number * block + i % block) * block + k % block;
  }
};

/// The values of entries, in the order of the rows.
template <class X>
struct Direct {
  using Value = X;
  const X* data;

  KOKKOS_FORCEINLINE_FUNCTION X operator()(std::int64_t place) const { return data[place]; }
};

/// The same in another order.
template <class X>
struct Gathered {
  using Value = X;
  const X* data;
  const std::int64_t* order;

  KOKKOS_FORCEINLINE_FUNCTION X operator()(std::int64_t place) const { return data[order[place]]; }
};

/// True for rows whose entries are neighbours.
template <class Rows>
inline constexpr bool is_compressed_v = false;
template <class Offset>
inline constexpr bool is_compressed_v<SparseRows<Offset>> = true;

template <class Source>
inline constexpr bool is_direct_v = false;
template <class X>
inline constexpr bool is_direct_v<Direct<X>> = true;

}  // namespace rownorm::sparse::impl

#endif
