// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_IMPL_OPERAND_HPP
#define ROWNORM_IMPL_OPERAND_HPP

/// Any view, or mdspan, without its type: where its elements lie.

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <Kokkos_Core.hpp>

#include <rownorm/impl/rows.hpp>

namespace rownorm::impl {

inline constexpr int max_rank = 8;

/// What has the members of std::mdspan, Kokkos' or anybody's. Its memory is taken to be where the work is done.
template <class T>
concept MdspanLike = !Kokkos::is_view_v<T> && requires(const T& span) {
  typename T::element_type;
  typename T::extents_type;
  typename T::layout_type;
  typename T::accessor_type;
  { span.data_handle() } -> std::convertible_to<const typename T::element_type*>;
  span.extent(0);
  span.stride(0);
};

template <class T>
concept ArrayLike = Kokkos::is_view_v<T> || MdspanLike<T>;

template <class Array>
struct ElementOf {
  using type = typename Array::value_type;
};
template <MdspanLike Array>
struct ElementOf<Array> {
  using type = typename Array::element_type;
};
/// The type of an array's elements; const where they may not be written.
template <ArrayLike Array>
using element_type_of = typename ElementOf<Array>::type;

template <ArrayLike Array>
inline constexpr int rank_of = static_cast<int>(Array::rank());

template <ArrayLike Array>
KOKKOS_FUNCTION auto* data_of(const Array& array) {
  if constexpr (MdspanLike<Array>)
    return array.data_handle();
  else
    return array.data();
}

/// An array of rank 1 as one row.
template <class Value, ArrayLike Array>
KOKKOS_FUNCTION Row<Value> as_row(const Array& array) {
  return {data_of(array), static_cast<std::int64_t>(array.extent(0)), static_cast<std::int64_t>(array.stride(0))};
}

/// An array of rank 1 (one row) or 2 (rows x columns) as rows.
template <class Value, ArrayLike Array>
Rows<Value> as_rows(const Array& array) {
  const auto extent = [&](int r) { return static_cast<std::int64_t>(array.extent(r)); };
  const auto stride = [&](int r) { return static_cast<std::int64_t>(array.stride(r)); };
  if constexpr (Array::rank() == 1)
    return {data_of(array), 1, extent(0), 0, stride(0)};
  else
    return {data_of(array), extent(0), extent(1), stride(0), stride(1)};
}

/// An array of up to eight dimensions. Strides count elements.
struct Operand {
  const char* name;
  std::uintptr_t address;
  std::int64_t value_bytes;
  int rank;
  std::array<std::int64_t, max_rank> extents;
  std::array<std::int64_t, max_rank> strides;

  template <class Value>
  Value* data() const {
    return reinterpret_cast<Value*>(address);
  }

  std::int64_t size() const {
    std::int64_t product = 1;
    for (int r = 0; r < rank; ++r) product *= extents[r];
    return product;
  }
};

template <ArrayLike Array>
Operand operand(const char* name, const Array& array) {
  Operand result{name,
                 reinterpret_cast<std::uintptr_t>(data_of(array)),
                 sizeof(element_type_of<Array>),
                 static_cast<int>(Array::rank()),
                 {},
                 {}};
  for (int r = 0; r < result.rank; ++r) {
    result.extents[r] = static_cast<std::int64_t>(array.extent(r));
    result.strides[r] = static_cast<std::int64_t>(array.stride(r));
  }
  return result;
}

}  // namespace rownorm::impl

#endif
