# shellcheck shell=bash
# Sourced by the other scripts: how they speak. Progress goes to stderr, so that stdout is the result's.

say() { printf '%s\n' "$*" >&2; }

die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# step WHAT COMMAND…: says what is being done and, if it was long, for how many seconds. What the command prints is
# shown if it fails, which ends the script.
step() {
  local what=$1 started=$SECONDS log status=0
  shift
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
  local seconds=$((SECONDS - started))
  if [ "$seconds" -ge 2 ]; then say "$seconds s"; else say "done"; fi
}

# first_time FILE NOTE: the note in brackets where FILE has yet to be made.
first_time() { [ -e "$1" ] || printf ' (%s)' "$2"; }

# add_target TARGET: has rustup fetch its standard library, and says why where it cannot.
add_target() {
  local answer
  say "rustup target add $1"
  answer=$(RUST_BACKTRACE=0 rustup target add "$1" 2>&1) ||
    say "it failed: $(sed -n 's/^error: //p' <<<"$answer" | cut -c 1-300)"
}

# The process groups that run beside this script.
background=

# in_background NAME COMMAND…: starts it in a process group of its own, so that all of it ends with this script.
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

# wait_for NAME: until that has ended; what it printed is shown if it failed.
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
