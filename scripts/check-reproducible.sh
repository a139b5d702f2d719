#!/usr/bin/env bash
# Builds `bootstrap` for this machine's architecture here and in another directory, with another home of Cargo, and compares
# the bytes. Minutes for each build.
# Usage: scripts/check-reproducible.sh [--small]     (the small variant; default: the full one)
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/common.sh
source scripts/common.sh

variant=("$@")
target=$(uname -m)-unknown-linux-gnu
here=$PWD/target/reproducible/here
there=$PWD/target/reproducible/there
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT

scripts/build-bootstrap.sh "${variant[@]}" "$target" "$here"

mkdir "$copy/cargo" "$copy/source"
ln -s "$(realpath "${CARGO_HOME:-$HOME/.cargo}")/registry" "$copy/cargo/registry"
git ls-files -z | tar --null --files-from=- -c | tar -x -C "$copy/source"
(cd "$copy/source" && CARGO_HOME=$copy/cargo scripts/build-bootstrap.sh "${variant[@]}" "$target" "$there")

sha256sum "$here" "$there" >&2
cmp "$here" "$there" || die "two builds of the same source differ"
say "two builds of the same source are the same"
