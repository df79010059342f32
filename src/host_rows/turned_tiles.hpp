// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Rows that lie side by side in one of x and y, and not in the other.
#if defined(ROWNORM_HOST_ROWS_TURNED_TILES_HPP) == defined(HWY_TARGET_TOGGLE)  // once for each instruction set
#ifdef ROWNORM_HOST_ROWS_TURNED_TILES_HPP
#undef ROWNORM_HOST_ROWS_TURNED_TILES_HPP
#else
#define ROWNORM_HOST_ROWS_TURNED_TILES_HPP
#endif

#include <algorithm>
#include <cstdint>
#include <host_rows/long_rows.hpp>
#include <host_rows/scales.hpp>
#include <host_rows/sums.hpp>
#include <host_rows/values.hpp>
#include <host_rows/weights.hpp>
#include <rownorm/impl/host_rows.hpp>

HWY_BEFORE_NAMESPACE();
namespace rownorm::impl {
namespace HWY_NAMESPACE {
namespace {

/// Tiles of neighbouring rows are summed, and then stored in square blocks as wide as a line of memory, which are
/// turned in between: so no access walks memory with a stride. For float and double.
template <class T>
class TurnedTiles {
  using D = hn::CappedTag<T, line_bytes / sizeof(T)>;
  using Doubles = hn::ScalableTag<double>;
  static constexpr std::int64_t block = line_bytes / sizeof(T);
  static constexpr std::int64_t max_rows = max_turned_tile_bytes / sizeof(T);

 public:
  TurnedTiles(const HostMatrix& matrix, void* held)
      : matrix_(matrix),
        x_(static_cast<const T*>(matrix.x)),
        y_(static_cast<T*>(matrix.y)),
        held_(static_cast<T*>(held)),
        weights_(matrix) {}

  template <bool bypass_cache>
  HWY_INLINE void normalize(std::int64_t first, std::int64_t last) {
    const bool has_whole_lines = elements_to_line(y_) == 0 && matrix_.y_stride % block == 0;
    for (; first < last; first += matrix_.tile_rows) {
      const std::int64_t rows = std::min(matrix_.tile_rows, last - first);
      if (matrix_.x_by_columns)
        sum_columns(first, rows);
      else
        for (std::int64_t i = 0; i < rows; ++i)
          set_sum(i, sum_of_row<T, T>(matrix_, x_ + (first + i) * matrix_.x_stride));
      const auto sum_again = [&](std::int64_t row) HWY_ATTR {
        const std::int64_t stride = matrix_.x_by_columns ? matrix_.x_stride : 1;
        return sum_row_again<T, T>(matrix_.finisher, x_ + x_index(first + row, 0), matrix_.columns, stride);
      };
      const RowValues<T> values{totals_, errors_, norms_, factors_, powers_};
      const bool has_powers = !find_scales<T>(matrix_.finisher, values, first, rows, sum_again);
      if (!matrix_.writes_y) continue;
      if (has_powers)
        store_with_powers(first, rows);
      else if (bypass_cache && has_whole_lines && first % block == 0)
        store_tile<true>(first, rows);
      else
        store_tile<false>(first, rows);
    }
  }

 private:
  std::int64_t x_index(std::int64_t i, std::int64_t j) const {
    return matrix_.x_by_columns ? i + j * matrix_.x_stride : i * matrix_.x_stride + j;
  }
  std::int64_t y_index(std::int64_t i, std::int64_t j) const {
    return matrix_.x_by_columns ? i * matrix_.y_stride + j : i + j * matrix_.y_stride;
  }

  void set_sum(std::int64_t i, HostSum sum) {
    if (sum.unit != 0) sum = {};  // which is not to be trusted either, so that it is taken once more
    totals_[i] = sum.total;
    errors_[i] = sum.error;
  }

  /// Sums all rows of a tile at once, column by column, and holds what is read.
  HWY_INLINE void sum_columns(std::int64_t first, std::int64_t rows) {
    const Doubles d;
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
    const std::int64_t ahead =
        std::max<std::int64_t>(1, static_cast<std::int64_t>(page_bytes / sizeof(T)) / rows) * matrix_.x_stride;
    std::fill_n(totals_, rows, 0.0);
    std::fill_n(errors_, rows, 0.0);
    for (std::int64_t j = 0; j < matrix_.columns; ++j) {
      const T* const x = x_ + x_index(first, j);
      for (std::int64_t i = 0; i < rows; i += block) hwy::Prefetch(x + i + ahead);
      with_norm(matrix_.finisher.norm, [&]<HostNorm norm>() HWY_ATTR {
        const auto add = [&](std::int64_t i, hn::Vec<Doubles> value) HWY_ATTR {
          Sums<T, Doubles> sums;
          sums.template load<norm>(totals_ + i, errors_ + i);
          sums.template add<norm>(value);
          sums.template store<norm>(totals_ + i, errors_ + i);
        };
        std::int64_t i = 0;
        for (; i + lanes <= rows; i += lanes) add(i, load(d, x + i));
        if (i < rows) add(i, load_n(d, x + i, static_cast<std::size_t>(rows - i)));
      });
      if (held_) std::copy(x, x + rows, held_ + j * matrix_.tile_rows);
    }
  }

  template <bool bypass_cache>
  HWY_INLINE void store_tile(std::int64_t first, std::int64_t rows) {
    const auto store = [&](std::int64_t i, std::int64_t j) HWY_ATTR {
      if (i + block > rows || j + block > matrix_.columns)
        store_part_of_block(first, i, j, std::min(block, rows - i), std::min(block, matrix_.columns - j));
      else if (matrix_.x_by_columns)
        store_block<bypass_cache, true>(first, i, j);
      else
        store_block<bypass_cache, false>(first, i, j);
    };
    // Along the lines of y.
    if (matrix_.x_by_columns) {
      for (std::int64_t i = 0; i < rows; i += block)
        for (std::int64_t j = 0; j < matrix_.columns; j += block) store(i, j);
    } else {
      for (std::int64_t j = 0; j < matrix_.columns; j += block)
        for (std::int64_t i = 0; i < rows; i += block) store(i, j);
    }
  }

  HWY_NOINLINE void store_part_of_block(std::int64_t first, std::int64_t i, std::int64_t j, std::int64_t rows,
                                        std::int64_t columns) {
    const bool by_columns = matrix_.x_by_columns;
    const T* const weights = weights_.at(j, j + columns);
    const std::int64_t lines = by_columns ? columns : rows, length = by_columns ? rows : columns;
    for (std::int64_t k = 0; k < lines; ++k)
      for (std::int64_t q = 0; q < length; ++q) {
        const std::int64_t row = by_columns ? i + q : i + k, column = by_columns ? j + k : j + q;
        const T x = by_columns && held_ ? held_[column * matrix_.tile_rows + row] : x_[x_index(first + row, column)];
        turned_[q * block + k] = weights ? x * factors_[row] * weights[column - j] : x * factors_[row];
      }
    for (std::int64_t q = 0; q < length; ++q)
      std::copy_n(turned_ + q * block, lines, y_ + y_index(first + i, j) + q * matrix_.y_stride);
  }

  /// The block whose first element is in row `first` + i and column j.
  template <bool bypass_cache, bool x_by_columns>
  HWY_INLINE void store_block(std::int64_t first, std::int64_t i, std::int64_t j) {
    const D d;
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
    const bool is_held = x_by_columns && held_;
    const T* const from = is_held ? held_ + i + j * matrix_.tile_rows : x_ + x_index(first + i, j);
    const std::int64_t from_stride = is_held ? matrix_.tile_rows : matrix_.x_stride;
    const T* const weights = weights_.at(j, j + block);
    for (std::int64_t k = 0; k < block; ++k)
      for (std::int64_t v = 0; v < block; v += lanes) {
        const auto factor = x_by_columns ? hn::LoadU(d, factors_ + i + v) : hn::Set(d, factors_[i + k]);
        auto product = hn::Mul(hn::LoadU(d, from + k * from_stride + v), factor);
        if (weights) product = hn::Mul(product, x_by_columns ? hn::Set(d, weights[k]) : hn::LoadU(d, weights + v));
        hn::Store(product, d, block_ + k * block + v);
      }
    turn_block();
    T* const to = y_ + y_index(first + i, j);
    for (std::int64_t k = 0; k < block; ++k)
      for (std::int64_t v = 0; v < block; v += lanes)
        store<bypass_cache>(d, hn::Load(d, turned_ + k * block + v), to + k * matrix_.y_stride + v);
  }

  /// From block_ to turned_, by squares of 16 bytes. Not by gathering: where processors are kept from leaking what they
  /// gather, an element takes 35 cycles.
  HWY_INLINE void turn_block() {
    const hn::CappedTag<T, 16 / sizeof(T)> d;
    constexpr std::int64_t n = 16 / sizeof(T);
    for (std::int64_t k = 0; k < block; k += n)
      for (std::int64_t v = 0; v < block; v += n) {
        const auto from = [&](std::int64_t line) HWY_ATTR { return hn::Load(d, block_ + (k + line) * block + v); };
        const auto to = [&](std::int64_t line, auto values)
                            HWY_ATTR { hn::Store(values, d, turned_ + (v + line) * block + k); };
        if constexpr (n == 2) {
          const auto a = from(0), b = from(1);
          to(0, hn::InterleaveLower(d, a, b));
          to(1, hn::InterleaveUpper(d, a, b));
        } else {
          const auto a = from(0), b = from(1), c = from(2), e = from(3);
          const auto ac = hn::InterleaveLower(d, a, c), be = hn::InterleaveLower(d, b, e);
          to(0, hn::InterleaveLower(d, ac, be));
          to(1, hn::InterleaveUpper(d, ac, be));
          const auto ac_upper = hn::InterleaveUpper(d, a, c), be_upper = hn::InterleaveUpper(d, b, e);
          to(2, hn::InterleaveLower(d, ac_upper, be_upper));
          to(3, hn::InterleaveUpper(d, ac_upper, be_upper));
        }
      }
  }

  HWY_NOINLINE void store_with_powers(std::int64_t first, std::int64_t rows) {
    for (std::int64_t j = 0; j < matrix_.columns; ++j) {
      const T* const weight = weights_.at(j, j + 1);
      for (std::int64_t i = 0; i < rows; ++i) {
        const T product = (x_[x_index(first + i, j)] * powers_[i]) * factors_[i];
        y_[y_index(first + i, j)] = weight ? product * *weight : product;
      }
    }
  }

  const HostMatrix& matrix_;
  const T* x_;
  T* y_;
  T* held_;
  Weights<T> weights_;
  HWY_ALIGN double totals_[max_rows + slack];
  HWY_ALIGN double errors_[max_rows + slack];
  HWY_ALIGN double norms_[max_rows + slack];
  HWY_ALIGN T factors_[max_rows + slack];
  HWY_ALIGN T powers_[max_rows + slack];
  HWY_ALIGN T block_[block * block];
  HWY_ALIGN T turned_[block * block];
};

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace rownorm::impl
HWY_AFTER_NAMESPACE();

#endif
