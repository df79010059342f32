// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_IMPL_WORKSPACE_HPP
#define ROWNORM_IMPL_WORKSPACE_HPP

/// The device memory through which teams of one launch exchange partial results.

#include <cstdint>
#include <map>
#include <mutex>

#include <Kokkos_Core.hpp>

#include <rownorm/impl/compat.hpp>

namespace rownorm::impl {

/// What kernels see of it: parts that do not meet, each for one purpose, since one kernel leaves there what the next
/// one finds. All of it is zero before its first use.
struct Workspace {
  static constexpr std::int64_t exchange_words = (std::int64_t{1} << 20) + 1;  // 8 MiB, and one for control
  static constexpr std::int64_t sums_words = std::int64_t{1} << 17;            // 1 MiB

  std::uint64_t* data = nullptr;

  std::uint64_t* exchange() const { return data; }
  std::uint64_t* sums() const { return data + exchange_words; }
};

/// The workspace of the stream behind an execution space instance. Kernels on one stream run one after the other, so
/// they share it; it is allocated at the first call for a stream and freed by Kokkos::finalize.
template <class Exec>
Workspace workspace_of(const Exec& exec) {
  using Memory = Kokkos::View<std::uint64_t*, typename Exec::memory_space>;
  static std::mutex mutex;
  // Never destroyed: a program may finalise Kokkos as late as after its static objects.
  static auto& workspaces = *new std::map<StreamId, Memory>;

  const std::lock_guard lock(mutex);
  if (workspaces.empty()) {
    Kokkos::push_finalize_hook([] {
      const std::lock_guard finalize_lock(mutex);
      workspaces.clear();
    });
  }
  Memory& memory = workspaces[stream_id(exec)];
  if (memory.data() == nullptr)  // also where an allocation failed before
    memory = Memory(Kokkos::view_alloc(exec, "rownorm::workspace"), Workspace::exchange_words + Workspace::sums_words);
  return {memory.data()};
}

}  // namespace rownorm::impl

#endif
