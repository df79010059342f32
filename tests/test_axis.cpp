// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Arrays of three to eight dimensions, whose rows lie along any of them.
#include <algorithm>
#include <array>
#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>
#include <cstdint>
#include <random>
#include <rownorm/impl/row_plan.hpp>
#include <rownorm/rownorm.hpp>
#include <set>
#include <utility>
#include <vector>

#include "support/arrays.hpp"
#include "support/matrix.hpp"
#include "support/random.hpp"
#include "support/tools.hpp"

using namespace rownorm::tests;
using rownorm::impl::Operand;
using rownorm::impl::plan_rows;
using rownorm::impl::RowPlan;

namespace {

using StridesOf = Extents (*)(const Extents&);

/// How an array, its result and its norms lie.
struct Lie {
  StridesOf x, y, norms;
};

constexpr Lie lies[] = {{right_strides, right_strides, right_strides}, {left_strides, left_strides, left_strides},
                        {right_strides, left_strides, right_strides},  {left_strides, right_strides, left_strides},
                        {gap_strides, right_strides, left_strides},    {right_strides, gap_strides, gap_strides}};

Extents without(Extents extents, std::size_t axis) {
  extents.erase(extents.begin() + static_cast<std::ptrdiff_t>(axis));
  return extents;
}

/// Normalises an array of `rank` dimensions along each axis, with norms and weights, and holds every element against
/// the reference.
template <class Exec, class T, int rank>
void check_every_axis(const Extents& extents) {
  for (std::size_t axis = 0; axis < rank; ++axis) {
    for (const Lie& lie : lies) {
      const AlongAxis at_x(extents, lie.x(extents), axis, 1), at_y(extents, lie.y(extents), axis, 2);
      // Norms have no axis: an array of rows of one element each.
      Extents norm_extents = without(extents, axis);
      Extents norm_strides = lie.norms(norm_extents);
      const AlongAxis norms_view_place(norm_extents, norm_strides, 0);
      norm_extents.push_back(1);
      norm_strides.push_back(1);
      const AlongAxis at_norms(norm_extents, norm_strides, rank - 1);
      CAPTURE(rank, axis, extents, at_x.strides(), at_y.strides());

      const Reals x = random_rows<T>(at_x.rows, at_x.columns, 4);
      const Reals weights = rounded_to<float>(random_rows<float>(1, at_x.columns, 5));
      const Expected<T> expected(x, at_x.columns, 0, rownorm::RootMeanSquare{});
      Buffer<Exec, T> x_buffer(at_x.length()), y_buffer(at_y.length() + 3), norms_buffer(at_norms.length() + 3);
      Buffer<Exec, float> weights_buffer(at_x.columns);
      x_buffer.put(at_x, x);
      weights_buffer.put(Placement{1, at_x.columns, 0, 1}, weights);
      const auto x_view = strided_view<rank, Exec, const T>(x_buffer.data(), at_x);
      const auto y_view = strided_view<rank, Exec>(y_buffer.data(), at_y);
      const auto norms = strided_view<rank - 1, Exec>(norms_buffer.data(), norms_view_place);
      const Kokkos::View<const float*, typename Exec::device_type, Kokkos::MemoryUnmanaged> weights_view(
          weights_buffer.data(), at_x.columns);
      const auto norms_are_right = [&] {
        const std::vector<T> actual = norms_buffer.get(at_norms);
        for (std::size_t i = 0; i < actual.size(); ++i)
          if (!(ulp_distance(actual[i], expected.norms()[i]) <= 2)) return false;
        return norms_buffer.untouched_outside(at_norms);
      };
      for (const int from : {0, rank}) {  // the same axis, counted from either end
        y_buffer.poison_all();
        norms_buffer.poison_all();
        const int given = static_cast<int>(axis) - from;
        rownorm::normalize(Exec(), x_view, y_view, norms,
                           {.norm = rownorm::RootMeanSquare{}, .epsilon = 0, .axis = given, .weights = weights_view});
        CHECK(expected.times(weights).worst_ulp(y_buffer.get(at_y)) <= Format<T>::promised_ulp + 1);
        CHECK(y_buffer.untouched_outside(at_y));
        CHECK(norms_are_right());
      }
      if constexpr (rank == 4) {  // they plan alike, so once is enough
        norms_buffer.poison_all();
        rownorm::row_norms(Exec(), x_view, norms, rownorm::RootMeanSquare{}, static_cast<int>(axis));
        CHECK(norms_are_right());
      }
    }
  }
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("rows along every axis", "[axis]", Spaces) {
  check_every_axis<TestType, float, 3>({3, 4, 5});
  check_every_axis<TestType, float, 3>({24, 16, 40});
  check_every_axis<TestType, float, 3>({1, 300, 1});
  check_every_axis<TestType, double, 4>({3, 8, 1, 6});
}

TEST_CASE("rows along every axis of every rank", "[axis]") {
  using Exec = Kokkos::DefaultExecutionSpace;  // plans know nothing of it
  check_every_axis<Exec, half_t, 4>({5, 3, 4, 16});
  check_every_axis<Exec, float, 5>({2, 3, 4, 5, 6});
  check_every_axis<Exec, float, 6>({2, 3, 1, 2, 5, 2});
  check_every_axis<Exec, float, 7>({2, 1, 3, 2, 2, 1, 3});
  check_every_axis<Exec, float, 8>({2, 2, 3, 1, 2, 2, 2, 3});
}

namespace {

/// Launches of RowNorm's own during a call.
template <class Call>
std::size_t launches_of(const Call& call) {
  call();  // the first call may reserve
  Kokkos::fence();
  const Listener listener;
  call();
  return listener.rownorm_launches();
}

/// Launches for arrays of four dimensions in such strides along each axis.
template <class Exec>
std::vector<std::size_t> launches_of_lie(const Extents& extents, StridesOf x_strides, StridesOf y_strides) {
  std::vector<std::size_t> launches;
  for (std::size_t axis = 0; axis < extents.size(); ++axis) {
    const AlongAxis at_x(extents, x_strides(extents), axis), at_y(extents, y_strides(extents), axis);
    Buffer<Exec, float> x_buffer(at_x.length()), y_buffer(at_y.length());
    x_buffer.put(at_x, Reals(at_x.rows * at_x.columns, 1));
    const auto x = strided_view<4, Exec, const float>(x_buffer.data(), at_x);
    const auto y = strided_view<4, Exec>(y_buffer.data(), at_y);
    launches.push_back(launches_of([&] { rownorm::normalize(Exec(), x, y, {.axis = static_cast<int>(axis)}); }));
  }
  return launches;
}

/// The strides of LayoutRight with a gap after the second dimension, as of a subview of some of its indices.
Extents one_gap_strides(const Extents& extents) {
  Extents wider = extents;
  ++wider[1];
  return right_strides(wider);
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("contiguous arrays take one kernel along any axis", "[axis][tools]", Spaces) {
  const std::vector<std::size_t> one_each(4, 1);
  CHECK(launches_of_lie<TestType>({3, 4, 5, 6}, right_strides, right_strides) == one_each);
  CHECK(launches_of_lie<TestType>({3, 4, 5, 6}, left_strides, left_strides) == one_each);
  CHECK(launches_of_lie<TestType>({6, 5, 4, 3}, one_gap_strides, one_gap_strides)[3] == 1);
}

TEMPLATE_LIST_TEST_CASE("what two strides cannot reach takes a launch a step", "[axis][tools]", Spaces) {
  // Of the dimensions other than the axis, the shortest is stepped along.
  const std::vector<std::size_t> expected = {4, 3, 3, 3};
  CHECK(launches_of_lie<TestType>({3, 4, 5, 6}, gap_strides, gap_strides) == expected);
  CHECK(launches_of_lie<TestType>({3, 4, 5, 6}, gap_strides, right_strides) == expected);
}

TEMPLATE_LIST_TEST_CASE("views with layouts of their own, and subviews of them", "[axis][layout][subview]", Spaces) {
  using Exec = TestType;
  const Kokkos::View<double****, Right, Kokkos::HostSpace> host("host", 4, 5, 6, 7);
  const Reals values = random_rows<double>(4 * 5 * 6, 7, 12);
  for (std::size_t k = 0; k < values.size(); ++k) host.data()[k] = static_cast<double>(values[k]);
  const auto x = Kokkos::create_mirror_view_and_copy(typename Exec::memory_space(), host);
  const Kokkos::View<double****, Left, typename Exec::device_type> y("y", 4, 5, 6, 7);
  const Kokkos::View<double***, Left, typename Exec::device_type> norms("norms", 4, 6, 7);
  const Kokkos::View<double****, Left, Kokkos::HostSpace> host_y("y", 4, 5, 6, 7);
  const auto check_along_1 = [&](const auto& is_inside) {
    Kokkos::deep_copy(host_y, y);
    for (std::size_t i = 0; i < 4; ++i)
      for (std::size_t k = 0; k < 6; ++k)
        for (std::size_t l = 0; l < 7; ++l) {
          Reals row;
          for (std::size_t j = 0; j < 5; ++j)
            if (is_inside(i, j, k, l)) row.push_back(host(i, j, k, l));
          const Reals expected = reference_row(row, 0, rownorm::MaxAbs{});
          auto next = expected.begin();
          for (std::size_t j = 0; j < 5; ++j)
            REQUIRE(ulp_distance(host_y(i, j, k, l), is_inside(i, j, k, l) ? *next++ : -77.0L) <= 4);
        }
  };
  Kokkos::deep_copy(y, -77);
  rownorm::normalize(Exec(), x, y, norms, {.norm = rownorm::MaxAbs{}, .epsilon = 0, .axis = 1});
  check_along_1([](auto...) { return true; });

  // Some indices of each dimension: rows that no two strides reach, among elements that must stay.
  Kokkos::deep_copy(y, -77);
  const auto some = [](const auto& whole) {
    return Kokkos::subview(whole, std::pair(1, 3), std::pair(0, 4), std::pair(2, 6), std::pair(1, 6));
  };
  rownorm::normalize(some(x), some(y), {.norm = rownorm::MaxAbs{}, .epsilon = 0, .axis = -3});
  Kokkos::fence();
  check_along_1([](std::size_t i, std::size_t j, std::size_t k, std::size_t l) {
    return i >= 1 && i < 3 && j < 4 && k >= 2 && k < 6 && l >= 1 && l < 6;
  });

  // In place.
  rownorm::normalize(Exec(), y, y, {.norm = rownorm::MaxAbs{}, .epsilon = 0, .axis = 0});
  Kokkos::deep_copy(host_y, y);
  CHECK(host_y(0, 4, 0, 0) == -1);
}

TEMPLATE_LIST_TEST_CASE("an array of nothing launches nothing, whatever its rank", "[axis][empty]", Spaces) {
  using Exec = TestType;
  const Listener listener;
  const std::array<int, 3> shapes[] = {{0, 3, 4}, {3, 0, 4}, {3, 4, 0}};
  for (const auto& [a, b, c] : shapes) {
    const Kokkos::View<float***, typename Exec::device_type> x("x", a, b, c);
    for (const int axis : {0, 1, 2}) rownorm::normalize(Exec(), x, x, {.axis = axis});
    // As many norms as there are rows, which may be some, of no columns: they are left as they were.
    const Kokkos::View<float**, typename Exec::device_type> norms("norms", a, b);
    rownorm::normalize(Exec(), x, x, norms);
    rownorm::row_norms(Exec(), x, norms);
  }
  CHECK(listener.rownorm_launches() == 0);
}

namespace {

Operand operand_of(const Extents& extents, const Extents& strides) {
  Operand operand{"x", 64, 4, static_cast<int>(extents.size()), {}, {}};
  std::copy(extents.begin(), extents.end(), operand.extents.begin());
  std::copy(strides.begin(), strides.end(), operand.strides.begin());
  return operand;
}

}  // namespace

TEST_CASE("plans of arrays without gaps", "[axis][plan]") {
  const Extents extents = {3, 4, 5, 6};
  const Operand right = operand_of(extents, right_strides(extents)), left = operand_of(extents, left_strides(extents));
  const auto expect = [](const RowPlan& plan, std::int64_t columns, std::int64_t batch_rows, std::int64_t batches,
                         std::int64_t row_stride, std::int64_t batch_stride, std::int64_t column_stride) {
    CHECK(plan.columns == columns);
    CHECK(plan.batch_rows == batch_rows);
    CHECK(plan.batches == batches);
    CHECK(plan.loops() == 1);
    CHECK(plan.operands[0].row_stride == row_stride);
    if (batches > 1) CHECK(plan.operands[0].batch_stride == batch_stride);
    CHECK(plan.operands[0].column_stride == column_stride);
  };
  expect(plan_rows(3, {&right, &right}, {}), 6, 60, 1, 6, 0, 1);
  expect(plan_rows(0, {&right, &right}, {}), 3, 120, 1, 1, 0, 120);
  expect(plan_rows(1, {&right, &right}, {}), 4, 30, 3, 1, 120, 30);
  expect(plan_rows(2, {&right, &right}, {}), 5, 6, 12, 1, 30, 6);
  expect(plan_rows(0, {&left, &left}, {}), 3, 120, 1, 3, 0, 1);
  expect(plan_rows(3, {&left, &left}, {}), 6, 60, 1, 1, 0, 60);
  expect(plan_rows(1, {&left, &left}, {}), 4, 3, 30, 1, 12, 3);
  // Extents of one have no stride worth the name.
  const Operand flat = operand_of({3, 1, 5, 6}, {30, 77, 6, 1});
  expect(plan_rows(3, {&flat, &flat}, {}), 6, 15, 1, 6, 0, 1);
  // One row, and one column.
  const Operand row = operand_of({9}, {2});
  expect(plan_rows(0, {&row, &row}, {}), 9, 1, 1, 0, 0, 2);
  // Norms in another order keep dimensions apart.
  const Operand norms = operand_of({3, 4, 5}, left_strides({3, 4, 5}));
  CHECK(plan_rows(3, {&right, &right}, {&norms}).loops() == 3);
}

TEST_CASE("a plan takes each row once, in all operands", "[axis][plan]") {
  std::mt19937 engine(5);
  const auto pick = [&](int low, int high) {
    return static_cast<std::size_t>(std::uniform_int_distribution<int>(low, high)(engine));
  };
  const StridesOf kinds[] = {right_strides, left_strides, gap_strides, one_gap_strides};
  for (int round = 0; round < 2000; ++round) {
    const std::size_t rank = pick(2, 6), axis = pick(0, static_cast<int>(rank) - 1);
    Extents extents(rank);
    for (std::size_t& extent : extents) extent = pick(1, 4);
    const AlongAxis x(extents, kinds[pick(0, 3)](extents), axis), y(extents, kinds[pick(0, 3)](extents), axis);
    Extents norm_extents = without(extents, axis), norm_strides = kinds[pick(0, 2)](norm_extents);
    const Operand of_x = operand_of(extents, x.strides()), of_y = operand_of(extents, y.strides()),
                  of_norms = operand_of(norm_extents, norm_strides);
    norm_extents.push_back(1);
    norm_strides.push_back(1);
    const AlongAxis norms(norm_extents, norm_strides, rank - 1);
    using Row = std::array<std::int64_t, 3>;
    std::multiset<Row> expected, actual;
    for (std::size_t i = 0; i < x.rows; ++i)
      expected.insert({static_cast<std::int64_t>(x.index(i, 0)), static_cast<std::int64_t>(y.index(i, 0)),
                       static_cast<std::int64_t>(norms.index(i, 0))});
    const RowPlan plan = plan_rows(static_cast<int>(axis), {&of_x, &of_y}, {&of_norms});
    for (std::int64_t loop = 0; loop < plan.loops(); ++loop)
      for (std::int64_t batch = 0; batch < plan.batches; ++batch)
        for (std::int64_t i = 0; i < plan.batch_rows; ++i) {
          Row row{};
          for (int k = 0; k < 3; ++k) {
            const auto& at = plan.operands[static_cast<std::size_t>(k)];
            row[static_cast<std::size_t>(k)] = plan.loop_offset(loop, k) + batch * at.batch_stride + i * at.row_stride;
          }
          actual.insert(row);
        }
    REQUIRE(actual == expected);
    CHECK(plan.columns == static_cast<std::int64_t>(extents[axis]));
    CHECK(plan.operands[0].column_stride == static_cast<std::int64_t>(x.strides()[axis]));
    CHECK(plan.operands[1].column_stride == static_cast<std::int64_t>(y.strides()[axis]));
  }
}
