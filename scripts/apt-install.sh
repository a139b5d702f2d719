#!/usr/bin/env bash
# Installs packages of Debian or Ubuntu, as root or with sudo, unless they are installed.
# Usage: scripts/apt-install.sh PACKAGE…
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/common.sh
source scripts/common.sh

# Two scripts of one build may come here at the same time.
mkdir -p target
exec 9>target/apt.lock
flock 9
! dpkg -s "$@" >/dev/null 2>&1 || exit 0
command -v apt-get >/dev/null || die "there is no apt-get for: $*"
as_root=()
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null || die "as root, run: apt-get update && apt-get install --no-install-recommends $*"
  as_root=(sudo)
fi
step "package lists" "${as_root[@]}" apt-get update -qq
step "$*" "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"
