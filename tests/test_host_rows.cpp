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
#include <rownorm/rownorm.hpp>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/reference.hpp"

#ifdef ROWNORM_TESTS_WITH_HIGHWAY
#include <hwy/targets.h>
#endif

using namespace rownorm::tests;
using rownorm::impl::HostKernels;
using rownorm::impl::HostMatrix;
using rownorm::impl::HostValue;

namespace {

/// A format as numbers: significant bits, and the exponents of the smallest and the largest normal value.
struct Layout {
  HostValue value;
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

const Layout formats[] = {{HostValue::f32, "f32", 4, 24, -126, 127},
                          {HostValue::f64, "f64", 8, 53, -1022, 1023},
                          {HostValue::f16, "f16", 2, 11, -14, 15},
                          {HostValue::bf16, "bf16", 2, 8, -126, 127}};

std::uint64_t get(const std::vector<char>& buffer, std::size_t element, int bytes) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, buffer.data() + element * static_cast<std::size_t>(bytes), static_cast<std::size_t>(bytes));
  return bits;
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

/// Runs normalize_rows or normalize_tiles from one format to the other, and checks each element of y and what lies
/// around them.
template <class Compute>
void check_rows(const Layout& x_format, const Layout& y_format, std::size_t rows, std::size_t columns,
                const Place& place, HostMatrix matrix, std::int64_t split) {
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

  const rownorm::impl::RowFinisher<rownorm::MeanAbs, Compute> finisher{
      {}, rownorm::impl::RowLength(static_cast<std::int64_t>(columns)), static_cast<Compute>(1e-8)};
  matrix.x = x.data() + place.offset * static_cast<std::size_t>(x_format.bytes);
  matrix.y = y.data() + place.offset * static_cast<std::size_t>(y_format.bytes);
  matrix.columns = static_cast<std::int64_t>(columns);
  matrix.x_by_columns = place.x_by_columns;
  matrix.y_by_columns = place.y_by_columns;
  matrix.x_stride = static_cast<std::int64_t>((place.x_by_columns ? rows : columns) + place.gap);
  matrix.y_stride = static_cast<std::int64_t>((place.y_by_columns ? rows : columns) + place.gap);
  matrix.finisher = rownorm::impl::host_finisher(finisher);
  const HostKernels kernels = rownorm::impl::host_kernels(x_format.value, y_format.value);
  const auto last = static_cast<std::int64_t>(rows);
  for (const auto& [begin, end] : {std::pair{std::int64_t{0}, split}, std::pair{split, last}}) {
    if (place.has_tiles())
      normalize_tiles(kernels, matrix, begin, end, x_format.bytes);
    else
      kernels.normalize_rows(matrix, begin, end);
  }

  long double worst = 0;
  for (std::size_t i = 0; i < rows; ++i) {
    Reals row(columns);
    for (std::size_t j = 0; j < columns; ++j) row[j] = x_format.decode(get(x, x_index(i, j), x_format.bytes));
    const Reals expected = reference_row(row, static_cast<long double>(static_cast<Compute>(1e-8)));
    for (std::size_t j = 0; j < columns; ++j) {
      worst = std::max(worst, y_format.ulp_from(expected[j], get(y, y_index(i, j), y_format.bytes)));
      for (int b = 0; b < y_format.bytes; ++b) {
        const std::size_t at = y_index(i, j) * static_cast<std::size_t>(y_format.bytes) + static_cast<std::size_t>(b);
        y[at] = poison;
      }
    }
  }
  CHECK(worst <= y_format.promised_ulp());
  CHECK(y == expected_poison);
}

void check_all_places(const Layout& x, const Layout& y, std::size_t rows, std::size_t columns) {
  const auto check = [&](const Place& place, std::int64_t tile_rows, bool bypass_cache, bool overlap) {
    HostMatrix matrix{};
    matrix.tile_rows = tile_rows;
    matrix.bypass_cache = bypass_cache;
    matrix.overlap = overlap;
    const auto split = static_cast<std::int64_t>(rows) / 3;
    if (x.value == HostValue::f64 || y.value == HostValue::f64)
      check_rows<double>(x, y, rows, columns, place, matrix, split);
    else
      check_rows<float>(x, y, rows, columns, place, matrix, split);
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
        rownorm::impl::launch(exec, rownorm::impl::as_rows<const float>(x_view), rownorm::impl::as_rows<float>(y_view),
                              rownorm::Parameters<>{}, schedule);
        if (first.empty()) first = y;
        CHECK(std::memcmp(first.data(), y.data(), columns * sizeof(float)) == 0);
      }
  }
}
