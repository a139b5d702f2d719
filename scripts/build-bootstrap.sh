#!/usr/bin/env bash
# Builds the host into OUT, separately: cargo unifies the features of all crates in one command, so together with the tool
# the host would contain the compiler.
# Usage: scripts/build-bootstrap.sh [--small] [--dynamic] [--quick] TARGET OUT
#
# --small builds the small variant (host/src/variant.rs).
# --quick optimizes little, for tests: 5 minutes of CPU time. Such a host is linked as the others, and is slow.
#
# The host is static (and position independent) if this machine has a C compiler for TARGET. For another architecture, that
# is aarch64-linux-gnu-gcc or x86_64-linux-gnu-gcc. For x86_64 the libc is musl's if the toolchain has it or rustup can fetch
# it: glibc's start code asks the CPU 43 times for its features, and under a hypervisor each question takes microseconds.
# Otherwise the libc is glibc's libc.a. Without that, `cargo zigbuild` links against the glibc of Amazon Linux 2023.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/common.sh
source scripts/common.sh

dynamic='' features=() profile=bootstrap
while [[ $1 == --* ]]; do
  case $1 in
    --small) features=(--no-default-features) ;;
    --dynamic) dynamic=--dynamic ;;
    --quick) profile=release ;;
    *) die "unknown option '$1'" ;;
  esac
  shift
done
target=$1 out=$2
glibc=2.34
musl=${target%-gnu}-musl
build=(--profile $profile -p lambda-wasm-host --bin bootstrap --target-dir target "${features[@]}")
# For the last compilation only, over the code of all crates: a quarter of what LLVM inlines otherwise. A start reads the code
# from the disk. With the same limit for each crate by itself, an invocation runs a tenth more instructions.
last=(-- -Cllvm-args=-inline-threshold=60)
[ $profile = bootstrap ] || last=()

# The oldest CPU that Lambda has for an architecture, as in host/src/cpu.rs. A start does not ask the CPU for features that
# are known, and each question costs microseconds under a hypervisor.
cpu() {
  case $1 in
    x86_64-*) echo haswell ;;
    aarch64-*) echo neoverse-n1 ;;
  esac
}

# The C compiler for TARGET, which may be missing.
target_cc() {
  if [ "$(rustc -vV | sed -n 's/^host: //p')" = "$target" ]; then echo cc; else echo "${target%%-*}-linux-gnu-gcc"; fi
}

find_musl() {
  [ "$musl" = x86_64-unknown-linux-musl ] || return
  has_std "$musl" && return
  command -v rustup >/dev/null || return
  add_target "$musl"
  has_std "$musl"
}

has_static_glibc() { [[ $("$cc" -print-file-name=libc.a) == /* ]]; }

# Packed relocations, as .cargo/config.toml has them: glibc's start code applies them since 2.36. Debian 12's linker for
# arm64 cannot make them.
pack_relocations() {
  local version
  [ "$cc" = cc ] || return 0
  version=$(getconf GNU_LIBC_VERSION 2>/dev/null | cut -d' ' -f2)
  [ "$(printf '%s\n' "${version:-0}" 2.36 | sort -V | head -n 1)" != 2.36 ] || echo "-Clink-arg=-Wl,-z,pack-relative-relocs"
}

# The active toolchain needs the standard library of TARGET.
find_std() { has_std "$target" || step "rustup target add $target" rustup target add "$target"; }

# check_start PROGRAM: a libc that is too old for packed relocations dies before our first line, which complains
# that nothing is configured.
check_start() {
  local status=0
  [ "$cc" = cc ] || return 0
  env -i "$1" >/dev/null 2>&1 || status=$?
  [ "$status" = 1 ] || die "$1 does not start here: it ended with status $status"
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
# It would replace the flags of .cargo/config.toml.
unset RUSTFLAGS
# The flags of the other targets; .cargo/config.toml says why each is there. They cannot be in that file: it would have
# them also where the target is the machine that builds.
remapped=$(remap_flags "$target")
flags="${remapped//$'\n'/ } -Ctarget-cpu=$(cpu "$target") -Csymbol-mangling-version=v0 -Cllvm-args=-switch-to-lookup=false --cfg=getrandom_backend=\"linux_getrandom\""
if [ -z "$dynamic" ] && command -v "$cc" >/dev/null && find_musl; then
  built=target/$musl/$profile/bootstrap
  [ "$cc" = cc ] ||
    export "CC_${musl//-/_}=$cc" "CARGO_TARGET_$(tr a-z- A-Z_ <<<"$musl")_LINKER=$cc"
  # They are added to those of .cargo/config.toml.
  more="target.$musl.rustflags=[$(sed "s/.*/'&'/" <<<"$remapped" | paste -sd,)]"
  step "host: $out, static$(first_time "$built" "minutes")" \
    cargo rustc "${build[@]}" --target "$musl" --config "$more" "${last[@]}"
  check_start "$built"
elif [ -z "$dynamic" ] && command -v "$cc" >/dev/null && has_static_glibc; then
  flags+=" -Ctarget-feature=+crt-static $(pack_relocations)"
  built=target/$target/$profile/bootstrap
  if [ "$target $cc" != "x86_64-unknown-linux-gnu cc" ]; then
    export LINK_WITH=$cc "CARGO_TARGET_$(tr a-z- A-Z_ <<<"$target")_LINKER=$PWD/scripts/link-static-pie.sh"
  fi
  find_std
  what=static
  [ "$musl" != x86_64-unknown-linux-musl ] || what="static, with glibc: it starts slower than with musl"
  step "host: $out, $what$(first_time "$built" "minutes")" \
    env RUSTFLAGS="$flags" cargo rustc "${build[@]}" --target "$target" "${last[@]}"
  check_start "$built"
else
  if [ -z "$dynamic" ] && [ "$cc" != cc ]; then
    case $target in aarch64-*) package=aarch64-linux-gnu debian=arm64 ;; *) package=x86-64-linux-gnu debian=amd64 ;; esac
    say "no $cc here, for a static host (Debian, Ubuntu: apt-get install gcc-$package libc6-dev-$debian-cross)"
  fi
  find_std
  find_zigbuild
  built=target/$target/$profile/bootstrap
  step "host: $out, dynamic: it starts slower than a static one$(first_time "$built" "minutes")" \
    env RUSTFLAGS="$flags" cargo-zigbuild rustc "${build[@]}" --target "$target.$glibc" "${last[@]}"
  check_glibc "$built"
fi

mkdir -p "$(dirname "$out")"
# By rename, so that a running bootstrap is not changed.
cp "$built" "$out.unfinished"
chmod 755 "$out.unfinished"
mv -f "$out.unfinished" "$out"
