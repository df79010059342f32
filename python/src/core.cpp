// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// rownorm._core: the C interface for arrays of Python, without copies.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>
#include <rownorm/c/rownorm.h>

#include "exchange_api.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

namespace nb = nanobind;

namespace {

/// As "numpy.ndarray of >f4".
std::string description(nb::handle object) {
  const auto as_text = [](const nb::object& of) { return std::string(nb::str(of).c_str()); };
  const nb::handle type = object.type();
  std::string text = as_text(nb::getattr(type, "__module__")) + "." + as_text(nb::getattr(type, "__qualname__"));
  if (nb::hasattr(object, "dtype")) {
    const nb::object dtype = nb::getattr(object, "dtype");
    text += " of " + as_text(nb::hasattr(dtype, "str") ? nb::getattr(dtype, "str") : dtype);
  }
  return text;
}

/// Whether object.name, or object.name(), is true; false where there is none.
template <bool call>
bool is(nb::handle object, PyObject* name) {
  PyObject* const value =
      call ? PyObject_CallMethodObjArgs(object.ptr(), name, nullptr) : PyObject_GetAttr(object.ptr(), name);
  if (value == nullptr) {
    if (!PyErr_ExceptionMatches(PyExc_AttributeError)) throw nb::python_error();
    PyErr_Clear();
    return false;
  }
  return nb::cast<bool>(nb::steal(value));
}

/// Refuses a tensor of PyTorch's whose history would end here, or whose elements are not what is in its memory.
void check_plain(const char* name, nb::handle object) {
  static PyObject* const requires_grad = PyUnicode_InternFromString("requires_grad");
  static PyObject* const is_conj = PyUnicode_InternFromString("is_conj");
  static PyObject* const is_neg = PyUnicode_InternFromString("is_neg");
  if (is<false>(object, requires_grad))
    throw nb::value_error(
        (std::string(name) + " requires a gradient: detach() it, or call rownorm.torch.l1_normalize, which has one")
            .c_str());
  if (is<true>(object, is_conj) || is<true>(object, is_neg))
    throw nb::value_error((std::string(name) + " is conjugated or negated lazily: resolve it first").c_str());
}

void raise_unless(rownorm_status status) {
  switch (status) {
    case ROWNORM_SUCCESS:
      return;
    case ROWNORM_INVALID_ARGUMENT:
      throw nb::value_error(rownorm_last_error());
    case ROWNORM_UNSUPPORTED:
      throw nb::type_error(rownorm_last_error());
    case ROWNORM_OUT_OF_MEMORY:
      PyErr_SetString(PyExc_MemoryError, rownorm_last_error());
      throw nb::python_error();
    default:
      PyErr_SetString(PyExc_RuntimeError, rownorm_last_error());
      throw nb::python_error();
  }
}

bool is_on_cuda(const DLDevice& device) {
  return device.device_type == kDLCUDA || device.device_type == kDLCUDAManaged;
}

/// Where work is enqueued. Where a framework does not tell the stream it works on, somebody must wait.
struct Stream {
  void* handle;
  bool is_the_frameworks;
};

/// Whether DLPack or the buffer protocol hands an array over.
template <class Array>
bool can_be_had(nb::handle object, Array& array) {
  return !object.is_none() && nb::try_cast<Array>(object, array);
}

/// An array as DLPack has it. Its memory lives as long as this does.
template <class... Access>
class Array {
 public:
  Array(const char* name, nb::handle object) : name_(name), object_(object), api_(exchange::api_of(object.ptr())) {
    if (api_ != nullptr || nb::hasattr(object, "is_neg")) check_plain(name, object);
    if (api_ != nullptr) {
      if (api_->tensor_of_object(object.ptr(), &tensor_) == 0) return;
      const nb::python_error error;
      throw nb::type_error((what() + ": " + error.what()).c_str());
    }
    const auto numpys = [&] { return nb::module_::import_("rownorm._arrays").attr("numpy_array")(object); };
    if (!is_described() && !can_be_had(object, array_) && !can_be_had(numpys(), array_)) {
      nb::ndarray<nb::ro> readable;
      if (is_output && (can_be_had(object, readable) || can_be_had(numpys(), readable))) refuse_read_only();
      throw nb::type_error(
          (what() + ", which is no array that DLPack, the buffer protocol or an array interface can hand over as it is")
              .c_str());
    }
    tensor_.data = const_cast<void*>(static_cast<const void*>(array_.data()));
    tensor_.device = {static_cast<DLDeviceType>(array_.device_type()), array_.device_id()};
    tensor_.ndim = static_cast<int>(array_.ndim());
    tensor_.dtype = {array_.dtype().code, array_.dtype().bits, array_.dtype().lanes};
    tensor_.shape = const_cast<std::int64_t*>(array_.shape_ptr());
    tensor_.strides = const_cast<std::int64_t*>(array_.stride_ptr());
  }
  Array(const Array&) = delete;

  const DLTensor* tensor() const { return &tensor_; }

  /// Where work on the array is enqueued.
  Stream stream() const {
    const DLDevice& device = tensor_.device;
    if (!is_on_cuda(device)) return {nullptr, true};
    if (api_ != nullptr && api_->current_stream != nullptr) {
      void* stream = nullptr;
      if (api_->current_stream(device.device_type, device.device_id, &stream) != 0) throw nb::python_error();
      return {stream, true};
    }
    const auto stream = named_stream_ ? named_stream_
                                      : nb::cast<std::optional<std::uintptr_t>>(
                                            nb::module_::import_("rownorm._arrays").attr("current_stream")(object_));
    return {reinterpret_cast<void*>(stream.value_or(0)), stream.has_value()};
  }

 private:
  static constexpr bool is_output = sizeof...(Access) == 0;

  /// As "out is a numpy.ndarray of >f4".
  std::string what() const { return std::string(name_) + " is a " + description(object_); }

  [[noreturn]] void refuse_read_only() const {
    throw nb::value_error((what() + ", which is read-only, but it is written to").c_str());
  }

  /// Whether it has a __cuda_array_interface__ that names a stream, or nothing else. DLPack would have the default
  /// stream wait for that stream, which then could not be captured in a graph.
  bool is_described() {
    const nb::object interface = nb::getattr(object_, "__cuda_array_interface__", nb::none());
    if (interface.is_none()) return false;
    using Shape = std::vector<std::size_t>;
    using Strides = std::vector<std::int64_t>;
    using Described = std::tuple<std::uintptr_t, bool, std::uint8_t, std::uint8_t, Shape, Strides, std::uintptr_t>;
    const auto described = nb::cast<std::optional<Described>>(
        nb::module_::import_("rownorm._cuda_array_interface").attr("described")(name_, object_, interface));
    if (!described) return false;
    const auto& [address, read_only, code, bits, shape, strides, stream] = *described;
    if (is_output && read_only) refuse_read_only();
    auto* const data = reinterpret_cast<void*>(address);
    DLDevice device{};  // of which the interface says nothing
    if (rownorm_device_of(data, &device) != ROWNORM_SUCCESS)
      throw nb::type_error((what() + ": " + rownorm_last_error()).c_str());
    if (data != nullptr && device.device_type == kDLCPU)
      throw nb::value_error((what() + ", whose memory CUDA does not know").c_str());
    array_ =
        nb::ndarray<Access...>(data, shape.size(), shape.data(), object_, strides.empty() ? nullptr : strides.data(),
                               {code, bits, 1}, kDLCUDA, device.device_id);
    named_stream_ = stream;
    return true;
  }

  const char* name_;
  nb::handle object_;
  const exchange::Api* api_;  ///< null where its type has none
  nb::ndarray<Access...> array_;
  std::optional<std::uintptr_t> named_stream_;  ///< by __cuda_array_interface__
  DLTensor tensor_{};
};

using Input = Array<nb::ro>;
using Output = Array<>;

/// One that may be None, and then is none.
template <class Kind>
class Optional {
 public:
  Optional(const char* name, nb::handle object) {
    if (!object.is_none()) array_.emplace(name, object);
  }
  const DLTensor* tensor() const { return array_ ? array_->tensor() : nullptr; }

 private:
  std::optional<Kind> array_;
};

/// Calls f(stream), for work on x, while other threads of Python go on.
template <class F>
void call(const Input& x, const F& f) {
  const Stream stream = x.stream();
  rownorm_status status = ROWNORM_FAILED;
  {
    const nb::gil_scoped_release release;
    status = f(stream.handle);
    if (status == ROWNORM_SUCCESS && !stream.is_the_frameworks)
      status = rownorm_synchronize(x.tensor()->device, stream.handle);
  }
  raise_unless(status);
}

}  // namespace

NB_MODULE(_core, m) {
  m.def(
      "normalize",
      [](nb::handle x, nb::handle y, nb::handle norms, std::int32_t norm, std::int32_t axis, double epsilon,
         nb::handle weights) {
        const Input of_x("x", x);
        const Output of_y("out", y);
        const Optional<Output> of_norms("norms", norms);
        const Optional<Input> of_weights("weights", weights);
        const rownorm_parameters params{norm, axis, epsilon, of_weights.tensor()};
        call(of_x, [&](void* stream) {
          return rownorm_normalize(of_x.tensor(), of_y.tensor(), of_norms.tensor(), &params, stream);
        });
      },
      nb::arg("x"), nb::arg("y"), nb::arg("norms").none(), nb::arg("norm"), nb::arg("axis"), nb::arg("epsilon"),
      nb::arg("weights").none());
  m.def("row_norms", [](nb::handle x, nb::handle norms, std::int32_t norm, std::int32_t axis) {
    const Input of_x("x", x);
    const Output of_norms("out", norms);
    const rownorm_parameters params{norm, axis, 0, nullptr};
    call(of_x, [&](void* stream) { return rownorm_row_norms(of_x.tensor(), of_norms.tensor(), &params, stream); });
  });
  m.def(
      "normalize_backward",
      [](nb::handle x, nb::handle grad_y, nb::handle grad_x, std::int32_t norm, std::int32_t axis, double epsilon,
         nb::handle weights) {
        const Input of_x("x", x), of_grad_y("grad_y", grad_y);
        const Output of_grad_x("out", grad_x);
        const Optional<Input> of_weights("weights", weights);
        const rownorm_parameters params{norm, axis, epsilon, of_weights.tensor()};
        call(of_x, [&](void* stream) {
          return rownorm_normalize_backward(of_x.tensor(), of_grad_y.tensor(), of_grad_x.tensor(), &params, stream);
        });
      },
      nb::arg("x"), nb::arg("grad_y"), nb::arg("grad_x"), nb::arg("norm"), nb::arg("axis"), nb::arg("epsilon"),
      nb::arg("weights").none());
  m.def("version", [] { return rownorm_version(); });
}
