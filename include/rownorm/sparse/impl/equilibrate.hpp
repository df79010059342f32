// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_SPARSE_IMPL_EQUILIBRATE_HPP
#define ROWNORM_SPARSE_IMPL_EQUILIBRATE_HPP

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>

#include <Kokkos_Core.hpp>

#include <rownorm/impl/finisher.hpp>
#include <rownorm/sparse/column_order.hpp>
#include <rownorm/sparse/impl/call.hpp>
#include <rownorm/sparse/impl/check.hpp>
#include <rownorm/sparse/impl/matrix.hpp>

namespace rownorm::sparse::impl {

template <class Exec>
using Doubles = Kokkos::View<double*, typename Exec::memory_space>;
template <class Exec>
using Numbers = Kokkos::View<std::int64_t*, typename Exec::memory_space>;
template <class Exec>
using Elements = Kokkos::RangePolicy<Exec, Kokkos::IndexType<std::int64_t>>;

/// The row of each entry.
template <class Exec, class Offset>
Numbers<Exec> rows_of_entries(const Exec& exec, const SparseRows<Offset>& rows) {
  const Numbers<Exec> all(Kokkos::view_alloc(exec, Kokkos::WithoutInitializing, "rownorm::rows"), rows.entries);
  Kokkos::parallel_for(
      "rownorm::rows_of_entries", Elements<Exec>(exec, 0, rows.entries), KOKKOS_LAMBDA(std::int64_t k) {
        std::int64_t low = 0, high = rows.rows;  // the last row that begins at or before the entry
        while (low + 1 < high) {
          const std::int64_t middle = low + (high - low) / 2;
          if (rows.begin(middle) <= k)
            low = middle;
          else
            high = middle;
        }
        all(k) = low;
      });
  return all;
}

/// out = f(x times the scales of its row and its column), entry by entry.
template <class Exec, class Ordinal, class X, class Out, class F>
void scale_entries(const Exec& exec, const X* x, const Ordinal* columns, const Numbers<Exec>& rows,
                   const Doubles<Exec>& row_scales, const Doubles<Exec>& column_scales, Out* out, const F& f) {
  Kokkos::parallel_for(
      "rownorm::scale_entries", Elements<Exec>(exec, 0, static_cast<std::int64_t>(rows.extent(0))),
      KOKKOS_LAMBDA(std::int64_t k) {
        out[k] = f(rownorm::impl::as_compute<double>(x[k]), row_scales(rows(k)), column_scales(columns[k]));
      });
}

/// A value times both scales, with the same bits whichever of them is that of the row. First the one that brings it
/// nearer to 1, since two large scales may leave the range of double together, and what they make of the value not.
template <class Value>
KOKKOS_FUNCTION Value scaled_by(const Value& value, double row, double column) {
  const double small = Kokkos::min(row, column), large = Kokkos::max(row, column);
  return rownorm::impl::magnitude(value, 1.0) > 1 ? value * small * large : value * large * small;
}
struct ScaledMagnitude {
  template <class Value>
  KOKKOS_FUNCTION double operator()(const Value& value, double row, double column) const {
    return scaled_by(rownorm::impl::magnitude(value, 1.0), row, column);
  }
};
template <class Y>
struct ScaledValue {
  template <class Value>
  KOKKOS_FUNCTION Y operator()(const Value& value, double row, double column) const {
    return static_cast<Y>(scaled_by(value, row, column));
  }
};

/// The largest |norm - 1| of those that are not zero; NaN if a norm is, or is infinite.
template <class Exec>
double largest_deviation(const Exec& exec, const Doubles<Exec>& norms) {
  double largest = 0;
  Kokkos::parallel_reduce(
      "rownorm::deviation", Elements<Exec>(exec, 0, static_cast<std::int64_t>(norms.extent(0))),
      KOKKOS_LAMBDA(std::int64_t i, double& most) {
        const double deviation = norms(i) == 0                ? 0
                                 : Kokkos::isfinite(norms(i)) ? Kokkos::abs(norms(i) - 1)
                                                              : Kokkos::Experimental::infinity_v<double>;
        if (deviation > most) most = deviation;
      },
      Kokkos::Max<double>(largest));
  exec.fence("rownorm::deviation");
  return norms.extent(0) == 0 ? 0 : largest;
}

template <class Exec>
void improve(const Exec& exec, const Doubles<Exec>& scales, const Doubles<Exec>& norms) {
  Kokkos::parallel_for(
      "rownorm::improve_scales", Elements<Exec>(exec, 0, static_cast<std::int64_t>(norms.extent(0))),
      KOKKOS_LAMBDA(std::int64_t i) {
        if (norms(i) > 0) scales(i) /= Kokkos::sqrt(norms(i));
      });
}

/// Values in the order of columns.
template <class Exec>
void sort_values(const Exec& exec, const Doubles<Exec>& values, const typename Numbers<Exec>::const_type& order,
                 const Doubles<Exec>& by_columns) {
  Kokkos::parallel_for(
      "rownorm::sort_values", Elements<Exec>(exec, 0, static_cast<std::int64_t>(values.extent(0))),
      KOKKOS_LAMBDA(std::int64_t k) { by_columns(k) = values(order(k)); });
}

/// Norms of rows whose values are magnitudes in double.
template <class Exec, class Offset>
void norms_of(const Exec& exec, const SparseRows<Offset>& rows, const Doubles<Exec>& values, std::int64_t length,
              const AnyNorm& norm, MeanOver mean_over, const Doubles<Exec>& norms) {
  Wanted<double> wanted{.over_entries = mean_over == MeanOver::stored_entries,
                        .columns = length,
                        .extras = {.norms = rownorm::impl::VectorRef(norms), .writes_y = false}};
  wanted.extras.norm_offsets = rownorm::impl::RowOffsets::of(1, std::max<std::int64_t>(rows.rows, 1), 0);
  const Schedule schedule = choose_schedule(problem_of<double, double, AnyNorm>(rows, true), machine_of(exec));
  launch(exec, rows, Direct<double>{values.data()}, static_cast<double*>(nullptr), norm, wanted, schedule);
}

template <class Result, class Exec, class MA, class MB, class EquilibrateParameters>
Result equilibrate(const char* function, const Exec& exec, const MA& A, const MB& B,
                   const EquilibrateParameters& params) {
  using X = typename MA::non_const_value_type;
  using Y = typename MB::non_const_value_type;
  const Checks check(function);
  const MatrixInfo of_a = info("A", A), of_b = info("B", B);
  check.matrix(of_a);
  check.matrix(of_b);
  check.same_graph(of_a, of_b);
  check.aliases(of_a, of_b);
  if (!(params.tolerance > 0)) check.refuse("params.tolerance is ", params.tolerance, ", but it must be positive");
  if (params.max_iterations < 0)
    check.refuse("params.max_iterations is ", params.max_iterations, ", but it must not be negative");
  const rownorm::impl::Region region(function);
  if (params.check != Check::arguments) check.row_map(exec, of_a, A);
  if (params.check == Check::indices) check.indices(exec, of_a, A);

  const std::int64_t entries = of_a.entries;
  const X* const x = A.values.data();
  const auto* const indices = A.graph.entries.data();
  const auto rows = rows_of(A);
  const ColumnOrder<Exec> order(exec, A);
  const SparseRows<std::int64_t> columns{order.begins().data(), of_a.columns, entries};
  const Numbers<Exec> row_of_entry = rows_of_entries(exec, rows);
  const auto doubles = [&](const std::string& label, std::int64_t n) {
    return Doubles<Exec>(Kokkos::view_alloc(exec, Kokkos::WithoutInitializing, label), n);
  };
  const Doubles<Exec> scaled = doubles("rownorm::scaled", entries);
  const Doubles<Exec> by_columns = doubles("rownorm::by_columns", entries);
  const Doubles<Exec> row_norms = doubles("rownorm::row_norms", of_a.rows);
  const Doubles<Exec> column_norms = doubles("rownorm::column_norms", of_a.columns);

  Result result{doubles("row_scales", of_a.rows), doubles("column_scales", of_a.columns)};
  Kokkos::deep_copy(exec, result.row_scales, 1);
  Kokkos::deep_copy(exec, result.column_scales, 1);
  for (;;) {
    scale_entries(exec, x, indices, row_of_entry, result.row_scales, result.column_scales, scaled.data(),
                  ScaledMagnitude{});
    norms_of(exec, rows, scaled, of_a.columns, params.norm, params.mean_over, row_norms);
    // By the same kernels as those of rows, so that those of a symmetric matrix have the same bits on hosts.
    sort_values(exec, scaled, order.entries(), by_columns);
    norms_of(exec, columns, by_columns, of_a.rows, params.norm, params.mean_over, column_norms);
    result.deviation = std::max(largest_deviation(exec, row_norms), largest_deviation(exec, column_norms));
    if (std::isinf(result.deviation)) check.refuse("A has a value that is infinite or NaN");
    result.converged = result.deviation <= params.tolerance;
    if (result.converged || result.iterations == params.max_iterations) break;
    improve(exec, result.row_scales, row_norms);
    improve(exec, result.column_scales, column_norms);
    ++result.iterations;
  }
  scale_entries(exec, x, indices, row_of_entry, result.row_scales, result.column_scales, B.values.data(),
                ScaledValue<Y>{});
  exec.fence(function);
  return result;
}

}  // namespace rownorm::sparse::impl

#endif
