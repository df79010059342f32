// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A kernel cannot throw: team_normalize must end the program with a message. One case a process, named on its
// command line; CTest expects the message.
#include <Kokkos_Core.hpp>
#include <csignal>
#include <cstdlib>
#include <rownorm/team_normalize.hpp>
#include <string_view>

namespace {

void normalize_with(int x_columns, int y_columns, double epsilon, int weight_count) {
  const Kokkos::View<float*> x("x", x_columns), y("y", y_columns), weights("weights", weight_count);
  Kokkos::parallel_for(
      "user", Kokkos::TeamPolicy<>(1, 1), KOKKOS_LAMBDA(const Kokkos::TeamPolicy<>::member_type& member) {
        rownorm::team_normalize(member, x, y, rownorm::Parameters<>{.epsilon = epsilon, .weights = weights});
      });
  Kokkos::fence();
}

}  // namespace

int main(int argc, char* argv[]) {
  // CTest takes a signal for a crash, whatever was printed.
  std::signal(SIGABRT, [](int) { std::_Exit(1); });
  const Kokkos::ScopeGuard kokkos(argc, argv);
  const std::string_view what = argc > 1 ? argv[1] : "";
  if (what == "extents") normalize_with(4, 5, 1e-8, 4);
  if (what == "epsilon") normalize_with(4, 4, -1, 4);
  if (what == "weights") normalize_with(4, 4, 1e-8, 3);
  return 0;
}
