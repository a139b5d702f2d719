#!/usr/bin/env bash
# Fills the corpora of the fuzz targets with what the repository and its crates have: samples of events, policies, templates,
# and the trailer of an artifact. What a fuzzer has found stays. Usage: scripts/fuzz-corpus.sh [DIRECTORY], which is
# target/fuzz/corpus unless it is named.
set -euo pipefail
cd "$(dirname "$0")/.."

corpus=${1:-target/fuzz/corpus}
mkdir -p "$corpus"/{artifact,backtrace,door,event,invocation,log,policy,prelude,response,signing,template}

# AWS's crate carries a sample of each event.
manifest=$(cargo metadata --format-version 1 --offline --filter-platform "$(rustc -vV | sed -n 's/^host: //p')" |
  grep -o '"manifest_path":"[^"]*/aws_lambda_events-[^"]*"' | head -n 1 | cut -d'"' -f4)
cp "${manifest%/*}"/src/fixtures/example-{alb,apigw,vpc-lattice}*.json "$corpus/event/"
# Lattice 1.0 has other names for these members. Some events have both names, or text that is not UTF-8, which no source sends.
for sample in alb-lambda-target-request-headers-only apigw-v2-request-no-authorizer vpc-lattice-v2-request; do
  event=$(<"$corpus/event/example-$sample.json") number=0
  for member in '"raw_path":"/other"' '"query_string_parameters":{"other":"1"}' '"is_base64_encoded":true' \
    $'"other":"\xff","query_string_parameters":{"other":"1"}'; do
    number=$((number + 1))
    printf '%s,%s}' "${event%\}}" "$member" >"$corpus/event/two-names-$number-$sample.json"
  done
done
cp "${manifest%/*}"/src/fixtures/example-*response*.json "$corpus/prelude/" 2>/dev/null || true

# blocks LANGUAGE DIRECTORY: the code blocks of a language in the documents, each in a file.
blocks() {
  awk -v language="$1" -v out="$2" '
    $0 == "```" language { number++; inside = 1; next }
    /^```/ { inside = 0 }
    inside { print > (out "/document-" number) }' docs/*.md README.md
}
# literals DIRECTORY FILE…: the raw string literals of Rust files, each in a file.
literals() {
  local out=$1
  shift
  awk -v out="$out" '
    /"#/ { if (inside) { inside = 0; close(file) } }
    inside { print > file }
    /r#"$/ { inside = 1; number++; file = out "/literal-" number }' "$@"
}
blocks toml "$corpus/policy"
blocks yaml "$corpus/template"
literals "$corpus/template" emulator/src/template/tests.rs emulator/src/template/tests/*.rs
literals "$corpus/policy" host/src/policy/file/tests.rs
for file in $(git ls-files '*policy.toml'); do cp "$file" "$corpus/policy/${file//\//-}"; done
for file in $(git ls-files '*template.yaml'); do cp "$file" "$corpus/template/${file//\//-}"; done

# A trailer, as if it stood behind 16 bytes, and with the bytes before it.
if [ -f dist/hello.cwasm ]; then
  grep -a -o '{"format":.*}' dist/hello.cwasm | tail -n 1 | sed 's/"length":[0-9]*/"length":16/' >"$corpus/artifact/trailer"
  tail -c 4096 dist/hello.cwasm >"$corpus/artifact/end"
fi

# Names as compilers mangle them, and one that a parser may read in many ways. The two bytes before a name leave it as it is.
number=0 ambiguous=_Z1fSt4pairI$(printf 'IC2StC1%.0s' {1..10})
for name in "$ambiguous" _ZN7handler6panics17h0123456789abcdefE _RNvCs1234_7mycrate3foo _ZN5space3fooEibc _ZNSt6vectorIiSaIiEE9push_backEOi \
  _RINvNtC3std3mem8align_ofNtNtC3std3mem12DiscriminantE _Z1fSt4pairISt4pairIiiES0_E; do
  number=$((number + 1))
  printf 'hB%s' "$name" >"$corpus/backtrace/name-$number"
done

# The other targets make what they need of any bytes.
for name in door event invocation log prelude response signing; do
  for part in 1 2 3 4; do head -c $((part * 700)) LICENSE | tail -c 600 >"$corpus/$name/text-$part"; done
done
