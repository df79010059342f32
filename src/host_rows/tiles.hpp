// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Rows that lie side by side, tile by tile.
#if defined(ROWNORM_HOST_ROWS_TILES_HPP) == defined(HWY_TARGET_TOGGLE)  // once for each instruction set
#ifdef ROWNORM_HOST_ROWS_TILES_HPP
#undef ROWNORM_HOST_ROWS_TILES_HPP
#else
#define ROWNORM_HOST_ROWS_TILES_HPP
#endif

#include <algorithm>
#include <cstdint>
#include <host_rows/scales.hpp>
#include <host_rows/sums.hpp>
#include <host_rows/values.hpp>
#include <host_rows/weights.hpp>
#include <rownorm/impl/host_rows.hpp>
#include <type_traits>

HWY_BEFORE_NAMESPACE();
namespace rownorm::impl {
namespace HWY_NAMESPACE {
namespace {

/// Neighbouring rows whose columns are contiguous: all sums of a tile of them at once, column by column. Threads that
/// share tiles have a range of columns each. What a thread reads of a tile it holds in one stretch of memory, since
/// columns that lie a power of two apart do not fit a cache together. While a tile is stored, the next is summed, and
/// each of its columns takes the place of one that is stored.
template <class X, class Y>
class Tiles {
  using T = ComputeOf<X, Y>;
  using Doubles = hn::ScalableTag<double>;
  static constexpr std::int64_t line_values = line_bytes / sizeof(X);

 public:
  Tiles(const HostMatrix& matrix, const HostTileTeam& team)
      : matrix_(matrix),
        team_(team),
        weights_(matrix),
        held_(matrix.writes_y ? static_cast<X*>(team.held) : nullptr),
        pieces_(host_tile_pieces(matrix.columns)),
        first_piece_(pieces_ * team.rank / team.size),
        last_piece_(pieces_ * (team.rank + 1) / team.size),
        pitch_(matrix.tile_rows + slack) {
    // See host_tile_shared_bytes.
    auto* const shared = static_cast<double*>(team.shared);
    factors_ = reinterpret_cast<T*>(shared);
    powers_ = reinterpret_cast<T*>(shared + pitch_);
    norms_ = shared + 2 * pitch_;
    has_powers_ = shared + 3 * pitch_;
    sums_ = has_powers_ + team.size;
  }

  /// The rows from `first` to before `last`. All threads of a team call it with the same.
  template <bool bypass_cache>
  HWY_INLINE void normalize(std::int64_t first, std::int64_t last) {
    std::int64_t rows = std::min(rows_to_boundary(first), last - first);
    sum_tile(first, rows);
    while (first < last) {
      team_.wait();
      find_share_of_scales(first, rows);
      team_.wait();
      const bool has_powers = std::any_of(has_powers_, has_powers_ + team_.size, [](double has) { return has != 0; });
      const std::int64_t next = first + rows, next_rows = std::min(matrix_.tile_rows, last - next);
      if (!matrix_.writes_y)
        sum_tile(next, next_rows);
      else if (has_powers)
        store_and_sum_tile<bypass_cache, true>(first, rows, next, next_rows);
      else
        store_and_sum_tile<bypass_cache, false>(first, rows, next, next_rows);
      first = next;
      rows = next_rows;
    }
  }

 private:
  /// Rows before the next tile, where tiles begin at multiples of their size: so none is in more pages than it must be.
  std::int64_t rows_to_boundary(std::int64_t first) const {
    const auto address = reinterpret_cast<std::uintptr_t>(column(first, 0));
    return matrix_.tile_rows - static_cast<std::int64_t>(address / sizeof(X)) % matrix_.tile_rows;
  }

  const X* column(std::int64_t row, std::int64_t j) const {
    return static_cast<const X*>(matrix_.x) + row + j * matrix_.x_stride;
  }
  std::int64_t first_column(std::int64_t piece) const { return matrix_.columns * piece / pieces_; }

  /// Where a column of this thread is to be held; null where none is.
  X* hold(std::int64_t j) const {
    return held_ ? held_ + (j - first_column(first_piece_)) * matrix_.tile_rows : nullptr;
  }

  double* totals(std::int64_t piece) const { return sums_ + piece * 2 * pitch_; }
  double* errors(std::int64_t piece) const { return totals(piece) + pitch_; }

  HWY_INLINE void clear(std::int64_t piece, std::int64_t rows) {
    std::fill_n(totals(piece), rows, 0.0);
    std::fill_n(errors(piece), rows, 0.0);
  }

  /// The sums of some columns for the rows of a tile.
  struct PieceSums {
    double* totals;
    double* errors;

    template <HostNorm norm>
    HWY_INLINE void add(std::int64_t row, hn::Vec<Doubles> value) const {
      Sums<T, Doubles> sums;
      sums.template load<norm>(totals + row, errors + row);
      sums.template add<norm>(value);
      sums.template store<norm>(totals + row, errors + row);
    }
  };

  /// Adds a column to the sums of its rows from `row` on, line by line; says where it ended.
  HWY_INLINE std::int64_t sum_lines(const PieceSums& sums, const X* x, X* hold, std::int64_t ahead, std::int64_t row,
                                    std::int64_t end) {
    const Doubles d;
    const hn::Rebind<X, Doubles> memory;
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
    while (row + line_values <= end) {
      hwy::Prefetch(x + row + ahead);
      with_norm(matrix_.finisher.norm, [&]<HostNorm norm>() HWY_ATTR {
        for (const std::int64_t line_end = row + line_values; row < line_end; row += lanes) {
          if (hold) hn::StoreU(hn::LoadU(memory, x + row), memory, hold + row);
          sums.template add<norm>(row, load(d, x + row));
        }
      });
    }
    return row;
  }

  /// The rest of a column.
  HWY_INLINE void sum_few(const PieceSums& sums, const X* x, X* hold, std::int64_t row, std::int64_t end) {
    const Doubles d;
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
    if (hold) std::copy(x + row, x + end, hold + row);
    with_norm(matrix_.finisher.norm, [&]<HostNorm norm>() HWY_ATTR {
      for (; row < end; row += lanes)
        sums.template add<norm>(row, load_n(d, x + row, static_cast<std::size_t>(std::min(lanes, end - row))));
    });
  }

  /// Each column is in another page of memory, where the hardware fetches nothing ahead.
  std::int64_t fetch_ahead(std::int64_t rows) const {
    return std::max<std::int64_t>(1, page_bytes / (rows * sizeof(X))) * matrix_.x_stride;
  }

  HWY_NOINLINE void sum_tile(std::int64_t first, std::int64_t rows) {
    const std::int64_t ahead = fetch_ahead(std::max<std::int64_t>(1, rows));
    for (std::int64_t piece = first_piece_; piece < last_piece_; ++piece) {
      clear(piece, rows);
      const PieceSums sums{totals(piece), errors(piece)};
      for (std::int64_t j = first_column(piece); j < first_column(piece + 1); ++j) {
        const X* const x = column(first, j);
        sum_few(sums, x, hold(j), sum_lines(sums, x, hold(j), ahead, 0, rows), rows);
      }
    }
  }

  /// Stores a tile, and sums another meanwhile, line by line.
  template <bool bypass_cache, bool has_powers>
  HWY_INLINE void store_and_sum_tile(std::int64_t first, std::int64_t rows, std::int64_t next, std::int64_t next_rows) {
    const std::int64_t ahead = fetch_ahead(std::max<std::int64_t>(1, next_rows));
    for (std::int64_t piece = first_piece_; piece < last_piece_; ++piece) {
      clear(piece, next_rows);
      const PieceSums sums{totals(piece), errors(piece)};
      for (std::int64_t j = first_column(piece); j < first_column(piece + 1); ++j) {
        X* const held = hold(j);
        const X* const x = held ? held : column(first, j);
        Y* const y = static_cast<Y*>(matrix_.y) + first + j * matrix_.y_stride;
        const X* const next_x = column(next, j);
        const Scales<T, WeightOfAll<T>> scales(factors_, powers_, {weights_.at(j, j + 1)});
        std::int64_t row = std::min(rows, elements_to_line(y)), next_row = 0;
        scales.template store_few<has_powers>(x, y, 0, row);
        while (row + line_values <= rows) {
          row = scales.template store_vectors<bypass_cache, has_powers>(x, y, row, row + line_values);
          next_row = sum_lines(sums, next_x, held, ahead, next_row, std::min(next_rows, next_row + line_values));
        }
        scales.template store_few<has_powers>(x, y, row, rows);
        next_row = sum_lines(sums, next_x, held, ahead, next_row, next_rows);
        sum_few(sums, next_x, held, next_row, next_rows);
      }
    }
  }

  /// Adds the sums of all pieces in order, and finds the scales, for this thread's share of the rows of a tile.
  HWY_NOINLINE void find_share_of_scales(std::int64_t first, std::int64_t rows) {
    const Doubles d;
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
    const std::int64_t unit = std::max(lanes, line_values), units = (rows + unit - 1) / unit;
    const std::int64_t begin = units * team_.rank / team_.size * unit;
    const std::int64_t end = std::min(rows, units * (team_.rank + 1) / team_.size * unit);
    has_powers_[team_.rank] = 0;
    if (begin >= end) return;
    with_norm(matrix_.finisher.norm, [&]<HostNorm norm>() HWY_ATTR {
      for (std::int64_t row = begin; row < end; row += lanes) {
        Sums<T, Doubles> sums;
        sums.template load<norm>(totals(0) + row, errors(0) + row);
        for (std::int64_t piece = 1; piece < pieces_; ++piece) {
          Sums<T, Doubles> more;
          more.template load<norm>(totals(piece) + row, errors(piece) + row);
          sums.template add<norm>(more);
        }
        sums.template store<norm>(totals(0) + row, errors(0) + row);
      }
    });
    const auto sum_again = [&](std::int64_t row) HWY_ATTR {
      return sum_row_again<X, Y>(matrix_.finisher, column(first + begin + row, 0), matrix_.columns, matrix_.x_stride);
    };
    const RowValues<T> share{totals(0) + begin, errors(0) + begin, norms_ + begin, factors_ + begin, powers_ + begin};
    const bool are_plain = find_scales<T>(matrix_.finisher, share, first + begin, end - begin, sum_again);
    has_powers_[team_.rank] = are_plain ? 0 : 1;
    if (are_plain && team_.size > 1) std::fill(powers_ + begin, powers_ + end, T{1});  // others may have some
  }

  const HostMatrix& matrix_;
  const HostTileTeam& team_;
  Weights<T> weights_;
  X* held_;
  std::int64_t pieces_, first_piece_, last_piece_, pitch_;
  T* factors_;
  T* powers_;
  double* norms_;
  double* has_powers_;
  double* sums_;
};

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace rownorm::impl
HWY_AFTER_NAMESPACE();

#endif
