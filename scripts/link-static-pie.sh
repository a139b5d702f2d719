#!/usr/bin/env bash
# Links as the C compiler $LINK_WITH does, but a static program always position independent: for arm64, rustc asks for one
# at fixed addresses.
set -euo pipefail
args=()
for arg; do
  case $arg in
    -static) ;;
    -no-pie) args+=(-static-pie) ;;
    *) args+=("$arg") ;;
  esac
done
exec "$LINK_WITH" "${args[@]}"
