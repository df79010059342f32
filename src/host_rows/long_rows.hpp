// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Rows one after the other.
#if defined(ROWNORM_HOST_ROWS_LONG_ROWS_HPP) == defined(HWY_TARGET_TOGGLE)  // once for each instruction set
#ifdef ROWNORM_HOST_ROWS_LONG_ROWS_HPP
#undef ROWNORM_HOST_ROWS_LONG_ROWS_HPP
#else
#define ROWNORM_HOST_ROWS_LONG_ROWS_HPP
#endif

#include <algorithm>
#include <cstdint>
#include <host_rows/products.hpp>
#include <host_rows/sums.hpp>
#include <host_rows/values.hpp>
#include <host_rows/weights.hpp>
#include <rownorm/impl/host_rows.hpp>

HWY_BEFORE_NAMESPACE();
namespace rownorm::impl {
namespace HWY_NAMESPACE {
namespace {

/// In pieces, of which each begins `piece` elements after the one before. What is stored of one begins and ends at
/// lines of memory, so that none is stored in two parts.
struct Pieces {
  std::int64_t columns, piece, head;

  template <class Y>
  HWY_INLINE Pieces(std::int64_t row_columns, const Y* y)
      : columns(row_columns), piece(host_piece_columns(row_columns)), head(elements_to_line(y)) {}

  std::int64_t count() const { return (columns + piece - 1) / piece; }
  std::int64_t begin(std::int64_t p) const { return p * piece; }
  std::int64_t values(std::int64_t p) const { return std::min(piece, columns - begin(p)); }
  std::int64_t store_begin(std::int64_t p) const { return p == 0 ? 0 : std::min(columns, begin(p) + head); }
  std::int64_t store_end(std::int64_t p) const { return p + 1 == count() ? columns : store_begin(p + 1); }
};

template <class X, class Y>
HostSum sum_piece(const HostMatrix& matrix, const void* row, std::int64_t p) {
  const Pieces pieces(matrix.columns, static_cast<const X*>(row));
  return sum_piece<X, Y>(matrix.finisher, static_cast<const X*>(row) + pieces.begin(p), pieces.values(p));
}

template <class X, class Y>
HWY_INLINE void rescale_pieces(const HostMatrix& matrix, const X* x, Y* y, const HostScale& scale, std::int64_t first,
                               std::int64_t last, Weights<ComputeOf<X, Y>>& weights) {
  const Pieces pieces(matrix.columns, y);
  for (std::int64_t p = last; p-- > first;)
    rescale<X, Y>(matrix, {x, y, pieces.store_begin(p), pieces.store_end(p)}, scale, weights);
  if (matrix.bypass_cache) hwy::FlushStream();
}

template <class X, class Y>
void rescale_pieces(const HostMatrix& matrix, const void* x, void* y, const HostScale& scale, std::int64_t first,
                    std::int64_t last) {
  Weights<ComputeOf<X, Y>> weights(matrix);
  rescale_pieces(matrix, static_cast<const X*>(x), static_cast<Y*>(y), scale, first, last, weights);
}

template <class X, class Y>
HostSum sum_of_row(const HostMatrix& matrix, const X* x) {
  const Pieces pieces(matrix.columns, x);
  HostSum sum = sum_piece<X, Y>(matrix, x, 0);
  for (std::int64_t p = 1; p < pieces.count(); ++p) sum = matrix.finisher.combine(sum, sum_piece<X, Y>(matrix, x, p));
  return sum;
}

/// Each row is summed while the one before is stored, which is still in the caches.
template <class X>
void overlapped_rows(const HostMatrix& matrix, std::int64_t first, std::int64_t last) {
  const HostFinisher& finisher = matrix.finisher;
  const auto x_of = [&](std::int64_t i) { return static_cast<const X*>(matrix.x) + i * matrix.x_stride; };
  Weights<ComputeOf<X, X>> weights(matrix);
  HostSum sum = sum_of_row<X, X>(matrix, x_of(first));
  for (std::int64_t i = first; i < last; ++i) {
    const HostScale scale = finisher.finish(finisher.finisher, i, sum);
    const X* const next = x_of(i + 1);
    X* const y = static_cast<X*>(matrix.y) + i * matrix.y_stride;
    const Pieces pieces(matrix.columns, y);
    for (std::int64_t p = 0; p < pieces.count(); ++p) {
      const HostSum part = rescale<X, X>(matrix, {x_of(i), y, pieces.store_begin(p), pieces.store_end(p)}, scale,
                                         weights, next + pieces.begin(p), i + 1 < last ? pieces.values(p) : 0);
      sum = p == 0 ? part : finisher.combine(sum, part);
    }
  }
}

/// Rows of which the caches hold no two. Each is stored from its end, which they still hold.
template <class X, class Y>
void separate_rows(const HostMatrix& matrix, std::int64_t first, std::int64_t last) {
  const HostFinisher& finisher = matrix.finisher;
  Weights<ComputeOf<X, Y>> weights(matrix);
  for (std::int64_t i = first; i < last; ++i) {
    const X* const x = static_cast<const X*>(matrix.x) + i * matrix.x_stride;
    const HostScale scale = finisher.finish(finisher.finisher, i, sum_of_row<X, Y>(matrix, x));
    if (!matrix.writes_y) continue;
    Y* const y = static_cast<Y*>(matrix.y) + i * matrix.y_stride;
    rescale_pieces(matrix, x, y, scale, 0, Pieces(matrix.columns, y).count(), weights);
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace rownorm::impl
HWY_AFTER_NAMESPACE();

#endif
