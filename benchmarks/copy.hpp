// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_BENCHMARKS_COPY_HPP
#define ROWNORM_BENCHMARKS_COPY_HPP

#include <cstdint>
#include <cstring>

#include <Kokkos_Core.hpp>
#include <rownorm/machine.hpp>

#include "host_copy.hpp"
#include "timer.hpp"

namespace bench {

inline void copy_in_caches(const char* from, char* to, std::size_t bytes) { std::memcpy(to, from, bytes); }

/// What calls are held against. On the host each thread copies its share, past the caches where it does not fit them,
/// as Kokkos does not.
template <class Source, class Target>
void copy_bytes(const Exec& exec, const rownorm::Machine& machine, const Source& from, const Target& to) {
  if constexpr (!rownorm::impl::is_host_space_v<Exec>) {
    Kokkos::deep_copy(exec, to, from);
  } else {
    const std::int64_t lines = static_cast<std::int64_t>(from.size()) / 64, threads = exec.concurrency();
    const bool fits = 2 * static_cast<std::int64_t>(from.size()) < machine.cache_bytes;
    void (*const copy)(const char*, char*, std::size_t) = fits ? copy_in_caches : copy_past_caches;
    const auto begin = [=](std::int64_t thread) { return lines * thread / threads * 64; };
    Kokkos::parallel_for("rownorm_bench::copy", Kokkos::RangePolicy<Exec>(exec, 0, threads), [=](std::int64_t thread) {
      const std::int64_t end = thread + 1 == threads ? static_cast<std::int64_t>(from.size()) : begin(thread + 1);
      copy(from.data() + begin(thread), to.data() + begin(thread), static_cast<std::size_t>(end - begin(thread)));
    });
  }
}

}  // namespace bench

#endif
