# shellcheck shell=bash
# Sourced by the other scripts. Progress goes to stderr, so that stdout has only the result.

say() { printf '%s\n' "$*" >&2; }

die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# step WHAT COMMAND…: prints WHAT and, for a long command, its duration. A command that fails ends the script. On a
# terminal its output is shown as it runs, and otherwise only if it fails.
step() {
  local what=$1 started=$SECONDS log status=0
  shift
  if [ -t 2 ]; then
    say "$what"
    "$@" >&2 || die "'$*' failed"
  else
    printf '%s ... ' "$what" >&2
    log=$(mktemp)
    "$@" >"$log" 2>&1 || status=$?
    if [ "$status" != 0 ]; then
      printf 'failed\n' >&2
      cat "$log" >&2
      rm -f "$log"
      die "'$*' failed"
    fi
    rm -f "$log"
  fi
  local seconds=$((SECONDS - started))
  if [ "$seconds" -ge 2 ]; then say "$seconds s"; elif [ ! -t 2 ]; then say "done"; fi
}

# first_time FILE NOTE: prints the note in brackets if FILE does not exist.
first_time() { [ -e "$1" ] || printf ' (%s)' "$2"; }

# has_std TARGET: whether the active toolchain has its standard library.
has_std() { compgen -G "$(rustc --print target-libdir --target "$1")/libstd-*.rlib" >/dev/null; }

# add_target TARGET: installs its standard library with rustup, or prints the reason of the failure.
add_target() {
  local answer
  say "rustup target add $1"
  answer=$(RUST_BACKTRACE=0 rustup target add "$1" 2>&1) ||
    say "it failed: $(sed -n 's/^error: //p' <<<"$answer" | cut -c 1-300)"
}

# rust_directories: the directories of this machine that rustc would write into programs, one a line: the last that fits counts.
rust_directories() {
  echo "$PWD"
  printf '%s\n' "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*
}

# remap_flags TARGET: the flags that have rustc leave these directories out, so that the same source gives the same bytes
# wherever it is built. The standard library is renamed by rustc itself, unless its source is installed.
remap_flags() {
  local directory sysroot
  cargo fetch --quiet --target "$1" # since it makes the directories
  sysroot=$(rustc --print sysroot)
  {
    rust_directories | sed 's/$/=/'
    echo "$sysroot/lib/rustlib/src/rust=/rustc/$(rustc -vV | sed -n 's/^commit-hash: //p')"
  } | while read -r directory; do
    # Flags are separated by spaces.
    [[ $directory == *[[:space:]]* ]] || echo "--remap-path-prefix=$directory"
  done
}

# cargo zigbuild and zig: those on PATH, or from PyPI into target/zig.
find_zigbuild() {
  command -v cargo-zigbuild >/dev/null && command -v zig >/dev/null && return
  step "cargo-zigbuild and zig: target/zig" scripts/pip-install.sh target/zig cargo-zigbuild==0.24.0 ziglang==0.15.2
  PATH=$PWD/target/zig/bin:$PATH
}

# The process groups in the background of this script.
background=

# in_background NAME COMMAND…: starts the command in a new process group, so that all of it ends with this script.
in_background() {
  local name=$1
  shift
  mkdir -p target
  set -m
  "$@" </dev/null >"target/$name.log" 2>&1 &
  set +m
  printf -v "background_$name" %s $!
  background+=" -$!"
  # shellcheck disable=SC2086 # a list of numbers
  trap 'kill -- $background 2>/dev/null || true' EXIT
}

# wait_for NAME: waits until the command has ended, and prints its output if it failed.
wait_for() {
  local pid=background_$1
  wait "${!pid}" || {
    cat "target/$1.log"
    return 1
  }
  background=${background/ -${!pid}/}
}

# print_sizes FILE…
print_sizes() {
  local file
  for file; do
    say "$(printf '%-20s %9d bytes' "$file" "$(wc -c <"$file")")"
  done
}
