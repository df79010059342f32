// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <rownorm/c/rownorm.h>

#include <Kokkos_Core.hpp>
#include <c/kokkos.hpp>
#include <c/tensor.hpp>
#include <exception>
#include <new>
#include <optional>
#include <rownorm/rownorm.hpp>
#include <stdexcept>
#include <string>

namespace rownorm::c {

namespace {

thread_local std::string last_error;

rownorm_status failed(rownorm_status status, const char* what) noexcept {
  try {
    last_error = what;
  } catch (...) {
    last_error.clear();
  }
  return status;
}

/// What f() throws as a status and a message.
template <class F>
rownorm_status status_of(const F& f) noexcept {
  try {
    f();
    return ROWNORM_SUCCESS;
  } catch (const std::invalid_argument& error) {
    return failed(ROWNORM_INVALID_ARGUMENT, error.what());
  } catch (const Unsupported& error) {
    return failed(ROWNORM_UNSUPPORTED, error.what());
  } catch (const std::bad_alloc& error) {
    return failed(ROWNORM_OUT_OF_MEMORY, error.what());
  } catch (const std::exception& error) {
    return failed(ROWNORM_FAILED, error.what());
  } catch (...) {
    return failed(ROWNORM_FAILED, "an exception of no known type");
  }
}

AnyNorm norm_of(const TensorChecks& check, const rownorm_parameters& params) {
  switch (params.norm) {
    case ROWNORM_MEAN_ABS:
      return MeanAbs{};
    case ROWNORM_SUM_ABS:
      return SumAbs{};
    case ROWNORM_ROOT_MEAN_SQUARE:
      return RootMeanSquare{};
    case ROWNORM_EUCLIDEAN:
      return Euclidean{};
    case ROWNORM_MAX_ABS:
      return MaxAbs{};
    default:
      check.refuse("params->norm is " + std::to_string(params.norm) + ", which is no rownorm_norm");
  }
}

rownorm_parameters given_or_default(const rownorm_parameters* params) {
  return params ? *params : rownorm_default_parameters();
}

/// The weights of a call, where there are any.
std::optional<Tensor> weights_of(const TensorChecks& check, const rownorm_parameters& params, const Tensor& x) {
  if (params.weights == nullptr) return {};
  const Tensor weights = check.tensor("params.weights", params.weights);
  check.real(weights);
  check.same_device(x, weights);
  if (weights.operand.rank != 1)
    check.refuse("params.weights has " + std::to_string(weights.operand.rank) + " dimensions, but must have one");
  return weights;
}

/// The parameters of a call on Exec.
template <class Exec>
Parameters<> parameters_on(const AnyNorm& norm, const rownorm_parameters& params,
                           const std::optional<Tensor>& weights) {
  Parameters<> result{.norm = norm, .epsilon = params.epsilon, .axis = params.axis};
  if (weights)
    with_real_type(weights->type, [&]<class T>() {
      using View = Kokkos::View<const T*, Kokkos::LayoutStride, typename Exec::memory_space, Kokkos::MemoryUnmanaged>;
      const impl::Operand& operand = weights->operand;
      result.weights = View(operand.data<const T>(), Kokkos::LayoutStride(operand.extents[0], operand.strides[0]));
    });
  return result;
}

impl::NormsOut norms_out(const Tensor& norms) {
  impl::NormsOut out{norms.operand, {}};
  with_real_type(norms.type, [&]<class T>() {
    out.values.data = norms.operand.data<void>();
    out.values.extent = norms.operand.size();
    out.values.stride = norms.operand.strides[0];
    out.values.type = impl::real_type<T>();
  });
  return out;
}

}  // namespace

}  // namespace rownorm::c

using namespace rownorm::c;

rownorm_parameters rownorm_default_parameters(void) {
  const rownorm::Parameters<> params;
  return {ROWNORM_MEAN_ABS, params.axis, params.epsilon, nullptr};
}

rownorm_status rownorm_normalize(const DLTensor* x, const DLTensor* y, const DLTensor* norms,
                                 const rownorm_parameters* params, void* stream) {
  return status_of([&] {
    const TensorChecks check("rownorm_normalize");
    const rownorm_parameters given = given_or_default(params);
    const Tensor of_x = check.tensor("x", x), of_y = check.tensor("y", y);
    check.same_device(of_x, of_y);
    check.same_type(of_x, of_y);
    check.same_rank(of_x, of_y);
    std::optional<rownorm::impl::NormsOut> of_norms;
    if (norms) of_norms = norms_out(check.norms(norms, of_x));
    const rownorm::AnyNorm norm = norm_of(check, given);
    const std::optional<Tensor> weights = weights_of(check, given, of_x);
    with_execution_space(check, of_x.device, stream, [&]<class Exec>(const Exec& exec) {
      with_value_type(of_x.type, [&]<class T>() {
        rownorm::impl::normalize<T, T>(rownorm::impl::Checks("rownorm_normalize"), exec, of_x.operand, of_y.operand,
                                       of_norms ? &*of_norms : nullptr, parameters_on<Exec>(norm, given, weights));
      });
    });
  });
}

rownorm_status rownorm_row_norms(const DLTensor* x, const DLTensor* norms, const rownorm_parameters* params,
                                 void* stream) {
  return status_of([&] {
    const TensorChecks check("rownorm_row_norms");
    const rownorm_parameters given = given_or_default(params);
    const Tensor of_x = check.tensor("x", x), of_norms = check.norms(norms, of_x);
    const rownorm::AnyNorm norm = norm_of(check, given);
    with_execution_space(check, of_x.device, stream, [&](const auto& exec) {
      with_value_type(of_x.type, [&]<class T>() {
        rownorm::impl::row_norms<T>(rownorm::impl::Checks("rownorm_row_norms"), exec, of_x.operand, norms_out(of_norms),
                                    norm, given.axis);
      });
    });
  });
}

rownorm_status rownorm_normalize_backward(const DLTensor* x, const DLTensor* grad_y, const DLTensor* grad_x,
                                          const rownorm_parameters* params, void* stream) {
  return status_of([&] {
    const TensorChecks check("rownorm_normalize_backward");
    const rownorm_parameters given = given_or_default(params);
    const Tensor of_x = check.tensor("x", x);
    const Tensor of_grad_y = check.tensor("grad_y", grad_y), of_grad_x = check.tensor("grad_x", grad_x);
    check.real(of_x);
    for (const Tensor* gradient : {&of_grad_y, &of_grad_x}) {
      check.same_device(of_x, *gradient);
      check.same_type(of_x, *gradient);
      check.same_rank(of_x, *gradient);
    }
    const rownorm::AnyNorm norm = norm_of(check, given);
    const std::optional<Tensor> weights = weights_of(check, given, of_x);
    with_execution_space(check, of_x.device, stream, [&]<class Exec>(const Exec& exec) {
      with_real_type(of_x.type, [&]<class T>() {
        rownorm::impl::normalize_backward<T, T>(rownorm::impl::Checks("rownorm_normalize_backward"), exec, of_x.operand,
                                                of_grad_y.operand, of_grad_x.operand,
                                                parameters_on<Exec>(norm, given, weights));
      });
    });
  });
}

rownorm_status rownorm_synchronize(DLDevice device, void* stream) {
  return status_of([&] { synchronize(TensorChecks("rownorm_synchronize"), device, stream); });
}

rownorm_status rownorm_device_of(const void* data, DLDevice* device) {
  return status_of([&] {
    const TensorChecks check("rownorm_device_of");
    if (device == nullptr) check.refuse("device is null");
    *device = device_of(check, data);
  });
}

const char* rownorm_last_error(void) { return last_error.c_str(); }

const char* rownorm_version(void) { return ROWNORM_C_VERSION; }
