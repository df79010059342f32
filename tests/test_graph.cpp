// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RowNorm in Kokkos graphs, as docs/api/execution.md shows it. Graphs of CUDA's own: test_cuda_graph.cpp.
#include <Kokkos_Core.hpp>
#include <Kokkos_Graph.hpp>
#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>
#include <rownorm/rownorm.hpp>
#include <type_traits>
#include <utility>
#include <vector>

#include "support/graph_work.hpp"
#include "support/matrix.hpp"
#include "support/types.hpp"

using namespace rownorm::tests;

namespace {

/// Other values each time: what replays are told apart by.
template <class Matrix>
struct Fill {
  Matrix x;

  KOKKOS_FUNCTION void operator()(int i) const {
    for (int j = 0; j < static_cast<int>(x.extent(1)); ++j) x(i, j) += static_cast<float>(1 + (7 * i + 3 * j) % 11);
  }
};

template <class Matrix>
struct NormalizeRow {
  Matrix x, y;

  template <class Member>
  KOKKOS_FUNCTION void operator()(const Member& member) const {
    const int i = member.league_rank();
    rownorm::team_normalize(member, Kokkos::subview(x, i, Kokkos::ALL), Kokkos::subview(y, i, Kokkos::ALL),
                            rownorm::Parameters<rownorm::MeanAbs>{});
  }
};

template <class Matrix>
void check_normalised(const Matrix& x, const Matrix& y) {
  const auto x_host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), x);
  const auto y_host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), y);
  const Reals values(x_host.data(), x_host.data() + x_host.size());
  const std::vector<float> results(y_host.data(), y_host.data() + y_host.size());
  CHECK(worst_ulp<float>(values, results, x.extent(1), 1e-8) <= 4);
}

struct EnqueueNothing {
  template <class Exec>
  void operator()(const Exec&) const {}
};

/// Whether nodes of this Kokkos, on this execution space, capture what a function enqueues. Elsewhere the member is
/// missing, or returns nothing.
template <class Node, class Exec>
concept Captures =
    !std::is_void_v<decltype(std::declval<const Node&>().cuda_capture(std::declval<const Exec&>(), EnqueueNothing{}))>;

}  // namespace

TEMPLATE_LIST_TEST_CASE("calls between Kokkos graphs, and rows inside of one", "[execution][graph]", Spaces) {
  using Exec = TestType;
  using Matrix = Kokkos::View<float**, Right, typename Exec::device_type>;
  const int rows = 20, columns = 333;
  const Exec exec;
  const Matrix x("x", rows, columns), y("y", rows, columns);
  const Fill<Matrix> fill{x};
  const NormalizeRow<Matrix> normalize_row{x, y};
  const auto filling = Kokkos::Experimental::create_graph<Exec>(
      [&](const auto& root) { root.then_parallel_for("fill", Kokkos::RangePolicy<Exec>(0, rows), fill); });
  const auto both = Kokkos::Experimental::create_graph<Exec>([&](const auto& root) {
    root.then_parallel_for("fill", Kokkos::RangePolicy<Exec>(0, rows), fill)
        .then_parallel_for("normalize_rows", Kokkos::TeamPolicy<Exec>(rows, Kokkos::AUTO), normalize_row);
  });
  for (int replay = 0; replay < 3; ++replay) {
    filling.submit(exec);
    rownorm::l1_normalize(exec, x, y);
    exec.fence();
    check_normalised(x, y);
    both.submit(exec);
    exec.fence();
    check_normalised(x, y);
  }
}

TEMPLATE_LIST_TEST_CASE("a node of a Kokkos graph captures calls", "[execution][graph]", Spaces) {
  using Exec = TestType;
  using Work = GraphWork<Exec>;
  const Exec exec;
  bool captures = false;
  for (const auto& [rows, columns] : graph_shapes) {
    CAPTURE(rows, columns);
    const Work work(rows, columns);
    const typename Work::Results results(rows, columns), expected(rows, columns);
    work.renew(0);
    work.enqueue(exec, expected);  // the first call on an instance may reserve
    exec.fence();
    auto graph = Kokkos::Experimental::create_graph<Exec>([&](const auto& root) {
      if constexpr (Captures<std::decay_t<decltype(root)>, Exec>) {
        root.cuda_capture(exec, [&](const Exec& captured) { work.enqueue(captured, results); });
        captures = true;
      }
    });
    if (!captures) SKIP("graphs of this execution space, or of this Kokkos, capture nothing");
    graph.instantiate();
    for (unsigned replay = 0; replay < 20; ++replay) {
      work.renew(replay);
      Kokkos::deep_copy(results.status, rownorm::RowStatus{});
      Kokkos::deep_copy(expected.status, rownorm::RowStatus{});
      work.enqueue(exec, expected);
      graph.submit(exec);
      exec.fence();
      REQUIRE(results.same_bits_as(expected));
    }
    const auto status = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), results.status);
    CHECK(status() == rownorm::RowStatus{.zero = 1});
  }
}
