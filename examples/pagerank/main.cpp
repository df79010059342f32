// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

/// Ranks the nodes of a graph by PageRank: pagerank [file.mtx]. Entry (i, j) of the matrix is the weight of the edge
/// from node i to node j.

#include <KokkosSparse_CrsMatrix.hpp>
#include <KokkosSparse_IOUtils.hpp>
#include <KokkosSparse_spmv.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <exception>
#include <numeric>
#include <rownorm/sparse.hpp>
#include <vector>

namespace {

using Exec = Kokkos::DefaultExecutionSpace;
using Matrix = KokkosSparse::CrsMatrix<double, int, Exec, void, int>;
using Vector = Kokkos::View<double*, Exec>;

constexpr double damping = 0.85;
constexpr double tolerance = 1e-12;

/// Ranks that sum to one.
Vector page_rank(const Exec& exec, const Matrix& links) {
  const int nodes = links.numRows();
  // Row-stochastic: whoever is at a node follows one of its edges, each as often as its weight says. Nodes without
  // edges have rows of zeros, which stay so; their norms tell them.
  const Vector degrees("degrees", nodes);
  rownorm::sparse::normalize(exec, links, links, degrees,
                             {.norm = rownorm::SumAbs{}, .epsilon = 0, .check = rownorm::sparse::Check::indices});

  Vector ranks("ranks", nodes), next("next", nodes);
  Kokkos::deep_copy(exec, ranks, 1.0 / nodes);
  for (double change = 1; change > tolerance;) {
    double lost = 0;  // at nodes without edges, from where one goes anywhere
    Kokkos::parallel_reduce(
        "lost", Kokkos::RangePolicy<Exec>(exec, 0, nodes),
        KOKKOS_LAMBDA(int i, double& sum) { sum += degrees(i) == 0 ? ranks(i) : 0; }, lost);
    Kokkos::deep_copy(exec, next, (1 - damping + damping * lost) / nodes);
    KokkosSparse::spmv(exec, "T", damping, links, ranks, 1.0, next);
    Kokkos::parallel_reduce(
        "change", Kokkos::RangePolicy<Exec>(exec, 0, nodes),
        KOKKOS_LAMBDA(int i, double& sum) { sum += Kokkos::abs(next(i) - ranks(i)); }, change);
    std::swap(ranks, next);
  }
  return ranks;
}

int run(const char* file) {
  const Exec exec;
  const auto links = KokkosSparse::Impl::read_kokkos_crst_matrix<Matrix>(file);
  const auto ranks = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), page_rank(exec, links));

  std::vector<int> nodes(ranks.extent(0));
  std::iota(nodes.begin(), nodes.end(), 0);
  const auto top = nodes.begin() + std::min<std::ptrdiff_t>(10, static_cast<std::ptrdiff_t>(nodes.size()));
  std::partial_sort(nodes.begin(), top, nodes.end(), [&](int a, int b) { return ranks(a) > ranks(b); });
  for (auto node = nodes.begin(); node != top; ++node) std::printf("node %d: %.6f\n", *node + 1, ranks(*node));

  const double sum = std::accumulate(ranks.data(), ranks.data() + ranks.extent(0), 0.0);
  std::printf("%zu ranks, which sum to %.12f\n", nodes.size(), sum);
  return std::abs(sum - 1) < 1e-9 ? 0 : 1;
}

}  // namespace

int main(int argc, char* argv[]) {
  const Kokkos::ScopeGuard kokkos(argc, argv);
  try {
    return run(argc > 1 ? argv[1] : DEFAULT_GRAPH);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "pagerank: %s\n", error.what());
    return 1;
  }
}
