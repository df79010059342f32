// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The formula, on every execution space x value type x layout, at any alignment, out of place and in place.
#include <algorithm>
#include <array>
#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>
#include <rownorm/rownorm.hpp>
#include <utility>

#include "support/kernels.hpp"
#include "support/matrix.hpp"
#include "support/random.hpp"

using namespace rownorm::tests;

namespace {

constexpr std::array<std::pair<std::size_t, std::size_t>, 14> shapes = {{{1, 1},
                                                                         {1, 5},
                                                                         {7, 1},
                                                                         {3, 4},
                                                                         {64, 16},
                                                                         {33, 31},
                                                                         {257, 33},
                                                                         {9, 255},
                                                                         {6, 300},
                                                                         {4, 1024},
                                                                         {72, 1032},
                                                                         {5, 4099},
                                                                         {2, 70001},
                                                                         {1, 131072}}};

using InPlaceGrid =
    Grid<Spaces, SameValues, std::tuple<Layouts<Right, Right>, Layouts<Left, Left>, Layouts<Stride, Stride>>>::type;

/// True where a matrix holds the values that were put there.
template <class T>
bool same_values(const std::vector<T>& actual, const Reals& expected) {
  return std::equal(actual.begin(), actual.end(), expected.begin(), expected.end(),
                    [](T a, long double b) { return static_cast<double>(a) == b; });
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("y is x over its row's mean absolute value plus epsilon", "[formula]", FullGrid) {
  using Exec = typename TestType::execution_space;
  using X = typename TestType::x_type;
  using Y = typename TestType::y_type;
  using XLayout = typename TestType::x_layout;
  using YLayout = typename TestType::y_layout;
  for (const auto& [rows, columns] : shapes) {
    for (const std::size_t offset : {0, 1, 3}) {
      CAPTURE(rows, columns, offset);
      const Placement px = place<XLayout>(rows, columns, offset),
                      py = place<YLayout>(rows, columns, offset == 0 ? 0 : 3 - offset);
      const Reals x = random_rows<X>(rows, columns, static_cast<unsigned>(rows * 31 + columns));
      const Expected<Y> expected(x, columns, epsilon_as_seen<X, Y>(1e-8));
      Buffer<Exec, X> x_buffer(px.length() + 3);
      Buffer<Exec, Y> y_buffer(py.length() + 3);
      x_buffer.put(px, x);
      const auto x_view = view_at<const X, XLayout, Exec>(x_buffer.data(), px);
      const auto y_view = view_at<Y, YLayout, Exec>(y_buffer.data(), py);
      const auto check = [&] {
        CHECK(expected.worst_ulp(y_buffer.get(py)) <= Format<Y>::promised_ulp);
        CHECK(y_buffer.untouched_outside(py));
        y_buffer.poison_all();
      };
      with_every_kernel(Exec(), x_view, y_view, [&](const rownorm::Schedule& schedule) {
        normalize_with(schedule, Exec(), x_view, y_view);
        check();
      });
      rownorm::l1_normalize(Exec(), x_view, y_view);
      check();
      CHECK(same_values(x_buffer.get(px), x));
    }
  }
}

namespace {

/// Runs every kernel that can serve a matrix in every pair of layouts, with its schedule as `change` leaves it.
template <class TestType, class Change>
void check_all_placements(std::size_t rows, std::size_t columns, const Change& change) {
  using Exec = typename TestType::execution_space;
  using X = typename TestType::x_type;
  using Y = typename TestType::y_type;
  const Reals x = random_rows<X>(rows, columns, 9);
  const Expected<Y> expected(x, columns, epsilon_as_seen<X, Y>(1e-8));
  // Packets are aligned, and the first tile is not whole.
  for (const Placements& at : all_placements(rows, columns, 8)) {
    CAPTURE(rows, columns, at.x.row_stride, at.y.row_stride);
    Buffer<Exec, X> x_buffer(at.x.length());
    Buffer<Exec, Y> y_buffer(at.y.length() + 8);
    x_buffer.put(at.x, x);
    const auto x_view = view_at<const X, Stride, Exec>(x_buffer.data(), at.x);
    const auto y_view = view_at<Y, Stride, Exec>(y_buffer.data(), at.y);
    with_every_kernel(Exec(), x_view, y_view, [&](rownorm::Schedule schedule) {
      change(schedule);
      y_buffer.poison_all();
      normalize_with(schedule, Exec(), x_view, y_view);
      CHECK(expected.worst_ulp(y_buffer.get(at.y)) <= Format<Y>::promised_ulp);
      CHECK(y_buffer.untouched_outside(at.y));
    });
  }
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("slices and tiles that registers cannot hold", "[formula][layout]", ValueGrid) {
  const auto as_it_is = [](const rownorm::Schedule&) {};
  check_all_placements<TestType>(72, 1032, as_it_is);  // the last tile is not whole
  check_all_placements<TestType>(128, 4096, as_it_is);
}

TEMPLATE_LIST_TEST_CASE("more rows and tiles than one launch has room for", "[formula][layout]", ValueGrid) {
  // Kernels that read twice serve at most 1024 rows, or tiles, a launch; fewer where large tiles leave no room for
  // sums.
  const auto in_small_tiles = [](rownorm::Schedule& schedule) {
    if (schedule.kernel == rownorm::Kernel::StreamedTiles) schedule.rows_per_team = 16;
  };
  check_all_placements<TestType>(20008, 24, in_small_tiles);
  check_all_placements<TestType>(20003, 25, in_small_tiles);
}

TEMPLATE_LIST_TEST_CASE("x may be y", "[formula][in-place]", InPlaceGrid) {
  using Exec = typename TestType::execution_space;
  using T = typename TestType::x_type;
  using Layout = typename TestType::x_layout;
  for (const auto& [rows, columns] : shapes) {
    for (const std::size_t offset : {0, 1}) {
      CAPTURE(rows, columns, offset);
      const Placement p = place<Layout>(rows, columns, offset);
      const Reals x = random_rows<T>(rows, columns, 5);
      const Expected<T> expected(x, columns, epsilon_as_seen<T, T>(1e-8));
      Buffer<Exec, T> buffer(p.length() + 2);
      const auto view = view_at<T, Layout, Exec>(buffer.data(), p);
      with_every_kernel(Exec(), view, view, [&](const rownorm::Schedule& schedule) {
        buffer.put(p, x);
        normalize_with(schedule, Exec(), view, view);
        CHECK(expected.worst_ulp(buffer.get(p)) <= Format<T>::promised_ulp);
        CHECK(buffer.untouched_outside(p));
      });
    }
  }
}

TEMPLATE_LIST_TEST_CASE("a view of rank 1 is one row", "[formula][rank]", ValueGrid) {
  using Exec = typename TestType::execution_space;
  using X = typename TestType::x_type;
  using Y = typename TestType::y_type;
  const std::size_t columns = 4099;
  const Placement p = place<Right>(1, columns);
  const Reals x = random_rows<X>(1, columns, 3);
  Buffer<Exec, X> x_buffer(p.length());
  Buffer<Exec, Y> y_buffer(p.length());
  x_buffer.put(p, x);
  const Kokkos::View<const X*, typename Exec::device_type> x_view(x_buffer.data(), columns);
  const Kokkos::View<Y*, typename Exec::device_type> y_view(y_buffer.data(), columns);
  rownorm::l1_normalize(Exec(), x_view, y_view);
  CHECK(worst_ulp<X>(x, y_buffer.get(p), columns, 1e-8) <= Format<Y>::promised_ulp);
}

TEMPLATE_LIST_TEST_CASE("subviews of a padded matrix are rows like others", "[formula][subview]", Spaces) {
  using Exec = TestType;
  // Neighbouring columns of one matrix: their address ranges interleave, their elements are disjoint.
  const std::size_t rows = 19, columns = 37, pitch = 101;
  const Placement px{rows, columns, pitch, 1, 1}, py{rows, columns, pitch, 1, 1 + columns};
  const Reals x = random_rows<float>(rows, columns, 11);
  Buffer<Exec, float> buffer(rows * pitch);
  buffer.put(px, x);
  const Kokkos::View<float**, Right, typename Exec::device_type> whole(buffer.data(), rows, pitch);
  const auto x_view = Kokkos::subview(whole, Kokkos::ALL, std::make_pair(px.offset, px.offset + columns));
  const auto y_view = Kokkos::subview(whole, Kokkos::ALL, std::make_pair(py.offset, py.offset + columns));
  rownorm::l1_normalize(Exec(), x_view, y_view);
  CHECK(worst_ulp<float>(x, buffer.get(py), columns, 1e-8) <= 4);
  CHECK(same_values(buffer.get(px), x));

  // A row and a column of it, and rows taken in steps through a static extent.
  const auto row = Kokkos::subview(whole, 2, Kokkos::ALL);
  rownorm::l1_normalize(Exec(), row, row);
  const auto column = Kokkos::subview(whole, Kokkos::ALL, 5);
  rownorm::l1_normalize(Exec(), column, column);
  Kokkos::View<float* [3], Left, typename Exec::device_type> narrow("narrow", 5);
  Kokkos::deep_copy(narrow, 2.0F);
  rownorm::l1_normalize(Exec(), narrow, narrow);
  CHECK(Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), narrow)(4, 2) == 1.0F);
}

TEMPLATE_LIST_TEST_CASE("a view may hold one element many times if it is only read", "[formula][layout]", Spaces) {
  using Exec = TestType;
  const Reals x = {1, -2, 3, 4, -5};
  Placement window{3, 3, 1, 1, 0};  // a Hankel matrix: row i is x(i), x(i + 1), x(i + 2)
  Buffer<Exec, double> x_buffer(5), y_buffer(9);
  x_buffer.put(place<Right>(1, 5), x);
  const Placement py = place<Right>(3, 3);
  rownorm::l1_normalize(Exec(), view_at<const double, Stride, Exec>(x_buffer.data(), window),
                        view_at<double, Right, Exec>(y_buffer.data(), py));
  CHECK(worst_ulp<double>({1, -2, 3, -2, 3, 4, 3, 4, -5}, y_buffer.get(py), 3, 1e-8) <= 4);
}

TEMPLATE_LIST_TEST_CASE("every way to call gives the same", "[formula][api]", Spaces) {
  using Exec = TestType;
  const Placement p = place<Right>(2, 3);
  Buffer<Exec, float> x_buffer(6);
  x_buffer.put(p, {1, 2, 3, -8, 0, 8});
  const auto x = view_at<float, Right, Exec>(x_buffer.data(), p);
  const auto check = [&](double epsilon, const auto& call) {
    Buffer<Exec, float> y_buffer(6);
    call(view_at<float, Right, Exec>(y_buffer.data(), p));
    Kokkos::fence();
    CHECK(worst_ulp<float>({1, 2, 3, -8, 0, 8}, y_buffer.get(p), 3, epsilon) <= 4);
  };
  using namespace rownorm;
  check(1e-8, [&](const auto& y) { l1_normalize(x, y); });
  check(0.5, [&](const auto& y) { l1_normalize(x, y, {.epsilon = 0.5}); });
  check(1e-8, [&](const auto& y) { l1_normalize(Exec(), x, y); });
  check(0.5, [&](const auto& y) { l1_normalize(Exec(), x, y, {.epsilon = 0.5}); });
  check(1e-8, [&](const auto& y) { normalize(x, y); });
  check(0.5, [&](const auto& y) { normalize(x, y, {.epsilon = 0.5}); });
  check(1e-8, [&](const auto& y) { normalize(Exec(), x, y); });
  check(0.5, [&](const auto& y) { normalize(Exec(), x, y, {.epsilon = 0.5}); });
  check(0.5, [&](const auto& y) { normalize(Exec(), x, y, Parameters<MeanAbs>{.norm = MeanAbs{}, .epsilon = 0.5}); });
}

TEMPLATE_LIST_TEST_CASE("a team of TeamPerRow may serve several rows", "[formula][schedule]", ValueGrid) {
  using Exec = typename TestType::execution_space;
  using X = typename TestType::x_type;
  using Y = typename TestType::y_type;
  // No schedule asks a GPU for that below 2^30 rows, and none leaves the last team with fewer rows than the others by
  // design; so this one is made by hand.
  const std::size_t rows = 10, columns = 2001;
  const bool host = rownorm::impl::is_host_space_v<Exec>;
  const rownorm::Schedule schedule{.kernel = rownorm::Kernel::TeamPerRow,
                                   .rows_per_team = 4,
                                   .league_size = 3,
                                   .team_size = host ? 1 : 64,
                                   .vector_length = host ? 1 : 4};
  const Placement p = place<Right>(rows, columns);
  const Reals x = random_rows<X>(rows, columns, 77);
  Buffer<Exec, X> x_buffer(p.length());
  Buffer<Exec, Y> y_buffer(p.length() + 5);
  x_buffer.put(p, x);
  normalize_with(schedule, Exec(), view_at<const X, Right, Exec>(x_buffer.data(), p),
                 view_at<Y, Right, Exec>(y_buffer.data(), p));
  CHECK(worst_ulp<X>(x, y_buffer.get(p), columns, 1e-8) <= Format<Y>::promised_ulp);
  CHECK(y_buffer.untouched_outside(p));
}
