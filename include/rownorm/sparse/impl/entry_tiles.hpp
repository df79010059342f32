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
#include <rownorm/impl/counts.hpp>
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
  static constexpr int max_lanes = tile_lanes(sizeof(Held));
  static constexpr int teams_per_processor = tile_teams_per_processor(sizeof(Held));
  /// Of a row, between reading and writing.
  static constexpr int values_per_lane = 8;
  /// Of rows that several lanes share, about.
  static constexpr int entries_per_lane = 32;
  static constexpr int far = 1 << 30;

  /// Rows of a tile that are left for more lanes: which, how many, their entries, and those of the longest.
  struct LongRows {
    std::uint16_t* rows;
    int* counts;

    KOKKOS_FUNCTION int count() const { return counts[0]; }
    KOKKOS_FUNCTION int entries() const { return counts[1]; }
    KOKKOS_FUNCTION int longest() const { return counts[2]; }
    KOKKOS_FUNCTION void add(int row, int entries) const {
      rows[Kokkos::atomic_fetch_add(&counts[0], 1)] = static_cast<std::uint16_t>(row);
      Kokkos::atomic_add(&counts[1], entries);
      Kokkos::atomic_max(&counts[2], entries);
    }
  };

  /// Where what is in the scratch memory of a team, in bytes. Rows and entries of a tile share one stretch: entries
  /// from its beginning on, and where rows begin at its end.
  struct Layout {
    int partials;
    int long_rows;
    int long_rows_each;  ///< of two lists
    int counts;
    int bytes;

    static Layout of(const TiledRows<Offset>& rows, int lanes) {
      const auto lines = [](std::int64_t bytes) {
        return static_cast<int>(rownorm::impl::divide_rounding_up(bytes, rownorm::impl::line_bytes)) *
               rownorm::impl::line_bytes;
      };
      const std::int64_t most = rows.most_items();
      constexpr std::int64_t item_bytes = std::max(sizeof(Held), sizeof(int));
      Layout layout{};
      layout.partials = lines((most + packet + 1) * item_bytes);
      layout.long_rows = layout.partials + lines(lanes * static_cast<std::int64_t>(sizeof(Partial)));
      layout.long_rows_each = lines(most / values_per_lane * static_cast<std::int64_t>(sizeof(std::uint16_t)));
      layout.counts = layout.long_rows + 2 * layout.long_rows_each;
      layout.bytes = layout.counts + lines(7 * sizeof(int));
      return layout;
    }
  };

  TiledRows<Offset> rows;
  Source x;
  Y* y;
  Finisher finisher;
  TileWords<Partial> words;
  std::int64_t max_slices;
  int patience;
  Layout layout;
  bool in_packets;  ///< x and y begin at packets, and have one type

  template <class Exec>
  static void launch(const Exec& exec, const SparseRows<Offset>& rows, const Source& x, Y* y, const Finisher& finisher,
                     const Schedule& schedule) {
    const std::lock_guard lock(rownorm::impl::streamed_pair);  // the words are for all three kernels
    EntryTiles kernel{.rows = {rows, schedule.tile_items, schedule.tiles},
                      .x = x,
                      .y = y,
                      .finisher = finisher,
                      .words = TileWords<Partial>(tile_memory(exec, schedule.tiles)),
                      .max_slices = schedule.max_slices,
                      .patience = schedule.patience,
                      .layout = {},
                      .in_packets = false};
    if constexpr (is_direct_v<Source> && std::is_same_v<X, Y>)
      kernel.in_packets =
          (rownorm::impl::address_of(x.data) | rownorm::impl::address_of(y)) % rownorm::impl::packet_bytes == 0;
    const int lanes = schedule.team_size * schedule.vector_length;
    kernel.layout = Layout::of(kernel.rows, lanes);
    Kokkos::parallel_for("rownorm::FindTiles",
                         Kokkos::RangePolicy<Exec, Kokkos::IndexType<std::int64_t>>(exec, 0, schedule.tiles + 1),
                         FindTiles{kernel.rows, kernel.words});
    run(exec, "rownorm::EntryTiles", schedule, static_cast<int>(schedule.tiles),
        static_cast<std::size_t>(kernel.layout.bytes), kernel);
    if (schedule.tiles == 1) return;
    const auto teams = static_cast<int>(std::min<std::int64_t>(schedule.tiles, schedule.last_teams));
    run(exec, "rownorm::LeftSlices", schedule, teams, lanes * sizeof(Partial), LeftSlices{kernel});
  }

  /// The first kernel: where tiles begin. It makes the words ready as well.
  struct FindTiles {
    TiledRows<Offset> rows;
    TileWords<Partial> words;

    KOKKOS_FUNCTION void operator()(std::int64_t tile) const { words.clear(tile, rows.find(tile)); }
  };

  template <class Member>
  KOKKOS_FUNCTION void operator()(const Member& member) const {
    const TileTeam<Member> team(member);
    const std::int64_t number = member.league_rank();
    Tile tile{number, 0, words.begin(number), words.begin(number + 1)};
    tile.origin = in_packets ? tile.first.entry - tile.first.entry % packet : tile.first.entry;
    const Scratch scratch(member, layout, tile.rows());
    load(team, scratch.held, tile);
    load_starts(team, scratch.starts, tile);
    for (int k = team.worker(); k < 6; k += team.workers()) scratch.counts[k] = 0;
    rownorm::impl::end_copies();
    team.barrier();

    // Others wait for these.
    if (tile.has_slice_before()) put_part(team, scratch, tile.slice_before(scratch.starts), number, at_begin);
    if (tile.has_slice_after()) put_part(team, scratch, tile.slice_after(scratch.starts), number, at_end);
    normalize_rows(team, scratch, tile);
    const Range rest = rescale_slices(team, scratch, tile);
    if (!finisher.writes_y()) return;
    team.barrier();
    store(team, scratch.held, tile.origin, rest.begin, rest.end);
  }

  /// The last kernel: slices that no team waited for.
  struct LeftSlices {
    EntryTiles of;

    template <class Member>
    KOKKOS_FUNCTION void operator()(const Member& member) const {
      const TileTeam<Member> team(member);
      auto* const partials = static_cast<Partial*>(
          member.team_scratch(0).get_shmem_aligned(team.workers() * sizeof(Partial), rownorm::impl::line_bytes));
      const std::int64_t count = of.words.left_count();
      for (std::int64_t k = member.league_rank(); k < count; k += member.league_size()) {
        const auto [tile, slots] = of.words.left(k);
        const TileBegin begin = of.words.begin(tile), end = of.words.begin(tile + 1);
        if (slots & 1u << at_begin)
          rescale(team, partials, begin, begin.entry, Kokkos::min(of.rows.begin(begin.row), end.entry), false);
        if (slots & 1u << at_end) rescale(team, partials, end, of.rows.begin(end.cut_row()), end.entry, true);
      }
    }

   private:
    template <class Member>
    KOKKOS_FUNCTION void rescale(const TileTeam<Member>& team, Partial* partials, const TileBegin& cut,
                                 std::int64_t begin, std::int64_t end, bool is_first) const {
      const std::int64_t row = cut.cut_row();
      Partial some{};
      of.combine_parts(team, cut.first_tile, cut.slices, 0, some);
      const Partial total = team.combine(partials, of.finisher, some);
      team.barrier();
      const Scale scale = of.finisher.finish(row, total, of.rows.length(row), is_first && team.worker() == 0);
      if (!of.finisher.writes_y()) return;
      const auto count = static_cast<int>(end - begin);
      ROWNORM_IMPL_UNROLL(8)
      for (int k = team.worker(); k < count; k += team.workers()) of.y[begin + k] = of.rescaled(scale, of.x(begin + k));
    }
  };

 private:
  /// Memory of a team.
  struct Scratch {
    Held* held;
    int* starts;  ///< where the rows that begin in the tile do, and the next one
    Partial* partials;
    char* lists;
    int* counts;
    int list_bytes;

    template <class Member>
    KOKKOS_FUNCTION Scratch(const Member& member, const Layout& layout, int count) {
      auto* const memory = static_cast<char*>(
          member.team_scratch(0).get_shmem_aligned(static_cast<std::size_t>(layout.bytes), rownorm::impl::line_bytes));
      held = reinterpret_cast<Held*>(memory);
      starts = reinterpret_cast<int*>(memory + layout.partials) - (count + 1);
      partials = reinterpret_cast<Partial*>(memory + layout.partials);
      lists = memory + layout.long_rows;
      counts = reinterpret_cast<int*>(memory + layout.counts);
      list_bytes = layout.long_rows_each;
    }
    KOKKOS_FUNCTION LongRows long_rows(int level) const {
      return {reinterpret_cast<std::uint16_t*>(lists + level * list_bytes), counts + 3 * level};
    }
    KOKKOS_FUNCTION int& is_missing() const { return counts[6]; }
  };

  /// Begins to copy entries to where they are held.
  template <class Member>
  KOKKOS_FUNCTION void load(const TileTeam<Member>& team, Held* held, const Tile& tile) const {
    const int end = tile.end();
    if constexpr (is_direct_v<Source> && std::is_same_v<X, Y>) {
      if (in_packets) {
        // A last packet may have entries of the next tile, but none beyond the last of the matrix.
        const auto whole =
            static_cast<int>(Kokkos::min<std::int64_t>(rows.entries - rows.entries % packet - tile.origin, end));
        const X* const from = x.data + tile.origin;
        for (int k = team.worker() * packet; k < whole; k += team.workers() * packet)
          rownorm::impl::begin_copy<rownorm::impl::packet_bytes>(held + k, from + k);
        for (int k = (whole + packet - 1) / packet * packet + team.worker(); k < end; k += team.workers())
          held[k] = from[k];
        return;
      }
    }
    ROWNORM_IMPL_UNROLL(8)
    for (int k = team.worker(); k < end; k += team.workers()) held[k] = as_held(x(tile.origin + k));
  }

  template <class Member>
  KOKKOS_FUNCTION void load_starts(const TileTeam<Member>& team, int* starts, const Tile& tile) const {
    const int count = tile.rows();
    const Offset* const from = rows.begins + tile.first.row;
    ROWNORM_IMPL_UNROLL(4)
    for (int j = team.worker(); j <= count; j += team.workers())
      starts[j] = static_cast<int>(Kokkos::min<std::int64_t>(static_cast<std::int64_t>(from[j]) - tile.origin, far));
  }

  template <class Member>
  KOKKOS_FUNCTION void store(const TileTeam<Member>& team, const Held* held, std::int64_t origin, int begin,
                             int end) const {
    Y* const to = y + origin;
    int k = begin;
    if constexpr (std::is_same_v<X, Y>) {
      if (in_packets && begin < end) {
        const int first_packet = (begin + packet - 1) / packet * packet, last_packet = end / packet * packet;
        for (int e = begin + team.worker(); e < Kokkos::min(first_packet, end); e += team.workers()) to[e] = held[e];
        using Words = rownorm::impl::MemoryWords<rownorm::impl::packet_bytes>;
        for (int p = first_packet + team.worker() * packet; p < last_packet; p += team.workers() * packet)
          rownorm::impl::store_words(reinterpret_cast<Words*>(to + p), *reinterpret_cast<const Words*>(held + p));
        k = Kokkos::max(first_packet, last_packet);
      }
    }
    for (int e = k + team.worker(); e < end; e += team.workers()) to[e] = static_cast<Y>(held[e]);
  }

  static KOKKOS_FORCEINLINE_FUNCTION Held as_held(const X& value) {
    if constexpr (std::is_same_v<X, Held>)
      return value;
    else
      return rownorm::impl::as_compute<Compute>(value);
  }

  /// The partial result of every so many-th of some entries.
  static KOKKOS_FORCEINLINE_FUNCTION Partial sum(const Finisher& finisher, const Held* held, int begin, int end,
                                                 int step) {
    return finisher.accumulate([&](const auto& f) {
      int k = begin;
      ROWNORM_IMPL_UNROLL(2)
      for (; k + step < end; k += 2 * step) {
        f(held[k], 0, k);
        f(held[k + step], 1, k);
      }
      if (k < end) f(held[k], rownorm::impl::unpaired, k);
    });
  }

  KOKKOS_FORCEINLINE_FUNCTION void rescale(const Scale& scale, Held* held, int begin, int end, int step) const {
    const Scale usual = scale.without_power();
    if (scale.power == 1) {
      ROWNORM_IMPL_UNROLL(4)
      for (int k = begin; k < end; k += step) held[k] = as_held_y(rescaled(usual, held[k]));
    } else {
      ROWNORM_IMPL_UNROLL(1)
      for (int k = begin; k < end; k += step) held[k] = as_held_y(rescaled(scale, held[k]));
    }
  }

  template <class Value>
  KOKKOS_FORCEINLINE_FUNCTION Y rescaled(const Scale& scale, const Value& value) const {
    return finisher.template rescaled<Y>(scale, value, rownorm::impl::NoWeights{}, 0);
  }
  static KOKKOS_FORCEINLINE_FUNCTION Held as_held_y(const Y& value) {
    if constexpr (std::is_same_v<Y, Held>)
      return value;
    else
      return rownorm::impl::as_compute<Compute>(value);
  }

  /// Entries that are held, from the first to before the last.
  struct Range {
    int begin;
    int end;
  };

  /// Slices of rows that are cut, as soon as all of these are known. Returns what the team is to store: slices of rows
  /// of which others are not known after a while it leaves for the last kernel.
  template <class Member>
  KOKKOS_FUNCTION Range rescale_slices(const TileTeam<Member>& team, const Scratch& scratch, const Tile& tile) const {
    Range rest{tile.begin(), tile.end()};
    unsigned left = 0;
    // Without a y there is nothing to do but to record, which the first slice of a row does.
    if (tile.has_slice_before() && finisher.writes_y())
      if (const Slice slice = tile.slice_before(scratch.starts); !rescale_slice(team, scratch, slice, false)) {
        left |= 1u << at_begin;
        rest.begin = slice.end;
      }
    if (tile.has_slice_after())
      if (const Slice slice = tile.slice_after(scratch.starts); !rescale_slice(team, scratch, slice, true)) {
        left |= 1u << at_end;
        rest.end = slice.begin;
      }
    if (left != 0 && team.worker() == 0) words.leave(tile.number, left);
    return rest;
  }

  /// A slice's partial result, to where those of its row meet.
  template <class Member>
  KOKKOS_FUNCTION void put_part(const TileTeam<Member>& team, const Scratch& scratch, const Slice& slice,
                                std::int64_t number, Slot slot) const {
    const Partial mine = sum(finisher, scratch.held, slice.begin + team.worker(), slice.end, team.workers());
    const Partial part = team.combine(scratch.partials, finisher, mine);
    if (team.worker() == 0) words.put_part(number, slot, part);
    team.barrier();
  }

  /// What every so many-th slice of a row has, for the caller's share. False where one of them was not there though
  /// looked for so many times, all together.
  template <class Member>
  KOKKOS_FUNCTION bool combine_parts(const TileTeam<Member>& team, int first_tile, int slices, int looks,
                                     Partial& total) const {
    bool are_there = true;
    for (int s = team.worker(); s < slices; s += team.workers()) {
      Partial part;
      const Slot slot = s == 0 ? at_end : at_begin;
      bool is_there = words.get_part(first_tile + s, slot, part);
      for (; !is_there && looks > 0; --looks) is_there = words.get_part(first_tile + s, slot, part);
      are_there = are_there && is_there;
      finisher.combine(total, part);
    }
    return are_there;
  }

  /// False where not all of its row is known after a while.
  template <class Member>
  KOKKOS_FUNCTION bool rescale_slice(const TileTeam<Member>& team, const Scratch& scratch, const Slice& slice,
                                     bool is_first) const {
    if (slice.count > max_slices) return false;
    if (team.worker() == 0) scratch.is_missing() = 0;
    team.barrier();
    Partial some{};
    if (!combine_parts(team, slice.first_tile, slice.count, patience, some)) scratch.is_missing() = 1;
    const Partial total = team.combine(scratch.partials, finisher, some);
    team.barrier();
    const bool is_missing = scratch.is_missing() != 0;
    team.barrier();
    if (is_missing) return false;
    const Scale scale = finisher.finish(slice.row, total, rows.length(slice.row), is_first && team.worker() == 0);
    if (finisher.writes_y()) rescale(scale, scratch.held, slice.begin + team.worker(), slice.end, team.workers());
    return true;
  }

  /// The rows that a tile has whole: short ones by a lane each, longer ones after that by so many lanes as most of them
  /// need, and the longest by a warp each.
  template <class Member>
  KOKKOS_FUNCTION void normalize_rows(const TileTeam<Member>& team, const Scratch& scratch, const Tile& tile) const {
    normalize_short_rows(team, scratch, tile);
    team.barrier();
    const LongRows longer = scratch.long_rows(0);
    if (longer.count() == 0) return;
    // The longest one, where the others are hardly shorter.
    const int wanted = Kokkos::min(longer.longest(), (3 * longer.entries()) / (2 * longer.count()));
    int shift = 0;
    while (1 << shift < team.lanes() && entries_per_lane << shift < wanted) ++shift;
    normalize_long_rows(team, scratch, tile.first.row, shift);
    team.barrier();
    normalize_longest_rows(team, scratch, tile.first.row);
  }

  /// Each by one lane, which holds its values.
  template <class Member>
  KOKKOS_FUNCTION void normalize_short_rows(const TileTeam<Member>& team, const Scratch& scratch,
                                            const Tile& tile) const {
    const int count = tile.whole_rows();
    const bool records = finisher.records();
    ROWNORM_IMPL_UNROLL(1)
    for (int row = team.worker(); row < count; row += team.workers()) {
      const int begin = scratch.starts[row], length = scratch.starts[row + 1] - begin;
      if (length > values_per_lane) {
        scratch.long_rows(0).add(row, length);
      } else if (length > 0 || records) {
        const HeldValues mine(scratch.held + begin, length);
        mine.rescale(*this, finisher.finish(tile.first.row + row, mine.sum(finisher), length, records));
      }
    }
  }

  /// Each by 2^shift lanes, which have equally many neighbouring entries. Much longer rows are left for warps.
  template <class Member>
  KOKKOS_FUNCTION void normalize_long_rows(const TileTeam<Member>& team, const Scratch& scratch, std::int64_t first_row,
                                           int shift) const {
    const LongRows listed = scratch.long_rows(0);
    const int lanes = 1 << shift, lane = team.worker() & (lanes - 1), groups = team.workers() >> shift;
    const int count = listed.count();
    const bool records = finisher.records() && lane == 0;
    ROWNORM_IMPL_UNROLL(1)
    for (int first = 0; first < count; first += groups) {
      const int k = first + (team.worker() >> shift);
      const int row = k < count ? listed.rows[k] : 0;
      int begin = scratch.starts[row], length = k < count ? scratch.starts[row + 1] - begin : 0;
      if (length > 2 * entries_per_lane << shift) {
        if (lane == 0) scratch.long_rows(1).add(row, length);
        length = 0;
      }
      // An odd number of entries a lane: no two lanes meet in a bank of scratch memory.
      const int each = (length + lanes - 1) >> shift | 1;
      begin += Kokkos::min(lane * each, length);
      const int end = Kokkos::min(begin + each, scratch.starts[row] + length);
      const Partial total = team.combine_group(lanes, finisher, sum(finisher, scratch.held, begin, end, 1));
      if (length > 0) rescale(finisher.finish(first_row + row, total, length, records), scratch.held, begin, end, 1);
    }
  }

  /// Each by a warp.
  template <class Member>
  KOKKOS_FUNCTION void normalize_longest_rows(const TileTeam<Member>& team, const Scratch& scratch,
                                              std::int64_t first_row) const {
    const LongRows listed = scratch.long_rows(1);
    const int count = listed.count(), lane = team.worker() % team.lanes();
    const bool records = finisher.records() && lane == 0;
    ROWNORM_IMPL_UNROLL(1)
    for (int k = team.warp(); k < count; k += team.warps()) {
      const int row = listed.rows[k], begin = scratch.starts[row], end = scratch.starts[row + 1];
      const Partial total =
          team.combine_group(team.lanes(), finisher, sum(finisher, scratch.held, begin + lane, end, team.lanes()));
      rescale(finisher.finish(first_row + row, total, end - begin, records), scratch.held, begin + lane, end,
              team.lanes());
    }
  }

  /// Neighbouring values, no more than a lane holds.
  struct HeldValues {
    Held values[values_per_lane];
    Held* held;
    int count;

    KOKKOS_FORCEINLINE_FUNCTION HeldValues(Held* first, int n) : held(first), count(n) {
      ROWNORM_IMPL_UNROLL()
      for (int q = 0; q < values_per_lane; ++q) values[q] = q < count ? held[q] : Held{};
    }
    KOKKOS_FORCEINLINE_FUNCTION Partial sum(const Finisher& finisher) const {
      return finisher.accumulate([&](const auto& f) {
        ROWNORM_IMPL_UNROLL()
        for (int q = 0; q < values_per_lane; q += 2)
          if (q < count) {
            f(values[q], 0, q);
            f(values[q + 1], 1, q);
          }
      });
    }
    KOKKOS_FORCEINLINE_FUNCTION void rescale(const EntryTiles& kernel, const Scale& scale) const {
      const auto by = [&](const Scale& known) {
        ROWNORM_IMPL_UNROLL()
        for (int q = 0; q < values_per_lane; ++q)
          if (q < count) held[q] = as_held_y(kernel.rescaled(known, values[q]));
      };
      if (scale.power == 1)
        by(scale.without_power());
      else
        by(scale);
    }
  };

  template <class Exec, class Kernel>
  static void run(const Exec& exec, const char* label, const Schedule& schedule, int teams, std::size_t bytes,
                  const Kernel& kernel) {
#ifdef KOKKOS_ENABLE_CUDA
    if constexpr (std::is_same_v<Exec, Kokkos::Cuda>) {
      rownorm::impl::launch_native_teams<max_lanes, teams_per_processor>(label, exec, teams, schedule.team_size,
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
