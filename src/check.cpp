// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <algorithm>
#include <array>
#include <numeric>
#include <rownorm/impl/check.hpp>
#include <rownorm/impl/counts.hpp>
#include <sstream>
#include <stdexcept>
#include <string>

namespace rownorm::impl {

namespace {

/// A sum of stride * n over 0 <= n < count.
struct Progression {
  std::int64_t stride;
  std::int64_t count;

  std::int64_t last() const { return stride * (count - 1); }
};

using Progressions = std::array<Progression, 4>;

/// True where the progressions from `index` on, largest stride first, can add up to a value in [low, high].
bool reaches(const Progressions& progressions, std::size_t index, std::int64_t low, std::int64_t high) {
  if (index == progressions.size()) return low <= 0 && 0 <= high;
  const Progression& current = progressions[index];
  if (current.stride == 0) return reaches(progressions, index + 1, low, high);
  std::int64_t rest = 0;
  for (std::size_t i = index + 1; i < progressions.size(); ++i) rest += progressions[i].last();
  const std::int64_t first = std::max<std::int64_t>(0, divide_rounding_up(low - rest, current.stride));
  for (std::int64_t n = first; n < current.count && n * current.stride <= high; ++n)
    if (reaches(progressions, index + 1, low - n * current.stride, high - n * current.stride)) return true;
  return false;
}

std::int64_t last_byte(const Footprint& view) {
  return (view.rows - 1) * view.row_stride + (view.columns - 1) * view.column_stride + view.value_bytes - 1;
}

std::string extents(const char* name, const Footprint& view) {
  std::ostringstream text;
  text << name << " (";
  if (view.rank == 2) text << view.rows << " x ";
  text << view.columns << ')';
  return text.str();
}

}  // namespace

bool same_elements(const Footprint& x, const Footprint& y) {
  return x.address == y.address && x.value_bytes == y.value_bytes && (x.rows == 1 || x.row_stride == y.row_stride) &&
         (x.columns == 1 || x.column_stride == y.column_stride);
}

bool overlap(const Footprint& x, const Footprint& y) {
  // Element (i, j) of x, at address a, and element (k, l) of y, at address b, share a byte where
  //   -x.value_bytes < a - b < y.value_bytes.
  // With k and l counted from the far end of y, a - b is four non-negative progressions less an offset, of which
  // those of equal stride are one.
  const auto distance = static_cast<std::int64_t>(y.address - x.address);
  if (distance > last_byte(x) || -distance > last_byte(y)) return false;
  Progressions progressions = {
      {{x.row_stride, x.rows}, {x.column_stride, x.columns}, {y.row_stride, y.rows}, {y.column_stride, y.columns}}};
  const std::int64_t offset = progressions[2].last() + progressions[3].last() + distance;
  for (Progression& p : progressions)
    if (p.count == 1) p.stride = 0;
  std::sort(progressions.begin(), progressions.end(), [](auto& a, auto& b) { return a.stride > b.stride; });
  for (std::size_t i = 1; i < progressions.size(); ++i) {
    Progression &previous = progressions[i - 1], &current = progressions[i];
    if (previous.stride != current.stride) continue;
    current.count += previous.count - 1;
    previous = {0, 1};
  }
  const std::int64_t low = offset - x.value_bytes + 1, high = offset + y.value_bytes - 1;
  // Every sum is a multiple of the strides' common divisor, which for interleaved views misses the range altogether.
  std::int64_t divisor = 0;
  for (const Progression& p : progressions) divisor = std::gcd(divisor, p.stride);
  if (divisor > 0 && divide_rounding_up(low, divisor) * divisor > high) return false;
  return reaches(progressions, 0, low, high);
}

bool self_overlap(const Footprint& view) {
  // Indices (i, j) and (k, l) lead to one element where (i - k) row_stride == (l - j) column_stride.
  const bool many_rows = view.rows > 1, many_columns = view.columns > 1;
  if ((many_rows && view.row_stride == 0) || (many_columns && view.column_stride == 0)) return true;
  if (!many_rows || !many_columns) return false;
  const std::int64_t divisor = std::gcd(view.row_stride, view.column_stride);
  return view.column_stride / divisor < view.rows && view.row_stride / divisor < view.columns;
}

void check_arguments(const char* function, const Footprint& x, const Footprint& y, double epsilon,
                     double largest_epsilon) {
  const auto refuse = [&](const std::string& what) {
    throw std::invalid_argument(std::string(function) + ": " + what);
  };
  const auto x_and_y = [&] { return extents("x", x) + " and " + extents("y", y); };

  if (x.rows != y.rows || x.columns != y.columns) refuse(x_and_y() + " must have equal extents");
  if (!(epsilon >= 0 && epsilon <= largest_epsilon)) {
    std::ostringstream text;
    text << "params.epsilon is " << epsilon << ", but must lie between 0 and " << largest_epsilon << "; called with "
         << x_and_y();
    refuse(text.str());
  }
  if (x.rows == 0 || x.columns == 0) return;
  if (x.address == 0) refuse(extents("x", x) + " has elements but no memory: its data pointer is null");
  if (y.address == 0) refuse(extents("y", y) + " has elements but no memory: its data pointer is null");
  if (self_overlap(y)) refuse(extents("y", y) + " has indices that lead to the same element");
  if (!same_elements(x, y) && overlap(x, y))
    refuse(x_and_y() + " overlap in part; they must be the same elements or have none in common");
}

}  // namespace rownorm::impl
