// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Short rows of any lengths, many at once.
#if defined(ROWNORM_HOST_ROWS_RAGGED_ROWS_HPP) == defined(HWY_TARGET_TOGGLE)  // once for each instruction set
#ifdef ROWNORM_HOST_ROWS_RAGGED_ROWS_HPP
#undef ROWNORM_HOST_ROWS_RAGGED_ROWS_HPP
#else
#define ROWNORM_HOST_ROWS_RAGGED_ROWS_HPP
#endif

#include <algorithm>
#include <cstdint>
#include <host_rows/scales.hpp>
#include <host_rows/stretch.hpp>
#include <host_rows/sums.hpp>
#include <host_rows/values.hpp>
#include <rownorm/impl/host_rows.hpp>

HWY_BEFORE_NAMESPACE();
namespace rownorm::impl {
namespace HWY_NAMESPACE {
namespace {

/// Short rows of any lengths, without gaps between them.
template <class X>
class RaggedRows : StretchOfRows<X> {
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
  RaggedRows(const HostMatrix& matrix, const HostRaggedRows& rows) : Base(matrix), of_(rows) {}

  /// Normalises rows until one is longer than a block, and says where it ended.
  template <bool bypass_cache>
  HWY_INLINE std::int64_t normalize(std::int64_t first, std::int64_t last) {
    std::int64_t next = first, rows = take_block(next, last);
    sum_rows(rows, [](std::int64_t) {});
    begin_ = begins_[0];
    while (rows > 0) {
      const bool has_powers = !find_scales_of_block(first, rows);
      first = next;
      if (!writes_y_) {
        rows = take_block(next, last);
        sum_rows(rows, [](std::int64_t) {});
        continue;
      }
      const std::int64_t end = begins_[rows];
      // Otherwise nothing would come from memory until the next rows are summed.
      const auto fetch_next = [x = x_ + end](std::int64_t done) HWY_ATTR { hwy::Prefetch(x + done); };
      const auto length_of = [&](std::int64_t row) HWY_ATTR { return length(row); };
      // Most of these rows have more elements than a vector, or most have not.
      if (end - begins_[0] > rows * static_cast<std::int64_t>(hn::Lanes(hn::ScalableTag<T>())))
        this->template expand_scales<Base::max_vectors>(rows, has_powers, length_of, fetch_next);
      else
        this->expand_scales(rows, has_powers, length_of, fetch_next);
      rows = take_block(next, last);
      const auto summing = [&](const auto& done) HWY_ATTR { sum_rows(rows, done); };
      if (has_powers) {
        this->template store_block<false, true>(end, rows == 0, nullptr, [](const auto&) {});
        summing([](std::int64_t) {});
      } else {
        this->template store_block<bypass_cache, false>(end, rows == 0, nullptr, summing);
      }
    }
    return next;
  }

 private:
  static constexpr std::int64_t rows_at_once = 64;  // that are looked up
  // Other kernels fetch less far ahead: here more time goes by between what is asked for and what is done with it.
  static constexpr std::int64_t fetch_ahead = 3 * fetch_ahead_bytes / sizeof(X);

  HWY_INLINE std::int64_t length(std::int64_t row) const { return begins_[row + 1] - begins_[row]; }

  /// Looks up where the rows from `next` on begin, as many as a block has, and says how many these are. `next`, the
  /// first of them, becomes the first of the next ones. Rows without elements are not among them where nobody wants to
  /// know which row is which.
  HWY_NOINLINE std::int64_t take_block(std::int64_t& next, std::int64_t last) {
    std::int64_t rows = 0, known = 0, taken = 0;
    while (taken == known && next < last && rows + rows_at_once <= max_rows) {
      known = std::min(rows_at_once, last - next);
      of_.begins(of_.rows, next, known, known_begins_);
      if (rows == 0) begins_[0] = known_begins_[0];
      const std::int64_t* const ends = known_begins_ + 1;
      const std::int64_t last_end = begins_[0] + block_values;
      taken = ends[known - 1] <= last_end ? known : std::upper_bound(ends, ends + known, last_end) - ends;
      rows = take_known(rows, taken);
      next += taken;
    }
    // Rows are summed several at a time: those beyond the last have no elements.
    if (rows > 0) std::fill_n(begins_ + rows + 1, narrow_rows_at_once - 1, begins_[rows]);
    return rows;
  }

  /// Adds so many of the rows that were looked up to those that the block has, and says how many these are then.
  HWY_INLINE std::int64_t take_known(std::int64_t rows, std::int64_t taken) {
    if (of_.are_numbered) {
      std::copy_n(known_begins_, taken, begins_ + rows);
      rows += taken;
    } else {
      const hn::ScalableTag<std::int64_t> d;
      for (std::int64_t k = 0; k < taken; k += static_cast<std::int64_t>(hn::Lanes(d))) {
        const auto begin = hn::LoadU(d, known_begins_ + k), end = hn::LoadU(d, known_begins_ + k + 1);
        const auto has_elements = hn::And(hn::Lt(begin, end), hn::FirstN(d, static_cast<std::size_t>(taken - k)));
        hn::StoreU(hn::Compress(begin, has_elements), d, begins_ + rows);
        rows += static_cast<std::int64_t>(hn::CountTrue(d, has_elements));
      }
    }
    begins_[rows] = known_begins_[taken];
    return rows;
  }

  HWY_NOINLINE bool find_scales_of_block(std::int64_t first, std::int64_t rows) {
    const auto sum_again = [&](std::int64_t row)
                               HWY_ATTR { return sum_piece<X, Y>(finisher_, x_ + begins_[row], length(row)); };
    if (of_.have_own_lengths)
      for (std::int64_t row = 0; row < rows; ++row)
        lengths_[row] = static_cast<double>(std::max<std::int64_t>(1, length(row)));
    return find_scales<T>(finisher_, this->row_values(of_.have_own_lengths ? lengths_ : nullptr), first, rows,
                          sum_again);
  }

  /// Sums the rows of a block; every now and then says done(values summed).
  template <class Done>
  HWY_INLINE void sum_rows(std::int64_t rows, const Done& done) {
    with_norm(finisher_.norm, [&]<HostNorm norm>() HWY_ATTR {
      constexpr std::int64_t often = 128;
      std::int64_t said = begins_[0], longer = 0;
      for (std::int64_t row = 0; row < rows; row += narrow_rows_at_once) {
        const std::int64_t begin = begins_[row], end = begins_[row + narrow_rows_at_once];
        for (std::int64_t j = begin; j < end; j += line_values) hwy::Prefetch(x_ + j + fetch_ahead);
        longer = sum_some_rows<norm>(row, longer);
        if (end - said >= often) done((said = end) - begins_[0]);
      }
      if (longer > 0) sum_longer_rows<norm>(rows, longer);
    });
  }

  /// Sums narrow_rows_at_once rows, the first of which is `row`. Where most have no more elements than a vector, the
  /// others are left for later, so that there is nothing to predict: `longer` are, with those that had been before.
  template <HostNorm norm>
  HWY_INLINE std::int64_t sum_some_rows(std::int64_t row, std::int64_t longer) {
    if constexpr (narrow_rows_at_once == 1) {
      this->set_sum(row, sums_of_rows<norm, 1, false>([begins = begins_ + row](std::int64_t) HWY_ATTR {
                           return begins;
                         }).template reduced<norm>());
    } else {
      const hn::ScalableTag<std::int64_t> d;
      const auto begins = hn::LoadU(d, begins_ + row), ends = hn::LoadU(d, begins_ + row + 1);
      const auto are_longer = hn::Gt(hn::Sub(ends, begins), hn::Set(d, static_cast<std::int64_t>(hn::Lanes(d))));
      const auto count = static_cast<std::int64_t>(hn::CountTrue(d, are_longer));
      if (count >= narrow_rows_at_once / 2) {
        set_sums<norm, false>(row);
      } else {
        set_sums<norm, true>(row);
        hn::StoreU(hn::Compress(hn::Iota(d, row), are_longer), d, longer_rows_ + longer);
        longer += count;
      }
    }
    return longer;
  }
  template <HostNorm norm, bool are_short>
  HWY_INLINE void set_sums(std::int64_t row) {
    const auto sums = sums_of_rows<norm, narrow_rows_at_once, are_short>([begins = begins_ + row](std::int64_t k)
                                                                             HWY_ATTR { return begins + k; });
    sums.template store<norm>(totals_ + row, errors_ + row);
  }

  /// Sums the rows that were left for later, so many of the block's. In the order in which others are summed: the bits
  /// of a row do not depend on its neighbours.
  template <HostNorm norm>
  HWY_NOINLINE void sum_longer_rows(std::int64_t rows, std::int64_t longer) {
    std::fill_n(longer_rows_ + longer, narrow_rows_at_once - 1, rows);  // one without elements
    HWY_ALIGN double totals[narrow_rows_at_once], errors[narrow_rows_at_once] = {};
    for (std::int64_t k = 0; k < longer; k += narrow_rows_at_once) {
      const std::int64_t* const listed = longer_rows_ + k;
      const auto sums =
          sums_of_rows<norm, narrow_rows_at_once, false>([&](std::int64_t i) HWY_ATTR { return begins_ + listed[i]; });
      sums.template store<norm>(totals, errors);
      for (std::int64_t i = 0; i < narrow_rows_at_once; ++i) this->set_sum(listed[i], {totals[i], errors[i]});
    }
  }

  /// The sums of so many rows, each in a lane, but that of a single one in all lanes; if they are short, of no more
  /// elements than a vector has. begins_at(k) is where it stands where the k-th one begins.
  template <HostNorm norm, std::int64_t rows, bool are_short, class BeginsAt>
  HWY_INLINE auto sums_of_rows(const BeginsAt& begins_at) const {
    using RowSums = Sums<T, Doubles>;
    if constexpr (rows == 1) {
      const std::int64_t* const begins = begins_at(0);
      const std::int64_t begin = begins[0], end = begins[1];
      const auto lanes = static_cast<std::int64_t>(hn::Lanes(Doubles()));
      const auto load_rest = [&](std::int64_t j) HWY_ATTR {
        return load_n(Doubles(), x_ + j, static_cast<std::size_t>(std::min(lanes, end - j)));
      };
      auto sums = RowSums::template of<norm>(load_rest(begin));
      std::int64_t j = begin + lanes;
      if (are_short || j >= end) return sums;
      for (; j + lanes <= end; j += lanes) sums.template add<norm>(load(Doubles(), x_ + j));
      sums.template add<norm>(load_rest(j));
      return sums;
    } else {
      const auto lower = sums_of_rows<norm, rows / 2, are_short>(begins_at);
      const auto upper =
          sums_of_rows<norm, rows / 2, are_short>([&](std::int64_t k) HWY_ATTR { return begins_at(k + rows / 2); });
      return RowSums::template of_neighbours<norm, rows / 2>(lower, upper);
    }
  }

  HostRaggedRows of_;
  HWY_ALIGN double lengths_[max_rows + slack];
  std::int64_t begins_[max_rows + slack];
  std::int64_t known_begins_[rows_at_once + slack];
  std::int64_t longer_rows_[max_rows + slack];
};

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace rownorm::impl
HWY_AFTER_NAMESPACE();

#endif
