// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Short rows, many at once.
#if defined(ROWNORM_HOST_ROWS_SHORT_ROWS_HPP) == defined(HWY_TARGET_TOGGLE)  // once for each instruction set
#ifdef ROWNORM_HOST_ROWS_SHORT_ROWS_HPP
#undef ROWNORM_HOST_ROWS_SHORT_ROWS_HPP
#else
#define ROWNORM_HOST_ROWS_SHORT_ROWS_HPP
#endif

#include <algorithm>
#include <cstdint>
#include <host_rows/scales.hpp>
#include <host_rows/stretch.hpp>
#include <host_rows/sums.hpp>
#include <host_rows/values.hpp>
#include <host_rows/weights.hpp>
#include <rownorm/impl/host_rows.hpp>

HWY_BEFORE_NAMESPACE();
namespace rownorm::impl {
namespace HWY_NAMESPACE {
namespace {

/// Short rows of one length, without gaps between them.
template <class X>
class ShortRows : StretchOfRows<X> {
  using Base = StretchOfRows<X>;
  using Base::begin_;
  using Base::block_values;
  using Base::errors_;
  using Base::finisher_;
  using Base::line_values;
  using Base::max_rows;
  using Base::totals_;
  using Base::writes_y_;
  using Base::x_;
  using typename Base::Doubles;
  using typename Base::T;
  using typename Base::Y;

 public:
  static constexpr std::int64_t max_columns = block_values / 4;

  explicit ShortRows(const HostMatrix& matrix) : Base(matrix), columns_(matrix.columns), column_weights_(matrix) {}

  template <bool bypass_cache>
  HWY_INLINE void normalize(std::int64_t first, std::int64_t last) {
    std::int64_t block_rows = std::min(max_rows, block_values / columns_);
    if (block_rows > narrow_rows_at_once) block_rows -= block_rows % narrow_rows_at_once;
    if (!writes_y_) return read(first, last, block_rows);
    if (column_weights_.are_given()) repeat_weights(block_rows);
    std::int64_t rows = std::min(block_rows, last - first);
    sum_first_rows(first, rows);
    begin_ = first * columns_;
    for (; first < last; first += block_rows) {
      const bool has_powers = !find_scales_of_block(first, rows);
      this->expand_scales(
          rows, has_powers, [&](std::int64_t) { return columns_; }, [](std::int64_t) {});
      const std::int64_t next = first + rows, end = next * columns_;
      rows = std::min(block_rows, last - next);
      const auto summing = [&](const auto& done) HWY_ATTR { sum_rows(next, rows, done); };
      const T* const weights = column_weights_.are_given() ? weights_ + begin_ % columns_ : nullptr;
      if (has_powers) {
        this->template store_block<false, true>(end, rows == 0, weights, [](const auto&) {});
        sum_first_rows(next, rows);
      } else {
        this->template store_block<bypass_cache, false>(end, rows == 0, weights, summing);
      }
    }
  }

 private:
  /// Sums and records, and stores nothing.
  HWY_NOINLINE void read(std::int64_t first, std::int64_t last, std::int64_t block_rows) {
    for (; first < last; first += block_rows) {
      const std::int64_t rows = std::min(block_rows, last - first);
      sum_first_rows(first, rows);
      find_scales_of_block(first, rows);
    }
  }

  HWY_NOINLINE bool find_scales_of_block(std::int64_t first, std::int64_t rows) {
    const auto sum_again = [&](std::int64_t row)
                               HWY_ATTR { return sum_piece<X, Y>(finisher_, x_ + (first + row) * columns_, columns_); };
    return find_scales<T>(finisher_, this->row_values(), first, rows, sum_again);
  }

  HWY_NOINLINE void sum_first_rows(std::int64_t first, std::int64_t rows) {
    sum_rows(first, rows, [](std::int64_t) {});
  }

  /// Sums so many rows from `first` on; every now and then says done(values summed).
  template <class Done>
  HWY_INLINE void sum_rows(std::int64_t first, std::int64_t rows, const Done& done) {
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(Doubles()));
    const std::int64_t step = PieceSum<X, Y>::step_values(), vectors = (columns_ + lanes - 1) / lanes;
    if (vectors == 1) return sum_narrow_rows<1>(first, rows, done);
    if (vectors == 2) return sum_narrow_rows<2>(first, rows, done);
    if (vectors == 3) return sum_narrow_rows<3>(first, rows, done);
    if (vectors == 4) return sum_narrow_rows<4>(first, rows, done);
    const X* x = x_ + first * columns_;
    for (std::int64_t row = 0; row < rows; ++row, x += columns_) {
      PieceSum<X, Y> sum(finisher_.norm);
      std::int64_t j = 0;
      for (; j + step <= columns_; j += step) {
        sum.step(x + j);
        done(row * columns_ + j);
      }
      if (j < columns_) sum.last_step(x + j, static_cast<std::size_t>(columns_ - j));
      this->set_sum(row, sum.reduced());
    }
  }

  /// The sums of neighbouring rows, from `row` on.
  template <int vectors>
  HWY_INLINE void set_narrow_sums(std::int64_t row, const X* x, std::int64_t pitch, std::size_t n) {
    with_norm(finisher_.norm, [&]<HostNorm norm>() HWY_ATTR {
      const auto sums = sums_of_narrow_rows<norm, X, Y, vectors, narrow_rows_at_once>(x, pitch, n);
      if constexpr (narrow_rows_at_once == 1)
        this->set_sum(row, sums.template reduced<norm>());
      else
        sums.template store<norm>(totals_ + row, errors_ + row);
    });
  }

  template <int vectors, class Done>
  HWY_INLINE void sum_narrow_rows(std::int64_t first, std::int64_t rows, const Done& done) {
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(Doubles()));
    const auto n = static_cast<std::size_t>(columns_ - (vectors - 1) * lanes);
    constexpr std::int64_t at_once = narrow_rows_at_once;
    const std::int64_t values = at_once * columns_, often = std::max<std::int64_t>(1, 128 / values);
    const X* x = x_ + first * columns_;
    std::int64_t row = 0;
    for (std::int64_t group = 0; row + at_once <= rows; row += at_once, x += values) {
      for (std::int64_t j = 0; j < values; j += line_values) hwy::Prefetch(x + j + fetch_ahead_bytes / sizeof(X));
      set_narrow_sums<vectors>(row, x, columns_, n);
      if (++group % often == 0) done((row + at_once) * columns_);
    }
    // Those that are left, by the same additions, each as if it were several.
    for (; row < rows; ++row, x += columns_) set_narrow_sums<vectors>(row, x, 0, n);
  }

  /// Puts the weights beside each other as often as a block has rows, whichever column it begins with.
  HWY_NOINLINE void repeat_weights(std::int64_t block_rows) {
    std::copy_n(column_weights_.at(0, columns_), columns_, weights_);
    const std::int64_t values = block_rows * columns_ + columns_ + line_values;
    for (std::int64_t k = columns_; k < values; ++k) weights_[k] = weights_[k - columns_];
  }

  std::int64_t columns_;
  Weights<T> column_weights_;
  HWY_ALIGN T weights_[block_values + max_columns + 2 * line_values + slack];
};

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace rownorm::impl
HWY_AFTER_NAMESPACE();

#endif
