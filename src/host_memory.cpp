// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <cstddef>
#include <memory>
#include <new>
#include <rownorm/impl/host_rows.hpp>

namespace rownorm::impl {

void* host_thread_memory(std::size_t bytes) {
  static constexpr std::align_val_t page{4096};
  struct Free {
    void operator()(void* memory) const { ::operator delete(memory, page); }
  };
  static thread_local std::unique_ptr<void, Free> memory;
  static thread_local std::size_t size = 0;
  if (bytes > size) {
    size = 0;
    memory.reset();
    memory.reset(::operator new(bytes, page));
    size = bytes;
  }
  return memory.get();
}

}  // namespace rownorm::impl
