// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_TESTS_SNIPPETS_PREAMBLE_HPP
#define ROWNORM_TESTS_SNIPPETS_PREAMBLE_HPP

/// The names that the snippets of README.md and docs/ use without saying what they are.

#include <Kokkos_Core.hpp>
#include <Kokkos_Graph.hpp>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <rownorm/rownorm.hpp>
#include <string>
#include <vector>

#if defined(KOKKOS_ENABLE_CUDA) && KOKKOS_VERSION >= 40699
#define ROWNORM_SNIPPETS_WITH_CUDA
#endif

#ifdef ROWNORM_SNIPPETS_WITH_SPARSE
#include <rownorm/sparse.hpp>
using SparseMatrix = KokkosSparse::CrsMatrix<double, int, Kokkos::DefaultExecutionSpace>;
#else
struct SparseMatrix {};
#endif

#ifdef ROWNORM_SNIPPETS_WITH_TUNE
#include <rownorm/tune.hpp>
#endif

using Exec = Kokkos::DefaultExecutionSpace;
using Team = Kokkos::TeamPolicy<Exec>::member_type;

/// Parameters, so that kernels of a snippet can capture them.
#define ROWNORM_SNIPPET(NAME)                                                                                      \
  void NAME(const Exec& exec, const Kokkos::View<float**>& x, const Kokkos::View<float**>& y,                      \
            const Kokkos::View<float***>& x3, const Kokkos::View<float***>& y3, const Kokkos::View<float*>& norms, \
            const Kokkos::View<float**>& norms3, const Kokkos::View<float*>& weights,                              \
            const Kokkos::View<float**>& grad_x, const Kokkos::View<float**>& grad_y, int rows, int columns,       \
            const SparseMatrix& A, const SparseMatrix& B, const Kokkos::View<double*>& row_norms)

#endif
