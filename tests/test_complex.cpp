// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Complex values: magnitudes are moduli, and the parts of a value are divided alike.
#include <algorithm>
#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <complex>
#include <limits>
#include <rownorm/rownorm.hpp>
#include <tuple>
#include <vector>

#include "support/kernels.hpp"
#include "support/matrix.hpp"
#include "support/norms.hpp"
#include "support/random.hpp"

using namespace rownorm::tests;

namespace {

// Both are computed in double, and differ in how they are read and written, which is the same in every space.
using ComplexTypes =
    concatenate<Grid<Spaces, std::tuple<Values<double, double>>, std::tuple<Layouts<Right, Right>>>::type,
                std::tuple<Case<Kokkos::DefaultExecutionSpace, Values<float, float>>>>;

/// Row by row: the real parts, and the imaginary ones.
struct Parts {
  Reals real, imaginary;

  Reals moduli() const {
    Reals all(real.size());
    for (std::size_t k = 0; k < all.size(); ++k) {
      const bool has_nan = std::isnan(real[k]) || std::isnan(imaginary[k]);
      all[k] = has_nan ? std::numeric_limits<long double>::quiet_NaN() : std::hypot(real[k], imaginary[k]);
    }
    return all;
  }
  void append(const Parts& other) {
    real.insert(real.end(), other.real.begin(), other.real.end());
    imaginary.insert(imaginary.end(), other.imaginary.begin(), other.imaginary.end());
  }
};

/// Device memory of complex values, as a buffer of its parts.
template <class Exec, class T>
class ComplexBuffer {
 public:
  explicit ComplexBuffer(std::size_t length) : parts_(2 * length) {}

  Kokkos::complex<T>* data() const { return reinterpret_cast<Kokkos::complex<T>*>(parts_.data()); }
  void put(const Placement& p, const Parts& values) {
    parts_.put(part(p, 0), values.real);
    parts_.put(part(p, 1), values.imaginary);
  }
  std::vector<T> get_real(const Placement& p) { return parts_.get(part(p, 0)); }
  std::vector<T> get_imaginary(const Placement& p) { return parts_.get(part(p, 1)); }
  void poison_all() { parts_.poison_all(); }

 private:
  static Placement part(const Placement& p, std::size_t which) {
    return {p.rows, p.columns, 2 * p.row_stride, 2 * p.column_stride, 2 * p.offset + which};
  }
  Buffer<Exec, T> parts_;
};

/// Runs every kernel under every norm, without and with all that can be asked for beside y.
template <class Exec, class T>
void check_rows(const Parts& x, std::size_t columns, double epsilon) {
  const std::size_t rows = x.real.size() / columns;
  const Reals moduli = x.moduli();
  const Reals weights = rounded_to<float>(random_rows<float>(1, columns, 2));
  Buffer<Exec, float> weights_buffer(columns);
  weights_buffer.put(place<Right>(1, columns), weights);
  const Kokkos::View<const float*, typename Exec::device_type> weights_view(weights_buffer.data(), columns);
  Buffer<Exec, T> norms_buffer(rows);
  const Kokkos::View<T*, typename Exec::device_type> norms(norms_buffer.data(), rows);
  for (const rownorm::AnyNorm& norm : all_norms) {
    Reals expected_norms;
    Parts expected = x;
    for (std::size_t i = 0; i < rows; ++i) {
      const auto first = moduli.begin() + static_cast<std::ptrdiff_t>(i * columns);
      expected_norms.push_back(reference_norm(norm, Reals(first, first + static_cast<std::ptrdiff_t>(columns))));
      if (expected_norms[i] == 0) continue;
      for (std::size_t k = i * columns; k < (i + 1) * columns; ++k) {
        expected.real[k] /= expected_norms[i] + static_cast<long double>(epsilon);
        expected.imaginary[k] /= expected_norms[i] + static_cast<long double>(epsilon);
      }
    }
    const auto distance = [&](const std::vector<T>& part, const Reals& of, const Reals& times) {
      long double worst = 0;
      for (std::size_t k = 0; k < part.size(); ++k)
        worst = std::max(worst, ulp_distance(part[k], of[k] * times[k % times.size()]));
      return worst;
    };
    for (const Placements& at : all_placements(rows, columns)) {
      CAPTURE(rows, columns, name_of(norm), epsilon, at.x.row_stride, at.y.row_stride);
      ComplexBuffer<Exec, T> x_buffer(at.x.length()), y_buffer(at.y.length());
      x_buffer.put(at.x, x);
      const auto x_view = view_at<const Kokkos::complex<T>, Stride, Exec>(x_buffer.data(), at.x);
      const auto y_view = view_at<Kokkos::complex<T>, Stride, Exec>(y_buffer.data(), at.y);
      const auto check = [&](const Reals& times, long double promised) {
        CHECK(distance(y_buffer.get_real(at.y), expected.real, times) <= promised);
        CHECK(distance(y_buffer.get_imaginary(at.y), expected.imaginary, times) <= promised);
        y_buffer.poison_all();
      };
      const auto check_norms = [&] {
        CHECK(distance(norms_buffer.get(place<Right>(1, rows)), expected_norms, {1}) <= 2);
        norms_buffer.poison_all();
      };
      const rownorm::Parameters<> params{.norm = norm, .epsilon = epsilon};
      const rownorm::Parameters<> weighted{.norm = norm, .epsilon = epsilon, .weights = weights_view};
      with_every_kernel(Exec(), x_view, y_view, [&](const rownorm::Schedule& schedule) {
        normalize_with(schedule, Exec(), x_view, y_view, params);
        check({1}, 4);
        normalize_with(schedule, Exec(), x_view, y_view, weighted, extras_with(norms));
        check(weights, 5);
        check_norms();
      });
      rownorm::normalize(Exec(), x_view, y_view, norms, params);
      check({1}, 4);
      check_norms();
      rownorm::row_norms(Exec(), x_view, norms, norm);
      check_norms();
    }
  }
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("rows of complex values under every norm, by every kernel", "[complex]", ComplexTypes) {
  using T = typename TestType::x_type;
  for (const auto& [rows, columns] :
       {std::pair<std::size_t, std::size_t>(23, 1), {24, 8}, {23, 31}, {4, 1024}, {3, 5001}}) {
    Parts x{random_rows<T>(rows, columns, 1), random_rows<T>(rows, columns, 2)};
    std::fill(x.real.begin(), x.real.begin() + static_cast<std::ptrdiff_t>(columns), 0.0L);  // a purely imaginary row
    check_rows<typename TestType::execution_space, T>(x, columns, 1e-8);
  }
}

TEMPLATE_LIST_TEST_CASE("special rows of complex values", "[complex][zero][nan][infinity]", ComplexTypes) {
  using T = typename TestType::x_type;
  constexpr long double nan = std::numeric_limits<long double>::quiet_NaN();
  constexpr long double infinity = std::numeric_limits<long double>::infinity();
  for (const std::size_t columns : {3, 40, 1001}) {
    const auto filled = [&](long double real, long double imaginary) {
      return Parts{Reals(columns, real), Reals(columns, imaginary)};
    };
    const auto with = [&](long double real, long double imaginary) {
      Parts row = filled(1, -2);
      row.real[columns / 2] = real;
      row.imaginary[columns / 2] = imaginary;
      return row;
    };
    Parts x = filled(0, -0.0L);
    for (const Parts& row : {with(nan, 0), with(0, nan), with(infinity, 1), with(1, -infinity), with(infinity, nan),
                             with(nan, -infinity), filled(3, 4), with(0, 0)})
      x.append(row);
    check_rows<typename TestType::execution_space, T>(x, columns, 0);
  }
}

TEMPLATE_LIST_TEST_CASE("rows of huge and of tiny complex values", "[complex][overflow][underflow]", ComplexTypes) {
  using T = typename TestType::x_type;
  // The moduli of complex<float> are normal doubles. Those of complex<double> may be infinite where their parts are
  // not, or lose digits where they are subnormal; nothing is promised for these.
  const bool any = std::is_same_v<T, float>;
  const long double max = any ? largest<T>() : largest<T>() / 2, min = any ? smallest<T>() : smallest<T>() * 0x1p60L;
  for (const std::size_t columns : {1, 3, 40, 1001}) {
    const auto filled = [&](long double real, long double imaginary) {
      return Parts{Reals(columns, real), Reals(columns, imaginary)};
    };
    Parts x = filled(max, 0);
    x.append(filled(max, -max));
    x.append(filled(max / 4, -max / 2));
    x.append(filled(0, min));
    x.append(filled(min, min));
    x.append(filled(-min, 3 * min));
    x.append(filled(std::sqrt(min) / 2, std::sqrt(min) / 3));
    x.append(filled(std::sqrt(max), -2 * std::sqrt(max)));
    x.real = rounded_to<T>(x.real);
    x.imaginary = rounded_to<T>(x.imaginary);
    check_rows<typename TestType::execution_space, T>(x, columns, 0);
  }
}

TEMPLATE_LIST_TEST_CASE("complex rows in place, along any axis, and inside kernels", "[complex][axis][in-place]",
                        Spaces) {
  using Exec = TestType;
  using Complex = Kokkos::complex<double>;
  const Kokkos::View<Complex***, Right, Kokkos::HostSpace> host("host", 2, 3, 2);
  for (int i = 0; i < 2; ++i)
    for (int k = 0; k < 2; ++k) {
      host(i, 0, k) = Complex(3, 4);
      host(i, 1, k) = Complex(0, -12);
      host(i, 2, k) = 0;
    }
  const auto x = Kokkos::create_mirror_view_and_copy(typename Exec::memory_space(), host);
  const Kokkos::View<rownorm::RowStatus, typename Exec::device_type> counts("counts");
  rownorm::normalize(Exec(), x, x, {.norm = rownorm::Euclidean{}, .epsilon = 0, .axis = 1, .status = counts});
  Kokkos::deep_copy(host, x);
  CHECK(ulp_distance(host(1, 0, 1).real(), 3 / 13.0L) <= 4);
  CHECK(ulp_distance(host(1, 0, 0).imag(), 4 / 13.0L) <= 4);
  CHECK(ulp_distance(host(0, 1, 1).imag(), -12 / 13.0L) <= 4);
  CHECK(host(0, 2, 0) == Complex(0));
  rownorm::RowStatus counted;
  Kokkos::deep_copy(counted, counts);
  CHECK(counted == rownorm::RowStatus{});
}
