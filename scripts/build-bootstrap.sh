#!/usr/bin/env bash
# Builds the host into OUT. It is built by itself: cargo unifies the features of all that one command builds, and with
# the tool beside it the compiler would be linked in.
# Usage: scripts/build-bootstrap.sh TARGET OUT [--dynamic]
#
# Static (and position independent) where this machine can: it has a C compiler for TARGET (for another architecture than
# its own that is aarch64-linux-gnu-gcc or x86_64-linux-gnu-gcc), and a libc.a. Otherwise `cargo zigbuild` links against
# the glibc of Amazon Linux 2023.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/common.sh
source scripts/common.sh

target=$1 out=$2 dynamic=${3:-}
glibc=2.34
built=target/$target/bootstrap/bootstrap
build=(--profile bootstrap -p lambda-wasm-host --bin bootstrap --target-dir target)

# The oldest CPU that Lambda has for an architecture, as the compiler of components has it (host/src/cpu.rs). What is
# known to be there is not asked for at each start, and each question costs microseconds under a hypervisor.
cpu() {
  case $1 in
    x86_64-*) echo haswell ;;
    aarch64-*) echo neoverse-n1 ;;
  esac
}

# The C compiler for TARGET, which may not be there.
target_cc() {
  if [ "$(rustc -vV | sed -n 's/^host: //p')" = "$target" ]; then echo cc; else echo "${target%%-*}-linux-gnu-gcc"; fi
}

can_be_static() { command -v "$cc" >/dev/null && [[ $("$cc" -print-file-name=libc.a) == /* ]]; }

# Packed relocations are a tenth of the size, which every start reads. A static program applies its own, and glibc's start
# code can since 2.36.
pack_relocations() {
  local version
  [ "$cc" = cc ] || return 0 # another glibc than this machine's
  version=$(getconf GNU_LIBC_VERSION 2>/dev/null | cut -d' ' -f2)
  [ "$(printf '%s\n' "${version:-0}" 2.36 | sort -V | head -n 1)" != 2.36 ] || echo "-C link-arg=-Wl,-z,pack-relative-relocs"
}

# cargo zigbuild and zig: those on PATH, or from PyPI into target/zig.
find_zigbuild() {
  command -v cargo-zigbuild >/dev/null && command -v zig >/dev/null && return
  step "cargo-zigbuild and zig: target/zig" scripts/pip-install.sh target/zig cargo-zigbuild==0.24.0 ziglang==0.15.2
  PATH=$PWD/target/zig/bin:$PATH
}

# The active toolchain needs the standard library of TARGET.
find_std() {
  compgen -G "$(rustc --print target-libdir --target "$target")/libstd-*.rlib" >/dev/null ||
    step "rustup target add $target" rustup target add "$target"
}

# Lambda's loader refuses a program that asks for symbols newer than its glibc.
check_glibc() {
  local newest
  if ! command -v readelf >/dev/null; then
    say "no readelf here: the glibc symbols of $1 were not checked"
    return
  fi
  newest=$(readelf --version-info --wide "$1" | grep -o 'GLIBC_[0-9.]*' | cut -d_ -f2 | sort -uV | tail -n 1)
  [ "$(printf '%s\n' "$newest" "$glibc" | sort -V | tail -n 1)" = "$glibc" ] ||
    die "$1 needs glibc $newest, and Lambda's provided.al2023 has $glibc"
}

cc=$(target_cc)
# Random numbers come from the system call alone: the fallback for old kernels wants /dev/urandom, and panics without it.
flags="${RUSTFLAGS:-} -C target-cpu=$(cpu "$target") --cfg getrandom_backend=\"linux_getrandom\""
if [ -z "$dynamic" ] && can_be_static; then
  # host/startup.ld has the names of functions as v0 mangles them.
  flags+=" -C symbol-mangling-version=v0 -C target-feature=+crt-static $(pack_relocations)"
  if [ "$target $cc" != "x86_64-unknown-linux-gnu cc" ]; then
    export LINK_WITH=$cc "CARGO_TARGET_$(tr a-z- A-Z_ <<<"$target")_LINKER=$PWD/scripts/link-static-pie.sh"
  fi
  find_std
  step "host: $out, static$(first_time "$built" "minutes")" \
    env RUSTFLAGS="$flags" cargo build "${build[@]}" --target "$target"
else
  if [ -z "$dynamic" ] && [ "$cc" != cc ]; then
    case $target in aarch64-*) package=aarch64-linux-gnu debian=arm64 ;; *) package=x86-64-linux-gnu debian=amd64 ;; esac
    say "no $cc with a libc.a here, for a static host (Debian, Ubuntu: apt-get install gcc-$package libc6-dev-$debian-cross)"
  fi
  find_std
  find_zigbuild
  step "host: $out, dynamic: it starts slower than a static one$(first_time "$built" "minutes")" \
    env RUSTFLAGS="$flags" cargo zigbuild "${build[@]}" --target "$target.$glibc"
  check_glibc "$built"
fi

# By rename, so that a running bootstrap is left alone.
cp "$built" "$out.unfinished"
chmod 755 "$out.unfinished"
mv -f "$out.unfinished" "$out"
