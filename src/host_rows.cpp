// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <rownorm/impl/host_rows.hpp>
#include <type_traits>

#include <hwy/cache_control.h>

// This file is compiled once for each of these instruction sets. Those between them gain nothing here.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL | HWY_AVX3_ZEN4 | HWY_AVX3_SPR)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "host_rows.cpp"
#include <hwy/foreach_target.h>  // before highway.h
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace rownorm::impl {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

constexpr std::size_t line_bytes = 64;
/// So far ahead of what is summed x is fetched. The hardware does that as well, but stops at the end of each page.
constexpr std::size_t fetch_ahead_bytes = 1024;
constexpr std::size_t page_bytes = 4096;

template <class X, class Y>
using ComputeOf = std::conditional_t<std::is_same_v<X, double> || std::is_same_v<Y, double>, double, float>;

// ---- Values, as they are computed with ----

/// Values of 16 bits as float.
template <class D, class V>
HWY_INLINE hn::Vec<D> to_float(D d, V v) {
#if HWY_ARCH_ARM || (HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2)
  constexpr bool by_hardware = true;
#else
  constexpr bool by_hardware = false;
#endif
  if constexpr (by_hardware || std::is_same_v<hn::TFromV<V>, hwy::bfloat16_t>) {
    return hn::PromoteTo(d, v);
  } else {
    // Without instructions for it Highway takes infinities and NaN for numbers.
    const hn::RebindToUnsigned<D> bits_of;
    const auto bits = hn::PromoteTo(bits_of, hn::BitCast(hn::Rebind<std::uint16_t, D>(), v));
    const auto magnitude = hn::ShiftLeft<13>(hn::And(bits, hn::Set(bits_of, 0x7fffU)));
    const auto sign = hn::ShiftLeft<16>(hn::And(bits, hn::Set(bits_of, 0x8000U)));
    // As bits of a float a number is 2^112 times too small, subnormal or not.
    const auto number = hn::BitCast(bits_of, hn::Mul(hn::BitCast(d, magnitude), hn::Set(d, 0x1p112F)));
    const auto special = hn::Or(magnitude, hn::Set(bits_of, 0x7f800000U));
    const auto is_special = hn::Ge(magnitude, hn::Set(bits_of, 0x7c00U << 13));
    return hn::BitCast(d, hn::Or(sign, hn::IfThenElse(is_special, special, number)));
  }
}

/// n neighbours, or as many as a vector has, converted to its type.
template <class D, class X, class Load>
HWY_INLINE hn::Vec<D> load_converted(D d, const Load& load) {
  using T = hn::TFromD<D>;
  if constexpr (std::is_same_v<X, T>)
    return load(d);
  else if constexpr (sizeof(X) == 4)
    return hn::PromoteTo(d, load(hn::Rebind<X, D>()));
  else if constexpr (sizeof(T) == 4)
    return to_float(d, load(hn::Rebind<X, D>()));
  else
    return hn::PromoteTo(d, to_float(hn::Rebind<float, D>(), load(hn::Rebind<X, D>())));
}

template <class D, class X>
HWY_INLINE hn::Vec<D> load(D d, const X* x) {
  return load_converted<D, X>(d, [&](auto memory) HWY_ATTR { return hn::LoadU(memory, x); });
}

template <class D, class X>
HWY_INLINE hn::Vec<D> load_n(D d, const X* x, std::size_t n) {
  return load_converted<D, X>(d, [&](auto memory) HWY_ATTR { return hn::LoadN(memory, x, n); });
}

template <class D, class Y, class Store>
HWY_INLINE void store_converted(D d, hn::Vec<D> v, const Store& store) {
  using T = hn::TFromD<D>;
  if constexpr (std::is_same_v<Y, T>)
    store(d, v);
  else if constexpr (2 * sizeof(Y) == sizeof(T))
    store(hn::Rebind<Y, D>(), hn::DemoteTo(hn::Rebind<Y, D>(), v));
  else
    store(hn::Rebind<Y, D>(), hn::DemoteTo(hn::Rebind<Y, D>(), hn::DemoteTo(hn::Rebind<float, D>(), v)));
}

template <bool bypass_cache, class D, class Y>
HWY_INLINE void store(D d, hn::Vec<D> v, Y* y) {
  store_converted<D, Y>(d, v, [&](auto memory, auto stored) HWY_ATTR {
    // Of a part of a register Highway would stream 16 bytes nevertheless.
    if constexpr (bypass_cache && hn::MaxLanes(memory) * sizeof(Y) >= 16)
      hn::Stream(stored, memory, y);
    else
      hn::StoreU(stored, memory, y);
  });
}

template <class D, class Y>
HWY_INLINE void store_n(D d, hn::Vec<D> v, Y* y, std::size_t n) {
  store_converted<D, Y>(d, v, [&](auto memory, auto stored) HWY_ATTR { hn::StoreN(stored, memory, y, n); });
}

/// Elements before the next line of memory.
template <class Y>
HWY_INLINE std::int64_t elements_to_line(const Y* y) {
  return static_cast<std::int64_t>((line_bytes - reinterpret_cast<std::uintptr_t>(y) % line_bytes) % line_bytes /
                                   sizeof(Y));
}

// ---- Sums ----

/// A vector of sums in double, exact enough for values of float or less.
template <class D>
struct PlainSums {
  hn::Vec<D> total;

  HWY_INLINE PlainSums() : total(hn::Zero(D())) {}
  HWY_INLINE void add(hn::Vec<D> value) { total = hn::Add(total, value); }
  HWY_INLINE void add(const PlainSums& other) { add(other.total); }
  HWY_INLINE HostSum reduced() const { return {hn::ReduceSum(D(), total), 0}; }
  HWY_INLINE void load(const double* totals, const double*) { total = hn::LoadU(D(), totals); }
  HWY_INLINE void store(double* totals, double*) const { hn::StoreU(total, D(), totals); }
};

/// The same for values of double: what rounding takes from a total is summed as well (Knuth's two-sum).
template <class D>
struct CompensatedSums {
  hn::Vec<D> total;
  hn::Vec<D> error;

  HWY_INLINE CompensatedSums() : total(hn::Zero(D())), error(hn::Zero(D())) {}
  HWY_INLINE void add(hn::Vec<D> value) {
    const auto sum = hn::Add(total, value), added = hn::Sub(sum, total);
    error = hn::Add(error, hn::Add(hn::Sub(total, hn::Sub(sum, added)), hn::Sub(value, added)));
    total = sum;
  }
  HWY_INLINE void add(const CompensatedSums& other) {
    add(other.total);
    error = hn::Add(error, other.error);
  }
  HWY_INLINE HostSum reduced() const {
#if HWY_HAVE_SCALABLE
    HWY_ALIGN double totals[hn::MaxLanes(D())];
    hn::Store(total, D(), totals);
    const hn::CappedTag<double, 1> one;
    CompensatedSums<hn::CappedTag<double, 1>> sums;
    for (std::size_t lane = 0; lane < hn::Lanes(D()); ++lane) sums.add(hn::Set(one, totals[lane]));
    return {hn::GetLane(sums.total), hn::GetLane(sums.error) + hn::ReduceSum(D(), error)};
#else
    if constexpr (hn::MaxLanes(D()) == 1) {
      return {hn::GetLane(total), hn::GetLane(error)};
    } else {
      using Half = hn::Half<D>;
      CompensatedSums<Half> half, upper;
      half.total = hn::LowerHalf(Half(), total), half.error = hn::LowerHalf(Half(), error);
      upper.total = hn::UpperHalf(Half(), total), upper.error = hn::UpperHalf(Half(), error);
      half.add(upper);
      return half.reduced();
    }
#endif
  }
  HWY_INLINE void load(const double* totals, const double* errors) {
    total = hn::LoadU(D(), totals);
    error = hn::LoadU(D(), errors);
  }
  HWY_INLINE void store(double* totals, double* errors) const {
    hn::StoreU(total, D(), totals);
    hn::StoreU(error, D(), errors);
  }
};

template <class X, class Y, class D>
using SumsOf = std::conditional_t<std::is_same_v<ComputeOf<X, Y>, double>, CompensatedSums<D>, PlainSums<D>>;

/// Of one piece of a row, step by step, so that something else can be done between the steps. Values are taken in
/// units: double holds any sum of float or less.
template <class X, class Y>
class PieceSum {
  using D = hn::ScalableTag<double>;
  using F = hn::ScalableTag<float>;
  using Sums = SumsOf<X, Y, D>;
  /// Neighbours of 16 bits are added in float first: half the conversions to double.
  static constexpr bool in_pairs = sizeof(X) == 2 && std::is_same_v<ComputeOf<X, Y>, float>;

 public:
  HWY_INLINE explicit PieceSum(double value_per_unit = 1) : factor_(hn::Set(D(), value_per_unit)) {}

  static HWY_INLINE std::int64_t step_values() { return 4 * static_cast<std::int64_t>(hn::Lanes(D())); }

  HWY_INLINE void step(const X* x) {
    const auto lanes = hn::Lanes(D());
    for (std::int64_t j = 0; j < step_values(); j += line_bytes / sizeof(X))
      hwy::Prefetch(x + j + fetch_ahead_bytes / sizeof(X));
    if constexpr (in_pairs) {
      add_pair(load(F(), x), load(F(), x + 2 * lanes));
    } else {
      add(sums0_, load(D(), x));
      add(sums1_, load(D(), x + lanes));
      add(sums2_, load(D(), x + 2 * lanes));
      add(sums3_, load(D(), x + 3 * lanes));
    }
  }

  /// Fewer values than a step has.
  HWY_INLINE void last_step(const X* x, std::size_t n) {
    const auto lanes = hn::Lanes(D());
    if constexpr (in_pairs) {
      const auto most = hn::Lanes(F());
      add_pair(load_n(F(), x, std::min(n, most)), load_n(F(), x + most, n > most ? n - most : 0));
    } else {
      std::size_t j = 0;
      for (; j + lanes <= n; j += lanes) add(sums0_, load(D(), x + j));
      if (j < n) add(sums1_, load_n(D(), x + j, n - j));
    }
  }

  HWY_INLINE HostSum reduced() {
    sums0_.add(sums1_);
    if constexpr (!in_pairs) {
      sums2_.add(sums3_);
      sums0_.add(sums2_);
    }
    return sums0_.reduced();
  }

 private:
  HWY_INLINE void add(Sums& sums, hn::Vec<D> value) {
    value = hn::Abs(value);
    if constexpr (std::is_same_v<Sums, CompensatedSums<D>>) value = hn::Mul(value, factor_);
    sums.add(value);
  }
  HWY_INLINE void add_pair(hn::Vec<F> a, hn::Vec<F> b) {
    const auto sum = hn::Add(hn::Abs(a), hn::Abs(b));
    sums0_.add(hn::PromoteLowerTo(D(), sum));
    sums1_.add(hn::PromoteUpperTo(D(), sum));
  }

  hn::Vec<D> factor_;
  Sums sums0_, sums1_, sums2_, sums3_;
};

constexpr double infinity = std::numeric_limits<double>::infinity();

template <class X, class Y>
HWY_INLINE HostSum finish_piece(PieceSum<X, Y>& sum, const X* x, std::int64_t j, std::int64_t n) {
  const std::int64_t step = sum.step_values();
  for (; j + step <= n; j += step) sum.step(x + j);
  if (j < n) sum.last_step(x + j, static_cast<std::size_t>(n - j));
  return sum.reduced();
}

/// The sum of a piece that has left the range of what it was taken in.
template <class X, class Y>
HWY_NOINLINE HostSum sum_overflowed(const X* x, std::int64_t n) {
  if constexpr (std::is_same_v<ComputeOf<X, Y>, double>) {
    PieceSum<X, Y> sum(1 / HostSum::large_unit);
    return finish_piece(sum, x, 0, n);
  } else {
    double total = 0;  // pairs may overflow float, single values cannot overflow double
    for (std::int64_t j = 0; j < n; ++j)
      total += static_cast<double>(hn::GetLane(hn::Abs(load_n(hn::CappedTag<float, 1>(), x + j, 1))));
    return {total, 0};
  }
}

template <class X, class Y>
HWY_INLINE HostSum checked(const HostSum& sum, const X* x, std::int64_t n) {
  return HWY_UNLIKELY(sum.total == infinity) ? sum_overflowed<X, Y>(x, n) : sum;
}

template <class X, class Y>
HWY_INLINE HostSum sum_piece(const X* x, std::int64_t n) {
  PieceSum<X, Y> sum;
  return checked<X, Y>(finish_piece(sum, x, 0, n), x, n);
}

/// The sum of fewer values than a step has, of which `vectors` are to be loaded and the last has n.
template <class X, class Y, int vectors>
HWY_INLINE auto sum_narrow(const X* x, std::size_t n) {
  using D = hn::ScalableTag<double>;
  const D d;
  const auto lanes = hn::Lanes(d);
  SumsOf<X, Y, D> sums;
  if constexpr (vectors == 1) {
    sums.total = hn::Abs(load_n(d, x, n));
  } else {
    sums.total = hn::Abs(load(d, x));
    if constexpr (vectors > 2) sums.add(hn::Abs(load(d, x + lanes)));
    if constexpr (vectors > 3) sums.add(hn::Abs(load(d, x + 2 * lanes)));
    sums.add(hn::Abs(load_n(d, x + (vectors - 1) * lanes, n)));
  }
  return sums.reduced();
}

// ---- Products ----

/// y = (x * power) * factor, for parts of a row that begin where `begin` says, but for the first.
template <bool bypass_cache, bool has_power, class X, class Y>
class RowProduct {
  using T = ComputeOf<X, Y>;
  using D = hn::ScalableTag<T>;

 public:
  HWY_INLINE RowProduct(const X* x, Y* y, const HostScale& scale)
      : x_(x),
        y_(y),
        power_(hn::Set(D(), static_cast<T>(scale.power))),
        factor_(hn::Set(D(), static_cast<T>(scale.factor))) {}

  HWY_INLINE void few(std::int64_t j, std::int64_t end) const {
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(D()));
    for (; j < end; j += lanes) {
      const auto count = static_cast<std::size_t>(std::min(lanes, end - j));
      store_n(D(), product(load_n(D(), x_ + j, count)), y_ + j, count);
    }
  }

  /// As many values as PieceSum takes at a step; y + j lies at the start of a line.
  HWY_INLINE void step(std::int64_t j) const {
    const auto lanes = hn::Lanes(D());
    store<bypass_cache>(D(), product(load(D(), x_ + j)), y_ + j);
    store<bypass_cache>(D(), product(load(D(), x_ + j + lanes)), y_ + j + lanes);
    if constexpr (sizeof(T) == 8) {
      store<bypass_cache>(D(), product(load(D(), x_ + j + 2 * lanes)), y_ + j + 2 * lanes);
      store<bypass_cache>(D(), product(load(D(), x_ + j + 3 * lanes)), y_ + j + 3 * lanes);
    }
  }

 private:
  HWY_INLINE hn::Vec<D> product(hn::Vec<D> v) const { return hn::Mul(has_power ? hn::Mul(v, power_) : v, factor_); }

  const X* x_;
  Y* y_;
  hn::Vec<D> power_, factor_;
};

/// Rescales a row from its element `begin` to before `end`, and meanwhile sums the n elements from `next` on, so that
/// memory is read and written at the same time.
template <bool bypass_cache, bool has_power, class X, class Y>
HWY_INLINE HostSum rescale_and_sum(const X* x, Y* y, std::int64_t begin, std::int64_t end, const HostScale& scale,
                                   const X* next, std::int64_t n) {
  const RowProduct<bypass_cache, has_power, X, Y> product(x, y, scale);
  PieceSum<X, Y> sum;
  const std::int64_t step = sum.step_values();
  std::int64_t j = std::min(end, begin + elements_to_line(y + begin)), k = 0;
  product.few(begin, j);
  for (; j + step <= end && k + step <= n; j += step, k += step) {
    sum.step(next + k);
    product.step(j);
  }
  for (; j + step <= end; j += step) product.step(j);
  product.few(j, end);
  return checked<X, Y>(finish_piece(sum, next, k, n), next, n);
}

template <class X, class Y>
HWY_NOINLINE HostSum rescale_row(const X* x, Y* y, std::int64_t begin, std::int64_t end, const HostScale& scale,
                                 bool bypass_cache, const X* next = nullptr, std::int64_t n = 0) {
  if (scale.power != 1) return rescale_and_sum<false, true>(x, y, begin, end, scale, next, n);
  if (bypass_cache) return rescale_and_sum<true, false>(x, y, begin, end, scale, next, n);
  return rescale_and_sum<false, false>(x, y, begin, end, scale, next, n);
}

// ---- Many rows at once ----

/// A scale for each of many values.
template <class X, class Y, std::int64_t size>
struct Scales {
  using T = ComputeOf<X, Y>;
  using D = hn::ScalableTag<T>;
  static constexpr std::int64_t slack = 64;  // that vectors may reach past the last

  HWY_ALIGN T factors[size + slack];
  HWY_ALIGN T powers[size + slack];

  template <bool has_powers>
  HWY_INLINE hn::Vec<D> product(hn::Vec<D> v, std::int64_t j) const {
    if constexpr (has_powers) v = hn::Mul(v, hn::LoadU(D(), powers + j));
    return hn::Mul(v, hn::LoadU(D(), factors + j));
  }

  template <bool has_powers>
  HWY_INLINE void store_few(const X* x, Y* y, std::int64_t j, std::int64_t end) const {
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(D()));
    for (; j < end; j += lanes) {
      const auto count = static_cast<std::size_t>(std::min(lanes, end - j));
      store_n(D(), product<has_powers>(load_n(D(), x + j, count), j), y + j, count);
    }
  }

  /// Stores from j on what fills vectors; says where it ended.
  template <bool bypass_cache, bool has_powers>
  HWY_INLINE std::int64_t store_vectors(const X* x, Y* y, std::int64_t j, std::int64_t end) const {
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(D()));
    for (; j + lanes <= end; j += lanes) store<bypass_cache>(D(), product<has_powers>(load(D(), x + j), j), y + j);
    return j;
  }
};

/// The sums of many rows.
template <std::int64_t size>
struct Totals {
  static constexpr std::int64_t slack = 64;

  HWY_ALIGN double totals[size + slack];
  HWY_ALIGN double errors[size + slack];

  HWY_INLINE void set(std::int64_t row, const HostSum& sum) {
    totals[row] = sum.total;
    errors[row] = sum.error;
  }
};

/// From sums to scales, for so many rows. True where all powers are one, and not set. sum_again(row) is called where
/// a divisor has no inverse, or the sum has overflowed.
template <class X, class Y, std::int64_t size, std::int64_t scales_size, class SumAgain>
HWY_INLINE bool find_scales(const HostFinisher& finisher, Totals<size>& sums, std::int64_t rows,
                            Scales<X, Y, scales_size>& scales, const SumAgain& sum_again) {
  using T = ComputeOf<X, Y>;
  const hn::ScalableTag<double> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const auto epsilon = hn::Set(d, finisher.epsilon), one = hn::Set(d, 1.0);
  const auto columns = hn::Set(d, finisher.columns), inverse = hn::Set(d, 1 / finisher.columns);
  const auto smallest = hn::Set(d, finisher.smallest), largest = hn::Set(d, finisher.largest);
  for (std::int64_t row = rows; row < rows + lanes; ++row) sums.set(row, {sums.totals[0], sums.errors[0]});
  auto are_plain = hn::Eq(one, one);
  for (std::int64_t row = 0; row < rows; row += lanes) {
    auto mean = hn::LoadU(d, sums.totals + row);
    if constexpr (sizeof(T) == 8)
      mean = hn::Div(hn::Add(mean, hn::LoadU(d, sums.errors + row)), columns);
    else
      mean = hn::Mul(mean, inverse);  // not the nearest double, which no float can tell
    const auto divisor = hn::Add(mean, epsilon);
    are_plain = hn::And(are_plain, hn::And(hn::Ge(divisor, smallest), hn::Le(divisor, largest)));
    store<false>(d, hn::Div(one, divisor), scales.factors + row);
  }
  if (HWY_LIKELY(hn::AllTrue(d, are_plain))) return true;
  // The other rows keep their factors: their bits must not depend on what rows are beside them.
  const auto is_plain = [&](std::int64_t row) {
    const double total = sums.totals[row];
    const double mean = sizeof(T) == 8 ? (total + sums.errors[row]) / finisher.columns : total * (1 / finisher.columns);
    const double divisor = mean + finisher.epsilon;
    return divisor >= finisher.smallest && divisor <= finisher.largest;
  };
  for (std::int64_t row = 0; row < rows; ++row) {
    scales.powers[row] = 1;
    if (is_plain(row)) continue;
    const HostScale scale = finisher.scale(finisher.finisher, sum_again(row));
    scales.factors[row] = static_cast<T>(scale.factor);
    scales.powers[row] = static_cast<T>(scale.power);
  }
  return false;
}

/// Short rows without gaps between them are one stretch of memory. A block of them is summed row by row, and its
/// products are taken along the stretch: each value has its scale beside it in a buffer, wherever its row begins. While
/// the products of one block are stored, the next is summed.
template <class X, class Y>
class ShortRows {
  using T = ComputeOf<X, Y>;
  using D = hn::ScalableTag<T>;
  using Doubles = hn::ScalableTag<double>;

  static constexpr std::int64_t block_values = 8192 / sizeof(T);  // which leaves room for x and y in a cache of 32 KiB
  static constexpr std::int64_t max_rows = 512;
  static constexpr std::int64_t line_values = line_bytes / sizeof(Y);

 public:
  static constexpr std::int64_t max_columns = block_values / 4;

  explicit ShortRows(const HostMatrix& matrix)
      : columns_(matrix.columns),
        x_(static_cast<const X*>(matrix.x)),
        y_(static_cast<Y*>(matrix.y)),
        finisher_(matrix.finisher) {}

  template <bool bypass_cache>
  HWY_INLINE void normalize(std::int64_t first, std::int64_t last) {
    const std::int64_t block_rows = std::min(max_rows, block_values / columns_);
    std::int64_t rows = std::min(block_rows, last - first);
    sum_first_rows(first, rows);
    begin_ = first * columns_;
    for (; first < last; first += block_rows) {
      const auto sum_again = [&](std::int64_t row)
                                 HWY_ATTR { return sum_piece<X, Y>(x_ + (first + row) * columns_, columns_); };
      const bool has_powers = !find_scales(finisher_, sums_, rows, of_rows_, sum_again);
      expand(of_values_.factors, of_rows_.factors, rows);
      if (has_powers) expand(of_values_.powers, of_rows_.powers, rows);
      const std::int64_t next = first + rows, end = next * columns_;
      rows = std::min(block_rows, last - next);
      const auto summing = [&](const auto& done) HWY_ATTR { sum_rows(next, rows, done); };
      if (has_powers) {
        store_block<false, true>(end, rows == 0, [](const auto&) {});
        sum_first_rows(next, rows);
      } else {
        store_block<bypass_cache, false>(end, rows == 0, summing);
      }
    }
  }

 private:
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
      PieceSum<X, Y> sum;
      std::int64_t j = 0;
      for (; j + step <= columns_; j += step) {
        sum.step(x + j);
        done(row * columns_ + j);
      }
      if (j < columns_) sum.last_step(x + j, static_cast<std::size_t>(columns_ - j));
      sums_.set(row, sum.reduced());
    }
  }

  template <int vectors, class Done>
  HWY_INLINE void sum_narrow_rows(std::int64_t first, std::int64_t rows, const Done& done) {
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(Doubles()));
    const auto n = static_cast<std::size_t>(columns_ - (vectors - 1) * lanes);
    const std::int64_t rows_at_once = std::max<std::int64_t>(1, 128 / columns_);
    const X* x = x_ + first * columns_;
    for (std::int64_t row = 0; row < rows;) {
      for (const std::int64_t until = std::min(rows, row + rows_at_once); row < until; ++row, x += columns_) {
        hwy::Prefetch(x + fetch_ahead_bytes / sizeof(X));
        sums_.set(row, sum_narrow<X, Y, vectors>(x, n));
      }
      done(row * columns_);
    }
  }

  /// Puts each row's value beside all of its elements.
  HWY_INLINE void expand(T* HWY_RESTRICT to, const T* HWY_RESTRICT values, std::int64_t rows) {
    const D d;
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
    T* place = to + carried_;
    for (std::int64_t row = 0; row < rows; ++row, place += columns_) {
      const auto value = hn::Set(d, values[row]);
      for (std::int64_t j = 0; j < columns_; j += lanes) hn::StoreU(value, d, place + j);
    }
  }

  /// Stores all values to before `end`, but those of the last line, which the next block completes, if there is one.
  /// Meanwhile calls meanwhile(f), which every now and then calls f(values that may be stored).
  template <bool bypass_cache, bool has_powers, class Meanwhile>
  HWY_INLINE void store_block(std::int64_t end, bool is_last, const Meanwhile& meanwhile) {
    const X* const x = x_ + begin_;
    Y* const y = y_ + begin_;
    const std::int64_t n = end - begin_, head = std::min(n, elements_to_line(y));
    // Powers are not carried: a block that has them leaves nothing.
    const std::int64_t in_lines = is_last || has_powers ? n : head + (n - head) / line_values * line_values;
    of_values_.template store_few<has_powers>(x, y, 0, head);
    std::int64_t j = head;
    const auto store_until = [&](std::int64_t until) HWY_ATTR {
      j = of_values_.template store_vectors<bypass_cache, has_powers>(x, y, j, std::min(until, in_lines));
    };
    meanwhile(store_until);
    store_until(in_lines);
    of_values_.template store_few<has_powers>(x, y, j, in_lines);
    carried_ = n - in_lines;
    for (std::int64_t k = 0; k < carried_; ++k) {
      of_values_.factors[k] = of_values_.factors[in_lines + k];
      of_values_.powers[k] = 1;
    }
    begin_ = end - carried_;
  }

  std::int64_t columns_;
  const X* x_;
  Y* y_;
  HostFinisher finisher_;
  std::int64_t begin_ = 0;    // of what is not yet stored
  std::int64_t carried_ = 0;  // values of the block before among them
  Totals<max_rows> sums_;
  Scales<X, Y, max_rows> of_rows_;
  Scales<X, Y, block_values + 2 * line_values> of_values_;
};

/// Neighbouring rows whose columns are contiguous: all sums of a tile of them at once, column by column. What is read
/// of a tile is held in one stretch of memory, since columns that lie a power of two apart do not fit a cache together.
/// While a tile is stored, the next is summed, and each of its columns takes the place of one that is stored.
template <class X, class Y>
class Tiles {
  using T = ComputeOf<X, Y>;
  using Doubles = hn::ScalableTag<double>;
  using Sums = SumsOf<X, Y, Doubles>;
  static constexpr std::int64_t line_values = line_bytes / sizeof(X);

 public:
  Tiles(const HostMatrix& matrix, void* scratch) : matrix_(matrix), held_(static_cast<X*>(scratch)) {}

  template <bool bypass_cache>
  HWY_INLINE void normalize(std::int64_t first, std::int64_t last) {
    std::int64_t rows = std::min(matrix_.tile_rows, last - first);
    clear(rows);
    for (std::int64_t j = 0; j < matrix_.columns; ++j) sum_column(first, j, rows);
    for (; first < last; first += matrix_.tile_rows) {
      const auto sum_again = [&](std::int64_t row) HWY_ATTR { return sum_of_row(column(first + row, 0)); };
      const bool has_powers = !find_scales(matrix_.finisher, sums_, rows, scales_, sum_again);
      const std::int64_t next = first + rows, next_rows = std::min(matrix_.tile_rows, last - next);
      clear(next_rows);
      if (has_powers)
        store_tile<bypass_cache, true>(first, rows, next, next_rows);
      else
        store_tile<bypass_cache, false>(first, rows, next, next_rows);
      rows = next_rows;
    }
  }

 private:
  const X* column(std::int64_t row, std::int64_t j) const {
    return static_cast<const X*>(matrix_.x) + row + j * matrix_.x_stride;
  }

  HWY_INLINE void clear(std::int64_t rows) {
    std::fill_n(sums_.totals, rows, 0.0);
    std::fill_n(sums_.errors, rows, 0.0);
  }

  /// Where a column of the tile under way is held: in scratch memory, or where it is.
  const X* held(std::int64_t first, std::int64_t j) const {
    return held_ ? held_ + j * matrix_.tile_rows : column(first, j);
  }

  /// Adds a column to the sums of its rows from `row` on, line by line; says where it ended.
  HWY_INLINE std::int64_t sum_lines(const X* x, X* hold, std::int64_t ahead, std::int64_t row, std::int64_t end) {
    const Doubles d;
    const hn::Rebind<X, Doubles> memory;
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
    while (row + line_values <= end) {
      hwy::Prefetch(x + row + ahead);
      for (const std::int64_t line_end = row + line_values; row < line_end; row += lanes) {
        if (hold) hn::StoreU(hn::LoadU(memory, x + row), memory, hold + row);
        add(row, load(d, x + row));
      }
    }
    return row;
  }

  /// The rest of a column.
  HWY_INLINE void sum_few(const X* x, X* hold, std::int64_t row, std::int64_t end) {
    const Doubles d;
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
    if (hold) std::copy(x + row, x + end, hold + row);
    for (; row < end; row += lanes) add(row, load_n(d, x + row, static_cast<std::size_t>(std::min(lanes, end - row))));
  }

  HWY_INLINE void add(std::int64_t row, hn::Vec<Doubles> value) {
    Sums sums;
    sums.load(sums_.totals + row, sums_.errors + row);
    sums.add(hn::Abs(value));
    sums.store(sums_.totals + row, sums_.errors + row);
  }

  /// Each column is in another page of memory, where the hardware fetches nothing ahead.
  std::int64_t fetch_ahead(std::int64_t rows) const {
    return std::max<std::int64_t>(1, page_bytes / (rows * sizeof(X))) * matrix_.x_stride;
  }

  HWY_INLINE void sum_column(std::int64_t first, std::int64_t j, std::int64_t rows) {
    const X* const x = column(first, j);
    X* const hold = held_ ? held_ + j * matrix_.tile_rows : nullptr;
    sum_few(x, hold, sum_lines(x, hold, fetch_ahead(rows), 0, rows), rows);
  }

  /// Stores a tile, and sums another meanwhile, line by line.
  template <bool bypass_cache, bool has_powers>
  HWY_INLINE void store_tile(std::int64_t first, std::int64_t rows, std::int64_t next, std::int64_t next_rows) {
    const std::int64_t ahead = fetch_ahead(std::max<std::int64_t>(1, next_rows));
    for (std::int64_t j = 0; j < matrix_.columns; ++j) {
      const X* const x = held(first, j);
      Y* const y = static_cast<Y*>(matrix_.y) + first + j * matrix_.y_stride;
      const X* const next_x = column(next, j);
      X* const hold = held_ ? held_ + j * matrix_.tile_rows : nullptr;
      std::int64_t row = std::min(rows, elements_to_line(y)), next_row = 0;
      scales_.template store_few<has_powers>(x, y, 0, row);
      while (row + line_values <= rows) {
        row = scales_.template store_vectors<bypass_cache, has_powers>(x, y, row, row + line_values);
        next_row = sum_lines(next_x, hold, ahead, next_row, std::min(next_rows, next_row + line_values));
      }
      scales_.template store_few<has_powers>(x, y, row, rows);
      next_row = sum_lines(next_x, hold, ahead, next_row, next_rows);
      sum_few(next_x, hold, next_row, next_rows);
    }
  }

  /// Of one row, in large units where it must be.
  HWY_INLINE HostSum sum_of_row(const X* x) const {
    const hn::CappedTag<double, 1> one;
    const auto sum_in = [&](double value_per_unit) HWY_ATTR {
      CompensatedSums<hn::CappedTag<double, 1>> sums;
      for (std::int64_t j = 0; j < matrix_.columns; ++j)
        sums.add(hn::Mul(hn::Abs(load_n(one, x + j * matrix_.x_stride, 1)), hn::Set(one, value_per_unit)));
      return HostSum{hn::GetLane(sums.total), hn::GetLane(sums.error)};
    };
    const HostSum sum = sum_in(1);
    const bool overflowed = std::is_same_v<T, double> && sum.total == infinity;  // no sum of floats does in double
    return overflowed ? sum_in(1 / HostSum::large_unit) : sum;
  }

  const HostMatrix& matrix_;
  X* held_;
  Totals<max_host_tile_rows> sums_;
  Scales<X, Y, max_host_tile_rows> scales_;
};

// ---- Rows one after the other ----

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
HostSum sum_pieces(const void* row, std::int64_t columns, std::int64_t p) {
  const Pieces pieces(columns, static_cast<const X*>(row));
  return sum_piece<X, Y>(static_cast<const X*>(row) + pieces.begin(p), pieces.values(p));
}

template <class X, class Y>
void rescale_pieces(const void* x, void* y, std::int64_t columns, const HostScale& scale, bool bypass_cache,
                    std::int64_t first, std::int64_t last) {
  const Pieces pieces(columns, static_cast<Y*>(y));
  for (std::int64_t p = last; p-- > first;)
    rescale_row(static_cast<const X*>(x), static_cast<Y*>(y), pieces.store_begin(p), pieces.store_end(p), scale,
                bypass_cache);
  if (bypass_cache) hwy::FlushStream();
}

template <class X, class Y>
HostSum sum_of_row(const HostMatrix& matrix, const X* x) {
  const Pieces pieces(matrix.columns, x);
  HostSum sum = sum_pieces<X, Y>(x, matrix.columns, 0);
  for (std::int64_t p = 1; p < pieces.count(); ++p)
    sum = matrix.finisher.combine(sum, sum_pieces<X, Y>(x, matrix.columns, p));
  return sum;
}

/// Each row is summed while the one before is stored, which is still in the caches.
template <class X, class Y>
void overlapped_rows(const HostMatrix& matrix, std::int64_t first, std::int64_t last) {
  const HostFinisher& finisher = matrix.finisher;
  const auto x_of = [&](std::int64_t i) { return static_cast<const X*>(matrix.x) + i * matrix.x_stride; };
  HostSum sum = sum_of_row<X, Y>(matrix, x_of(first));
  for (std::int64_t i = first; i < last; ++i) {
    const HostScale scale = finisher.scale(finisher.finisher, sum);
    const X* const next = x_of(i + 1);
    Y* const y = static_cast<Y*>(matrix.y) + i * matrix.y_stride;
    const Pieces pieces(matrix.columns, y);
    for (std::int64_t p = 0; p < pieces.count(); ++p) {
      const HostSum part =
          rescale_row(x_of(i), y, pieces.store_begin(p), pieces.store_end(p), scale, matrix.bypass_cache,
                      next + pieces.begin(p), i + 1 < last ? pieces.values(p) : 0);
      sum = p == 0 ? part : finisher.combine(sum, part);
    }
  }
}

/// Rows of which the caches hold no two. Each is stored from its end, which they still hold.
template <class X, class Y>
void separate_rows(const HostMatrix& matrix, std::int64_t first, std::int64_t last) {
  for (std::int64_t i = first; i < last; ++i) {
    const X* const x = static_cast<const X*>(matrix.x) + i * matrix.x_stride;
    Y* const y = static_cast<Y*>(matrix.y) + i * matrix.y_stride;
    const HostScale scale = matrix.finisher.scale(matrix.finisher.finisher, sum_of_row<X, Y>(matrix, x));
    rescale_pieces<X, Y>(x, y, matrix.columns, scale, matrix.bypass_cache, 0, Pieces(matrix.columns, y).count());
  }
}

template <class Rows>
void normalize_with(Rows rows, const HostMatrix& matrix, std::int64_t first, std::int64_t last) {
  if (matrix.bypass_cache)
    rows.template normalize<true>(first, last);
  else
    rows.template normalize<false>(first, last);
}

template <class X, class Y>
void normalize_rows(const HostMatrix& matrix, std::int64_t first, std::int64_t last, [[maybe_unused]] void* scratch) {
  const bool is_dense = matrix.x_stride == matrix.columns && matrix.y_stride == matrix.columns;
  // Between different types rows go the plain way: this file is compiled for sixteen pairs of types and each
  // instruction set, which takes its time.
  constexpr bool is_same = std::is_same_v<X, Y>;
  if (matrix.tile_rows > 0) {
    if constexpr (sizeof(X) == sizeof(Y)) normalize_with(Tiles<X, Y>(matrix, scratch), matrix, first, last);
  } else if (is_same && is_dense && matrix.columns <= ShortRows<X, X>::max_columns) {
    if constexpr (is_same) normalize_with(ShortRows<X, Y>(matrix), matrix, first, last);
  } else if (is_same && matrix.overlap) {
    if constexpr (is_same) overlapped_rows<X, Y>(matrix, first, last);
  } else {
    separate_rows<X, Y>(matrix, first, last);
  }
  if (matrix.bypass_cache) hwy::FlushStream();
}

template <class X, class Y>
HostKernels kernels() {
  return {sum_pieces<X, Y>, rescale_pieces<X, Y>, normalize_rows<X, Y>};
}

template <class X>
HostKernels kernels_to(HostValue y) {
  switch (y) {
    case HostValue::f32:
      return kernels<X, float>();
    case HostValue::f64:
      return kernels<X, double>();
    case HostValue::f16:
      return kernels<X, hwy::float16_t>();
    case HostValue::bf16:
      break;
  }
  return kernels<X, hwy::bfloat16_t>();
}

HostKernels find_kernels(HostValue x, HostValue y) {
  switch (x) {
    case HostValue::f32:
      return kernels_to<float>(y);
    case HostValue::f64:
      return kernels_to<double>(y);
    case HostValue::f16:
      return kernels_to<hwy::float16_t>(y);
    case HostValue::bf16:
      break;
  }
  return kernels_to<hwy::bfloat16_t>(y);
}

const char* instructions() { return hwy::TargetName(HWY_TARGET); }

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace rownorm::impl
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace rownorm::impl {

namespace {
HWY_EXPORT(find_kernels);
HWY_EXPORT(instructions);
}  // namespace

HostKernels host_kernels(HostValue x, HostValue y) { return HWY_DYNAMIC_DISPATCH(find_kernels)(x, y); }
const char* host_instructions() { return HWY_DYNAMIC_DISPATCH(instructions)(); }

}  // namespace rownorm::impl
#endif
