#!/usr/bin/env python3
"""Fails if a program names a directory of the machine that built it: this checkout, Cargo's sources, the toolchain, or a home.

Usage: scripts/check-paths.py PROGRAM…
"""

import collections
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def pattern():
    """Returns what finds the directories. A path in a program may end like one: `wasmtime/src/` is not in `/src/`."""
    sysroot = subprocess.run(["rustc", "--print", "sysroot"], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    cargo = os.environ.get("CARGO_HOME") or Path.home() / ".cargo"
    directories = {str(ROOT), str(cargo), sysroot.strip(), "/home"} - {"/"}
    names = b"|".join(re.escape(os.fsencode(directory)) for directory in sorted(directories))
    return re.compile(rb"(?<![\w.+/-])(?:" + names + rb")/|registry/src/")


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    directories = pattern()
    for program in sys.argv[1:]:
        found = collections.Counter(directories.findall(Path(program).read_bytes()))
        if found:
            lines = [f"  {os.fsdecode(directory)}: {count} times" for directory, count in sorted(found.items())]
            sys.exit("\n".join([f"error: {program} has directories of the machine that built it:", *lines]))


main()
