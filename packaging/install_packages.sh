#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Usage: packaging/install_packages.sh --on-this-system
#
# For the Containerfile: installs on the system it runs on, which must be Debian 13, what scripts/environment.sh puts
# into its OpenMP root.

set -euo pipefail
if [[ $* != --on-this-system ]] || ! grep -qx VERSION_CODENAME=trixie /etc/os-release; then
  echo "install_packages.sh: installs packages on a Debian 13 that is made for it, with --on-this-system only" >&2
  exit 1
fi
source "$(dirname "${BASH_SOURCE[0]}")/../scripts/environment.sh"

in_root / apt-get -q update
in_root / apt-get -q -y --no-install-recommends install "${base_packages[@]}"
add_kokkos_openmp / "$(debian_archive)"
