// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_IMPL_KERNELS_COLUMN_TILES_HPP
#define ROWNORM_IMPL_KERNELS_COLUMN_TILES_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <Kokkos_Core.hpp>

#include <rownorm/impl/compat.hpp>
#include <rownorm/impl/counts.hpp>
#include <rownorm/impl/exchange.hpp>
#include <rownorm/impl/packet.hpp>
#include <rownorm/impl/rows.hpp>
#include <rownorm/norms.hpp>
#include <rownorm/schedule.hpp>

namespace rownorm::impl {

/// Rows that lie side by side in memory (LayoutLeft), in x, in y or in both: a team takes a tile of neighbouring rows,
/// or a slice of such a tile, and holds it in scratch memory. Neighbouring threads have neighbouring rows of the same
/// column, n rows each, so that each access is coalesced. Where only one of x and y is laid out so, n is 1, and the
/// tile is read in the order of x and written in that of y. Long tiles are shared by several teams as long rows are:
/// see exchange.hpp.
template <class X, class Y, class Norm, int n>
struct ColumnTiles {
  using Compute = compute_type<X, Y>;
  using Partial = typename Norm::template Partial<Compute>;
  using Partials = PartialsOf<Partial, n>;
  using Value = std::remove_const_t<X>;

  Rows<X> x;
  Rows<Y> y;
  RowFinisher<Norm, Compute> finisher;
  Exchange<Partial> exchange;
  int tile_rows;
  int slice_columns;
  bool x_has_adjacent_rows;
  bool y_has_adjacent_rows;
  bool in_place;

  /// A thread's place in a tile: the first of the n rows it works on, and which of their workers it is.
  struct Place {
    int row;
    int worker;
  };

  KOKKOS_FORCEINLINE_FUNCTION Place place(int thread, int workers, bool rows_are_adjacent) const {
    const int groups = tile_rows / n;
    return rows_are_adjacent ? Place{thread % groups * n, thread / groups}
                             : Place{thread / workers * n, thread % workers};
  }

  /// f(k, value) for each k-th column that a thread has of a slice, with the address of the first of its n rows.
  template <class T, class F>
  KOKKOS_FORCEINLINE_FUNCTION void for_each_column(const Rows<T>& matrix, int tile, int slice, int workers,
                                                   const Place& at, const F& f) const {
    const std::int64_t i = static_cast<std::int64_t>(tile) * tile_rows + at.row;
    const std::int64_t j = static_cast<std::int64_t>(slice) * slice_columns;
    const int columns =
        i < matrix.rows ? static_cast<int>(Kokkos::min<std::int64_t>(slice_columns, matrix.columns - j)) : 0;
    T* first = matrix.data + i * matrix.row_stride + (j + at.worker) * matrix.column_stride;
    const std::int64_t step = workers * matrix.column_stride;
    ROWNORM_IMPL_UNROLL(4)
    for (int k = at.worker; k < columns; k += workers, first += step) f(k, first);
  }

  /// What the workers of the caller's rows have together, added up in two steps: first each thread takes a share of the
  /// workers of one row, then each adds up all shares of its own rows.
  template <class Member>
  KOKKOS_FORCEINLINE_FUNCTION Partials combine(const Member& member, Partial* scratch, int workers, const Place& at,
                                               const Partials& mine) const {
    member.team_barrier();  // the last use of the scratch memory is over
    ROWNORM_IMPL_UNROLL()
    for (int q = 0; q < n; ++q) scratch[at.worker * tile_rows + at.row + q] = mine.of[q];
    member.team_barrier();
    const int shares = Kokkos::max(1, member.team_size() / tile_rows);
    for (int k = member.team_rank(); k < shares * tile_rows; k += member.team_size()) {
      Partial share = scratch[k];
      for (int w = k / tile_rows + shares; w < workers; w += shares)
        finisher.norm.combine(share, scratch[w * tile_rows + k % tile_rows]);
      scratch[k] = share;
    }
    member.team_barrier();
    Partials rows;
    for (int share = 0; share < Kokkos::min(shares, workers); ++share) {
      ROWNORM_IMPL_UNROLL()
      for (int q = 0; q < n; ++q) finisher.norm.combine(rows.of[q], scratch[share * tile_rows + at.row + q]);
    }
    return rows;
  }

  KOKKOS_FUNCTION int pitch() const { return tile_rows + (x_has_adjacent_rows == y_has_adjacent_rows ? 0 : 1); }

  std::size_t scratch_bytes(int threads) const {
    return threads * sizeof(Partials) + tile_rows * sizeof(RowScale<Compute>) + sizeof(int) +
           static_cast<std::size_t>(slice_columns) * pitch() * sizeof(Value) + 4 * packet_bytes;
  }

  template <class Member>
  KOKKOS_FUNCTION void operator()(const Member& member) const {
    const auto scratch = [&](std::size_t bytes) {
      return member.team_scratch(0).get_shmem_aligned(bytes, packet_bytes);
    };
    const int threads = member.team_size(), workers = threads / (tile_rows / n);
    const int tile = member.league_rank() / exchange.slices(), slice = member.league_rank() % exchange.slices();
    const Place at = place(member.team_rank(), workers, x_has_adjacent_rows);
    auto* const held = static_cast<Value*>(scratch(slice_columns * pitch() * sizeof(Value)));
    auto* const scales = static_cast<RowScale<Compute>*>(scratch(tile_rows * sizeof(RowScale<Compute>)));
    auto* const partials = static_cast<Partial*>(scratch(threads * sizeof(Partials)));
    auto* const missing = static_cast<int*>(scratch(sizeof(int)));
    const auto combined = [&](const Partials& mine) { return combine(member, partials, workers, at, mine); };
    const auto held_at = [&](int k) { return held + k * pitch() + at.row; };
    using Column = Packet<Value, n>;

    for_each_column(x, tile, slice, workers, at, [&](int k, const Value* from) {
      if constexpr (sizeof(Column) >= 4)
        begin_copy<sizeof(Column)>(held_at(k), from);
      else
        *held_at(k) = *from;
    });
    end_copies();
    Partials rows = combined(finisher.template accumulate_rows<n>([&](const auto& f) {
      for_each_column(x, tile, slice, workers, at, [&](int k, const Value*) { f(Column::load(held_at(k))); });
    }));

    const ExchangePlace there{exchange.slices() > 1 ? exchange.epoch() : 0, tile, slice, at.row, at.worker, workers};
    std::uint64_t finished_before = 0;
    if (exchange.slices() > 1) {
      const Partials mine = rows;
      Kokkos::single(Kokkos::PerTeam(member), [&] { *missing = no_slice; });
      member.team_barrier();
      for (;;) {
        const int late = collect(exchange, there, missing, finisher.norm, mine, in_place, combined, rows);
        if (late == no_slice) break;
        help(member, exchange, there, late, missing, combined(finisher.template accumulate_rows<n>([&](const auto& f) {
               for_each_column(x, tile, late, workers, at, [&](int, const Value* from) { f(Column::load(from)); });
             })));
      }
      if (member.team_rank() == 0) finished_before = exchange.finish();
    }

    if (x_has_adjacent_rows == y_has_adjacent_rows) {
      RowScale<Compute> scale[n];
      ROWNORM_IMPL_UNROLL()
      for (int q = 0; q < n; ++q) scale[q] = finisher.scale(rows.of[q]);
      for_each_column(y, tile, slice, workers, at, [&](int k, Y* to) {
        const Column column = Column::load(held_at(k));
        Packet<Y, n> result;
        ROWNORM_IMPL_UNROLL()
        for (int q = 0; q < n; ++q) result.set(q, static_cast<Y>(scale[q](static_cast<Compute>(column.get(q)))));
        result.store(to);
      });
    } else if constexpr (n == 1) {
      if (at.worker == 0) scales[at.row] = finisher.scale(rows.of[0]);
      member.team_barrier();
      const Place turned = place(member.team_rank(), workers, y_has_adjacent_rows);
      const RowScale<Compute> scale = scales[turned.row];
      for_each_column(y, tile, slice, workers, turned, [&](int k, Y* to) {
        *to = static_cast<Y>(scale(static_cast<Compute>(held[k * pitch() + turned.row])));
      });
    }
    if (exchange.slices() > 1 && member.team_rank() == 0)
      exchange.leave(there.epoch, finished_before, member.league_size());
  }

  template <class Exec>
  static void launch(const Exec& exec, const Rows<X>& x, const Rows<Y>& y, const RowFinisher<Norm, Compute>& finisher,
                     const Schedule& schedule) {
    using Policy = Kokkos::TeamPolicy<Exec, Kokkos::LaunchBounds<256, n == 8 || is_double_v<Compute> ? 2 : 3>>;
    const int slices = schedule.teams_per_row, threads = schedule.team_size;
    const int tile_rows = static_cast<int>(schedule.rows_per_team);
    const Exchange<Partial> exchange(slices > 1 ? workspace_of(exec) : Workspace{}, slices, tile_rows,
                                     schedule.patience);
    const auto has_adjacent_rows = [](const auto& matrix) {
      return matrix.row_stride == 1 && matrix.column_stride != 1;
    };
    // As many tiles a launch as the workspace has room for.
    const std::int64_t tiles = divide_rounding_up(x.rows, tile_rows);
    const std::int64_t max_tiles =
        slices > 1 ? Exchange<Partial>::capacity / (std::int64_t{slices} * tile_rows) : max_league_size;
    for (std::int64_t first = 0; first < tiles; first += max_tiles) {
      const std::int64_t count = std::min(max_tiles, tiles - first), first_row = first * tile_rows;
      const std::int64_t rows = std::min(count * tile_rows, x.rows - first_row);
      const ColumnTiles kernel{x.from(first_row, rows),
                               y.from(first_row, rows),
                               finisher,
                               exchange,
                               tile_rows,
                               schedule.slice_columns,
                               has_adjacent_rows(x),
                               has_adjacent_rows(y),
                               static_cast<const void*>(x.data) == y.data};
      Kokkos::parallel_for("rownorm::ColumnTiles",
                           Policy(exec, static_cast<int>(count) * slices, threads, 1)
                               .set_scratch_size(0, Kokkos::PerTeam(kernel.scratch_bytes(threads))),
                           kernel);
    }
  }
};

}  // namespace rownorm::impl

#endif
