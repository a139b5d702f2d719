#!/usr/bin/env bash
# Builds this component and compiles it into the artifact that is named. Needs Python; the compiler of Python components,
# componentize-py, comes from PyPI into target/tools.
# Usage: examples/python-http/build.sh [ARTIFACT [OPTION…]]     (default: dist/hello.cwasm; options are those of `lambda-wasm compile`)
set -euo pipefail
artifact=$(realpath -m "${1:-$(dirname "$0")/../../dist/hello.cwasm}")
cd "$(dirname "$0")/../.."
scripts/pip-install.sh target/tools "$(grep '^componentize-py==' scripts/requirements.txt)"
component=$PWD/target/examples/hello-python-http.wasm
world=$(sed -n 's/^package wasi:http\(@.*\);/wasi:http\/proxy\1/p' wit/deps/http.wit)
mkdir -p target/examples
target/tools/bin/componentize-py -d wit -w "$world" componentize -p examples/python-http app -o "$component"
target/release/lambda-wasm compile "$component" -o "$artifact" "${@:2}"
