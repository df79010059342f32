// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Code that must not compile, one case at a time; CTest expects the sentence that CMakeLists.txt gives for it.
#include <KokkosSparse_BsrMatrix.hpp>
#include <KokkosSparse_CrsMatrix.hpp>
#include <Kokkos_Core.hpp>
#include <rownorm/sparse.hpp>

using Exec = Kokkos::DefaultExecutionSpace;
template <class T>
using Matrix = KokkosSparse::CrsMatrix<T, int, Exec, void, int>;
template <class T>
using BlockMatrix = KokkosSparse::Experimental::BsrMatrix<T, int, Exec, void, int>;

void must_not_compile(const Exec& exec, const Matrix<float>& A, const Matrix<double>& B,
                      [[maybe_unused]] const BlockMatrix<float>& blocks) {
#if ROWNORM_CASE == 0  // this one must
  rownorm::sparse::normalize(exec, A, B, Kokkos::View<float*>("norms", A.numRows()));
#elif ROWNORM_CASE == 1
  rownorm::sparse::normalize(exec, Matrix<int>(), B);
#elif ROWNORM_CASE == 2
  rownorm::sparse::normalize(exec, A, Matrix<const float>());
#elif ROWNORM_CASE == 3
  rownorm::sparse::normalize(exec, A, blocks);
#elif ROWNORM_CASE == 4
  rownorm::sparse::normalize(exec, Matrix<Kokkos::complex<float> >(), B);
#elif ROWNORM_CASE == 5
  rownorm::sparse::normalize(exec, A, B, Kokkos::View<float**>("norms", A.numRows(), 1));
#elif ROWNORM_CASE == 6
  rownorm::sparse::row_norms(exec, A, Kokkos::View<int*>("norms", A.numRows()));
#endif
}
