// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Teams that share rows: they never wait for what does not come, and get the same bits whoever computed them.
#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>
#include <rownorm/rownorm.hpp>
#include <utility>
#include <vector>

#include "support/kernels.hpp"
#include "support/matrix.hpp"
#include "support/random.hpp"

using namespace rownorm::tests;

namespace {

/// Of all schedules, those whose teams share rows.
template <class Exec, class XView, class YView, class F>
void with_every_exchange(const Exec& exec, const XView& x, const YView& y, const F& f) {
  with_every_kernel(exec, x, y, [&](const rownorm::Schedule& schedule) {
    const bool exchanges =
        schedule.kernel == rownorm::Kernel::RowAcrossTeams || schedule.kernel == rownorm::Kernel::ColumnTiles;
    if (exchanges && schedule.teams_per_row > 1) f(schedule);
  });
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("a team without patience gets the same bits", "[exchange]", SameTypes) {
  using Exec = typename TestType::execution_space;
  using T = typename TestType::x_type;
  for (const auto& [rows, columns] : {std::pair(70, 6001), std::pair(64, 6000)}) {
    const Reals x = random_rows<T>(rows, columns, 7);
    const Expected<T> expected(x, columns, epsilon_as_seen<T, T>(1e-8));
    for (const Placements& at : all_placements(rows, columns)) {
      CAPTURE(rows, columns, at.x.row_stride, at.y.row_stride);
      Buffer<Exec, T> x_buffer(at.x.length()), y_buffer(at.y.length());
      const auto x_view = view_at<const T, Stride, Exec>(x_buffer.data(), at.x);
      const auto y_view = view_at<T, Stride, Exec>(y_buffer.data(), at.y);
      const auto in_place = view_at<T, Stride, Exec>(x_buffer.data(), at.x);
      with_every_exchange(Exec(), x_view, y_view, [&](rownorm::Schedule schedule) {
        x_buffer.put(at.x, x);
        normalize_with(schedule, Exec(), x_view, y_view);
        const auto patient = y_buffer.get(at.y);
        CHECK(expected.worst_ulp(patient) <= Format<T>::promised_ulp);
        for (const int patience : {0, 3}) {
          schedule.patience = patience;
          y_buffer.poison_all();
          normalize_with(schedule, Exec(), x_view, y_view);
          CHECK(same_bits(y_buffer.get(at.y), patient));
        }
        // A helper must not take what another team has written for x.
        if (at.x.row_stride == at.y.row_stride) {
          for (int run = 0; run < 20; ++run) {
            x_buffer.put(at.x, x);
            normalize_with(schedule, Exec(), in_place, in_place);
            CHECK(same_bits(x_buffer.get(at.x), patient));
          }
        }
      });
    }
  }
}

TEMPLATE_LIST_TEST_CASE("sums that overflow between teams", "[exchange][values][overflow]", SameTypes) {
  using Exec = typename TestType::execution_space;
  using T = typename TestType::x_type;
  // The first slices alone overflow, the last ones only together with them.
  const std::size_t rows = 3, columns = 40000;
  Reals x(rows * columns, largest<T>());
  for (std::size_t k = 0; k < x.size(); ++k)
    if (k % columns > columns / 2) x[k] = -1;
  x = rounded_to<T>(x);
  for_each_result<Exec, T, T>(x, columns, 1e-8, [&](const std::vector<T>& y) {
    CHECK(worst_ulp<T>(x, y, columns, 1e-8) <= Format<T>::promised_ulp);
  });
}

TEMPLATE_LIST_TEST_CASE("64 instances at once", "[exchange][concurrency]", Spaces) {
  using Exec = TestType;
  if constexpr (rownorm::impl::has_lanes_v<Exec>) {
    const std::size_t count = 64, rows = 5, columns = 200003;
    const Placement p = place<Right>(rows, columns);
    const auto execs = Kokkos::Experimental::partition_space(Exec(), std::vector<int>(count, 1));
    std::vector<Reals> x;
    std::vector<Buffer<Exec, float>> x_buffers, y_buffers;
    for (std::size_t k = 0; k < count; ++k) {
      x.push_back(random_rows<float>(rows, columns, static_cast<unsigned>(k)));
      x_buffers.emplace_back(p.length()).put(p, x.back());
      y_buffers.emplace_back(p.length());
    }
    const auto view = [&](std::size_t k) {
      return std::pair(view_at<const float, Right, Exec>(x_buffers[k].data(), p),
                       view_at<float, Right, Exec>(y_buffers[k].data(), p));
    };
    with_every_exchange(execs[0], view(0).first, view(0).second, [&](rownorm::Schedule schedule) {
      for (const int patience : {schedule.patience, 16}) {
        schedule.patience = patience;
        for (auto& y_buffer : y_buffers) y_buffer.poison_all();
        for (int run = 0; run < 10; ++run)
          for (std::size_t k = 0; k < count; ++k) normalize_with(schedule, execs[k], view(k).first, view(k).second);
        Kokkos::fence();
        for (std::size_t k = 0; k < count; ++k) CHECK(worst_ulp<float>(x[k], y_buffers[k].get(p), columns, 1e-8) <= 4);
      }
    });
  }
}

namespace {

/// Holds what it gets of a device for a while.
template <class Exec>
struct Occupy {
  Kokkos::View<float*, typename Exec::memory_space> out;
  int turns;

  KOKKOS_FUNCTION void operator()(const typename Kokkos::TeamPolicy<Exec>::member_type& member) const {
    float value = static_cast<float>(member.team_rank());
    for (int turn = 0; turn < turns; ++turn) value = value * 0.999F + 1.0F;
    Kokkos::single(Kokkos::PerTeam(member), [&] { out(member.league_rank() % out.extent(0)) = value; });
  }
};

}  // namespace

TEMPLATE_LIST_TEST_CASE("other kernels hold most of the device", "[exchange][concurrency]", Spaces) {
  using Exec = TestType;
  if constexpr (rownorm::impl::has_lanes_v<Exec>) {
    const auto execs = Kokkos::Experimental::partition_space(Exec(), std::vector<int>(3, 1));
    const rownorm::Machine machine = rownorm::machine_of(execs[0]);
    const Kokkos::View<float*, typename Exec::memory_space> out("out", 1024);
    const std::size_t rows = 40, columns = 300007;
    const Placement p = place<Right>(rows, columns);
    const Reals x = random_rows<float>(rows, columns, 3);
    Buffer<Exec, float> x_buffer(p.length()), y_buffer(p.length());
    x_buffer.put(p, x);
    const auto x_view = view_at<const float, Right, Exec>(x_buffer.data(), p);
    const auto y_view = view_at<float, Right, Exec>(y_buffer.data(), p);
    with_every_exchange(execs[0], x_view, y_view, [&](rownorm::Schedule schedule) {
      for (const int patience : {schedule.patience, 16}) {
        schedule.patience = patience;
        y_buffer.poison_all();
        // Teams as large as they can be come and go, so that those in between start when they can.
        for (int k = 1; k < 3; ++k)
          Kokkos::parallel_for("occupy", Kokkos::TeamPolicy<Exec>(execs[k], machine.processors * 7, 1024),
                               Occupy<Exec>{out, 1 << 18});
        for (int run = 0; run < 5; ++run) normalize_with(schedule, execs[0], x_view, y_view);
        Kokkos::fence();
        CHECK(worst_ulp<float>(x, y_buffer.get(p), columns, 1e-8) <= 4);
      }
    });
  }
}
