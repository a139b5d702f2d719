#!/usr/bin/env bash
# Builds this component and compiles it into the artifact that is named. Needs Python, from which the rest comes: Node.js
# from PyPI into target/tools, and with it the compiler of JavaScript components, componentize-js, into target/node.
# Usage: examples/javascript/build.sh [ARTIFACT [OPTION…]]     (default: dist/hello.cwasm; options are those of `lambda-wasm compile`)
set -euo pipefail
artifact=$(realpath -m "${1:-$(dirname "$0")/../../dist/hello.cwasm}")
cd "$(dirname "$0")/../.."
scripts/npm-install.sh target/node cli/src/build/javascript
component=$PWD/target/examples/hello-javascript.wasm
wit=target/examples/javascript-wit

# The engine inside componentize-js is built for this version of WASI, and takes the WIT of no other.
version=0.2.10
vendored=$(sed -n 's/^package wasi:http@\(.*\);/\1/p' wit/deps/http.wit)
rm -rf "$wit"
mkdir -p "$wit/deps"
for file in wit/deps/*.wit; do
  sed "s/${vendored//./\\.}/$version/g" "$file" >"$wit/deps/${file##*/}"
done
mv "$wit/deps/http.wit" "$wit/"

PATH=$PWD/target/tools/bin:$PATH target/node/node_modules/.bin/componentize-js examples/javascript/app.js \
  --wit "$wit" --world-name proxy --out "$component"
target/release/lambda-wasm compile "$component" -o "$artifact" "${@:2}"
