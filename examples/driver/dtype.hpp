// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_DRIVER_DTYPE_HPP
#define ROWNORM_DRIVER_DTYPE_HPP

/// The number formats of matrices: how each is called, stored in a file, and held in memory.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include <hwy/base.h>
#include <Kokkos_Core.hpp>

namespace driver {

static_assert(std::endian::native == std::endian::little, "files are read and written without swapping bytes");

enum class Dtype { f32, f64, f16, bf16 };

struct DtypeTraits {
  const char* name;
  const char* descr;  ///< in the header of a .npy file; NumPy has no bfloat16, and ml_dtypes saves it as this
  int bytes;          ///< of one value in a file
  int digits;         ///< significant bits
  int min_exponent;   ///< of the smallest normal number, 2^min_exponent
  int max_exponent;   ///< numbers stay below 2^max_exponent
  int promised_ulp;   ///< the largest error that RowNorm promises
};

constexpr DtypeTraits traits(Dtype dtype) {
  switch (dtype) {
    case Dtype::f32:
      return {"f32", "<f4", 4, 24, -126, 128, 4};
    case Dtype::f64:
      return {"f64", "<f8", 8, 53, -1022, 1024, 4};
    case Dtype::f16:
      return {"f16", "<f2", 2, 11, -14, 16, 1};
    case Dtype::bf16:
      break;
  }
  return {"bf16", "<V2", 2, 8, -126, 128, 1};
}

/// Calls f with a value of the type that holds a dtype in memory. Without a GPU backend Kokkos has no 16-bit types:
/// half_t and bhalf_t are then float, and the 16 bits are seen only where data is generated, read, checked or written.
template <class F>
auto with_value_of(Dtype dtype, const F& f) {
  switch (dtype) {
    case Dtype::f32:
      return f(float{});
    case Dtype::f64:
      return f(double{});
    case Dtype::f16:
      return f(Kokkos::Experimental::half_t{});
    case Dtype::bf16:
      break;
  }
  return f(Kokkos::Experimental::bhalf_t{});
}

inline std::size_t held_bytes(Dtype dtype) {
  return with_value_of(dtype, [](auto value) { return sizeof(value); });
}

inline bool held_as_float(Dtype dtype) {
  return with_value_of(dtype, [](auto value) { return std::is_same_v<decltype(value), float>; });
}

/// The value that a file stores in the given bytes.
inline double load(Dtype dtype, const char* bytes) {
  const auto read = [&](auto value) {
    std::memcpy(&value, bytes, sizeof(value));
    return value;
  };
  switch (dtype) {
    case Dtype::f32:
      return read(float{});
    case Dtype::f64:
      return read(double{});
    case Dtype::f16:
      return hwy::F32FromF16(hwy::float16_t::FromBits(read(std::uint16_t{})));
    case Dtype::bf16:
      break;
  }
  return hwy::F32FromBF16(hwy::bfloat16_t::FromBits(read(std::uint16_t{})));
}

/// Stores what `rounded` gives in the bytes of a file.
inline void store(Dtype dtype, double value, char* bytes) {
  const auto write = [&](auto stored) { std::memcpy(bytes, &stored, sizeof(stored)); };
  switch (dtype) {
    case Dtype::f32:
      return write(static_cast<float>(value));
    case Dtype::f64:
      return write(value);
    case Dtype::f16:
      return write(hwy::F16FromF32(static_cast<float>(value)));
    case Dtype::bf16:
      break;
  }
  write(hwy::BF16FromF32(static_cast<float>(value)));
}

/// The value nearest to `value` that the dtype has; a value held as float is rounded once.
inline double rounded(Dtype dtype, double value) {
  const auto single = static_cast<float>(value);
  switch (dtype) {
    case Dtype::f32:
      return single;
    case Dtype::f64:
      return value;
    case Dtype::f16:
      return hwy::F32FromF16(hwy::F16FromF32(single));
    case Dtype::bf16:
      break;
  }
  return hwy::F32FromBF16(hwy::BF16FromF32(single));
}

}  // namespace driver

#endif
