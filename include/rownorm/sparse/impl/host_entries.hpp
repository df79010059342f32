// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_SPARSE_IMPL_HOST_ENTRIES_HPP
#define ROWNORM_SPARSE_IMPL_HOST_ENTRIES_HPP

#include <algorithm>
#include <cstdint>
#include <limits>
#include <type_traits>

#include <Kokkos_Core.hpp>

#include <rownorm/impl/finisher.hpp>
#include <rownorm/impl/host_rows.hpp>
#include <rownorm/impl/kernels/host_row.hpp>
#include <rownorm/impl/vector_ref.hpp>
#include <rownorm/sparse/impl/sparse_finisher.hpp>
#include <rownorm/sparse/impl/sparse_rows.hpp>
#include <rownorm/sparse/schedule.hpp>

namespace rownorm::sparse::impl {

/// Rows of which host threads have equal shares of items. A row is summed in the pieces of host_rows.hpp, which depend
/// on its length alone, and they are combined in order: so the bits do not depend on the number of threads. Who has the
/// first item of a row has the whole of it, but of rows longer than a share, whose pieces belong to those in whose
/// shares they begin: they leave partial results in `parts`, and a second kernel rescales.
template <class Source, class Y, class Offset, class Norm, class Compute>
struct HostEntries {
  using X = typename Source::Value;
  using Finisher = SparseFinisher<Norm, Compute>;
  using Partial = typename Finisher::Partial;
  using Scale = typename Finisher::Scale;
  /// True where src/ has kernels for long stretches.
  static constexpr bool is_compiled = is_direct_v<Source> && rownorm::impl::has_host_norm_v<Norm> &&
                                      rownorm::impl::is_real_value_v<X> && rownorm::impl::is_real_value_v<Y>;

  SparseRows<Offset> rows;
  Source x;
  Y* y;
  Finisher finisher;

  /// Entries that are too few for those kernels.
  static constexpr std::int64_t few = 32;

  template <class Exec>
  void launch(const Exec& exec, const Schedule& schedule) const {
    using Memory = Kokkos::View<Partial*, typename Exec::memory_space>;
    using Policy = Kokkos::RangePolicy<Exec, Kokkos::Schedule<Kokkos::Dynamic>, Kokkos::IndexType<std::int64_t>>;
    const HostEntries self = *this;
    const std::int64_t items = schedule.tile_items, shares = schedule.tiles;
    if (shares == 1) {
      Kokkos::parallel_for("rownorm::HostEntries", Policy(exec, 0, 1), [=](std::int64_t) {
        Worker(self, schedule.bypass_cache).normalize_rows(0, self.rows.rows);
      });
      return;
    }
    const Memory parts(Kokkos::view_alloc(exec, Kokkos::WithoutInitializing, "rownorm::HostEntries::parts"),
                       2 * (rows.entries / least_piece + 1));
    const auto first_row = [=](std::int64_t share) { return self.rows.first_row_at(share * items); };
    Kokkos::parallel_for("rownorm::HostEntries", Policy(exec, 0, shares, Kokkos::ChunkSize(1)), [=](std::int64_t s) {
      Worker worker(self, schedule.bypass_cache);
      const std::int64_t first = first_row(s), last = first_row(s + 1);
      const auto sum_pieces = [&](std::int64_t i, const PieceRange& range) {
        for (std::int64_t p = range.first; p < range.last; ++p) parts(self.part(i, p)) = worker.sum_piece(i, p);
      };
      self.with_long_row(first - 1, s, items, sum_pieces);
      const bool ends_with_long_row = self.with_long_row(last - 1, s, items, [&](std::int64_t i, const auto& range) {
        if (i >= first) sum_pieces(i, range);
      });
      worker.normalize_rows(first, ends_with_long_row ? std::max(first, last - 1) : last);
    });
    Kokkos::parallel_for(
        "rownorm::HostEntries::long_rows", Policy(exec, 0, shares, Kokkos::ChunkSize(1)), [=](std::int64_t s) {
          Worker worker(self, schedule.bypass_cache);
          const std::int64_t first = first_row(s), last = first_row(s + 1);
          const auto finish = [&](std::int64_t i, const PieceRange& range) {
            Partial row = parts(self.part(i, 0));
            for (std::int64_t p = 1; p < rownorm::impl::host_pieces(self.rows.length(i)); ++p)
              self.finisher.combine(row, parts(self.part(i, p)));
            worker.rescale_pieces(i, range, self.finisher.finish(i, row, self.rows.length(i), range.first == 0));
          };
          self.with_long_row(first - 1, s, items, finish);
          self.with_long_row(last - 1, s, items, [&](std::int64_t i, const PieceRange& range) {
            if (i >= first) finish(i, range);
          });
        });
  }

 private:
  static constexpr std::int64_t least_piece = rownorm::impl::host_piece_columns(1);

  struct PieceRange {
    std::int64_t first, last;
  };

  /// Where the partial result of a piece is kept. Of pieces that begin within one stretch of least_piece entries at
  /// most one is the first of a row longer than that, and at most one another.
  std::int64_t part(std::int64_t i, std::int64_t p) const {
    const std::int64_t entry = rows.begin(i) + p * rownorm::impl::host_piece_columns(rows.length(i));
    return 2 * (entry / least_piece) + (p == 0 ? 1 : 0);
  }

  /// f(row, pieces) if the row is longer than a share, with those of its pieces that begin in share s. False if it is
  /// not.
  template <class F>
  bool with_long_row(std::int64_t i, std::int64_t s, std::int64_t items, const F& f) const {
    if (i < 0 || rows.length(i) <= items || rows.length(i) <= least_piece) return false;
    const std::int64_t piece = rownorm::impl::host_piece_columns(rows.length(i));
    const std::int64_t pieces = rownorm::impl::host_pieces(rows.length(i));
    const auto first_piece_at = [&](std::int64_t item) {
      return std::clamp<std::int64_t>(rownorm::impl::divide_rounding_up(item - rows.item(i), piece), 0, pieces);
    };
    f(i, PieceRange{first_piece_at(s * items), first_piece_at((s + 1) * items)});
    return true;
  }

  /// What kernels without Kokkos ask of these rows.
  struct HostFunctions {
    using Dense = rownorm::impl::ExtendedFinisher<Norm, Compute>;

    static void begins(const void* of, std::int64_t first, std::int64_t count, std::int64_t* to) {
      const Offset* const from = static_cast<const HostEntries*>(of)->rows.begins + first;
      for (std::int64_t i = 0; i <= count; ++i) to[i] = static_cast<std::int64_t>(from[i]);
    }
    static rownorm::impl::HostScale finish(const void* of, std::int64_t i, const rownorm::impl::HostSum& sum) {
      const auto& self = *static_cast<const HostEntries*>(of);
      const auto row = rownorm::impl::as_partial<Partial>(sum);
      const Scale scale = self.finisher.finish(i, row, self.rows.length(i), true);
      return {scale.power, scale.factor};
    }
    static void record_norms(const void* of, std::int64_t first, std::int64_t rows, const double* norms) {
      const Dense& finisher = static_cast<const HostEntries*>(of)->finisher;
      rownorm::impl::HostFinishing<Dense>::record_norms(&finisher, first, rows, norms);
    }
  };

  /// What a thread has at hand for its rows.
  class Worker {
   public:
    Worker(const HostEntries& of, bool bypass_cache) : of_(of) {
      if constexpr (is_compiled) {
        kernels_ = rownorm::impl::host_kernels(rownorm::impl::real_type<X>(), rownorm::impl::real_type<Y>());
        matrix_.x = of_.x.data;
        matrix_.y = of_.y;
        matrix_.writes_y = of_.finisher.writes_y();
        matrix_.bypass_cache = bypass_cache;
        matrix_.finisher =
            rownorm::impl::host_finisher(static_cast<const typename HostFunctions::Dense&>(of_.finisher));
        matrix_.finisher.finish = HostFunctions::finish;
        if (matrix_.finisher.record_norms) matrix_.finisher.record_norms = HostFunctions::record_norms;
        matrix_.finisher.finisher = &of_;
      }
    }

    void normalize_rows(std::int64_t first, std::int64_t last) {
      if constexpr (is_compiled) {
        // Scales are not for kernels without Kokkos to leave.
        if (kernels_.normalize_ragged_rows && of_.finisher.scales == nullptr) {
          const rownorm::impl::HostRaggedRows ragged{HostFunctions::begins, &of_, of_.finisher.over_entries,
                                                     of_.finisher.knows_rows()};
          while (first < last) {
            first = kernels_.normalize_ragged_rows(matrix_, ragged, first, last);
            if (first < last) normalize_row(first, of_.rows.begin(first), of_.rows.length(first));
            ++first;
          }
          return;
        }
      }
      normalize_one_by_one(first, last);
    }

    Partial sum_piece(std::int64_t i, std::int64_t p) { return sum_piece(of_.rows.begin(i), of_.rows.length(i), p); }

    void rescale_pieces(std::int64_t i, const PieceRange& range, const Scale& scale) {
      if (!of_.finisher.writes_y()) return;
      rescale_pieces(of_.rows.begin(i), of_.rows.length(i), range, scale, of_.y + of_.rows.begin(i));
    }

   private:
    ROWNORM_IMPL_FLATTEN void normalize_one_by_one(std::int64_t first, std::int64_t last) {
      // A copy of its own, which no store to y can change as far as a compiler knows.
      const Finisher finisher = of_.finisher;
      const Source x = of_.x;
      Y* const y = of_.y;
      const Offset* const begins = of_.rows.begins;
      const bool writes_y = finisher.writes_y();
      auto begin = first < last ? static_cast<std::int64_t>(begins[first]) : 0;
      for (std::int64_t i = first; i < last; ++i) {
        const auto end = static_cast<std::int64_t>(begins[i + 1]);
        const std::int64_t length = end - begin;
        if (length < few) {
          const Scale scale = finisher.finish(i, sum_of_few(finisher, x, begin, end), length, true);
          if (writes_y) {
            if (scale.power == 1)
              rescale_few(finisher, scale.without_power(), x, begin, length, y + begin);
            else
              rescale_few(finisher, scale, x, begin, length, y + begin);
          }
        } else {
          normalize_row(i, begin, length);
        }
        begin = end;
      }
    }

    void normalize_row(std::int64_t i, std::int64_t begin, std::int64_t length) {
      Partial row = sum_piece(begin, length, 0);
      const std::int64_t pieces = rownorm::impl::host_pieces(length);
      for (std::int64_t p = 1; p < pieces; ++p) of_.finisher.combine(row, sum_piece(begin, length, p));
      const Scale scale = of_.finisher.finish(i, row, length, true);
      if (of_.finisher.writes_y()) rescale_pieces(begin, length, {0, pieces}, scale, of_.y + begin);
    }

    static Partial sum_of_few(const Finisher& finisher, const Source& x, std::int64_t begin, std::int64_t end) {
      return finisher.accumulate([&](const auto& f) {
        std::int64_t k = begin;
        for (; k + 1 < end; k += 2) {
          f(x(k), 0, k);
          f(x(k + 1), 1, k + 1);
        }
        if (k < end) f(x(k), rownorm::impl::unpaired, k);
      });
    }
    static void rescale_few(const Finisher& finisher, const Scale& scale, const Source& x, std::int64_t begin,
                            std::int64_t length, Y* to) {
      for (std::int64_t k = 0; k < length; ++k)
        to[k] = finisher.template rescaled<Y>(scale, x(begin + k), rownorm::impl::NoWeights{}, k);
    }

    Partial sum_piece(std::int64_t begin, std::int64_t length, std::int64_t p) {
      if constexpr (is_compiled) {
        if (length >= few) {
          matrix_.columns = length;
          return rownorm::impl::as_partial<Partial>(kernels_.sum_piece(matrix_, of_.x.data + begin, p));
        }
      }
      const std::int64_t piece = rownorm::impl::host_piece_columns(length);
      const std::int64_t first = begin + p * piece, count = std::min(piece, length - p * piece);
      return of_.finisher.accumulate([&](const auto& f) {
        std::int64_t k = 0;
        for (; k + 1 < count; k += 2) {
          f(of_.x(first + k), 0, k);
          f(of_.x(first + k + 1), 1, k + 1);
        }
        if (k < count) f(of_.x(first + k), rownorm::impl::unpaired, k);
      });
    }

    /// Writes pieces of a row that would begin at `to`.
    void rescale_pieces(std::int64_t begin, std::int64_t length, const PieceRange& range, const Scale& scale, Y* to) {
      if constexpr (is_compiled) {
        if (length >= few) {
          matrix_.columns = length;
          const rownorm::impl::HostScale factors{scale.power, scale.factor};
          kernels_.rescale_pieces(matrix_, of_.x.data + begin, to, factors, range.first, range.last);
          return;
        }
      }
      const std::int64_t piece = rownorm::impl::host_piece_columns(length);
      const std::int64_t last = std::min(range.last * piece, length);
      if (scale.power == 1)
        rescale(begin, range.first * piece, last, scale.without_power(), to);
      else
        rescale(begin, range.first * piece, last, scale, to);
    }

    void rescale(std::int64_t begin, std::int64_t first, std::int64_t last, const Scale& scale, Y* to) const {
      for (std::int64_t k = first; k < last; ++k)
        to[k] = of_.finisher.template rescaled<Y>(scale, of_.x(begin + k), rownorm::impl::NoWeights{}, k);
    }

    const HostEntries& of_;
    rownorm::impl::HostMatrix matrix_{};
    rownorm::impl::HostKernels kernels_{};
  };
};

}  // namespace rownorm::sparse::impl

#endif
