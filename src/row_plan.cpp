// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <algorithm>
#include <rownorm/impl/row_plan.hpp>

namespace rownorm::impl {

namespace {

/// A dimension other than the axis, as it lies in every operand.
struct Dimension {
  std::int64_t extent;
  std::array<std::int64_t, RowPlan::max_operands> strides;
};

/// Stable, in place, for a few.
template <class Iterator, class Before>
void sort(Iterator begin, Iterator end, const Before& before) {
  for (Iterator next = begin; next != end; ++next)
    std::rotate(std::upper_bound(begin, next, *next, before), next, next + 1);
}

bool are_one(const Dimension& outer, const Dimension& inner, int operands) {
  for (int k = 0; k < operands; ++k)
    if (outer.strides[k] != inner.strides[k] * inner.extent) return false;
  return true;
}

}  // namespace

std::int64_t RowPlan::loops() const {
  std::int64_t count = 1;
  for (int r = 0; r < loop_rank; ++r) count *= loop_extents[r];
  return count;
}

std::int64_t RowPlan::loop_offset(std::int64_t loop, int operand) const {
  std::int64_t offset = 0;
  for (int r = 0; r < loop_rank; ++r) {
    offset += loop % loop_extents[r] * operands[operand].loop_strides[r];
    loop /= loop_extents[r];
  }
  return offset;
}

RowPlan plan_rows(int axis, std::initializer_list<const Operand*> arrays,
                  std::initializer_list<const Operand*> of_rows) {
  const Operand& first = **arrays.begin();
  const int count = static_cast<int>(arrays.size() + of_rows.size());
  RowPlan plan;
  plan.columns = first.extents[axis];

  std::array<Dimension, max_rank> dimensions{};
  int dimension_count = 0;
  for (int r = 0; r < first.rank; ++r) {
    if (r == axis || first.extents[r] == 1) continue;
    Dimension& dimension = dimensions[dimension_count++];
    dimension.extent = first.extents[r];
    int k = 0;
    for (const Operand* array : arrays) dimension.strides[k++] = array->strides[r];
    for (const Operand* array : of_rows) dimension.strides[k++] = array->strides[r < axis ? r : r - 1];
  }
  int k = 0;
  for (const Operand* array : arrays) plan.operands[k++].column_stride = array->strides[axis];

  // Dimensions that follow each other without gaps are one: tried in the order of the last array, which is written.
  const auto begin = dimensions.begin(), end = begin + dimension_count;
  const auto written = static_cast<int>(arrays.size()) - 1;
  sort(begin, end, [&](const Dimension& a, const Dimension& b) { return a.strides[written] > b.strides[written]; });
  auto last = begin;
  for (auto next = begin; next != end; ++next) {
    if (next != begin && are_one(*(last - 1), *next, count)) {
      const std::int64_t extent = (last - 1)->extent * next->extent;
      *(last - 1) = *next;
      (last - 1)->extent = extent;
    } else {
      *last++ = *next;
    }
  }

  // Kernels want rows that are neighbours in memory if columns are not, and otherwise many of them; launches few.
  const auto has_neighbours = [&](const Dimension& dimension) {
    for (int array = 0; array < static_cast<int>(arrays.size()); ++array)
      if (dimension.strides[array] == 1 && plan.operands[array].column_stride != 1) return true;
    return false;
  };
  sort(begin, last, [&](const Dimension& a, const Dimension& b) { return a.extent > b.extent; });
  sort(begin, last, [&](const Dimension& a, const Dimension& b) { return has_neighbours(a) && !has_neighbours(b); });

  const auto take = [&](const Dimension& dimension, std::int64_t& extent, const auto& stride_of) {
    extent = dimension.extent;
    for (int operand = 0; operand < count; ++operand) stride_of(plan.operands[operand]) = dimension.strides[operand];
  };
  const auto kept = last - begin;
  if (kept > 0)
    take(
        begin[0], plan.batch_rows, [](PlannedOperand & to) -> auto& { return to.row_stride; });
  if (kept > 1)
    take(
        begin[1], plan.batches, [](PlannedOperand & to) -> auto& { return to.batch_stride; });
  for (plan.loop_rank = 0; plan.loop_rank + 2 < kept; ++plan.loop_rank) {
    const int r = plan.loop_rank;
    take(
        begin[r + 2], plan.loop_extents[r], [r](PlannedOperand & to) -> auto& { return to.loop_strides[r]; });
  }
  return plan;
}

}  // namespace rownorm::impl
