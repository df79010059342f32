// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Values of 16 bits where Kokkos has no type for them.
#include <Kokkos_Core.hpp>
#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <cstdint>
#include <limits>
#include <rownorm/impl/half.hpp>

using rownorm::impl::RealType;
using rownorm::impl::Stored16;

namespace {

template <RealType type>
struct Format {
  using Value = Stored16<type>;
  static constexpr int fraction_bits = type == RealType::f16 ? 10 : 7;
  static constexpr int bias = type == RealType::f16 ? 15 : 127;
  static constexpr std::uint32_t infinity = type == RealType::f16 ? 0x7c00 : 0x7f80;

  /// What IEEE 754 says of bits that are no infinity and no NaN; of those of infinity, what would follow the largest.
  static double meaning(std::uint32_t bits) {
    const auto fraction = static_cast<int>(bits & ((1U << fraction_bits) - 1));
    const auto exponent = static_cast<int>(bits >> fraction_bits);
    const int significand = exponent == 0 ? fraction : fraction + (1 << fraction_bits);
    return std::ldexp(significand, (exponent == 0 ? 1 : exponent) - bias - fraction_bits);
  }
  static std::uint32_t bits(const Value& value) { return Kokkos::bit_cast<std::uint16_t>(value); }
  static Value value(std::uint32_t bits) { return Kokkos::bit_cast<Value>(static_cast<std::uint16_t>(bits)); }
};

using Formats = std::tuple<Format<RealType::f16>, Format<RealType::bf16>>;

}  // namespace

TEMPLATE_LIST_TEST_CASE("values of 16 bits mean what IEEE 754 says, and come back as they were", "[values]", Formats) {
  bool mean_it = true, come_back = true;
  for (std::uint32_t bits = 0; bits < TestType::infinity; ++bits)
    for (const std::uint32_t sign : {0U, 0x8000U}) {
      const double expected = (sign ? -1 : 1) * TestType::meaning(bits);
      const auto value = static_cast<float>(TestType::value(bits | sign));
      mean_it = mean_it && value == expected && std::signbit(value) == (sign != 0);
      come_back = come_back && TestType::bits(typename TestType::Value(value)) == (bits | sign);
    }
  CHECK(mean_it);
  CHECK(come_back);
}

TEMPLATE_LIST_TEST_CASE("values of 16 bits are rounded to the nearest, ties to even", "[values]", Formats) {
  const auto rounded = [](float value) { return TestType::bits(typename TestType::Value(value)); };
  const auto of_double = [](double value) { return TestType::bits(typename TestType::Value(value)); };
  constexpr double infinity = std::numeric_limits<double>::infinity();
  bool are_nearest = true;
  for (std::uint32_t bits = 0; bits < TestType::infinity; ++bits) {
    const double middle = (TestType::meaning(bits) + TestType::meaning(bits + 1)) / 2;
    const auto tie = static_cast<float>(middle);
    if (tie != middle) continue;  // between the smallest of bfloat16 and zero, where float has no such number
    are_nearest = are_nearest && of_double(std::nextafter(middle, 0.0)) == bits &&
                  of_double(std::nextafter(middle, infinity)) == bits + 1;
    are_nearest = are_nearest && rounded(tie) == bits + bits % 2 && rounded(-tie) == (0x8000U | (bits + bits % 2)) &&
                  rounded(std::nextafter(tie, 0.0F)) == bits &&
                  rounded(std::nextafter(tie, std::numeric_limits<float>::infinity())) == bits + 1;
  }
  CHECK(are_nearest);
}

TEMPLATE_LIST_TEST_CASE("infinities and NaN have 16 bits as well", "[values]", Formats) {
  using Value = typename TestType::Value;
  constexpr double infinity = std::numeric_limits<double>::infinity();
  CHECK(TestType::bits(Value(infinity)) == TestType::infinity);
  CHECK(TestType::bits(Value(-infinity)) == (0x8000U | TestType::infinity));
  CHECK(static_cast<double>(Value(infinity)) == infinity);
  CHECK(std::isnan(static_cast<double>(Value(std::numeric_limits<double>::quiet_NaN()))));
  CHECK(std::isnan(static_cast<float>(TestType::value(0xffff))));
  CHECK(TestType::bits(Value(std::numeric_limits<double>::max())) == TestType::infinity);
}
