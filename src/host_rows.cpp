// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <cstdint>
#include <rownorm/impl/host_rows.hpp>
#include <type_traits>

// This file is compiled once for each of these instruction sets. Those between them gain nothing here.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL | HWY_AVX3_ZEN4 | HWY_AVX3_SPR)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "host_rows.cpp"
#include <hwy/foreach_target.h>  // before all that follows

#include <host_rows/gradients.hpp>
#include <host_rows/long_rows.hpp>
#include <host_rows/ragged_rows.hpp>
#include <host_rows/short_rows.hpp>
#include <host_rows/tiles.hpp>
#include <host_rows/turned_tiles.hpp>

HWY_BEFORE_NAMESPACE();
namespace rownorm::impl {
namespace HWY_NAMESPACE {
namespace {

template <class Rows>
void normalize_with(Rows&& rows, const HostMatrix& matrix, std::int64_t first, std::int64_t last) {
  if (matrix.bypass_cache)
    rows.template normalize<true>(first, last);
  else
    rows.template normalize<false>(first, last);
}

template <class X, class Y>
void normalize_rows(const HostMatrix& matrix, std::int64_t first, std::int64_t last) {
  // Between different types rows go the plain way: this file is compiled for sixteen pairs of types and each
  // instruction set, which takes its time.
  if constexpr (std::is_same_v<X, Y>) {
    const bool is_dense = matrix.x_stride == matrix.columns && matrix.y_stride == matrix.columns;
    if (is_dense && matrix.columns <= ShortRows<X>::max_columns)
      normalize_with(ShortRows<X>(matrix), matrix, first, last);
    else if (matrix.overlap && matrix.writes_y)
      overlapped_rows<X>(matrix, first, last);
    else
      separate_rows<X, Y>(matrix, first, last);
  } else {
    separate_rows<X, Y>(matrix, first, last);
  }
  if (matrix.bypass_cache) hwy::FlushStream();
}

template <class X, class Y>
void normalize_tiles(const HostMatrix& matrix, std::int64_t first, std::int64_t last, const HostTileTeam& team) {
  if (matrix.x_by_columns && matrix.y_by_columns) {
    if constexpr (sizeof(X) == sizeof(Y)) normalize_with(Tiles<X, Y>(matrix, team), matrix, first, last);
  } else {
    if constexpr (std::is_same_v<X, Y> && sizeof(X) >= 4)
      normalize_with(TurnedTiles<X>(matrix, team.held), matrix, first, last);
  }
  if (matrix.bypass_cache) hwy::FlushStream();
}

template <class X>
std::int64_t normalize_ragged_rows(const HostMatrix& matrix, const HostRaggedRows& rows, std::int64_t first,
                                   std::int64_t last) {
  RaggedRows<X> ragged(matrix, rows);
  if (!matrix.bypass_cache) return ragged.template normalize<false>(first, last);
  const std::int64_t end = ragged.template normalize<true>(first, last);
  hwy::FlushStream();
  return end;
}

HostKernels find_kernels(RealType x, RealType y) {
  return host_kernels_for<hwy::float16_t, hwy::bfloat16_t>(x, y, []<class X, class Y>() {
    HostKernels kernels{sum_piece<X, Y>, rescale_pieces<X, Y>, normalize_rows<X, Y>, normalize_tiles<X, Y>};
    if constexpr (std::is_same_v<X, Y>) {
      kernels.gradients = gradients<X>;
      kernels.normalize_ragged_rows = normalize_ragged_rows<X>;
    }
    return kernels;
  });
}

const char* instructions() { return hwy::TargetName(HWY_TARGET); }

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace rownorm::impl
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace rownorm::impl {

namespace {
HWY_EXPORT(find_kernels);
HWY_EXPORT(instructions);
}  // namespace

HostKernels host_kernels(RealType x, RealType y) { return HWY_DYNAMIC_DISPATCH(find_kernels)(x, y); }
const char* host_instructions() { return HWY_DYNAMIC_DISPATCH(instructions)(); }

}  // namespace rownorm::impl
#endif
