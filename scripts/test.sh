#!/usr/bin/env bash
# Runs every check and test after the build of `./build.sh test`, which sets WASM_RUSTC (the compiler for guests) and
# LAMBDA_WASM_SKIPS (a file to which a test that cannot run on this machine appends a line with its name and the reason).
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/common.sh
source scripts/common.sh

: "${WASM_RUSTC:?}" "${LAMBDA_WASM_SKIPS:?}"
export LAMBDA_WASM_TOOLS=$PWD/target/tools
passed=()

skip() { echo "$*" >>"$LAMBDA_WASM_SKIPS"; }

step "wit/deps is as vendored" wit/vendor.sh --check
passed+=("wit")

# No test builds with it, and it falls behind when a crate of this workspace changes what it needs.
step "fuzz/Cargo.lock is current" cargo update --workspace --locked --manifest-path fuzz/Cargo.toml
passed+=("fuzz/Cargo.lock")

if cargo fmt --version >/dev/null 2>&1; then
  step "format" cargo fmt --all --check
  for manifest in {guest,guest-sdk,fuzz,host/tests/{guests,aws-guest},bench/guests,examples/{rust,dynamodb,axum,bearer-token,cache-headers,s3-event}}/Cargo.toml; do
    step "format of ${manifest%/*}" cargo fmt --check --manifest-path "$manifest"
  done
  passed+=("format")
else
  skip "cargo fmt (rustup component add rustfmt)"
fi

if cargo clippy --version >/dev/null 2>&1; then
  # --release shares build scripts and macros with the build.
  step "lints (minutes, when all is new)" \
    cargo clippy --quiet --release --workspace --all-targets --target-dir target -- -D warnings
  passed+=("lints")
else
  skip "cargo clippy (rustup component add clippy)"
fi

if [ -x "$LAMBDA_WASM_TOOLS/bin/cargo-deny" ]; then
  step "licenses and sources of dependencies" \
    "$LAMBDA_WASM_TOOLS/bin/cargo-deny" --locked check licenses sources bans
  passed+=("licenses")
else
  skip "cargo deny (there is no target/tools/bin/cargo-deny)"
fi
step "crates in bootstrap" scripts/check-dependencies.py
passed+=("crates")

if [ -x "$LAMBDA_WASM_TOOLS/bin/check-jsonschema" ]; then
  step "workflows of GitHub" \
    "$LAMBDA_WASM_TOOLS/bin/check-jsonschema" --builtin-schema vendor.github-workflows .github/workflows/*.yml
  passed+=("workflows")
else
  skip "check-jsonschema (there is no target/tools/bin/check-jsonschema)"
fi

if [ -x "$LAMBDA_WASM_TOOLS/bin/sam" ]; then
  scripts/test-sam.sh
  passed+=("sam validate" "sam build")
else
  skip "sam validate, sam build (there is no target/tools/bin/sam)"
fi

# On x86_64, the host for arm64 runs in an emulator.
arm64=aarch64-unknown-linux-gnu runs_arm64=
has_arm64() {
  command -v aarch64-linux-gnu-gcc && command -v qemu-aarch64-static || return
  has_std $arm64 || { command -v rustup && add_target $arm64 && has_std $arm64; }
} >/dev/null
if [ "$(uname -m)" = x86_64 ]; then
  if has_arm64; then
    scripts/build-bootstrap.sh --quick $arm64 target/bootstraps/bootstrap-aarch64-quick
    runs_arm64=1
  else
    skip "tests on arm64 (there is no aarch64-linux-gnu-gcc, no qemu-aarch64-static, or no standard library of Rust for arm64)"
  fi
fi

step "models of the threads" env RUSTFLAGS="--cfg loom" \
  cargo test --quiet --release -p lambda-wasm-lifecycle --lib --target-dir target/loom
passed+=("models")

# run_tests WHAT LOG COMMAND…: runs tests, and adds their number to what passed.
run_tests() {
  local what=$1 log=$2
  shift 2
  if ! "$@" 2>&1 | tee "$log"; then die "$what failed; the whole output is in $log"; fi
  passed+=("$(awk '/^test result:/ { n += $4 } END { print n + 0 }' "$log") $what")
}

say "tests (minutes to build, when all is new)"
run_tests "tests" target/test.log \
  cargo test --release --workspace --exclude lambda-wasm-bench --no-fail-fast --target-dir target

[ -z "$runs_arm64" ] || run_tests "tests on arm64" target/test-arm64.log scripts/test-arm64.sh

printf -v list '%s, ' "${passed[@]}"
echo "passed: ${list%, }"
if [ -s "$LAMBDA_WASM_SKIPS" ]; then
  sort -u "$LAMBDA_WASM_SKIPS" | sed 's/^/skipped: /'
  [ "${CI:-}" != true ] || die "with CI=true, a skip is a failure"
fi
