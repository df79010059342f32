// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <c/kokkos.hpp>
#include <cstdlib>
#include <map>
#include <mutex>
#include <rownorm/impl/workspace.hpp>
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

namespace {

void check_cuda(cudaError_t error) {
  if (error == cudaSuccess) return;
  static_cast<void>(cudaGetLastError());  // which would be found by whoever asks next
  throw std::runtime_error(std::string("CUDA: ") + cudaGetErrorString(error));
}

void refuse_if_captured(const TensorChecks& check, cudaStream_t stream, const char* why) {
  cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
  check_cuda(cudaStreamIsCapturing(stream, &status));
  if (status != cudaStreamCaptureStatusNone) check.refuse(std::string("the stream is being captured, ") + why);
}

}  // namespace

CurrentDevice::CurrentDevice(const TensorChecks& check, const char* what, int device) {
  check_cuda(cudaGetDevice(&before_));
  if (cudaSetDevice(device) == cudaSuccess) return;
  static_cast<void>(cudaGetLastError());
  check.not_supported(what + (" CUDA device " + std::to_string(device)) + ", which is not there");
}

CurrentDevice::~CurrentDevice() { static_cast<void>(cudaSetDevice(before_)); }

const Kokkos::Cuda& cuda_instance(const TensorChecks& check, const DLDevice& device, void* stream) {
  static std::mutex mutex;
  // Never destroyed: an instance would free memory on its stream, which the caller may have destroyed before.
  static auto& instances = *new std::map<void*, Kokkos::Cuda>;

  if (const int used = Kokkos::Cuda().cuda_device(); device.device_id != used)
    check.not_supported("x is on CUDA device " + std::to_string(device.device_id) + ", but Kokkos uses device " +
                        std::to_string(used) + " in this process");
  const auto of_cuda = static_cast<cudaStream_t>(stream);
  if (of_cuda == cudaStreamPerThread)
    check.not_supported("the stream is cudaStreamPerThread, which is another one for each thread: create one");
  const std::lock_guard lock(mutex);
  if (const auto place = instances.find(stream); place != instances.end()) return place->second;
  refuse_if_captured(check, of_cuda, "but the first call on a stream allocates: call once before");
  const Kokkos::Cuda instance(of_cuda);
  if (instance.cuda_device() != device.device_id)
    check.refuse("the stream is of CUDA device " + std::to_string(instance.cuda_device()) + ", but x is on device " +
                 std::to_string(device.device_id));
  rownorm::impl::workspace_of(instance);
  return instances.emplace(stream, instance).first->second;
}

DLDevice device_of(const TensorChecks&, const void* data) {
  cudaPointerAttributes attributes{};
  check_cuda(cudaPointerGetAttributes(&attributes, data));
  switch (attributes.type) {
    case cudaMemoryTypeDevice:
      return {kDLCUDA, attributes.device};
    case cudaMemoryTypeManaged:
      return {kDLCUDAManaged, attributes.device};
    case cudaMemoryTypeHost:
      return {kDLCUDAHost, attributes.device};
    default:
      return {kDLCPU, 0};
  }
}

void synchronize(const TensorChecks& check, const DLDevice& device, void* stream) {
  check.device("device is", device);
  if (is_on_host(device)) return;
  const CurrentDevice current(check, "device is", device.device_id);
  const auto of_cuda = static_cast<cudaStream_t>(stream);
  refuse_if_captured(check, of_cuda, "so nothing of it can be waited for");
  check_cuda(cudaStreamSynchronize(of_cuda));
}

#else

DLDevice device_of(const TensorChecks& check, const void*) {
  check.not_supported("this library was built without CUDA");
}

void synchronize(const TensorChecks& check, const DLDevice& device, void*) { check.device("device is", device); }

#endif

}  // namespace rownorm::c
