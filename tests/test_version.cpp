// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <catch2/catch_test_macros.hpp>
#include <rownorm/version.hpp>

#if ROWNORM_VERSION < 100
#error "ROWNORM_VERSION must be usable in #if"
#endif

TEST_CASE("the version is one integer, and that of the package", "[version]") {
  STATIC_REQUIRE(ROWNORM_VERSION ==
                 ROWNORM_VERSION_MAJOR * 10000 + ROWNORM_VERSION_MINOR * 100 + ROWNORM_VERSION_PATCH);
  STATIC_REQUIRE(ROWNORM_VERSION == ROWNORM_PACKAGE_VERSION);
}
