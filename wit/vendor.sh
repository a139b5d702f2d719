#!/usr/bin/env bash
# Copies WASI's WIT into wit/deps, from the crates that implement it, at the versions of Cargo.lock.
# Usage: wit/vendor.sh [--check]     (--check changes nothing; it prints what differs and fails)
set -euo pipefail
cd "$(dirname "$0")/.."

# crate and folder in it, a line each
sources="
wasmtime-wasi-http wit/deps
"

# source_of CRATE: the folder that cargo unpacked it into.
source_of() {
  local manifest
  manifest=$(grep -oE "\"manifest_path\":\"[^\"]*/$1(-[0-9][^/\"]*)?/Cargo\.toml\"" <<<"$metadata" | cut -d'"' -f4)
  if [ ! -f "$manifest" ]; then
    echo "error: Cargo.lock has no crate $1, or more than one" >&2
    exit 1
  fi
  dirname "$manifest"
}

metadata=$(cargo metadata --format-version 1 --locked)
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
while read -r crate folder; do
  [ -n "$crate" ] || continue
  from=$(source_of "$crate")
  cp -R "$from/$folder/." "$fresh/"
done <<<"$sources"

if [ "${1:-}" = --check ]; then
  diff -ru wit/deps "$fresh" || {
    echo "error: wit/deps is not what Cargo.lock's crates have: run wit/vendor.sh" >&2
    exit 1
  }
else
  rm -rf wit/deps
  mkdir wit/deps
  cp -R "$fresh/." wit/deps/
fi
