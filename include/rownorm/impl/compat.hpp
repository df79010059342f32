// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_IMPL_COMPAT_HPP
#define ROWNORM_IMPL_COMPAT_HPP

/// The one place that tests a Kokkos version or a backend macro.

#include <algorithm>
#include <cstdint>
#include <string>
#include <type_traits>

#include <Kokkos_Core.hpp>

#if KOKKOS_VERSION < 40600
#error "RowNorm needs Kokkos 4.6 or later"
#endif

// On a build of Kokkos without a GPU backend, half_t and bhalf_t are other names of float.
#if defined(KOKKOS_HALF_T_IS_FLOAT) && !KOKKOS_HALF_T_IS_FLOAT
#define ROWNORM_IMPL_WITH_HALF(...) __VA_ARGS__
#else
#define ROWNORM_IMPL_WITH_HALF(...)
#endif
#if defined(KOKKOS_BHALF_T_IS_FLOAT) && !KOKKOS_BHALF_T_IS_FLOAT
#define ROWNORM_IMPL_WITH_BHALF(...) __VA_ARGS__
#else
#define ROWNORM_IMPL_WITH_BHALF(...)
#endif

#ifdef KOKKOS_ENABLE_SERIAL
#define ROWNORM_IMPL_WITH_SERIAL(...) __VA_ARGS__
#else
#define ROWNORM_IMPL_WITH_SERIAL(...)
#endif
#ifdef KOKKOS_ENABLE_OPENMP
#define ROWNORM_IMPL_WITH_OPENMP(...) __VA_ARGS__
#else
#define ROWNORM_IMPL_WITH_OPENMP(...)
#endif
#ifdef KOKKOS_ENABLE_CUDA
#define ROWNORM_IMPL_WITH_CUDA(...) __VA_ARGS__
#else
#define ROWNORM_IMPL_WITH_CUDA(...)
#endif

/// Expands to MACRO(Space) once for each enabled execution space that RowNorm compiles ahead of time. Any
/// other Kokkos execution space works as well: its kernels are compiled where they are used.
#define ROWNORM_IMPL_FOR_EACH_EXECUTION_SPACE(MACRO) \
  ROWNORM_IMPL_WITH_SERIAL(MACRO(Kokkos::Serial))    \
  ROWNORM_IMPL_WITH_OPENMP(MACRO(Kokkos::OpenMP))    \
  ROWNORM_IMPL_WITH_CUDA(MACRO(Kokkos::Cuda))

namespace rownorm::impl {

/// True where kernels of Exec run on the host's own processors.
template <class Exec>
inline constexpr bool is_host_space_v = Kokkos::SpaceAccessibility<Exec, Kokkos::HostSpace>::accessible;

struct EmptyTeamKernel {
  template <class Member>
  KOKKOS_FUNCTION void operator()(const Member&) const {}
};

/// The largest team that the execution space grants a kernel that asks for nothing.
template <class Exec>
int max_team_size(const Exec& exec) {
  return Kokkos::TeamPolicy<Exec>(exec, 1, 1).team_size_max(EmptyTeamKernel{}, Kokkos::ParallelForTag{});
}

template <class Exec>
std::string device_name([[maybe_unused]] const Exec& exec) {
#ifdef KOKKOS_ENABLE_CUDA
  if constexpr (std::is_same_v<Exec, Kokkos::Cuda>)
    return exec.cuda_device_prop().name;
  else
#endif
    return Exec::name();
}

/// What RowNorm asks of a GPU.
struct GpuProperties {
  int processors;
  int threads_per_processor;
  int max_team_threads;
  int vector_lanes;
  std::int64_t cache_bytes;
};

template <class Exec>
GpuProperties gpu_properties(const Exec& exec) {
#ifdef KOKKOS_ENABLE_CUDA
  if constexpr (std::is_same_v<Exec, Kokkos::Cuda>) {
    const auto& cuda = exec.cuda_device_prop();
    return {.processors = cuda.multiProcessorCount,
            .threads_per_processor = cuda.maxThreadsPerMultiProcessor,
            .max_team_threads = cuda.maxThreadsPerBlock,
            .vector_lanes = cuda.warpSize,
            .cache_bytes = cuda.l2CacheSize};
  } else
#endif
  {
    // Kokkos reports only how many threads can be resident on the whole of any other GPU.
    constexpr int threads_per_processor = 2048;
    return {.processors = std::max(1, exec.concurrency() / threads_per_processor),
            .threads_per_processor = threads_per_processor,
            .max_team_threads = std::min(1024, max_team_size(exec)),
            .vector_lanes = Kokkos::TeamPolicy<Exec>::vector_length_max(),
            .cache_bytes = 0};
  }
}

}  // namespace rownorm::impl

#endif
