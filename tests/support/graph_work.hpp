// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_TESTS_GRAPH_WORK_HPP
#define ROWNORM_TESTS_GRAPH_WORK_HPP

#include <Kokkos_Core.hpp>
#include <cstring>
#include <rownorm/rownorm.hpp>
#include <utility>

#include "random.hpp"

/// Calls of every kind, to be captured in a graph once and replayed with new data.
namespace rownorm::tests {

/// Rows that are served by vector lanes, by a team, and by several.
inline constexpr std::pair<int, int> graph_shapes[] = {{65, 33}, {16, 4096}, {3, 200000}};

template <class Exec>
class GraphWork {
 public:
  template <class Data>
  using View = Kokkos::View<Data, Kokkos::LayoutRight, typename Exec::device_type>;

  /// What is written. Two of them hold the same bits where the same calls were made.
  struct Results {
    View<float**> y, grad_x;
    View<float*> norms, largest;
    View<RowStatus> status{"status"};

    Results(int rows, int columns)
        : y("y", rows, columns), grad_x("grad_x", rows, columns), norms("norms", rows), largest("largest", rows) {}

    bool same_bits_as(const Results& other) const {
      return same(y, other.y) && same(grad_x, other.grad_x) && same(norms, other.norms) &&
             same(largest, other.largest) && same(status, other.status);
    }

   private:
    template <class Array>
    static bool same(const Array& a, const Array& b) {
      const auto a_host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), a);
      const auto b_host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), b);
      return std::memcmp(a_host.data(), b_host.data(), a_host.size() * sizeof(typename Array::value_type)) == 0;
    }
  };

  GraphWork(int rows, int columns) : x_("x", rows, columns), grad_y_("grad_y", rows, columns), weights_("w", columns) {
    Kokkos::deep_copy(weights_, 0.75F);
  }

  /// New values in the same arrays. The first row is one of zeros.
  void renew(unsigned seed) const {
    put(x_, seed);
    put(grad_y_, seed + 1000);
    Kokkos::deep_copy(Kokkos::subview(x_, 0, Kokkos::ALL), 0.0F);
  }

  void enqueue(const Exec& exec, const Results& to) const {
    const Parameters<> params{.norm = RootMeanSquare{}, .epsilon = 0.5, .weights = weights_, .status = to.status};
    normalize(exec, x_, to.y, to.norms, params);
    row_norms(exec, x_, to.largest, MaxAbs{});
    normalize_backward(exec, x_, grad_y_, to.grad_x, {.norm = MeanAbs{}, .epsilon = 0.5, .weights = weights_});
  }

 private:
  static void put(const View<float**>& array, unsigned seed) {
    const auto host = Kokkos::create_mirror_view(array);
    const Reals values = random_rows<float>(array.extent(0), array.extent(1), seed);
    for (std::size_t k = 0; k < values.size(); ++k) host.data()[k] = static_cast<float>(values[k]);
    Kokkos::deep_copy(array, host);
  }

  View<float**> x_, grad_y_;
  View<float*> weights_;
};

}  // namespace rownorm::tests

#endif
