// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Gradients of rows.
#if defined(ROWNORM_HOST_ROWS_GRADIENTS_HPP) == defined(HWY_TARGET_TOGGLE)  // once for each instruction set
#ifdef ROWNORM_HOST_ROWS_GRADIENTS_HPP
#undef ROWNORM_HOST_ROWS_GRADIENTS_HPP
#else
#define ROWNORM_HOST_ROWS_GRADIENTS_HPP
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <host_rows/sums.hpp>
#include <host_rows/values.hpp>
#include <host_rows/weights.hpp>
#include <rownorm/impl/host_rows.hpp>

HWY_BEFORE_NAMESPACE();
namespace rownorm::impl {
namespace HWY_NAMESPACE {
namespace {

/// Neighbouring rows of x, and of the gradient with respect to y. Weights are null where there are none.
template <class X>
struct GradientRows {
  const X* x;
  const X* of_y;
  const ComputeOf<X, X>* weights;
  std::int64_t stride;
  std::int64_t columns;
};

/// The sums of one row, step by step: of its norm, and the dot product.
template <class X, HostNorm norm, bool has_weights>
class GradientSum {
  using T = ComputeOf<X, X>;
  using D = hn::ScalableTag<double>;
  using RowSums = Sums<T, D>;

 public:
  HWY_INLINE GradientSum() {}

  HWY_INLINE void add(const GradientRows<X>& row) {
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(D())), step = 4 * lanes;
    std::int64_t j = 0;
    for (; j + step <= row.columns; j += step) {
      for (std::int64_t k = j; k < j + step; k += line_bytes / sizeof(X)) {
        hwy::Prefetch(row.x + k + fetch_ahead_bytes / sizeof(X));
        hwy::Prefetch(row.of_y + k + fetch_ahead_bytes / sizeof(X));
      }
      add_vector(norm0_, dot0_, row, j);
      add_vector(norm1_, dot1_, row, j + lanes);
      add_vector(norm0_, dot0_, row, j + 2 * lanes);
      add_vector(norm1_, dot1_, row, j + 3 * lanes);
    }
    for (; j + lanes <= row.columns; j += lanes) add_vector(norm0_, dot0_, row, j);
    if (j < row.columns) add_few(row, j, static_cast<std::size_t>(row.columns - j));
  }

  HWY_INLINE RowSums of_norm() const { return sum(norm0_, norm1_); }
  HWY_INLINE RowSums dot() const { return sum(dot0_, dot1_); }

 private:
  static HWY_INLINE void add_vector(RowSums& sum, RowSums& dot, const GradientRows<X>& row, std::int64_t j) {
    const auto x = load(D(), row.x + j);
    auto of_y = load(D(), row.of_y + j);
    if constexpr (has_weights) of_y = hn::Mul(of_y, load(D(), row.weights + j));
    sum.template add<norm>(x);
    dot.add_product(x, of_y);
  }
  HWY_INLINE void add_few(const GradientRows<X>& row, std::int64_t j, std::size_t n) {
    const auto x = load_n(D(), row.x + j, n);
    auto of_y = load_n(D(), row.of_y + j, n);
    if constexpr (has_weights) of_y = hn::Mul(of_y, load_n(D(), row.weights + j, n));
    norm1_.template add<norm>(x);
    dot1_.add_product(x, of_y);
  }
  static HWY_INLINE RowSums sum(RowSums a, const RowSums& b) {
    a.template add<HostNorm::magnitudes>(b);
    return a;
  }

  RowSums norm0_, norm1_, dot0_, dot1_;
};

/// A vector of sums for each of some rows, and from them the sum of each: as many rows at once as a vector has lanes.
template <class T>
class VectorsOfRows {
  using D = hn::ScalableTag<double>;
  static constexpr HostNorm norm = HostNorm::magnitudes;  // or of squares: by now they add up in the same way

 public:
  static constexpr std::int64_t rows = 8;

  HWY_INLINE void set(std::int64_t row, const Sums<T, D>& sums) {
    const auto begin = row * static_cast<std::int64_t>(hn::Lanes(D()));
    sums.template store<norm>(totals_ + begin, errors_ + begin);
  }

  /// Calls set(row, total, error) for so many rows.
  template <class Set>
  HWY_INLINE void reduce(std::int64_t count, const Set& set) const {
    HWY_ALIGN double totals[rows], errors[rows] = {};
#if HWY_HAVE_SCALABLE
    for (std::int64_t row = 0; row < count; ++row) {
      const HostSum sum = at<1>(row).template reduced<norm>();
      totals[row] = sum.total, errors[row] = sum.error;
    }
#else
    constexpr std::int64_t lanes = hn::MaxLanes(D());
    for (std::int64_t row = 0; row < count; row += lanes)
      at<lanes>(row).template store<norm>(totals + row, errors + row);
#endif
    for (std::int64_t row = 0; row < count; ++row) set(row, totals[row], errors[row]);
  }

 private:
  /// The sums of so many rows, each in as many lanes as that leaves it.
  template <std::int64_t count>
  HWY_INLINE Sums<T, D> at(std::int64_t row) const {
    Sums<T, D> sums;
    if constexpr (count == 1) {
      const auto begin = row * static_cast<std::int64_t>(hn::Lanes(D()));
      sums.template load<norm>(totals_ + begin, errors_ + begin);
    } else {
      sums = Sums<T, D>::template of_neighbours<norm, count / 2>(at<count / 2>(row), at<count / 2>(row + count / 2));
    }
    return sums;
  }

  HWY_ALIGN double totals_[rows * hn::MaxLanes(D())] = {};
  HWY_ALIGN double errors_[rows * hn::MaxLanes(D())] = {};
};

/// Elements of the gradient with respect to x: direct * (weight * gradient) - along * direction(x). See
/// BackwardFinisher.
template <class X, bool takes_squares, bool has_weights>
class GradientProduct {
  using T = ComputeOf<X, X>;
  using D = hn::ScalableTag<T>;
  using V = hn::Vec<D>;

 public:
  HWY_INLINE explicit GradientProduct(const HostGradientScale& scale)
      : direct_(hn::Set(D(), static_cast<T>(scale.direct))),
        along_(hn::Set(D(), static_cast<T>(scale.along))),
        slope_(hn::Set(D(), static_cast<T>(scale.slope))) {}

  /// Meanwhile fetches what lies so many elements ahead, which is summed next.
  HWY_INLINE void store_row(const GradientRows<X>& row, X* y, std::int64_t ahead, bool bypass_cache) const {
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(D()));
    const auto fetch = [&](std::int64_t j, std::int64_t end) HWY_ATTR {
      for (; j < end; j += line_bytes / sizeof(X)) {
        hwy::Prefetch(row.x + j + ahead);
        hwy::Prefetch(row.of_y + j + ahead);
      }
    };
    std::int64_t j = std::min(row.columns, elements_to_line(y));
    store_few(row, y, 0, j);
    for (; j + 2 * lanes <= row.columns; j += 2 * lanes) {
      fetch(j, j + 2 * lanes);
      if (bypass_cache)
        store_two<true>(D(), at(row, j), at(row, j + lanes), y + j);
      else
        store_two<false>(D(), at(row, j), at(row, j + lanes), y + j);
    }
    if constexpr (sizeof(X) > 2)
      if (j + lanes <= row.columns) {
        fetch(j, j + lanes);
        if (bypass_cache)
          store<true>(D(), at(row, j), y + j);
        else
          store<false>(D(), at(row, j), y + j);
        j += lanes;
      }
    store_few(row, y, j, row.columns);
  }

 private:
  HWY_INLINE void store_few(const GradientRows<X>& row, X* y, std::int64_t j, std::int64_t end) const {
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(D()));
    for (; j < end; j += lanes) {
      const auto n = static_cast<std::size_t>(std::min(lanes, end - j));
      auto of_y = load_n(D(), row.of_y + j, n);
      if constexpr (has_weights) of_y = hn::Mul(of_y, hn::LoadN(D(), row.weights + j, n));
      store_n(D(), product(load_n(D(), row.x + j, n), of_y), y + j, n);
    }
  }
  HWY_INLINE V at(const GradientRows<X>& row, std::int64_t j) const {
    auto of_y = load(D(), row.of_y + j);
    if constexpr (has_weights) of_y = hn::Mul(of_y, hn::LoadU(D(), row.weights + j));
    return product(load(D(), row.x + j), of_y);
  }
  HWY_INLINE V product(V x, V of_y) const { return hn::NegMulAdd(along_, direction(x), hn::Mul(direct_, of_y)); }
  HWY_INLINE V direction(V x) const {
    if constexpr (takes_squares)
      return hn::Mul(x, slope_);
    else
      return hn::IfThenZeroElse(hn::Eq(x, hn::Zero(D())), hn::CopySign(hn::Set(D(), T{1}), x));
  }

  V direct_, along_, slope_;
};

/// The gradients of consecutive rows.
template <class X>
class Gradients {
  using T = ComputeOf<X, X>;

  static constexpr std::int64_t run_columns = 448;  // so many of a long row are summed, and stored, at a time
  static constexpr std::int64_t max_short_bytes = 1024;
  static constexpr std::int64_t max_rows = 64;       // of a block
  static constexpr std::int64_t block_bytes = 8192;  // of each array
  static constexpr std::int64_t group_rows = VectorsOfRows<T>::rows;

 public:
  Gradients(const HostMatrix& matrix, const HostGradient& gradient)
      : matrix_(matrix), gradient_(gradient), weights_of_sums_(matrix), weights_(matrix) {}

  HWY_INLINE void take(std::int64_t first, std::int64_t last) {
    if (is_short())
      take_blocks(first, last);
    else if (matrix_.overlap)
      take_overlapped(first, last);
    else
      take_separately(first, last);
  }

 private:
  /// Short rows: the scales of a block are found together. A few rows of the next block are summed, then as many of
  /// this one stored, so that memory is read and written at the same time.
  void take_blocks(std::int64_t first, std::int64_t last) {
    const std::int64_t row_bytes = matrix_.columns * static_cast<std::int64_t>(sizeof(X));
    const std::int64_t groups = std::clamp<std::int64_t>(block_bytes / row_bytes, 1, max_rows) / group_rows;
    const std::int64_t block_rows = std::max<std::int64_t>(1, groups) * group_rows;
    const auto rows_of = [&](std::int64_t begin, std::int64_t end) {
      return std::clamp<std::int64_t>(end - begin, 0, group_rows);
    };
    HostGradientSum sums[max_rows];
    HostGradientScale scales[max_rows];
    std::int64_t end = std::min(last, first + block_rows);
    ahead_ = (block_rows + group_rows) * matrix_.x_stride;
    for (std::int64_t i = 0; i < block_rows; i += group_rows)
      sum_rows(first + i, rows_of(first + i, end), 0, matrix_.columns, sums + i);
    for (; first < last; first = end) {
      end = std::min(last, first + block_rows);
      const std::int64_t next_end = std::min(last, end + block_rows);
      gradient_.finish(gradient_.finisher, sums, end - first, scales);
      for (std::int64_t i = 0; i < block_rows; i += group_rows) {
        sum_rows(end + i, rows_of(end + i, next_end), 0, matrix_.columns, sums + i);
        store_rows(first + i, rows_of(first + i, end), 0, matrix_.columns, scales + i);
      }
    }
  }

  /// Each row is summed while the one before is stored, which is still in the caches.
  void take_overlapped(std::int64_t first, std::int64_t last) {
    HostGradientSum sum = sum_of_row(first);
    ahead_ = matrix_.x_stride + run_columns;
    for (; first < last; ++first) {
      const HostGradientScale scale = scale_of(sum);
      for (std::int64_t run = 0; run < runs(); ++run) {
        if (first + 1 < last) add_run(sum, first + 1, run);
        store_run(first, run, scale);
      }
    }
  }

  /// Rows of which the caches hold no two. Each is stored from its end, which they still hold.
  void take_separately(std::int64_t first, std::int64_t last) {
    for (; first < last; ++first) {
      const HostGradientScale scale = scale_of(sum_of_row(first));
      for (std::int64_t run = runs(); run-- > 0;) store_run(first, run, scale);
    }
  }

  bool is_short() const { return matrix_.columns * static_cast<std::int64_t>(sizeof(X)) <= max_short_bytes; }

  std::int64_t runs() const { return (matrix_.columns + run_columns - 1) / run_columns; }

  HostGradientScale scale_of(const HostGradientSum& sum) const {
    HostGradientScale scale;
    gradient_.finish(gradient_.finisher, &sum, 1, &scale);
    return scale;
  }

  HostGradientSum sum_of_row(std::int64_t i) {
    HostGradientSum sum;
    for (std::int64_t run = 0; run < runs(); ++run) add_run(sum, i, run);
    return sum;
  }

  void add_run(HostGradientSum& sum, std::int64_t i, std::int64_t run) {
    HostGradientSum part;
    sum_rows(i, 1, run * run_columns, std::min(matrix_.columns, (run + 1) * run_columns), &part);
    sum = run == 0 ? part : gradient_.combine(gradient_.finisher, sum, part);
  }

  /// What is stored of a run begins and ends at lines of memory.
  void store_run(std::int64_t i, std::int64_t run, const HostGradientScale& scale) {
    const std::int64_t head = elements_to_line(y_row(i)), columns = matrix_.columns;
    const auto begin_of = [&](std::int64_t r) { return r == 0 ? 0 : std::min(columns, r * run_columns + head); };
    const std::int64_t end = run + 1 == runs() ? columns : begin_of(run + 1);
    store_rows(i, 1, begin_of(run), end, &scale);
  }

  X* y_row(std::int64_t i) const { return static_cast<X*>(matrix_.y) + i * matrix_.y_stride; }

  /// A part of the rows from `first` on.
  GradientRows<X> rows_from(std::int64_t first, std::int64_t begin, std::int64_t end, Weights<T>& weights) {
    const std::int64_t offset = first * matrix_.x_stride + begin;
    return {static_cast<const X*>(matrix_.x) + offset, static_cast<const X*>(gradient_.of_y) + offset,
            weights.at(begin, end), matrix_.x_stride, end - begin};
  }

  /// The partial results of the columns from `begin` to before `end` of so many rows, no more than a group.
  HWY_NOINLINE void sum_rows(std::int64_t first, std::int64_t rows, std::int64_t begin, std::int64_t end,
                             HostGradientSum* sums) {
    const GradientRows<X> part = rows_from(first, begin, end, weights_of_sums_);
    if (matrix_.finisher.norm == HostNorm::squares)
      part.weights ? sum_all<HostNorm::squares, true>(part, rows, sums)
                   : sum_all<HostNorm::squares, false>(part, rows, sums);
    else
      part.weights ? sum_all<HostNorm::magnitudes, true>(part, rows, sums)
                   : sum_all<HostNorm::magnitudes, false>(part, rows, sums);
    for (std::int64_t i = 0; i < rows; ++i)
      sums[i].norm = checked<X, X>(matrix_.finisher, sums[i].norm, part.x + i * part.stride, part.columns);
  }

  template <HostNorm norm, bool has_weights>
  HWY_INLINE void sum_all(GradientRows<X> row, std::int64_t rows, HostGradientSum* sums) {
    constexpr HostNorm any = HostNorm::magnitudes;  // or squares: by now they add up in the same way
    for (std::int64_t i = 0; i < rows; ++i, row.x += row.stride, row.of_y += row.stride) {
      GradientSum<X, norm, has_weights> sum;
      sum.add(row);
      if (is_short()) {
        norms_.set(i, sum.of_norm());
        dots_.set(i, sum.dot());
      } else {
        sums[i] = {sum.of_norm().template reduced<any>(), sum.dot().template reduced<any>()};
      }
    }
    if (!is_short()) return;
    norms_.reduce(rows, [&](std::int64_t i, double total, double error) { sums[i].norm = {total, error}; });
    dots_.reduce(rows, [&](std::int64_t i, double total, double error) { sums[i].dot = {total, error}; });
  }

  HWY_NOINLINE void store_rows(std::int64_t first, std::int64_t rows, std::int64_t begin, std::int64_t end,
                               const HostGradientScale* scales) {
    const GradientRows<X> part = rows_from(first, begin, end, weights_);
    X* const y = y_row(first) + begin;
    if (matrix_.finisher.norm == HostNorm::squares)
      part.weights ? store_all<true, true>(part, y, rows, scales) : store_all<true, false>(part, y, rows, scales);
    else
      part.weights ? store_all<false, true>(part, y, rows, scales) : store_all<false, false>(part, y, rows, scales);
  }

  template <bool takes_squares, bool has_weights>
  HWY_INLINE void store_all(GradientRows<X> row, X* y, std::int64_t rows, const HostGradientScale* scales) const {
    for (std::int64_t i = 0; i < rows; ++i, row.x += row.stride, row.of_y += row.stride, y += matrix_.y_stride)
      GradientProduct<X, takes_squares, has_weights>(scales[i]).store_row(row, y, ahead_, matrix_.bypass_cache);
  }

  const HostMatrix& matrix_;
  const HostGradient& gradient_;
  Weights<T> weights_of_sums_, weights_;  // which may be those of different columns
  VectorsOfRows<T> norms_, dots_;
  std::int64_t ahead_ = 0;  // from what is stored to what is fetched meanwhile
};

template <class X>
void gradients(const HostMatrix& matrix, const HostGradient& gradient, std::int64_t first, std::int64_t last) {
  Gradients<X>(matrix, gradient).take(first, last);
  if (matrix.bypass_cache) hwy::FlushStream();
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace rownorm::impl
HWY_AFTER_NAMESPACE();

#endif
