#!/usr/bin/env bash
# Installs Python packages into a virtual environment, and creates it if it is missing. Installed packages are left alone.
# An environment that was copied or moved is created again: its pip would install into the old directory.
# Usage: scripts/pip-install.sh DIR NAME==VERSION…
set -euo pipefail
dir=$1
shift

wanted=()
for package; do [ -e "$dir/installed/$package" ] || wanted+=("$package"); done

# The directory of the environment, which the first lines of its programs name.
made_as() { grep -m 1 -o '/.*/bin/python' "$dir/bin/pip" 2>/dev/null | sed 's,/bin/python$,,'; }

if [ -e "$dir" ] && { ! [ "$(made_as)" -ef "$dir" ] || ! "$dir/bin/python3" -c '' 2>/dev/null; }; then
  rm -rf "$dir" # that, or its Python, is gone
  wanted=("$@")
fi
[ ${#wanted[@]} -gt 0 ] || exit 0

command -v python3 >/dev/null || {
  echo "python3 is missing"
  exit 1
}
[ -x "$dir/bin/pip" ] || python3 -m venv "$dir"
"$dir/bin/pip" install --quiet --disable-pip-version-check --no-input "${wanted[@]}"
mkdir -p "$dir/installed"
for package in "${wanted[@]}"; do : >"$dir/installed/$package"; done
