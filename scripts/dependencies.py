"""The crates that a program of this workspace is built from, as Cargo resolves them for it alone."""

import functools
import json
import os
import re
import subprocess
from dataclasses import dataclass, field, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass
class Crate:
    """A crate: `is_linked` tells whether its code is in the program, and not only in what compiles the program."""

    name: str
    version: str
    license: str
    description: str
    authors: str
    repository: str
    directory: Path
    checksum: str  # SHA-256 of the package as crates.io has it; empty for a crate of this workspace
    is_linked: bool = False
    needs: set = field(default_factory=set)  # the ids of the crates that it depends on

    @property
    def id(self):
        return f"{self.name}@{self.version}"


def cargo(*args):
    """Runs Cargo with the versions of Cargo.lock, and returns what it prints."""
    command = [os.environ.get("CARGO", "cargo"), *args, "--locked"]
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


@functools.cache
def packages(target):
    """Returns all crates of the workspace and of Cargo.lock that a target has, by id."""
    locked = r'^name = "(.+)"\nversion = "(.+)"\nsource = ".+"\nchecksum = "(.+)"$'
    checksums = {
        (name, version): checksum
        for name, version, checksum in re.findall(locked, (ROOT / "Cargo.lock").read_text(), re.MULTILINE)
    }
    found = {}
    for each in json.loads(cargo("metadata", "--format-version", "1", "--filter-platform", target))["packages"]:
        crate = Crate(
            each["name"],
            each["version"],
            # Cargo took a slash for OR before it had SPDX expressions.
            re.sub(r" ?/ ?", " OR ", each["license"] or ""),
            (each["description"] or "").strip(),
            ", ".join(re.sub(r" *<.*?>", "", author) for author in each["authors"]),
            each["repository"] or "",
            Path(each["manifest_path"]).parent,
            checksums.get((each["name"], each["version"]), ""),
        )
        found[crate.id] = crate
    return found


def of_program(package, target, *options):
    """Returns the crates that a package of this workspace is built from for a target, by id; itself is the first.

    `cargo metadata` has the features of all packages together. `cargo tree` has those of one, as a build of it has."""
    known = packages(target)
    tree = cargo("tree", "-p", package, "--target", target, "-e", "normal,build", "--prefix", "depth", *options)
    linked = cargo("tree", "-p", package, "--target", target, "-e", "normal,no-proc-macro", "--prefix", "depth", *options)
    crates, path = {}, []
    for line in tree.splitlines():
        depth, crate = parse(line)
        del path[depth:]
        if path:
            path[-1].needs.add(crate)
        path.append(crates.setdefault(crate, replace(known[crate], needs=set())))
    for line in linked.splitlines():
        crates[parse(line)[1]].is_linked = True
    return crates


def parse(line):
    """Returns the depth and the id of the crate in a line of `cargo tree`."""
    depth, name, version = re.match(r"(\d+)(\S+) v(\S+)", line).groups()
    return int(depth), f"{name}@{version}"
