// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A norm of your own: what docs/api/norms.md explains, in a program to copy from.
#include <Kokkos_Core.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <rownorm/rownorm.hpp>

/// (mean_j |x(j)|^power)^(1/power). RowNorm copies it, with its members, to the device.
struct PowerMean {
  template <class Compute>
  using Partial = double;

  double power = 3;

  template <class Compute>
  KOKKOS_FUNCTION void accumulate(double& partial, Compute magnitude) const {
    partial += Kokkos::pow(static_cast<double>(magnitude), power);
  }
  KOKKOS_FUNCTION void combine(double& partial, double other) const { partial += other; }
  KOKKOS_FUNCTION double finish(double partial, double columns) const {
    return Kokkos::pow(partial / columns, 1 / power);
  }
};

int main(int argc, char* argv[]) {
  const Kokkos::ScopeGuard kokkos(argc, argv);
  const int rows = 100, columns = 1000;
  const double power = 2.5, epsilon = 0.125;

  const Kokkos::View<float**> x("x", rows, columns), y("y", rows, columns);
  const Kokkos::View<double*> norms("norms", rows);
  const auto x_host = Kokkos::create_mirror_view(x);
  for (int i = 0; i < rows; ++i)
    for (int j = 0; j < columns; ++j) x_host(i, j) = static_cast<float>((i + 1) * std::sin(1.0 + j));
  Kokkos::deep_copy(x, x_host);

  // It goes where RowNorm's own norms go, beside all else that they go with.
  const PowerMean norm{.power = power};
  rownorm::normalize(x, y, norms, rownorm::Parameters<PowerMean>{.norm = norm, .epsilon = epsilon});

  const auto y_host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), y);
  const auto norms_host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), norms);
  double worst = 0;
  for (int i = 0; i < rows; ++i) {
    double sum = 0;
    for (int j = 0; j < columns; ++j) sum += std::pow(std::abs(static_cast<double>(x_host(i, j))), power);
    const double expected = std::pow(sum / columns, 1 / power);
    worst = std::max(worst, std::abs(norms_host(i) / expected - 1));
    for (int j = 0; j < columns; ++j)
      worst = std::max(worst, std::abs(y_host(i, j) - x_host(i, j) / (expected + epsilon)));
  }
  std::printf("norm of the first row = %.9f, largest error = %.1e: %s\n", norms_host(0), worst,
              worst < 1e-6 ? "as expected" : "wrong");
  return worst < 1e-6 ? 0 : 1;
}
