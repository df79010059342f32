// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Bad arguments: refused with a message that names function, argument and extents, before anything is launched.
#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <limits>
#include <random>
#include <rownorm/rownorm.hpp>
#include <stdexcept>

#include "support/matrix.hpp"
#include "support/tools.hpp"

using namespace rownorm::tests;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::Message;
using Catch::Matchers::MessageMatches;
using Catch::Matchers::StartsWith;

namespace {

template <class Exec, class T, class Layout = Right>
using View = Kokkos::View<T**, Layout, typename Exec::device_type>;

/// Expects a call to throw this message, to launch nothing and to leave y alone.
template <class Y, class Call>
void check_refused(const Y& y, const std::string& message, const Call& call) {
  using T = typename Y::value_type;
  Kokkos::deep_copy(y, static_cast<T>(-77));
  {
    const Listener listener;
    CHECK_THROWS_MATCHES(call(), std::invalid_argument, Message(message));
    CHECK(listener.launches().empty());
  }
  const Kokkos::View<typename Y::data_type, Right, Kokkos::HostSpace> after("after", y.extent(0), y.extent(1));
  Kokkos::deep_copy(after, y);
  for (std::size_t i = 0; i < y.extent(0); ++i)
    for (std::size_t j = 0; j < y.extent(1); ++j) REQUIRE(after(i, j) == static_cast<T>(-77));
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("different extents are refused", "[errors]", Spaces) {
  using Exec = TestType;
  const View<Exec, float> x("x", 3, 4), fewer_columns("y", 3, 3), more_rows("y", 4, 4), empty("y", 0, 4);
  check_refused(fewer_columns, "rownorm::l1_normalize: x (3 x 4) and y (3 x 3) must have equal extents",
                [&] { rownorm::l1_normalize(x, fewer_columns); });
  check_refused(more_rows, "rownorm::l1_normalize: x (3 x 4) and y (4 x 4) must have equal extents",
                [&] { rownorm::l1_normalize(Exec(), x, more_rows); });
  check_refused(more_rows, "rownorm::normalize: x (3 x 4) and y (4 x 4) must have equal extents",
                [&] { rownorm::normalize(Exec(), x, more_rows); });
  check_refused(empty, "rownorm::normalize: x (3 x 4) and y (0 x 4) must have equal extents",
                [&] { rownorm::normalize(x, empty); });
  const Kokkos::View<float*, typename Exec::device_type> row("x", 7), short_row("y", 5);
  CHECK_THROWS_MATCHES(rownorm::l1_normalize(row, short_row), std::invalid_argument,
                       Message("rownorm::l1_normalize: x (7) and y (5) must have equal extents"));
}

TEMPLATE_LIST_TEST_CASE("an epsilon that is negative, NaN or too large is refused", "[errors][epsilon]", Spaces) {
  using Exec = TestType;
  const View<Exec, double> x("x", 2, 5), y("y", 2, 5);
  check_refused(y,
                "rownorm::l1_normalize: params.epsilon is -0.5, but must lie between 0 and 1.79769e+308; called with "
                "x (2 x 5) and y (2 x 5)",
                [&] { rownorm::l1_normalize(x, y, {.epsilon = -0.5}); });
  check_refused(y,
                "rownorm::normalize: params.epsilon is nan, but must lie between 0 and 1.79769e+308; called with "
                "x (2 x 5) and y (2 x 5)",
                [&] { rownorm::normalize(Exec(), x, y, {.epsilon = std::numeric_limits<double>::quiet_NaN()}); });
  const View<Exec, float> narrow("narrow", 2, 5);
  check_refused(narrow,
                "rownorm::l1_normalize: params.epsilon is 1e+39, but must lie between 0 and 3.40282e+38; called with x "
                "(2 x 5) and y (2 x 5)",
                [&] { rownorm::l1_normalize(narrow, narrow, {.epsilon = 1e39}); });
  CHECK_NOTHROW(rownorm::l1_normalize(x, narrow, {.epsilon = 1e39}));  // computed in double
  // Also where there is nothing to do, so that the mistake shows early.
  const View<Exec, double> empty("x", 0, 5);
  CHECK_THROWS_AS(rownorm::l1_normalize(empty, empty, {.epsilon = -1}), std::invalid_argument);
  CHECK_NOTHROW(rownorm::l1_normalize(x, y, {.epsilon = 0}));
}

TEMPLATE_LIST_TEST_CASE("a partial overlap of x and y is refused", "[errors][overlap]", Spaces) {
  using Exec = TestType;
  const View<Exec, float> whole("whole", 8, 10);
  const auto columns = [&](int first, int last) {
    return Kokkos::subview(whole, Kokkos::ALL, std::make_pair(first, last));
  };
  const auto rows = [&](int first, int last) {
    return Kokkos::subview(whole, std::make_pair(first, last), Kokkos::ALL);
  };
  const std::string suffix = " overlap in part; they must be the same elements or have none in common";
  check_refused(whole, "rownorm::l1_normalize: x (8 x 6) and y (8 x 6)" + suffix,
                [&] { rownorm::l1_normalize(columns(0, 6), columns(4, 10)); });
  check_refused(whole, "rownorm::l1_normalize: x (5 x 10) and y (5 x 10)" + suffix,
                [&] { rownorm::l1_normalize(rows(3, 8), rows(0, 5)); });
  // The same memory in another order, and values of another size at the same place.
  const Kokkos::View<float**, Left, typename Exec::device_type> transposed(whole.data(), 8, 10);
  check_refused(whole, "rownorm::normalize: x (8 x 10) and y (8 x 10)" + suffix,
                [&] { rownorm::normalize(transposed, whole); });
  const Kokkos::View<double**, Right, typename Exec::device_type> wider(reinterpret_cast<double*>(whole.data()), 4, 10);
  check_refused(whole, "rownorm::normalize: x (4 x 10) and y (4 x 10)" + suffix,
                [&] { rownorm::normalize(wider, rows(0, 4)); });
  CHECK_NOTHROW(rownorm::l1_normalize(columns(0, 5), columns(5, 10)));
  CHECK_NOTHROW(rownorm::l1_normalize(rows(0, 4), rows(4, 8)));
  CHECK_NOTHROW(rownorm::l1_normalize(columns(2, 5), columns(2, 5)));
}

TEMPLATE_LIST_TEST_CASE("a y that holds one element many times is refused", "[errors][overlap]", Spaces) {
  using Exec = TestType;
  const View<Exec, float> x("x", 3, 4), y("y", 3, 4);
  using Strided = Kokkos::View<float**, Stride, typename Exec::device_type>;
  const std::string message = "rownorm::l1_normalize: y (3 x 4) has indices that lead to the same element";
  check_refused(y, message, [&] { rownorm::l1_normalize(x, Strided(y.data(), Kokkos::LayoutStride(3, 0, 4, 1))); });
  check_refused(y, message, [&] { rownorm::l1_normalize(x, Strided(y.data(), Kokkos::LayoutStride(3, 2, 4, 1))); });
}

TEMPLATE_LIST_TEST_CASE("a view without memory is refused", "[errors]", Spaces) {
  using Exec = TestType;
  const View<Exec, float> y("y", 3, 4);
  const Kokkos::View<float**, Right, typename Exec::device_type, Kokkos::MemoryUnmanaged> nothing(nullptr, 3, 4);
  check_refused(y, "rownorm::l1_normalize: x (3 x 4) has elements but no memory: its data pointer is null",
                [&] { rownorm::l1_normalize(nothing, y); });
  check_refused(y, "rownorm::l1_normalize: y (3 x 4) has elements but no memory: its data pointer is null",
                [&] { rownorm::l1_normalize(y, nothing); });
}

namespace {

/// Arrays of a test, all of them right; each test makes one of them wrong.
template <class Exec>
struct Arguments {
  template <class T>
  using Vector = Kokkos::View<T*, typename Exec::device_type>;
  View<Exec, float> x{"x", 3, 4}, y{"y", 3, 4};
  Vector<double> norms{"norms", 3};
  Vector<float> weights{"weights", 4};
};

}  // namespace

TEMPLATE_LIST_TEST_CASE("an axis that x does not have is refused", "[errors][axis]", Spaces) {
  const Arguments<TestType> a;
  const std::string has = ", but x (3 x 4) has axes from -2 to 1";
  for (const int axis : {2, -3, 100})
    check_refused(a.y, "rownorm::normalize: params.axis is " + std::to_string(axis) + has,
                  [&] { rownorm::normalize(a.x, a.y, {.axis = axis}); });
  CHECK_THROWS_MATCHES(rownorm::row_norms(a.x, a.norms, rownorm::MeanAbs{}, 2), std::invalid_argument,
                       MessageMatches(StartsWith("rownorm::row_norms: ") && ContainsSubstring("axis is 2" + has)));
  const Kokkos::View<float***, typename TestType::device_type> x("x", 2, 3, 4), y("y", 2, 3, 5);
  CHECK_THROWS_MATCHES(rownorm::normalize(x, x, {.axis = 3}), std::invalid_argument,
                       Message("rownorm::normalize: params.axis is 3, but x (2 x 3 x 4) has axes from -3 to 2"));
  CHECK_THROWS_MATCHES(rownorm::normalize(x, y, {.axis = 1}), std::invalid_argument,
                       Message("rownorm::normalize: x (2 x 3 x 4) and y (2 x 3 x 5) must have equal extents"));
}

TEMPLATE_LIST_TEST_CASE("weights that do not fit are refused", "[errors][weights]", Spaces) {
  using Exec = TestType;
  const Arguments<Exec> a;
  using Vector = typename Arguments<Exec>::template Vector<float>;
  const Vector three("weights", 3);
  check_refused(a.y,
                "rownorm::normalize: params.weights (3) must have an element for each column of x (3 x 4) along axis 1",
                [&] { rownorm::normalize(a.x, a.y, {.weights = three}); });
  check_refused(a.y,
                "rownorm::normalize: params.weights (4) must have an element for each column of x (3 x 4) along axis 0",
                [&] { rownorm::normalize(Exec(), a.x, a.y, a.norms, {.axis = 0, .weights = a.weights}); });
  const Kokkos::View<float*, typename Exec::device_type, Kokkos::MemoryUnmanaged> nothing(nullptr, 4);
  check_refused(a.y, "rownorm::normalize: params.weights (4) has elements but no memory: its data pointer is null",
                [&] { rownorm::normalize(a.x, a.y, {.weights = nothing}); });
  const auto row = Kokkos::subview(a.y, 1, Kokkos::ALL);
  check_refused(a.y,
                "rownorm::normalize: params.weights (4) and y (3 x 4) overlap; they must have no element in common",
                [&] { rownorm::normalize(a.x, a.y, {.weights = row}); });
  CHECK_NOTHROW(rownorm::normalize(a.x, a.y, {.weights = Kokkos::subview(a.x, 1, Kokkos::ALL)}));
  Kokkos::fence();
}

TEMPLATE_LIST_TEST_CASE("norms that do not fit are refused", "[errors][norms]", Spaces) {
  using Exec = TestType;
  const Arguments<Exec> a;
  const auto refuse = [&](const std::string& message, const auto& norms, int axis = -1) {
    check_refused(a.y, "rownorm::normalize: " + message,
                  [&] { rownorm::normalize(Exec(), a.x, a.y, norms, {.axis = axis}); });
  };
  using Doubles = typename Arguments<Exec>::template Vector<double>;
  using Strided = Kokkos::View<float*, Stride, typename Exec::device_type>;
  const std::string for_each_row = " must have an element for each row of x (3 x 4) along axis ";
  refuse("norms (4)" + for_each_row + "1", Doubles("norms", 4));
  refuse("norms (3)" + for_each_row + "0", a.norms, 0);
  refuse("norms (0)" + for_each_row + "1", Doubles("norms", 0));
  refuse("norms (3) has elements but no memory: its data pointer is null",
         Kokkos::View<float*, typename Exec::device_type, Kokkos::MemoryUnmanaged>(nullptr, 3));
  refuse("norms (3) has indices that lead to the same element", Strided(a.weights.data(), Kokkos::LayoutStride(3, 0)));
  const std::string overlap = " and norms (3) overlap; they must have no element in common";
  refuse("x (3 x 4)" + overlap, Kokkos::subview(a.x, Kokkos::ALL, 2));
  refuse("y (3 x 4)" + overlap, Kokkos::subview(a.y, Kokkos::ALL, 0));
  check_refused(a.y, "rownorm::normalize: params.weights (4)" + overlap, [&] {
    rownorm::normalize(a.x, a.y, Strided(a.weights.data(), Kokkos::LayoutStride(3, 1)), {.weights = a.weights});
  });
  const auto column = Kokkos::subview(a.y, Kokkos::ALL, 1);
  check_refused(a.y, "rownorm::row_norms: x (3 x 4)" + overlap, [&] { rownorm::row_norms(a.y, column); });
  check_refused(a.y, "rownorm::row_norms: norms (4)" + for_each_row + "1",
                [&] { rownorm::row_norms(Exec(), a.y, a.weights); });

  // Of one row, one norm.
  const Kokkos::View<float*, typename Exec::device_type> row("x", 7);
  CHECK_THROWS_MATCHES(
      rownorm::row_norms(row, a.norms), std::invalid_argument,
      Message("rownorm::row_norms: norms (3) must have an element for each row of x (7) along axis 0"));
  const Kokkos::View<float***, typename Exec::device_type> array("x", 2, 3, 4);
  const Kokkos::View<float**, typename Exec::device_type> matrix("norms", 2, 3);
  CHECK_THROWS_MATCHES(
      rownorm::normalize(array, array, matrix, {.axis = 1}), std::invalid_argument,
      Message("rownorm::normalize: norms (2 x 3) must have an element for each row of x (2 x 3 x 4) along axis 1"));
  CHECK_NOTHROW(rownorm::normalize(array, array, matrix));
  Kokkos::fence();
}

TEMPLATE_LIST_TEST_CASE("epsilon is checked with every norm and for any array", "[errors][epsilon]", Spaces) {
  const Arguments<TestType> a;
  check_refused(
      a.y,
      "rownorm::normalize: params.epsilon is -1, but must lie between 0 and 3.40282e+38; called with x (3 x 4) "
      "and y (3 x 4)",
      [&] { rownorm::normalize(a.x, a.y, a.norms, {.norm = rownorm::Euclidean{}, .epsilon = -1}); });
  const Kokkos::View<Kokkos::complex<float>**, typename TestType::device_type> z("z", 1, 2);
  CHECK_NOTHROW(rownorm::normalize(z, z, rownorm::Parameters<rownorm::MaxAbs>{.epsilon = 1e39}));  // computed in double
  Kokkos::fence();
}

#ifdef KOKKOS_ENABLE_CUDA
TEST_CASE("weights and status that the execution space cannot reach are refused", "[errors][weights][status]") {
  using Exec = Kokkos::Cuda;
  const Arguments<Exec> a;
  const Kokkos::View<float*, Kokkos::HostSpace> weights("weights", 4);
  const Kokkos::View<rownorm::RowStatus, Kokkos::HostSpace> counts("counts");
  const std::string unreachable = " is in memory that the execution space cannot access";
  check_refused(a.y, "rownorm::normalize: params.weights" + unreachable,
                [&] { rownorm::normalize(Exec(), a.x, a.y, {.weights = weights}); });
  check_refused(a.y, "rownorm::normalize: params.status" + unreachable,
                [&] { rownorm::normalize(Exec(), a.x, a.y, {.status = counts}); });
}
#endif

TEST_CASE("overlap is exact for any strides", "[errors][overlap]") {
  using rownorm::impl::Operand;
  std::mt19937 engine(7);
  const auto pick = [&](int low, int high) { return std::uniform_int_distribution<std::int64_t>(low, high)(engine); };
  int overlapping = 0, disjoint = 0;
  for (int round = 0; round < 20000; ++round) {
    std::vector<double> memory(400);
    const auto operand = [&] {
      const std::int64_t bytes = pick(0, 1) == 0 ? 4 : 8;
      const auto rank = static_cast<int>(pick(1, 3));
      Operand result{"x", reinterpret_cast<std::uintptr_t>(memory.data()) + bytes * pick(0, 60), bytes, rank, {}, {}};
      for (int r = 0; r < rank; ++r) {
        result.extents[r] = pick(1, rank == 3 ? 4 : 6);
        result.strides[r] = pick(0, 14);
      }
      return result;
    };
    const Operand x = operand(), y = operand();
    std::vector<int> owner(memory.size() * sizeof(double), 0);
    bool expected = false, expected_self = false;
    const auto visit = [&](const Operand& array, const auto& byte) {
      for (std::int64_t element = 0; element < array.size(); ++element) {
        std::int64_t rest = element, offset = 0;
        for (int r = 0; r < array.rank; ++r) {
          offset += rest % array.extents[r] * array.strides[r] * array.value_bytes;
          rest /= array.extents[r];
        }
        for (std::int64_t b = 0; b < array.value_bytes; ++b)
          byte(owner.at(array.address - reinterpret_cast<std::uintptr_t>(memory.data()) +
                        static_cast<std::uintptr_t>(offset + b)));
      }
    };
    visit(x, [&](int& byte) { expected_self |= ++byte > 1; });
    visit(y, [&](const int& byte) { expected |= byte > 0; });
    REQUIRE(rownorm::impl::overlap(x, y) == expected);
    REQUIRE(rownorm::impl::overlap(y, x) == expected);
    REQUIRE(rownorm::impl::self_overlap(x) == expected_self);
    ++(expected ? overlapping : disjoint);
  }
  CHECK(overlapping > 1000);
  CHECK(disjoint > 1000);
}
