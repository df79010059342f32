// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// team_normalize inside kernels that are not ours.
#include <algorithm>
#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>
#include <limits>
#include <rownorm/rownorm.hpp>

#include "support/matrix.hpp"
#include "support/norms.hpp"
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

namespace {

using rownorm::Nesting;

/// Who has a row in a kernel of the tests: those whom Nesting names, or one thread alone.
enum class Sharing { team_vector, team_thread, thread_vector, alone };

/// Normalises rows and writes their norms, each shared as `sharing` says.
template <class Exec, class T, Sharing sharing>
struct ShareRows {
  using Member = typename Kokkos::TeamPolicy<Exec>::member_type;
  Kokkos::View<const T**, Stride, typename Exec::device_type, Kokkos::MemoryUnmanaged> x;
  Kokkos::View<T**, Stride, typename Exec::device_type, Kokkos::MemoryUnmanaged> y;
  Kokkos::View<double*, typename Exec::device_type> norms;
  rownorm::Parameters<> params;

  /// A row of a thread's own, or of a lane's.
  KOKKOS_FUNCTION void operator()(int i) const {
    const auto x_row = Kokkos::subview(x, i, Kokkos::ALL);
    norms(i) = rownorm::thread_row_norm(x_row, params.norm);
    rownorm::thread_normalize(x_row, Kokkos::subview(y, i, Kokkos::ALL), params);
  }

  KOKKOS_FUNCTION void operator()(const Member& member) const {
    if constexpr (sharing == Sharing::thread_vector) {
      const int rows_per_team = 3, first = member.league_rank() * rows_per_team;
      const int end = Kokkos::min(first + rows_per_team, static_cast<int>(x.extent(0)));
      Kokkos::parallel_for(Kokkos::TeamThreadRange(member, first, end),
                           [&](int i) { share<Nesting::thread_vector>(member, i); });
    } else if constexpr (sharing == Sharing::team_thread) {
      share<Nesting::team_thread>(member, member.league_rank());
    } else if constexpr (sharing == Sharing::team_vector) {
      share<Nesting::team_vector>(member, member.league_rank());
    }
  }

  template <Nesting nesting>
  KOKKOS_FUNCTION void share(const Member& member, int i) const {
    const auto x_row = Kokkos::subview(x, i, Kokkos::ALL);
    const double norm = rownorm::team_row_norm<nesting>(member, x_row, params.norm);
    // All have it: whichever of them is the last must have the right one.
    norms(i) = norm;
    rownorm::team_normalize<nesting>(member, x_row, Kokkos::subview(y, i, Kokkos::ALL), params);
  }

  void launch() const {
    const int rows = static_cast<int>(x.extent(0));
    const bool host = rownorm::impl::is_host_space_v<Exec>;
    const int team_size = host ? 1 : 4, lanes = host || sharing == Sharing::team_thread ? 1 : 8;
    if constexpr (sharing == Sharing::alone)
      Kokkos::parallel_for("user", Kokkos::RangePolicy<Exec>(0, rows), *this);
    else
      Kokkos::parallel_for(
          "user", Kokkos::TeamPolicy<Exec>(sharing == Sharing::thread_vector ? (rows + 2) / 3 : rows, team_size, lanes),
          *this);
  }
};

template <class Exec, class T, Sharing sharing>
void check_sharing() {
  const std::size_t rows = 7;
  const Kokkos::View<rownorm::RowStatus, typename Exec::device_type> counts("counts");
  for (const std::size_t columns : {1, 33, 1000}) {
    Reals x = random_rows<T>(rows, columns, 19);
    const auto row = [&](std::size_t i) { return x.begin() + static_cast<std::ptrdiff_t>(i * columns); };
    std::fill(row(1), row(2), 0.0L);
    *row(3) = std::numeric_limits<long double>::infinity();
    *row(4) = std::numeric_limits<long double>::quiet_NaN();
    std::fill(row(5), row(6), largest<T>());
    const Reals weights = rounded_to<float>(random_rows<float>(1, columns, 2));
    Buffer<Exec, float> weights_buffer(columns);
    weights_buffer.put(place<Right>(1, columns), weights);
    const Kokkos::View<const float*, typename Exec::device_type> weights_view(weights_buffer.data(), columns);
    Buffer<Exec, double> norms(rows);
    const Kokkos::View<double*, typename Exec::device_type> norms_view(norms.data(), rows);
    for (const rownorm::AnyNorm& norm : all_norms) {
      const Expected<T> expected(x, columns, 0, norm);
      for (const Placements& at : all_placements(rows, columns)) {
        CAPTURE(columns, name_of(norm), at.x.row_stride, at.y.row_stride);
        Buffer<Exec, T> x_buffer(at.x.length()), y_buffer(at.y.length());
        x_buffer.put(at.x, x);
        const auto normalize = [&](const rownorm::Parameters<>& params) {
          y_buffer.poison_all();
          ShareRows<Exec, T, sharing>{view_at<const T, Stride, Exec>(x_buffer.data(), at.x),
                                      view_at<T, Stride, Exec>(y_buffer.data(), at.y), norms_view, params}
              .launch();
          return y_buffer.get(at.y);
        };
        CHECK(expected.worst_ulp(normalize({.norm = norm, .epsilon = 0})) <= Format<T>::promised_ulp);
        Kokkos::deep_copy(counts, rownorm::RowStatus{});
        const auto weighted = normalize({.norm = norm, .epsilon = 0, .weights = weights_view, .status = counts});
        CHECK(expected.times(weights).worst_ulp(weighted) <= Format<T>::promised_ulp + 1);
        const std::vector<double> actual_norms = norms.get(place<Right>(1, rows));
        for (std::size_t i = 0; i < rows; ++i)
          CHECK(ulp_distance(static_cast<T>(actual_norms[i]), expected.norms()[i]) <= 2);
        rownorm::RowStatus counted;
        Kokkos::deep_copy(counted, counts);
        CHECK(counted == rownorm::RowStatus{1, 1, 1});
      }
    }
  }
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("every norm inside a kernel, however rows are shared", "[team][norms][weights][status]",
                        Spaces) {
  check_sharing<TestType, float, Sharing::team_vector>();
  check_sharing<TestType, double, Sharing::team_thread>();
  check_sharing<TestType, float, Sharing::thread_vector>();
  check_sharing<TestType, double, Sharing::alone>();
}
