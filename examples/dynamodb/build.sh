#!/usr/bin/env bash
# Builds this component and compiles it into the artifact that is named, with its policy beside it.
# Usage: examples/dynamodb/build.sh [ARTIFACT [OPTION…]]     (default: dist/hello.cwasm; options are those of `lambda-wasm compile`)
set -euo pipefail
artifact=$(realpath -m "${1:-$(dirname "$0")/../../dist/hello.cwasm}")
cd "$(dirname "$0")/../.."
RUSTC=$(scripts/wasm-toolchain.sh)
export RUSTC
cargo build --release --target wasm32-wasip2 --manifest-path examples/dynamodb/Cargo.toml --target-dir target/examples
mkdir -p "${artifact%/*}"
cp examples/dynamodb/policy.toml "${artifact%.cwasm}.toml"
target/release/lambda-wasm compile target/examples/wasm32-wasip2/release/notes.wasm -o "$artifact" "${@:2}"
