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
  std::int64_t stride = 0;
  std::int64_t count = 1;

  std::int64_t last() const { return stride * (count - 1); }
};

/// Progressions whose sums are looked for, at most two for each dimension of two arrays.
class Progressions {
 public:
  void add(const Progression& progression) {
    if (progression.count > 1 && progression.stride > 0) all_[count_++] = progression;
  }

  /// Largest stride first, and those of equal stride as one.
  void simplify() {
    const auto begin = all_.begin(), end = begin + count_;
    std::sort(begin, end, [](const Progression& a, const Progression& b) { return a.stride > b.stride; });
    int last = 0;
    for (int k = 1; k < count_; ++k) {
      if (all_[k].stride == all_[last].stride)
        all_[last].count += all_[k].count - 1;
      else
        all_[++last] = all_[k];
    }
    count_ = std::min(count_, last + 1);
  }

  /// True where they can add up to a value in [low, high].
  bool reach(std::int64_t low, std::int64_t high) const {
    // Every sum is a multiple of the strides' common divisor, which for interleaved arrays misses the range altogether.
    std::int64_t divisor = 0;
    for (int k = 0; k < count_; ++k) divisor = std::gcd(divisor, all_[k].stride);
    if (divisor > 0 && divide_rounding_up(low, divisor) * divisor > high) return false;
    return reach_from(0, low, high);
  }

 private:
  bool reach_from(int index, std::int64_t low, std::int64_t high) const {
    if (index == count_) return low <= 0 && 0 <= high;
    const Progression& current = all_[index];
    std::int64_t rest = 0;
    for (int k = index + 1; k < count_; ++k) rest += all_[k].last();
    const std::int64_t first = std::max<std::int64_t>(0, divide_rounding_up(low - rest, current.stride));
    for (std::int64_t n = first; n < current.count && n * current.stride <= high; ++n)
      if (reach_from(index + 1, low - n * current.stride, high - n * current.stride)) return true;
    return false;
  }

  std::array<Progression, 2 * max_rank> all_{};
  int count_ = 0;
};

std::int64_t byte_stride(const Operand& array, int r) { return array.strides[r] * array.value_bytes; }

std::int64_t last_byte(const Operand& array) {
  std::int64_t last = array.value_bytes - 1;
  for (int r = 0; r < array.rank; ++r) last += (array.extents[r] - 1) * byte_stride(array, r);
  return last;
}

/// As "x (3 x 4)".
std::string with_extents(const Operand& array) {
  std::ostringstream text;
  text << array.name << " (";
  for (int r = 0; r < array.rank; ++r) text << (r > 0 ? " x " : "") << array.extents[r];
  text << ')';
  return text.str();
}

std::string both(const Operand& a, const Operand& b) { return with_extents(a) + " and " + with_extents(b); }

}  // namespace

bool same_elements(const Operand& a, const Operand& b) {
  if (a.address != b.address || a.value_bytes != b.value_bytes || a.rank != b.rank) return false;
  for (int r = 0; r < a.rank; ++r)
    if (a.extents[r] != b.extents[r] || (a.extents[r] > 1 && a.strides[r] != b.strides[r])) return false;
  return true;
}

bool overlap(const Operand& a, const Operand& b) {
  // An element of a, at address p, and one of b, at address q, share a byte where
  //   -a.value_bytes < p - q < b.value_bytes.
  // With the indices of b counted from its far end, p - q is a sum of non-negative progressions less an offset.
  const auto distance = static_cast<std::int64_t>(b.address - a.address);
  if (distance > last_byte(a) || -distance > last_byte(b)) return false;
  Progressions progressions;
  std::int64_t offset = distance;
  for (int r = 0; r < a.rank; ++r) progressions.add({byte_stride(a, r), a.extents[r]});
  for (int r = 0; r < b.rank; ++r) {
    const Progression progression{byte_stride(b, r), b.extents[r]};
    progressions.add(progression);
    offset += progression.last();
  }
  progressions.simplify();
  return progressions.reach(offset - a.value_bytes + 1, offset + b.value_bytes - 1);
}

bool self_overlap(const Operand& array) {
  // Two indices lead to one element where their differences d have sum_r d_r stride_r == 0, and are not all zero. Of
  // each such pair, take the last dimension in which they differ, and the order in which that difference is positive.
  for (int last = 0; last < array.rank; ++last) {
    if (array.extents[last] < 2) continue;
    if (array.strides[last] == 0) return true;
    // d_last from 1 on, and any difference in the dimensions before it, which is counted from the least.
    Progressions progressions;
    progressions.add({array.strides[last], array.extents[last] - 1});
    std::int64_t least = array.strides[last];
    for (int r = 0; r < last; ++r) {
      const Progression progression{array.strides[r], 2 * array.extents[r] - 1};
      progressions.add(progression);
      least -= progression.last() / 2;
    }
    if (least > 0) continue;
    progressions.simplify();
    if (progressions.reach(-least, -least)) return true;
  }
  return false;
}

void Checks::refuse(const std::string& what) const {
  throw std::invalid_argument(std::string(function_) + ": " + what);
}

int Checks::axis(const Operand& x, int axis) const {
  if (axis < -x.rank || axis >= x.rank)
    refuse("params.axis is " + std::to_string(axis) + ", but " + with_extents(x) + " has axes from " +
           std::to_string(-x.rank) + " to " + std::to_string(x.rank - 1));
  return axis < 0 ? axis + x.rank : axis;
}

void Checks::equal_extents(const Operand& x, const Operand& other) const {
  if (!std::equal(x.extents.begin(), x.extents.begin() + x.rank, other.extents.begin()))
    refuse(both(x, other) + " must have equal extents");
}

void Checks::norm_extents(const Operand& x, int axis, const Operand& norms) const {
  bool fit = true;
  for (int r = 0; r < x.rank; ++r)
    if (r != axis) fit = fit && norms.extents[r < axis ? r : r - 1] == x.extents[r];
  if (x.rank == 1 && norms.rank == 1) fit = norms.extents[0] == 1;
  if (!fit)
    refuse(with_extents(norms) + " must have an element for each row of " + with_extents(x) + " along axis " +
           std::to_string(axis));
}

void Checks::epsilon(double epsilon, double largest, std::initializer_list<const Operand*> called_with) const {
  if (epsilon >= 0 && epsilon <= largest) return;
  std::ostringstream text;
  text << "params.epsilon is " << epsilon << ", but must lie between 0 and " << largest << "; called with ";
  for (const char* separator = ""; const Operand* array : called_with) {
    text << separator << with_extents(*array);
    separator = " and ";
  }
  refuse(text.str());
}

Operand Checks::weights_operand(const ColumnWeights& weights) {
  const VectorRef& values = weights.values();
  return {"params.weights", reinterpret_cast<std::uintptr_t>(values.data), values.value_bytes(), 1, {values.extent},
          {values.stride}};
}

void Checks::weights_memory(const ColumnWeights& weights, std::initializer_list<const Operand*> written) const {
  if (!weights.is_given()) return;
  const Operand of_weights = weights_operand(weights);
  memory(of_weights);
  for (const Operand* array : written) disjoint(of_weights, *array);
}

void Checks::no_gradient(const char* norm, const Operand& x) const {
  refuse(std::string("params.norm is ") + norm + ", which has no gradient; called with " + with_extents(x));
}

void Checks::weight_extents(const Operand& x, int axis, const Operand& weights) const {
  if (weights.extents[0] != x.extents[axis])
    refuse(with_extents(weights) + " must have an element for each column of " + with_extents(x) + " along axis " +
           std::to_string(axis));
}

void Checks::reach(const char* name, bool can_reach) const {
  if (!can_reach) refuse(std::string(name) + " is in memory that the execution space cannot access");
}

void Checks::memory(const Operand& array) const {
  if (array.address == 0) refuse(with_extents(array) + " has elements but no memory: its data pointer is null");
}

void Checks::written(const Operand& array) const {
  if (self_overlap(array)) refuse(with_extents(array) + " has indices that lead to the same element");
}

void Checks::same_or_disjoint(const Operand& read, const Operand& written) const {
  if (!same_elements(read, written) && overlap(read, written))
    refuse(both(read, written) + " overlap in part; they must be the same elements or have none in common");
}

void Checks::disjoint(const Operand& other, const Operand& written) const {
  if (overlap(other, written)) refuse(both(other, written) + " overlap; they must have no element in common");
}

}  // namespace rownorm::impl
