#!/usr/bin/env python3
"""Writes the provenance of the files in a directory: a statement of in-toto (https://in-toto.io/Statement/v1) with the
predicate of SLSA (https://slsa.dev/provenance/v1). It has no time, so that the same build gives the same bytes.

Usage: scripts/provenance.py DIRECTORY     (writes DIRECTORY/provenance.intoto.json)
"""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FILE = "provenance.intoto.json"


def said(*command):
    """Returns what a command prints, without the line's end."""
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def commit(uri):
    """Returns the commit of the source, and whether files differ from it: nothing where there is no repository."""
    if subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True).returncode != 0:
        return [], {}
    found = said("git", "rev-parse", "HEAD")
    is_modified = said("git", "status", "--porcelain", "--untracked-files=no") != ""
    return [{"uri": f"{uri}@{found}", "digest": {"gitCommit": found}}], {"modified": is_modified}


def sha256(path):
    """Returns a file's name and digest, as a resource descriptor has them."""
    return {"name": path.name, "digest": {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}}


def rust():
    """Returns the compiler."""
    facts = dict(line.split(": ", 1) for line in said("rustc", "-vV").splitlines() if ": " in line)
    return {"uri": f"pkg:generic/rust@{facts['release']}", "digest": {"gitCommit": facts["commit-hash"]}}


def origin():
    """Returns where the source is from, and who builds it: GitHub's runner says so itself."""
    server, name, workflow = (os.environ.get(f"GITHUB_{key}") for key in ("SERVER_URL", "REPOSITORY", "WORKFLOW_REF"))
    if server and name and workflow:
        return f"git+{server}/{name}", f"{server}/{workflow}"
    return "urn:lambda-wasm:clone", "urn:lambda-wasm:maintainer"


def statement(files):
    """Returns the statement about these files."""
    repository, builder = origin()
    source, parameters = commit(repository)
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [sha256(path) for path in files],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": "urn:lambda-wasm:build.sh-release:1",
                "externalParameters": {"command": "./build.sh release"},
                "internalParameters": parameters,
                "resolvedDependencies": [
                    *(sha256(ROOT / name) for name in ("Cargo.lock", "rust-toolchain.toml")),
                    rust(),
                    *source,
                ],
            },
            "runDetails": {"builder": {"id": builder}},
        },
    }


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    directory = Path(sys.argv[1])
    files = sorted(path for path in directory.iterdir() if path.name not in (FILE, "SHA256SUMS"))
    (directory / FILE).write_text(json.dumps(statement(files), indent=2) + "\n")


main()
