// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_TUNE_HPP
#define ROWNORM_TUNE_HPP

/// The component RowNorm::tune: which schedule is the fastest on this very device, measured, and kept in a file.

#include <cstddef>
#include <string>

#include <Kokkos_Core.hpp>

#include <rownorm/impl/trial.hpp>
#include <rownorm/machine.hpp>
#include <rownorm/schedule.hpp>
#include <rownorm/tuned.hpp>

namespace rownorm {

/// Runs all candidate_schedules of a problem on arrays of its own, and has later calls of this process with the same
/// problem, on the same kind of machine, use the fastest. Returns what was measured. A schedule must be 1 % faster than
/// that of choose_schedule to take its place. Which one is the fastest does not depend on what values arrays have.
///
/// `problem` is that of a call: `problem_of(x, y)` for plain ones. With `takes_roots` it is a call with root mean
/// squares or Euclidean lengths; with `has_extras` one with another norm, norms out, weights or a status; with
/// `arrays_read = 2` a gradient.
///
/// Allocates x, y, and what else the problem has, on the device, and frees them; threads of hosts keep room for tiles,
/// as after any call. Waits for `exec`. Takes some hundred calls, or half a second where they are short. Throws
/// std::invalid_argument for a problem that has no elements, or that no arrays of one real type of Kokkos have, of 2
/// (where there are such), 4 or 8 bytes; and what Kokkos throws where memory is short. From one thread at a time, while
/// others may call.
template <class Exec>
Tuned tune(const Exec& exec, const Problem& problem) {
  impl::check_tunable(problem);
  const Problem of_call = impl::problem_of_call(problem);
  const Tuned tuned = impl::with_value_of_size(of_call.x_value_bytes, [&]<class Value>() {
    return impl::fastest_schedule(exec, of_call, impl::Trial<Exec, Value>(exec, of_call));
  });
  use_tuned_schedule(tuned);
  return tuned;
}

/// Writes all tuned_schedules to a JSON file, with the names of devices and the times that were measured; a file of
/// that name is replaced, as a whole. Throws std::runtime_error, with the name, where it cannot be written.
void save_tuned_schedules(const std::string& path);

/// Adds the tuned schedules of such a file to those in use, and takes their place where both have one for the same
/// problem and machine. Those of other machines do no harm: one file can serve several. Leaves out those that this
/// version of RowNorm does not know or have among its candidates, and returns how many it took. Throws
/// std::runtime_error, with the name and the reason, for a file that cannot be read or is no such file; then nothing
/// changes.
std::size_t load_tuned_schedules(const std::string& path);

}  // namespace rownorm

#endif
