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
#include <rownorm/sparse/impl/tile_scratch.hpp>
#include <rownorm/sparse/impl/tile_team.hpp>
#include <rownorm/sparse/impl/tile_words.hpp>
#include <rownorm/sparse/schedule.hpp>

namespace rownorm::sparse::impl {

/// Tiles of equally many items, one a team; docs/architecture.md has the whole of it.
template <class Source, class Y, class Offset, class Norm, class Compute>
struct EntryTiles {
  using X = typename Source::Value;
  using Finisher = SparseFinisher<Norm, Compute>;
  using Partial = typename Finisher::Partial;
  using Scale = typename Finisher::Scale;
  using Scratch = TileScratch<X, Y, Partial, Scale, Compute>;
  using Held = typename Scratch::Held;
  static constexpr int packet = Scratch::packet;
  static constexpr int chunk = Scratch::chunk;
  static constexpr int max_lanes = tile_lanes(sizeof(Held));
  template <class Member>
  using Team = TileTeam<Member, max_lanes>;
  static_assert(max_lanes % 64 == 0, "packets that a lane copies are in the same place of their chunks");
  static constexpr int teams_per_processor = tile_teams_per_processor(sizeof(Held));

  TiledRows<Offset> rows;
  Source x;
  Y* y;
  Finisher finisher;
  TileWords<Partial> words;
  std::int64_t max_slices;
  int patience;
  int scratch_bytes;
  bool in_packets;  ///< x and y begin at packets, and have one type
  bool by_rows;     ///< rows are looked up: somebody wants to know which they are, or how many entries they have

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
                      .scratch_bytes = 0,
                      .in_packets = false,
                      .by_rows = finisher.knows_rows()};
    if constexpr (is_direct_v<Source> && std::is_same_v<X, Y>)
      kernel.in_packets =
          (rownorm::impl::address_of(x.data) | rownorm::impl::address_of(y)) % rownorm::impl::packet_bytes == 0;
    kernel.scratch_bytes = Scratch::bytes(most_items_of(schedule.tile_items), schedule.team_size);
    Kokkos::parallel_for("rownorm::FindTiles",
                         Kokkos::RangePolicy<Exec, Kokkos::IndexType<std::int64_t>>(exec, 0, schedule.tiles + 1),
                         FindTiles{kernel.rows, kernel.words});
    run(exec, "rownorm::EntryTiles", schedule, static_cast<int>(schedule.tiles), kernel.scratch_bytes, kernel);
    if (schedule.tiles == 1) return;
    const auto teams = static_cast<int>(std::min<std::int64_t>(schedule.tiles, schedule.last_teams));
    run(exec, "rownorm::LeftSlices", schedule, teams, schedule.team_size * static_cast<int>(sizeof(Partial)),
        LeftSlices{kernel});
  }

  /// The first kernel: where tiles begin. It makes the words ready as well.
  struct FindTiles {
    TiledRows<Offset> rows;
    TileWords<Partial> words;

    KOKKOS_FUNCTION void operator()(std::int64_t tile) const { words.clear(tile, rows.find(tile)); }
  };

  template <class Member>
  KOKKOS_FUNCTION void operator()(const Member& member) const {
    const Team<Member> team(member);
    const std::int64_t number = member.league_rank();
    Tile tile{number, 0, words.begin(number), words.begin(number + 1)};
    tile.origin = in_packets ? tile.first.entry - tile.first.entry % packet : tile.first.entry;
    const Scratch scratch(team,
                          static_cast<char*>(member.team_scratch(0).get_shmem_aligned(
                              static_cast<std::size_t>(scratch_bytes), rownorm::impl::line_bytes)),
                          tile);
    const SomeBegins begins = read_begins(team, tile, 0);
    load(team, scratch, tile);
    scratch.clear(team);
    team.barrier();
    mark_rows(team, scratch, tile, begins);
    rownorm::impl::end_copies();
    team.barrier();
    sum_chunks(team, scratch);
    team.barrier();

    for_slices(team, scratch, tile, [&](Slot slot, const Slice& slice) {  // others wait for these
      if (team.lane() != 0) return;
      words.put_part(number, slot,
                     slice.is_empty() ? Partial{} : total(team, scratch, scratch.segment(slice.begin), true));
    });
    finish_rows(team, scratch, tile);
    for_slices(team, scratch, tile, [&](Slot slot, const Slice& slice) { finish_slice(team, scratch, slot, slice); });
    team.barrier();
    const Range rest = leave_slices(team, scratch, tile);
    if (!finisher.writes_y()) return;
    const bool have_powers = scratch.have_powers() != 0;
    ROWNORM_IMPL_UNROLL(1)
    for (int group = scratch.first_group(team.warp(), team.warps());
         group < scratch.first_group(team.warp() + 1, team.warps()); ++group) {
      if (have_powers)
        store_group<true>(team, scratch, group, tile.origin, rest);
      else
        store_group<false>(team, scratch, group, tile.origin, rest);
    }
  }

  /// The last kernel: slices that no team waited for.
  struct LeftSlices {
    EntryTiles of;

    template <class Member>
    KOKKOS_FUNCTION void operator()(const Member& member) const {
      const Team<Member> team(member);
      auto* const partials = static_cast<Partial*>(
          member.team_scratch(0).get_shmem_aligned(team.warps() * sizeof(Partial), rownorm::impl::line_bytes));
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
    KOKKOS_FUNCTION void rescale(const Team<Member>& team, Partial* partials, const TileBegin& cut, std::int64_t begin,
                                 std::int64_t end, bool is_first) const {
      const std::int64_t row = cut.cut_row();
      Partial some{};
      of.combine_parts(team.worker(), team.workers(), cut.first_tile, cut.slices, 0, some);
      const Partial total = team.combine(partials, of.finisher, some);
      team.barrier();
      const Scale scale = of.finisher.finish(row, total, of.rows.length(row), is_first && team.worker() == 0);
      if (!of.finisher.writes_y()) return;
      const auto count = static_cast<int>(end - begin);
      ROWNORM_IMPL_UNROLL(8)
      for (int k = team.worker(); k < count; k += team.workers())
        of.y[begin + k] = of.finisher.template rescaled<Y>(scale, of.x(begin + k), rownorm::impl::NoWeights{}, 0);
    }
  };

 private:
  /// Entries that are held, from the first to before the last.
  struct Range {
    int begin;
    int end;
  };

  /// Begins to copy entries to where they are held.
  template <class Member>
  KOKKOS_FUNCTION void load(const Team<Member>& team, const Scratch& scratch, const Tile& tile) const {
    const int end = tile.end();
    if constexpr (is_direct_v<Source> && std::is_same_v<X, Y>) {
      if (in_packets) {
        // A last packet may have entries of the next tile, but none beyond the last of the matrix.
        const auto whole =
            static_cast<int>(Kokkos::min<std::int64_t>(rows.entries - rows.entries % packet - tile.origin, end));
        const X* const from = x.data + tile.origin;
        Held* const to = &scratch.held(team.worker() * packet);
        ROWNORM_IMPL_UNROLL(4)
        for (int k = 0; k < whole - team.worker() * packet; k += team.workers() * packet)
          rownorm::impl::begin_copy<rownorm::impl::packet_bytes>(to + k, from + team.worker() * packet + k);
        for (int k = (whole + packet - 1) / packet * packet + team.worker(); k < end; k += team.workers())
          scratch.held(k) = from[k];
        return;
      }
    }
    ROWNORM_IMPL_UNROLL(4)
    for (int k = team.worker(); k < end; k += team.workers()) scratch.held(k) = Scratch::as_held(x(tile.origin + k));
  }

  /// Where some rows begin, so many for each lane, all of them asked for before the first is waited for.
  struct SomeBegins {
    static constexpr int count = 4;
    Offset of[count];
  };
  template <class Member>
  KOKKOS_FORCEINLINE_FUNCTION SomeBegins read_begins(const Team<Member>& team, const Tile& tile, int first) const {
    SomeBegins begins{};
    ROWNORM_IMPL_UNROLL()
    for (int q = 0; q < SomeBegins::count; ++q) {
      const int j = first + q * team.workers() + team.worker();
      if (j < tile.rows()) begins.of[q] = rows.begins[tile.first.row + j];
    }
    return begins;
  }

  /// Where rows begin: in numbers, and as marks of entries. Where the tile itself begins and ends is marked as well.
  template <class Member>
  KOKKOS_FUNCTION void mark_rows(const Team<Member>& team, const Scratch& scratch, const Tile& tile,
                                 SomeBegins begins) const {
    const int count = tile.rows();
    const auto origin = static_cast<Offset>(tile.origin);
    ROWNORM_IMPL_UNROLL(1)
    for (int first = 0; first < count; first += SomeBegins::count * team.workers()) {
      if (first > 0) begins = read_begins(team, tile, first);
      ROWNORM_IMPL_UNROLL()
      for (int q = 0; q < SomeBegins::count; ++q) {
        const int j = first + q * team.workers() + team.worker();
        if (j >= count) break;
        const auto start = static_cast<unsigned>(begins.of[q] - origin);
        scratch.starts[j] = static_cast<std::uint16_t>(start);
        scratch.mark(start);
      }
    }
    if (team.worker() == 0) {
      scratch.starts[count] = static_cast<std::uint16_t>(tile.end());
      scratch.mark(tile.begin());
      scratch.mark(tile.end());
    }
  }

  /// What the segments of a warp's chunks have together, as far as they are in these.
  template <class Member>
  KOKKOS_FUNCTION void sum_chunks(const Team<Member>& team, const Scratch& scratch) const {
    const int lane = team.lane(), last_lane = team.lanes() - 1;
    const int first = scratch.first_group(team.warp(), team.warps()),
              last = scratch.first_group(team.warp() + 1, team.warps());
    int marks_before = 0;
    ROWNORM_IMPL_UNROLL(1)
    for (int c = lane; c < first * team.lanes(); c += team.lanes()) marks_before += count_of(scratch.marks[c]);
    int segment = team.sum_of_lanes(marks_before);
    if (lane == 0) scratch.first_segments[team.warp()] = segment;
    // What the groups before have of the segment that is open is better there than in registers.
    Partial& carried = scratch.tails[team.warp()];
    if (lane == 0) carried = Partial{};
    ROWNORM_IMPL_UNROLL(1)
    for (int group = first; group < last; ++group) {
      const int mine = group * team.lanes() + lane;
      const std::uint32_t marks = mine < scratch.chunks ? scratch.marks[mine] : 0;
      const int rank = segment + team.sum_of_lanes_before(count_of(marks));
      segment = rownorm::impl::shuffle(rank + count_of(marks), last_lane, team.lanes());
      Partial open{};  // what follows the last mark
      if (mine < scratch.chunks) {
        scratch.ranks[mine] = static_cast<std::uint16_t>(rank);
        auto slot = scratch.slot(rank);
        scratch.for_chunk(mine, marks, [&](const Held& value, bool is_marked) {
          if (is_marked) {
            slot.put(open);
            slot.advance(1);
            open = Partial{};
          }
          finisher.accumulate_one(open, value, 0, Compute{1});
        });
      }
      // What a segment has that began in another lane's chunk.
      if (lane == 0 && marks == 0) {
        Partial sum = carried;
        finisher.combine(sum, open);
        open = sum;
      }
      open = team.combine_since_head(marks != 0, finisher, open);
      Partial before = rownorm::impl::shuffle_up(open, 1);
      if (lane == 0) before = carried;
      if (marks != 0) {
        finisher.combine(before, scratch.slot(rank).partial());
        scratch.slot(rank).put(before);
      }
      rownorm::impl::warp_barrier();
      if (lane == last_lane) carried = open;
      rownorm::impl::warp_barrier();
    }
  }
  static KOKKOS_FORCEINLINE_FUNCTION int count_of(std::uint32_t marks) {
    return Kokkos::Experimental::popcount_builtin(marks);
  }

  /// The partial result of a segment, which may have begun in the chunks of other warps.
  template <class Member>
  KOKKOS_FORCEINLINE_FUNCTION Partial total(const Team<Member>& team, const Scratch& scratch, int segment,
                                            bool is_shared) const {
    Partial sum = scratch.slot(segment).partial();
    if (is_shared) {
      Partial before{};
      ROWNORM_IMPL_UNROLL(1)
      for (int warp = 1; warp < team.warps(); ++warp)
        if (scratch.first_segments[warp] == segment) finisher.combine(before, scratch.tails[warp - 1]);
      finisher.combine(before, sum);
      sum = before;
    }
    if constexpr (rownorm::impl::HasUnits<Partial>)
      if (sum.is_out_of_range()) {
        const int begin = scratch.begin_of(segment), end = scratch.begin_of(segment + 1);
        sum = finisher.accumulate([&](const auto& f) {
          ROWNORM_IMPL_UNROLL(1)
          for (int k = begin; k < end; ++k) {
            f(scratch.held(k), 0, k);
            f(Held{}, 1, k);
          }
        });
      }
    return sum;
  }

  /// The rows that a tile has whole.
  template <class Member>
  KOKKOS_FUNCTION void finish_rows(const Team<Member>& team, const Scratch& scratch, const Tile& tile) const {
    // Rows that have entries are segments, one after the other.
    const int count = tile.whole_rows();
    const int first = by_rows ? 0 : scratch.segment(tile.has_slice(at_begin) ? scratch.starts[0] : tile.begin());
    const int last = by_rows ? count : scratch.segment(scratch.starts[count]);
    int warp = 0, first_of_warp = 0;  // no later than the row
    ROWNORM_IMPL_UNROLL(1)
    for (int k = first + team.worker(); k < last; k += team.workers()) {
      int segment = k, length = 0;
      bool is_empty = false;
      if (by_rows) {
        const int begin = scratch.starts[k];
        length = scratch.starts[k + 1] - begin;
        is_empty = length == 0;
        segment = scratch.segment(begin);
      }
      while (first_of_warp < segment && warp + 1 < team.warps()) first_of_warp = scratch.first_segments[++warp];
      const Partial sum = is_empty ? Partial{} : total(team, scratch, segment, first_of_warp == segment);
      const Scale scale = finisher.finish(tile.first.row + k, sum, length, by_rows);
      if (!is_empty) put_scale(scratch, segment, scale);
    }
  }

  KOKKOS_FORCEINLINE_FUNCTION static void put_scale(const Scratch& scratch, int segment, const Scale& scale) {
    scratch.slot(segment).put(scale);
    if (scale.power != 1) scratch.have_powers() = 1;
  }

  /// f(slot, slice) for the slices of a tile, each by a warp of its own: of the last ones, which have the fewest rows.
  template <class Member, class F>
  KOKKOS_FORCEINLINE_FUNCTION void for_slices(const Team<Member>& team, const Scratch& scratch, const Tile& tile,
                                              const F& f) const {
    ROWNORM_IMPL_UNROLL(1)
    for (Slot slot = at_begin; slot <= at_end; slot = static_cast<Slot>(slot + 1))
      if (tile.has_slice(slot) && team.warp() == Kokkos::max(team.warps() - 1 - slot, 0))
        f(slot, tile.slice(slot, scratch.starts));
  }

  /// What every so many-th slice of a row has, for the caller's share. False where one of them was not there though
  /// looked for so many times, all together.
  KOKKOS_FUNCTION bool combine_parts(int worker, int workers, int first_tile, int slices, int looks,
                                     Partial& total) const {
    constexpr int at_once = std::max<int>(32 / sizeof(Partial), 1);
    bool are_there = true;
    ROWNORM_IMPL_UNROLL(1)
    for (int first = worker; first < slices; first += at_once * workers) {
      Partial parts[at_once];
      bool is_there[at_once];
      const auto look = [&](int q) {
        const int s = first + q * workers;
        is_there[q] = s >= slices || words.get_part(first_tile + s, s == 0 ? at_end : at_begin, parts[q]);
      };
      ROWNORM_IMPL_UNROLL()
      for (int q = 0; q < at_once; ++q) look(q);
      ROWNORM_IMPL_UNROLL()
      for (int q = 0; q < at_once; ++q) {
        for (; !is_there[q] && looks > 0; --looks) look(q);
        are_there = are_there && is_there[q];
        if (first + q * workers < slices) finisher.combine(total, parts[q]);
      }
    }
    return are_there;
  }

  /// The scale of a slice, as soon as all slices of its row are known, or that they are not after a while.
  template <class Member>
  KOKKOS_FUNCTION void finish_slice(const Team<Member>& team, const Scratch& scratch, Slot slot,
                                    const Slice& slice) const {
    // Without a y there is nothing to do but to record, which the first slice of a row does.
    if (slot == at_begin && !finisher.writes_y()) return;
    Partial some{};
    bool are_there = slice.count <= max_slices;
    if (are_there) are_there = combine_parts(team.lane(), team.lanes(), slice.first_tile, slice.count, patience, some);
    const bool are_missing = rownorm::impl::lanes_where(!are_there) != 0;
    const Partial row = team.combine_lanes(finisher, some);
    if (team.lane() != 0) return;
    if (are_missing) {
      scratch.is_missing(slot) = 1;
    } else {
      const Scale scale = finisher.finish(slice.row, row, rows.length(slice.row), slot == at_end);
      if (!slice.is_empty()) put_scale(scratch, scratch.segment(slice.begin), scale);
    }
  }

  /// Leaves slices of rows of which others are not known to the last kernel. Returns what the team is to store.
  template <class Member>
  KOKKOS_FUNCTION Range leave_slices(const Team<Member>& team, const Scratch& scratch, const Tile& tile) const {
    Range rest{tile.begin(), tile.end()};
    unsigned left = 0;
    if (scratch.is_missing(at_begin)) {
      left |= 1u << at_begin;
      rest.begin = scratch.starts[0];
    }
    if (scratch.is_missing(at_end)) {
      left |= 1u << at_end;
      rest.end = scratch.starts[tile.rows() - 1];
    }
    if (left != 0 && team.worker() == 0) words.leave(tile.number, left);
    return rest;
  }

  /// Stores what a group has of a range.
  template <bool have_powers, class Member>
  KOKKOS_FUNCTION void store_group(const Team<Member>& team, const Scratch& scratch, int group, std::int64_t origin,
                                   const Range& range) const {
    const int size = team.lanes() * chunk, first = group * size;
    const int begin = Kokkos::max(first, range.begin), end = Kokkos::min(first + size, range.end);
    Y* const to = y + origin;
    const auto rescaled_by = [&](const auto& slot, const Held& value) {
      const Scale scale = slot.scale();
      return finisher.template rescaled<Y>(have_powers ? scale : scale.without_power(), value,
                                           rownorm::impl::NoWeights{}, 0);
    };
    const auto store_some = [&](int from, int until, int step) {
      ROWNORM_IMPL_UNROLL(1)
      for (int k = from; k < until; k += step) to[k] = rescaled_by(scratch.slot_of(k), scratch.held(k));
    };
    if constexpr (std::is_same_v<X, Y>) {
      if (in_packets) {
        const int step = team.lanes() * packet, mine = first + team.lane() * packet;
        const auto packets = scratch.packets_from(mine);
        if (end - begin < size) {
          ROWNORM_IMPL_UNROLL(1)
          for (int k = 0; mine + k < end; k += step)
            if (mine + k >= begin && mine + k + packet <= end)
              packets.changed(k, rescaled_by).store(to + mine + k);
            else
              store_some(Kokkos::max(mine + k, begin), Kokkos::min(mine + k + packet, end), 1);
        } else {
          ROWNORM_IMPL_UNROLL()
          for (int k = 0; k < size; k += step) packets.changed(k, rescaled_by).store(to + mine + k);
        }
        return;
      }
    }
    store_some(begin + team.lane(), end, team.lanes());
  }

  template <class Exec, class Kernel>
  static void run(const Exec& exec, const char* label, const Schedule& schedule, int teams, int bytes,
                  const Kernel& kernel) {
#ifdef KOKKOS_ENABLE_CUDA
    if constexpr (std::is_same_v<Exec, Kokkos::Cuda>) {
      rownorm::impl::launch_native_teams<max_lanes, teams_per_processor>(
          label, exec, teams, schedule.team_size, schedule.vector_length, static_cast<std::size_t>(bytes), kernel);
      return;
    } else
#endif
      Kokkos::parallel_for(label,
                           Kokkos::TeamPolicy<Exec>(exec, teams, schedule.team_size, schedule.vector_length)
                               .set_scratch_size(0, Kokkos::PerTeam(bytes + rownorm::impl::line_bytes)),
                           kernel);
  }
};

}  // namespace rownorm::sparse::impl

#endif
