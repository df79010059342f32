// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Every norm by every kernel: values, special rows, and what may be asked for beside y.
#include <algorithm>
#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <limits>
#include <rownorm/rownorm.hpp>
#include <utility>
#include <vector>

#include "support/count_nonzero.hpp"
#include "support/kernels.hpp"
#include "support/matrix.hpp"
#include "support/norms.hpp"
#include "support/random.hpp"

using namespace rownorm::tests;

namespace {

template <class TestType>
struct Types {
  using Exec = typename TestType::execution_space;
  using T = typename TestType::x_type;
};

/// The worst distance in ulp from the reference, of any kernel, for rows given one after the other.
template <class TestType>
long double worst(const rownorm::AnyNorm& norm, const Reals& x, std::size_t columns, double epsilon) {
  using T = typename Types<TestType>::T;
  return worst_of_every_kernel<typename Types<TestType>::Exec, T, T>(x, columns, epsilon, norm);
}

/// Rows of every kind, by their number, and how many of them are not ordinary.
template <class T>
std::pair<Reals, rownorm::RowStatus> rows_of_every_kind(std::size_t rows, std::size_t columns) {
  Reals x = random_rows<T>(rows, columns, static_cast<unsigned>(columns));
  rownorm::RowStatus status;
  for (std::size_t i = 0; i < rows; ++i) {
    const auto row = x.begin() + static_cast<std::ptrdiff_t>(i * columns);
    const auto end = row + static_cast<std::ptrdiff_t>(columns);
    const auto middle = row + static_cast<std::ptrdiff_t>(columns / 2);
    switch (i % 8) {
      case 1:
        std::fill(row, end, i % 16 == 1 ? 0.0L : -0.0L);
        ++status.zero;
        break;
      case 2:
        *middle = infinity;
        ++status.infinite;
        break;
      case 3:
        *(end - 1) = -infinity;
        *middle = not_a_number;
        ++status.nan;
        break;
      case 5:
        std::fill(row, end, largest<T>());
        break;
      case 6:
        std::fill(row, end, smallest<T>());
        break;
      default:
        break;
    }
  }
  return {x, status};
}

/// A vector of device memory as a view of every third element, or of any other stride, from element `offset` on.
template <class Exec, class T>
class StridedVector {
 public:
  explicit StridedVector(std::size_t length, std::size_t stride = 3, std::size_t offset = 1)
      : place_{1, length, 0, stride, offset}, buffer_(place_.length() + 2) {}

  auto view() const {
    return Kokkos::View<T*, Stride, typename Exec::device_type>(
        buffer_.data() + place_.offset, Kokkos::LayoutStride(place_.columns, place_.column_stride));
  }
  void put(const Reals& values) { buffer_.put(place_, values); }
  std::vector<T> get() { return buffer_.get(place_); }
  void poison_all() { buffer_.poison_all(); }
  bool untouched_outside() { return buffer_.untouched_outside(place_); }

 private:
  Placement place_;
  Buffer<Exec, T> buffer_;
};

/// How far norms may lie from the exact ones, relative to those: a rounding to their type for the most part, and in
/// double the norms of rows of float a little more, since float is summed in plain double.
template <class T, class Norm>
bool are_near(const std::vector<Norm>& norms, const Reals& expected) {
  const bool is_sum_of_floats = !std::is_same_v<T, double> && std::is_same_v<Norm, double>;
  const long double promised = is_sum_of_floats ? 10000 : 2;
  for (std::size_t i = 0; i < expected.size(); ++i)
    if (!(ulp_distance(norms[i], expected[i]) <= promised)) return false;
  return norms.size() == expected.size();
}

/// The shapes that tests with many other cases go through: multiples of 8 are moved in packets and blocks, others value
/// by value.
constexpr std::pair<std::size_t, std::size_t> shapes[] = {{23, 1},   {24, 8},    {23, 31},
                                                          {23, 255}, {24, 1024}, {23, 5001}};

}  // namespace

TEMPLATE_LIST_TEST_CASE("every norm, by every kernel", "[norms]", SameTypes) {
  using Exec = typename Types<TestType>::Exec;
  using T = typename Types<TestType>::T;
  for (const auto& [rows, columns] : shapes) {
    const auto x = rows_of_every_kind<T>(rows, columns).first;
    for (const rownorm::AnyNorm& norm : all_norms) {
      const Expected<T> expected(x, columns, epsilon_as_seen<T, T>(1e-8), norm);
      for (const Placements& at : all_placements(rows, columns)) {
        CAPTURE(rows, columns, name_of(norm), at.x.row_stride, at.y.row_stride);
        Buffer<Exec, T> x_buffer(at.x.length()), y_buffer(at.y.length() + 3);
        x_buffer.put(at.x, x);
        const auto x_view = view_at<const T, Stride, Exec>(x_buffer.data(), at.x);
        const auto y_view = view_at<T, Stride, Exec>(y_buffer.data(), at.y);
        const auto check = [&] {
          CHECK(expected.worst_ulp(y_buffer.get(at.y)) <= Format<T>::promised_ulp);
          CHECK(y_buffer.untouched_outside(at.y));
          y_buffer.poison_all();
        };
        with_every_kernel(Exec(), x_view, y_view, [&](const rownorm::Schedule& schedule) {
          normalize_with(schedule, Exec(), x_view, y_view, rownorm::Parameters<>{.norm = norm});
          check();
        });
        rownorm::normalize(Exec(), x_view, y_view, {.norm = norm});
        check();
      }
    }
  }
}

namespace {

/// Runs every kernel with everything that can be asked for at once, all in arrays of `Extra`.
template <class Exec, class T, class Extra>
void check_extras(const rownorm::AnyNorm& norm, std::size_t rows, std::size_t columns) {
  const auto kinds = rows_of_every_kind<T>(rows, columns);
  const Reals& x = kinds.first;
  const rownorm::RowStatus& status = kinds.second;
  const Reals weights = rounded_to<Extra>(random_rows<float>(1, columns, 3));
  const Expected<T> expected =
      Expected<T>(x, columns, epsilon_as_seen<T, T>(1e-8), norm).times(rounded_to<rownorm::compute_type<T>>(weights));
  // Weights that are neighbours are read in packets where they begin at one, else one by one.
  StridedVector<Exec, Extra> strided(columns), aligned(columns, 1, 0), unaligned(columns, 1, 1);
  for (auto* const vector : {&strided, &aligned, &unaligned}) vector->put(weights);
  StridedVector<Exec, Extra> norms_vector(rows);
  const Kokkos::View<rownorm::RowStatus, typename Exec::device_type> counts("counts");
  // A weight takes one more rounding; a type of 16 bits does not see it.
  const long double promised = Format<T>::promised_ulp + (Format<T>::promised_ulp > 1 ? 1 : 0);
  const auto check_at = [&](const Placements& at, const StridedVector<Exec, Extra>& weights_vector) {
    CAPTURE(rows, columns, name_of(norm), at.x.row_stride, at.y.row_stride, weights_vector.view().stride(0));
    Buffer<Exec, T> x_buffer(at.x.length()), y_buffer(at.y.length() + 3);
    x_buffer.put(at.x, x);
    const auto x_view = view_at<const T, Stride, Exec>(x_buffer.data(), at.x);
    const auto y_view = view_at<T, Stride, Exec>(y_buffer.data(), at.y);
    const rownorm::Parameters<> params{.norm = norm, .weights = weights_vector.view(), .status = counts};
    const rownorm::RowStatus before{100, 200, 300};
    const auto prepare = [&] {
      y_buffer.poison_all();
      norms_vector.poison_all();
      Kokkos::deep_copy(counts, before);
    };
    const auto check = [&](std::vector<T> y) {
      CHECK(expected.worst_ulp(y) <= promised);
      CHECK(are_near<T>(norms_vector.get(), expected.norms()));
      CHECK(norms_vector.untouched_outside());
      rownorm::RowStatus counted;
      Kokkos::deep_copy(counted, counts);
      CHECK(counted.zero == before.zero + status.zero);
      CHECK(counted.nan == before.nan + status.nan);
      CHECK(counted.infinite == before.infinite + status.infinite);
    };
    with_every_kernel(Exec(), x_view, y_view, [&](const rownorm::Schedule& schedule) {
      prepare();
      normalize_with(schedule, Exec(), x_view, y_view, params, extras_with(norms_vector.view()));
      check(y_buffer.get(at.y));
      CHECK(y_buffer.untouched_outside(at.y));
    });
    prepare();
    rownorm::normalize(Exec(), x_view, y_view, norms_vector.view(), params);
    check(y_buffer.get(at.y));

    // Norms alone, which leave x as it was; and last in place.
    norms_vector.poison_all();
    rownorm::row_norms(Exec(), x_view, norms_vector.view(), norm);
    CHECK(are_near<T>(norms_vector.get(), expected.norms()));
    const std::vector<T> untouched = x_buffer.get(at.x);
    CHECK(std::equal(untouched.begin(), untouched.end(), x.begin(), [](T a, long double b) {
      return static_cast<double>(a) == static_cast<double>(b) || (std::isnan(static_cast<double>(a)) && std::isnan(b));
    }));
    prepare();
    const auto in_place = view_at<T, Stride, Exec>(x_buffer.data(), at.x);
    rownorm::normalize(Exec(), in_place, in_place, norms_vector.view(), params);
    check(x_buffer.get(at.x));
  };
  for (const Placements& at : all_placements(rows, columns)) check_at(at, strided);
  const Placement right = place<Right>(rows, columns);
  check_at({right, right}, aligned);
  check_at({right, right}, unaligned);
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("norms, weights and status, in every type", "[norms][weights][status][in-place]", SameTypes) {
  using Exec = typename Types<TestType>::Exec;
  using T = typename Types<TestType>::T;
  for (const rownorm::AnyNorm& norm : all_norms)
    for (const auto& [rows, columns] : {std::pair<std::size_t, std::size_t>(24, 1024), {23, 31}, {23, 5001}}) {
      check_extras<Exec, T, float>(norm, rows, columns);
      if (columns == 5001) continue;
      check_extras<Exec, T, double>(norm, rows, columns);
      check_extras<Exec, T, half_t>(norm, rows, columns);
      check_extras<Exec, T, bhalf_t>(norm, rows, columns);
    }
}

TEMPLATE_LIST_TEST_CASE("each of norms, weights and status by itself", "[norms][weights][status]", Spaces) {
  using Exec = TestType;
  const Placement p = place<Right>(2, 4);
  Buffer<Exec, float> x_buffer(8), y_buffer(8), weights(4);
  x_buffer.put(p, {3, 0, -4, 0, 0, 0, 0, 0});
  weights.put(place<Right>(1, 4), {2, 1, 0.5L, 7});
  const auto x = view_at<const float, Right, Exec>(x_buffer.data(), p);
  const auto y = view_at<float, Right, Exec>(y_buffer.data(), p);
  const Kokkos::View<float*, typename Exec::device_type> norms("norms", 2);
  const Kokkos::View<const float*, typename Exec::device_type> weights_view(weights.data(), 4);
  const Kokkos::View<rownorm::RowStatus, typename Exec::device_type> counts("counts");
  const rownorm::Euclidean norm;
  const auto y_is = [&](const Reals& expected) {
    Kokkos::fence();
    const std::vector<float> actual = y_buffer.get(p);
    for (std::size_t k = 0; k < expected.size(); ++k) CHECK(ulp_distance(actual[k], expected[k]) <= 5);
    y_buffer.poison_all();
  };
  const Reals plain = {0.6L, 0, -0.8L, 0, 0, 0, 0, 0}, weighted = {1.2L, 0, -0.4L, 0, 0, 0, 0, 0};
  rownorm::normalize(x, y, norms, {.norm = norm, .epsilon = 0});
  y_is(plain);
  const auto host_norms = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), norms);
  CHECK(host_norms(0) == 5.0F);
  CHECK(host_norms(1) == 0.0F);
  rownorm::normalize(x, y, {.norm = norm, .epsilon = 0, .weights = weights_view});
  y_is(weighted);
  rownorm::normalize(x, y, {.norm = norm, .epsilon = 0, .status = counts});
  y_is(plain);
  rownorm::RowStatus counted;
  Kokkos::deep_copy(counted, counts);
  CHECK(counted == rownorm::RowStatus{1, 0, 0});

  // A row by itself: its norm in a view of rank 0, or of one element.
  const auto row = Kokkos::subview(x, 0, Kokkos::ALL);
  const Kokkos::View<double, typename Exec::device_type> scalar("scalar");
  const Kokkos::View<double*, typename Exec::device_type> one("one", 1);
  rownorm::row_norms(row, scalar, norm);
  rownorm::row_norms(Exec(), row, one, rownorm::SumAbs{});
  rownorm::row_norms(x, norms);
  double as_scalar = 0, as_one = 0;
  Kokkos::deep_copy(as_scalar, scalar);
  Kokkos::deep_copy(as_one, Kokkos::subview(one, 0));
  CHECK(as_scalar == 5);
  CHECK(as_one == 7);
  CHECK(Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), norms)(0) == 1.75F);  // MeanAbs unless told otherwise
}

TEMPLATE_LIST_TEST_CASE("norms that their type cannot hold are infinite, and y is right", "[norms][overflow]", Spaces) {
  using Exec = TestType;
  const std::size_t columns = 1001;
  const Placement p = place<Right>(3, columns);
  Reals x(3 * columns, largest<float>());
  for (std::size_t j = 0; j < columns; ++j) x[columns + j] = 1;
  Buffer<Exec, float> x_buffer(p.length()), y_buffer(p.length());
  x_buffer.put(p, x);
  const auto x_view = view_at<const float, Right, Exec>(x_buffer.data(), p);
  const auto y_view = view_at<float, Right, Exec>(y_buffer.data(), p);
  StridedVector<Exec, float> narrow(3);
  StridedVector<Exec, double> wide(3);
  const Kokkos::View<rownorm::RowStatus, typename Exec::device_type> counts("counts");
  for (const rownorm::AnyNorm& norm : {rownorm::AnyNorm(rownorm::SumAbs{}), rownorm::AnyNorm(rownorm::Euclidean{})}) {
    const Expected<float> expected(x, columns, 0, norm);
    with_every_kernel(Exec(), x_view, y_view, [&](const rownorm::Schedule& schedule) {
      const rownorm::Parameters<> params{.norm = norm, .epsilon = 0, .status = counts};
      normalize_with(schedule, Exec(), x_view, y_view, params, extras_with(narrow.view()));
      CHECK(expected.worst_ulp(y_buffer.get(p)) <= 4);
      CHECK(std::isinf(narrow.get()[0]));
      CHECK(are_near<float>(narrow.get(), expected.norms()));
      normalize_with(schedule, Exec(), x_view, y_view, params, extras_with(wide.view()));
      CHECK(are_near<float>(wide.get(), expected.norms()));
    });
  }
  rownorm::RowStatus counted;
  Kokkos::deep_copy(counted, counts);
  CHECK(counted == rownorm::RowStatus{});  // the rows are ordinary, whatever holds their norms
}

TEMPLATE_LIST_TEST_CASE("rows of zeros, with NaN and with infinity, under every norm", "[norms][zero][nan][infinity]",
                        SameTypes) {
  for (const rownorm::AnyNorm& norm : all_norms) {
    CAPTURE(name_of(norm));
    for (const std::size_t columns : {3, 40, 5000, 5001}) {
      CAPTURE(columns);
      Reals x(7 * columns, 2.0L);
      const auto row = [&](std::size_t i) { return x.begin() + static_cast<std::ptrdiff_t>(i * columns); };
      std::fill(row(0), row(1), 0.0L);
      *row(2) = not_a_number;
      row(3)[static_cast<std::ptrdiff_t>(columns - 1)] = not_a_number;
      row(4)[static_cast<std::ptrdiff_t>(columns / 2)] = -infinity;
      *row(5) = infinity;
      row(5)[static_cast<std::ptrdiff_t>(columns / 2)] = not_a_number;
      *row(6) = not_a_number;
      row(6)[static_cast<std::ptrdiff_t>(columns / 2)] = infinity;
      for (const double epsilon : {0.0, 1e-8, 1.0}) {
        CAPTURE(epsilon);
        CHECK(worst<TestType>(norm, x, columns, epsilon) <= Format<typename Types<TestType>::T>::promised_ulp);
      }
    }
  }
}

TEMPLATE_LIST_TEST_CASE("sums of magnitudes and of squares that leave the range", "[norms][overflow][underflow]",
                        SameTypes) {
  using T = typename Types<TestType>::T;
  const long double max = largest<T>(), min = smallest<T>();
  // The root of either end, whose squares lie just beyond the range or just within it.
  const long double square_max = std::sqrt(max), square_min = std::sqrt(min);
  for (const rownorm::AnyNorm& norm : all_norms) {
    CAPTURE(name_of(norm));
    for (const std::size_t columns : {1, 2, 3, 40, 1001, 5000}) {
      CAPTURE(columns);
      std::vector<Reals> rows;
      const auto add_filled_with = [&](const auto& f) {
        Reals& row = rows.emplace_back(columns);
        for (std::size_t j = 0; j < columns; ++j) row[j] = f(j);
      };
      const auto add_lonely = [&](long double one, long double others) {
        add_filled_with([&](std::size_t j) { return j == columns / 2 ? -one : others; });
      };
      add_filled_with([&](std::size_t) { return max; });
      add_filled_with([&](std::size_t j) { return j % 3 == 0 ? -max / 3 : max; });
      add_filled_with([&](std::size_t) { return min; });
      add_filled_with([&](std::size_t j) { return min * static_cast<int>(1 + j % 5); });
      add_lonely(min, 0);
      add_lonely(max, 1);
      add_lonely(max, min);
      add_lonely(max / 1024, square_max);
      add_lonely(square_min, 0);
      add_lonely(2 * square_max, square_max / 2);
      add_lonely(square_min * 64, square_min);
      // Parts of a row that are of different sizes: a half, and every one of ten pieces.
      add_filled_with([&](std::size_t j) { return j < columns / 2 ? 16 * min : max / 2; });
      add_filled_with([&](std::size_t j) { return j < columns / 2 ? max / 2 : 1; });
      add_filled_with([&](std::size_t j) { return j < columns / 2 ? square_min / 4 : square_min * 4; });
      const long double sizes[] = {min, square_min / 2, square_min * 2, 1, square_max / 2, square_max * 2, max};
      add_filled_with([&](std::size_t j) { return sizes[j * 10 / columns % 7]; });
      add_filled_with([&](std::size_t j) { return sizes[j % 7]; });
      add_filled_with([&](std::size_t j) { return sizes[j * 10 / columns % 3]; });
      Reals x;
      for (const Reals& row : rows) x.insert(x.end(), row.begin(), row.end());
      x = rounded_to<T>(x);
      // for_each_result has room for 17 rows among its own.
      CHECK(worst<TestType>(norm, x, columns, 0) <= Format<T>::promised_ulp);
      CHECK(worst<TestType>(norm, x, columns, 1e-8) <= Format<T>::promised_ulp);
    }
  }
}

TEMPLATE_LIST_TEST_CASE("a double among others of another size", "[norms][overflow][underflow]", Spaces) {
  using Case = rownorm::tests::Case<TestType, Values<double, double>>;
  for (const rownorm::AnyNorm& norm : all_norms) {
    CAPTURE(name_of(norm));
    for (const std::size_t columns : {2, 31, 1024, 5001}) {
      CAPTURE(columns);
      for (const auto& [one, others] : {std::pair(1e-300L, 0.0L),
                                        {1e300L, 1.0L},
                                        {1e160L, 1e150L},
                                        {1e-160L, 1e-170L},
                                        {0x1p-450L, 0x1p-451L},
                                        {0x1p-537L, 0x1p-537L},
                                        {0x1p511L, 0x1p511L}}) {
        CAPTURE(one, others);
        Reals x(columns, others);
        x[columns / 3] = one;
        CHECK(worst<Case>(norm, rounded_to<double>(x), columns, 0) <= 4);
      }
    }
  }
}

namespace {

/// The third root of the sum of cubes. It has a parameter, and a partial result that is not a number.
struct CubeNorm {
  struct Cubes {
    double sum = 0;
    double unused = 0;
  };
  template <class Compute>
  using Partial = Cubes;
  double factor = 1;

  template <class Compute>
  KOKKOS_FUNCTION void accumulate(Cubes& partial, Compute magnitude) const {
    const double value = magnitude;
    partial.sum += value * value * value;
  }
  KOKKOS_FUNCTION void combine(Cubes& partial, const Cubes& other) const { partial.sum += other.sum; }
  KOKKOS_FUNCTION double finish(const Cubes& partial, double) const { return factor * Kokkos::cbrt(partial.sum); }
};

long double reference_norm(const CubeNorm& norm, const Reals& x) {
  return norm.factor * std::cbrt(reference_sum(x, [](long double value) { return std::abs(value * value * value); }));
}

template <class Exec, class T, class Norm>
void check_norm_of_ones_own(const Norm& norm) {
  for (const std::size_t columns : {1, 31, 1024, 5001}) {
    CAPTURE(columns);
    Reals x = random_rows<T>(5, columns, 8);
    std::fill(x.begin() + static_cast<std::ptrdiff_t>(columns), x.begin() + static_cast<std::ptrdiff_t>(2 * columns),
              0);
    for (std::size_t k = 0; k < x.size(); k += 7) x[k] = 0;
    CHECK(worst_of_every_kernel<Exec, T, T>(x, columns, 1e-8, norm) <= Format<T>::promised_ulp);

    const Placement p = place<Right>(5, columns);
    Buffer<Exec, T> x_buffer(p.length()), y_buffer(p.length());
    x_buffer.put(p, x);
    const auto x_view = view_at<const T, Right, Exec>(x_buffer.data(), p);
    const auto y_view = view_at<T, Right, Exec>(y_buffer.data(), p);
    StridedVector<Exec, double> norms(5);
    const Expected<T> expected(x, columns, 0, norm);
    rownorm::normalize(Exec(), x_view, y_view, norms.view(), rownorm::Parameters<Norm>{.norm = norm, .epsilon = 0});
    CHECK(expected.worst_ulp(y_buffer.get(p)) <= Format<T>::promised_ulp);
    CHECK(are_near<float>(norms.get(), expected.norms()));
    norms.poison_all();
    rownorm::row_norms(Exec(), x_view, norms.view(), norm);
    CHECK(are_near<float>(norms.get(), expected.norms()));
  }
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("a norm of the caller's own", "[norms][own]", Spaces) {
  check_norm_of_ones_own<TestType, double>(CountNonzero{});
  check_norm_of_ones_own<TestType, float>(CubeNorm{.factor = 0.75});  // sums in double, as good as float asks for
}
