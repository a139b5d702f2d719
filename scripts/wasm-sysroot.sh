#!/usr/bin/env bash
# Creates target/wasm-toolchain, whose bin/rustc builds for wasm32-wasip2 without rustup: Debian's compiler with a standard
# library built from its source package, wasi-libc, and the linkers of the active toolchain.
# Usage: scripts/wasm-sysroot.sh [--is-current]     (exit 0 if it exists and is up to date)
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/common.sh
source scripts/common.sh

target=wasm32-wasip2
packages=(rustc-web rust-web-src wasi-libc)
compiler=/usr/bin/rustc      # from rustc-web; the active toolchain still builds the host and the tool
libc=/usr/lib/wasm32-wasi    # from wasi-libc
made=target/wasm-toolchain
active=$(rustc --print sysroot)

# The inputs of the toolchain, which is rebuilt when they change.
made_from() { "$compiler" -vV && echo "linkers: $active"; }

is_current() { [ -x "$compiler" ] && made_from 2>/dev/null | cmp -s - "$made/made-from"; }

# lay_out DIR: creates the directories of a toolchain, without the standard library.
lay_out() {
  local dir=$1 host linkers
  host=$("$compiler" -vV | sed -n 's/^host: //p')
  linkers=$active/lib/rustlib/$host/bin
  if [ ! -x "$linkers/rust-lld" ] || [ ! -x "$linkers/wasm-component-ld" ]; then
    die "no rust-lld and wasm-component-ld in $linkers: install Rust from https://rustup.rs"
  fi
  mkdir -p "$dir/bin" "$dir/lib/rustlib/$host" "$dir/lib/rustlib/$target/lib/self-contained"
  cp "$libc"/{crt1-command.o,crt1-reactor.o,libc.a} "$dir/lib/rustlib/$target/lib/self-contained/"
  ln -s "$linkers" "$dir/lib/rustlib/$host/bin"
  ln -s "/usr/lib/rustlib/$host/lib" "$dir/lib/rustlib/$host/lib"
  ln -s /usr/lib/rustlib/src "$dir/lib/rustlib/src"
  cat >"$dir/bin/rustc" <<WRAPPER
#!/bin/sh
exec $compiler --sysroot "\$(cd "\$(dirname "\$0")/.." && pwd)" "\$@"
WRAPPER
  chmod +x "$dir/bin/rustc"
}

# build_std DIR: builds the standard library for an empty crate with cargo, and copies its parts.
build_std() {
  local dir=$1 libs=$1/lib/rustlib/$target/lib crate=$1/std
  mkdir -p "$crate/src"
  printf '[package]\nname = "no-code"\nedition = "2024"\n[profile.release]\ndebug = false\n[workspace]\n' >"$crate/Cargo.toml"
  : >"$crate/src/lib.rs"
  # RUSTC_BOOTSTRAP unlocks -Z flags. The bitcode is for guests with link-time optimization.
  step "standard library for $target (about a minute and a half)" \
    env -u CARGO_ENCODED_RUSTFLAGS RUSTC="$dir/bin/rustc" RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Cembed-bitcode=yes \
    cargo build --release --target "$target" --manifest-path "$crate/Cargo.toml" --target-dir "$crate/target" \
    -Zbuild-std=std,panic_abort,proc_macro -Zbuild-std-features=panic-unwind,backtrace
  cp "$crate/target/$target/release/deps/"*.rlib "$libs/"
  rm -rf "$libs"/libno_code-*.rlib "$crate"
}

if [ "${1:-}" = --is-current ]; then
  is_current
  exit
fi
scripts/apt-install.sh "${packages[@]}" # about a minute
is_current && exit

unfinished=$PWD/$made.unfinished
rm -rf "$unfinished"
lay_out "$unfinished"
build_std "$unfinished"
made_from >"$unfinished/made-from"
rm -rf "$made"
mv "$unfinished" "$made"
