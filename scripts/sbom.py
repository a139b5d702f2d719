"""Software bills of materials in CycloneDX 1.6 (https://cyclonedx.org/docs/1.6/json/), from Cargo.lock.

The same source gives the same bytes: a bill has no time and no serial number.
"""

import functools
import hashlib
import json
import re
import subprocess


def licenses(expression):
    """Returns an SPDX expression as a component has it."""
    return [{"expression": expression}] if expression else []


def purl(crate):
    """Returns the package URL of a crate: https://github.com/package-url/purl-spec."""
    return f"pkg:cargo/{crate.name}@{crate.version.replace('+', '%2B')}"


def component(crate):
    """Returns a crate as a component. The code of an excluded one is not in the program."""
    found = {
        "type": "library",
        "bom-ref": purl(crate),
        "name": crate.name,
        "version": crate.version,
        "scope": "required" if crate.is_linked else "excluded",
        "licenses": licenses(crate.license),
        "purl": purl(crate),
    }
    if crate.checksum:
        found["hashes"] = [{"alg": "SHA-256", "content": crate.checksum}]
    if re.fullmatch(r"https?://\S+", crate.repository):
        found["externalReferences"] = [{"type": "vcs", "url": crate.repository}]
    return found


@functools.cache
def standard_library():
    """Returns the standard library of Rust, which is linked too and is not in Cargo.lock."""
    said = subprocess.run(["rustc", "-vV"], check=True, stdout=subprocess.PIPE, text=True).stdout
    version, commit = (re.search(f"^{key}: (.+)$", said, re.MULTILINE)[1] for key in ("release", "commit-hash"))
    return {
        "type": "library",
        "bom-ref": f"pkg:generic/rust-std@{version}",
        "name": "rust-std",
        "version": version,
        "scope": "required",
        "licenses": licenses("MIT OR Apache-2.0"),
        "purl": f"pkg:generic/rust-std@{version}?vcs_url=git%2Bhttps://github.com/rust-lang/rust%40{commit}",
    }


def bom(name, program, crates, properties=()):
    """Returns the bill of a program, which is built from these crates: itself is the first. `properties` are pairs."""
    root, *others = crates.values()
    std = standard_library()
    described = component(root)
    described |= {
        "type": "application",
        "name": name,
        "hashes": [{"alg": "SHA-256", "content": hashlib.sha256(program).hexdigest()}],
        "properties": [{"name": f"lambda-wasm:{key}", "value": value} for key, value in properties],
    }
    del described["scope"]
    graph = [
        {"ref": purl(crate), "dependsOn": sorted(purl(crates[need]) for need in crate.needs)} for crate in crates.values()
    ]
    graph[0]["dependsOn"].append(std["bom-ref"])
    found = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"lifecycles": [{"phase": "build"}], "component": described},
        "components": [*sorted((component(crate) for crate in others), key=lambda each: each["bom-ref"]), std],
        "dependencies": [*graph, {"ref": std["bom-ref"]}],
    }
    return json.dumps(found, indent=1).encode() + b"\n"
