#!/usr/bin/env bash
# Installs Python packages into a virtual environment, which is made if need be; what was installed before is left alone.
# Usage: scripts/pip-install.sh DIR NAME==VERSION…
set -euo pipefail
dir=$1
shift

wanted=()
for package; do [ -e "$dir/installed/$package" ] || wanted+=("$package"); done
if [ -e "$dir" ] && ! "$dir/bin/python3" -c '' 2>/dev/null; then
  rm -rf "$dir" # its Python is gone
  wanted=("$@")
fi
[ ${#wanted[@]} -gt 0 ] || exit 0

command -v python3 >/dev/null || {
  echo "there is no python3"
  exit 1
}
[ -x "$dir/bin/pip" ] || python3 -m venv "$dir"
"$dir/bin/pip" install --quiet --disable-pip-version-check --no-input "${wanted[@]}"
mkdir -p "$dir/installed"
for package in "${wanted[@]}"; do : >"$dir/installed/$package"; done
