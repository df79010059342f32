// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <c/kokkos.hpp>
#include <cstdlib>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>

namespace rownorm::c {

void start_kokkos(const DLDevice& device) {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  if (Kokkos::is_initialized()) return;
  if (Kokkos::is_finalized()) throw std::runtime_error("Kokkos has been finalized, and cannot be initialised again");
  Kokkos::InitializationSettings settings;
  settings.set_disable_warnings(true);
  if (!is_on_host(device)) settings.set_device_id(device.device_id);
  Kokkos::initialize(settings);
  std::atexit([] {
    if (Kokkos::is_initialized()) Kokkos::finalize();
  });
}

#ifdef KOKKOS_ENABLE_CUDA
const Kokkos::Cuda& cuda_instance(const TensorChecks& check, const DLDevice& device, void* stream) {
  static std::mutex mutex;
  // Never destroyed: an instance would free memory on its stream, which the caller may have destroyed before.
  static auto& instances = *new std::map<void*, Kokkos::Cuda>;

  if (const int device_id = Kokkos::Cuda().cuda_device(); device.device_id != device_id)
    check.not_supported("x is on CUDA device " + std::to_string(device.device_id) + ", but Kokkos uses device " +
                        std::to_string(device_id) + " in this process");
  const std::lock_guard lock(mutex);
  const auto place = instances.find(stream);
  if (place != instances.end()) return place->second;
  return instances.emplace(stream, Kokkos::Cuda(static_cast<cudaStream_t>(stream))).first->second;
}
#endif

}  // namespace rownorm::c
