// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_SPARSE_IMPL_ENTRY_TILES_HPP
#define ROWNORM_SPARSE_IMPL_ENTRY_TILES_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <type_traits>

#include <Kokkos_Core.hpp>

#include <rownorm/impl/compat.hpp>
#include <rownorm/impl/finisher.hpp>
#include <rownorm/impl/native_team.hpp>
#include <rownorm/impl/packet.hpp>
#include <rownorm/impl/stream_sums.hpp>
#include <rownorm/sparse/impl/sparse_finisher.hpp>
#include <rownorm/sparse/impl/sparse_rows.hpp>
#include <rownorm/sparse/impl/tile_team.hpp>
#include <rownorm/sparse/impl/tile_words.hpp>
#include <rownorm/sparse/schedule.hpp>

namespace rownorm::sparse::impl {

/// A slice of a row that is longer than a tile: entries from `begin` to before `end`.
struct Slice {
  std::int64_t row = -1;
  std::int64_t begin = 0;
  std::int64_t end = 0;

  KOKKOS_FUNCTION bool is_there() const { return row >= 0; }
};

/// What a tile has: a slice of a long row that began before it, rows that begin in it and are no longer than a tile, to
/// their ends, and a slice of a long row that begins in it. Their entries are neighbours.
template <class Offset>
struct Tile {
  Slice slices[2];  ///< by Slot
  std::int64_t first_row;
  std::int64_t last_row;  ///< before this

  /// Of the items from `begin` to before `end`, where the first rows that begin at or after those are known.
  static KOKKOS_FUNCTION Tile of(const SparseRows<Offset>& rows, std::int64_t begin, std::int64_t end,
                                 std::int64_t row_at_begin, std::int64_t row_at_end, std::int64_t items) {
    Tile tile{{}, row_at_begin, row_at_end};
    const std::int64_t first_item = rows.item(row_at_begin);
    if (const std::int64_t i = row_at_begin - 1; first_item > begin && first_item - rows.item(i) > items)
      tile.slices[at_begin] = {i, begin - i - 1, Kokkos::min(first_item, end) - i - 1};
    if (row_at_begin < row_at_end)
      if (const std::int64_t i = row_at_end - 1; rows.item(row_at_end) - rows.item(i) > items) {
        tile.slices[at_end] = {i, rows.begin(i), end - i - 1};
        tile.last_row = i;
      }
    return tile;
  }
};

/// Tiles of equally many rows and entries, one a team; docs/architecture.md has the whole of it.
template <class Source, class Y, class Offset, class Norm, class Compute>
struct EntryTiles {
  using X = typename Source::Value;
  using Finisher = SparseFinisher<Norm, Compute>;
  using Partial = typename Finisher::Partial;
  using Scale = typename Finisher::Scale;
  /// As values are held between reading and writing: as they are, or where y is of another type in one that holds both.
  using Held =
      std::conditional_t<std::is_same_v<X, Y>, X,
                         std::conditional_t<rownorm::impl::is_complex_v<X>, Kokkos::complex<Compute>, Compute>>;
  static constexpr int packet = std::max<int>(rownorm::impl::packet_bytes / sizeof(X), 1);
  /// Teams that a processor is to have at once, which bounds registers.
  static constexpr int teams_per_processor = 4;

  SparseRows<Offset> rows;
  Source x;
  Y* y;
  Finisher finisher;
  TileWords<Partial> words;
  std::int64_t items;
  std::int64_t tiles;
  std::int64_t max_slices;
  int patience;
  bool in_packets;  ///< x and y begin at packets, and have one type

  template <class Exec>
  static void launch(const Exec& exec, const SparseRows<Offset>& rows, const Source& x, Y* y, const Finisher& finisher,
                     const Schedule& schedule) {
    EntryTiles kernel{.rows = rows,
                      .x = x,
                      .y = y,
                      .finisher = finisher,
                      .words = TileWords<Partial>(tile_memory(exec, schedule.tiles)),
                      .items = schedule.tile_items,
                      .tiles = schedule.tiles,
                      .max_slices = schedule.max_slices,
                      .patience = schedule.patience,
                      .in_packets = false};
    if constexpr (is_direct_v<Source> && std::is_same_v<X, Y>)
      kernel.in_packets =
          (rownorm::impl::address_of(x.data) | rownorm::impl::address_of(y)) % rownorm::impl::packet_bytes == 0;
    const int lanes = schedule.team_size * schedule.vector_length;
    const std::size_t bytes = scratch_bytes(schedule.tile_items, lanes);
    const std::lock_guard lock(rownorm::impl::streamed_pair);  // the words are for both kernels
    run(exec, "rownorm::EntryTiles", schedule, static_cast<int>(schedule.tiles), bytes, kernel);
    // Words that a team left must be put back to zero also where nothing else is to be done.
    if constexpr (is_direct_v<Source>) {
      if (schedule.tiles == 1 || !finisher.writes_y()) return;
      const LeftSlices second{kernel};
      const auto teams = static_cast<int>(std::min<std::int64_t>(schedule.tiles, schedule.second_teams));
      run(exec, "rownorm::LeftSlices", schedule, teams, LeftSlices::scratch_bytes(lanes), second);
    }
  }

  static std::size_t scratch_bytes(std::int64_t items, int lanes) {
    return room(held_room(items) * sizeof(Held)) + room((items + 2) * sizeof(std::uint16_t)) +
           room(lanes * sizeof(OpenRow<Partial>)) + room(lanes * sizeof(Scale)) + room(lanes * sizeof(unsigned)) +
           room(sizeof(Shared));
  }

  template <class Member>
  KOKKOS_FUNCTION void operator()(const Member& member) const {
    const TileTeam<Member> team(member);
    const std::int64_t number = member.league_rank();
    const Scratch scratch(member, items, team.workers());
    const Tile<Offset> tile = find_tile(team, *scratch.shared, number);

    std::int64_t begin = rows.begin(tile.first_row), end = rows.begin(tile.last_row);
    if (tile.slices[at_begin].is_there()) begin = tile.slices[at_begin].begin;
    if (tile.slices[at_begin].is_there() && tile.first_row == tile.last_row) end = tile.slices[at_begin].end;
    if (tile.slices[at_end].is_there()) end = tile.slices[at_end].end;
    const std::int64_t origin = in_packets ? begin - begin % packet : begin;  // the entry that is held first
    load(team, scratch.held, origin, begin, end);
    const auto few_rows = static_cast<int>(tile.last_row - tile.first_row);
    const std::int64_t first_item = rows.item(tile.first_row);
    for (int j = team.worker(); j <= few_rows; j += team.workers())
      scratch.starts[j] = static_cast<std::uint16_t>(rows.item(tile.first_row + j) - first_item);
    rownorm::impl::end_copies();
    member.team_barrier();

    bool is_known[2];
    Partial totals[2];
    for (const Slot slot : {at_begin, at_end})
      is_known[slot] = leave_part(team, scratch, tile.slices[slot], slot, number, origin, totals[slot]);
    if (few_rows > 0)
      normalize_rows(team, scratch, scratch.held + (rows.begin(tile.first_row) - origin), tile.first_row, few_rows);
    if (!is_direct_v<Source> || !finisher.writes_y()) return;

    unsigned left = 0;
    for (const Slot slot : {at_begin, at_end}) {
      const Slice& slice = tile.slices[slot];
      if (!slice.is_there()) continue;
      if (is_known[slot] || wait(team, *scratch.shared, slice.row, totals[slot]))
        rescale_slice(team, scratch.held - origin, slice, totals[slot]);
      else
        left |= 1u << slot;
    }
    if (left != 0 && team.worker() == 0) words.set_left(number, left);
    if (left & 1u << at_begin) begin = tile.slices[at_begin].end;
    if (left & 1u << at_end) end = tile.slices[at_end].begin;
    member.team_barrier();
    store(team, scratch.held, origin, begin, end);
  }

  /// What one thread tells all.
  struct Shared {
    std::int64_t rows[2];
    int is_true;
  };

  /// The second kernel: slices that no team waited for.
  struct LeftSlices {
    EntryTiles of;

    static std::size_t scratch_bytes(int lanes) { return room(lanes * sizeof(unsigned)) + room(sizeof(Shared)); }

    template <class Member>
    KOKKOS_FUNCTION void operator()(const Member& member) const {
      const TileTeam<Member> team(member);
      auto&& memory = member.team_scratch(0);
      const std::size_t line = rownorm::impl::line_bytes;
      auto* const left = static_cast<unsigned*>(
          memory.get_shmem_aligned((team.workers() * sizeof(unsigned) + line - 1) / line * line, line));
      auto* const shared =
          static_cast<Shared*>(memory.get_shmem_aligned((sizeof(Shared) + line - 1) / line * line, line));
      const std::int64_t teams = member.league_size();
      for (std::int64_t first = member.league_rank(); first < of.tiles; first += teams * team.workers()) {
        const std::int64_t mine = first + teams * team.worker();
        left[team.worker()] = mine < of.tiles ? of.words.take_left(mine) : 0;
        member.team_barrier();
        for (int worker = 0; worker < team.workers(); ++worker) {
          const unsigned slots = left[worker];
          if (slots == 0) continue;
          const Tile<Offset> tile = of.find_tile(team, *shared, first + teams * worker);
          for (const Slot slot : {at_begin, at_end})
            if (slots & 1u << slot) rescale(team, tile.slices[slot]);
          member.team_barrier();
        }
        member.team_barrier();
      }
    }

    template <class Member>
    KOKKOS_FUNCTION void rescale(const TileTeam<Member>& team, const Slice& slice) const {
      const Partial total = of.words.total(of.rows.item(slice.row) / of.items);
      const Scale scale = of.finisher.finish(slice.row, total, of.rows.length(slice.row), false);
      const auto count = static_cast<int>(slice.end - slice.begin);
      ROWNORM_IMPL_UNROLL(8)
      for (int k = team.worker(); k < count; k += team.workers())
        of.y[slice.begin + k] = static_cast<Y>(of.rescaled(scale, of.x(slice.begin + k)));
    }
  };

 private:
  static constexpr std::size_t room(std::size_t bytes) {
    constexpr std::size_t line = rownorm::impl::line_bytes;
    return (bytes + line - 1) / line * line;
  }
  static constexpr std::size_t held_room(std::int64_t items) { return static_cast<std::size_t>(2 * items) + packet; }

  struct Scratch {
    Held* held;
    std::uint16_t* starts;  ///< of the rows that begin in the tile and end, counted in items from the first
    OpenRow<Partial>* open;
    Scale* scales;
    unsigned* ends;
    Shared* shared;

    template <class Member>
    KOKKOS_FUNCTION Scratch(const Member& member, std::int64_t items, int workers) {
      auto&& memory = member.team_scratch(0);
      const auto take = [&](std::size_t bytes) {
        const std::size_t line = rownorm::impl::line_bytes;
        return memory.get_shmem_aligned((bytes + line - 1) / line * line, line);
      };
      held = static_cast<Held*>(take((2 * items + packet) * sizeof(Held)));
      starts = static_cast<std::uint16_t*>(take((items + 2) * sizeof(std::uint16_t)));
      open = static_cast<OpenRow<Partial>*>(take(workers * sizeof(OpenRow<Partial>)));
      scales = static_cast<Scale*>(take(workers * sizeof(Scale)));
      ends = static_cast<unsigned*>(take(workers * sizeof(unsigned)));
      shared = static_cast<Shared*>(take(sizeof(Shared)));
    }
    KOKKOS_FUNCTION Partial* partials() const { return reinterpret_cast<Partial*>(open); }
  };

  template <class Member>
  KOKKOS_FUNCTION Tile<Offset> find_tile(const TileTeam<Member>& team, Shared& shared, std::int64_t number) const {
    const std::int64_t begin = number * items, end = Kokkos::min(begin + items, rows.items());
    team.find_rows(rows, begin, end, shared.rows);
    return Tile<Offset>::of(rows, begin, end, shared.rows[0], shared.rows[1], items);
  }

  /// Begins to copy entries to where they are held.
  template <class Member>
  KOKKOS_FUNCTION void load(const TileTeam<Member>& team, Held* held, std::int64_t origin, std::int64_t begin,
                            std::int64_t end) const {
    if constexpr (is_direct_v<Source> && std::is_same_v<X, Y>) {
      if (in_packets) {
        // A last packet may have entries of the next tile, but none beyond the last of the matrix.
        const std::int64_t whole = (rows.entries - rows.entries % packet) - origin;
        const auto in_whole = static_cast<int>(Kokkos::min(end - origin, whole));
        for (int k = team.worker() * packet; k < in_whole; k += team.workers() * packet)
          rownorm::impl::begin_copy<rownorm::impl::packet_bytes>(held + k, x.data + origin + k);
        for (std::int64_t k = Kokkos::max<std::int64_t>(whole, 0) + team.worker(); k < end - origin;
             k += team.workers())
          held[k] = x.data[origin + k];
        return;
      }
    }
    const auto count = static_cast<int>(end - begin);
    ROWNORM_IMPL_UNROLL(8)
    for (int k = team.worker(); k < count; k += team.workers()) held[k] = as_held(x(begin + k));
  }

  template <class Member>
  KOKKOS_FUNCTION void store(const TileTeam<Member>& team, const Held* held, std::int64_t origin, std::int64_t begin,
                             std::int64_t end) const {
    const auto last = static_cast<int>(end - origin);
    int k = static_cast<int>(begin - origin);
    if constexpr (std::is_same_v<X, Y>) {
      if (in_packets && begin < end) {
        const int first_packet = (k + packet - 1) / packet * packet, last_packet = last / packet * packet;
        for (int e = k + team.worker(); e < Kokkos::min(first_packet, last); e += team.workers())
          y[origin + e] = held[e];
        using Words = rownorm::impl::MemoryWords<rownorm::impl::packet_bytes>;
        for (int p = first_packet + team.worker() * packet; p < last_packet; p += team.workers() * packet)
          rownorm::impl::store_words(reinterpret_cast<Words*>(y + origin + p),
                                     *reinterpret_cast<const Words*>(held + p));
        k = Kokkos::max(first_packet, last_packet);
      }
    }
    for (int e = k + team.worker(); e < last; e += team.workers()) y[origin + e] = static_cast<Y>(held[e]);
  }

  static KOKKOS_FORCEINLINE_FUNCTION Held as_held(const X& value) {
    if constexpr (std::is_same_v<X, Held>)
      return value;
    else
      return rownorm::impl::as_compute<Compute>(value);
  }

  /// A slice's partial result, to where those of its row meet. True if it is the last, and `total` then that of the
  /// row.
  template <class Member>
  KOKKOS_FUNCTION bool leave_part(const TileTeam<Member>& team, const Scratch& scratch, const Slice& slice, Slot slot,
                                  std::int64_t number, std::int64_t origin, Partial& total) const {
    if (!slice.is_there()) return false;
    const Held* const held = scratch.held + (slice.begin - origin);
    const auto count = static_cast<int>(slice.end - slice.begin);
    const Partial mine = finisher.accumulate([&](const auto& f) {
      int k = team.worker();
      for (; k + team.workers() < count; k += 2 * team.workers()) {
        f(held[k], 0, k);
        f(held[k + team.workers()], 1, k);
      }
      if (k < count) f(held[k], rownorm::impl::unpaired, k);
    });
    const Partial part = team.combine(scratch.partials(), finisher, mine);
    const std::int64_t first_tile = rows.item(slice.row) / items;
    const std::int64_t slices = (rows.item(slice.row + 1) - 1) / items - first_tile + 1;
    if (team.worker() == 0) {
      words.part(number, slot) = part;
      Kokkos::memory_fence();
      scratch.shared->is_true = words.count(first_tile, slices);
    }
    team.barrier();
    const bool is_last = scratch.shared->is_true;
    if (is_last) {
      Kokkos::memory_fence();
      Partial some{};
      for (std::int64_t s = team.worker(); s < slices; s += team.workers())
        finisher.combine(some, words.part(first_tile + s, s == 0 ? at_end : at_begin));
      total = team.combine(scratch.partials(), finisher, some);
      if (team.worker() == 0) {
        finisher.finish(slice.row, total, rows.length(slice.row), true);
        if (finisher.writes_y()) {
          words.total(first_tile) = total;
          Kokkos::memory_fence();
          words.set_done(first_tile);
        }
      }
    }
    team.barrier();
    return is_last;
  }

  /// Waits a while for the total of a row.
  template <class Member>
  KOKKOS_FUNCTION bool wait(const TileTeam<Member>& team, Shared& shared, std::int64_t row, Partial& total) const {
    const std::int64_t first_tile = rows.item(row) / items;
    const std::int64_t slices = (rows.item(row + 1) - 1) / items - first_tile + 1;
    if (team.worker() == 0) {
      bool is_done = words.is_done(first_tile);
      for (int n = slices > max_slices ? 0 : patience; !is_done && n > 0; --n) is_done = words.is_done(first_tile);
      shared.is_true = is_done;
    }
    team.barrier();
    const bool is_done = shared.is_true;
    team.barrier();
    if (!is_done) return false;
    Kokkos::memory_fence();
    total = words.total(first_tile);
    return true;
  }

  template <class Member>
  KOKKOS_FUNCTION void rescale_slice(const TileTeam<Member>& team, Held* entries, const Slice& slice,
                                     const Partial& total) const {
    const Scale scale = finisher.finish(slice.row, total, rows.length(slice.row), false);
    const auto count = static_cast<int>(slice.end - slice.begin);
    Held* const held = entries + slice.begin;
    for (int k = team.worker(); k < count; k += team.workers()) held[k] = rescaled(scale, held[k]);
  }

  template <class Value>
  KOKKOS_FORCEINLINE_FUNCTION Held rescaled(const Scale& scale, const Value& value) const {
    return as_held_y(finisher.template rescaled<Y>(scale, value, rownorm::impl::NoWeights{}, 0));
  }
  static KOKKOS_FORCEINLINE_FUNCTION Held as_held_y(const Y& value) {
    if constexpr (std::is_same_v<Y, Held>)
      return value;
    else
      return rownorm::impl::as_compute<Compute>(value);
  }

  KOKKOS_FORCEINLINE_FUNCTION Partial sum(const Held* held, int begin, int end) const {
    return finisher.accumulate([&](const auto& f) {
      int k = begin;
      for (; k + 1 < end; k += 2) {
        f(held[k], 0, k);
        f(held[k + 1], 1, k);
      }
      if (k < end) f(held[k], rownorm::impl::unpaired, k);
    });
  }

  /// Rows whose entries follow each other from `held` on. Each worker has equally many items.
  template <class Member>
  KOKKOS_FUNCTION void normalize_rows(const TileTeam<Member>& team, const Scratch& scratch, Held* held,
                                      std::int64_t first_row, int count) const {
    const std::uint16_t* const starts = scratch.starts;
    const int all = starts[count];
    const int each = (all + team.workers() - 1) / team.workers() | 1;  // odd: no two lanes meet in a bank
    const int begin = Kokkos::min(team.worker() * each, all), end = Kokkos::min(begin + each, all);

    // The row that the first item is of.
    int low = 0, high = count;
    while (low + 1 < high) {
      const int middle = (low + high) / 2;
      if (starts[middle] <= begin)
        low = middle;
      else
        high = middle;
    }
    // Rows that end here; the first may have begun before. What is left is of one that ends elsewhere.
    int row = low, first = -1, first_begin = 0, first_end = 0;
    int open_begin = 0, open_end = 0;
    OpenRow<Partial> open{};
    Partial of_first{};
    for (int item = begin; item < end;) {
      const int row_end = starts[row + 1], part_end = Kokkos::min(row_end, end);
      const int from = Kokkos::max(item, starts[row] + 1) - row - 1, to = part_end - row - 1;
      Partial partial = sum(held, from, to);
      if (row_end > end) {
        open.partial = partial;
        open_begin = from, open_end = to;
      } else if (open.ends == 0) {
        open.ends = 1;
        of_first = partial;
        first = row, first_begin = from, first_end = to;
      } else {
        const Scale scale = finisher.finish(first_row + row, partial, row_end - starts[row] - 1, true);
        for (int k = from; k < to; ++k) held[k] = rescaled(scale, held[k]);
      }
      item = part_end;
      if (row_end <= end) ++row;
    }

    const bool ends_row = open.ends != 0;
    Partial before = team.open_before(scratch.open, finisher, open);
    if (ends_row) {
      finisher.combine(before, of_first);
      const Scale scale = finisher.finish(first_row + first, before, starts[first + 1] - starts[first] - 1, true);
      scratch.scales[team.worker()] = scale;
      for (int k = first_begin; k < first_end; ++k) held[k] = rescaled(scale, held[k]);
    }
    const int next = team.next_where(scratch.ends, ends_row);  // meets at a barrier
    if (open_begin < open_end) {
      const Scale scale = scratch.scales[next];
      for (int k = open_begin; k < open_end; ++k) held[k] = rescaled(scale, held[k]);
    }
  }

  template <class Exec, class Kernel>
  static void run(const Exec& exec, const char* label, const Schedule& schedule, int teams, std::size_t bytes,
                  const Kernel& kernel) {
#ifdef KOKKOS_ENABLE_CUDA
    if constexpr (std::is_same_v<Exec, Kokkos::Cuda>) {
      rownorm::impl::launch_native_teams<tile_lanes, teams_per_processor>(label, exec, teams, schedule.team_size,
                                                                          schedule.vector_length, bytes, kernel);
      return;
    } else
#endif
      Kokkos::parallel_for(
          label,
          Kokkos::TeamPolicy<Exec>(exec, teams, schedule.team_size, schedule.vector_length)
              .set_scratch_size(0, Kokkos::PerTeam(static_cast<int>(bytes + rownorm::impl::line_bytes))),
          kernel);
  }
};

}  // namespace rownorm::sparse::impl

#endif
