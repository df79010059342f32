#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Usage: scripts/demo.sh [flags of the driver]
#
# Sets up what is needed, builds the example driver and runs it in the current directory; "--help" tells its flags.
# Standard output and the exit status are the driver's. environment.sh describes where it is built and the variables
# that count.

set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

start demo
if configure_native; then
  use default
else
  make_roots openmp || exit
  use openmp
fi
build rownorm_driver || die "building the driver failed"
finish

command=("$driver")
if [[ -n $root ]]; then
  # The root's own loader and libraries run the driver outside of the root, where the caller's files are.
  loaders=("$root"/usr/lib/*-linux-gnu*/ld-linux*.so.* "$root"/usr/lib/*-linux-gnu*/ld64.so.*)
  for loader in "${loaders[@]}"; do
    if [[ -x $loader ]]; then
      command=("$loader" --inhibit-cache --library-path "${loader%/*}:$build_dir" "$driver")
    fi
  done
fi
export OMP_PROC_BIND=${OMP_PROC_BIND:-spread} # Kokkos warns where it is not set
exec "${command[@]}" "$@"
