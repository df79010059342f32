// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_IMPL_HOST_ROWS_HPP
#define ROWNORM_IMPL_HOST_ROWS_HPP

/// Row kernels for the host's own processors, compiled once in src/host_rows.cpp for every instruction set. This header
/// is plain C++: it needs neither Kokkos nor what the kernels are written with.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <rownorm/impl/host_barrier.hpp>

namespace rownorm::impl {

/// How a value is stored.
enum class HostValue { f32, f64, f16, bf16 };

/// A sum of absolute values, total + error; in units of `large_unit` where a double would not hold it, which the sign
/// tells. See AccurateSum.
struct HostSum {
  static constexpr double large_unit = -0x1p63;

  double total = 0;
  double error = 0;
};

/// What the elements of a row are multiplied by, one after the other. See RowScale.
struct HostScale {
  double power = 1;
  double factor = 1;
};

/// From the sums of pieces to the scale of a row: 1 / (sum / columns + epsilon) where that divisor lies between
/// `smallest` and `largest`, which kernels may see to themselves. The functions, which get `finisher`, know all cases.
struct HostFinisher {
  double columns;
  double epsilon;
  double smallest;
  double largest;
  HostSum (*combine)(const HostSum& sum, const HostSum& other);
  HostScale (*scale)(const void* finisher, const HostSum& row);
  const void* finisher;
};

/// What kernels are told. Extents and strides count elements.
struct HostMatrix {
  const void* x;
  void* y;
  std::int64_t columns;
  std::int64_t x_stride;  ///< from a row to the next, or from a column to the next
  std::int64_t y_stride;
  bool x_by_columns;  ///< columns of x are contiguous, else rows are
  bool y_by_columns;
  std::int64_t tile_rows;  ///< neighbouring rows in a tile, where columns of x or y are contiguous
  bool bypass_cache;       ///< y is stored past the caches
  bool overlap;            ///< a row is stored while the next is summed
  HostFinisher finisher;
};

/// Rows are summed in pieces of so many columns, and the sums of these are added in order. So the bits of a row depend
/// neither on the number of threads nor on how they share the row.
inline constexpr std::int64_t max_host_pieces = 1024;
constexpr std::int64_t host_piece_columns(std::int64_t columns) {
  constexpr std::int64_t few = 1 << 14, line = 64;
  return std::max(few, (columns / max_host_pieces / line + 1) * line);
}

constexpr std::int64_t host_pieces(std::int64_t columns) {
  return (columns + host_piece_columns(columns) - 1) / host_piece_columns(columns);
}

/// Tiles of rows that lie side by side are summed in pieces as well: no more than 128, of no fewer than 32 columns
/// unless there is but one.
constexpr std::int64_t host_tile_pieces(std::int64_t columns) { return std::clamp<std::int64_t>(columns / 32, 1, 128); }

/// The largest part of a column that a tile has where columns of one of x and y are contiguous, and rows of the other.
inline constexpr std::int64_t max_turned_tile_bytes = 4096;

/// So many values vectors may reach past the last.
inline constexpr std::int64_t host_vector_slack = 64;

/// What threads that share tiles need in common: for each row of a tile its scale and the sums of its pieces, and a
/// word for each thread.
constexpr std::int64_t host_tile_shared_bytes(std::int64_t columns, std::int64_t tile_rows, std::int64_t threads) {
  const std::int64_t values_per_row = 2 + 2 * host_tile_pieces(columns);
  return (values_per_row * (tile_rows + host_vector_slack) + threads) * 8;
}

/// A thread among those that share tiles.
struct HostTileTeam {
  std::int64_t rank;
  std::int64_t size;
  HostBarrier* barrier;
  void* shared;  ///< host_tile_shared_bytes
  void* held;    ///< room of this thread for its columns of one tile, or null

  void wait() const {
    if (size > 1) barrier->wait(size);
  }
};

/// The kernels for one pair of value types, on the instruction set of the processor.
struct HostKernels {
  /// The sum of the absolute values of one piece of a row.
  HostSum (*sum_piece)(const void* row, std::int64_t columns, std::int64_t piece);
  /// y = (x * scale.power) * scale.factor for the pieces from `first` to before `last`, the last one first.
  void (*rescale_pieces)(const void* x, void* y, std::int64_t columns, const HostScale& scale, bool bypass_cache,
                         std::int64_t first, std::int64_t last);
  /// Normalises the rows from `first` to before `last`.
  void (*normalize_rows)(const HostMatrix& matrix, std::int64_t first, std::int64_t last);
  /// The same where columns of x or y are contiguous: of both, together with the other threads of a team; of one, and
  /// x and y are of one type of 4 or 8 bytes, alone.
  void (*normalize_tiles)(const HostMatrix& matrix, std::int64_t first, std::int64_t last, const HostTileTeam& team);
};

/// kernels<X, Y>() with the types of values that are stored as x and y say.
template <class Half, class BFloat, class Kernels>
HostKernels host_kernels_for(HostValue x, HostValue y, const Kernels& kernels) {
  const auto with_type = [](HostValue value, const auto& f) {
    switch (value) {
      case HostValue::f32:
        return f.template operator()<float>();
      case HostValue::f64:
        return f.template operator()<double>();
      case HostValue::f16:
        return f.template operator()<Half>();
      case HostValue::bf16:
        break;
    }
    return f.template operator()<BFloat>();
  };
  return with_type(
      x, [&]<class X>() { return with_type(y, [&]<class Y>() { return kernels.template operator()<X, Y>(); }); });
}

/// Memory of the calling thread, at a page, which it keeps until it ends, or until it asks for more.
void* host_thread_memory(std::size_t bytes);

HostKernels host_kernels(HostValue x, HostValue y);

/// The instruction set that they use here, for people to read; "" where they are plain loops.
const char* host_instructions();

}  // namespace rownorm::impl

#endif
