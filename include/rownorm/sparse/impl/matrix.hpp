// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_SPARSE_IMPL_MATRIX_HPP
#define ROWNORM_SPARSE_IMPL_MATRIX_HPP

/// What is asked of matrices of Kokkos Kernels.

#include <cstdint>
#include <type_traits>

#include <KokkosSparse_BsrMatrix.hpp>
#include <KokkosSparse_CrsMatrix.hpp>
#include <Kokkos_Core.hpp>

namespace rownorm::sparse {

template <class T>
concept CompressedMatrix = KokkosSparse::is_crs_matrix_v<std::remove_const_t<T>>;
template <class T>
concept BlockMatrix = KokkosSparse::Experimental::is_bsr_matrix_v<std::remove_const_t<T>>;
/// What the functions for sparse matrices take.
template <class T>
concept Matrix = CompressedMatrix<T> || BlockMatrix<T>;

namespace impl {

/// A matrix without its type, for checks.
struct MatrixInfo {
  const char* name;
  std::int64_t rows;  ///< of blocks, as all here
  std::int64_t columns;
  std::int64_t block;    ///< rows of a block; 1 without blocks
  std::int64_t entries;  ///< column indices
  std::int64_t values;
  const void* row_map;
  const void* indices;
  const void* data;
  std::int64_t value_bytes;
  std::int64_t offset_bytes;
  std::int64_t index_bytes;
  std::int64_t row_map_length;

  std::int64_t point_rows() const { return rows * block; }
  std::int64_t point_columns() const { return columns * block; }
};

template <Matrix M>
MatrixInfo info(const char* name, const M& A) {
  std::int64_t block = 1;
  if constexpr (BlockMatrix<M>) block = static_cast<std::int64_t>(A.blockDim());
  const auto& map = A.graph.row_map;
  const auto& indices = A.graph.entries;
  const auto length = static_cast<std::int64_t>(map.extent(0));
  return {.name = name,
          .rows = length > 0 ? length - 1 : 0,
          .columns = static_cast<std::int64_t>(A.numCols()),
          .block = block,
          .entries = static_cast<std::int64_t>(indices.extent(0)),
          .values = static_cast<std::int64_t>(A.values.extent(0)),
          .row_map = map.data(),
          .indices = indices.data(),
          .data = A.values.data(),
          .value_bytes = sizeof(typename M::value_type),
          .offset_bytes = sizeof(typename M::size_type),
          .index_bytes = sizeof(typename M::ordinal_type),
          .row_map_length = length};
}

}  // namespace impl

}  // namespace rownorm::sparse

#endif
