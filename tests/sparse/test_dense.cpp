// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A second oracle for dense rows: what Kokkos Kernels makes of the transposed multivector, by nrm1 and scal.
#include <KokkosBlas1_nrm1.hpp>
#include <KokkosBlas1_reciprocal.hpp>
#include <KokkosBlas1_scal.hpp>
#include <Kokkos_Random.hpp>
#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>
#include <rownorm/rownorm.hpp>

#include "matrices.hpp"
#include "support/types.hpp"

using namespace rownorm::tests;

TEMPLATE_LIST_TEST_CASE("dense rows against KokkosBlas::nrm1 and scal", "[dense]", Spaces) {
  using Exec = TestType;
  using Memory = typename Exec::memory_space;
  const Exec exec;
  Kokkos::Random_XorShift64_Pool<Exec> random(3);
  for (const auto& [rows, columns] : {std::pair(1, 100000), {300, 7}, {40, 1024}, {5, 4099}, {2000, 64}}) {
    CAPTURE(rows, columns);
    const Kokkos::View<double**, Kokkos::LayoutRight, Memory> x("x", rows, columns), y("y", rows, columns);
    Kokkos::fill_random(exec, x, random, -1.0, 1.0);
    // The same memory, with rows for columns.
    const Kokkos::View<double**, Kokkos::LayoutLeft, Memory, Kokkos::MemoryUnmanaged> turned(x.data(), columns, rows);
    const Kokkos::View<double**, Kokkos::LayoutLeft, Memory> expected("expected", columns, rows);
    const Kokkos::View<double*, Memory> norms("norms", rows), kernels_norms("norms", rows), inverses("inverses", rows);
    KokkosBlas::nrm1(exec, kernels_norms, turned);
    KokkosBlas::reciprocal(exec, inverses, kernels_norms);
    KokkosBlas::scal(exec, expected, inverses, turned);

    rownorm::normalize(exec, x, y, norms, {.norm = rownorm::SumAbs{}, .epsilon = 0});
    exec.fence();
    const auto right = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), expected);
    const auto actual = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), y);
    // Its sums are not compensated: they lose some digits of long rows.
    bool all_near = true;
    for (int i = 0; i < rows; ++i)
      for (int j = 0; j < columns; ++j)
        all_near = all_near && std::abs(actual(i, j) - right(j, i)) <= 1e-12 * std::abs(right(j, i));
    CHECK(all_near);
    const auto of_kernels = on_host(kernels_norms), of_rows = on_host(norms);
    for (int i = 0; i < rows; ++i) CHECK(std::abs(of_rows[i] - of_kernels[i]) <= 1e-12 * of_kernels[i]);
  }
}
