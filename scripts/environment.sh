# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# What demo.sh and test.sh share: where to build RowNorm, and how. Source it; it defines functions and variables only.
#
# A Kokkos that CMake finds is used where it is, in build/default. Elsewhere, on Debian, the scripts make Debian 13
# roots below .environment/ and build inside them (chroot, without mounts):
#   openmp  Kokkos 5.2 from Debian unstable (sid), with the OpenMP backend
#   serial  Kokkos 5.0 and Kokkos Kernels from Debian experimental, with the Serial backend
# The two packages conflict, and neither fits Debian 12; hence roots of their own. Removing .environment/ undoes
# all but the package mmdebstrap, which is installed on the machine if it is missing.
#
# Environment variables:
#   Kokkos_ROOT, Kokkos_DIR, CMAKE_PREFIX_PATH and CMake's others, to name what is installed. Where one of the first two
#                        is set, no other Kokkos is used.
#   ROWNORM_CMAKE_FLAGS  more options to configure with, separated by spaces: "-DRowNorm_ENABLE_WARNINGS_AS_ERRORS=ON"

unset CDPATH
source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
roots_dir=$source_dir/.environment
native_dir=$source_dir/build/default
native_problem="" # why there is no native build, when configure_native has returned false
name_kokkos="name an installed Kokkos with Kokkos_ROOT"
as_root="run this as root, or $name_kokkos"
install_all="install Kokkos (4.6 up to, not including, 6), Catch2 3, CLI11, fmt, nlohmann-json and Highway"
read -r -d '' -a cmake_flags <<<"${ROWNORM_CMAKE_FLAGS:-}" || true

# ---- Words and log ----

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

die() {
  say "$*"
  exit 1
}

# Waits for other runs in this tree and opens the log; $1 names it.
start() {
  log=$source_dir/build/$1.log
  if { mkdir -p "$source_dir/build" && exec 9>"$source_dir/build/.lock"; } 2>/dev/null; then
    if command -v flock >/dev/null && ! flock -n 9; then
      say "waiting for another run in this tree to end"
      flock 9
    fi
  fi
  if ! { : >"$log"; } 2>/dev/null; then
    log=$(mktemp) # another user's tree, which may yet hold all that is needed
    trap 'rm -f "$log"' EXIT
  fi
}

# Undoes start, before a program that is none of the set-up takes over.
finish() {
  exec 9>&-
  if [[ $log != "$source_dir"/* ]]; then
    rm -f "$log"
  fi
}

# Runs a command with its output in the log; the status is the command's.
logged() {
  log_begin=$(($(wc -c <"$log") + 1))
  "$@" </dev/null >>"$log" 2>&1
}

# Shows what the last logged command wrote.
show_log() { tail -c "+$log_begin" "$log" >&2; }

# ---- Sources ----

# The files that make up the tree, each ended by a null character.
list_sources() {
  local git=(env -u GIT_DIR -u GIT_WORK_TREE -u GIT_INDEX_FILE git -c safe.directory='*' -C "$source_dir") file
  if [[ -e $source_dir/.git ]] && "${git[@]}" rev-parse >/dev/null 2>&1; then
    "${git[@]}" ls-files -z --cached --others --exclude-standard
  else
    find "$source_dir" \( -path "$source_dir/build" -o -path "$source_dir/.environment" -o -path "$source_dir/.git" \) \
      -prune -o -type f -printf '%P\0'
  fi | LC_ALL=C sort -zu | while IFS= read -r -d '' file; do
    if [[ -f $source_dir/$file ]]; then # git lists deleted files as well
      printf '%s\0' "$file"
    fi
  done
}

# A hash of all that a build depends on and that this tree and the caller decide.
fingerprint() {
  {
    printf '%s\n' "$@" "${cmake_flags[@]}"
    (cd "$source_dir" && list_sources | xargs -0 sha256sum)
  } | sha256sum
}

# Brings the folder $1 up to date with the sources. Only files whose content differs are written, with the present time,
# so that a build sees exactly these as new, whatever happened to the originals' times meanwhile.
copy_sources() {
  local copy=$1 list=$1.list file
  mkdir -p "$copy" && list_sources >"$list" || return
  while IFS= read -r -d '' file; do
    if ! cmp -s "$source_dir/$file" "$copy/$file"; then
      mkdir -p "$copy/$(dirname "$file")" || return
      cp --preserve=mode "$source_dir/$file" "$copy/$file" || return
    fi
  done <"$list"
  find "$copy" -type f -printf '%P\0' | LC_ALL=C sort -z | LC_ALL=C comm -z -23 - "$list" |
    (cd "$copy" && xargs -0 --no-run-if-empty rm -f --) &&
    find "$copy" -mindepth 1 -type d -empty -delete
}

# CMake keeps what it once found. This makes it search anew in the build folder $1 where that was not configured with
# the settings $2.
forget_other_settings() {
  if [[ $(cat "$1/.settings" 2>/dev/null) != "$2" ]]; then
    rm -rf "$1/CMakeCache.txt" "$1/CMakeFiles/"[0-9]*
    printf '%s\n' "$2" >"$1/.settings"
  fi
}

# ---- An installed Kokkos ----

kokkos_is_named() {
  [[ -n ${Kokkos_ROOT:-}${Kokkos_DIR:-} || " ${cmake_flags[*]}" =~ \ -DKokkos_(ROOT|DIR) ]]
}

# Where CMake found Kokkos; nothing if it did not.
found_kokkos() {
  sed -n 's/^Kokkos_DIR:[A-Z]*=//p' "$native_dir/CMakeCache.txt" 2>/dev/null | grep -v -e '-NOTFOUND$' || true
}

# Whether a Kokkos found in $1 is the one that the caller named.
is_named_kokkos() {
  local found named
  found=$(realpath "$1")
  for named in "${Kokkos_ROOT:-}" "${Kokkos_DIR:-}"; do
    if [[ -n $named && $found/ == "$(realpath -m "$named")"/* ]]; then
      return
    fi
  done
  [[ -z ${Kokkos_ROOT:-}${Kokkos_DIR:-} ]]
}

# Configures build/default with an installed Kokkos; false where there is none that can be used.
configure_native() {
  local settings kokkos reason
  if ! command -v cmake >/dev/null; then
    native_problem="CMake is not installed"
  elif ! mkdir -p "$native_dir" 2>/dev/null || [[ ! -w $native_dir ]]; then
    native_problem="this user cannot write in build/"
  fi
  if [[ -n $native_problem ]]; then
    if kokkos_is_named; then
      die "$native_problem, so the Kokkos named cannot be used"
    fi
    return 1
  fi

  if [[ -z ${CMAKE_GENERATOR:-} ]] && command -v ninja >/dev/null; then
    export CMAKE_GENERATOR=Ninja
  fi
  settings=$(
    printf '%s\n' "$source_dir" "${cmake_flags[@]}"
    env -0 | grep -zE '^(CMAKE_|CXX|LDFLAGS|CUDA|PATH=|[A-Za-z0-9_]+_(ROOT|DIR)=)' | LC_ALL=C sort -z | tr '\0' '\n'
  )
  forget_other_settings "$native_dir" "$settings"

  if logged cmake -S "$source_dir" --preset default "${cmake_flags[@]}"; then
    kokkos=$(found_kokkos)
    if [[ -n $kokkos ]] && ! is_named_kokkos "$kokkos"; then
      die "Kokkos_ROOT or Kokkos_DIR is set, but CMake found another Kokkos, in $kokkos"
    fi
  elif kokkos_is_named; then
    show_log
    die "CMake failed with the Kokkos named"
  else
    kokkos=$(found_kokkos)
    native_problem="no usable Kokkos is installed"
    if [[ -n $kokkos ]]; then
      reason=$(show_log 2>&1 | sed -n '/^CMake Error/,$ s/^  \([^ B].*\)/\1/p' | awk 'NR == 1')
      say "not using the Kokkos in $kokkos, for CMake failed with it: ${reason:-"see $log"}"
    fi
    return 1
  fi
}

# ---- Debian roots ----

# Runs a command in the root $1 with a clean environment; a caller's or a CI system's variables mean nothing there.
in_root() {
  local root=$1 variable variables=(
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8
    DEBIAN_FRONTEND=noninteractive CMAKE_GENERATOR=Ninja)
  shift
  for variable in http_proxy https_proxy no_proxy OMP_NUM_THREADS OMP_PROC_BIND; do
    if [[ -n ${!variable:-} ]]; then
      variables+=("$variable=${!variable}")
    fi
  done
  env -i "${variables[@]}" chroot "$root" "$@"
}

# The machine's own address of Debian's archive, so that mirrors stay in use.
debian_archive() {
  # shellcheck disable=SC2016 # apt's variables
  apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(REPO_URI)' |
    awk -F '|' '$1 == "Debian" && $2 == "Debian" && $3 ~ /^http/ && !found++ { print $3 }'
}

# What roots have of Debian 13, for all Kokkos there are.
base_packages=(
  ca-certificates g++ gfortran cmake ninja-build catch2 libcli11-dev libfmt-dev nlohmann-json3-dev libhwy-dev
  libdlpack-dev nanobind-dev python3-dev python3-nanobind python3-numpy python3-pip python3-pytest
  python3-scikit-build-core doxygen)

# Debian 13 in the new folder $1, from the archive $2.
make_base_root() {
  mmdebstrap --variant=apt --include="${base_packages[*]}" trixie "$1" "$2"
}

# Installs packages from a later suite into a root, and from that suite no others.
# Arguments: root, archive, suite, the pattern of the packages that may come from it, packages to install.
#
# The indices of unstable and experimental expire after a week and a mirror may lag behind that, hence
# check-valid-until=no. Indices and packages are checked against Debian's keys all the same.
install_from_suite() {
  local root=$1 archive=$2 suite=$3 pattern=$4
  shift 4
  echo "deb [check-valid-until=no] $archive $suite main" >"$root/etc/apt/sources.list.d/$suite.list" &&
    printf 'Package: %s\nPin: release a=%s\nPin-Priority: %d\n\n' "$pattern" "$suite" 990 '*' "$suite" -1 \
      >"$root/etc/apt/preferences.d/$suite" &&
    in_root "$root" apt-get -q -o Acquire::Languages=none update &&
    in_root "$root" apt-get -q -y --no-install-recommends install "$@" &&
    in_root "$root" apt-get clean &&
    rm -rf "$root"/var/lib/apt/lists/*
}

# shellcheck disable=SC2016 # the shell in the root expands
add_kokkos_openmp() {
  install_from_suite "$1" "$2" unstable 'libkokkos*' libkokkos-dev/unstable &&
    # The CMake package of libkokkos-dev 5.2.2-2 lists two libraries that the package does not contain. In Kokkos both
    # are empty, so empty ones replace them.
    in_root "$1" sh -ec 'cd "/usr/lib/$(g++ -print-multiarch)"
      for library in libkokkosalgorithms.a libkokkossimd.a; do
        [ -e "$library" ] || ar rcs "$library"
      done'
}

add_kokkos_serial() {
  install_from_suite "$1" "$2" experimental '*trilinos*' libtrilinos-kokkos-dev/experimental \
    libtrilinos-kokkos-kernels-dev/experimental trilinos-dev/experimental liblapack-dev
}

# A root's stamp is the hash of how roots are made. It is written last: a half-made or an older root has no right one.
recipe() {
  {
    declare -p base_packages
    declare -f in_root make_base_root install_from_suite add_kokkos_openmp add_kokkos_serial
  } | sha256sum
}

root_is_ready() { [[ $(cat "$roots_dir/$1/.recipe" 2>/dev/null) == "$(recipe)" ]]; }

# Gets what making a root needs, or ends the script; sets archive.
prepare_to_make_roots() {
  local proxy=""
  if ((EUID != 0)); then
    die "$native_problem, and making an environment needs root: $as_root"
  elif ! command -v apt-get >/dev/null; then
    die "$native_problem, and an environment can be made on Debian only: $install_all, or $name_kokkos"
  fi
  eval "$(apt-config shell proxy Acquire::http::Proxy)"
  if [[ -n $proxy && $proxy != DIRECT ]]; then
    export http_proxy=${http_proxy:-$proxy}
  fi
  archive=$(debian_archive)
  if [[ -z $archive ]] || ! command -v mmdebstrap >/dev/null; then
    say "reading the package lists"
    logged apt-get -q update || true # another archive's trouble need not matter
    archive=$(debian_archive)
  fi
  if [[ -z $archive ]]; then
    die "$native_problem, and apt knows no Debian archive to make one from: $install_all, or $name_kokkos"
  fi
  if ! command -v mmdebstrap >/dev/null; then
    say "installing the package mmdebstrap"
    if ! logged env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install mmdebstrap; then
      show_log
      die "installing mmdebstrap failed"
    fi
  fi
}

# Makes those of the named roots that are not ready. False if one could not be made; ends the script if none can.
make_roots() {
  local name missing=() base=$roots_dir/base.new next status=0 archive
  for name in "$@"; do
    if ! root_is_ready "$name"; then
      missing+=("$name")
    fi
  done
  if ((${#missing[@]} == 0)); then
    return
  fi

  prepare_to_make_roots
  say "$native_problem; making Debian 13 with a compiler in .environment/ (about a minute)"
  mkdir -p "$roots_dir"
  rm -rf --one-file-system "$roots_dir"/*.new
  if ! logged make_base_root "$base" "$archive"; then
    show_log
    die "making Debian 13 in .environment/ failed"
  fi
  for name in "${missing[@]}"; do
    say "adding Kokkos to .environment/$name"
    next=$roots_dir/$name.new
    if [[ $name == "${missing[-1]}" ]]; then
      mv "$base" "$next"
    else
      cp -a "$base" "$next"
    fi
    if logged "add_kokkos_$name" "$next" "$archive"; then
      rm -rf --one-file-system "${roots_dir:?}/$name"
      recipe >"$next/.recipe"
      mv -T "$next" "$roots_dir/$name"
    else
      show_log
      say "adding Kokkos to .environment/$name failed"
      status=1
    fi
  done
  return "$status"
}

# ---- Building ----

# Chooses the configuration for the functions below: "default", with an installed Kokkos, or the name of a root.
use() {
  configuration=$1
  if [[ $configuration == default ]]; then
    root="" inner_source_dir=$source_dir inner_build_dir=$native_dir
  else
    root=$roots_dir/$configuration inner_source_dir=/rownorm/source inner_build_dir=/rownorm/build
  fi
  build_dir=$root$inner_build_dir
  driver=$build_dir/examples/driver/rownorm_driver
}

# Runs a command where the configuration is built. It sees the build folder as $inner_build_dir.
inside() {
  if [[ -z $root ]]; then
    "$@"
  else
    in_root "$root" "$@"
  fi
}

# Builds a target.
build() {
  local target=$1 fingerprint stamps
  fingerprint=$(fingerprint "$configuration")
  stamps=$(cat "$build_dir/.built-$target" "$build_dir/.built-all" 2>/dev/null || true)
  if [[ -x $driver && $'\n'$stamps$'\n' == *$'\n'$fingerprint$'\n'* ]]; then
    if [[ -n $root ]]; then
      return # what else a build depends on does not change in a root
    fi
  elif [[ -n $root ]] && ((EUID != 0)); then
    die "$native_problem, and building in .environment/ needs root: $as_root"
  else
    say "building ${target/#all/everything}, configuration $configuration (log: $log)"
    rm -f "$build_dir"/.built-*
  fi

  if [[ -n $root ]]; then
    mkdir -p "$build_dir"
    forget_other_settings "$build_dir" "${cmake_flags[*]}"
    if ! logged copy_sources "$root$inner_source_dir" ||
      ! logged inside cmake -S "$inner_source_dir" -B "$inner_build_dir" --preset "$configuration" \
        "${cmake_flags[@]}"; then
      show_log
      return 1
    fi
  fi
  if ! logged inside cmake --build "$inner_build_dir" --target "$target" --parallel "$(nproc)"; then
    show_log
    return 1
  fi
  printf '%s\n' "$fingerprint" >"$build_dir/.built-$target"
}
