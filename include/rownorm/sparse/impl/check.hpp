// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_SPARSE_IMPL_CHECK_HPP
#define ROWNORM_SPARSE_IMPL_CHECK_HPP

/// Every static_assert and every thrown message of the functions for sparse matrices.

#include <cstdint>
#include <sstream>
#include <stdexcept>
#include <string>
#include <type_traits>

#include <Kokkos_Core.hpp>

#include <rownorm/impl/compat.hpp>
#include <rownorm/impl/values.hpp>
#include <rownorm/impl/vector_ref.hpp>
#include <rownorm/sparse/impl/matrix.hpp>
#include <rownorm/sparse/parameters.hpp>

namespace rownorm::sparse::impl {

template <class Exec, class A>
constexpr void check_input_type() {
  static_assert(rownorm::impl::is_supported_value_v<typename A::non_const_value_type>,
                "rownorm: the value type of A must be float, double, half_t, bhalf_t, or complex<float or double>");
  static_assert(Kokkos::SpaceAccessibility<Exec, typename A::memory_space>::accessible,
                "rownorm: the execution space cannot access the memory of A");
}

template <class Exec, class A, class B>
constexpr void check_types() {
  check_input_type<Exec, A>();
  static_assert(rownorm::impl::is_supported_value_v<typename B::non_const_value_type>,
                "rownorm: the value type of B must be float, double, half_t, bhalf_t, or complex<float or double>");
  static_assert(Kokkos::SpaceAccessibility<Exec, typename B::memory_space>::accessible,
                "rownorm: the execution space cannot access the memory of B");
  static_assert(!std::is_const_v<typename B::value_type>, "rownorm: B is written to, so its values may not be const");
  static_assert(BlockMatrix<A> == BlockMatrix<B>, "rownorm: A and B must both be CrsMatrix, or both be BsrMatrix");
  static_assert(rownorm::impl::is_complex_v<typename A::non_const_value_type> ==
                    rownorm::impl::is_complex_v<typename B::non_const_value_type>,
                "rownorm: A and B must both be complex, or both be real");
}

template <class Exec, class Norms>
constexpr void check_norms_type() {
  static_assert(Kokkos::is_view_v<Norms>, "rownorm: norms must be a Kokkos::View");
  if constexpr (Kokkos::is_view_v<Norms>) {
    static_assert(
        rownorm::impl::is_real_value_v<typename Norms::value_type> && !std::is_const_v<typename Norms::value_type>,
        "rownorm: norms is written to; its value type must be float, double, half_t or bhalf_t");
    static_assert(Norms::rank() == 1, "rownorm: norms must have one dimension");
    static_assert(Kokkos::SpaceAccessibility<Exec, typename Norms::memory_space>::accessible,
                  "rownorm: the execution space cannot access the memory of norms");
  }
}

/// Throws std::invalid_argument in the name of a function.
class Checks {
 public:
  explicit Checks(const char* function) : function_(function) {}

  template <class... Parts>
  [[noreturn]] void refuse(const Parts&... parts) const {
    std::ostringstream message;
    message << function_ << ": ";
    (message << ... << parts);
    throw std::invalid_argument(message.str());
  }

  /// Refuses a matrix whose parts do not fit together.
  void matrix(const MatrixInfo& A) const {
    if (A.row_map_length == 0 && A.entries > 0)
      refuse(A.name, " has ", A.entries, " column indices, but an empty row map");
    const std::int64_t per_index = A.block * A.block;
    if (A.values != A.entries * per_index)
      refuse(A.name, " has ", A.values, " values, but ", A.entries, " column indices",
             per_index > 1 ? " of blocks with " + std::to_string(per_index) + " values each" : std::string());
    if (A.rows > 0 && A.row_map == nullptr) refuse(A.name, " has ", A.rows, " rows, but no memory for its row map");
    if (A.values > 0 && A.data == nullptr) refuse(A.name, " has ", A.values, " values, but no memory for them");
  }

  /// Refuses another matrix that does not share the graph.
  void same_graph(const MatrixInfo& A, const MatrixInfo& B) const {
    if (A.rows != B.rows || A.columns != B.columns || A.entries != B.entries || A.block != B.block)
      refuse("A is ", A.point_rows(), " x ", A.point_columns(), " with ", A.entries, " column indices, but B is ",
             B.point_rows(), " x ", B.point_columns(), " with ", B.entries);
    if (A.row_map != B.row_map || (A.entries > 0 && A.indices != B.indices))
      refuse(
          "B has a graph of its own: it must share the graph of A, as a matrix made of A.graph and other values does");
  }

  /// Refuses values to be written that overlap with the graph, or in part with those that are read.
  void aliases(const MatrixInfo& A, const MatrixInfo& B) const {
    if (A.data != B.data && overlap(A.data, A.values * A.value_bytes, B.data, B.values * B.value_bytes))
      refuse("the values of A and B overlap in part: they must be the same values, or have no memory in common");
    if (A.data == B.data && A.values > 0 && A.value_bytes != B.value_bytes)
      refuse("A and B have the same memory for values of different types");
    if (overlap(B.data, B.values * B.value_bytes, A.row_map, A.row_map_length * A.offset_bytes))
      refuse("the values of B overlap with the row map");
    if (overlap(B.data, B.values * B.value_bytes, A.indices, A.entries * A.index_bytes))
      refuse("the values of B overlap with the column indices");
  }

  /// True for rows, false for columns.
  bool is_along_rows(const MatrixInfo& A, int axis) const {
    if (axis < -2 || axis > 1)
      refuse("params.axis is ", axis, ", but A (", A.point_rows(), " x ", A.point_columns(), ") has axes 0 and 1");
    return axis == -1 || axis == 1;
  }

  void epsilon(double epsilon, double largest) const {
    if (!(epsilon >= 0) || epsilon > largest)
      refuse("params.epsilon is ", epsilon, ", but it must be from 0 to ", largest);
  }

  /// Refuses norms without an element for each row (or column), or that overlap with the matrix.
  template <class Norms>
  void norms(const MatrixInfo& A, bool along_rows, const Norms& norms, bool writes_values, const MatrixInfo& B) const {
    const std::int64_t wanted = along_rows ? A.point_rows() : A.point_columns();
    const auto extent = static_cast<std::int64_t>(norms.extent(0));
    if (extent != wanted)
      refuse("norms has extent ", extent, ", but A (", A.point_rows(), " x ", A.point_columns(), ") has ", wanted,
             along_rows ? " rows" : " columns");
    if (extent == 0) return;
    if (norms.data() == nullptr) refuse("norms has extent ", extent, ", but no memory");
    const std::int64_t stride = static_cast<std::int64_t>(norms.stride(0));
    if (stride == 0 && extent > 1) refuse("norms is written to, but all of its indices lead to one element");
    const std::int64_t bytes =
        ((extent - 1) * stride + 1) * static_cast<std::int64_t>(sizeof(typename Norms::value_type));
    if (overlap(norms.data(), bytes, A.data, A.values * A.value_bytes) ||
        (writes_values && overlap(norms.data(), bytes, B.data, B.values * B.value_bytes)))
      refuse("norms overlaps with the values of ",
             overlap(norms.data(), bytes, A.data, A.values * A.value_bytes) ? "A" : "B");
    if (overlap(norms.data(), bytes, A.row_map, A.row_map_length * A.offset_bytes) ||
        overlap(norms.data(), bytes, A.indices, A.entries * A.index_bytes))
      refuse("norms overlaps with the graph of A");
  }

  void reach(const char* name, bool can_reach) const {
    if (!can_reach) refuse("the execution space cannot access the memory of ", name);
  }

  void order(const MatrixInfo& A, const ColumnOrderRef& order) const {
    if (order.is_given() && (order.columns() != A.columns || order.count() != A.entries))
      refuse("params.column_order is of ", order.columns(), " columns with ", order.count(), " entries, but A has ",
             A.columns, " columns with ", A.entries, " entries");
  }

  /// Refuses a row map that no matrix has, and says where it goes wrong. Waits for `exec`.
  template <class Exec, class M>
  void row_map(const Exec& exec, const MatrixInfo& info, const M& A) const {
    if (info.row_map_length == 0) return;
    const auto map = A.graph.row_map;
    const std::int64_t entries = info.entries, rows = info.rows;
    using Offset = typename M::non_const_size_type;
    std::int64_t bad = rows + 1;
    Kokkos::parallel_reduce(
        "rownorm::check_row_map", Kokkos::RangePolicy<Exec, Kokkos::IndexType<std::int64_t>>(exec, 0, rows + 1),
        KOKKOS_LAMBDA(std::int64_t i, std::int64_t & first) {
          const auto here = static_cast<std::int64_t>(map(i));
          const bool is_wrong = i == 0 ? here != 0 : here < static_cast<std::int64_t>(map(i - 1)) || here > entries;
          if ((is_wrong || (i == rows && here != entries)) && i < first) first = i;
        },
        Kokkos::Min<std::int64_t>(bad));
    exec.fence("rownorm::check_row_map");
    if (bad > rows) return;
    const std::int64_t value = static_cast<std::int64_t>(fetch<Offset>(exec, map.data() + bad));
    if (bad == 0) refuse("the row map of ", info.name, " begins with ", value, ", but row 0 must begin at 0");
    const std::int64_t before = static_cast<std::int64_t>(fetch<Offset>(exec, map.data() + bad - 1));
    if (value < before)
      refuse("the row map of ", info.name, " decreases: row ", bad - 1, " begins at ", before, " and ends at ", value);
    refuse("row ", bad - 1, " of ", info.name, " ends at ", value, ", but there are ", entries, " column indices");
  }

  /// Refuses a column index that is none, and says in which row. Waits for `exec`; the row map must be right.
  template <class Exec, class M>
  void indices(const Exec& exec, const MatrixInfo& info, const M& A) const {
    if (info.entries == 0) return;
    const auto map = A.graph.row_map;
    const auto all = A.graph.entries;
    const std::int64_t entries = info.entries, columns = info.columns;
    using Ordinal = typename M::non_const_ordinal_type;
    using Offset = typename M::non_const_size_type;
    std::int64_t bad = entries;
    Kokkos::parallel_reduce(
        "rownorm::check_indices", Kokkos::RangePolicy<Exec, Kokkos::IndexType<std::int64_t>>(exec, 0, entries),
        KOKKOS_LAMBDA(std::int64_t k, std::int64_t & first) {
          const auto column = static_cast<std::int64_t>(all(k));
          if ((column < 0 || column >= columns) && k < first) first = k;
        },
        Kokkos::Min<std::int64_t>(bad));
    exec.fence("rownorm::check_indices");
    if (bad >= entries) return;
    std::int64_t low = 0, high = info.rows;  // the row is the last that begins at or before the entry
    while (low + 1 < high) {
      const std::int64_t middle = low + (high - low) / 2;
      if (static_cast<std::int64_t>(fetch<Offset>(exec, map.data() + middle)) <= bad)
        low = middle;
      else
        high = middle;
    }
    const auto column = static_cast<std::int64_t>(fetch<Ordinal>(exec, all.data() + bad));
    refuse("row ", low, " of ", info.name, " has the column index ", column, " (entry ", bad, "), but there are ",
           columns, info.block > 1 ? " columns of blocks" : " columns");
  }

 private:
  static bool overlap(const void* a, std::int64_t a_bytes, const void* b, std::int64_t b_bytes) {
    const auto from_a = reinterpret_cast<std::uintptr_t>(a), from_b = reinterpret_cast<std::uintptr_t>(b);
    return a_bytes > 0 && b_bytes > 0 && from_a < from_b + static_cast<std::uintptr_t>(b_bytes) &&
           from_b < from_a + static_cast<std::uintptr_t>(a_bytes);
  }

  template <class Value, class Exec>
  static Value fetch(const Exec& exec, const Value* from) {
    Value value{};
    const Kokkos::View<Value, Kokkos::HostSpace, Kokkos::MemoryUnmanaged> here(&value);
    const Kokkos::View<const Value, typename Exec::memory_space, Kokkos::MemoryUnmanaged> there(from);
    Kokkos::deep_copy(exec, here, there);
    exec.fence("rownorm::check: a value");
    return value;
  }

  const char* function_;
};

}  // namespace rownorm::sparse::impl

#endif
