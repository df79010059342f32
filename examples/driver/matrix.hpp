// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_DRIVER_MATRIX_HPP
#define ROWNORM_DRIVER_MATRIX_HPP

/// Matrices: where their elements lie in a buffer, and how values come into it and leave it.

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <Kokkos_Core.hpp>

#include "dtype.hpp"
#include "npy.hpp"
#include "options.hpp"
#include "output_file.hpp"

namespace driver {

using Exec = Kokkos::DefaultExecutionSpace;
using HostExec = Kokkos::DefaultHostExecutionSpace;

template <class T>
using DeviceBuffer = Kokkos::View<T*, Exec>;
template <class T>
using HostBuffer = Kokkos::View<T*, Kokkos::HostSpace>;

/// Every layout is a pair of strides known at run time, so that only the value type is a template parameter.
template <class T>
using Matrix = Kokkos::View<T**, Kokkos::LayoutStride, Exec, Kokkos::MemoryUnmanaged>;

/// Element (i, j) is at i * row_stride + j * column_stride of a buffer.
struct Placement {
  std::int64_t rows;
  std::int64_t columns;
  std::int64_t row_stride;
  std::int64_t column_stride;

  std::int64_t operator()(std::int64_t i, std::int64_t j) const { return i * row_stride + j * column_stride; }
  std::int64_t buffer_size() const { return (*this)(rows - 1, columns - 1) + 1; }
};

/// Strided rows lie this many values further apart than they are long: most start at an unaligned address.
inline constexpr std::int64_t row_padding = 3;

inline Placement placement(const Options& options) {
  const std::int64_t rows = options.rows, columns = options.columns;
  switch (options.layout) {
    case Layout::right:
      return {rows, columns, columns, 1};
    case Layout::left:
      return {rows, columns, 1, rows};
    case Layout::strided:
      break;
  }
  return {rows, columns, columns + row_padding, 1};
}

template <class T>
Matrix<T> matrix(const DeviceBuffer<T>& buffer, const Placement& place) {
  return Matrix<T>(buffer.data(),
                   Kokkos::LayoutStride(place.rows, place.row_stride, place.columns, place.column_stride));
}

/// Calls f(k) for 0 <= k < count on all threads of the host.
template <class F>
void for_each_on_host(const char* label, std::int64_t count, const F& f) {
  const HostExec host;
  Kokkos::parallel_for(label, Kokkos::RangePolicy<HostExec, Kokkos::IndexType<std::int64_t>>(host, 0, count), f);
  host.fence(label);
}

/// The n-th value of a stream that the seed selects, uniform in [-1, 1). Values depend on nothing but seed and n, so
/// every device and any number of threads sees the same matrix. This is splitmix64, https://prng.di.unimi.it.
inline double random_value(std::uint64_t seed, std::uint64_t n) {
  const auto mixed = [](std::uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  };
  const std::uint64_t bits = mixed(mixed(seed) + (n + 1) * 0x9e3779b97f4a7c15);
  return static_cast<double>(bits >> 11) * 0x1p-52 - 1;
}

template <class T>
void generate(const Options& options, const HostBuffer<T>& x) {
  const Placement place = placement(options);
  const Dtype dtype = options.dtype;
  const std::uint64_t seed = options.seed;
  for_each_on_host("rownorm_driver::generate", place.rows * place.columns, [=](std::int64_t k) {
    x(place(k / place.columns, k % place.columns)) = static_cast<T>(rounded(dtype, random_value(seed, k)));
  });
}

/// Where the k-th value of a file lies in a buffer.
class FileOrder {
 public:
  FileOrder(const Placement& place, bool fortran_order) : place_(place), fortran_order_(fortran_order) {}

  std::int64_t count() const { return place_.rows * place_.columns; }
  std::int64_t operator()(std::int64_t k) const {
    return fortran_order_ ? place_(k % place_.rows, k / place_.rows) : place_(k / place_.columns, k % place_.columns);
  }

 private:
  Placement place_;
  bool fortran_order_;
};

/// Files are read and written in pieces of this many values.
inline constexpr std::int64_t piece_values = 1 << 20;

template <class T>
void read(const NpyFile& input, const Options& options, const HostBuffer<T>& x) {
  const FileOrder order(placement(options), input.header.fortran_order);
  const Dtype dtype = options.dtype;
  const std::int64_t size = traits(dtype).bytes;
  std::ifstream file(input.path, std::ios::binary);
  file.seekg(input.data_offset);
  std::vector<char> piece(std::min(piece_values, order.count()) * size);
  const char* const bytes = piece.data();
  for (std::int64_t first = 0; first < order.count(); first += piece_values) {
    const std::int64_t values = std::min(piece_values, order.count() - first);
    if (!file.read(piece.data(), values * size)) throw std::runtime_error(input.path.string() + ": cannot be read");
    for_each_on_host("rownorm_driver::read", values,
                     [=](std::int64_t k) { x(order(first + k)) = static_cast<T>(load(dtype, bytes + k * size)); });
  }
}

template <class T>
void write(const HostBuffer<T>& y, const Options& options, OutputFile& output) {
  const Dtype dtype = options.dtype;
  const bool fortran_order = options.input ? options.input->header.fortran_order : options.layout == Layout::left;
  const std::string preamble = npy_preamble({.dtype = dtype,
                                             .fortran_order = fortran_order,
                                             .rank = options.input ? options.input->header.rank : 2,
                                             .rows = options.rows,
                                             .columns = options.columns});
  output.write(preamble.data(), preamble.size());

  const FileOrder order(placement(options), fortran_order);
  const std::int64_t size = traits(dtype).bytes;
  std::vector<char> piece(std::min(piece_values, order.count()) * size);
  char* const bytes = piece.data();
  for (std::int64_t first = 0; first < order.count(); first += piece_values) {
    const std::int64_t values = std::min(piece_values, order.count() - first);
    for_each_on_host("rownorm_driver::write", values,
                     [=](std::int64_t k) { store(dtype, static_cast<double>(y(order(first + k))), bytes + k * size); });
    output.write(bytes, values * size);
  }
}

}  // namespace driver

#endif
