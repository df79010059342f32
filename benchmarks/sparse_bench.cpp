// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

/// rownorm_sparse_bench: times sparse::normalize against a copy of as many bytes as it moves, and what a user of Kokkos
/// Kernels would write; and the same of dense rows. README.md says how it is used.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <fstream>
#include <functional>
#include <iostream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <KokkosBlas1_abs.hpp>
#include <KokkosBlas1_nrm1.hpp>
#include <KokkosBlas1_reciprocal.hpp>
#include <KokkosBlas1_scal.hpp>
#include <KokkosSparse_CrsMatrix.hpp>
#include <KokkosSparse_spmv.hpp>
#include <Kokkos_Core.hpp>
#include <nlohmann/json.hpp>
#include <rownorm/rownorm.hpp>
#include <rownorm/sparse.hpp>

#include "copy.hpp"
#include "timer.hpp"

namespace bench {

// What nvcc has lambdas of must have names that others can see.
namespace sparse {

using Offset = int;
using Ordinal = int;
using Json = nlohmann::ordered_json;
template <class T>
using Matrix = KokkosSparse::CrsMatrix<T, Ordinal, Exec, void, Offset>;
template <class T>
using Vector = Kokkos::View<T*, Exec>;
using Teams = Kokkos::TeamPolicy<Exec>;

struct Options {
  std::int64_t entries = 200'000'000;
  int repeats = 11;
  std::vector<std::string> types = {"float", "double"};
  std::string json;
  bool no_others = false;
};

/// A number that looks random, the same on every device.
KOKKOS_INLINE_FUNCTION std::uint32_t scramble(std::uint64_t i) {
  i = (i + 1) * 0x9e3779b97f4a7c15u;
  i = (i ^ i >> 30) * 0xbf58476d1ce4e5b9u;
  return static_cast<std::uint32_t>((i ^ i >> 27) * 0x94d049bb133111ebu >> 32);
}

/// Lengths of rows.
enum class Kind { stencil, uniform, power_law, one_row_in_ten };

struct Lengths {
  Kind kind;
  std::int64_t rows;
  std::int64_t longest;

  KOKKOS_FUNCTION std::int64_t operator()(std::int64_t i) const {
    const std::uint32_t random = scramble(static_cast<std::uint64_t>(i));
    switch (kind) {
      case Kind::stencil:
        return 7;
      case Kind::uniform:
        return random % 64;
      case Kind::one_row_in_ten:
        return random % 10 == 0 ? 70 : 0;
      case Kind::power_law:
        break;
    }
    if (i == rows / 3) return longest;
    const double length = Kokkos::pow((random + 1.0) / 4294967296.0, -0.95);
    return length < static_cast<double>(longest) ? static_cast<std::int64_t>(length) : longest;
  }
};

struct NamedKind {
  const char* name;
  Kind kind;
  double entries_a_row;
};
constexpr NamedKind kinds[] = {{"stencil", Kind::stencil, 7},
                               {"uniform", Kind::uniform, 31.5},
                               {"power_law", Kind::power_law, 11.5},
                               {"empty_rows", Kind::one_row_in_ten, 7}};

template <class T>
Matrix<T> make_matrix(const Exec& exec, const NamedKind& kind, std::int64_t wanted) {
  const auto rows =
      std::max<std::int64_t>(1, static_cast<std::int64_t>(static_cast<double>(wanted) / kind.entries_a_row));
  const Lengths lengths{kind.kind, rows, std::max<std::int64_t>(1, wanted / 50)};
  const Vector<Offset> row_map("row_map", rows + 1);
  std::int64_t entries = 0;
  Kokkos::parallel_scan(
      "rownorm_bench::row_map", Kokkos::RangePolicy<Exec>(exec, 0, rows),
      KOKKOS_LAMBDA(std::int64_t i, std::int64_t & sum, bool is_final) {
        sum += lengths(i);
        if (is_final) row_map(i + 1) = static_cast<Offset>(sum);
      },
      entries);
  const Vector<Ordinal> columns(Kokkos::view_alloc("columns", Kokkos::WithoutInitializing), entries);
  const Vector<T> values(Kokkos::view_alloc("values", Kokkos::WithoutInitializing), entries);
  Kokkos::parallel_for(
      "rownorm_bench::entries", Kokkos::RangePolicy<Exec>(exec, 0, entries), KOKKOS_LAMBDA(std::int64_t k) {
        const std::uint32_t random = scramble(static_cast<std::uint64_t>(k) + 77);
        columns(k) = static_cast<Ordinal>(random % static_cast<std::uint32_t>(rows));
        values(k) = static_cast<T>(static_cast<std::int32_t>(random)) / static_cast<T>(2147483648.0);
      });
  exec.fence();
  return Matrix<T>("A", static_cast<Ordinal>(rows), static_cast<Ordinal>(rows), static_cast<Offset>(entries), values,
                   row_map, columns);
}

/// What a user of Kokkos writes first: a team a row.
template <class T>
void row_by_row(const Exec& exec, const Matrix<T>& A, const Vector<T>& y) {
  const auto map = A.graph.row_map;
  const auto x = A.values;
  Kokkos::parallel_for(
      "rownorm_bench::row_by_row", Teams(exec, A.numRows(), Kokkos::AUTO),
      KOKKOS_LAMBDA(const Teams::member_type& member) {
        const int i = member.league_rank();
        const Offset begin = map(i), end = map(i + 1);
        double norm = 0;
        Kokkos::parallel_reduce(
            Kokkos::TeamVectorRange(member, begin, end), [&](Offset k, double& sum) { sum += Kokkos::abs(x(k)); },
            norm);
        const double factor = norm > 0 ? 1 / norm : 1;
        Kokkos::parallel_for(Kokkos::TeamVectorRange(member, begin, end),
                             [&](Offset k) { y(k) = static_cast<T>(x(k) * factor); });
      });
}

/// What Kokkos Kernels has the parts of: |A| times ones, and a kernel that scales rows.
template <class T>
struct Composition {
  Vector<T> ones, norms;
  Matrix<T> magnitudes;

  explicit Composition(const Matrix<T>& A)
      : ones("ones", A.numCols()),
        norms("norms", A.numRows()),
        magnitudes("magnitudes", A.numCols(), Vector<T>("magnitudes", A.nnz()), A.graph) {
    Kokkos::deep_copy(ones, T(1));
  }

  void operator()(const Exec& exec, const Matrix<T>& A, const Vector<T>& y) const {
    KokkosBlas::abs(exec, magnitudes.values, A.values);
    KokkosSparse::spmv(exec, "N", T(1), magnitudes, ones, T(0), norms);
    const auto map = A.graph.row_map;
    const auto x = A.values;
    const Vector<T> of_rows = norms;
    Kokkos::parallel_for(
        "rownorm_bench::scale_rows", Kokkos::RangePolicy<Exec>(exec, 0, A.numRows()), KOKKOS_LAMBDA(int i) {
          const T factor = of_rows(i) > 0 ? 1 / of_rows(i) : 1;
          for (Offset k = map(i); k < map(i + 1); ++k) y(k) = x(k) * factor;
        });
  }
};

struct Contender {
  std::string name;
  std::function<void()> run;
};

double median(std::vector<double> seconds) {
  std::sort(seconds.begin(), seconds.end());
  return seconds[seconds.size() / 2];
}

/// Times all in turn, with a copy of so many bytes each time, and prints each as a fraction of the copy.
Json compare(const Exec& exec, const std::string& name, std::int64_t bytes, const Options& options,
             std::vector<Contender> all) {
  if (options.no_others)
    std::erase_if(all, [](const Contender& c) { return c.name != "rownorm" && c.name != "in_place"; });
  const auto machine = rownorm::machine_of(exec);
  const Kokkos::View<char*, Exec> from("from", bytes), to("to", bytes);
  std::vector<std::vector<double>> seconds(all.size() + 1);
  const auto time = [&](std::vector<double>& of, const auto& f) {
    const Mark begin(exec);
    f();
    const Mark end(exec);
    of.push_back(end.seconds_since(begin));
  };
  for (int i = -1; i < options.repeats; ++i) {
    if (i == 0)
      for (auto& of : seconds) of.clear();
    time(seconds[0], [&] { copy_bytes(exec, machine, from, to); });
    for (std::size_t c = 0; c < all.size(); ++c) time(seconds[c + 1], all[c].run);
  }
  const double copy = median(seconds[0]);
  Json result = {{"name", name}, {"copy_milliseconds", copy * 1e3}};
  std::printf("%-34s copy %9.3f ms %7.1f GB/s", name.c_str(), copy * 1e3, 2e-9 * static_cast<double>(bytes) / copy);
  for (std::size_t c = 0; c < all.size(); ++c) {
    const double ours = median(seconds[c + 1]);
    result[all[c].name] = copy / ours;
    std::printf("  %s %.3f", all[c].name.c_str(), copy / ours);
  }
  std::printf("\n");
  std::fflush(stdout);
  return result;
}

template <class T>
void time_sparse(const Exec& exec, const Options& options, const char* type, Json& results) {
  for (const NamedKind& kind : kinds) {
    const Matrix<T> A = make_matrix<T>(exec, kind, options.entries);
    const Matrix<T> B("B", A.numCols(), Vector<T>("B", A.nnz()), A.graph);
    const rownorm::sparse::Parameters<> params{.norm = rownorm::SumAbs{}, .epsilon = 0};
    const Composition<T> composition(A);
    // Values are read once and written once, and the row map is read: a copy of half as many bytes moves as much.
    const std::int64_t moved = 2 * static_cast<std::int64_t>(A.nnz()) * static_cast<std::int64_t>(sizeof(T)) +
                               (static_cast<std::int64_t>(A.numRows()) + 1) * static_cast<std::int64_t>(sizeof(Offset));
    Json result = compare(exec, std::string("sparse/") + type + "/" + kind.name + "/" + std::to_string(A.nnz()),
                          moved / 2, options,
                          {{"rownorm", [&] { rownorm::sparse::normalize(exec, A, B, params); }},
                           {"in_place", [&] { rownorm::sparse::normalize(exec, B, params); }},
                           {"row_by_row", [&] { row_by_row<T>(exec, A, B.values); }},
                           {"composition", [&] { composition(exec, A, B.values); }}});
    const auto problem = rownorm::sparse::problem_of(A, B);
    result["schedule"] = explain(choose_schedule(problem, rownorm::machine_of(exec)), problem);
    results.push_back(result);
  }
}

/// Dense rows: nrm1 and scal of Kokkos Kernels on the transposed multivector, and a plain loop over teams.
template <class T>
void time_dense(const Exec& exec, const Options& options, const char* type, Json& results) {
  for (const std::int64_t columns : {16, 64, 1024, 8192, 65536}) {
    const std::int64_t rows = std::max<std::int64_t>(1, options.entries / columns);
    const Kokkos::View<T**, Kokkos::LayoutRight, Exec> x("x", rows, columns), y("y", rows, columns);
    Kokkos::deep_copy(x, T(0.5));
    using Turned = Kokkos::View<T**, Kokkos::LayoutLeft, Exec, Kokkos::MemoryUnmanaged>;
    const Turned x_turned(x.data(), columns, rows), y_turned(y.data(), columns, rows);
    const Vector<T> norms("norms", rows), inverses("inverses", rows);
    const auto plain = [&] {
      Kokkos::parallel_for(
          "rownorm_bench::plain", Teams(exec, static_cast<int>(rows), Kokkos::AUTO),
          KOKKOS_LAMBDA(const Teams::member_type& member) {
            const int i = member.league_rank();
            double norm = 0;
            Kokkos::parallel_reduce(
                Kokkos::TeamVectorRange(member, columns),
                [&](std::int64_t j, double& sum) { sum += Kokkos::abs(x(i, j)); }, norm);
            Kokkos::parallel_for(Kokkos::TeamVectorRange(member, columns),
                                 [&](std::int64_t j) { y(i, j) = static_cast<T>(x(i, j) / norm); });
          });
    };
    results.push_back(
        compare(exec, std::string("dense/") + type + "/" + std::to_string(rows) + "x" + std::to_string(columns),
                rows * columns * static_cast<std::int64_t>(sizeof(T)), options,
                {{"rownorm", [&] { rownorm::normalize(exec, x, y, {.norm = rownorm::SumAbs{}, .epsilon = 0}); }},
                 {"team_policy", plain},
                 {"nrm1_scal", [&] {
                    KokkosBlas::nrm1(exec, norms, x_turned);
                    KokkosBlas::reciprocal(exec, inverses, norms);
                    KokkosBlas::scal(exec, y_turned, inverses, x_turned);
                  }}}));
  }
}

int run(int argc, char** argv) {
  const Kokkos::ScopeGuard kokkos(argc, argv);
  Options options;
  CLI::App app;
  app.add_option("--entries", options.entries, "of each matrix, about: 200000000 by default")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{2'000'000'000}));
  app.add_option("--repeats", options.repeats, "calls of which the median is taken")->check(CLI::PositiveNumber);
  app.add_option("--types", options.types, "of values: float double")->check(CLI::IsMember({"float", "double"}));
  app.add_option("--json", options.json, "writes the results to this file");
  bool no_dense = false;
  app.add_flag("--sparse-only", no_dense, "leaves out dense rows");
  app.add_flag("--rownorm-only", options.no_others, "leaves out what others would write, which can take minutes");
  CLI11_PARSE(app, argc, argv);

  const Exec exec;
  std::printf("%s: each as a fraction of a copy of as many bytes\n", rownorm::device_name(exec).c_str());
  Json results = Json::array();
  for (const std::string& type : options.types) {
    const auto time = [&]<class T>(T) {
      time_sparse<T>(exec, options, type.c_str(), results);
      if (!no_dense) time_dense<T>(exec, options, type.c_str(), results);
    };
    type == "float" ? time(0.0F) : time(0.0);
  }
  const Json document = {{"device", rownorm::device_name(exec)}, {"results", results}};
  return options.json.empty() || std::ofstream(options.json) << document.dump(2) << std::endl ? 0 : 1;
}

}  // namespace sparse

}  // namespace bench

int main(int argc, char** argv) {
  try {
    return bench::sparse::run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "rownorm_sparse_bench: " << error.what() << '\n';
    return 2;
  }
}
