// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_SRC_C_TENSOR_HPP
#define ROWNORM_SRC_C_TENSOR_HPP

/// DLPack's tensors as operands, and everything that can be wrong with one.

#include <dlpack/dlpack.h>

#include <Kokkos_Core.hpp>
#include <rownorm/impl/compat.hpp>
#include <rownorm/impl/half.hpp>
#include <rownorm/impl/operand.hpp>
#include <stdexcept>
#include <string>

namespace rownorm::c {

/// What this library does not serve.
struct Unsupported : std::runtime_error {
  using std::runtime_error::runtime_error;
};

enum class ValueType { f32, f64, f16, bf16, complex_f32, complex_f64 };

struct Tensor {
  rownorm::impl::Operand operand;
  ValueType type;
  DLDevice device;
};

inline bool is_on_host(const DLDevice& device) {
  return device.device_type == kDLCPU || device.device_type == kDLCUDAHost;
}

inline bool is_complex(ValueType type) { return type == ValueType::complex_f32 || type == ValueType::complex_f64; }

/// Speaks in the name of a function.
class TensorChecks {
 public:
  explicit TensorChecks(const char* function) : function_(function) {}

  /// Refuses a tensor that is null, or whose shape, strides, type or device are not what a call can work with.
  Tensor tensor(const char* name, const DLTensor* tensor) const;
  /// The same for norms of the rows of x. With no dimension it is one element.
  Tensor norms(const DLTensor* tensor, const Tensor& x) const;
  /// Refuses a device that this library does not serve, of which what says "x is on", say.
  void device(const std::string& what, const DLDevice& device) const;
  /// Refuses a tensor on another device than x is on.
  void same_device(const Tensor& x, const Tensor& other) const;
  void same_type(const Tensor& x, const Tensor& other) const;
  void same_rank(const Tensor& x, const Tensor& other) const;
  void real(const Tensor& tensor) const;

  [[noreturn]] void refuse(const std::string& what) const;
  [[noreturn]] void not_supported(const std::string& what) const;

 private:
  Tensor described(const char* name, const DLTensor& tensor) const;
  ValueType value_type(const char* name, const DLDataType& type) const;

  const char* function_;
};

/// f<T>() with the type of real values.
template <class F>
void with_real_type(ValueType type, const F& f) {
  switch (type) {
    case ValueType::f64:
      return f.template operator()<double>();
    case ValueType::f16:
      return f.template operator()<rownorm::impl::Float16>();
    case ValueType::bf16:
      return f.template operator()<rownorm::impl::BFloat16>();
    default:
      return f.template operator()<float>();
  }
}

/// f<T>() with the type of values.
template <class F>
void with_value_type(ValueType type, const F& f) {
  switch (type) {
    case ValueType::complex_f32:
      return f.template operator()<Kokkos::complex<float>>();
    case ValueType::complex_f64:
      return f.template operator()<Kokkos::complex<double>>();
    default:
      return with_real_type(type, f);
  }
}

}  // namespace rownorm::c

#endif
