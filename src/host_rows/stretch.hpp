// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Rows that follow each other without gaps, block by block.
#if defined(ROWNORM_HOST_ROWS_STRETCH_HPP) == defined(HWY_TARGET_TOGGLE)  // once for each instruction set
#ifdef ROWNORM_HOST_ROWS_STRETCH_HPP
#undef ROWNORM_HOST_ROWS_STRETCH_HPP
#else
#define ROWNORM_HOST_ROWS_STRETCH_HPP
#endif

#include <algorithm>
#include <cstdint>
#include <host_rows/scales.hpp>
#include <host_rows/sums.hpp>
#include <host_rows/values.hpp>
#include <rownorm/impl/host_rows.hpp>

HWY_BEFORE_NAMESPACE();
namespace rownorm::impl {
namespace HWY_NAMESPACE {
namespace {

/// Short rows without gaps between them are one stretch of memory. A block of them is summed row by row, and its
/// products are taken along the stretch: each value has its scale beside it in a buffer, wherever its row begins. While
/// the products of one block are stored, the next is summed.
template <class X>
class StretchOfRows {
 protected:
  using Y = X;
  using T = ComputeOf<X, Y>;
  using D = hn::ScalableTag<T>;
  using Doubles = hn::ScalableTag<double>;

  static constexpr std::int64_t block_values = 8192 / sizeof(T);  // which leaves room for x and y in a cache of 32 KiB
  static constexpr std::int64_t max_rows = 512;
  static constexpr std::int64_t max_vectors = 4;  // that are stored for every row
  static constexpr std::int64_t line_values = line_bytes / sizeof(Y);

  explicit StretchOfRows(const HostMatrix& matrix)
      : x_(static_cast<const X*>(matrix.x)),
        y_(static_cast<Y*>(matrix.y)),
        writes_y_(matrix.writes_y),
        finisher_(matrix.finisher) {}

  HWY_INLINE void set_sum(std::int64_t row, const HostSum& sum) {
    totals_[row] = sum.total;
    errors_[row] = sum.error;
  }

  RowValues<T> row_values(double* columns = nullptr) {
    return {totals_, errors_, norms_, row_factors_, row_powers_, columns};
  }

  /// Puts each row's scale beside all of its elements. length_of(row) is how many it has. Calls meanwhile(elements of
  /// the rows before) for each row. So many vectors are stored for every row, whether it has as many elements or none:
  /// where that is enough for most, no branch depends on how many one has, which could not be predicted.
  template <std::int64_t vectors = 1, class LengthOf, class Meanwhile>
  HWY_INLINE void expand_scales(std::int64_t rows, bool has_powers, const LengthOf& length_of,
                                const Meanwhile& meanwhile) {
    static_assert(vectors <= max_vectors);
    expand<vectors>(factors_, row_factors_, rows, length_of, meanwhile);
    if (has_powers) expand<vectors>(powers_, row_powers_, rows, length_of, [](std::int64_t) {});
  }

  /// Stores all values to before `end`, but those of the last line, which the next block completes, if there is one.
  /// Meanwhile calls meanwhile(f), which every now and then calls f(values that may be stored). Weights are beside the
  /// values from begin_ on, or null.
  template <bool bypass_cache, bool has_powers, class Meanwhile>
  HWY_INLINE void store_block(std::int64_t end, bool is_last, const T* weights, const Meanwhile& meanwhile) {
    const X* const x = x_ + begin_;
    Y* const y = y_ + begin_;
    const std::int64_t n = end - begin_, head = std::min(n, elements_to_line(y));
    // Powers are not carried: a block that has them leaves nothing.
    const std::int64_t in_lines = is_last || has_powers ? n : head + (n - head) / line_values * line_values;
    const Scales<T, WeightsBeside<T>> scales(factors_, powers_, {weights});
    scales.template store_few<has_powers>(x, y, 0, head);
    std::int64_t j = head;
    const auto store_until = [&](std::int64_t until) HWY_ATTR {
      j = scales.template store_vectors<bypass_cache, has_powers>(x, y, j, std::min(until, in_lines));
    };
    meanwhile(store_until);
    store_until(in_lines);
    scales.template store_few<has_powers>(x, y, j, in_lines);
    carried_ = n - in_lines;
    for (std::int64_t k = 0; k < carried_; ++k) {
      factors_[k] = factors_[in_lines + k];
      powers_[k] = 1;
    }
    begin_ = end - carried_;
  }

  const X* x_;
  Y* y_;
  bool writes_y_;
  HostFinisher finisher_;
  std::int64_t begin_ = 0;  // of what is not yet stored
  HWY_ALIGN double totals_[max_rows + slack];
  HWY_ALIGN double errors_[max_rows + slack];

 private:
  template <std::int64_t vectors, class LengthOf, class Meanwhile>
  HWY_INLINE void expand(T* HWY_RESTRICT to, const T* HWY_RESTRICT values, std::int64_t rows, const LengthOf& length_of,
                         const Meanwhile& meanwhile) {
    const D d;
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
    T* place = to + carried_;
    for (std::int64_t row = 0; row < rows; ++row) {
      const auto value = hn::Set(d, values[row]);
      const std::int64_t length = length_of(row);
      for (std::int64_t vector = 0; vector < vectors; ++vector) hn::StoreU(value, d, place + vector * lanes);
      for (std::int64_t j = vectors * lanes; j < length; j += lanes) hn::StoreU(value, d, place + j);
      meanwhile(place - to);
      place += length;
    }
  }

  std::int64_t carried_ = 0;  // values of the block before among those not yet stored
  HWY_ALIGN double norms_[max_rows + slack];
  HWY_ALIGN T row_factors_[max_rows + slack];
  HWY_ALIGN T row_powers_[max_rows + slack];
  // Beside each value of a block, and what the block before has left:
  HWY_ALIGN T factors_[block_values + 2 * line_values + max_vectors * slack];
  HWY_ALIGN T powers_[block_values + 2 * line_values + max_vectors * slack];
};

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace rownorm::impl
HWY_AFTER_NAMESPACE();

#endif
