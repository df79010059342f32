// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_TESTS_C_TENSORS_HPP
#define ROWNORM_TESTS_C_TENSORS_HPP

/// Tensors to call the C interface with, on the host and on CUDA devices.

#include <dlpack/dlpack.h>

#include <Kokkos_Core.hpp>
#include <algorithm>
#include <complex>
#include <cstdint>
#include <rownorm/impl/half.hpp>
#include <rownorm/rownorm.hpp>
#include <vector>

namespace rownorm::tests {

template <class T>
DLDataType dtype_of() {
  const auto type = [](int code, int bits) {
    return DLDataType{static_cast<std::uint8_t>(code), static_cast<std::uint8_t>(bits), 1};
  };
  if constexpr (std::is_same_v<T, float>) return type(kDLFloat, 32);
  if constexpr (std::is_same_v<T, double>) return type(kDLFloat, 64);
  if constexpr (std::is_same_v<T, rownorm::impl::Float16>) return type(kDLFloat, 16);
  if constexpr (std::is_same_v<T, rownorm::impl::BFloat16>) return type(kDLBfloat, 16);
  if constexpr (std::is_same_v<T, Kokkos::complex<float>>) return type(kDLComplex, 64);
  return type(kDLComplex, 128);
}

using Extents = std::vector<std::int64_t>;

/// Strides of a compact tensor in the order of C.
inline Extents compact_strides(const Extents& shape) {
  Extents strides(shape.size(), 1);
  for (std::size_t r = shape.size(); r-- > 1;) strides[r - 1] = strides[r] * shape[r];
  return strides;
}

/// Elements in memory of Space. `offset` is that of the first one.
template <class T, class Space>
class TestTensor {
 public:
  explicit TestTensor(const Extents& shape) : TestTensor(shape, compact_strides(shape)) {}
  TestTensor(const Extents& shape, const Extents& strides, std::int64_t offset = 0)
      : shape_(shape), strides_(strides), offset_(offset) {
    std::int64_t last = offset;
    for (std::size_t r = 0; r < shape.size(); ++r) last += strides[r] * std::max<std::int64_t>(0, shape[r] - 1);
    memory_ = Kokkos::View<T*, Space>("tensor", last + 1);
    tensor_.data = memory_.data();
    tensor_.device = {Kokkos::SpaceAccessibility<Kokkos::HostSpace, Space>::accessible ? kDLCPU : kDLCUDA, 0};
    tensor_.ndim = static_cast<int>(shape.size());
    tensor_.dtype = dtype_of<T>();
    tensor_.shape = shape_.data();
    tensor_.strides = strides_.data();
    tensor_.byte_offset = static_cast<std::uint64_t>(offset) * sizeof(T);
  }
  TestTensor(const TestTensor&) = delete;

  operator DLTensor*() { return &tensor_; }
  DLTensor* operator->() { return &tensor_; }

  /// f(index of an element in the order of C, where it is in memory).
  template <class F>
  void for_each(const F& f) const {
    std::int64_t size = 1;
    for (const std::int64_t extent : shape_) size *= extent;
    for (std::int64_t i = 0; i < size; ++i) {
      std::int64_t rest = i, place = offset_;
      for (std::size_t r = shape_.size(); r-- > 0; rest /= shape_[r]) place += rest % shape_[r] * strides_[r];
      f(i, place);
    }
  }

  /// Sets element i, in the order of C, to value(i).
  template <class F>
  void fill(const F& value) {
    const auto host = Kokkos::create_mirror_view(memory_);
    for_each([&](std::int64_t i, std::int64_t place) { host(place) = static_cast<T>(value(i)); });
    Kokkos::deep_copy(memory_, host);
  }

  /// All elements in the order of C.
  std::vector<std::complex<double>> values() const {
    const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), memory_);
    std::vector<std::complex<double>> result;
    for_each([&](std::int64_t, std::int64_t place) {
      if constexpr (rownorm::impl::is_complex_v<T>)
        result.emplace_back(host(place).real(), host(place).imag());
      else
        result.emplace_back(static_cast<double>(host(place)));
    });
    return result;
  }

 private:
  Extents shape_, strides_;
  std::int64_t offset_;
  Kokkos::View<T*, Space> memory_;
  DLTensor tensor_{};
};

}  // namespace rownorm::tests

#endif
