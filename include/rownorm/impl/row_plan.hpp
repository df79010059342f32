// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_IMPL_ROW_PLAN_HPP
#define ROWNORM_IMPL_ROW_PLAN_HPP

/// Arrays of any rank, and an axis of theirs, as batches of matrices.

#include <array>
#include <cstdint>
#include <initializer_list>

#include <rownorm/impl/operand.hpp>
#include <rownorm/impl/rows.hpp>

namespace rownorm::impl {

/// How the elements of one operand lie. Strides count its elements.
struct PlannedOperand {
  std::int64_t column_stride = 0;
  std::int64_t row_stride = 0;
  std::int64_t batch_stride = 0;
  std::array<std::int64_t, max_rank> loop_strides{};

  friend bool operator==(const PlannedOperand&, const PlannedOperand&) = default;
};

/// Every row of the operands, wherever it lies, is row (i, b) of one of `loops()` batches of matrices: what two strides
/// cannot reach takes a launch of its own. Dimensions that follow each other without gaps in all operands are one.
struct RowPlan {
  static constexpr int max_operands = 4;

  std::int64_t columns = 1;
  std::int64_t batch_rows = 1;  ///< rows of one matrix
  std::int64_t batches = 1;
  int loop_rank = 0;
  std::array<std::int64_t, max_rank> loop_extents{};
  std::array<PlannedOperand, max_operands> operands{};

  std::int64_t loops() const;
  /// How many elements launch number `loop` of an operand lies after the first one.
  std::int64_t loop_offset(std::int64_t loop, int operand) const;
};

/// The plan for arrays of equal extents along an axis that is not negative, and for further operands that have one
/// dimension less, since they have an element for each row.
RowPlan plan_rows(int axis, std::initializer_list<const Operand*> arrays,
                  std::initializer_list<const Operand*> of_rows);

/// The rows of one launch.
template <class Value>
BatchedRows<Value> planned_rows(PointerTo<Value> data, const RowPlan& plan, int operand, std::int64_t loop) {
  const PlannedOperand& at = plan.operands[operand];
  return {Rows<Value>{data + plan.loop_offset(loop, operand), plan.batch_rows * plan.batches, plan.columns,
                      at.row_stride, at.column_stride},
          plan.batch_rows, at.batch_stride};
}

}  // namespace rownorm::impl

#endif
