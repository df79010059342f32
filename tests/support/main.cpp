// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <Kokkos_Core.hpp>
#include <catch2/catch_session.hpp>

int main(int argc, char* argv[]) {
  Catch::Session session;
  if (const int error = session.applyCommandLine(argc, argv)) return error;
  // Listing tests must work where the backend's device is not there, as on the machine that builds for it.
  const auto& config = session.configData();
  if (config.listTests || config.listTags || config.listReporters || config.showHelp) return session.run();
  Kokkos::ScopeGuard kokkos;
  return session.run();
}
