// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_BENCHMARKS_TIMER_HPP
#define ROWNORM_BENCHMARKS_TIMER_HPP

/// What Kokkos does not tell of a device: how long it works, what memory is free, and its versions.

#include <unistd.h>

#include <map>
#include <memory>
#include <stdexcept>
#include <string>

#include <Kokkos_Core.hpp>

namespace bench {

using Exec = Kokkos::DefaultExecutionSpace;

#ifdef KOKKOS_ENABLE_CUDA

inline void check(cudaError_t error) {
  if (error != cudaSuccess) throw std::runtime_error(cudaGetErrorString(error));
}

/// A point in an instance's stream.
class Mark {
 public:
  explicit Mark(const Exec& exec) {
    cudaEvent_t event = nullptr;
    check(cudaEventCreate(&event));
    event_.reset(event);
    check(cudaEventRecord(event, exec.cuda_stream()));
  }

  /// Waits until the device has come to both marks.
  double seconds_since(const Mark& earlier) const {
    check(cudaEventSynchronize(event_.get()));
    float milliseconds = 0;
    check(cudaEventElapsedTime(&milliseconds, earlier.event_.get(), event_.get()));
    return milliseconds * 1e-3;
  }

 private:
  struct Destroy {
    void operator()(cudaEvent_t event) const { static_cast<void>(cudaEventDestroy(event)); }
  };
  std::unique_ptr<CUevent_st, Destroy> event_;
};

inline double free_bytes() {
  std::size_t free = 0, total = 0;
  check(cudaMemGetInfo(&free, &total));
  return static_cast<double>(free);
}

inline std::map<std::string, std::string> device_versions() {
  const auto text = [](int version) {
    return std::to_string(version / 1000) + '.' + std::to_string(version / 10 % 100);
  };
  int runtime = 0, driver = 0;
  check(cudaRuntimeGetVersion(&runtime));
  check(cudaDriverGetVersion(&driver));
  return {{"CUDA", text(runtime)}, {"driver's CUDA", text(driver)}};
}

#else

/// A point in an instance's work. Without events it is one to wait for: a device other than the host is timed with a
/// launch and a fence.
class Mark {
 public:
  explicit Mark(const Exec& exec) {
    static const Kokkos::Timer clock;
    exec.fence("rownorm_bench: mark");
    seconds_ = clock.seconds();
  }

  double seconds_since(const Mark& earlier) const { return seconds_ - earlier.seconds_; }

 private:
  double seconds_;
};

inline double free_bytes() { return static_cast<double>(::sysconf(_SC_AVPHYS_PAGES) * ::sysconf(_SC_PAGESIZE)); }

inline std::map<std::string, std::string> device_versions() { return {}; }

#endif

}  // namespace bench

#endif
