#!/usr/bin/env python3
"""Compares the table of docs/supply-chain.md with the crates that `bootstrap` is linked from, for both architectures and in
both variants: each is in its row, with `unsafe` code or without.

Usage: scripts/check-dependencies.py
"""

import re
import sys

from dependencies import ROOT, of_program

TABLE = ROOT / "docs/supply-chain.md"
TARGETS = ("x86_64-unknown-linux-musl", "aarch64-unknown-linux-gnu")


def has_unsafe(crate):
    """Returns whether the source of a crate has `unsafe` code, also such that is for another target."""
    for path in (crate.directory / "src").rglob("*.rs"):
        source = path.read_text(errors="replace")
        source = re.sub(r"/\*.*?\*/|//[^\n]*", "", source, flags=re.DOTALL)
        if re.search(r"\bunsafe\s*(\{|(fn|impl|extern|trait)\b)", source):
            return True
    return False


def linked():
    """Returns the crates of `bootstrap` as two sets of names: with `unsafe` code, and without."""
    crates = {}
    for target in TARGETS:
        for options in ([], ["--no-default-features"]):
            crates |= of_program("lambda-wasm-host", target, *options)
    crates = [crate for crate in crates.values() if crate.is_linked]
    unsafe = {crate.name for crate in crates if has_unsafe(crate)}
    return unsafe, {crate.name for crate in crates} - unsafe


def documented():
    """Returns the names in the second and the third column of the table: two sets."""
    section = TABLE.read_text().split("\n## Crates in `bootstrap`\n")[1]
    rows = [line.split("|") for line in section.splitlines() if line.startswith("| ")][1:]
    return tuple({name for row in rows for name in re.findall(r"`([\w-]+)`", row[column])} for column in (2, 3))


def main():
    faults = []
    for kind, found, known in zip(("with unsafe code", "without unsafe code"), linked(), documented()):
        faults += [f"`{name}` is linked into bootstrap {kind}, and the table does not have it" for name in sorted(found - known)]
        faults += [f"`{name}` is listed {kind}, and bootstrap has no such crate" for name in sorted(known - found)]
    if faults:
        sys.exit("\n".join([f"error: {TABLE.relative_to(ROOT)} is not true:", *faults, "hint: see what the crate is for, and move it"]))


main()
