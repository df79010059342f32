// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_BENCHMARKS_HOST_COPY_HPP
#define ROWNORM_BENCHMARKS_HOST_COPY_HPP

#include <cstddef>

namespace bench {

/// One thread's share of a copy, to an address that is a multiple of 64: with stores past the caches, where Highway was
/// found, and else as the C library copies.
void copy_past_caches(const char* from, char* to, std::size_t bytes);

}  // namespace bench

#endif
