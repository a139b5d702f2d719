#!/usr/bin/env bash
# Runs the fuzz targets of fuzz/, one after another: scripts/fuzz.sh SECONDS [TARGET…]. Prints a table of executions and
# findings, and fails with a finding. Corpora, logs and findings stay in target/fuzz/.
#
# It does what `cargo fuzz run --sanitizer none target` does, without cargo-fuzz: the stable rustc measures the coverage.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/common.sh
source scripts/common.sh

seconds=${1:?seconds for each target} && shift
[[ $seconds =~ ^[0-9]+$ ]] || die "'$seconds' is not a number of seconds"
mapfile -t known < <(sed -n 's/^    ("\([a-z]*\)", .*::run),$/\1/p' fuzz/targets/src/lib.rs)
for name in "$@"; do
  [[ " ${known[*]} " == *" $name "* ]] || die "unknown target '$name': use ${known[*]}"
done
if [ $# -gt 0 ]; then targets=("$@"); else targets=("${known[@]}"); fi

command -v c++ >/dev/null || die "libFuzzer is C++, and there is no c++ (Debian, Ubuntu: apt-get install g++)"
host=$(rustc -vV | sed -n 's/^host: //p')
coverage='-Cpasses=sancov-module'
for argument in level=4 inline-8bit-counters pc-table trace-compares; do
  coverage+=" -Cllvm-args=-sanitizer-coverage-$argument"
done
# With --target, build scripts and macros are built without it.
step "fuzz targets (minutes, when all is new)" env RUSTFLAGS="$coverage --cfg fuzzing" \
  cargo build --locked --release --bins --manifest-path fuzz/Cargo.toml --target "$host" --target-dir target/fuzz/build
scripts/fuzz-corpus.sh
mkdir -p target/fuzz/{findings,logs}
program=target/fuzz/build/$host/release/target

failed=0 table=''
for name in "${targets[@]}"; do
  log=target/fuzz/logs/$name.log
  options=(-max_total_time="$seconds" -max_len=8192 -timeout=20 -rss_limit_mb=2048 -print_final_stats=1)
  options+=(-artifact_prefix="target/fuzz/findings/$name-" -verbosity=1)
  if [ -f "fuzz/dictionaries/$name.dict" ]; then options+=(-dict="fuzz/dictionaries/$name.dict"); fi
  printf '%s ... ' "$name" >&2
  status=0
  LAMBDA_WASM_FUZZ_TARGET=$name "$program" "target/fuzz/corpus/$name" "${options[@]}" >"$log" 2>&1 </dev/null || status=$?
  executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log" | tail -n 1)
  finding=none
  if [ "$status" != 0 ]; then
    failed=1
    input=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
    finding="repeat with: LAMBDA_WASM_FUZZ_TARGET=$name $program ${input:-target/fuzz/corpus/$name}"
    grep -a -m 3 -E "panicked at|ERROR: libFuzzer" -A 3 "$log" | cut -c1-500 >&2 || tail -n 20 "$log" >&2
  fi
  say "${executions:-0} executions"
  table+=$(printf '%-12s %12s  %s' "$name" "${executions:-0}" "$finding")$'\n'
done
printf '%-12s %12s  %s\n%s' target executions findings "$table"
[ "$failed" = 0 ] || die "the fuzz targets have findings: the logs are in target/fuzz/logs"
