// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// team_normalize inside kernels that are not ours.
#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>
#include <rownorm/rownorm.hpp>

#include "support/matrix.hpp"
#include "support/random.hpp"

using namespace rownorm::tests;

namespace {

template <class Exec, class X, class Y>
struct NormalizeRows {
  X x;
  Y y;
  double epsilon;

  KOKKOS_FUNCTION void operator()(const typename Kokkos::TeamPolicy<Exec>::member_type& member) const {
    const int i = member.league_rank();
    rownorm::team_normalize(member, Kokkos::subview(x, i, Kokkos::ALL), Kokkos::subview(y, i, Kokkos::ALL),
                            rownorm::Parameters<>{.epsilon = epsilon});
  }
};

template <class Exec, class X, class Y>
void normalize_rows(int team_size, int vector_length, const X& x, const Y& y, double epsilon) {
  Kokkos::parallel_for("user", Kokkos::TeamPolicy<Exec>(static_cast<int>(x.extent(0)), team_size, vector_length),
                       NormalizeRows<Exec, X, Y>{x, y, epsilon});
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("team_normalize normalises a row inside a user's kernel", "[team]", FullGrid) {
  using Exec = typename TestType::execution_space;
  using X = typename TestType::x_type;
  using Y = typename TestType::y_type;
  const bool host = rownorm::impl::is_host_space_v<Exec>;
  for (const auto& [team_size, vector_length] :
       {std::pair(1, 1), std::pair(host ? 1 : 8, 4), std::pair(host ? 1 : 64, 1), std::pair(host ? 1 : 3, 32)}) {
    for (const std::size_t columns : {1, 33, 2000}) {
      CAPTURE(team_size, vector_length, columns);
      const Placement px = place<typename TestType::x_layout>(6, columns),
                      py = place<typename TestType::y_layout>(6, columns);
      Reals x = random_rows<X>(6, columns, 9);
      std::fill(x.begin() + columns, x.begin() + 2 * columns, 0.0L);
      Buffer<Exec, X> x_buffer(px.length());
      Buffer<Exec, Y> y_buffer(py.length());
      x_buffer.put(px, x);
      normalize_rows<Exec>(team_size, vector_length,
                           view_at<const X, typename TestType::x_layout, Exec>(x_buffer.data(), px),
                           view_at<Y, typename TestType::y_layout, Exec>(y_buffer.data(), py), 0);
      CHECK(worst_ulp<X>(x, y_buffer.get(py), columns, 0) <= Format<Y>::promised_ulp);
      CHECK(y_buffer.untouched_outside(py));
    }
  }
}

TEMPLATE_LIST_TEST_CASE("team_normalize in place, and of nothing", "[team][in-place]", Spaces) {
  using Exec = TestType;
  const Placement p = place<Right>(4, 77);
  const Reals x = random_rows<double>(4, 77, 1);
  Buffer<Exec, double> buffer(p.length());
  buffer.put(p, x);
  const auto view = view_at<double, Right, Exec>(buffer.data(), p);
  normalize_rows<Exec>(1, 1, view, view, 1e-8);
  CHECK(worst_ulp<double>(x, buffer.get(p), 77, 1e-8) <= 4);

  const Kokkos::View<double**, typename Exec::device_type> empty("empty", 4, 0);
  normalize_rows<Exec>(1, 1, empty, empty, 1e-8);
  Kokkos::fence();
}

namespace {

/// Normalises a row of team scratch: values that never leave the team.
template <class Exec>
struct ThroughScratch {
  using Scratch = Kokkos::View<float*, typename Exec::scratch_memory_space, Kokkos::MemoryUnmanaged>;
  Kokkos::View<float**, typename Exec::device_type> y;

  KOKKOS_FUNCTION void operator()(const typename Kokkos::TeamPolicy<Exec>::member_type& member) const {
    const int columns = static_cast<int>(y.extent(1));
    const Scratch row(member.team_scratch(0), columns);
    Kokkos::parallel_for(Kokkos::TeamVectorRange(member, columns),
                         [&](int j) { row(j) = static_cast<float>((j % 7 + 1) * (member.league_rank() + 1)); });
    member.team_barrier();
    rownorm::team_normalize(member, row, row);
    member.team_barrier();
    // Another order than the one it was written in, which is what the barrier is for.
    Kokkos::parallel_for(Kokkos::TeamVectorRange(member, columns),
                         [&](int j) { y(member.league_rank(), j) = row(columns - 1 - j); });
  }
};

}  // namespace

TEMPLATE_LIST_TEST_CASE("team_normalize on team scratch", "[team][scratch]", Spaces) {
  using Exec = TestType;
  const int rows = 5, columns = 700;
  const Kokkos::View<float**, typename Exec::device_type> y("y", rows, columns);
  const int team_size = rownorm::impl::is_host_space_v<Exec> ? 1 : 128;
  Kokkos::parallel_for("user",
                       Kokkos::TeamPolicy<Exec>(rows, team_size)
                           .set_scratch_size(0, Kokkos::PerTeam(ThroughScratch<Exec>::Scratch::shmem_size(columns))),
                       ThroughScratch<Exec>{y});
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), y);
  for (int i = 0; i < rows; ++i)
    for (int j = 0; j < columns; ++j) REQUIRE(ulp_distance(host(i, j), ((columns - 1 - j) % 7 + 1) / 4.0L) <= 4);
}
