#!/usr/bin/env bash
# Prints a rustc that has the standard library for wasm32-wasip2, to build guests with. In this order: $WASM_RUSTC, the
# active toolchain, `rustup target add`, and the distribution's compiler (scripts/wasm-sysroot.sh).
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/common.sh
source scripts/common.sh
target=wasm32-wasip2

# has_std RUSTC
has_std() {
  local libs
  libs=$("$1" --print target-libdir --target "$target" 2>/dev/null) || return 1
  compgen -G "$libs/libstd-*.rlib" >/dev/null
}

if [ -n "${WASM_RUSTC:-}" ]; then
  has_std "$WASM_RUSTC" || die "WASM_RUSTC=$WASM_RUSTC has no standard library for $target"
  echo "$WASM_RUSTC"
  exit
fi

if ! has_std rustc; then
  if scripts/wasm-sysroot.sh --is-current; then
    echo "$PWD/target/wasm-toolchain/bin/rustc"
    exit
  fi
  if command -v rustup >/dev/null; then
    add_target "$target"
  fi
fi
if has_std rustc; then
  echo rustc
  exit
fi

command -v apt-get >/dev/null ||
  die "guests need $target, and there is no rustc for it here. Run 'rustup target add $target', or set WASM_RUSTC to a compiler that has it."
scripts/wasm-sysroot.sh
echo "$PWD/target/wasm-toolchain/bin/rustc"
