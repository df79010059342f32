// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Accuracy and extents at the far end of what is promised. In place, so that the memory of a small machine does.
#include <unistd.h>

#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <fstream>
#include <rownorm/rownorm.hpp>
#include <string>

#include "support/kernels.hpp"
#include "support/matrix.hpp"
#include "support/reference.hpp"

using namespace rownorm::tests;

namespace {

/// Bytes of memory that can be had without swapping.
double available_host_memory() {
  std::ifstream meminfo("/proc/meminfo");
  for (std::string line; std::getline(meminfo, line);)
    if (line.rfind("MemAvailable:", 0) == 0) return std::stod(line.substr(13)) * 1024;
  // In a chroot without /proc, what is free altogether.
  return static_cast<double>(::sysconf(_SC_AVPHYS_PAGES)) * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

/// An element for every index, with sums that can be written down: magnitudes repeat every 8 columns.
template <class T>
KOKKOS_FUNCTION T element(std::int64_t j) {
  const float magnitudes[8] = {0.1F, 0.2F, 0.3F, 0.4F, 0.7F, 0.9F, 1.1F, 1.3F};
  return static_cast<T>(j % 3 == 0 ? -magnitudes[j % 8] : magnitudes[j % 8]);
}

template <class T>
long double mean_of_elements(std::int64_t columns) {
  long double period = 0, rest = 0;
  for (std::int64_t j = 0; j < 8; ++j) period += std::abs(static_cast<double>(element<T>(j)));
  for (std::int64_t j = 0; j < columns % 8; ++j) rest += std::abs(static_cast<double>(element<T>(j)));
  return (period * static_cast<long double>(columns / 8) + rest) / static_cast<long double>(columns);
}

template <class View>
void fill(const View& x) {
  using T = typename View::value_type;
  using Policy = Kokkos::RangePolicy<typename View::execution_space, Kokkos::IndexType<std::int64_t>>;
  if (x.extent(1) == 1) return Kokkos::deep_copy(x, element<T>(0));
  for (std::size_t i = 0; i < x.extent(0); ++i)
    Kokkos::parallel_for(
        "fill", Policy(0, x.extent(1)), KOKKOS_LAMBDA(std::int64_t j) { x(i, j) = element<T>(j); });
}

/// The worst distance in ulp over a sample of a matrix made by fill and normalised in place.
template <class View>
long double worst_of_sample(const View& y) {
  using T = typename View::value_type;
  const auto rows = static_cast<std::int64_t>(y.extent(0)), columns = static_cast<std::int64_t>(y.extent(1));
  const long double divisor = mean_of_elements<T>(columns) + epsilon_as_seen<T, T>(1e-8);
  // From the first element of all to the last, in steps that meet every residue.
  const std::int64_t count = rows * columns, samples = std::min<std::int64_t>(count, 1 << 16), step = count / samples;
  Kokkos::View<std::int64_t*, Kokkos::HostSpace> host_indices("indices", samples + 1);
  for (std::int64_t s = 0; s < samples; ++s) host_indices(s) = std::min(s * step + s % 7, count - 1);
  host_indices(samples) = count - 1;
  const auto indices = Kokkos::create_mirror_view_and_copy(typename View::memory_space(), host_indices);
  const Kokkos::View<T*, typename View::device_type> sample("sample", samples + 1);
  Kokkos::parallel_for(
      "sample", Kokkos::RangePolicy<typename View::execution_space>(0, samples + 1),
      KOKKOS_LAMBDA(int s) { sample(s) = y(indices(s) / columns, indices(s) % columns); });
  const auto host_sample = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), sample);
  long double worst = 0;
  for (std::int64_t s = 0; s <= samples; ++s)
    worst = std::max(
        worst, ulp_distance(host_sample(s), static_cast<double>(element<T>(host_indices(s) % columns)) / divisor));
  return worst;
}

/// A view without values; skips the test where there is no room for it.
template <class View, class... Extents>
View allocate(Extents... extents) {
  try {
    return View(Kokkos::view_alloc("x", Kokkos::WithoutInitializing), extents...);
  } catch (const std::exception& error) {
    SKIP(error.what());
    return View();  // SKIP throws, which the compiler cannot see
  }
}

template <class Exec, class T>
long double worst_of_size(std::int64_t rows, std::int64_t columns) {
  const auto x = allocate<Kokkos::View<T**, Kokkos::LayoutRight, typename Exec::device_type>>(rows, columns);
  fill(x);
  rownorm::l1_normalize(Exec(), x, x);
  return worst_of_sample(x);
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("rows of any length are accurate, by any kernel", "[accuracy]", SameTypes) {
  using Exec = typename TestType::execution_space;
  using T = typename TestType::x_type;
  using Memory = Kokkos::View<T*, typename Exec::device_type>;
  for (const std::int64_t columns : {1, 2, 31, 1000, 65535, 1 << 20, (1 << 22) + 1}) {
    const std::int64_t rows = columns % 8 == 0 ? 8 : 3;  // in packets and blocks, and value by value
    for (const Placements& at : all_placements(rows, columns)) {
      CAPTURE(columns, at.x.row_stride, at.y.row_stride);
      const auto x_memory = allocate<Memory>(at.x.length()), y_memory = allocate<Memory>(at.y.length());
      const auto x = view_at<T, Stride, Exec>(x_memory.data(), at.x);
      const auto y = view_at<T, Stride, Exec>(y_memory.data(), at.y);
      fill(x);
      with_every_kernel(Exec(), x, y, [&](const rownorm::Schedule& schedule) {
        Kokkos::deep_copy(y_memory, Buffer<Exec, T>::poison());
        normalize_with(schedule, Exec(), x, y);
        CHECK(worst_of_sample(y) <= Format<T>::promised_ulp);
      });
    }
  }
}

TEMPLATE_LIST_TEST_CASE("a row of 2^28 elements is as accurate as a short one", "[accuracy][large]", SameTypes) {
  using T = typename TestType::x_type;
  CHECK(worst_of_size<typename TestType::execution_space, T>(1, 1LL << 28) <= Format<T>::promised_ulp);
}

TEMPLATE_LIST_TEST_CASE("extents need more than 32 bits", "[sizes][large]", Spaces) {
  // A GPU refuses what it has no room for, a host may not. bhalf_t has 4 bytes where it is float.
  const auto fits = [](std::int64_t elements) {
    return !rownorm::impl::is_host_space_v<TestType> ||
           available_host_memory() > 1.1 * static_cast<double>(elements) * sizeof(bhalf_t);
  };
  const std::int64_t over_2_31 = (1LL << 31) + 5, over_2_32 = (1LL << 32) + 5;
  if (!fits(over_2_31)) SKIP("needs 10 GB of memory");
  SECTION("more than 2^31 columns, and more than 2^32 elements where they fit") {
    CHECK(worst_of_size<TestType, bhalf_t>(1, fits(over_2_32) ? over_2_32 : over_2_31) <=
          Format<bhalf_t>::promised_ulp);
  }
  SECTION("more than 2^31 rows") {
    CHECK(worst_of_size<TestType, bhalf_t>(over_2_31, 1) <= Format<bhalf_t>::promised_ulp);
  }
}

TEMPLATE_LIST_TEST_CASE("elements lie more than 2^32 elements apart", "[sizes]", Spaces) {
  // A host gives pages only to what is touched, so this costs it address space and no memory.
  const std::size_t row_stride = (1ULL << 31) + 3, rows = 3, columns = 2;
  const auto buffer = allocate<Kokkos::View<float*, typename TestType::device_type>>(2 * row_stride + columns);
  const Kokkos::View<float**, Kokkos::LayoutStride, typename TestType::device_type> x(
      buffer.data(), Kokkos::LayoutStride(rows, row_stride, columns, 1));
  fill(x);
  rownorm::l1_normalize(TestType(), x, x);
  CHECK(worst_of_sample(x) <= 4);
}
