// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <algorithm>
#include <c/tensor.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <sstream>

namespace rownorm::c {

namespace {

using rownorm::impl::max_rank;

/// As "int32", "float16" or "type 7 of 8 bits"; with the number of lanes where that is not one.
std::string name_of(const DLDataType& type) {
  const std::map<int, const char*> names{
      {kDLInt, "int"}, {kDLUInt, "uint"}, {kDLFloat, "float"}, {kDLBfloat, "bfloat"}, {kDLComplex, "complex"}};
  const auto name = names.find(type.code);
  std::ostringstream text;
  if (name != names.end())
    text << name->second << int{type.bits};
  else
    text << "type " << int{type.code} << " of " << int{type.bits} << " bits";
  if (type.lanes != 1) text << " x " << type.lanes;
  return text.str();
}

std::string name_of(const DLDevice& device) {
  if (is_on_host(device)) return "the host";
  if (device.device_type == kDLCUDA || device.device_type == kDLCUDAManaged)
    return "CUDA device " + std::to_string(device.device_id);
  return "a device of DLPack's type " + std::to_string(device.device_type);
}

/// a * b, or nothing where that is not less than what any memory has.
std::optional<std::int64_t> product(std::int64_t a, std::int64_t b) {
  constexpr std::int64_t most = std::int64_t{1} << 60;
  if (a != 0 && b > most / a) return {};
  return a * b;
}

}  // namespace

void TensorChecks::refuse(const std::string& what) const {
  throw std::invalid_argument(std::string(function_) + ": " + what);
}

void TensorChecks::not_supported(const std::string& what) const {
  throw Unsupported(std::string(function_) + ": " + what);
}

ValueType TensorChecks::value_type(const char* name, const DLDataType& type) const {
  if (type.lanes == 1) {
    if (type.code == kDLFloat && type.bits == 32) return ValueType::f32;
    if (type.code == kDLFloat && type.bits == 64) return ValueType::f64;
    if (type.code == kDLFloat && type.bits == 16) return ValueType::f16;
    if (type.code == kDLBfloat && type.bits == 16) return ValueType::bf16;
    if (type.code == kDLComplex && type.bits == 64) return ValueType::complex_f32;
    if (type.code == kDLComplex && type.bits == 128) return ValueType::complex_f64;
  }
  not_supported(std::string(name) + " has values of " + name_of(type) +
                ", which must be float32, float64, float16, bfloat16, complex64 or complex128");
}

Tensor TensorChecks::described(const char* name, const DLTensor& tensor) const {
  const std::string of = name;
  Tensor result{{name, 0, 1, tensor.ndim, {}, {}}, value_type(name, tensor.dtype), tensor.device};
  device(of + " is on", tensor.device);
  if (tensor.ndim > 0 && tensor.shape == nullptr) refuse(of + " has no shape");
  rownorm::impl::Operand& operand = result.operand;
  std::uintptr_t alignment = 1;
  with_value_type(result.type, [&]<class T>() { operand.value_bytes = sizeof(T), alignment = alignof(T); });
  std::optional<std::int64_t> compact = 1;
  for (int r = tensor.ndim; r-- > 0;) {
    const std::int64_t extent = tensor.shape[r], stride = tensor.strides ? tensor.strides[r] : *compact;
    const std::string in_dimension = " in dimension " + std::to_string(r) + " of " + std::to_string(tensor.ndim);
    if (extent < 0) refuse(of + " has " + std::to_string(extent) + " elements" + in_dimension);
    if (stride < 0 && extent > 1)
      refuse(of + " has the stride " + std::to_string(stride) + in_dimension + ", but none may be negative");
    operand.extents[r] = extent;
    operand.strides[r] = extent > 1 ? stride : 1;
    compact = product(*compact, std::max<std::int64_t>(1, extent));
    const auto reach = product(operand.strides[r], std::max<std::int64_t>(1, extent));
    if (!compact || !reach) refuse(of + " has more elements, or wider strides, than any memory" + in_dimension);
  }
  if (tensor.data != nullptr) operand.address = reinterpret_cast<std::uintptr_t>(tensor.data) + tensor.byte_offset;
  if (operand.address % alignment != 0)
    refuse(of + " lies at address " + std::to_string(operand.address) + ", but its values must be aligned to " +
           std::to_string(alignment) + " bytes");
  return result;
}

Tensor TensorChecks::tensor(const char* name, const DLTensor* tensor) const {
  if (tensor == nullptr) refuse(std::string(name) + " is null");
  if (tensor->ndim < 1 || tensor->ndim > max_rank)
    refuse(std::string(name) + " has " + std::to_string(tensor->ndim) + " dimensions, but must have from 1 to " +
           std::to_string(max_rank));
  return described(name, *tensor);
}

Tensor TensorChecks::norms(const DLTensor* tensor, const Tensor& x) const {
  if (tensor == nullptr) refuse("norms is null");
  const int rank = x.operand.rank;
  if (tensor->ndim != rank - 1 && !(tensor->ndim == 1 && rank == 1))
    refuse("norms has " + std::to_string(tensor->ndim) + " dimensions, but must have one less than x, which has " +
           std::to_string(rank));
  Tensor result = described("norms", *tensor);
  if (result.operand.rank == 0) {
    result.operand.rank = 1;
    result.operand.extents[0] = result.operand.strides[0] = 1;
  }
  real(result);
  same_device(x, result);
  return result;
}

void TensorChecks::device(const std::string& what, const DLDevice& device) const {
#ifdef KOKKOS_ENABLE_CUDA
  const bool has_cuda = device.device_type == kDLCUDA || device.device_type == kDLCUDAManaged;
#else
  const bool has_cuda = false;
#endif
  if (!has_cuda && !is_on_host(device))
    not_supported(what + " " + name_of(device) + ", which this library was built without");
}

void TensorChecks::same_device(const Tensor& x, const Tensor& other) const {
  const bool same = is_on_host(x.device) ? is_on_host(other.device)
                                         : !is_on_host(other.device) && x.device.device_id == other.device.device_id;
  if (!same)
    refuse(std::string(other.operand.name) + " is on " + name_of(other.device) + ", but x is on " + name_of(x.device));
}

void TensorChecks::same_type(const Tensor& x, const Tensor& other) const {
  if (x.type != other.type) refuse(std::string(other.operand.name) + " must have values of the type of those of x");
}

void TensorChecks::same_rank(const Tensor& x, const Tensor& other) const {
  if (x.operand.rank != other.operand.rank)
    refuse(std::string(other.operand.name) + " has " + std::to_string(other.operand.rank) + " dimensions, but x has " +
           std::to_string(x.operand.rank));
}

void TensorChecks::real(const Tensor& tensor) const {
  if (is_complex(tensor.type))
    not_supported(std::string(tensor.operand.name) + " has complex values, but must be real");
}

}  // namespace rownorm::c
