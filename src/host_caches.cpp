// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <rownorm/impl/host_caches.hpp>

#if __has_include(<unistd.h>)
#include <unistd.h>
#endif
#include <cctype>
#include <fstream>
#include <string>

namespace rownorm::impl {

namespace {

/// Of a cache of the first processor, by its level: what the C library knows.
std::int64_t bytes_by_library([[maybe_unused]] int level) {
#if defined(_SC_LEVEL2_CACHE_SIZE) && defined(_SC_LEVEL3_CACHE_SIZE)
  return level == 2 ? ::sysconf(_SC_LEVEL2_CACHE_SIZE) : level == 3 ? ::sysconf(_SC_LEVEL3_CACHE_SIZE) : 0;
#else
  return 0;
#endif
}

/// The same by the kernel of Linux, which knows more processors.
std::int64_t bytes_by_kernel(int level) {
  for (int index = 0; index < 8; ++index) {
    const std::string folder = "/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(index);
    int of_level = 0;
    std::int64_t size = 0;
    char unit = 0;
    if (!(std::ifstream(folder + "/level") >> of_level)) return 0;
    if (of_level == level && std::ifstream(folder + "/size") >> size >> unit)
      return size << (std::toupper(unit) == 'M' ? 20 : 10);
  }
  return 0;
}

std::int64_t bytes(int level) {
  const std::int64_t known = bytes_by_library(level);
  return known > 0 ? known : bytes_by_kernel(level);
}

}  // namespace

HostCaches host_caches() {
  constexpr std::int64_t usual_own_bytes = 1 << 20, usual_shared_bytes = 16 << 20;
  const std::int64_t own = bytes(2), shared = bytes(3);
  if (own > 0) return {shared > 0 ? shared : own, own};
  return {usual_shared_bytes, usual_own_bytes};
}

}  // namespace rownorm::impl
