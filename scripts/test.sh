#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Usage: scripts/test.sh
#
# Sets up what is needed, builds everything and runs all tests: with an installed Kokkos, or else in both roots that
# environment.sh describes, which also tells the variables that count. The last line is the total of all configurations:
# "N passed, M failed", and ", K skipped" where tests were. The exit status is 0 if all was built and no test failed.

set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

# Prints the numbers of passed, failed and skipped tests in a JUnit file from CTest. Tests that CTest could not run, for
# want of their program or fixture, have failed.
count_tests() {
  awk '
    /<testcase .* status="run"/ { ++passed }
    /<testcase .* status="disabled"/ { ++skipped }
    /<testcase .* status="(fail|notrun)"/ { ++failed }
    /<skipped message="SKIP_/ { --failed; ++skipped }
    END { print passed + 0, failed + 0, skipped + 0 }' "$1"
}

# Runs the tests of the configuration in use and adds to the totals.
run_tests() {
  local counts status=0
  say "running the tests, configuration $configuration"
  rm -f "$build_dir/ctest.xml"
  inside ctest --test-dir "$inner_build_dir" --parallel "$(nproc)" --output-on-failure --no-tests=error \
    --output-junit "$inner_build_dir/ctest.xml" </dev/null 2>&1 | sed -u '/^ *Start *[0-9]*: /d' || status=$?
  if [[ -e $build_dir/ctest.xml ]]; then
    read -r -a counts <<<"$(count_tests "$build_dir/ctest.xml")"
    passed=$((passed + counts[0])) failed=$((failed + counts[1])) skipped=$((skipped + counts[2]))
  fi
  return "$status"
}

if (($# > 0)); then
  die "takes no arguments"
fi
start test
status=0
if configure_native; then
  configurations=(default)
else
  configurations=(openmp serial)
  make_roots "${configurations[@]}" || status=1
  if ((EUID != 0)); then
    die "$native_problem, and testing in .environment/ needs root: $as_root"
  fi
fi

passed=0 failed=0 skipped=0
export OMP_PROC_BIND=${OMP_PROC_BIND:-false} OMP_NUM_THREADS=${OMP_NUM_THREADS:-2} # several tests run at a time
for name in "${configurations[@]}"; do
  use "$name"
  if [[ -n $root ]] && ! root_is_ready "$name"; then
    continue # make_roots told why
  fi
  if ! build all; then
    say "building failed, configuration $configuration"
    status=1
  elif ! run_tests; then
    say "tests failed, configuration $configuration"
    status=1
  fi
done

total="$passed passed, $failed failed"
if ((skipped > 0)); then
  total+=", $skipped skipped"
fi
echo "$total"
if ((passed == 0 || failed > 0)); then
  status=1
fi
exit "$status"
