#!/usr/bin/env bash
# Builds dist/, which Lambda runs: `bootstrap` and `hello.cwasm`. See `./build.sh --help`.
set -euo pipefail
cd "$(dirname "$0")"
# shellcheck source=scripts/common.sh
source scripts/common.sh

usage() {
  cat <<'USAGE'
Usage: ./build.sh [--target TARGET] [--dynamic] [COMMAND]

Commands:
  (none)            build dist/, the CodeUri of template.yaml, and target/hello.zip
  dev [--port N]    build, then serve the function at http://127.0.0.1:3000 (or PORT)
  test              build, then run every check and every test
  fuzz [SECONDS] [TARGET…]
                    build the fuzz targets, and run each for so many seconds (default: 3600)
  bench [ARGS]      build, then measure against other runtimes, with --http as HTTP components;
                    with --languages, the templates of all languages; with --sandbox, what the
                    sandbox costs
  soak [ARGS]       build, then break the world around bootstrap for an hour, and count what becomes of
                    each invocation (see soak --help)
  lab               build, then measure response times by memory size and by concurrency, beside
                    AWS's runtimes for other languages, and draw them into docs/figures/
  release [ARCH…]   build the tool as people install it, with the hosts in it, into
                    target/release-artifacts/ (ARCH: x86_64, aarch64; default: both)

Options:
  --target TARGET   x86_64-unknown-linux-gnu or aarch64-unknown-linux-gnu (Lambda's arm64).
                    Default: x86_64; dev, test, bench, soak and lab take this machine's own.
  --dynamic         link bootstrap against glibc 2.34 (Amazon Linux 2023) instead of statically;
                    it starts slower
  -h, --help        print this
USAGE
}

# The target that this machine can run; empty if it is not a target of Lambda.
native_target() {
  case $(uname -sm) in
    "Linux x86_64") echo x86_64-unknown-linux-gnu ;;
    "Linux aarch64" | "Linux arm64") echo aarch64-unknown-linux-gnu ;;
  esac
}

target='' dynamic='' command=build tools=(-p lambda-wasm)
while [ $# -gt 0 ]; do
  case $1 in
    --target)
      [ $# -ge 2 ] || die "--target needs a value (see ./build.sh --help)"
      target=$2
      shift 2
      ;;
    --target=*)
      target=${1#*=}
      shift
      ;;
    --dynamic)
      dynamic=--dynamic
      shift
      ;;
    -h | --help)
      usage
      exit
      ;;
    dev | test | fuzz | bench | soak | lab | release)
      command=$1
      shift
      break
      ;;
    *) die "unknown argument '$1' (see ./build.sh --help)" ;;
  esac
done

if [ "$command" = build ] || [ "$command" = release ]; then
  target=${target:-x86_64-unknown-linux-gnu}
else
  native=$(native_target)
  [ -n "$native" ] || die "$command runs bootstrap, which is a Linux program: run it on Linux, in a container for example. ./build.sh alone works here."
  [ "${target:-$native}" = "$native" ] || die "$command runs bootstrap on this machine, which is not $target"
  target=$native
fi
case $target in
  x86_64-unknown-linux-gnu | aarch64-unknown-linux-gnu) ;;
  *) die "--target $target: Lambda runs x86_64-unknown-linux-gnu and aarch64-unknown-linux-gnu" ;;
esac

# The names below are fixed, whatever the caller's cargo configuration.
unset CARGO_BUILD_TARGET
hosts=target/bootstraps/bootstrap-${target%%-*}
guest=guest/target/wasm32-wasip2/release/hello.wasm
tool=target/release/lambda-wasm

build_guest() {
  WASM_RUSTC=$(scripts/wasm-toolchain.sh)
  export WASM_RUSTC
  step "guest: $guest" env RUSTC="$WASM_RUSTC" \
    cargo build --release --target wasm32-wasip2 --manifest-path guest/Cargo.toml --target-dir guest/target
}

build_dist() {
  build_guest
  local note
  note=$(first_time "$tool" "minutes: it has a compiler in it")
  # In parallel with the host, whose last minutes keep one CPU busy.
  in_background tool cargo build --release "${tools[@]}" --target-dir target

  mkdir -p dist
  remove_stale bootstrap hello.cwasm
  scripts/build-bootstrap.sh $dynamic "$target" "$hosts"
  scripts/build-bootstrap.sh --small $dynamic "$target" "$hosts-small"
  step "tool: $tool$note" wait_for tool
  step "component: dist/hello.cwasm" "$tool" compile "$guest" -o dist/hello.cwasm --target "$target"
  choose_bootstrap
  step "package: target/hello.zip" "$tool" package dist -o target/hello.zip
  print_sizes dist/bootstrap dist/hello.cwasm target/hello.zip
}

# The smallest variant that runs the function with the policy beside it.
choose_bootstrap() {
  local chosen=$hosts
  if "$tool" inspect dist/hello.cwasm | grep -q '^bootstrap: small'; then chosen+=-small; fi
  cp "$chosen" dist/bootstrap.unfinished
  mv -f dist/bootstrap.unfinished dist/bootstrap
}

# remove_stale FILE…: removes the files of an earlier build from dist/, except these of this build. Other files there are
# the user's.
remove_stale() {
  local made=target/dist-files old
  if [ -f "$made" ]; then
    while read -r old; do
      case " $* " in *" $old "*) ;; *) rm -f "dist/$old" ;; esac
    done <"$made"
  fi
  printf '%s\n' "$@" >"$made"
}

scripts/check-prerequisites.sh
case $command in
  build)
    build_dist
    [ "$target" = x86_64-unknown-linux-gnu ] || say "dist/ is for arm64: deploy it with 'Architectures: [arm64]' in template.yaml"
    ;;
  dev)
    build_dist
    exec "$tool" dev "$@"
    ;;
  test)
    export LAMBDA_WASM_SKIPS=$PWD/target/skips
    mkdir -p target
    : >"$LAMBDA_WASM_SKIPS"
    # With the tests: they add features to shared crates, which would compile the compiler a second time.
    tools=(--workspace --exclude lambda-wasm-bench --all-targets)
    in_background tools scripts/install-tools.sh # while cargo builds
    build_dist
    step "tools that the tests run: target/tools" wait_for tools
    exec scripts/test.sh
    ;;
  release)
    build_guest
    exec scripts/release.sh "$@"
    ;;
  fuzz)
    [[ ${1:-} =~ ^[0-9]+$ ]] || set -- 3600 "$@"
    exec scripts/fuzz.sh "$@"
    ;;
  bench)
    tools+=(-p lambda-wasm-bench) # at once, since both have the compiler in them
    build_dist
    exec target/release/lambda-wasm-bench "$@"
    ;;
  soak)
    tools+=(-p lambda-wasm-soak)
    build_dist
    exec target/release/soak "$@"
    ;;
  lab)
    tools+=(-p lambda-wasm-bench)
    export LAMBDA_WASM_SKIPS=$PWD/target/lab-skips
    in_background tools scripts/install-tools.sh # the languages' compilers, while cargo builds
    build_dist
    step "compilers of other languages: target/tools" wait_for tools
    PATH=$PWD/target/tools/bin:$PATH exec target/release/lambda-wasm-bench --lab "$@"
    ;;
esac
