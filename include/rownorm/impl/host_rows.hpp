// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_IMPL_HOST_ROWS_HPP
#define ROWNORM_IMPL_HOST_ROWS_HPP

/// Row kernels for the host's own processors, compiled once in src/host_rows.cpp for every instruction set. This header
/// is plain C++: it needs neither Kokkos nor what the kernels are written with.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <rownorm/impl/host_barrier.hpp>
#include <rownorm/impl/real_type.hpp>

namespace rownorm::impl {

/// What rows are summed for: their absolute values, their squares, or, which is no sum, their largest absolute value.
enum class HostNorm : std::int8_t { magnitudes, squares, largest };

/// The partial result of a row, or of a part of one: total + error, or the largest value in `total`. Only the functions
/// of HostFinisher know its units. See AccurateSum and SumOfSquares.
struct HostSum {
  double total = 0;
  double error = 0;
  std::int32_t unit = 0;
};

/// What values are multiplied by before they are summed, and the unit of the sum.
struct HostUnits {
  double per_unit = 1;
  std::int32_t unit = 0;
};

/// What the elements of a row are multiplied by, one after the other. See RowScale.
struct HostScale {
  double power = 1;
  double factor = 1;
};

/// From the sums of pieces to the scale of a row: 1 / (norm + epsilon) where the sum is at least `least_total`, and
/// that divisor lies between `smallest` and `largest`, which kernels may see to themselves. The functions, which get
/// `finisher`, know all cases.
struct HostFinisher {
  HostNorm norm;
  double columns;  ///< that a sum is divided by
  double epsilon;
  double least_total;
  double smallest;
  double largest;
  HostSum (*combine)(const HostSum& sum, const HostSum& other);
  /// The units in which a part should have been summed whose sum is the given one; one per unit if it is right.
  HostUnits (*better_units)(const HostSum& sum);
  /// The scale of a row, of which all that is wanted beside y is recorded.
  HostScale (*finish)(const void* finisher, std::int64_t row, const HostSum& sum);
  /// Records the norms of so many rows from `first` on; null where they are not wanted. `finish` records them as well.
  void (*record_norms)(const void* finisher, std::int64_t first, std::int64_t rows, const double* norms);
  const void* finisher;
};

/// The partial result of a row whose gradient is wanted: that of its norm, and the dot product of x and the weighted
/// gradient with respect to y.
struct HostGradientSum {
  HostSum norm;
  HostSum dot;
};

/// What elements of a finished row are multiplied by: see GradientScale.
struct HostGradientScale {
  double direct = 0;
  double along = 0;
  double slope = 0;
};

/// What kernels for gradients need besides a matrix, whose own finisher knows the norm alone. The functions get
/// `finisher`.
struct HostGradient {
  const void* of_y;  ///< the gradient with respect to y, which lies as x does
  HostGradientSum (*combine)(const void* finisher, const HostGradientSum& sum, const HostGradientSum& other);
  /// The scales of so many rows.
  void (*finish)(const void* finisher, const HostGradientSum* sums, std::int64_t rows, HostGradientScale* scales);
  const void* finisher;
};

/// The weights of columns; none where data is null.
struct HostWeights {
  const void* data = nullptr;
  std::int64_t stride = 1;
  RealType type = RealType::f32;
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
  bool writes_y = true;    ///< else rows are only summed and recorded
  HostWeights weights{};
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

/// What threads that share tiles need in common: for each row of a tile its norm, its scale and the sums of its pieces,
/// and a word for each thread.
constexpr std::int64_t host_tile_shared_bytes(std::int64_t columns, std::int64_t tile_rows, std::int64_t threads) {
  const std::int64_t values_per_row = 3 + 2 * host_tile_pieces(columns);
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

/// Rows of any lengths that follow each other without gaps, as those of sparse matrices do.
struct HostRaggedRows {
  /// Tells where the rows from `first` on begin, and where the last of them ends: count + 1 numbers of elements.
  void (*begins)(const void* rows, std::int64_t first, std::int64_t count, std::int64_t* to);
  const void* rows;
  bool have_own_lengths;  ///< which sums are divided by, or by 1 where there are no elements, and not by all columns
  bool are_numbered;      ///< somebody wants to know which row is which
};

/// The kernels for one pair of value types, on the instruction set of the processor.
struct HostKernels {
  /// The sum of one piece of a row of the matrix.
  HostSum (*sum_piece)(const HostMatrix& matrix, const void* row, std::int64_t piece);
  /// y = (x * scale.power) * scale.factor * weight for the pieces of a row from `first` to before `last`, the last one
  /// first.
  void (*rescale_pieces)(const HostMatrix& matrix, const void* x, void* y, const HostScale& scale, std::int64_t first,
                         std::int64_t last);
  /// Normalises the rows from `first` to before `last`, if they are to be written at all.
  void (*normalize_rows)(const HostMatrix& matrix, std::int64_t first, std::int64_t last);
  /// The same where columns of x or y are contiguous: of both, together with the other threads of a team; of one, and
  /// x and y are of one type of 4 or 8 bytes, alone.
  void (*normalize_tiles)(const HostMatrix& matrix, std::int64_t first, std::int64_t last, const HostTileTeam& team);
  /// Stores in y the gradients of the rows from `first` to before `last`, whose elements are neighbours; null where x
  /// and y are of different types.
  void (*gradients)(const HostMatrix& matrix, const HostGradient& gradient, std::int64_t first,
                    std::int64_t last) = nullptr;
  /// Normalises rows from `first` to before `last`, but stops before one that is too long, and says where it ended;
  /// null where x and y are of different types, or there is no such kernel. Weights are ignored.
  std::int64_t (*normalize_ragged_rows)(const HostMatrix& matrix, const HostRaggedRows& rows, std::int64_t first,
                                        std::int64_t last) = nullptr;
};

/// f<T>() with the type of values that are stored as `type` says.
template <class Half, class BFloat, class F>
decltype(auto) with_real_type(RealType type, const F& f) {
  switch (type) {
    case RealType::f32:
      return f.template operator()<float>();
    case RealType::f64:
      return f.template operator()<double>();
    case RealType::f16:
      return f.template operator()<Half>();
    case RealType::bf16:
      break;
  }
  return f.template operator()<BFloat>();
}

/// kernels<X, Y>() with the types of values that are stored as x and y say.
template <class Half, class BFloat, class Kernels>
HostKernels host_kernels_for(RealType x, RealType y, const Kernels& kernels) {
  return with_real_type<Half, BFloat>(x, [&]<class X>() {
    return with_real_type<Half, BFloat>(y, [&]<class Y>() { return kernels.template operator()<X, Y>(); });
  });
}

/// Memory of the calling thread, at a page, which it keeps until it ends, or until it asks for more.
void* host_thread_memory(std::size_t bytes);

HostKernels host_kernels(RealType x, RealType y);

/// The instruction set that they use here, for people to read; "" where they are plain loops.
const char* host_instructions();

}  // namespace rownorm::impl

#endif
