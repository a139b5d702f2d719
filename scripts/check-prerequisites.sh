#!/usr/bin/env bash
# Fails with one message if a Rust toolchain or a C compiler is missing, which a build cannot install.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/common.sh
source scripts/common.sh

missing=()
if command -v cargo >/dev/null && command -v rustc >/dev/null; then
  needed=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
  found=$(rustc --version | cut -d' ' -f2)
  if [ "$(printf '%s\n' "$needed" "$found" | sort -V | head -n 1)" != "$needed" ]; then
    missing+=("Rust $needed or newer (this is $found): rustup update stable")
  fi
else
  missing+=("a Rust toolchain: https://rustup.rs")
fi
if ! command -v cc >/dev/null; then
  case $(uname -s) in
    Darwin) missing+=("a C compiler: xcode-select --install") ;;
    *) missing+=("a C compiler (Debian, Ubuntu: apt-get install gcc libc6-dev; Fedora: dnf install gcc glibc-static; Alpine: apk add gcc musl-dev)") ;;
  esac
fi
[ ${#missing[@]} = 0 ] || die "$(printf 'this is missing:'; printf '\n  %s' "${missing[@]}")"
