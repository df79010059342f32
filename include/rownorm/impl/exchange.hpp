// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_IMPL_EXCHANGE_HPP
#define ROWNORM_IMPL_EXCHANGE_HPP

/// How teams that share rows exchange partial results.
///
/// A row (or a tile of rows side by side) is cut into slices, one a team. Each team publishes the partial result of its
/// slice and collects those of the others:
///
/// - A partial result travels as words of 8 bytes, each with 4 bytes of it and a tag. A word is written and read in
///   one piece, so whoever sees the right tag has the right bytes: waiting takes no fence and no atomic operation.
/// - The tag is the epoch of the launch, which lives in device memory. The last team of a launch to have all it needs
///   ends the epoch, so that a launch that is replayed by a graph never takes the words of another for its own.
/// - Partial results are combined in a fixed order, whoever came first: the bits are the same every time.
///
/// No deadlock: no team depends on another one's progress. A team that has looked for a slice in vain for too long
/// computes its partial result from x itself, in the same order and so with the same bits, publishes it for all, and
/// starts again with its own slice. That needs x as it was. Nobody but the owner of a slice overwrites it (where y is
/// x), and only after the owner has published its partial result and a fence. So if a slice is still unpublished after
/// a helper has read it, and a fence, then what the helper read was x; otherwise what was published stands.

#include <algorithm>
#include <cstdint>
#include <cstring>

#include <Kokkos_Core.hpp>

#include <rownorm/impl/compat.hpp>
#include <rownorm/impl/counts.hpp>
#include <rownorm/impl/workspace.hpp>

namespace rownorm::impl {

/// The words of one launch in a workspace.
template <class Partial>
class Exchange {
 public:
  static constexpr int words_per_partial = (sizeof(Partial) + 3) / 4;
  /// Partial results that one launch may exchange.
  static constexpr std::int64_t capacity = (Workspace::exchange_words - 1) / words_per_partial;

  /// For items (rows, or tiles of rows) of so many slices. A team reads `patience` times before it helps.
  Exchange(const Workspace& workspace, int slices, int rows, int patience)
      : control_(workspace.exchange()),
        words_(workspace.exchange() + 1),
        slices_(slices),
        lanes_(std::min(warp_lanes, 1 << log2_of(2 * slices - 1))),
        rows_(rows),
        patience_(patience) {}

  /// How many of `items` one launch serves: as many launches, of one size, as it takes for the workspace to have room.
  static std::int64_t items_per_launch(std::int64_t items, int slices, int rows) {
    const std::int64_t room = slices > 1 ? capacity / (std::int64_t{slices} * rows) : max_league_size;
    return divide_rounding_up(items, divide_rounding_up(items, room));
  }

  KOKKOS_FUNCTION int slices() const { return slices_; }
  /// How many lanes of a warp that collects partial results have any, as a power of two. While they are combined, all
  /// teams of the row wait: no step must be in vain.
  KOKKOS_FUNCTION int lanes() const { return lanes_; }

  /// The epoch of this launch.
  KOKKOS_FUNCTION std::uint32_t epoch() const {
    return static_cast<std::uint32_t>(relaxed_load(control_) >> 32) + 1;  // the memory starts with zeros
  }

  KOKKOS_FUNCTION void publish(std::uint32_t epoch, int item, int slice, int row, const Partial& partial) const {
    std::uint32_t pieces[words_per_partial] = {};
    std::memcpy(pieces, &partial, sizeof(Partial));
    for (int piece = 0; piece < words_per_partial; ++piece)
      relaxed_store(word(item, slice, row, piece), std::uint64_t{epoch} << 32 | pieces[piece]);
  }

  /// Looks for a published partial result.
  KOKKOS_FUNCTION bool find(std::uint32_t epoch, int item, int slice, int row, Partial& partial) const {
    std::uint32_t pieces[words_per_partial];
    bool found = true;
    for (int piece = 0; piece < words_per_partial; ++piece) {
      const std::uint64_t seen = relaxed_load(word(item, slice, row, piece));
      found = found && seen >> 32 == epoch;
      pieces[piece] = static_cast<std::uint32_t>(seen);
    }
    std::memcpy(&partial, pieces, sizeof(Partial));
    return found;
  }

  KOKKOS_FUNCTION int patience() const { return patience_; }

  /// One thread of each team calls it when the team has collected all it needs, and gives what it returns to `leave`:
  /// apart, so that the team need not wait in between.
  KOKKOS_FUNCTION std::uint64_t finish() const { return Kokkos::atomic_fetch_add(control_, std::uint64_t{1}); }

  /// The last of `teams` ends the epoch.
  KOKKOS_FUNCTION void leave(std::uint32_t epoch, std::uint64_t finished_before, int teams) const {
    if (static_cast<std::uint32_t>(finished_before) + 1 == static_cast<std::uint32_t>(teams))
      relaxed_store(control_, std::uint64_t{epoch} << 32);
  }

 private:
  KOKKOS_FUNCTION std::uint64_t* word(int item, int slice, int row, int piece) const {
    return words_ + ((static_cast<std::int64_t>(item) * slices_ + slice) * words_per_partial + piece) * rows_ + row;
  }

  std::uint64_t* control_;  // the epoch before this one, and the teams that have left
  std::uint64_t* words_;
  int slices_;
  int lanes_;
  int rows_;
  int patience_;
};

/// The caller's place in an exchange.
struct ExchangePlace {
  std::uint32_t epoch;
  int item;
  int slice;   ///< the team's own
  int row;     ///< within the item
  int worker;  ///< of those that serve the same row
  int workers;
};

inline constexpr int no_slice = 1 << 30;

/// Publishes what the team has made of its own slice of the caller's row, and collects what it can of the rest. Returns
/// no_slice, or how many slices after its own the caller misses one that the team should `help` with.
///
/// - mine: the partial result of the team's own slice, which the row's first worker publishes.
/// - in_place: y is x.
/// - collected: what the caller has found; all of the row's workers have the row together.
template <class Finisher, class Partial>
KOKKOS_FORCEINLINE_FUNCTION int collect(const Exchange<Partial>& exchange, const ExchangePlace& at,
                                        const Finisher& finisher, const Partial& mine, bool in_place,
                                        Partial& collected) {
  if (at.worker == 0) {
    exchange.publish(at.epoch, at.item, at.slice, at.row, mine);
    if (in_place) Kokkos::memory_fence();  // before this team overwrites x: see the top of this file
  }
  collected = Partial{};
  int patience = exchange.patience();
  for (int slice = at.worker; slice < exchange.slices(); slice += at.workers) {
    Partial other = mine;
    bool found = slice == at.slice || exchange.find(at.epoch, at.item, slice, at.row, other);
    for (; !found && patience > 0; --patience) found = exchange.find(at.epoch, at.item, slice, at.row, other);
    // Teams that miss the same slices start with different ones, and so share the work.
    if (!found) return slice > at.slice ? slice - at.slice : slice - at.slice + exchange.slices();
    finisher.combine(collected, other);
  }
  return no_slice;
}

/// Publishes a slice that another team has not. One worker of the row calls it, when the team has computed the partial
/// result from x since `collect`, and each of its threads has called memory_fence since it read x, and then a barrier.
template <class Partial>
KOKKOS_FUNCTION void help(const Exchange<Partial>& exchange, const ExchangePlace& at, int slice,
                          const Partial& partial) {
  if (Partial found; !exchange.find(at.epoch, at.item, slice, at.row, found))
    exchange.publish(at.epoch, at.item, slice, at.row, partial);
}

}  // namespace rownorm::impl

#endif
