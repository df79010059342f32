// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_SPARSE_IMPL_TILE_TEAM_HPP
#define ROWNORM_SPARSE_IMPL_TILE_TEAM_HPP

#include <bit>
#include <cstdint>

#include <Kokkos_Core.hpp>

#include <rownorm/impl/compat.hpp>
#include <rownorm/impl/reduce.hpp>
#include <rownorm/sparse/impl/sparse_rows.hpp>

namespace rownorm::sparse::impl {

/// What a worker has of a row that ends with another one, and whether a row ends with it before that.
template <class Partial>
struct OpenRow {
  Partial partial{};
  int ends = 0;
};

/// A team whose members are vector lanes on devices, with 32 a thread, and threads on hosts: what they find out
/// together. All of them call each function. Results do not depend on who is faster.
template <class Member>
class TileTeam {
 public:
  KOKKOS_FUNCTION explicit TileTeam(const Member& member) : member_(member) {}

  KOKKOS_FORCEINLINE_FUNCTION int worker() const {
    return member_.team_rank() * lanes() + rownorm::impl::lane_of(member_);
  }
  KOKKOS_FORCEINLINE_FUNCTION int workers() const { return member_.team_size() * lanes(); }
  KOKKOS_FORCEINLINE_FUNCTION void barrier() const { member_.team_barrier(); }

  /// The first rows at or after two items, to shared memory, where all find them.
  template <class Offset>
  KOKKOS_FUNCTION void find_rows(const SparseRows<Offset>& rows, std::int64_t begin, std::int64_t end,
                                 std::int64_t* found) const {
    KOKKOS_IF_ON_DEVICE((for (int k = member_.team_rank(); k < 2; k += member_.team_size()) {
      const std::int64_t row = search(rows, k == 0 ? begin : end);
      if (rownorm::impl::lane_of(member_) == 0) found[k] = row;
    }))
    KOKKOS_IF_ON_HOST((if (worker() == 0) {
      found[0] = rows.first_row_at(begin);
      found[1] = rows.first_row_at(end);
    }))
    barrier();
  }

  /// What all have together, which all get. Before the next use of the scratch memory the team needs a barrier.
  template <class Finisher, class Partial>
  KOKKOS_FUNCTION Partial combine(Partial* scratch, const Finisher& finisher, const Partial& mine) const {
    KOKKOS_IF_ON_DEVICE((return rownorm::impl::combine_team(member_, scratch, finisher, mine);))
    KOKKOS_IF_ON_HOST((scratch[worker()] = mine; barrier(); Partial total{};
                       for (int w = 0; w < workers(); ++w) finisher.combine(total, scratch[w]); return total;))
  }

  /// What those before the caller have of the row that is open where the caller begins.
  template <class Finisher, class Partial>
  KOKKOS_FUNCTION Partial open_before(OpenRow<Partial>* scratch, const Finisher& finisher,
                                      const OpenRow<Partial>& mine) const {
    KOKKOS_IF_ON_DEVICE((return open_before_on_device(scratch, finisher, mine);))
    KOKKOS_IF_ON_HOST((scratch[worker()] = mine; barrier(); return follow(scratch, finisher, worker()).partial;))
  }

  /// The next worker after the caller for whom something is true. What each has written to shared memory before is
  /// there for all.
  KOKKOS_FUNCTION int next_where(unsigned* scratch, bool is_true) const {
    KOKKOS_IF_ON_DEVICE((const int lane = rownorm::impl::lane_of(member_), warp = member_.team_rank();
                         const unsigned lanes_of_warp = rownorm::impl::lanes_where(is_true);
                         if (lane == 0) scratch[warp] = lanes_of_warp; barrier();
                         unsigned later = lane == 31 ? 0 : lanes_of_warp & 0xffffffffu << (lane + 1); int at = warp;
                         while (later == 0 && ++at < member_.team_size()) later = scratch[at];
                         return at * lanes() + trailing_zeros(later);))
    KOKKOS_IF_ON_HOST((scratch[worker()] = is_true; barrier(); int next = worker() + 1;
                       while (next < workers() && scratch[next] == 0)++ next; return next;))
  }

 private:
  static KOKKOS_FORCEINLINE_FUNCTION constexpr int lanes() {
    KOKKOS_IF_ON_DEVICE((return rownorm::impl::warp_lanes;))
    KOKKOS_IF_ON_HOST((return 1;))
  }

  static KOKKOS_FORCEINLINE_FUNCTION int trailing_zeros(unsigned word) {
    return Kokkos::Experimental::countr_zero_builtin(word);
  }

  /// By all lanes of a warp, which look at 32 rows at once.
  template <class Offset>
  KOKKOS_FUNCTION std::int64_t search(const SparseRows<Offset>& rows, std::int64_t wanted) const {
    std::int64_t low = 0, high = rows.rows;
    while (low < high) {
      const std::int64_t step = (high - low + rownorm::impl::warp_lanes - 1) / rownorm::impl::warp_lanes;
      const std::int64_t probe = Kokkos::min(low + (rownorm::impl::lane_of(member_) + 1) * step, high) - 1;
      const unsigned before = rownorm::impl::lanes_where(rows.item(probe) < wanted);
      const int count = Kokkos::Experimental::popcount_builtin(before);
      const std::int64_t next = Kokkos::min(low + (count + 1) * step, high) - 1;
      low = Kokkos::min(low + count * step, high);
      if (count < rownorm::impl::warp_lanes) high = next;
    }
    return low;
  }

  /// What is open behind so many.
  template <class Finisher, class Partial>
  static KOKKOS_FUNCTION OpenRow<Partial> follow(const OpenRow<Partial>* all, const Finisher& finisher, int count) {
    OpenRow<Partial> open{};
    for (int w = 0; w < count; ++w) {
      if (all[w].ends != 0)
        open = all[w];
      else
        finisher.combine(open.partial, all[w].partial);
    }
    return open;
  }

  template <class Finisher, class Partial>
  KOKKOS_FUNCTION Partial open_before_on_device(OpenRow<Partial>* scratch, const Finisher& finisher,
                                                const OpenRow<Partial>& mine) const {
    constexpr int all = rownorm::impl::warp_lanes;
    const int lane = rownorm::impl::lane_of(member_);
    OpenRow<Partial> open = mine;
    ROWNORM_IMPL_UNROLL()
    for (int distance = 1; distance < all; distance *= 2) {
      const OpenRow<Partial> other = rownorm::impl::shuffle(open, Kokkos::max(lane - distance, 0), all);
      if (lane >= distance && open.ends == 0) {
        Partial both = other.partial;
        finisher.combine(both, open.partial);
        open = {both, other.ends};
      }
    }
    if (lane == all - 1) scratch[member_.team_rank()] = open;
    barrier();
    Partial before = follow(scratch, finisher, member_.team_rank()).partial;
    const OpenRow<Partial> previous = rownorm::impl::shuffle(open, Kokkos::max(lane - 1, 0), all);
    if (lane == 0) return before;
    if (previous.ends != 0) return previous.partial;
    finisher.combine(before, previous.partial);
    return before;
  }

  const Member& member_;
};

}  // namespace rownorm::sparse::impl

#endif
