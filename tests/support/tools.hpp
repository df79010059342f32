// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_TESTS_TOOLS_HPP
#define ROWNORM_TESTS_TOOLS_HPP

#include <Kokkos_Core.hpp>
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rownorm::tests {

/// Listens to Kokkos through its Tools interface for as long as it lives; one at a time.
class Listener {
 public:
  Listener() : previous_(Kokkos::Tools::Experimental::get_callbacks()) {
    heard() = {};
    using namespace Kokkos::Tools::Experimental;
    set_begin_parallel_for_callback(&on_launch);
    set_begin_parallel_reduce_callback(&on_launch);
    set_begin_fence_callback(&on_fence);
    set_allocate_data_callback(&on_allocation);
    set_push_region_callback(&on_region);
    set_pop_region_callback(&on_end_of_region);
  }
  ~Listener() { Kokkos::Tools::Experimental::set_callbacks(previous_); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  std::vector<std::string> launches() const { return heard().launches; }
  /// How many of them are RowNorm's own.
  std::size_t rownorm_launches() const {
    const std::vector<std::string>& names = heard().launches;
    return static_cast<std::size_t>(std::count_if(
        names.begin(), names.end(), [](const std::string& name) { return name.rfind("rownorm::", 0) == 0; }));
  }
  std::vector<std::string> fences() const { return heard().fences; }
  std::vector<std::string> allocations() const { return heard().allocations; }
  /// The region that each launch was in, "" for none; none may be left open.
  std::vector<std::string> regions() const { return heard().regions; }
  std::size_t open_regions() const { return heard().open.size(); }
  /// The execution space instance of each launch, as Kokkos::Tools identifies it.
  std::vector<std::uint32_t> devices() const { return heard().devices; }

 private:
  struct Heard {
    std::vector<std::string> launches, fences, allocations, regions, open;
    std::vector<std::uint32_t> devices;
  };
  static Heard& heard() {
    static Heard instance;
    return instance;
  }
  static void on_launch(const char* name, const std::uint32_t device, std::uint64_t*) {
    heard().launches.emplace_back(name);
    heard().regions.push_back(heard().open.empty() ? "" : heard().open.back());
    heard().devices.push_back(device);
  }
  static void on_fence(const char* name, const std::uint32_t, std::uint64_t*) {
    // Kokkos fences around each kernel because somebody listens.
    if (std::string_view(name).find("Tool Fence") == std::string_view::npos) heard().fences.emplace_back(name);
  }
  static void on_region(const char* name) { heard().open.emplace_back(name); }
  static void on_end_of_region() { heard().open.pop_back(); }
  static void on_allocation(Kokkos::Tools::SpaceHandle, const char* name, const void*, const std::uint64_t bytes) {
    // Kokkos announces the scratch memory of every team kernel on CUDA, also where it is none.
    if (bytes > 0) heard().allocations.emplace_back(name);
  }

  Kokkos::Tools::Experimental::EventSet previous_;
};

}  // namespace rownorm::tests

#endif
