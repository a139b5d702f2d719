#!/usr/bin/env bash
# Links with the C compiler $LINK_WITH, but always links a static program position independent: for arm64, rustc asks for
# fixed addresses. The linker is the compiler's own: rustc asks for its lld, which cannot read host/startup.ld.
set -euo pipefail
args=()
for arg; do
  case $arg in
    -static | -fuse-ld=lld) ;;
    -no-pie) args+=(-static-pie) ;;
    *) args+=("$arg") ;;
  esac
done
exec "$LINK_WITH" "${args[@]}"
