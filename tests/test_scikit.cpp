// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What scikit-learn's preprocessing.normalize gives: SumAbs is its l1, Euclidean its l2, MaxAbs its max, each with
// epsilon 0. tests/data/make.py says where the numbers are from.
#include <catch2/catch_test_macros.hpp>
#include <cstdlib>
#include <rownorm/rownorm.hpp>
#include <string>
#include <utility>

#include "support/matrix.hpp"
#include "support/npy.hpp"

using namespace rownorm::tests;

namespace {

/// The data, where the tests were built or where the environment says, so that they can be run elsewhere.
NpyArray read_data(const std::string& name) {
  const char* const elsewhere = std::getenv("ROWNORM_TEST_DATA");
  return read_npy(std::string(elsewhere != nullptr ? elsewhere : ROWNORM_TESTS_DATA) + "/" + name + ".npy");
}

/// True where all values lie within so many ulp.
template <class T>
bool are_near(const std::vector<T>& actual, const Reals& expected, long double ulp) {
  for (std::size_t k = 0; k < expected.size(); ++k)
    if (!(ulp_distance(actual[k], expected[k]) <= ulp)) return false;
  return actual.size() == expected.size();
}

template <class Exec, class T>
void check_file(const std::string& name) {
  const NpyArray x = read_data(name);
  REQUIRE(x.is_float == std::is_same_v<T, float>);
  const Placement p = place<Right>(x.rows, x.columns), of_norms = place<Right>(1, x.rows);
  Buffer<Exec, T> x_buffer(p.length()), y_buffer(p.length()), norms_buffer(x.rows);
  x_buffer.put(p, x.values);
  const Kokkos::View<T*, typename Exec::device_type> norms(norms_buffer.data(), x.rows);
  for (const auto& [kind, norm] : {std::pair<std::string, rownorm::AnyNorm>("l1", rownorm::SumAbs{}),
                                   {"l2", rownorm::Euclidean{}},
                                   {"max", rownorm::MaxAbs{}}}) {
    CAPTURE(name, kind);
    rownorm::normalize(Exec(), view_at<const T, Right, Exec>(x_buffer.data(), p),
                       view_at<T, Right, Exec>(y_buffer.data(), p), norms, {.norm = norm, .epsilon = 0});
    // What it is held against was computed in double, and rounded a few times.
    CHECK(are_near(y_buffer.get(p), read_data(name + "." + kind).values, Format<T>::promised_ulp + 2));
    CHECK(are_near(norms_buffer.get(of_norms), read_data(name + "." + kind + "_norms").values, 4));
  }
}

}  // namespace

TEST_CASE("the norms of scikit-learn", "[scikit][norms]") {
  check_file<Kokkos::DefaultExecutionSpace, float>("f32");
  check_file<Kokkos::DefaultExecutionSpace, double>("f64");
}
