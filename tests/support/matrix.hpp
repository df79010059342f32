// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_TESTS_MATRIX_HPP
#define ROWNORM_TESTS_MATRIX_HPP

#include <Kokkos_Core.hpp>
#include <cstring>
#include <type_traits>
#include <vector>

#include "kernels.hpp"
#include "reference.hpp"
#include "types.hpp"

namespace rownorm::tests {

/// Where the elements of a matrix lie in a buffer, counted in elements.
struct Placement {
  std::size_t rows = 0;
  std::size_t columns = 0;
  std::size_t row_stride = 0;
  std::size_t column_stride = 0;
  std::size_t offset = 0;

  std::size_t index(std::size_t i, std::size_t j) const { return offset + i * row_stride + j * column_stride; }
  std::size_t length() const { return rows * columns == 0 ? offset : index(rows - 1, columns - 1) + 1; }
};

/// The placement that a layout stands for in these tests; LayoutStride: padded rows of every second element. The
/// offset moves the base, so that it is aligned to no more than one element.
template <class Layout>
Placement place(std::size_t rows, std::size_t columns, std::size_t offset = 0) {
  if constexpr (std::is_same_v<Layout, Right>) return {rows, columns, columns, 1, offset};
  if constexpr (std::is_same_v<Layout, Left>) return {rows, columns, 1, rows, offset};
  if constexpr (std::is_same_v<Layout, Stride>) return {rows, columns, 2 * columns + 3, 2, offset};
}

/// The view of a placement.
template <class T, class Layout, class Exec>
auto view_at(T* buffer, const Placement& p) {
  using View = Kokkos::View<T**, Layout, typename Exec::device_type, Kokkos::MemoryUnmanaged>;
  if constexpr (std::is_same_v<Layout, Stride>)
    return View(buffer + p.offset, Kokkos::LayoutStride(p.rows, p.row_stride, p.columns, p.column_stride));
  else
    return View(buffer + p.offset, p.rows, p.columns);
}

/// Device memory whose every element is poison until something is put there.
template <class Exec, class T>
class Buffer {
 public:
  explicit Buffer(std::size_t length)
      : device_(Kokkos::view_alloc("buffer", Kokkos::WithoutInitializing), length),
        host_(Kokkos::view_alloc("host", Kokkos::WithoutInitializing), length) {
    poison_all();
  }

  T* data() const { return device_.data(); }

  static T poison() { return static_cast<T>(-77.0F); }

  void poison_all() {
    Kokkos::deep_copy(host_, poison());
    upload();
  }

  void put(const Placement& p, const Reals& row_major) {
    for (std::size_t i = 0; i < p.rows; ++i)
      for (std::size_t j = 0; j < p.columns; ++j)
        host_(p.index(i, j)) = static_cast<T>(static_cast<double>(row_major[i * p.columns + j]));
    upload();
  }

  /// The elements as they are on the device now, row by row.
  std::vector<T> get(const Placement& p) {
    download();
    std::vector<T> row_major;
    row_major.reserve(p.rows * p.columns);
    for (std::size_t i = 0; i < p.rows; ++i)
      for (std::size_t j = 0; j < p.columns; ++j) row_major.push_back(host_(p.index(i, j)));
    return row_major;
  }

  /// True where every element outside of the placement is still poison.
  bool untouched_outside(const Placement& p) {
    download();
    std::vector<char> inside(host_.extent(0), 0);
    for (std::size_t i = 0; i < p.rows; ++i)
      for (std::size_t j = 0; j < p.columns; ++j) inside[p.index(i, j)] = 1;
    const T expected = poison();
    for (std::size_t k = 0; k < inside.size(); ++k)
      if (!inside[k] && std::memcmp(&host_(k), &expected, sizeof(T)) != 0) return false;
    return true;
  }

 private:
  void upload() { Kokkos::deep_copy(device_, host_); }
  void download() { Kokkos::deep_copy(host_, device_); }

  Kokkos::View<T*, typename Exec::device_type> device_;
  Kokkos::View<T*, Kokkos::HostSpace> host_;
};

/// Values as T holds them.
template <class T>
Reals rounded_to(Reals values) {
  for (long double& value : values) value = static_cast<double>(static_cast<T>(static_cast<double>(value)));
  return values;
}

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

/// What rows of Y should be.
template <class Y>
class Expected {
 public:
  Expected(const Reals& x, std::size_t columns, long double epsilon) {
    for (std::size_t first = 0; first < x.size(); first += columns) {
      const Reals row = reference_row(Reals(x.begin() + first, x.begin() + first + columns), epsilon);
      values_.insert(values_.end(), row.begin(), row.end());
    }
  }

  /// The largest distance in ulp.
  long double worst_ulp(const std::vector<Y>& y) const {
    long double worst = 0;
    for (std::size_t k = 0; k < values_.size(); ++k) worst = std::max(worst, ulp_distance(y[k], values_[k]));
    return worst;
  }

 private:
  Reals values_;
};

/// The largest distance in ulp of y from the reference of x, both row by row.
template <class X, class Y>
long double worst_ulp(const Reals& x, const std::vector<Y>& y, std::size_t columns, double epsilon) {
  return Expected<Y>(x, columns, epsilon_as_seen<X, Y>(epsilon)).worst_ulp(y);
}

/// Runs every kernel that can serve them on rows of equal length, given one after the other, and calls check(y) with
/// what each made of them.
template <class Exec, class X, class Y, class Check>
void for_each_result(const Reals& x, std::size_t columns, double epsilon, const Check& check) {
  const Placement p = place<Right>(x.size() / columns, columns);
  Buffer<Exec, X> x_buffer(p.length());
  x_buffer.put(p, x);
  const auto x_view = view_at<const X, Right, Exec>(x_buffer.data(), p);
  Buffer<Exec, Y> y_buffer(p.length());
  const auto y_view = view_at<Y, Right, Exec>(y_buffer.data(), p);
  with_every_kernel(Exec(), x_view, y_view, [&](const Schedule& schedule) {
    y_buffer.poison_all();
    normalize_with(schedule, Exec(), x_view, y_view, {.epsilon = epsilon});
    check(y_buffer.get(p));
  });
}

}  // namespace rownorm::tests

#endif
