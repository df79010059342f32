// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Calls of several host threads at once, and calls that are captured in a graph.
#ifdef __CUDACC__
#include <cuda_runtime.h>
#endif

#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>
#include <rownorm/sparse.hpp>
#include <thread>
#include <vector>

#include "matrices.hpp"
#include "support/types.hpp"

using namespace rownorm::tests;
namespace sparse = rownorm::sparse;

namespace {

/// Short rows, and some that are cut.
HostMatrix mixed_matrix(unsigned seed) {
  std::vector<std::int64_t> lengths(700, 9);
  lengths[3] = 0, lengths[50] = 30000, lengths[51] = 6000, lengths[699] = 4000;
  return matrix_of(lengths, 1000, seed);
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("sparse matrices of many threads on one instance", "[execution][concurrency]", Spaces) {
#ifdef KOKKOS_ENABLE_ATOMICS_BYPASS
  SKIP("this Kokkos was built for one host thread (Kokkos_ENABLE_ATOMICS_BYPASS)");
#endif
  using M = Crs<float, int, int, TestType>;
  constexpr unsigned threads = 6;
  std::vector<HostMatrix> matrices;
  std::vector<M> from, to;
  for (unsigned t = 0; t < threads; ++t) {
    matrices.push_back(mixed_matrix(t));
    from.push_back(crs<M>(matrices[t]));
    to.push_back(like<M>(from[t]));
  }
  Kokkos::fence();
  const TestType exec;
  const sparse::Parameters<rownorm::SumAbs> params{.norm = {}, .epsilon = 0};
  std::vector<std::thread> callers;
  for (unsigned t = 0; t < threads; ++t)
    callers.emplace_back([&, t] {
      for (int call = 0; call < 20; ++call) sparse::normalize(exec, from[t], to[t], params);
    });
  for (std::thread& caller : callers) caller.join();
  exec.fence();
  for (unsigned t = 0; t < threads; ++t)
    CHECK(distance(on_host(to[t].values), expected(matrices[t], rownorm::SumAbs{}, 0).values) <= 4);
}

#ifdef KOKKOS_ENABLE_CUDA
TEST_CASE("rows of sparse matrices can be captured and replayed with other values", "[execution][graph]") {
  using M = Crs<double, int, int, Kokkos::Cuda>;
  cudaStream_t stream = nullptr;
  REQUIRE(cudaStreamCreate(&stream) == cudaSuccess);
  {
    const Kokkos::Cuda exec(stream);
    HostMatrix matrix = mixed_matrix(1);
    const M A = crs<M>(matrix), B = like<M>(A);
    const sparse::Parameters<rownorm::Euclidean> params{.norm = {}, .epsilon = 0};
    sparse::normalize(exec, A, B, params);  // the first call on an instance may reserve
    exec.fence();
    cudaGraph_t graph = nullptr;
    cudaGraphExec_t executable = nullptr;
    REQUIRE(cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed) == cudaSuccess);
    sparse::normalize(exec, A, B, params);
    REQUIRE(cudaStreamEndCapture(stream, &graph) == cudaSuccess);
    REQUIRE(cudaGraphInstantiate(&executable, graph, 0) == cudaSuccess);
    for (unsigned replay = 0; replay < 20; ++replay) {
      matrix.values = mixed_matrix(replay + 2).values;
      fill(A.values, matrix.values);
      Kokkos::fence();
      REQUIRE(cudaGraphLaunch(executable, stream) == cudaSuccess);
      REQUIRE(cudaStreamSynchronize(stream) == cudaSuccess);
      REQUIRE(distance(on_host(B.values), expected(matrix, rownorm::Euclidean{}, 0).values) <= 4);
    }
    cudaGraphExecDestroy(executable);
    cudaGraphDestroy(graph);
  }
  cudaStreamDestroy(stream);
}
#endif
