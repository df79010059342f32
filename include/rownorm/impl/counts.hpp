// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_IMPL_COUNTS_HPP
#define ROWNORM_IMPL_COUNTS_HPP

#include <bit>
#include <cstdint>

namespace rownorm::impl {

/// A league is counted in an int, and on CUDA Kokkos adds its size once more to the rank of every team.
inline constexpr std::int64_t max_league_size = std::int64_t{1} << 30;

/// a / b, rounded up, for any a and a positive b.
constexpr std::int64_t divide_rounding_up(std::int64_t a, std::int64_t b) { return a / b + (a % b > 0 ? 1 : 0); }

/// Of a power of two.
constexpr int log2_of(int power) { return std::bit_width(static_cast<unsigned>(power)) - 1; }

}  // namespace rownorm::impl

#endif
