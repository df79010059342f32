// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_SPARSE_IMPL_SORT_COLUMNS_HPP
#define ROWNORM_SPARSE_IMPL_SORT_COLUMNS_HPP

#include <algorithm>
#include <bit>
#include <cstdint>
#include <stdexcept>

#include <Kokkos_Core.hpp>
#include <Kokkos_Sort.hpp>

#include <rownorm/impl/compat.hpp>

namespace rownorm::sparse::impl {

/// On hosts: each thread has consecutive entries, counts those of each column, and puts them behind those of the
/// threads before it.
template <class Exec, class Ordinal, class Numbers>
void sort_columns_on_host(const Exec& exec, const Ordinal* indices, std::int64_t entries, std::int64_t columns,
                          const Numbers& begins, const Numbers& order) {
  // Counts of all threads take no more memory than the order itself.
  const std::int64_t threads =
      std::clamp<std::int64_t>(entries / std::max<std::int64_t>(columns, 1), 1, exec.concurrency());
  const Kokkos::View<std::int64_t**, Kokkos::LayoutRight, typename Exec::memory_space> counts(
      Kokkos::view_alloc(exec, "rownorm::ColumnOrder::counts"), threads, columns);
  const Kokkos::RangePolicy<Exec> over_threads(exec, 0, threads);
  const auto for_each_entry = [=](std::int64_t thread, const auto& f) {
    for (std::int64_t k = entries * thread / threads; k < entries * (thread + 1) / threads; ++k)
      f(&counts(thread, static_cast<std::int64_t>(indices[k])), k);
  };
  Kokkos::parallel_for("rownorm::ColumnOrder", over_threads, [=](std::int64_t thread) {
    for_each_entry(thread, [](std::int64_t* count, std::int64_t) { ++*count; });
  });
  exec.fence("rownorm::ColumnOrder: counts");
  std::int64_t sum = 0;
  for (std::int64_t j = 0; j < columns; ++j) {
    begins(j) = sum;
    for (std::int64_t thread = 0; thread < threads; ++thread) {
      const std::int64_t count = counts(thread, j);
      counts(thread, j) = sum;
      sum += count;
    }
  }
  begins(columns) = sum;
  Kokkos::parallel_for("rownorm::ColumnOrder", over_threads, [=](std::int64_t thread) {
    for_each_entry(thread, [=](std::int64_t* next, std::int64_t k) { order((*next)++) = k; });
  });
  exec.fence("rownorm::ColumnOrder: order");
}

/// On devices: sorts words that are a column and, in their lower bits, the number of an entry. No two are equal, so
/// there is one result, whatever the algorithm.
template <class Exec, class Ordinal, class Numbers>
void sort_columns_on_device(const Exec& exec, const Ordinal* indices, std::int64_t entries, std::int64_t columns,
                            const Numbers& begins, const Numbers& order) {
  const int entry_bits = std::bit_width(static_cast<std::uint64_t>(entries));
  if (entry_bits + std::bit_width(static_cast<std::uint64_t>(columns)) > 63)
    throw std::invalid_argument("rownorm::sparse::ColumnOrder: A has too many columns and entries for a sort by words");
  const std::int64_t mask = (std::int64_t{1} << entry_bits) - 1;
  Kokkos::parallel_for(
      "rownorm::ColumnOrder::words", Kokkos::RangePolicy<Exec>(exec, 0, entries),
      KOKKOS_LAMBDA(std::int64_t k) { order(k) = static_cast<std::int64_t>(indices[k]) << entry_bits | k; });
  Kokkos::sort(exec, order);
  Kokkos::parallel_for(
      "rownorm::ColumnOrder::begins", Kokkos::RangePolicy<Exec>(exec, 0, columns + 1), KOKKOS_LAMBDA(std::int64_t j) {
        std::int64_t low = 0, high = entries;
        while (low < high) {
          const std::int64_t middle = low + (high - low) / 2;
          if (order(middle) >> entry_bits < j)
            low = middle + 1;
          else
            high = middle;
        }
        begins(j) = low;
      });
  Kokkos::parallel_for(
      "rownorm::ColumnOrder::entries", Kokkos::RangePolicy<Exec>(exec, 0, entries),
      KOKKOS_LAMBDA(std::int64_t k) { order(k) &= mask; });
  exec.fence("rownorm::ColumnOrder");
}

template <class Exec, class Ordinal, class Numbers>
void sort_columns(const Exec& exec, const Ordinal* indices, std::int64_t entries, std::int64_t columns,
                  const Numbers& begins, const Numbers& order) {
  if constexpr (rownorm::impl::is_host_space_v<Exec>)
    sort_columns_on_host(exec, indices, entries, columns, begins, order);
  else
    sort_columns_on_device(exec, indices, entries, columns, begins, order);
}

}  // namespace rownorm::sparse::impl

#endif
