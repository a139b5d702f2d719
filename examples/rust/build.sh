#!/usr/bin/env bash
# Builds this component and compiles it into the artifact that is named.
# Usage: examples/rust/build.sh [ARTIFACT [OPTION…]]     (default: dist/hello.cwasm; options are those of `lambda-wasm compile`)
set -euo pipefail
artifact=$(realpath -m "${1:-$(dirname "$0")/../../dist/hello.cwasm}")
cd "$(dirname "$0")/../.."
RUSTC=$(scripts/wasm-toolchain.sh)
export RUSTC
cargo build --release --target wasm32-wasip2 --manifest-path examples/rust/Cargo.toml --target-dir target/examples
target/release/lambda-wasm compile target/examples/wasm32-wasip2/release/batch.wasm -o "$artifact" "${@:2}"
