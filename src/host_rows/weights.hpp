// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Weights of columns, as they are computed with.
#if defined(ROWNORM_HOST_ROWS_WEIGHTS_HPP) == defined(HWY_TARGET_TOGGLE)  // once for each instruction set
#ifdef ROWNORM_HOST_ROWS_WEIGHTS_HPP
#undef ROWNORM_HOST_ROWS_WEIGHTS_HPP
#else
#define ROWNORM_HOST_ROWS_WEIGHTS_HPP
#endif

#include <algorithm>
#include <cstdint>
#include <host_rows/values.hpp>
#include <rownorm/impl/host_rows.hpp>
#include <type_traits>

HWY_BEFORE_NAMESPACE();
namespace rownorm::impl {
namespace HWY_NAMESPACE {
namespace {

/// Values of any type, `stride` apart, as neighbours of type T.
template <class T>
HWY_NOINLINE void convert_weights(const HostWeights& weights, std::int64_t first, std::int64_t count, T* to) {
  with_real_type<hwy::float16_t, hwy::bfloat16_t>(weights.type, [&]<class W>() HWY_ATTR {
    const W* const from = static_cast<const W*>(weights.data) + first * weights.stride;
    const hn::Rebind<T, hn::ScalableTag<double>> d;  // so many lanes a vector of any type has
    const hn::CappedTag<T, 1> one;
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
    std::int64_t j = 0;
    if (weights.stride == 1)
      for (; j + lanes <= count; j += lanes) hn::StoreU(load(d, from + j), d, to + j);
    for (; j < count; ++j) hn::StoreN(load_n(one, from + j * weights.stride, 1), one, to + j, 1);
  });
}

/// The weights of a matrix's columns. Those of another type than T, or with gaps between them, are converted a run at a
/// time, where they are asked for; where they are few, all of them and once.
template <class T>
class Weights {
  static constexpr std::int64_t max_run = 2048;

 public:
  explicit Weights(const HostMatrix& matrix) : weights_(matrix.weights), columns_(matrix.columns) {
    constexpr RealType type = std::is_same_v<T, double> ? RealType::f64 : RealType::f32;
    if (weights_.stride == 1 && weights_.type == type) plain_ = static_cast<const T*>(weights_.data);
  }

  bool are_given() const { return weights_.data != nullptr; }

  /// Before which column what at(j) gives ends, at the latest at `end`. A multiple of every vector's lanes after j,
  /// else.
  std::int64_t run_end(std::int64_t j, std::int64_t end) const {
    return !are_given() || plain_ || columns_ <= max_run ? end : std::min(end, j + max_run);
  }

  /// The weights of the columns from j to before `end`, which is no further than run_end; null where there are none.
  const T* at(std::int64_t j, std::int64_t end) {
    if (!are_given()) return nullptr;
    if (plain_) return plain_ + j;
    if (j < begin_ || end > end_) {
      begin_ = columns_ <= max_run ? 0 : j;
      end_ = std::min(columns_, begin_ + max_run);
      convert_weights(weights_, begin_, end_ - begin_, converted_);
    }
    return converted_ + (j - begin_);
  }

 private:
  HostWeights weights_;
  std::int64_t columns_;
  const T* plain_ = nullptr;
  std::int64_t begin_ = 0, end_ = 0;  // of those that are converted
  HWY_ALIGN T converted_[max_run];
};

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace rownorm::impl
HWY_AFTER_NAMESPACE();

#endif
