// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "host_copy.hpp"

#include <cstdint>
#include <cstring>

#ifdef ROWNORM_BENCH_WITH_HIGHWAY
#include <hwy/cache_control.h>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "host_copy.cpp"
#include <hwy/foreach_target.h>  // before highway.h
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace bench::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

void copy_vectors(const char* from, char* to, std::size_t bytes) {
  const hn::ScalableTag<std::uint8_t> d;
  const auto* x = reinterpret_cast<const std::uint8_t*>(from);
  auto* y = reinterpret_cast<std::uint8_t*>(to);
  std::size_t i = 0;
  for (; i + hn::Lanes(d) <= bytes; i += hn::Lanes(d)) hn::Stream(hn::LoadU(d, x + i), d, y + i);
  std::memcpy(to + i, from + i, bytes - i);
  hwy::FlushStream();
}

}  // namespace
}  // namespace bench::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace bench {
namespace {
HWY_EXPORT(copy_vectors);
}
void copy_past_caches(const char* from, char* to, std::size_t bytes) {
  HWY_DYNAMIC_DISPATCH(copy_vectors)(from, to, bytes);
}
}  // namespace bench
#endif

#else

namespace bench {
void copy_past_caches(const char* from, char* to, std::size_t bytes) { std::memcpy(to, from, bytes); }
}  // namespace bench

#endif
