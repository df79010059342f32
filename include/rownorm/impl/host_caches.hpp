// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_IMPL_HOST_CACHES_HPP
#define ROWNORM_IMPL_HOST_CACHES_HPP

#include <cstdint>

namespace rownorm::impl {

/// The caches of the host's processors, in bytes: the last one, which they share, and the last that each has to itself.
struct HostCaches {
  std::int64_t shared_bytes;
  std::int64_t own_bytes;
};

/// What the system says of them; what is usual where it says nothing.
HostCaches host_caches();

}  // namespace rownorm::impl

#endif
