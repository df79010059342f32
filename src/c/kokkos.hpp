// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_SRC_C_KOKKOS_HPP
#define ROWNORM_SRC_C_KOKKOS_HPP

/// Kokkos for callers who may know nothing of it.

#include <dlpack/dlpack.h>

#include <Kokkos_Core.hpp>
#include <c/tensor.hpp>

namespace rownorm::c {

/// Where memory is, as far as CUDA knows.
DLDevice device_of(const TensorChecks& check, const void* data);

/// Waits for what was enqueued on a stream.
void synchronize(const TensorChecks& check, const DLDevice& device, void* stream);

/// Initialises Kokkos if nobody has, for the device that a call works on; it is then finalised when the program ends.
void start_kokkos(const DLDevice& device);

#ifdef KOKKOS_ENABLE_CUDA
/// Makes a device the current one of the calling thread, and at the end that which was so before.
class CurrentDevice {
 public:
  /// Refuses one that is not there, of which what says "x is on", say.
  CurrentDevice(const TensorChecks& check, const char* what, int device);
  CurrentDevice(const CurrentDevice&) = delete;
  ~CurrentDevice();

 private:
  int before_ = 0;
};

/// The execution space instance of a stream, made at the first call for it, with all the memory that calls on it will
/// need. Refuses a device that is not Kokkos', and a stream that is captured before its first call.
const Kokkos::Cuda& cuda_instance(const TensorChecks& check, const DLDevice& device, void* stream);
#endif

/// f(exec) with where work on a device is enqueued. Work on the host is done when this returns.
template <class F>
void with_execution_space(const TensorChecks& check, const DLDevice& device, [[maybe_unused]] void* stream,
                          const F& f) {
  if (is_on_host(device)) {
    start_kokkos(device);
    const Kokkos::DefaultHostExecutionSpace exec;
    f(exec);
    exec.fence("rownorm: the host's work is done when a function of C returns");
    return;
  }
#ifdef KOKKOS_ENABLE_CUDA
  const CurrentDevice current(check, "x is on", device.device_id);
  start_kokkos(device);
  f(cuda_instance(check, device, stream));
#else
  check.not_supported("this library was built without CUDA");
#endif
}

}  // namespace rownorm::c

#endif
