// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Whatever has the members of std::mdspan is an array like a view, of the memory where the work is done.
#include <array>
#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>
#include <cstddef>
#include <rownorm/rownorm.hpp>

#include "support/arrays.hpp"
#include "support/matrix.hpp"
#include "support/random.hpp"

using namespace rownorm::tests;

namespace {

/// As little of an mdspan as will do. It proves that RowNorm asks for no more.
template <class T, std::size_t span_rank>
struct Span {
  using element_type = T;
  using extents_type = std::array<std::size_t, span_rank>;
  using layout_type = void;
  using accessor_type = void;

  T* data;
  std::size_t extents[span_rank];
  std::size_t strides[span_rank];

  static constexpr std::size_t rank() { return span_rank; }
  KOKKOS_FUNCTION T* data_handle() const { return data; }
  KOKKOS_FUNCTION std::size_t extent(std::size_t r) const { return extents[r]; }
  KOKKOS_FUNCTION std::size_t stride(std::size_t r) const { return strides[r]; }
};

/// x, and y in another order, along axis 1 of three.
template <class Exec>
class Task {
 public:
  Task()
      : x_(random_rows<float>(at_x().rows, at_x().columns, 6)), x_buffer_(at_x().length()), y_buffer_(at_y().length()) {
    x_buffer_.put(at_x(), x_);
  }

  static AlongAxis at_x() { return {extents(), right_strides(extents()), 1}; }
  static AlongAxis at_y() { return {extents(), left_strides(extents()), 1}; }
  static Extents extents() { return {5, 6, 7}; }
  const float* x() const { return x_buffer_.data(); }
  float* y() const { return y_buffer_.data(); }

  /// Calls, and expects y to be normalised.
  template <class Call, class Norm = rownorm::MeanAbs>
  void check(const Call& call, const Norm& norm = {}) {
    y_buffer_.poison_all();
    call();
    Kokkos::fence();
    const Expected<float> expected(x_, at_x().columns, epsilon_as_seen<float, float>(1e-8), norm);
    CHECK(expected.worst_ulp(y_buffer_.get(at_y())) <= 4);
    CHECK(y_buffer_.untouched_outside(at_y()));
  }

 private:
  Reals x_;
  Buffer<Exec, float> x_buffer_, y_buffer_;
};

}  // namespace

TEMPLATE_LIST_TEST_CASE("an mdspan of anybody's is an array", "[mdspan]", Spaces) {
  Task<TestType> task;
  const Span<const float, 3> x{task.x(), {5, 6, 7}, {42, 7, 1}};
  const Span<float, 3> y{task.y(), {5, 6, 7}, {1, 5, 30}};
  const Kokkos::View<double**, typename TestType::device_type> norms("norms", 5, 7);
  const rownorm::Euclidean norm;
  task.check([&] { rownorm::normalize(TestType(), x, y, {.axis = 1}); });
  task.check([&] { rownorm::normalize(TestType(), x, y, norms, {.norm = norm, .axis = -2}); }, norm);
  task.check([&] { rownorm::l1_normalize(TestType(), x, y, {.axis = 1}); });
  rownorm::row_norms(TestType(), x, norms, norm, 1);
  // One of the two may be a view.
  const AlongAxis at_x = Task<TestType>::at_x(), at_y = Task<TestType>::at_y();
  const auto x_view = strided_view<3, TestType>(task.x(), at_x);
  const auto y_view = strided_view<3, TestType>(task.y(), at_y);
  task.check([&] { rownorm::normalize(TestType(), x_view, y, {.axis = 1}); });
  task.check([&] { rownorm::normalize(TestType(), x, y_view, {.axis = 1}); });
}

TEST_CASE("an mdspan is worked on by the default execution space unless told otherwise", "[mdspan]") {
  Task<Kokkos::DefaultExecutionSpace> task;
  const Span<const float, 3> x{task.x(), {5, 6, 7}, {42, 7, 1}};
  const Span<float, 3> y{task.y(), {5, 6, 7}, {1, 5, 30}};
  const Kokkos::View<float**> norms("norms", 5, 7);
  task.check([&] { rownorm::normalize(x, y, {.axis = 1}); });
  task.check([&] { rownorm::normalize(x, y, norms, {.axis = 1}); });
  task.check([&] { rownorm::l1_normalize(x, y, {.axis = 1}); });
  CHECK_NOTHROW(rownorm::row_norms(x, norms, rownorm::MeanAbs{}, 1));
}

TEMPLATE_LIST_TEST_CASE("errors speak of mdspans as of views", "[mdspan][errors]", Spaces) {
  Task<TestType> task;
  const Span<const float, 2> x{task.x(), {5, 6}, {6, 1}}, nothing{nullptr, {5, 6}, {6, 1}};
  const Span<float, 2> y{task.y(), {5, 6}, {0, 1}};
  CHECK_THROWS_AS(rownorm::normalize(TestType(), x, y), std::invalid_argument);
  CHECK_THROWS_AS(rownorm::normalize(TestType(), nothing, y), std::invalid_argument);
}

namespace {

template <class Exec, class X, class Y>
struct NormalizeSpans {
  X x;
  Y y;
  KOKKOS_FUNCTION void operator()(const typename Kokkos::TeamPolicy<Exec>::member_type& member) const {
    rownorm::team_normalize(member, x, y);
  }
};

}  // namespace

TEMPLATE_LIST_TEST_CASE("team_normalize takes mdspans", "[mdspan][team]", Spaces) {
  using X = Span<const float, 1>;
  using Y = Span<float, 1>;
  const Reals x = random_rows<float>(1, 99, 3);
  const Placement at_x{1, 99, 0, 2}, at_y{1, 99, 0, 1};
  Buffer<TestType, float> x_buffer(at_x.length()), y_buffer(at_y.length());
  x_buffer.put(at_x, x);
  Kokkos::parallel_for("user", Kokkos::TeamPolicy<TestType>(1, 1),
                       NormalizeSpans<TestType, X, Y>{{x_buffer.data(), {99}, {2}}, {y_buffer.data(), {99}, {1}}});
  CHECK(worst_ulp<float>(x, y_buffer.get(at_y), 99, 1e-8) <= 4);
}

// Kokkos brings an mdspan along, std's or the one that std's was made from.
#ifdef KOKKOS_ENABLE_IMPL_MDSPAN
TEMPLATE_LIST_TEST_CASE("an mdspan of Kokkos' is an array", "[mdspan]", Spaces) {
  Task<TestType> task;
  using Three = Kokkos::extents<int, Kokkos::dynamic_extent, 6, Kokkos::dynamic_extent>;
  const Kokkos::mdspan<const float, Three> x(task.x(), 5, 7);
  const Kokkos::mdspan<float, Three, Kokkos::layout_left> y(task.y(), 5, 7);
  task.check([&] { rownorm::normalize(TestType(), x, y, {.axis = 1}); });
  const Kokkos::layout_stride::mapping<Three> strided(Three(5, 7), std::array<std::size_t, 3>{1, 5, 30});
  const Kokkos::mdspan<float, Three, Kokkos::layout_stride> strided_y(task.y(), strided);
  task.check([&] { rownorm::normalize(TestType(), x, strided_y, {.norm = rownorm::MaxAbs{}, .axis = -2}); },
             rownorm::MaxAbs{});
  task.check([&] { rownorm::l1_normalize(TestType(), x, y, {.axis = 1}); });
}
#endif
