// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_IMPL_STREAM_SUMS_HPP
#define ROWNORM_IMPL_STREAM_SUMS_HPP

#include <cstdint>
#include <mutex>

#include <Kokkos_Core.hpp>

#include <rownorm/impl/workspace.hpp>

namespace rownorm::impl {

/// Held while the two kernels of a streamed matrix are enqueued: another host thread's, on the same stream, must not
/// come between them.
inline std::mutex streamed_pair;

/// What the two kernels of a streamed matrix share, in a workspace: the first one's teams leave their partial results
/// there, and the last team of an item (a row, or a tile of rows) to finish combines all of that item in order, so no
/// team ever waits.
template <class Partial>
class StreamSums {
 public:
  static constexpr std::int64_t max_items = 1024;
  /// Partial results that there is room for: of rows, and of each team's part of them.
  static constexpr std::int64_t max_partials =
      (Workspace::sums_words - max_items) * static_cast<std::int64_t>(sizeof(std::uint64_t)) / sizeof(Partial);

  /// For so many rows, in items of `item_rows`, each shared by `teams` teams.
  StreamSums(const Workspace& workspace, std::int64_t rows, int item_rows, int teams)
      : finished_(workspace.sums()),
        rows_(reinterpret_cast<Partial*>(finished_ + max_items)),
        parts_(rows_ + rows),
        item_rows_(item_rows),
        teams_(teams) {}

  /// How many teams can share an item, and how many such items one launch can serve.
  static std::int64_t max_teams(int item_rows) { return max_partials / item_rows - 1; }
  static std::int64_t room(int item_rows, int teams) {
    return Kokkos::min(max_items, max_partials / (std::int64_t{item_rows} * (teams + 1)));
  }

  KOKKOS_FUNCTION int teams() const { return teams_; }

  /// Of a row that is finished.
  KOKKOS_FUNCTION Partial& row(std::int64_t i) const { return rows_[i]; }

  /// A team's part of a row of an item.
  KOKKOS_FUNCTION Partial& part(std::int64_t item, int team, int row) const {
    return parts_[(item * teams_ + team) * item_rows_ + row];
  }

  /// One thread of each team calls it, when all threads of the team have left their parts, called memory_fence and met
  /// at a barrier. True for the last team of the item, whose threads then call memory_fence and read the parts.
  KOKKOS_FUNCTION bool finish(std::int64_t item) const {
    const std::uint64_t before = Kokkos::atomic_fetch_add(finished_ + item, std::uint64_t{1});
    const bool is_last = before + 1 == static_cast<std::uint64_t>(teams_);
    if (is_last) finished_[item] = 0;  // for the next launch
    return is_last;
  }

 private:
  std::uint64_t* finished_;  // teams of each item; zero before and after the first kernel
  Partial* rows_;
  Partial* parts_;
  int item_rows_;
  int teams_;
};

}  // namespace rownorm::impl

#endif
