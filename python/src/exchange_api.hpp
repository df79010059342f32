// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_PYTHON_EXCHANGE_API_HPP
#define ROWNORM_PYTHON_EXCHANGE_API_HPP

// Arrays as their frameworks hand them to C, without a call of Python: DLPack's exchange API. Its header has had it
// since version 1.2; these are the same types for those before. https://dmlc.github.io/dlpack/latest/python_spec.html

#include <Python.h>
#include <dlpack/dlpack.h>

#include <cstdint>

namespace exchange {

struct Header {
  std::uint32_t major, minor;
  Header* previous;
};

/// What is the same in all of major version 1.
struct Api {
  Header header;
  void* allocate;
  void* managed_tensor_of_object;
  void* object_of_managed_tensor;
  int (*tensor_of_object)(void* object,
                          DLTensor* tensor);  ///< which stays the object's; -1 with a Python exception set
  int (*current_stream)(std::int32_t device_type, std::int32_t device_id, void** stream);
};

/// The API of an array's type; null where it has none.
inline const Api* api_of(PyObject* array) {
  static PyObject* const name = PyUnicode_InternFromString("__dlpack_c_exchange_api__");
  PyObject* const capsule = PyObject_GetAttr(reinterpret_cast<PyObject*>(Py_TYPE(array)), name);
  if (capsule == nullptr) {
    PyErr_Clear();
    return nullptr;
  }
  const auto* api = static_cast<const Api*>(PyCapsule_GetPointer(capsule, "dlpack_exchange_api"));
  Py_DECREF(capsule);  // what it points to lives as long as the type
  if (api == nullptr) PyErr_Clear();
  return api != nullptr && api->header.major == 1 && api->tensor_of_object != nullptr ? api : nullptr;
}

}  // namespace exchange

#endif
