// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The kernels for rows on the host, each instruction set that this processor has: all pairs of formats, those of 16
// bits too, which Kokkos has on GPUs only.
#include <bit>
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <rownorm/impl/kernels/host_row.hpp>
#include <rownorm/impl/kernels/host_row_backward.hpp>
#include <rownorm/rownorm.hpp>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/kernels.hpp"
#include "support/reference.hpp"

#ifdef ROWNORM_TESTS_WITH_HIGHWAY
#include <hwy/targets.h>
#endif

using namespace rownorm::tests;
using rownorm::impl::HostKernels;
using rownorm::impl::HostMatrix;
using rownorm::impl::RealType;

namespace {

/// A format as numbers: significant bits, and the exponents of the smallest and the largest normal value.
struct Layout {
  RealType value;
  const char* name;
  int bytes, digits, min_exponent, max_exponent;

  long double promised_ulp() const { return bytes == 2 ? 1 : 4; }
  std::uint64_t infinity() const { return std::uint64_t(2 * max_exponent + 1) << (digits - 1); }
  std::uint64_t sign() const { return std::uint64_t{1} << (8 * bytes - 1); }

  long double decode(std::uint64_t bits) const {
    const long double s = bits & sign() ? -1 : 1;
    bits &= ~sign();
    if (bits > infinity()) return std::numeric_limits<long double>::quiet_NaN();
    if (bits == infinity()) return s * std::numeric_limits<long double>::infinity();
    const auto exponent = static_cast<int>(bits >> (digits - 1));
    const std::uint64_t fraction = bits & ((std::uint64_t{1} << (digits - 1)) - 1);
    const auto significand = static_cast<long double>(fraction | (std::uint64_t{exponent > 0} << (digits - 1)));
    return s * std::ldexp(significand, std::max(exponent, 1) - 1 + min_exponent - (digits - 1));
  }

  /// See ulp_distance of support/reference.hpp, which knows types and not formats.
  long double ulp_from(long double expected, std::uint64_t bits) const {
    const long double actual = decode(bits);
    if (std::isnan(actual) || std::isnan(expected))
      return std::isnan(actual) && std::isnan(expected) ? 0 : std::numeric_limits<long double>::infinity();
    if (std::isinf(actual) && std::abs(expected) > decode(infinity() - 1) && (actual > 0) == (expected > 0)) return 0;
    if (std::isinf(actual) || std::isinf(expected))
      return actual == expected ? 0 : std::numeric_limits<long double>::infinity();
    const int exponent = expected == 0 ? min_exponent : std::max(std::ilogb(expected), min_exponent);
    return std::abs(actual - expected) / std::ldexp(1.0L, exponent - digits + 1);
  }
};

const Layout formats[] = {{RealType::f32, "f32", 4, 24, -126, 127},
                          {RealType::f64, "f64", 8, 53, -1022, 1023},
                          {RealType::f16, "f16", 2, 11, -14, 15},
                          {RealType::bf16, "bf16", 2, 8, -126, 127}};

std::uint64_t get(const std::vector<char>& buffer, std::size_t element, int bytes) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, buffer.data() + element * static_cast<std::size_t>(bytes), static_cast<std::size_t>(bytes));
  return bits;
}
template <class T>
std::uint64_t bits_of(T value) {
  return std::bit_cast<std::conditional_t<sizeof(T) == 8, std::uint64_t, std::uint32_t>>(value);
}
void put(std::vector<char>& buffer, std::size_t element, int bytes, std::uint64_t bits) {
  std::memcpy(buffer.data() + element * static_cast<std::size_t>(bytes), &bits, static_cast<std::size_t>(bytes));
}

/// Rows of every kind, by their number: of plain values, of the largest, of the smallest, of zeros, with a NaN, with an
/// infinity, of any magnitude.
std::uint64_t element(const Layout& format, std::size_t row, std::size_t column, std::mt19937_64& random) {
  const std::uint64_t sign = random() % 2 ? format.sign() : 0,
                      one = format.infinity() / 2 & ~((1ULL << (format.digits - 1)) - 1);
  switch (row % 16) {
    case 3:
      return sign | (format.infinity() - 1);
    case 5:
      return sign | (1 + random() % 5);
    case 7:
      return sign;
    case 9:
      return column == 0 ? format.infinity() + 1 : one;
    case 11:
      return sign | (column == 0 ? format.infinity() : one);
    case 13:
      return sign | random() % format.infinity();
    default:
      return sign | (one + random() % (4ULL << (format.digits - 1)));
  }
}

struct Place {
  std::size_t offset, gap;  // elements before the first row, and between rows
  bool x_by_columns;        // a column after the other
  bool y_by_columns;

  bool has_tiles() const { return x_by_columns || y_by_columns; }
};

/// By three threads together, which meet at a barrier, or by one where there is nothing to overlap.
void normalize_tiles(const HostKernels& kernels, const HostMatrix& matrix, std::int64_t begin, std::int64_t end,
                     int value_bytes) {
  const std::int64_t size = matrix.overlap ? 3 : 1;
  std::vector<double> shared(
      static_cast<std::size_t>(rownorm::impl::host_tile_shared_bytes(matrix.columns, matrix.tile_rows, size) / 8));
  rownorm::impl::HostBarrier barrier;
  const auto work = [&](std::int64_t rank) {
    std::vector<char> held(static_cast<std::size_t>(matrix.tile_rows * matrix.columns * value_bytes));
    kernels.normalize_tiles(matrix, begin, end,
                            {.rank = rank,
                             .size = size,
                             .barrier = &barrier,
                             .shared = shared.data(),
                             .held = matrix.overlap ? held.data() : nullptr});
  };
  std::vector<std::thread> others;
  for (std::int64_t rank = 1; rank < size; ++rank) others.emplace_back(work, rank);
  work(0);
  for (std::thread& other : others) other.join();
}

/// What is asked for.
struct Request {
  const char* name = "mean absolute value";
  rownorm::AnyNorm norm{};
  const Layout* weights = nullptr;  // their format
  bool records = false;             // norms, and rows that are not ordinary
  bool writes_y = true;
};

/// The norm of a row that has no rounding to speak of.
long double reference_norm(const rownorm::AnyNorm& norm, const Reals& row) {
  using namespace rownorm;
  const bool is_of_squares = norm == AnyNorm(RootMeanSquare{}) || norm == AnyNorm(Euclidean{});
  long double sum = 0, lost = 0, largest = 0;
  for (const long double x : row) {
    const long double value = is_of_squares ? x * x : std::abs(x), next = sum + value;
    if (std::isfinite(next)) lost += value - (next - sum);
    sum = next;
    if (!(value <= largest)) largest = std::isnan(largest) ? largest : value;
  }
  sum += lost;
  if (norm == AnyNorm(MaxAbs{})) return largest;
  if (norm == AnyNorm(MeanAbs{}) || norm == AnyNorm(RootMeanSquare{})) sum /= static_cast<long double>(row.size());
  return is_of_squares ? std::sqrt(sum) : sum;
}

/// Weights that every format holds.
long double weight_of(std::size_t column) { return 0.5L + static_cast<long double>(column * 7 % 24) / 16; }

std::vector<char> encoded_weights(const Layout& format, std::size_t columns, std::size_t stride) {
  std::vector<char> buffer(columns * stride * static_cast<std::size_t>(format.bytes), 0x5a);
  for (std::size_t j = 0; j < columns; ++j) {
    const long double weight = weight_of(j);
    const int exponent = std::ilogb(weight);
    const auto significand = static_cast<std::uint64_t>(std::ldexp(weight, format.digits - 1 - exponent));
    const auto biased = static_cast<std::uint64_t>(exponent - format.min_exponent + 1);
    put(buffer, j * stride, format.bytes, (biased - 1) * (1ULL << (format.digits - 1)) + significand);
  }
  return buffer;
}

/// Runs normalize_rows or normalize_tiles from one format to the other, and checks each element of y and what lies
/// around them, and what is recorded.
template <class Compute>
void check_rows(const Layout& x_format, const Layout& y_format, std::size_t rows, std::size_t columns,
                const Place& place, HostMatrix matrix, std::int64_t split, const Request& request) {
  CAPTURE(request.name, request.records, request.writes_y, request.weights ? request.weights->name : "no weights");
  CAPTURE(x_format.name, y_format.name, rows, columns, place.offset, place.gap, place.x_by_columns, place.y_by_columns);
  CAPTURE(matrix.bypass_cache, matrix.overlap, matrix.tile_rows, rownorm::impl::host_instructions());
  const auto index_in = [&](bool by_columns) {
    return [=, &place](std::size_t i, std::size_t j) {
      return place.offset + (by_columns ? j * (rows + place.gap) + i : i * (columns + place.gap) + j);
    };
  };
  const auto x_index = index_in(place.x_by_columns), y_index = index_in(place.y_by_columns);
  const std::size_t length = place.offset + (rows + place.gap) * (columns + place.gap) + 3;
  constexpr char poison = 0x5a;
  std::vector<char> x(length * static_cast<std::size_t>(x_format.bytes), poison);
  std::vector<char> y(length * static_cast<std::size_t>(y_format.bytes), poison), expected_poison = y;
  std::mt19937_64 random(columns);
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t j = 0; j < columns; ++j) put(x, x_index(i, j), x_format.bytes, element(x_format, i, j, random));

  const std::size_t weight_stride = columns % 2 + 1;
  std::vector<char> weights;
  if (request.weights) weights = encoded_weights(*request.weights, columns, weight_stride);
  std::vector<Compute> norms(rows, Compute{-1});
  rownorm::RowStatus status, expected_status;
  rownorm::impl::RowExtras extras;
  extras.writes_y = matrix.writes_y = request.writes_y;
  if (request.records) {
    extras.norms = rownorm::impl::VectorRef(Kokkos::View<Compute*, Kokkos::HostSpace>(norms.data(), rows));
    extras.norm_offsets = {1, static_cast<std::int64_t>(rows), 0, 0, 0};
    extras.status = &status;
  }
  if (request.weights)
    matrix.weights = {weights.data(), static_cast<std::int64_t>(weight_stride), request.weights->value};
  matrix.x = x.data() + place.offset * static_cast<std::size_t>(x_format.bytes);
  matrix.y = y.data() + place.offset * static_cast<std::size_t>(y_format.bytes);
  matrix.columns = static_cast<std::int64_t>(columns);
  matrix.x_by_columns = place.x_by_columns;
  matrix.y_by_columns = place.y_by_columns;
  matrix.x_stride = static_cast<std::int64_t>((place.x_by_columns ? rows : columns) + place.gap);
  matrix.y_stride = static_cast<std::int64_t>((place.y_by_columns ? rows : columns) + place.gap);
  const HostKernels kernels = rownorm::impl::host_kernels(x_format.value, y_format.value);
  const auto last = static_cast<std::int64_t>(rows);
  const auto run = [&](const auto& norm, const rownorm::impl::RowLength& row_length) {
    using Norm = std::remove_cvref_t<decltype(norm)>;
    const rownorm::impl::ExtendedFinisher<Norm, Compute> finisher{{norm, row_length, static_cast<Compute>(1e-8)},
                                                                  extras};
    matrix.finisher = rownorm::impl::host_finisher(finisher);
    for (const auto& [begin, end] : {std::pair{std::int64_t{0}, split}, std::pair{split, last}}) {
      if (place.has_tiles())
        normalize_tiles(kernels, matrix, begin, end, x_format.bytes);
      else
        kernels.normalize_rows(matrix, begin, end);
    }
  };
  rownorm::impl::with_compiled_norm(request.norm, matrix.columns, run);

  const Layout& norm_format = std::is_same_v<Compute, double> ? formats[1] : formats[0];
  long double worst = 0, worst_norm = 0;
  for (std::size_t i = 0; i < rows; ++i) {
    Reals row(columns);
    for (std::size_t j = 0; j < columns; ++j) row[j] = x_format.decode(get(x, x_index(i, j), x_format.bytes));
    const long double norm = reference_norm(request.norm, row);
    const long double divisor = norm + static_cast<long double>(static_cast<Compute>(1e-8));
    if (request.records) {
      worst_norm = std::max(worst_norm, norm_format.ulp_from(norm, bits_of(norms[i])));
      expected_status.zero += norm == 0;
      expected_status.nan += std::isnan(norm);
      expected_status.infinite += std::isinf(norm);
    }
    for (std::size_t j = 0; request.writes_y && j < columns; ++j) {
      const long double expected = row[j] / divisor * (request.weights ? weight_of(j) : 1);
      worst = std::max(worst, y_format.ulp_from(expected, get(y, y_index(i, j), y_format.bytes)));
      for (int b = 0; b < y_format.bytes; ++b) {
        const std::size_t at = y_index(i, j) * static_cast<std::size_t>(y_format.bytes) + static_cast<std::size_t>(b);
        y[at] = poison;
      }
    }
  }
  CHECK(worst <= y_format.promised_ulp());
  CHECK(y == expected_poison);
  CHECK(worst_norm <= norm_format.promised_ulp());
  CHECK(status == expected_status);
}

void check_all_places(const Layout& x, const Layout& y, std::size_t rows, std::size_t columns,
                      const Request& request = {}) {
  const auto check = [&](const Place& place, std::int64_t tile_rows, bool bypass_cache, bool overlap) {
    HostMatrix matrix{};
    matrix.tile_rows = tile_rows;
    matrix.bypass_cache = bypass_cache;
    matrix.overlap = overlap;
    const auto split = static_cast<std::int64_t>(rows) / 3;
    if (x.value == RealType::f64 || y.value == RealType::f64)
      check_rows<double>(x, y, rows, columns, place, matrix, split, request);
    else
      check_rows<float>(x, y, rows, columns, place, matrix, split, request);
  };
  for (const bool bypass_cache : {false, true}) {
    check({1, 0, false, false}, 0, bypass_cache, true);
    check({5, 3, false, false}, 0, bypass_cache, true);
    check({0, 1, false, false}, 0, bypass_cache, false);
    if (x.bytes != y.bytes) continue;
    check({0, 0, true, true}, 16, bypass_cache, true);
    check({3, 5, true, true}, 33, bypass_cache, false);
    if (x.value != y.value || x.bytes == 2) continue;
    check({0, 11, true, false}, 32, bypass_cache, false);  // 48 = 37 + 11: lines of y are whole
    check({3, 0, true, false}, 16, bypass_cache, false);
    check({0, 11, false, true}, 32, bypass_cache, false);
    check({3, 0, false, true}, 16, bypass_cache, false);
  }
}

/// A row of gradients, and the larger of the two products of each.
struct Gradient {
  Reals values, products;
};

Gradient reference_gradient(const rownorm::AnyNorm& norm, const Reals& x, const Reals& of_y, const Reals& weights,
                            long double epsilon) {
  const bool takes_squares = norm == rownorm::RootMeanSquare{};
  const long double of_row = reference_norm(norm, x), direct = 1 / (of_row + epsilon);
  long double dot = 0;
  for (std::size_t j = 0; j < x.size(); ++j) dot += weights[j] * of_y[j] * x[j];
  Gradient gradient{Reals(x.size()), Reals(x.size())};
  for (std::size_t k = 0; k < x.size(); ++k) {
    const long double sign = (x[k] > 0 ? 1 : 0) - (x[k] < 0 ? 1 : 0);
    const long double slope = takes_squares ? (of_row == 0 ? 0 : x[k] / of_row) : sign;
    const long double first = direct * weights[k] * of_y[k];
    const long double second = dot * direct * direct * slope / static_cast<long double>(x.size());
    const bool is_nan = !std::isfinite(of_row);
    gradient.values[k] = is_nan ? std::numeric_limits<long double>::quiet_NaN() : first - second;
    gradient.products[k] = std::max(std::abs(first), std::abs(second));
  }
  return gradient;
}

/// What test_backward.cpp promises: ulp of the larger product, but of those of 16 bits of what they leave, unless they
/// cancel.
long double gradient_error(const Layout& format, const Gradient& expected, std::size_t k, std::uint64_t bits) {
  const long double actual = format.decode(bits), value = expected.values[k];
  if (std::isnan(actual) || std::isnan(value)) return std::isnan(actual) && std::isnan(value) ? 0 : 1e30L;
  const long double unit = std::ldexp(expected.products[k], format.bytes == 2 ? -8 : 0);
  const long double scale = std::max(std::abs(value), unit);
  const int exponent = scale == 0 ? format.min_exponent : std::max(std::ilogb(scale), format.min_exponent);
  return std::abs(actual - value) / std::ldexp(1.0L, exponent - format.digits + 1);
}

/// Plain values, zeros, and rows with a NaN or an infinity; of double also rows whose squares leave its range.
std::uint64_t gradient_element(const Layout& format, std::size_t row, std::size_t column, std::mt19937_64& random) {
  constexpr std::size_t kinds[] = {0, 7, 0, 9, 0, 11, 0, 0};
  const std::uint64_t bits = element(format, kinds[row % 8], column, random);
  if (format.value != RealType::f64 || row % 8 < 6) return bits;
  const std::uint64_t power = 600ULL << 52;
  return row % 8 == 6 ? bits + power : bits - power;
}

/// Takes gradients of rows, all at once and one by one, past the caches and through them, in place and not: with the
/// same bits, which are those of the formula.
template <class Compute>
void check_gradients(const Layout& format, std::size_t rows, std::size_t columns, std::size_t offset, std::size_t gap,
                     const Request& request) {
  CAPTURE(request.name, request.weights ? request.weights->name : "no weights", format.name, rows, columns, offset, gap,
          rownorm::impl::host_instructions());
  const auto bytes = static_cast<std::size_t>(format.bytes);
  const auto index = [=](std::size_t i, std::size_t j) { return offset + i * (columns + gap) + j; };
  const std::size_t length = index(rows, 0) + 3;
  std::vector<char> x(length * bytes, 0x5a), of_y(x), first;
  std::mt19937_64 random(columns);
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t j = 0; j < columns; ++j) {
      put(x, index(i, j), format.bytes, gradient_element(format, i, j, random));
      put(of_y, index(i, j), format.bytes, element(format, 0, j, random));
    }
  const std::size_t weight_stride = columns % 2 + 1;
  std::vector<char> weights;
  if (request.weights) weights = encoded_weights(*request.weights, columns, weight_stride);
  const double epsilon = static_cast<Compute>(1e-3);

  const auto take = [&](std::vector<char>& gradient, std::vector<char>& y, std::size_t step, bool flag) {
    HostMatrix matrix{};
    matrix.x = x.data() + offset * bytes;
    matrix.y = y.data() + offset * bytes;
    matrix.columns = static_cast<std::int64_t>(columns);
    matrix.x_stride = matrix.y_stride = static_cast<std::int64_t>(columns + gap);
    matrix.bypass_cache = flag;
    matrix.overlap = flag;
    if (request.weights)
      matrix.weights = {weights.data(), static_cast<std::int64_t>(weight_stride), request.weights->value};
    rownorm::impl::with_compiled_norm(request.norm, matrix.columns, [&]<class Norm>(const Norm& norm, auto row_length) {
      if constexpr (rownorm::impl::HasDerivative<Norm>) {
        const rownorm::impl::RowFinisher<Norm, Compute> of_norm{norm, row_length, static_cast<Compute>(epsilon)};
        const rownorm::impl::BackwardFinisher<Norm, Compute, Compute> finisher{norm, row_length, epsilon, {}};
        matrix.finisher = rownorm::impl::host_finisher(of_norm);
        rownorm::impl::HostGradient of_rows = rownorm::impl::host_gradient(finisher);
        of_rows.of_y = gradient.data() + offset * bytes;
        const HostKernels kernels = rownorm::impl::host_kernels(format.value, format.value);
        for (std::size_t i = 0; i < rows; i += step)
          kernels.gradients(matrix, of_rows, static_cast<std::int64_t>(i),
                            static_cast<std::int64_t>(std::min(rows, i + step)));
      }
    });
  };
  for (const std::size_t step : {rows, std::size_t{1}, std::size_t{5}})
    for (const bool flag : {false, true}) {
      std::vector<char> y(length * bytes, 0x5a), in_place = of_y;
      take(of_y, y, step, flag);
      if (first.empty()) first = y;
      CHECK(y == first);
      take(in_place, in_place, step, false);
      CHECK(in_place == first);
    }

  Reals weight(columns, 1);
  for (std::size_t j = 0; request.weights && j < columns; ++j) weight[j] = weight_of(j);
  long double worst = 0;
  for (std::size_t i = 0; i < rows; ++i) {
    Reals row(columns), gradient(columns);
    for (std::size_t j = 0; j < columns; ++j) {
      row[j] = format.decode(get(x, index(i, j), format.bytes));
      gradient[j] = format.decode(get(of_y, index(i, j), format.bytes));
    }
    const Gradient expected = reference_gradient(request.norm, row, gradient, weight, epsilon);
    for (std::size_t j = 0; j < columns; ++j) {
      worst = std::max(worst, gradient_error(format, expected, j, get(first, index(i, j), format.bytes)));
      put(first, index(i, j), format.bytes, get(std::vector<char>(bytes, 0x5a), 0, format.bytes));
    }
  }
  CHECK(worst <= (format.bytes == 2 ? 1 : format.bytes == 4 ? 4 : 16));
  CHECK(first == std::vector<char>(length * bytes, 0x5a));
}

/// Calls f with each instruction set that was compiled and that this processor has, by itself.
template <class F>
void with_every_instruction_set(const F& f) {
#ifdef ROWNORM_TESTS_WITH_HIGHWAY
  std::set<std::string> seen;
  std::int64_t targets = hwy::SupportedTargets();
  for (; targets != 0; targets &= targets - 1) {
    hwy::SetSupportedTargetsForTest(targets & -targets);
    if (seen.insert(rownorm::impl::host_instructions()).second) f();
  }
  hwy::SetSupportedTargetsForTest(0);
#else
  f();
#endif
}

}  // namespace

TEST_CASE("rows of every format, with every instruction set", "[host][values]") {
  with_every_instruction_set([] {
    for (const Layout& x : formats)
      for (const Layout& y : formats) {
        for (const std::size_t columns : {1, 2, 3, 7, 8, 9, 15, 16, 17, 24, 31, 32, 33, 64, 100, 255, 256, 513, 1025})
          check_all_places(x, y, 37, columns);
        check_all_places(x, y, 700, 3);
        check_all_places(x, y, 16, 40000);
      }
  });
}

TEST_CASE("every norm and all that may be asked for, with every instruction set", "[host][norms][weights]") {
  using namespace rownorm;
  const auto check_shapes = [](const Layout& x, const Layout& y, const Request& request) {
    for (const std::size_t columns : {1, 2, 7, 17, 31, 100, 513}) check_all_places(x, y, 37, columns, request);
    check_all_places(x, y, 300, 3, request);
    check_all_places(x, y, 16, 2500, request);  // more weights than are converted at a time
  };
  with_every_instruction_set([&] {
    for (const Layout& x : formats)
      for (const Layout& y : formats) {
        // Each with weights of another format, so that all formats meet each other.
        const Layout* const some = &formats[(&x - formats + &y - formats) % 4];
        check_shapes(x, y, {.name = "mean absolute value", .norm = MeanAbs{}, .weights = some, .records = true});
        check_shapes(x, y, {.name = "root mean square", .norm = RootMeanSquare{}});
        check_shapes(x, y, {.name = "length", .norm = Euclidean{}, .weights = &y, .records = true});
        check_shapes(x, y, {.name = "largest value", .norm = MaxAbs{}, .records = true});
        check_all_places(x, y, 11, 40000, {.name = "length", .norm = Euclidean{}, .records = true});
        check_all_places(x, y, 11, 40000, {.name = "largest value", .norm = MaxAbs{}, .weights = some});
      }
    for (const Layout& x : formats) {
      check_shapes(x, x, {.name = "sum", .norm = SumAbs{}, .weights = &formats[1], .records = true});
      check_shapes(x, x, {.name = "mean absolute value", .norm = MeanAbs{}, .records = true, .writes_y = false});
      check_shapes(x, x, {.name = "root mean square", .norm = RootMeanSquare{}, .records = true, .writes_y = false});
      check_shapes(x, x, {.name = "largest value", .norm = MaxAbs{}, .records = true, .writes_y = false});
    }
  });
}

TEST_CASE("gradients of every format, with every instruction set", "[host][backward]") {
  const auto check = [](const Layout& format, std::size_t rows, std::size_t columns, const Request& request) {
    for (const auto& [offset, gap] : {std::pair<std::size_t, std::size_t>{0, 0}, {3, 0}, {1, 5}}) {
      if (format.value == RealType::f64)
        check_gradients<double>(format, rows, columns, offset, gap, request);
      else
        check_gradients<float>(format, rows, columns, offset, gap, request);
    }
  };
  with_every_instruction_set([&] {
    for (const Layout& format : formats) {
      const Layout* const other = &formats[(&format - formats + 1) % 4];
      for (const Request& request :
           {Request{.name = "mean absolute value"}, Request{.name = "mean absolute value", .weights = other},
            Request{.name = "root mean square", .norm = rownorm::RootMeanSquare{}, .weights = &format},
            Request{.name = "root mean square", .norm = rownorm::RootMeanSquare{}}}) {
        for (const std::size_t columns : {1, 2, 3, 7, 8, 15, 16, 17, 31, 33, 64, 100, 257, 513, 961, 2050})
          check(format, 23, columns, request);
        check(format, 150, 5, request);
        check(format, 9, 20011, request);
      }
    }
  });
}

TEST_CASE("the bits of a row do not depend on who shares it", "[host][repeatable]") {
  const std::size_t columns = 100003;
  std::vector<float> x(columns), y(columns);
  std::mt19937 random(7);
  for (float& value : x) value = std::uniform_real_distribution<float>(-1, 1)(random);
  const Kokkos::View<const float**, Kokkos::LayoutRight, Kokkos::DefaultHostExecutionSpace> x_view(x.data(), 1,
                                                                                                   columns);
  const Kokkos::View<float**, Kokkos::LayoutRight, Kokkos::DefaultHostExecutionSpace> y_view(y.data(), 1, columns);
  const Kokkos::DefaultHostExecutionSpace exec;
  const rownorm::Problem problem = rownorm::problem_of(x_view, y_view);
  std::vector<float> first;
  for (int threads = 1; threads <= rownorm::machine_of(exec).max_team_threads; ++threads) {
    rownorm::Schedule schedule = schedule_with(rownorm::Kernel::HostRow, problem, rownorm::machine_of(exec));
    for (const bool bypass : {false, true})
      for (const bool overlap : {false, true}) {
        schedule.team_size = threads;
        schedule.bypass_cache = bypass;
        schedule.overlap = overlap;
        normalize_with(schedule, exec, x_view, y_view);
        if (first.empty()) first = y;
        CHECK(std::memcmp(first.data(), y.data(), columns * sizeof(float)) == 0);
      }
  }
}

TEST_CASE("matrices of a batch are as each by itself", "[host][batches]") {
  using namespace rownorm;
  using impl::BatchedRows;
  using impl::Rows;
  const Kokkos::DefaultHostExecutionSpace exec;
  const std::int64_t rows = 19, columns = 45, pitch = 61, stride = pitch * pitch, length = 40 * stride;
  std::vector<float> x(static_cast<std::size_t>(length)), y(x), y_alone(x), weights(x.begin(), x.begin() + columns);
  std::mt19937 random(3);
  for (float& value : x) value = std::uniform_real_distribution<float>(-1, 1)(random);
  for (float& weight : weights) weight = std::uniform_real_distribution<float>(-1, 1)(random);
  const auto placed = [&](auto* data, bool by_columns) {
    return Rows<std::remove_pointer_t<decltype(data)>>{data, rows, columns, by_columns ? 1 : pitch,
                                                       by_columns ? pitch : 1};
  };
  const auto check = [&](bool x_by_columns, bool y_by_columns, std::int64_t batches, const AnyNorm& norm) {
    CAPTURE(x_by_columns, y_by_columns, batches);
    std::vector<double> norms(static_cast<std::size_t>(rows * batches)), norms_alone(norms);
    const auto launch = [&](std::int64_t first, std::int64_t count, std::vector<float>& to,
                            std::vector<double>& found) {
      const Kokkos::View<float*, Kokkos::HostSpace> weights_view(weights.data(), weights.size());
      const Kokkos::View<double*, Kokkos::HostSpace> norms_view(found.data() + first * rows, found.size());
      auto x_rows = placed(static_cast<const float*>(x.data()) + first * stride, x_by_columns);
      auto y_rows = placed(to.data() + first * stride, y_by_columns);
      x_rows.rows = y_rows.rows = count * rows;
      const BatchedRows<const float> x_batch(x_rows, rows, stride);
      const BatchedRows<float> y_batch(y_rows, rows, stride);
      impl::RowExtras extras;
      extras.weights = impl::VectorRef(weights_view);
      extras.norms = impl::VectorRef(norms_view);
      extras.norm_offsets = {1, rows, rows, 0, 0};
      const Schedule schedule = schedule_with(Kernel::HostRow, impl::problem_of(x_batch, y_batch), machine_of(exec));
      REQUIRE(schedule.league_size > 0);
      impl::launch(exec, x_batch, y_batch, norm, 1e-8, extras, schedule);
    };
    std::fill(y.begin(), y.end(), -7.0F);
    y_alone = y;
    launch(0, batches, y, norms);
    for (std::int64_t batch = 0; batch < batches; ++batch) launch(batch, 1, y_alone, norms_alone);
    CHECK(std::memcmp(y.data(), y_alone.data(), y.size() * sizeof(float)) == 0);
    CHECK(norms == norms_alone);
  };
  for (const AnyNorm& norm : {AnyNorm(MeanAbs{}), AnyNorm(RootMeanSquare{}), AnyNorm(MaxAbs{})})
    for (const std::int64_t batches : {2, 3, 40})
      for (const bool x_by_columns : {false, true})
        for (const bool y_by_columns : {false, true}) check(x_by_columns, y_by_columns, batches, norm);
}
