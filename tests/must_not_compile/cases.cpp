// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Code that must not compile, one case at a time; CTest expects the sentence that tests/CMakeLists.txt gives for it.
#include <Kokkos_Core.hpp>
#include <cstddef>
#include <rownorm/rownorm.hpp>
#include <vector>

using Exec = Kokkos::DefaultExecutionSpace;
using Row = Kokkos::View<float*>;
using Matrix = Kokkos::View<float**>;

/// As much of an mdspan as an array must have.
template <class T>
struct Span {
  using element_type = T;
  using extents_type = void;
  using layout_type = void;
  using accessor_type = void;
  T* data;
  static constexpr std::size_t rank() { return 1; }
  T* data_handle() const { return data; }
  std::size_t extent(std::size_t) const { return 1; }
  std::size_t stride(std::size_t) const { return 1; }
};

void must_not_compile(const Matrix& matrix, const Row& row) {
#if ROWNORM_CASE == 0  // this one must
  rownorm::l1_normalize(Exec(), matrix, matrix);
  rownorm::l1_normalize(row, row);
  rownorm::normalize(Exec(), matrix, matrix, row, {.norm = rownorm::MaxAbs{}, .axis = 0, .weights = row});
#elif ROWNORM_CASE == 1
  rownorm::l1_normalize(matrix, Kokkos::View<const float**>(matrix));
#elif ROWNORM_CASE == 2
  rownorm::l1_normalize(Kokkos::View<int**>("x", 1, 1), matrix);
#elif ROWNORM_CASE == 3
  rownorm::l1_normalize(matrix, Kokkos::View<long double**>("y", 1, 1));
#elif ROWNORM_CASE == 4
  rownorm::l1_normalize(row, matrix);
#elif ROWNORM_CASE == 5
  const Kokkos::View<float> scalar("x");
  rownorm::l1_normalize(scalar, scalar);
#elif ROWNORM_CASE == 6
  rownorm::l1_normalize(Exec(), std::vector<float>(3), row);
#elif ROWNORM_CASE == 7
  using Atomic = Kokkos::View<float**, Kokkos::MemoryTraits<Kokkos::Atomic> >;
  rownorm::l1_normalize(matrix, Atomic(matrix));
#elif ROWNORM_CASE == 8
  Kokkos::parallel_for(
      Kokkos::TeamPolicy<>(1, 1), KOKKOS_LAMBDA(const Kokkos::TeamPolicy<>::member_type& member) {
        rownorm::team_normalize(member, matrix, matrix);
      });
#elif ROWNORM_CASE == 9
  rownorm::normalize(Kokkos::View<Kokkos::complex<float>**>("x", 1, 1), matrix);
#elif ROWNORM_CASE == 10
  rownorm::normalize(matrix, matrix, Matrix("norms", 1, 1));
#elif ROWNORM_CASE == 11
  rownorm::row_norms(matrix, Kokkos::View<const float*>(row));
#elif ROWNORM_CASE == 12
  rownorm::row_norms(matrix, Span<float>{row.data()});
#elif ROWNORM_CASE == 13
  rownorm::normalize(matrix, matrix, {.weights = matrix});
#elif ROWNORM_CASE == 14
  rownorm::normalize(matrix, matrix, {.weights = Kokkos::View<int*>("weights", 1)});
#elif ROWNORM_CASE == 15
  rownorm::normalize(matrix, matrix, {.status = Kokkos::View<int>("status")});
#elif ROWNORM_CASE == 16
  rownorm::normalize_backward(matrix, matrix, matrix, rownorm::Parameters<rownorm::MaxAbs>{});
#elif ROWNORM_CASE == 17
  rownorm::normalize_backward(matrix, Kokkos::View<double**>("grad_y", 1, 1), matrix);
#elif ROWNORM_CASE == 18
  const Kokkos::View<Kokkos::complex<float>**> complex("x", 1, 1);
  rownorm::normalize_backward(complex, complex, complex);
#elif ROWNORM_CASE == 19  // only where the default execution space is a GPU
  rownorm::l1_normalize(Exec(), Kokkos::View<float**, Kokkos::HostSpace>("x", 1, 1), matrix);
#endif
}
