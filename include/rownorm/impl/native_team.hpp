// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_IMPL_NATIVE_TEAM_HPP
#define ROWNORM_IMPL_NATIVE_TEAM_HPP

/// Team kernels below Kokkos, which grants a team no more than 40 KiB of scratch memory up to version 4.7. With more,
/// bare kernels for shared rows are 2 to 8 % faster (docs/performance.md).

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <stdexcept>
#include <string>

#include <Kokkos_Core.hpp>

#include <rownorm/impl/compat.hpp>
#include <rownorm/impl/packet.hpp>

namespace rownorm::impl {

#ifdef KOKKOS_ENABLE_CUDA

/// What kernels use of a Kokkos team member, of a team that launch_native_teams made.
class NativeTeamMember {
 public:
  /// Hands out scratch memory in the order of the calls, as Kokkos does.
  class Scratch {
   public:
    __device__ explicit Scratch(char* next) : next_(next) {}
    /// `alignment`: a power of two of at most line_bytes; so is that of all that was handed out before.
    __device__ void* get_shmem_aligned(std::size_t bytes, std::size_t alignment) {
      char* const memory = next_;
      next_ += (bytes + alignment - 1) / alignment * alignment;
      return memory;
    }

   private:
    char* next_;
  };

  __device__ NativeTeamMember() : scratch_(memory()) {}
  __device__ int league_rank() const { return static_cast<int>(blockIdx.x); }
  __device__ int league_size() const { return static_cast<int>(gridDim.x); }
  __device__ int team_rank() const { return static_cast<int>(threadIdx.y); }
  __device__ int team_size() const { return static_cast<int>(blockDim.y); }
  __device__ void team_barrier() const { __syncthreads(); }
  __device__ Scratch& team_scratch(int /*level*/) const { return scratch_; }

 private:
  static __device__ char* memory() {
    extern __shared__ __align__(line_bytes) char rownorm_native_team_memory[];
    return rownorm_native_team_memory;
  }

  mutable Scratch scratch_;
};

template <int max_team_lanes, int teams_per_processor, class Kernel>
__global__ void __launch_bounds__(max_team_lanes, teams_per_processor)
    run_native_team(const __grid_constant__ Kernel kernel) {
  kernel(NativeTeamMember());
}

/// Enqueues kernel(member) for each team on the stream of `exec`, as Kokkos::parallel_for does with a team policy: the
/// same label for profilers, the same order of work. `max_team_lanes` and `teams_per_processor` bound the registers.
template <int max_team_lanes, int teams_per_processor, class Kernel>
void launch_native_teams(const std::string& label, const Kokkos::Cuda& exec, int league_size, int team_size,
                         int vector_length, std::size_t scratch_bytes, const Kernel& kernel) {
  const auto check = [&](cudaError_t error) {
    if (error != cudaSuccess) throw std::runtime_error(label + ": " + cudaGetErrorString(error));
  };
  const bool is_profiled = Kokkos::Tools::profileLibraryLoaded();
  std::uint64_t id = 0;
  if (is_profiled) Kokkos::Tools::beginParallelFor(label, Kokkos::Tools::Experimental::device_id(exec), &id);
  constexpr auto run = run_native_team<max_team_lanes, teams_per_processor, Kernel>;
  check(cudaSetDevice(exec.cuda_device()));
  // How much scratch memory may be asked for is a property of the kernel, not of a launch.
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  check(cudaFuncSetAttribute(run, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(scratch_bytes)));
  run<<<static_cast<unsigned>(league_size), dim3(vector_length, team_size), scratch_bytes, exec.cuda_stream()>>>(
      kernel);
  check(cudaGetLastError());
  if (is_profiled) Kokkos::Tools::endParallelFor(id);
}

#endif

}  // namespace rownorm::impl

#endif
