// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RowNorm in a program of your own: a whole matrix in one call, and single rows inside your own kernel.
#include <Kokkos_Core.hpp>
#include <cmath>
#include <cstdio>
#include <rownorm/rownorm.hpp>

using Matrix = Kokkos::View<double**>;
using Team = Kokkos::TeamPolicy<>::member_type;

/// Attention weights, say: each team makes a row of scores, normalises it and goes on to use it.
struct WeighRows {
  Matrix weights;
  Kokkos::View<double*> row_sums;

  KOKKOS_FUNCTION void operator()(const Team& team) const {
    const int i = team.league_rank();
    const int columns = static_cast<int>(weights.extent(1));
    const auto row = Kokkos::subview(weights, i, Kokkos::ALL);

    Kokkos::parallel_for(Kokkos::TeamVectorRange(team, columns), [&](int j) { row(j) = 1.0 / (1 + i + j); });
    team.team_barrier();
    rownorm::team_normalize(team, row, row);
    team.team_barrier();

    double sum = 0;
    Kokkos::parallel_reduce(
        Kokkos::TeamVectorRange(team, columns), [&](int j, double& partial) { partial += row(j); }, sum);
    Kokkos::single(Kokkos::PerTeam(team), [&] { row_sums(i) = sum; });
  }
};

int main(int argc, char* argv[]) {
  const Kokkos::ScopeGuard kokkos(argc, argv);
  const int rows = 1000, columns = 300;

  // A whole matrix: y(i, j) = x(i, j) / (mean_j |x(i, j)| + 1e-8).
  const Kokkos::DefaultExecutionSpace exec;
  const Matrix x("x", rows, columns), y("y", rows, columns);
  Kokkos::deep_copy(exec, x, -3.0);
  rownorm::l1_normalize(exec, x, y);

  // Row by row, inside a kernel.
  const Matrix weights("weights", rows, columns);
  const Kokkos::View<double*> row_sums("row_sums", rows);
  Kokkos::parallel_for("weigh_rows", Kokkos::TeamPolicy<>(exec, rows, Kokkos::AUTO), WeighRows{weights, row_sums});

  const auto y_host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), y);
  const auto sums_host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), row_sums);
  const bool right = std::abs(y_host(rows - 1, columns - 1) + 1) < 1e-7 && std::abs(sums_host(0) - columns) < 1e-3;
  std::printf("y(0, 0) = %.9f, sum of the first row of weights = %.6f: %s\n", y_host(0, 0), sums_host(0),
              right ? "as expected" : "wrong");
  return right ? 0 : 1;
}
