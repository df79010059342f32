// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Zeros, NaN, infinity, epsilon, and rows whose sums leave the range of their type.
#include <algorithm>
#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <limits>
#include <rownorm/rownorm.hpp>

#include "support/matrix.hpp"

using namespace rownorm::tests;

namespace {

template <class TestType>
struct Types {
  using Exec = typename TestType::execution_space;
  using X = typename TestType::x_type;
  using Y = typename TestType::y_type;
};

/// The worst distance in ulp from the reference, of any kernel, for rows of X given one after the other.
template <class TestType>
long double worst(const Reals& x, std::size_t columns, double epsilon = 1e-8) {
  using T = Types<TestType>;
  return worst_of_every_kernel<typename T::Exec, typename T::X, typename T::Y>(x, columns, epsilon);
}

template <class T>
double at(const std::vector<T>& y, std::size_t k) {
  return static_cast<double>(y[k]);
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("a row of zeros stays all zero for every epsilon", "[values][zero]", ValueGrid) {
  using T = Types<TestType>;
  for (const double epsilon : {0.0, 1e-300, 1e-8, 1.0}) {
    CAPTURE(epsilon);
    for_each_result<typename T::Exec, typename T::X, typename T::Y>({0, -0.0L, 0, 1, -1, 1}, 3, epsilon,
                                                                    [&](const auto& y) {
                                                                      for (std::size_t j = 0; j < 3; ++j)
                                                                        CHECK(at(y, j) == 0);
                                                                      CHECK(at(y, 3) > 0);
                                                                    });
  }
  CHECK(worst<TestType>(Reals(2000, 0.0L), 1000, 0) == 0);
}

TEMPLATE_LIST_TEST_CASE("a NaN makes its whole row NaN and no other", "[values][nan]", ValueGrid) {
  using T = Types<TestType>;
  for (const std::size_t columns : {3, 40, 41, 5000, 5001}) {
    CAPTURE(columns);
    Reals x(3 * columns, 2.0L);
    x[columns + columns / 2] = not_a_number;
    for_each_result<typename T::Exec, typename T::X, typename T::Y>(x, columns, 0, [&](const auto& y) {
      bool is_right = true;
      for (std::size_t j = 0; j < columns; ++j)
        is_right = is_right && at(y, j) == 1 && std::isnan(at(y, columns + j)) && at(y, 2 * columns + j) == 1;
      CHECK(is_right);
    });
  }
}

TEMPLATE_LIST_TEST_CASE("an infinity makes finite elements 0 and itself NaN", "[values][infinity]", ValueGrid) {
  using T = Types<TestType>;
  for (const long double infinite : {infinity, -infinity}) {
    const Reals x = {1, infinite, -3, 4, 4, 4, infinite, infinite, largest<typename T::X>()};
    for_each_result<typename T::Exec, typename T::X, typename T::Y>(x, 3, 0, [&](const auto& y) {
      CHECK(at(y, 0) == 0);
      CHECK(std::isnan(at(y, 1)));
      CHECK(at(y, 2) == 0);
      CHECK(at(y, 3) == 1);
      CHECK(std::isnan(at(y, 6)));
      CHECK(std::isnan(at(y, 7)));
      CHECK(at(y, 8) == 0);
    });
    for (const std::size_t columns : {40, 5000, 5001}) {
      CAPTURE(columns);
      Reals long_rows(2 * columns, 2.0L);
      long_rows[columns / 2] = infinite;
      CHECK(worst<TestType>(long_rows, columns, 0) == 0);
    }
  }
}

TEMPLATE_LIST_TEST_CASE("finite rows are right though their sum overflows", "[values][overflow]", ValueGrid) {
  using T = Types<TestType>;
  const long double max = largest<typename T::X>();
  const auto promised = Format<typename T::Y>::promised_ulp;
  for (const std::size_t columns : {1, 2, 3, 1000, 1001, 20000}) {
    CAPTURE(columns);
    CHECK(worst<TestType>(Reals(columns, max), columns) <= promised);
    Reals mixed(columns, max);
    for (std::size_t j = 0; j < columns; j += 3) mixed[j] = -max / 3;
    mixed[columns - 1] = 1;
    CHECK(worst<TestType>(rounded_to<typename T::X>(mixed), columns) <= promised);
  }
  // Epsilon as large as the mean: their sum overflows, the quotient does not.
  using Compute = rownorm::compute_type<typename T::X, typename T::Y>;
  CHECK(worst<TestType>({max, -max, max}, 3, static_cast<double>(largest<Compute>())) <= promised);
}

TEMPLATE_LIST_TEST_CASE("tiny rows lose no digits without epsilon", "[values][underflow]", ValueGrid) {
  using T = Types<TestType>;
  const long double min = smallest<typename T::X>();
  const auto promised = Format<typename T::Y>::promised_ulp;
  for (const std::size_t columns : {1, 2, 3, 1000, 1001, 20000}) {
    CAPTURE(columns);
    CHECK(worst<TestType>(Reals(columns, min), columns, 0) <= promised);
    Reals lonely(columns, 0.0L);  // a mean far below the smallest number there is
    lonely[columns / 2] = -min;
    CHECK(worst<TestType>(lonely, columns, 0) <= promised);
    Reals rising(columns);
    for (std::size_t j = 0; j < columns; ++j) rising[j] = min * static_cast<int>(1 + j % 5);
    CHECK(worst<TestType>(rising, columns, 0) <= promised);
    CHECK(worst<TestType>(rising, columns, 1e-310) <= promised);
  }
}

TEMPLATE_LIST_TEST_CASE("epsilon is added in the compute type", "[values][epsilon]", ValueGrid) {
  using T = Types<TestType>;
  const auto promised = Format<typename T::Y>::promised_ulp;
  // The smallest values of half_t are of epsilon's size: in half_t itself epsilon would be zero.
  const Reals tiny = rounded_to<typename T::X>({6e-8L, -6e-8L, 1.2e-7L, 6e-8L});
  for (const double epsilon : {0.0, 1e-20, 1e-8, 1e-3, 1e3}) {
    CAPTURE(epsilon);
    CHECK(worst<TestType>(tiny, 4, epsilon) <= promised);
    CHECK(worst<TestType>({1, -2, 3, 4}, 4, epsilon) <= promised);
  }
  for_each_result<typename T::Exec, typename T::X, typename T::Y>(tiny, 4, 1e-8, [&](const auto& y) {
    CHECK(at(y, 0) < 0.8);
    CHECK(at(y, 0) > 0.6);
  });
}
