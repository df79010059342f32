// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Gradients: against the formula in long double, against finite differences, by every kernel and in every layout.
#include <algorithm>
#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <cmath>
#include <rownorm/rownorm.hpp>
#include <stdexcept>

#include "support/kernels.hpp"
#include "support/matrix.hpp"
#include "support/random.hpp"
#include "support/tools.hpp"

using namespace rownorm::tests;
using rownorm::AnyNorm;
using rownorm::Euclidean;
using rownorm::MeanAbs;
using rownorm::Parameters;
using rownorm::RootMeanSquare;
using rownorm::SumAbs;

namespace {

constexpr AnyNorm differentiable_norms[] = {MeanAbs{}, SumAbs{}, RootMeanSquare{}, Euclidean{}};

long double sign(long double x) { return (x > 0 ? 1 : 0) - (x < 0 ? 1 : 0); }

/// The formula of normalize_backward.hpp, and the largest of its two products for each element.
struct Gradient {
  Reals values, products;
};

Gradient reference_gradient(const AnyNorm& norm, const Reals& x, const Reals& gradient, const Reals& weights,
                            long double epsilon) {
  const auto n = static_cast<long double>(x.size());
  const bool is_mean = norm == MeanAbs{} || norm == RootMeanSquare{},
             is_square = norm == RootMeanSquare{} || norm == Euclidean{};
  long double sum = 0, dot = 0;
  for (std::size_t j = 0; j < x.size(); ++j) {
    sum += is_square ? x[j] * x[j] : std::abs(x[j]);
    dot += weights[j] * gradient[j] * x[j];
  }
  const long double length = is_mean ? n : 1, of_row = is_square ? std::sqrt(sum / length) : sum / length;
  const long double a = of_row + epsilon == 0 ? 0 : 1 / (of_row + epsilon);
  Gradient result{Reals(x.size()), Reals(x.size())};
  for (std::size_t k = 0; k < x.size(); ++k) {
    const long double slope = of_row == 0 ? 0 : (is_square ? x[k] / of_row : sign(x[k])) / length;
    const long double direct = a * weights[k] * gradient[k], along = dot * a * a * slope;
    result.values[k] = direct - along;
    result.products[k] = std::max(std::abs(direct), std::abs(along));
  }
  return result;
}

/// The worst error in ulp of the larger of the two products; but where those of 16 bits, which are computed in float,
/// cancel a little, of what is left.
template <class Y>
long double worst_error(const std::vector<Y>& actual, const Gradient& expected) {
  long double worst = 0;
  for (std::size_t k = 0; k < actual.size(); ++k) {
    const long double unit = std::ldexp(expected.products[k], Format<Y>::digits < 24 ? -8 : 0);
    const long double scale = std::max(std::abs(expected.values[k]), unit);
    const auto value = static_cast<long double>(static_cast<double>(actual[k]));
    if (std::isinf(value) && std::abs(expected.values[k]) > largest<Y>()) continue;
    const long double ulp = std::ldexp(
        1.0L, std::max(scale == 0 ? -9999 : std::ilogb(scale), Format<Y>::min_exponent) - Format<Y>::digits + 1);
    const long double error = std::abs(value - expected.values[k]) / ulp;
    worst = std::isnan(error) ? 1e30L : std::max(worst, error);
  }
  return worst;
}

Reals random_weights(std::size_t columns) {
  Reals weights(columns);
  for (std::size_t j = 0; j < columns; ++j) weights[j] = static_cast<long double>(j % 7) / 4 - 0.5L;
  return weights;
}

/// Runs every kernel that can serve x, its gradient and the result in some placements, or all that is worth a try, and
/// checks each.
template <class Exec, class T>
void check_gradients(std::size_t rows, std::size_t columns, const Placement& px, const Placement& pg,
                     const Placement& py, const AnyNorm& norm, bool has_weights, bool try_candidates = false) {
  CAPTURE(rows, columns, px.row_stride, pg.row_stride, py.row_stride, has_weights);
  const Reals x = random_rows<T>(rows, columns, 1), gradient = random_rows<T>(rows, columns, 2),
              weights = rounded_to<T>(has_weights ? random_weights(columns) : Reals(columns, 1.0L));
  Buffer<Exec, T> x_buffer(px.length()), g_buffer(pg.length()), y_buffer(py.length()), w_buffer(columns);
  x_buffer.put(px, x);
  g_buffer.put(pg, gradient);
  w_buffer.put(place<Right>(1, columns), weights);
  Gradient expected;
  const long double epsilon = epsilon_as_seen<T, T>(1e-3);
  for (std::size_t i = 0; i < rows; ++i) {
    const auto row = [&](const Reals& all) {
      return Reals(all.begin() + i * columns, all.begin() + (i + 1) * columns);
    };
    const Gradient one = reference_gradient(norm, row(x), row(gradient), weights, epsilon);
    expected.values.insert(expected.values.end(), one.values.begin(), one.values.end());
    expected.products.insert(expected.products.end(), one.products.begin(), one.products.end());
  }
  const auto x_view = view_at<const T, Stride, Exec>(x_buffer.data(), px);
  const auto g_view = view_at<const T, Stride, Exec>(g_buffer.data(), pg);
  const auto y_view = view_at<T, Stride, Exec>(y_buffer.data(), py);
  const Kokkos::View<const T*, typename Exec::device_type, Kokkos::MemoryUnmanaged> w_view(w_buffer.data(), columns);
  Parameters<> params{.norm = norm, .epsilon = 1e-3};
  if (has_weights) params.weights = w_view;
  const auto check = [&] {
    CHECK(worst_error(y_buffer.get(py), expected) <= (std::is_same_v<T, double> ? 16 : Format<T>::promised_ulp));
    CHECK(y_buffer.untouched_outside(py));
    y_buffer.poison_all();
  };
  rownorm::normalize_backward(Exec(), x_view, g_view, y_view, params);
  check();
  if (px.row_stride != pg.row_stride || px.column_stride != pg.column_stride) return;

  using Pairs = const rownorm::impl::Pair<T>;
  using rownorm::impl::Rows;
  const auto count = [](std::size_t n) { return static_cast<std::int64_t>(n); };
  const rownorm::impl::BatchedRows pairs = Rows<Pairs>{
      {x_view.data(), g_view.data()}, count(rows), count(columns), count(px.row_stride), count(px.column_stride)};
  const rownorm::impl::BatchedRows y_rows = rownorm::impl::as_rows<T>(y_view);
  rownorm::impl::with_compiled_norm(norm, count(columns), [&]<class Known>(const Known& known, const auto& length) {
    if constexpr (rownorm::impl::HasDerivative<Known>) {
      using Compute = rownorm::compute_type<T>;
      const rownorm::impl::BackwardFinisher<Known, Compute, T> finisher{known, length, static_cast<Compute>(1e-3),
                                                                        params.weights.values()};
      rownorm::Problem problem = rownorm::impl::problem_of(pairs, y_rows);
      problem.takes_roots = finisher.takes_roots;
      for (const rownorm::Schedule& schedule : try_candidates
                                                   ? candidate_schedules(problem, rownorm::machine_of(Exec()))
                                                   : all_schedules(Exec(), pairs, y_rows, true, finisher.takes_roots)) {
        INFO(to_string(schedule.kernel) << ", " << schedule.teams_per_row << " teams a row");
        rownorm::impl::launch_kernel<Exec, Pairs, T>(Exec(), pairs, y_rows, finisher, schedule);
        check();
      }
    }
  });
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("the gradient is that of the formula, by every kernel", "[backward]", SameTypes) {
  using Exec = typename TestType::execution_space;
  using T = typename TestType::x_type;
  for (const AnyNorm& norm : differentiable_norms) {
    CAPTURE(norm.visit([](const auto& one) { return std::string(typeid(one).name()); }));
    for (const auto& [rows, columns] :
         {std::pair(1, 1), std::pair(7, 5), std::pair(33, 31), std::pair(64, 16), std::pair(23, 255),
          std::pair(9, 1024), std::pair(72, 1032), std::pair(3, 40001)}) {
      for (const Placements& at : all_placements(rows, columns))
        check_gradients<Exec, T>(rows, columns, at.x, at.x, at.y, norm, columns % 2 == 0);
    }
  }
}

TEMPLATE_LIST_TEST_CASE("every candidate gives the right gradient", "[backward][tuned]", SameTypes) {
  using Exec = typename TestType::execution_space;
  using T = typename TestType::x_type;
  for (const AnyNorm& norm : {AnyNorm(rownorm::MeanAbs{}), AnyNorm(rownorm::RootMeanSquare{})})
    for (const auto& [rows, columns] : {std::pair(64, 16), std::pair(9, 1031), std::pair(8, 2048), std::pair(8, 8192)})
      for (const Placements& at : all_placements(rows, columns))
        check_gradients<Exec, T>(rows, columns, at.x, at.x, at.y, norm, false, true);
}

TEMPLATE_LIST_TEST_CASE("gradients of arrays that lie anywhere", "[backward][layout]", SameTypes) {
  using Exec = typename TestType::execution_space;
  using T = typename TestType::x_type;
  const std::size_t rows = 9, columns = 77;
  const Placement places[] = {place<Right>(rows, columns, 1), place<Left>(rows, columns),
                              place<Stride>(rows, columns, 3)};
  for (const Placement& px : places)
    for (const Placement& pg : places)
      check_gradients<Exec, T>(rows, columns, px, pg, place<Right>(rows, columns, 2), RootMeanSquare{}, true);
  // Of equal strides, but not of equal phase.
  check_gradients<Exec, T>(rows, 512, place<Right>(rows, 512, 1), place<Right>(rows, 512), place<Right>(rows, 512),
                           MeanAbs{}, false);
}

TEMPLATE_LIST_TEST_CASE("the gradient agrees with finite differences of normalize", "[backward]", Spaces) {
  using Exec = TestType;
  using View = Kokkos::View<double**, Right, typename Exec::device_type>;
  const std::size_t columns = 6;
  const Reals x = {0.5L, -1.25L, 2, -0.75L, 0.125L, 3}, g = {1, -2, 0.5L, 3, -1, 0.25L}, w = {1, 2, -1, 0.5L, 1, 3};
  const Placement p = place<Right>(1, columns);
  Buffer<Exec, double> x_buffer(columns), g_buffer(columns), w_buffer(columns), y_buffer(columns);
  g_buffer.put(p, g);
  w_buffer.put(p, w);
  const View x_view(x_buffer.data(), 1, columns), g_view(g_buffer.data(), 1, columns),
      y_view(y_buffer.data(), 1, columns);
  const Kokkos::View<double*, typename Exec::device_type> w_view(w_buffer.data(), columns);
  for (const AnyNorm& norm : differentiable_norms) {
    const Parameters<> params{.norm = norm, .epsilon = 0.25, .weights = w_view};
    const auto loss = [&](const Reals& at) {
      x_buffer.put(p, at);
      rownorm::normalize(Exec(), x_view, y_view, params);
      long double sum = 0;
      const std::vector<double> y = y_buffer.get(p);
      for (std::size_t j = 0; j < columns; ++j) sum += g[j] * y[j];
      return sum;
    };
    x_buffer.put(p, x);
    rownorm::normalize_backward(Exec(), x_view, g_view, y_view, params);
    const std::vector<double> gradient = y_buffer.get(p);
    for (std::size_t k = 0; k < columns; ++k) {
      const long double step = 0x1p-18L;
      Reals up = x, down = x;
      up[k] += step;
      down[k] -= step;
      CHECK(std::abs((loss(up) - loss(down)) / (2 * step) - gradient[k]) < 1e-8L);
    }
  }
}

TEMPLATE_LIST_TEST_CASE("gradients of zeros, NaN, and in place", "[backward][values]", Spaces) {
  using Exec = TestType;
  const Reals x = {0, 0, 0, 1, -2, 0, 1, std::numeric_limits<long double>::quiet_NaN(), 1},
              g = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  const Placement p = place<Right>(3, 3);
  Buffer<Exec, float> x_buffer(9), g_buffer(9);
  const auto x_view = view_at<float, Right, Exec>(x_buffer.data(), p);
  const auto g_view = view_at<float, Right, Exec>(g_buffer.data(), p);
  for (const AnyNorm& norm : differentiable_norms)
    for (const double epsilon : {0.0, 0.5}) {
      CAPTURE(epsilon);
      x_buffer.put(p, x);
      g_buffer.put(p, g);
      rownorm::normalize_backward(Exec(), x_view, g_view, g_view, {.norm = norm, .epsilon = epsilon});
      const std::vector<float> y = g_buffer.get(p);
      const Gradient expected = reference_gradient(norm, {1, -2, 0}, {4, 5, 6}, {1, 1, 1}, epsilon);
      for (std::size_t j = 0; j < 3; ++j) {
        CHECK(y[j] == (epsilon == 0 ? 0 : static_cast<float>(2 * g[j])));
        CHECK(ulp_distance(y[3 + j], expected.values[j]) <= 4);
        CHECK(std::isnan(y[6 + j]));
      }
      x_buffer.put(p, x);
      g_buffer.put(p, g);
      rownorm::normalize_backward(Exec(), x_view, g_view, x_view, {.norm = norm, .epsilon = epsilon});
      CHECK(same_bits(std::vector<float>(y.begin(), y.begin() + 6), [&] {
        const std::vector<float> all = x_buffer.get(p);
        return std::vector<float>(all.begin(), all.begin() + 6);
      }()));
    }
}

TEMPLATE_LIST_TEST_CASE("gradients along any axis take one kernel", "[backward][axis][tools]", Spaces) {
  using Exec = TestType;
  const std::size_t a = 5, b = 6, c = 8;
  const Kokkos::View<double***, Right, typename Exec::device_type> x("x", a, b, c), g("g", a, b, c), y("y", a, b, c);
  const auto x_host = Kokkos::create_mirror_view(x), g_host = Kokkos::create_mirror_view(g);
  for (std::size_t k = 0; k < x.size(); ++k) {
    x_host.data()[k] = static_cast<double>(k % 11) - 4.5;
    g_host.data()[k] = static_cast<double>(k % 7) - 2.5;
  }
  Kokkos::deep_copy(x, x_host);
  Kokkos::deep_copy(g, g_host);
  {
    const Listener listener;
    rownorm::normalize_backward(Exec(), x, g, y, {.axis = 1});
    CHECK(listener.launches().size() == 1);
  }
  const auto y_host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), y);
  for (std::size_t i = 0; i < a; ++i)
    for (std::size_t k = 0; k < c; ++k) {
      Reals x_row(b), g_row(b);
      for (std::size_t j = 0; j < b; ++j) {
        x_row[j] = x_host(i, j, k);
        g_row[j] = g_host(i, j, k);
      }
      const Gradient expected = reference_gradient(MeanAbs{}, x_row, g_row, Reals(b, 1.0L), 1e-8L);
      for (std::size_t j = 0; j < b; ++j)
        REQUIRE(std::abs(y_host(i, j, k) - expected.values[j]) <= 1e-14L * expected.products[j]);
    }
}

TEMPLATE_LIST_TEST_CASE("what has no gradient is refused", "[backward][errors]", Spaces) {
  using Exec = TestType;
  using Catch::Matchers::Message;
  const Kokkos::View<float**, typename Exec::device_type> x("x", 3, 4), g("g", 3, 4), y("y", 3, 4), other("y", 3, 5);
  const auto refused = [&](const auto& grad_y, const auto& grad_x, const Parameters<>& params, const char* message) {
    const Listener listener;
    CHECK_THROWS_MATCHES(rownorm::normalize_backward(Exec(), x, grad_y, grad_x, params), std::invalid_argument,
                         Message(message));
    CHECK(listener.launches().empty());
  };
  refused(g, y, {.norm = rownorm::MaxAbs{}},
          "rownorm::normalize_backward: params.norm is MaxAbs, which has no gradient; called with x (3 x 4)");
  refused(other, y, {}, "rownorm::normalize_backward: x (3 x 4) and grad_y (3 x 5) must have equal extents");
  refused(g, other, {}, "rownorm::normalize_backward: x (3 x 4) and grad_x (3 x 5) must have equal extents");
  refused(
      g, y, {.epsilon = -1},
      "rownorm::normalize_backward: params.epsilon is -1, but must lie between 0 and 3.40282e+38; called with x (3 x "
      "4) and grad_y (3 x 4) and grad_x (3 x 4)");
  const Kokkos::View<float**, typename Exec::device_type> inner(x.data(), 3, 3);
  CHECK_THROWS_AS(rownorm::normalize_backward(Exec(), Kokkos::subview(x, Kokkos::ALL, std::pair(0, 3)), inner,
                                              Kokkos::subview(x, Kokkos::ALL, std::pair(1, 4)), {}),
                  std::invalid_argument);
}
