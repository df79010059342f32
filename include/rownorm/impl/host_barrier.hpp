// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_IMPL_HOST_BARRIER_HPP
#define ROWNORM_IMPL_HOST_BARRIER_HPP

#include <atomic>
#include <cstdint>
#include <thread>

namespace rownorm::impl {

/// Where host threads that are all running meet, again and again. Kokkos' own team_barrier puts to sleep who waits for
/// more than some microseconds, and to wake costs as much as to read a megabyte.
class HostBarrier {
 public:
  /// Returns when so many threads have called it. What they wrote before it can be read after it.
  void wait(std::int64_t threads) {
    const std::uint32_t round = round_.load(std::memory_order_relaxed);  // cannot end before this thread has arrived
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == threads) {
      arrived_.store(0, std::memory_order_relaxed);
      round_.store(round + 1, std::memory_order_release);
      return;
    }
    for (int looks = 0; round_.load(std::memory_order_acquire) == round; ++looks)
      if (looks > max_looks) std::this_thread::yield();  // another may need this processor to arrive
  }

 private:
  static constexpr int max_looks = 1 << 12;

  // Who waits looks at another line than who arrives writes to. Not by alignas, which nvcc cannot construct in place.
  std::atomic<std::int64_t> arrived_{0};
  char apart_[64] = {};
  std::atomic<std::uint32_t> round_{0};
};

}  // namespace rownorm::impl

#endif
