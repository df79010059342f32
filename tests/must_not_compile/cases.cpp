// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Code that must not compile, one case at a time; CTest expects the sentence that tests/CMakeLists.txt gives for it.
#include <Kokkos_Core.hpp>
#include <rownorm/rownorm.hpp>
#include <vector>

using Exec = Kokkos::DefaultExecutionSpace;
using Row = Kokkos::View<float*>;
using Matrix = Kokkos::View<float**>;

void must_not_compile(const Matrix& matrix, const Row& row) {
#if ROWNORM_CASE == 0  // this one must
  rownorm::l1_normalize(Exec(), matrix, matrix);
  rownorm::l1_normalize(row, row);
#elif ROWNORM_CASE == 1
  rownorm::l1_normalize(matrix, Kokkos::View<const float**>(matrix));
#elif ROWNORM_CASE == 2
  rownorm::l1_normalize(Kokkos::View<int**>("x", 1, 1), matrix);
#elif ROWNORM_CASE == 3
  rownorm::l1_normalize(matrix, Kokkos::View<long double**>("y", 1, 1));
#elif ROWNORM_CASE == 4
  rownorm::l1_normalize(row, matrix);
#elif ROWNORM_CASE == 5
  rownorm::l1_normalize(Kokkos::View<float***>("x", 1, 1, 1), Kokkos::View<float***>("y", 1, 1, 1));
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
#elif ROWNORM_CASE == 9  // only where the default execution space is a GPU
  rownorm::l1_normalize(Exec(), Kokkos::View<float**, Kokkos::HostSpace>("x", 1, 1), matrix);
#endif
}
