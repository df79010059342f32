// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_SPARSE_COLUMN_ORDER_HPP
#define ROWNORM_SPARSE_COLUMN_ORDER_HPP

#include <cstdint>

#include <Kokkos_Core.hpp>

#include <rownorm/impl/compat.hpp>
#include <rownorm/impl/vector_ref.hpp>
#include <rownorm/sparse/impl/sort_columns.hpp>

namespace rownorm::sparse {

/// The entries of a sparse matrix, column by column, and within a column in the order in which they are stored. Norms
/// of columns are taken in this order, so that their bits are the same every time. It depends on the graph alone: make
/// it once where the values change and the graph does not.
///
/// It takes 8 bytes an entry and 8 bytes a column, in the memory of Exec; to make it takes as much again on hosts, and
/// on GPUs what Kokkos' sort takes. It waits for `exec`.
template <class Exec>
class ColumnOrder {
 public:
  using execution_space = Exec;
  using memory_space = typename Exec::memory_space;

  /// Of a CrsMatrix, whose row map and column indices must be right.
  template <class Matrix>
  ColumnOrder(const Exec& exec, const Matrix& A) {
    static_assert(Kokkos::SpaceAccessibility<Exec, typename Matrix::memory_space>::accessible,
                  "rownorm: the execution space cannot access the memory of A");
    const auto& indices = A.graph.entries;
    begins_ = Begins(Kokkos::view_alloc(exec, "rownorm::ColumnOrder::begins"), A.numCols() + 1);
    entries_ = Begins(Kokkos::view_alloc(exec, Kokkos::WithoutInitializing, "rownorm::ColumnOrder::entries"),
                      indices.extent(0));
    impl::sort_columns(exec, indices.data(), static_cast<std::int64_t>(indices.extent(0)),
                       static_cast<std::int64_t>(A.numCols()), begins_, entries_);
  }

  std::int64_t columns() const { return static_cast<std::int64_t>(begins_.extent(0)) - 1; }
  /// Column j has the entries number entries()(k), begins()(j) <= k < begins()(j + 1).
  Kokkos::View<const std::int64_t*, memory_space> begins() const { return begins_; }
  Kokkos::View<const std::int64_t*, memory_space> entries() const { return entries_; }

 private:
  using Begins = Kokkos::View<std::int64_t*, memory_space>;
  Begins begins_;
  Begins entries_;
};

/// What a call needs of a ColumnOrder, which must live until the work is done.
class ColumnOrderRef {
 public:
  ColumnOrderRef() = default;
  template <class Exec>
  ColumnOrderRef(const ColumnOrder<Exec>& order)
      : begins_(order.begins().data()),
        entries_(order.entries().data()),
        columns_(order.columns()),
        count_(static_cast<std::int64_t>(order.entries().extent(0))),
        on_host_(
            Kokkos::SpaceAccessibility<Kokkos::DefaultHostExecutionSpace, typename Exec::memory_space>::accessible),
        on_device_(Kokkos::SpaceAccessibility<Kokkos::DefaultExecutionSpace, typename Exec::memory_space>::accessible) {
  }

  bool is_given() const { return begins_ != nullptr; }
  const std::int64_t* begins() const { return begins_; }
  const std::int64_t* entries() const { return entries_; }
  std::int64_t columns() const { return columns_; }
  std::int64_t count() const { return count_; }
  template <class Exec>
  bool can_be_read_by() const {
    return rownorm::impl::is_host_space_v<Exec> ? on_host_ : on_device_;
  }

 private:
  const std::int64_t* begins_ = nullptr;
  const std::int64_t* entries_ = nullptr;
  std::int64_t columns_ = 0;
  std::int64_t count_ = 0;
  bool on_host_ = true;
  bool on_device_ = true;
};

}  // namespace rownorm::sparse

#endif
