// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_BENCHMARKS_CASES_HPP
#define ROWNORM_BENCHMARKS_CASES_HPP

/// What is measured. Every table is all its shapes in all its placements, in every value type.

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace bench {

struct Shape {
  std::int64_t rows;
  std::int64_t columns;
};

enum class Layout { right, left };

inline const char* to_string(Layout layout) { return layout == Layout::right ? "right" : "left"; }

/// How x and y lie in their buffers. Padding and offsets count elements.
struct Placement {
  const char* name;
  Layout x_layout;
  Layout y_layout;
  int padding;   ///< from the end of a row to the next
  int x_offset;  ///< from the start of the buffer, which is aligned, to x
  int y_offset;
  bool in_place;
};

/// What is called.
enum class Task {
  l1_normalize,
  root_mean_square,
  euclidean,
  max_abs,
  norms_out,  ///< the mean absolute values as well
  weights,    ///< RootMeanSquare, times weights of the columns
  status,     ///< rows that are not ordinary, counted as well
  row_norms,  ///< the root mean squares alone
  backward_mean_abs,
  backward_root_mean_square,
  inner_axis,  ///< of an array of matrices of 256 columns, along their first dimension, which is as long as a row
};

struct NamedTask {
  const char* name;
  Task task;
  int arrays = 2;  ///< of x's size, that the task cannot but move
};

inline const std::vector<NamedTask> tasks = {{"root_mean_square", Task::root_mean_square},
                                             {"euclidean", Task::euclidean},
                                             {"max_abs", Task::max_abs},
                                             {"norms_out", Task::norms_out},
                                             {"weights", Task::weights},
                                             {"status", Task::status},
                                             {"row_norms", Task::row_norms, 1},
                                             {"backward_mean_abs", Task::backward_mean_abs, 3},
                                             {"backward_root_mean_square", Task::backward_root_mean_square, 3},
                                             {"inner_axis", Task::inner_axis}};

struct Table {
  const char* name;
  int calls;  ///< that are timed as one: several where one is too short
  std::vector<Shape> shapes;
  std::vector<Placement> placements;
  std::vector<NamedTask> tasks = {{"", Task::l1_normalize}};
};

struct Case {
  std::string name;
  const char* type;
  Shape shape;
  Placement placement;
  int calls;
  NamedTask task;

  std::int64_t elements() const { return shape.rows * shape.columns; }

  /// In each of the two buffers.
  std::int64_t buffer_elements() const {
    return shape.rows * (shape.columns + placement.padding) + std::max(placement.x_offset, placement.y_offset);
  }
};

inline const std::vector<Shape> plain_shapes = {{4194304, 16},  {1048576, 64},  {262144, 256}, {65536, 1024},
                                                {65536, 1023},  {32768, 4096},  {16384, 8192}, {8192, 16384},
                                                {8192, 32768},  {32768, 65535}, {8192, 65536}, {4096, 131072},
                                                {2048, 262144}, {512, 1048576}, {64, 4194304}, {1, 268435456}};
inline const std::vector<Shape> odd_shapes = {{262144, 256}, {65536, 1024}, {16384, 8192}, {8192, 65536}};
inline const std::vector<Shape> odd_lengths = {{262144, 255}, {262144, 257}, {65536, 1023}, {65536, 1025},
                                               {16384, 8191}, {16384, 8193}, {8192, 65535}, {8192, 65537}};
inline const std::vector<Shape> small_shapes = {{128, 4096}, {64, 1024}, {8, 1024}};
inline const std::vector<Shape> task_shapes = {{4194304, 16}, {1048576, 64}, {262144, 256},  {65536, 1024},
                                               {16384, 8192}, {8192, 65536}, {2048, 262144}, {64, 4194304}};
inline const std::vector<Shape> host_shapes = {{16777216, 16}, {4194304, 64}, {1048576, 255}, {262144, 1024},
                                               {16384, 16384}, {4096, 65535}, {16, 16777216}, {1, 268435456}};

// clang-format off
inline const Placement contiguous =
    // name           x's layout     y's layout     padding  x offset  y offset  in place
    {"contiguous",    Layout::right, Layout::right, 0,       0,        0,        false};
inline const std::vector<Placement> layouts = {
    contiguous,
    {"in_place",      Layout::right, Layout::right, 0,       0,        0,        true},
    {"left_to_left",  Layout::left,  Layout::left,  0,       0,        0,        false},
    {"left_to_right", Layout::left,  Layout::right, 0,       0,        0,        false},
    {"right_to_left", Layout::right, Layout::left,  0,       0,        0,        false}};
inline const std::vector<Placement> misaligned = {
    {"both_offset",   Layout::right, Layout::right, 0,       1,        1,        false},
    {"x_offset",      Layout::right, Layout::right, 0,       1,        0,        false},
    {"rows_padded",   Layout::right, Layout::right, 3,       0,        0,        false}};
// clang-format on

inline bool is_prime(std::int64_t number) {
  for (std::int64_t divisor = 2; divisor * divisor <= number; ++divisor)
    if (number % divisor == 0) return false;
  return true;
}

/// Matrices of 2^27 elements, or nearly so: columns are the powers of two, their neighbours, and primes between them.
inline std::vector<Shape> sweep_shapes() {
  std::set<std::int64_t> columns;
  for (std::int64_t power = 4; power <= 1 << 24; power *= 2) {
    std::int64_t prime = power / 4 * 3;
    while (!is_prime(prime)) --prime;
    columns.insert({prime, power - 1, power, power + 1});
  }
  std::vector<Shape> shapes;
  shapes.reserve(columns.size());
  for (const std::int64_t length : columns) shapes.push_back({(1 << 27) / length, length});
  return shapes;
}

inline std::vector<Table> tables(bool sweep) {
  std::vector<Table> all = {
      // name, calls, shapes, placements
      {"shapes", 1, plain_shapes, layouts},  {"odd", 1, odd_shapes, misaligned},
      {"odd", 1, odd_lengths, {contiguous}}, {"small", 20, small_shapes, {contiguous}},
      {"host", 1, host_shapes, layouts},     {"tasks", 1, task_shapes, {contiguous}, tasks},
  };
  if (sweep) all.push_back({"sweep", 1, sweep_shapes(), {contiguous}});
  return all;
}

}  // namespace bench

#endif
