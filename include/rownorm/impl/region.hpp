// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_IMPL_REGION_HPP
#define ROWNORM_IMPL_REGION_HPP

#include <Kokkos_Core.hpp>

namespace rownorm::impl {

/// A region of Kokkos Tools, which has the name of a public function and the kernels that a call launches, as long as it
/// lives. Nothing where no tool is loaded.
class Region {
 public:
  explicit Region(const char* name) : is_open_(Kokkos::Tools::profileLibraryLoaded()) {
    if (is_open_) Kokkos::Tools::pushRegion(name);
  }
  ~Region() {
    if (is_open_) Kokkos::Tools::popRegion();
  }
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;

 private:
  bool is_open_;
};

}  // namespace rownorm::impl

#endif
