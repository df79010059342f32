// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_TESTS_ARRAYS_HPP
#define ROWNORM_TESTS_ARRAYS_HPP

#include <Kokkos_Core.hpp>
#include <cstddef>
#include <type_traits>
#include <vector>

/// Arrays of any rank, which tests go through element by element.
namespace rownorm::tests {

using Extents = std::vector<std::size_t>;

/// Strides of elements that follow each other without gaps, the last index first or the first one first.
inline Extents right_strides(const Extents& extents) {
  Extents strides(extents.size(), 1);
  for (std::size_t r = extents.size(); r-- > 1;) strides[r - 1] = strides[r] * extents[r];
  return strides;
}
inline Extents left_strides(const Extents& extents) {
  Extents strides(extents.size(), 1);
  for (std::size_t r = 1; r < extents.size(); ++r) strides[r] = strides[r - 1] * extents[r - 1];
  return strides;
}
/// The same with a gap after each dimension, so that no two of them can be taken for one.
inline Extents gap_strides(const Extents& extents) {
  Extents wider = extents;
  for (std::size_t& extent : wider) ++extent;
  return right_strides(wider);
}

/// Where the elements of an array lie in a Buffer, seen along an axis: a row for each index of the other dimensions, in
/// the order of LayoutRight.
class AlongAxis {
 public:
  AlongAxis(Extents extents, Extents strides, std::size_t axis, std::size_t offset = 0)
      : columns(extents[axis]), extents_(extents), strides_(strides), axis_(axis), offset_(offset) {
    rows = 1;
    for (std::size_t r = 0; r < extents.size(); ++r)
      if (r != axis) rows *= extents[r];
  }

  std::size_t rows, columns;

  std::size_t index(std::size_t i, std::size_t j) const {
    std::size_t at = offset_ + j * strides_[axis_];
    for (std::size_t r = extents_.size(); r-- > 0;) {
      if (r == axis_) continue;
      at += i % extents_[r] * strides_[r];
      i /= extents_[r];
    }
    return at;
  }
  std::size_t length() const { return rows * columns == 0 ? offset_ : index(rows - 1, columns - 1) + 1; }

  const Extents& extents() const { return extents_; }
  const Extents& strides() const { return strides_; }
  std::size_t offset() const { return offset_; }

 private:
  Extents extents_, strides_;
  std::size_t axis_, offset_;
};

template <class T, int rank>
struct PointerOf {
  using type = typename PointerOf<T, rank - 1>::type*;
};
template <class T>
struct PointerOf<T, 0> {
  using type = T;
};

/// A view of that many dimensions. Its layout is chosen at run time, since kernels do not tell one from the other.
template <int rank, class Exec, class T>
auto strided_view(T* buffer, const AlongAxis& place) {
  Kokkos::LayoutStride layout;
  for (int r = 0; r < rank; ++r) {
    layout.dimension[r] = place.extents()[static_cast<std::size_t>(r)];
    layout.stride[r] = place.strides()[static_cast<std::size_t>(r)];
  }
  return Kokkos::View<typename PointerOf<T, rank>::type, Kokkos::LayoutStride, typename Exec::device_type,
                      Kokkos::MemoryUnmanaged>(buffer + place.offset(), layout);
}

}  // namespace rownorm::tests

#endif
