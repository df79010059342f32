// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_IMPL_COMPAT_HPP
#define ROWNORM_IMPL_COMPAT_HPP

/// The one place that tests a Kokkos version or a backend macro.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>
#include <utility>

#include <Kokkos_Core.hpp>

#if KOKKOS_VERSION < 40600
#error "RowNorm needs Kokkos 4.6 or later"
#endif

// On a build of Kokkos without a GPU backend, half_t and bhalf_t are other names of float.
#if defined(KOKKOS_HALF_T_IS_FLOAT) && !KOKKOS_HALF_T_IS_FLOAT
#define ROWNORM_IMPL_WITH_HALF(...) __VA_ARGS__
#else
#define ROWNORM_IMPL_WITH_HALF(...)
#endif
#if defined(KOKKOS_BHALF_T_IS_FLOAT) && !KOKKOS_BHALF_T_IS_FLOAT
#define ROWNORM_IMPL_WITH_BHALF(...) __VA_ARGS__
#else
#define ROWNORM_IMPL_WITH_BHALF(...)
#endif

#ifdef KOKKOS_ENABLE_SERIAL
#define ROWNORM_IMPL_WITH_SERIAL(...) __VA_ARGS__
#else
#define ROWNORM_IMPL_WITH_SERIAL(...)
#endif
#ifdef KOKKOS_ENABLE_OPENMP
#define ROWNORM_IMPL_WITH_OPENMP(...) __VA_ARGS__
#else
#define ROWNORM_IMPL_WITH_OPENMP(...)
#endif
#ifdef KOKKOS_ENABLE_CUDA
#define ROWNORM_IMPL_WITH_CUDA(...) __VA_ARGS__
#else
#define ROWNORM_IMPL_WITH_CUDA(...)
#endif

/// Expands to MACRO(Space) once for each enabled execution space that RowNorm compiles ahead of time. Any
/// other Kokkos execution space works as well: its kernels are compiled where they are used.
#define ROWNORM_IMPL_FOR_EACH_EXECUTION_SPACE(MACRO) \
  ROWNORM_IMPL_WITH_SERIAL(MACRO(Kokkos::Serial))    \
  ROWNORM_IMPL_WITH_OPENMP(MACRO(Kokkos::OpenMP))    \
  ROWNORM_IMPL_WITH_CUDA(MACRO(Kokkos::Cuda))

/// Before a function for host and device that calls what it is given, which may be for one of the two only.
#ifdef __CUDACC__
#define ROWNORM_IMPL_CALLS_WHAT_IT_IS_GIVEN _Pragma("nv_exec_check_disable")
#else
#define ROWNORM_IMPL_CALLS_WHAT_IT_IS_GIVEN
#endif

/// Before a function: it is called where others would be copied.
#ifdef __CUDACC__
#define ROWNORM_IMPL_NOINLINE __noinline__
#elif defined(__GNUC__)
#define ROWNORM_IMPL_NOINLINE __attribute__((noinline))
#else
#define ROWNORM_IMPL_NOINLINE
#endif

/// Before a function of hosts: all that it calls becomes part of it.
#ifdef __GNUC__
#define ROWNORM_IMPL_FLATTEN [[gnu::flatten]]
#else
#define ROWNORM_IMPL_FLATTEN
#endif

/// Before a loop: unrolls it on devices, wholly or so many times.
#ifdef __CUDA_ARCH__
#define ROWNORM_IMPL_PRAGMA(...) _Pragma(#__VA_ARGS__)
#define ROWNORM_IMPL_UNROLL(...) ROWNORM_IMPL_PRAGMA(unroll __VA_ARGS__)
#else
#define ROWNORM_IMPL_UNROLL(...)
#endif

namespace rownorm::impl {

/// True where kernels of Exec run on the host's own processors.
template <class Exec>
inline constexpr bool is_host_space_v = Kokkos::SpaceAccessibility<Exec, Kokkos::HostSpace>::accessible;

/// True where the lanes of a Kokkos thread are threads of the device, with registers of their own. Only there do the
/// kernels that hold rows in registers run.
template <class Exec>
inline constexpr bool has_lanes_v = ROWNORM_IMPL_WITH_CUDA(std::is_same_v<Exec, Kokkos::Cuda> ||) false;

/// The caller's vector lane, where has_lanes_v.
template <class Member>
KOKKOS_FORCEINLINE_FUNCTION int lane_of([[maybe_unused]] const Member& member) {
  ROWNORM_IMPL_WITH_CUDA(KOKKOS_IF_ON_DEVICE((return static_cast<int>(threadIdx.x);)))
  KOKKOS_IF_ON_HOST((return 0;))
}

/// The most vector lanes of a thread, which then is a warp of the device.
inline constexpr int warp_lanes = 32;

/// The caller's and its warp's values exchanged: what the lane so many further up or down has, or what lane `from` has,
/// of `lanes` neighbouring ones. All lanes of a warp call it.
template <class Value, class Shuffle>
KOKKOS_FORCEINLINE_FUNCTION Value shuffle_words(const Value& mine, [[maybe_unused]] const Shuffle& shuffle_word) {
  static_assert(sizeof(Value) % sizeof(unsigned) == 0);
  unsigned words[sizeof(Value) / sizeof(unsigned)];
  std::memcpy(words, &mine, sizeof(Value));
  for (unsigned& word : words) word = shuffle_word(word);
  Value other;
  std::memcpy(&other, words, sizeof(Value));
  return other;
}
template <class Value>
KOKKOS_FORCEINLINE_FUNCTION Value shuffle_down(const Value& mine, [[maybe_unused]] int distance,
                                               [[maybe_unused]] int lanes) {
#ifdef __CUDA_ARCH__
  return shuffle_words(mine, [&](unsigned word) { return __shfl_down_sync(0xffffffff, word, distance, lanes); });
#else
  return mine;
#endif
}
/// The caller's own value where there is no lane so far down.
template <class Value>
KOKKOS_FORCEINLINE_FUNCTION Value shuffle_up(const Value& mine, [[maybe_unused]] int distance) {
#ifdef __CUDA_ARCH__
  return shuffle_words(mine, [&](unsigned word) { return __shfl_up_sync(0xffffffff, word, distance); });
#else
  return mine;
#endif
}
template <class Value>
KOKKOS_FORCEINLINE_FUNCTION Value shuffle(const Value& mine, [[maybe_unused]] int from, [[maybe_unused]] int lanes) {
#ifdef __CUDA_ARCH__
  return shuffle_words(mine, [&](unsigned word) { return __shfl_sync(0xffffffff, word, from, lanes); });
#else
  return mine;
#endif
}

/// For which lanes of the caller's warp something is true, a bit a lane. All lanes of a warp call it.
KOKKOS_FORCEINLINE_FUNCTION unsigned lanes_where([[maybe_unused]] bool is_true) {
#ifdef __CUDA_ARCH__
  return __ballot_sync(0xffffffff, is_true);
#else
  return is_true ? 1 : 0;
#endif
}

/// Waits for the other lanes of the caller's warp, whose stores to scratch memory it then sees.
KOKKOS_FORCEINLINE_FUNCTION void warp_barrier() {
#ifdef __CUDA_ARCH__
  __syncwarp();
#endif
}

/// Hides from the compiler where a value came from. What is computed from it before and after is computed twice, and
/// occupies no register in between.
template <class Word>
KOKKOS_FORCEINLINE_FUNCTION void forget_origin([[maybe_unused]] Word& word) {
#if defined(__GNUC__) || defined(__CUDA_ARCH__)
  if constexpr (sizeof(Word) == 4) asm volatile("" : "+r"(word));
#endif
#ifdef __CUDA_ARCH__
  if constexpr (sizeof(Word) == 8) asm volatile("" : "+l"(word));
#endif
}

/// So many bytes, a power of two from 2 to 16, as what the compiler loads and stores by one instruction: CUDA's own
/// vectors are known to be.
#ifdef __CUDACC__
using Words2 = uint2;
using Words4 = uint4;
#else
struct alignas(8) Words2 {
  unsigned x, y;
};
struct alignas(16) Words4 {
  unsigned x, y, z, w;
};
#endif
template <int bytes>
using MemoryWords =
    std::conditional_t<bytes == 16, Words4,
                       std::conditional_t<bytes == 8, Words2, std::conditional_t<bytes == 4, unsigned, std::uint16_t>>>;

/// Stores to global memory by one instruction. An ordinary assignment the compiler takes apart, and does not always put
/// together again.
template <class Words>
KOKKOS_FORCEINLINE_FUNCTION void store_words(Words* to, const Words& words) {
#ifdef __CUDA_ARCH__
  if constexpr (sizeof(Words) >= 8)
    __stwb(to, words);
  else
#endif
    *to = words;
}

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
#define ROWNORM_IMPL_SINCE_AMPERE

/// What is read of x stays in L2 before all else. Most kernels never read it again, yet the device reads and writes 2
/// to 4 % faster (docs/performance.md), perhaps because L2 then writes y to memory sooner.
KOKKOS_FORCEINLINE_FUNCTION std::uint64_t keep_in_cache() {
  std::uint64_t policy;
  asm("createpolicy.fractional.L2::evict_last.b64 %0, 1.0;" : "=l"(policy));
  return policy;
}
#endif

/// Loads x from global memory by one instruction.
template <class Words>
KOKKOS_FORCEINLINE_FUNCTION Words load_words(const Words* from) {
#ifdef ROWNORM_IMPL_SINCE_AMPERE
  if constexpr (sizeof(Words) == 16) {
    Words words;
    asm volatile("ld.global.L2::cache_hint.v4.b32 {%0, %1, %2, %3}, [%4], %5;"
                 : "=r"(words.x), "=r"(words.y), "=r"(words.z), "=r"(words.w)
                 : "l"(__cvta_generic_to_global(from)), "l"(keep_in_cache()));
    return words;
  }
#endif
  return *from;
}

/// Loads from global memory that nobody writes while the kernel runs: compilers may do so before earlier stores.
template <class Words>
KOKKOS_FORCEINLINE_FUNCTION Words load_constant_words(const Words* from) {
#ifdef __CUDA_ARCH__
  return __ldg(from);
#else
  return *from;
#endif
}

/// Begins to copy 4, 8 or 16 aligned bytes of x from global to scratch memory, past the registers; end_copies waits for
/// those that the calling thread has begun. Devices before compute capability 8.0 copy at once.
template <int bytes>
KOKKOS_FORCEINLINE_FUNCTION void begin_copy(void* to, const void* from) {
#ifdef ROWNORM_IMPL_SINCE_AMPERE
  const auto shared = static_cast<unsigned>(__cvta_generic_to_shared(to));
  if constexpr (bytes == 16)
    asm volatile("cp.async.cg.shared.global.L2::cache_hint [%0], [%1], 16, %2;" ::"r"(shared), "l"(from),
                 "l"(keep_in_cache())
                 : "memory");
  else
    asm volatile("cp.async.ca.shared.global [%0], [%1], %2;" ::"r"(shared), "l"(from), "n"(bytes) : "memory");
#else
  std::memcpy(to, from, bytes);
#endif
}
KOKKOS_FORCEINLINE_FUNCTION void end_copies() {
#ifdef ROWNORM_IMPL_SINCE_AMPERE
  asm volatile("cp.async.wait_all;" ::: "memory");
#endif
}

/// A word as it is now in memory that other teams write to, and the other way: read and written as one, without any
/// order among other accesses. Kokkos::atomic_load would be a compare-and-swap on CUDA.
KOKKOS_FORCEINLINE_FUNCTION std::uint64_t relaxed_load(const std::uint64_t* word) {
  return *static_cast<const volatile std::uint64_t*>(word);
}
KOKKOS_FORCEINLINE_FUNCTION void relaxed_store(std::uint64_t* word, std::uint64_t value) {
  *static_cast<volatile std::uint64_t*>(word) = value;
}

/// What tells streams apart: kernels with equal ones run one after the other.
using StreamId = std::pair<int, const void*>;

template <class Exec>
StreamId stream_id([[maybe_unused]] const Exec& exec) {
#ifdef KOKKOS_ENABLE_CUDA
  if constexpr (std::is_same_v<Exec, Kokkos::Cuda>)
    return {exec.cuda_device(), exec.cuda_stream()};
  else
#endif
    return {};
}

struct EmptyTeamKernel {
  template <class Member>
  KOKKOS_FUNCTION void operator()(const Member&) const {}
};

/// The largest team that the execution space grants a kernel that asks for nothing.
template <class Exec>
int max_team_size(const Exec& exec) {
  return Kokkos::TeamPolicy<Exec>(exec, 1, 1).team_size_max(EmptyTeamKernel{}, Kokkos::ParallelForTag{});
}

template <class Exec>
std::string device_name([[maybe_unused]] const Exec& exec) {
#ifdef KOKKOS_ENABLE_CUDA
  if constexpr (std::is_same_v<Exec, Kokkos::Cuda>)
    return exec.cuda_device_prop().name;
  else
#endif
    return Exec::name();
}

/// What is known of a GPU, as a rownorm::Machine.
template <class Machine, class Exec>
Machine gpu_of(const Exec& exec) {
#ifdef KOKKOS_ENABLE_CUDA
  if constexpr (std::is_same_v<Exec, Kokkos::Cuda>) {
    const auto& cuda = exec.cuda_device_prop();
    return {.kind = Machine::Kind::gpu,
            .processors = cuda.multiProcessorCount,
            .threads_per_processor = cuda.maxThreadsPerMultiProcessor,
            .max_team_threads = cuda.maxThreadsPerBlock,
            .vector_lanes = cuda.warpSize,
            .cache_bytes = cuda.l2CacheSize,
            .compute_capability = 10 * cuda.major + cuda.minor,
            .scratch_bytes = static_cast<int>(cuda.sharedMemPerMultiprocessor)};
  } else
#endif
  {
    // Kokkos reports only how many threads can be resident on the whole of any other GPU.
    constexpr int threads_per_processor = 2048;
    return {.kind = Machine::Kind::gpu,
            .processors = std::max(1, exec.concurrency() / threads_per_processor),
            .threads_per_processor = threads_per_processor,
            .max_team_threads = std::min(1024, max_team_size(exec)),
            .vector_lanes = Kokkos::TeamPolicy<Exec>::vector_length_max()};
  }
}

}  // namespace rownorm::impl

#endif
