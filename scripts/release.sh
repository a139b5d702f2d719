#!/usr/bin/env bash
# Builds the tool for Linux with the hosts of both architectures in it, and packs it as people install it, into
# target/release-artifacts/.
# Usage: scripts/release.sh [ARCH…]     (x86_64, aarch64; default: both)
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/common.sh
source scripts/common.sh

architectures=("$@")
[ $# -gt 0 ] || architectures=(x86_64 aarch64)
hosts=$PWD/target/bootstraps
out=target/release-artifacts
native=$(uname -m)
[ "$native" != arm64 ] || native=aarch64

for arch in x86_64 aarch64; do
  scripts/build-bootstrap.sh "$arch-unknown-linux-gnu" "$hosts/bootstrap-$arch"
  scripts/build-bootstrap.sh --small "$arch-unknown-linux-gnu" "$hosts/bootstrap-$arch-small"
  scripts/check-paths.py "$hosts/bootstrap-$arch" "$hosts/bootstrap-$arch-small"
done

# build_tool ARCH: static, against the musl that zig has. The memmove of Rust's musl moves single bytes where the compiler
# makes room in an array, which took a tenth of its time.
build_tool() {
  local target=$1-unknown-linux-musl
  add_target "$target" # which does nothing if it is there
  find_zigbuild
  # In the place of the flags of .cargo/config.toml: the tool runs on other CPUs than Lambda's.
  step "tool: $target (minutes: it has a compiler in it)" \
    env RUSTFLAGS="-Ctarget-feature=+crt-static $(remap_flags "$target" | tr '\n' ' ')" \
    cargo zigbuild --profile tool -p lambda-wasm --target "$target" --target-dir target
  scripts/check-paths.py "target/$target/tool/lambda-wasm"
}

# try_tool TOOL: a static tool differs from the one that the tests run. It compiles a component and invokes it.
try_tool() {
  local folder
  folder=$(mktemp -d)
  cp guest/target/wasm32-wasip2/release/hello.wasm "$folder"
  cat >"$folder/lambda-wasm.toml" <<'TOML'
[build]
name = "hello"
command = "true"
component = "hello.wasm"
TOML
  (cd "$folder" && "$1" build --bootstrap "$hosts/bootstrap-$native" && "$1" invoke --sample rest) >"$folder/log" 2>&1 ||
    die "$1 does not work: $(cat "$folder/log")"
  rm -rf "$folder"
}

# The pages are the same for all architectures, and only this machine's tool can write them.
pages=target/man
build_tool "$native"
tool=$PWD/target/$native-unknown-linux-musl/tool/lambda-wasm
step "the tool works" try_tool "$tool"
rm -rf "$out" "$pages"
"$tool" man "$pages"
for arch in "${architectures[@]}"; do
  [ "$arch" = "$native" ] || build_tool "$arch"
  scripts/pack-release.py "$arch" "target/$arch-unknown-linux-musl/tool/lambda-wasm" "$hosts" "$pages" "$out"
done
scripts/provenance.py "$out"
(cd "$out" && sha256sum -- * >SHA256SUMS)
ls -l "$out" >&2
