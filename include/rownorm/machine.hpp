// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_MACHINE_HPP
#define ROWNORM_MACHINE_HPP

#include <compare>
#include <cstdint>
#include <string>

#include <rownorm/impl/compat.hpp>
#include <rownorm/impl/host_caches.hpp>

namespace rownorm {

/// What a schedule needs to know of a device. Plain numbers: a test can describe a device that is not there.
struct Machine {
  enum class Kind { host, gpu };

  Kind kind = Kind::host;
  int processors = 1;             ///< streaming multiprocessors of a GPU, or threads of a host execution space
  int threads_per_processor = 1;  ///< threads that can be resident on one processor
  int max_team_threads = 1;       ///< most threads in one team, vector lanes included
  int vector_lanes = 1;           ///< lanes that exchange values without a barrier (a warp)
  std::int64_t cache_bytes = 0;   ///< cache that all processors share (L2 of a GPU, the last of a host); 0 if not known
  std::int64_t own_cache_bytes = 0;  ///< cache that a processor of a host has to itself (L2); 0 if not known
  int compute_capability = 0;        ///< of an NVIDIA GPU, as in 90 for 9.0; 0 for other machines
  int scratch_bytes = 0;             ///< scratch memory (shared memory) of a processor of an NVIDIA GPU

  friend bool operator==(const Machine&, const Machine&) = default;  // nvcc does not derive it from the next one
  friend auto operator<=>(const Machine&, const Machine&) = default;
};

/// Named devices, for tests and for asking what another machine would run.
namespace machines {

/// NVIDIA Ada, as in the RTX 4090: compute capability 8.9.
inline constexpr Machine ada{.kind = Machine::Kind::gpu,
                             .processors = 128,
                             .threads_per_processor = 1536,
                             .max_team_threads = 1024,
                             .vector_lanes = 32,
                             .cache_bytes = 72LL << 20,
                             .compute_capability = 89,
                             .scratch_bytes = 100 << 10};

/// NVIDIA Hopper, as in the H100 SXM: compute capability 9.0.
inline constexpr Machine hopper{.kind = Machine::Kind::gpu,
                                .processors = 132,
                                .threads_per_processor = 2048,
                                .max_team_threads = 1024,
                                .vector_lanes = 32,
                                .cache_bytes = 50LL << 20,
                                .compute_capability = 90,
                                .scratch_bytes = 228 << 10};

/// A host execution space with the given number of threads, any of which may join one team, on a processor with caches
/// of these sizes.
constexpr Machine host(int threads, std::int64_t cache_bytes = 32LL << 20, std::int64_t own_cache_bytes = 1LL << 20) {
  return {.processors = threads,
          .max_team_threads = threads,
          .cache_bytes = cache_bytes,
          .own_cache_bytes = own_cache_bytes};
}

}  // namespace machines

/// Reads the machine behind an execution space instance, from what Kokkos knows of it: it neither launches nor waits.
/// On Serial, OpenMP and CUDA it costs a few loads.
template <class Exec>
Machine machine_of(const Exec& exec) {
  if constexpr (impl::is_host_space_v<Exec>) {
    static const impl::HostCaches caches = impl::host_caches();
    Machine machine = machines::host(exec.concurrency(), caches.shared_bytes, caches.own_bytes);
    machine.max_team_threads = impl::max_team_size(exec);
    return machine;
  } else {
    return impl::gpu_of<Machine>(exec);
  }
}

/// The name of the device behind an execution space instance, as in "NVIDIA H100 80GB HBM3"; the name of the execution
/// space where Kokkos knows no other.
template <class Exec>
std::string device_name(const Exec& exec) {
  return impl::device_name(exec);
}

}  // namespace rownorm

#endif
