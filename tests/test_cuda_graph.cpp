// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A call captured once into a CUDA graph and replayed on new data.
#include <cuda_runtime.h>
#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>
#include <rownorm/rownorm.hpp>

#include "support/graph_work.hpp"
#include "support/kernels.hpp"
#include "support/matrix.hpp"
#include "support/random.hpp"

using namespace rownorm::tests;

TEST_CASE("a captured call can be replayed on new data, by any kernel", "[execution][graph]") {
  const std::size_t rows = 8, columns = 6008;
  cudaStream_t stream = nullptr;
  REQUIRE(cudaStreamCreate(&stream) == cudaSuccess);
  for (const Placements& at : all_placements(rows, columns)) {
    CAPTURE(at.x.row_stride, at.y.row_stride);
    Buffer<Kokkos::Cuda, float> x_buffer(at.x.length()), y_buffer(at.y.length());
    const auto x_view = view_at<const float, Stride, Kokkos::Cuda>(x_buffer.data(), at.x);
    const auto y_view = view_at<float, Stride, Kokkos::Cuda>(y_buffer.data(), at.y);
    const Kokkos::Cuda exec(stream);
    with_every_kernel(exec, x_view, y_view, [&](const rownorm::Schedule& schedule) {
      normalize_with(schedule, exec, x_view, y_view);  // the first call on an instance may reserve
      exec.fence();
      cudaGraph_t graph = nullptr;
      cudaGraphExec_t executable = nullptr;
      REQUIRE(cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed) == cudaSuccess);
      normalize_with(schedule, exec, x_view, y_view);
      REQUIRE(cudaStreamEndCapture(stream, &graph) == cudaSuccess);
      REQUIRE(cudaGraphInstantiate(&executable, graph, 0) == cudaSuccess);
      for (unsigned replay = 0; replay < 300; ++replay) {
        const Reals x = random_rows<float>(rows, columns, replay);
        x_buffer.put(at.x, x);
        REQUIRE(cudaGraphLaunch(executable, stream) == cudaSuccess);
        REQUIRE(cudaStreamSynchronize(stream) == cudaSuccess);
        REQUIRE(worst_ulp<float>(x, y_buffer.get(at.y), columns, 1e-8) <= 4);
      }
      cudaGraphExecDestroy(executable);
      cudaGraphDestroy(graph);
    });
  }
  cudaStreamDestroy(stream);
}

TEST_CASE("norms, weights, status and gradients can be captured", "[execution][graph]") {
  using Work = GraphWork<Kokkos::Cuda>;
  cudaStream_t stream = nullptr;
  REQUIRE(cudaStreamCreate(&stream) == cudaSuccess);
  for (const auto& [rows, columns] : graph_shapes) {
    CAPTURE(rows, columns);
    const Kokkos::Cuda exec(stream);
    const Work work(rows, columns);
    const Work::Results results(rows, columns), expected(rows, columns);
    work.renew(0);
    work.enqueue(exec, expected);  // the first call on an instance may reserve
    exec.fence();
    cudaGraph_t graph = nullptr;
    cudaGraphExec_t executable = nullptr;
    REQUIRE(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal) == cudaSuccess);
    work.enqueue(exec, results);
    REQUIRE(cudaStreamEndCapture(stream, &graph) == cudaSuccess);
    REQUIRE(cudaGraphInstantiate(&executable, graph, 0) == cudaSuccess);
    for (unsigned replay = 0; replay < 20; ++replay) {
      work.renew(replay);
      Kokkos::deep_copy(results.status, rownorm::RowStatus{});
      Kokkos::deep_copy(expected.status, rownorm::RowStatus{});
      work.enqueue(exec, expected);
      REQUIRE(cudaGraphLaunch(executable, stream) == cudaSuccess);
      REQUIRE(cudaStreamSynchronize(stream) == cudaSuccess);
      REQUIRE(results.same_bits_as(expected));
    }
    cudaGraphExecDestroy(executable);
    cudaGraphDestroy(graph);
  }
  cudaStreamDestroy(stream);
}
