// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Each kernel on each space that it can run on, with tiles and shares so small that rows cross them in every way.
#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>
#include <rownorm/sparse.hpp>

#include "matrices.hpp"
#include "support/types.hpp"

using namespace rownorm::tests;
namespace sparse = rownorm::sparse;

namespace {

/// Runs one schedule of rows into another matrix and in place, with norms, without them, and for norms alone.
template <class Exec, class Value>
void check_schedule(const HostMatrix& matrix, const rownorm::AnyNorm& norm, const sparse::Schedule& schedule) {
  using M = Crs<Value, int, int, Exec>;
  const M A = crs<M>(matrix), B = like<M>(A);
  const Exec exec;
  const Expected right = expected(matrix, norm, 0);
  const Kokkos::View<Value*, typename Exec::device_type> norms("norms", matrix.rows());
  const auto run = [&](const M& from, const M& to, bool writes, bool has_norms) {
    sparse::impl::Wanted<rownorm::compute_type<Value>> wanted{.columns = matrix.columns,
                                                              .extras = {.writes_y = writes}};
    if (has_norms) {
      wanted.extras.norms = rownorm::impl::VectorRef(norms);
      wanted.extras.norm_offsets = rownorm::impl::RowOffsets::of(1, matrix.rows(), 0);
    }
    sparse::impl::with_finisher(
        norm, wanted, [&]<class Norm, class Compute>(const sparse::impl::SparseFinisher<Norm, Compute>& finisher) {
          using Source = sparse::impl::Direct<Value>;
          const auto rows = sparse::impl::rows_of(from);
          const Source x{from.values.data()};
          if (schedule.kernel == sparse::Kernel::EntryTiles)
            sparse::impl::EntryTiles<Source, Value, int, Norm, Compute>::launch(exec, rows, x, to.values.data(),
                                                                                finisher, schedule);
          else if (schedule.kernel == sparse::Kernel::RowsByTeams)
            sparse::impl::RowsByTeams<sparse::impl::SparseRows<int>, Source, Value, Norm, Compute>{
                rows, x, to.values.data(), finisher}
                .launch(exec, schedule);
          else
            sparse::impl::launch_kernel(exec, rows, x, to.values.data(), finisher, schedule);
        });
    exec.fence();
  };
  run(A, B, true, true);
  CHECK(distance(on_host(B.values), right.values) <= 4);
  CHECK(distance(on_host(norms), right.norms) <= 4);

  const auto once = on_host(B.values);
  const M C = like<M>(A);
  Kokkos::deep_copy(exec, C.values, A.values);
  run(C, C, true, true);
  CHECK(on_host(C.values) == once);
  Kokkos::deep_copy(exec, C.values, A.values);
  run(C, C, true, false);
  CHECK(on_host(C.values) == once);

  Kokkos::deep_copy(exec, norms, -1);
  run(A, A, false, true);
  CHECK(distance(on_host(norms), right.norms) <= 4);
}

const std::vector<rownorm::AnyNorm> tile_norms = {rownorm::SumAbs{}, rownorm::Euclidean{}, rownorm::MaxAbs{}};

/// `factor`: of all values.
template <class Exec, class Value>
void check_tiles(std::int64_t items, int patience, const std::vector<rownorm::AnyNorm>& norms = tile_norms,
                 long double factor = 1) {
  const rownorm::Machine machine = rownorm::machine_of(Exec());
  for (const Shape& shape : shapes()) {
    HostMatrix matrix = matrix_of(shape.lengths, 1000);
    for (long double& value : matrix.values) value *= factor;
    sparse::Schedule schedule = sparse::schedule_with(
        sparse::Kernel::EntryTiles,
        {.rows = matrix.rows(), .entries = matrix.entries(), .x_value_bytes = sizeof(Value)}, machine);
    if (items > 0) {
      schedule.tile_items = items;
      schedule.tiles =
          rownorm::impl::divide_rounding_up(sparse::impl::items_of(matrix.rows(), matrix.entries()), items);
    }
    schedule.patience = patience;
    schedule.max_slices = 5000;
    for (const rownorm::AnyNorm& norm : norms) {
      CAPTURE(shape.name, items, patience, factor);
      check_schedule<Exec, Value>(matrix, norm, schedule);
    }
  }
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("tiles of entries", "[kernels]", Spaces) {
  for (const int patience : {0, 1000}) {
    check_tiles<TestType, float>(0, patience);
    check_tiles<TestType, float>(64, patience);
    check_tiles<TestType, double>(1000, patience);
  }
}

TEMPLATE_LIST_TEST_CASE("tiles of entries whose sums leave the range of double", "[kernels]", Spaces) {
  const std::vector<rownorm::AnyNorm> means = {rownorm::MeanAbs{}, rownorm::RootMeanSquare{}};
  for (const long double factor : {0x1p1000L, 0x1p-700L})
    for (const int items : {0, 64}) check_tiles<TestType, double>(items, 1000, means, factor);
}

TEMPLATE_LIST_TEST_CASE("one row after the other", "[kernels]", Spaces) {
  for (const Shape& shape : shapes()) {
    CAPTURE(shape.name);
    const HostMatrix matrix = matrix_of(shape.lengths, 1000);
    check_schedule<TestType, float>(
        matrix, rownorm::SumAbs{},
        sparse::schedule_with(sparse::Kernel::RowsByTeams,
                              {.rows = matrix.rows(), .entries = matrix.entries(), .x_value_bytes = 4},
                              rownorm::machine_of(TestType())));
  }
}

TEST_CASE("shares of host threads give the same bits however many there are", "[kernels]") {
  using Exec = Kokkos::DefaultHostExecutionSpace;
  using M = Crs<double, int, int, Exec>;
  for (const Shape& shape : shapes()) {
    const HostMatrix matrix = matrix_of(shape.lengths, 1000);
    const M A = crs<M>(matrix), one = like<M>(A);
    std::vector<double> right;
    for (const std::int64_t shares : {1, 2, 7, 100})
      for (const bool bypass_cache : {false, true}) {
        const std::int64_t items =
            rownorm::impl::divide_rounding_up(sparse::impl::items_of(matrix.rows(), matrix.entries()), shares);
        const sparse::Schedule schedule{
            .kernel = sparse::Kernel::HostEntries,
            .tile_items = items,
            .tiles = rownorm::impl::divide_rounding_up(sparse::impl::items_of(matrix.rows(), matrix.entries()), items),
            .bypass_cache = bypass_cache};
        CAPTURE(shape.name, shares, bypass_cache);
        check_schedule<Exec, double>(matrix, rownorm::Euclidean{}, schedule);
        sparse::impl::launch(Exec(), sparse::impl::rows_of(A), sparse::impl::Direct<double>{A.values.data()},
                             one.values.data(), rownorm::SumAbs{},
                             sparse::impl::Wanted<double>{.columns = matrix.columns}, schedule);
        if (right.empty()) right = on_host(one.values);
        CHECK(on_host(one.values) == right);
      }
  }
}

TEST_CASE("on hosts a row has the same bits whatever its neighbours are", "[kernels]") {
  using Exec = Kokkos::DefaultHostExecutionSpace;
  using M = Crs<float, int, int, Exec>;
  std::mt19937 random(3);
  std::uniform_real_distribution<float> value(-1, 1);
  // Of such ranges that sums in double, which norms below show, depend on the order.
  const auto any_value = [&] { return std::ldexp(value(random), static_cast<int>(random() % 60) - 30); };
  std::vector<std::vector<float>> kinds;
  for (const std::size_t length : {1, 7, 8, 9, 17, 40, 63, 64, 65, 200, 1000}) {
    kinds.emplace_back(length);
    for (float& x : kinds.back()) x = any_value();
  }
  // From short neighbours on to long ones and back, so that rows are among few of their length, and among many.
  HostMatrix matrix;
  matrix.columns = 1000;
  std::vector<std::size_t> kind_of;
  for (std::size_t i = 0; i < 3000; ++i) {
    const std::size_t most = 1 + (i / 300) % kinds.size();
    kind_of.push_back(random() % 8 == 0 ? random() % kinds.size() : random() % most);
    for (const float x : kinds[kind_of.back()]) matrix.values.push_back(x), matrix.indices.push_back(0);
    matrix.row_map.push_back(matrix.entries());
  }
  const M A = crs<M>(matrix);
  for (const rownorm::AnyNorm& norm : {rownorm::AnyNorm(rownorm::SumAbs{}), rownorm::AnyNorm(rownorm::Euclidean{})}) {
    const Kokkos::View<double*, Exec> norms("norms", matrix.rows());
    sparse::row_norms(Exec(), A, norms, {.norm = norm});
    std::vector<double> right(kinds.size(), -1);
    std::size_t different = 0;
    for (std::size_t i = 0; i < kind_of.size(); ++i) {
      double& first = right[kind_of[i]];
      if (first < 0) first = norms(i);
      different += norms(i) != first;
    }
    CHECK(different == 0);
  }
}

TEST_CASE("schedules are functions of problem and machine", "[schedule]") {
  const sparse::Problem large{.rows = 1 << 20, .entries = 1 << 28, .x_value_bytes = 4};
  const sparse::Schedule hopper = sparse::choose_schedule(large, rownorm::machines::hopper);
  CHECK(hopper.kernel == sparse::Kernel::EntryTiles);
  CHECK(hopper.tiles * hopper.tile_items >= sparse::impl::items_of(large.rows, large.entries));
  CHECK((hopper.tiles - 1) * hopper.tile_items < sparse::impl::items_of(large.rows, large.entries));
  // No team waits for slices that cannot be there: a tile of 4480 values and an eighth is 22 KiB and more.
  CHECK(hopper.max_slices == 132 * 9);
  CHECK(sparse::choose_schedule(large, rownorm::machines::ada).max_slices == 128 * 4);
  const sparse::Schedule host = sparse::choose_schedule(large, rownorm::machines::host(8));
  CHECK(host.kernel == sparse::Kernel::HostEntries);
  CHECK(host.bypass_cache);
  CHECK(explain(host, large).find("shares") != std::string::npos);
  CHECK(sparse::choose_schedule({.rows = 10, .entries = 90, .x_value_bytes = 4, .is_compressed = false},
                                rownorm::machines::hopper)
            .kernel == sparse::Kernel::RowsByTeams);
  CHECK(sparse::choose_schedule({}, rownorm::machines::hopper).tiles == 0);
}
