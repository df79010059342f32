// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <Kokkos_Core.hpp>
#include <algorithm>
#include <bit>
#include <cstdint>
#include <iterator>
#include <map>
#include <mutex>
#include <numeric>
#include <rownorm/impl/tuning_tool.hpp>
#include <string>
#include <utility>
#include <vector>

namespace rownorm::impl {

namespace {

namespace tools = Kokkos::Tools::Experimental;
using Type = tools::ValueType;
using Category = tools::StatisticalCategory;
using Values = tools::CandidateValueType;

/// All of a problem but its extents, as a number: what differs in it is another kind of problem.
std::int64_t kind_of(const Problem& problem) {
  std::int64_t kind = 0;
  const auto append = [&](auto part, int bits) { kind = kind << bits | static_cast<std::int64_t>(part); };
  append(std::bit_width(static_cast<unsigned>(problem.x_value_bytes)), 3);
  append(std::bit_width(static_cast<unsigned>(problem.y_value_bytes)), 3);
  append(problem.x_neighbours, 2);
  append(problem.y_neighbours, 2);
  append(problem.arrays_read, 2);
  for (const bool property : {problem.is_aligned, problem.have_same_phase, problem.is_dense, problem.in_double,
                              problem.takes_roots, problem.has_extras, problem.is_compiled})
    append(property, 1);
  return kind;
}

std::size_t declare_input(const char* name, Category category) {
  tools::VariableInfo info{};
  info.type = Type::kokkos_value_int64;
  info.category = category;
  info.valueQuantity = Values::kokkos_value_unbounded;
  return tools::declare_input_type(name, info);
}

/// The variable whose values are the numbers below n. Kokkos keeps a pointer to these.
std::size_t output_below(std::int64_t n) {
  struct Output {
    std::vector<std::int64_t> numbers;
    std::size_t id = 0;
  };
  static std::map<std::int64_t, Output> outputs;
  const auto [place, is_new] = outputs.try_emplace(n);
  Output& output = place->second;
  if (is_new) {
    output.numbers.resize(static_cast<std::size_t>(n));
    std::iota(output.numbers.begin(), output.numbers.end(), 0);
    tools::VariableInfo info{};
    info.type = Type::kokkos_value_int64;
    info.category = Category::kokkos_value_categorical;
    info.valueQuantity = Values::kokkos_value_set;
    info.candidates = tools::make_candidate_set(output.numbers.size(), output.numbers.data());
    output.id = tools::declare_output_type("rownorm.schedule." + std::to_string(n), info);
  }
  return output.id;
}

/// What Kokkos knows of contexts and variables is not made for several threads.
std::mutex& one_context_at_a_time() {
  static std::mutex mutex;
  return mutex;
}

}  // namespace

TuningContext::TuningContext(const Problem& problem, const std::vector<Schedule>& candidates, const Schedule& otherwise)
    : lock_(one_context_at_a_time()), id_(tools::get_new_context_id()), schedule_(otherwise) {
  static const std::size_t rows = declare_input("rownorm.rows", Category::kokkos_value_ratio),
                           columns = declare_input("rownorm.columns", Category::kokkos_value_ratio),
                           batches = declare_input("rownorm.batches", Category::kokkos_value_ratio),
                           kind = declare_input("rownorm.kind", Category::kokkos_value_categorical);
  tools::VariableValue inputs[] = {
      tools::make_variable_value(rows, problem.rows), tools::make_variable_value(columns, problem.columns),
      tools::make_variable_value(batches, problem.batches), tools::make_variable_value(kind, kind_of(problem))};
  const std::int64_t place = std::find(candidates.begin(), candidates.end(), otherwise) - candidates.begin();
  tools::VariableValue answer = tools::make_variable_value(output_below(std::ssize(candidates)), place);
  tools::begin_context(id_);
  tools::set_input_values(id_, std::size(inputs), inputs);
  tools::request_output_values(id_, 1, &answer);
  const std::int64_t number = answer.value.int_value;
  if (number >= 0 && number < std::ssize(candidates)) schedule_ = candidates[static_cast<std::size_t>(number)];
}

TuningContext::~TuningContext() { tools::end_context(id_); }

}  // namespace rownorm::impl
