#!/usr/bin/env bash
# Checks template.yaml with `sam`, without an AWS account: it is valid, and `sam build` leaves dist/ as it is.
# It needs target/tools/bin/sam.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/common.sh
source scripts/common.sh
sam=target/tools/bin/sam
export SAM_CLI_TELEMETRY=0

step "sam validate" "$sam" validate --lint --region us-east-1
before=$(cd dist && ls -l && cksum -- *)
step "sam build" "$sam" build --build-dir target/sam-build/build
[ "$before" = "$(cd dist && ls -l && cksum -- *)" ] || die "sam build changed dist/"
code=$(sed -n 's/^ *CodeUri: *//p' target/sam-build/build/template.yaml)
[ -x "target/sam-build/build/$code/bootstrap" ] || die "sam build's template has CodeUri $code, and there is no bootstrap there"
