// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_TESTS_MATRIX_HPP
#define ROWNORM_TESTS_MATRIX_HPP

#include <Kokkos_Core.hpp>
#include <algorithm>
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

/// Where x and y lie.
struct Placements {
  Placement x;
  Placement y;
};

/// LayoutRight and LayoutLeft, in both and mixed. At run time, for tests that would be compiled too often otherwise: in
/// a LayoutStride view, kernels do not tell these from the real ones.
inline std::vector<Placements> all_placements(std::size_t rows, std::size_t columns, std::size_t offset = 0) {
  const Placement right = place<Right>(rows, columns, offset), left = place<Left>(rows, columns, offset);
  return {{right, right}, {right, left}, {left, right}, {left, left}};
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

  template <class Place>
  void put(const Place& p, const Reals& row_major) {
    for (std::size_t i = 0; i < p.rows; ++i)
      for (std::size_t j = 0; j < p.columns; ++j)
        host_(p.index(i, j)) = static_cast<T>(static_cast<double>(row_major[i * p.columns + j]));
    upload();
  }

  /// The elements as they are on the device now, row by row.
  template <class Place>
  std::vector<T> get(const Place& p) {
    download();
    std::vector<T> row_major;
    row_major.reserve(p.rows * p.columns);
    for (std::size_t i = 0; i < p.rows; ++i)
      for (std::size_t j = 0; j < p.columns; ++j) row_major.push_back(host_(p.index(i, j)));
    return row_major;
  }

  /// True where every element outside of the placement is still poison.
  template <class Place>
  bool untouched_outside(const Place& p) {
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

inline std::vector<Reals> rows_of(const Reals& x, std::size_t columns) {
  std::vector<Reals> rows;
  for (std::size_t first = 0; first < x.size(); first += columns)
    rows.emplace_back(x.begin() + first, x.begin() + first + columns);
  return rows;
}

/// What rows of Y should be.
template <class Y>
class Expected {
 public:
  template <class Norm = MeanAbs>
  Expected(const Reals& x, std::size_t columns, long double epsilon, const Norm& norm = {}) {
    for (const Reals& row : rows_of(x, columns)) {
      const Reals y = reference_row(row, epsilon, norm);
      values_.insert(values_.end(), y.begin(), y.end());
      norms_.push_back(reference_norm(norm, row));
    }
  }

  /// The same with weights of columns.
  Expected times(const Reals& weights) const {
    Expected product = *this;
    for (std::size_t k = 0; k < values_.size(); ++k) product.values_[k] *= weights[k % weights.size()];
    return product;
  }

  /// The norm of each row.
  const Reals& norms() const { return norms_; }

  /// The largest distance in ulp.
  long double worst_ulp(const std::vector<Y>& y) const {
    long double worst = 0;
    for (std::size_t k = 0; k < values_.size(); ++k) worst = std::max(worst, ulp_distance(y[k], values_[k]));
    return worst;
  }

 private:
  Reals values_, norms_;
};

/// The largest distance in ulp of y from the reference of x, both row by row.
template <class X, class Y>
long double worst_ulp(const Reals& x, const std::vector<Y>& y, std::size_t columns, double epsilon) {
  return Expected<Y>(x, columns, epsilon_as_seen<X, Y>(epsilon)).worst_ulp(y);
}

/// Runs every kernel that can serve them on rows of equal length, given one after the other, and calls check(y) with
/// what each made of them. They lie among ordinary rows, which must not notice: kernels move neighbouring rows at once.
template <class Exec, class X, class Y, class Check, class Norm = MeanAbs>
void for_each_result(const Reals& x, std::size_t columns, double epsilon, const Check& check, const Norm& norm = {}) {
  // Multiples of 8 are moved in packets and blocks, others value by value.
  const std::size_t rows = columns % 8 == 0 ? 24 : 23, begin = 6 * columns, end = begin + x.size();
  const auto ones = [](std::size_t k) { return k % 3 == 0 ? -1 : 1; };
  Reals all(rows * columns);
  for (std::size_t k = 0; k < all.size(); ++k) all[k] = ones(k);
  const long double norm_of_ones = reference_norm(norm, Reals(all.begin(), all.begin() + columns));
  std::copy(x.begin(), x.end(), all.begin() + begin);
  for (const Placements& at : all_placements(rows, columns)) {
    CAPTURE(at.x.row_stride, at.y.row_stride);
    Buffer<Exec, X> x_buffer(at.x.length());
    x_buffer.put(at.x, all);
    const auto x_view = view_at<const X, Stride, Exec>(x_buffer.data(), at.x);
    Buffer<Exec, Y> y_buffer(at.y.length());
    const auto y_view = view_at<Y, Stride, Exec>(y_buffer.data(), at.y);
    with_every_kernel<Norm>(Exec(), x_view, y_view, [&](const Schedule& schedule) {
      y_buffer.poison_all();
      normalize_with(schedule, Exec(), x_view, y_view, Parameters<Norm>{.norm = norm, .epsilon = epsilon});
      const std::vector<Y> y = y_buffer.get(at.y);
      CHECK(ulp_distance(y[1], 1 / (norm_of_ones + epsilon_as_seen<X, Y>(epsilon))) <= Format<Y>::promised_ulp);
      const auto one = static_cast<double>(y[1]);
      bool is_ordinary = true;
      for (std::size_t k = 0; k < all.size(); ++k)
        if (k < begin || k >= end) is_ordinary = is_ordinary && static_cast<double>(y[k]) == one * ones(k);
      CHECK(is_ordinary);
      check(std::vector<Y>(y.begin() + begin, y.begin() + end));
    });
  }
}

/// The worst distance in ulp from the reference, of any kernel, for rows given one after the other.
template <class Exec, class X, class Y, class Norm = MeanAbs>
long double worst_of_every_kernel(const Reals& x, std::size_t columns, double epsilon, const Norm& norm = {}) {
  const Expected<Y> expected(x, columns, epsilon_as_seen<X, Y>(epsilon), norm);
  long double worst = 0;
  for_each_result<Exec, X, Y>(
      x, columns, epsilon,
      [&](const auto& y) {
        const long double found = expected.worst_ulp(y);
        if (found > 1e6L) FAIL_CHECK("wrong by " << found << " ulp");  // here Catch2 knows which kernel it was
        worst = std::max(worst, found);
      },
      norm);
  return worst;
}

}  // namespace rownorm::tests

#endif
