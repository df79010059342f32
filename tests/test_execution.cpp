// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a call does to its execution space instance, seen through Kokkos Tools; repeatable bits; many callers at once.
#include <algorithm>
#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <rownorm/rownorm.hpp>
#include <thread>
#include <vector>

#include "support/kernels.hpp"
#include "support/matrix.hpp"
#include "support/random.hpp"
#include "support/tools.hpp"

using namespace rownorm::tests;

namespace {

template <class Exec, class T>
using View = Kokkos::View<T**, Right, typename Exec::device_type>;

/// Instances that may run side by side, or the default one where the space cannot be divided.
template <class Exec>
std::vector<Exec> instances(int wanted) {
  const int parts = rownorm::impl::is_host_space_v<Exec> ? std::min(wanted, Exec().concurrency()) : wanted;
  if (parts < 2) return {Exec()};
  return Kokkos::Experimental::partition_space(Exec(), std::vector<int>(static_cast<std::size_t>(parts), 1));
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("an empty view launches nothing", "[execution][empty]", Spaces) {
  const Listener listener;
  for (const auto& [rows, columns] : {std::pair(0, 5), std::pair(5, 0), std::pair(0, 0)}) {
    const View<TestType, float> x("x", rows, columns), y("y", rows, columns);
    rownorm::l1_normalize(TestType(), x, y);
    rownorm::l1_normalize(TestType(), x, x);
  }
  const Kokkos::View<double*, typename TestType::device_type> row("row", 0), unallocated;
  rownorm::l1_normalize(row, row);
  rownorm::l1_normalize(unallocated, unallocated);
  CHECK(listener.rownorm_launches() == 0);
}

TEMPLATE_LIST_TEST_CASE("one labelled kernel on the given instance, no fence, no allocation", "[execution][tools]",
                        ValueGrid) {
  using Exec = typename TestType::execution_space;
  for (const Exec& exec : instances<Exec>(2)) {
    const View<Exec, typename TestType::x_type> x("x", 5, 300);
    const View<Exec, typename TestType::y_type> y("y", 5, 300);
    rownorm::l1_normalize(exec, x, y);  // the first call may reserve
    exec.fence();
    const auto check = [&](const Listener& listener) {
      for (const std::string& name : listener.launches()) CHECK_THAT(name, Catch::Matchers::StartsWith("rownorm::"));
      CHECK(listener.devices()[0] == Kokkos::Tools::Experimental::device_id(exec));
      CHECK(listener.fences() == std::vector<std::string>());
      CHECK(listener.allocations() == std::vector<std::string>());
    };
    {
      const Listener listener;
      rownorm::l1_normalize(exec, x, y);
      rownorm::normalize(exec, x, y, rownorm::Parameters<rownorm::MeanAbs>{});
      REQUIRE(listener.launches().size() == 2);
      check(listener);
    }
    with_every_kernel(exec, x, y, [&](const rownorm::Schedule& schedule) {
      normalize_with(schedule, exec, x, y);  // the first call may reserve
      exec.fence();
      const Listener listener;
      normalize_with(schedule, exec, x, y);
      REQUIRE(listener.launches().size() >= 1);
      check(listener);
    });
  }
}

TEMPLATE_LIST_TEST_CASE("kernels are in a region with the name of the function", "[execution][tools]", Spaces) {
  const Kokkos::View<float**, TestType> x("x", 5, 300), y("y", 5, 300), g("g", 5, 300);
  const Kokkos::View<float*, TestType> norms("norms", 5);
  const TestType exec;
  const Listener listener;
  rownorm::l1_normalize(exec, x, y);
  rownorm::normalize(exec, x, y, norms);
  rownorm::row_norms(exec, x, norms);
  rownorm::normalize_backward(exec, x, g, y);
  CHECK(listener.regions() == std::vector<std::string>{"rownorm::l1_normalize", "rownorm::normalize",
                                                       "rownorm::row_norms", "rownorm::normalize_backward"});
  CHECK(listener.open_regions() == 0);
}

TEMPLATE_LIST_TEST_CASE("the same input gives the same bits", "[execution][repeatable]", ValueGrid) {
  using Exec = typename TestType::execution_space;
  using X = typename TestType::x_type;
  using Y = typename TestType::y_type;
  const std::size_t rows = 8;
  const auto execs = instances<Exec>(2);
  for (const std::size_t columns : {17, 3000, 100001}) {
    const Reals x = random_rows<X>(rows, columns, 23);
    for (const Placements& at : all_placements(rows, columns)) {
      CAPTURE(columns, at.x.row_stride, at.y.row_stride);
      Buffer<Exec, X> x_buffer(at.x.length());
      Buffer<Exec, Y> y_buffer(at.y.length());
      x_buffer.put(at.x, x);
      const auto x_view = view_at<const X, Stride, Exec>(x_buffer.data(), at.x);
      const auto y_view = view_at<Y, Stride, Exec>(y_buffer.data(), at.y);
      with_every_kernel(execs[0], x_view, y_view, [&](const rownorm::Schedule& schedule) {
        std::vector<Y> first;
        for (const Exec& exec : execs) {
          for (int run = 0; run < 5; ++run) {
            normalize_with(schedule, exec, x_view, y_view);
            exec.fence();
            const auto y = y_buffer.get(at.y);
            if (first.empty()) first = y;
            CHECK(same_bits(y, first));
          }
        }
      });
    }
  }
}

namespace {

/// Host threads, each with rows of its own. Everything is made beforehand: what runs at once is nothing but calls.
template <class Exec, class Layout>
class Callers {
 public:
  Callers(std::size_t rows, std::size_t columns) : columns_(columns), place_(place<Layout>(rows, columns)) {
    for (unsigned t = 0; t < threads; ++t) {
      x_.push_back(random_rows<float>(rows, columns, t));
      x_buffers_.emplace_back(place_.length()).put(place_, x_.back());
      y_buffers_.emplace_back(place_.length());
    }
  }

  auto x(std::size_t t) { return view_at<const float, Layout, Exec>(x_buffers_[t].data(), place_); }
  auto y(std::size_t t) { return view_at<float, Layout, Exec>(y_buffers_[t].data(), place_); }

  /// Each calls normalize(t, x, y) many times, and must find its own rows normalised.
  template <class F>
  void run(const F& normalize) {
    for (auto& buffer : y_buffers_) buffer.poison_all();
    std::vector<std::thread> callers;
    for (std::size_t t = 0; t < threads; ++t)
      callers.emplace_back([&, t] {
        for (int call = 0; call < 50; ++call) normalize(t, x(t), y(t));
      });
    for (std::thread& caller : callers) caller.join();
    Kokkos::fence();
    for (std::size_t t = 0; t < threads; ++t)
      CHECK(worst_ulp<float>(x_[t], y_buffers_[t].get(place_), columns_, 1e-8) <= 4);
  }

 private:
  static constexpr std::size_t threads = 8;

  std::size_t columns_;
  Placement place_;
  std::vector<Reals> x_;
  std::vector<Buffer<Exec, float>> x_buffers_, y_buffers_;
};

template <class Exec, class Layout>
void share_an_instance() {
  const Exec exec;
  Callers<Exec, Layout> callers(8, 2048);
  with_every_kernel(exec, callers.x(0), callers.y(0), [&](const rownorm::Schedule& schedule) {
    callers.run([&](std::size_t, const auto& x, const auto& y) { normalize_with(schedule, exec, x, y); });
  });
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("many threads and instances at once", "[execution][concurrency]", Spaces) {
#ifdef KOKKOS_ENABLE_ATOMICS_BYPASS
  SKIP("this Kokkos was built for one host thread (Kokkos_ENABLE_ATOMICS_BYPASS)");
#endif
  const auto execs = instances<TestType>(8);
  Callers<TestType, Right>(9, 2049).run(
      [&](std::size_t t, const auto& x, const auto& y) { rownorm::l1_normalize(execs[t % execs.size()], x, y); });
}

TEMPLATE_LIST_TEST_CASE("many threads on one instance", "[execution][concurrency]", Spaces) {
#ifdef KOKKOS_ENABLE_ATOMICS_BYPASS
  SKIP("this Kokkos was built for one host thread (Kokkos_ENABLE_ATOMICS_BYPASS)");
#endif
  share_an_instance<TestType, Right>();
  share_an_instance<TestType, Left>();
}
