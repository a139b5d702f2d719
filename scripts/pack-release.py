#!/usr/bin/env python3
"""Packs the tool for one architecture, with the hosts in it: a tarball, a Python wheel, an npm package, and the host as
a Lambda layer. Each has the licenses of what it contains and a software bill of materials (SBOM) for each program.

The hosts are a zip archive behind the executable (cli/src/bootstrap.rs). The same input gives the same bytes: files have
no times, no owners, and fixed permissions.

Usage: scripts/pack-release.py ARCH TOOL BOOTSTRAPS MAN OUT     (ARCH: x86_64 or aarch64)
BOOTSTRAPS is a directory with bootstrap-ARCH and bootstrap-ARCH-small, for both architectures or for one; its other files are
not packed. MAN has the manual pages.
"""

import base64
import gzip
import hashlib
import io
import json
import re
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

import licenses
import sbom
from dependencies import ROOT, of_program

NAME = "lambda-wasm"
SUMMARY = "Run WebAssembly components as AWS Lambda functions"
LICENSE = "Apache-2.0"

# The architecture in the names of npm and of Lambda.
NPM = {"x86_64": "x64", "aarch64": "arm64"}
LAMBDA = {"x86_64": "x86_64", "aarch64": "arm64"}

# The targets of hosts, as scripts/build-bootstrap.sh has them.
HOSTS = {"x86_64": "x86_64-unknown-linux-musl", "aarch64": "aarch64-unknown-linux-gnu"}


def version():
    """The version of the workspace: Cargo.toml is the one place that has it."""
    manifest = (ROOT / "Cargo.toml").read_text()
    return re.search(r'^version = "(.+)"$', manifest, re.MULTILINE)[1]


def tar_gz(path, files):
    """Writes a .tar.gz of (name, content, mode)."""
    with open(path, "wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as packed:
        with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
            for name, content, mode in files:
                entry = tarfile.TarInfo(name)
                entry.size, entry.mode = len(content), mode
                archive.addfile(entry, io.BytesIO(content))


def zip_file(path, files, mode="w"):
    """Writes a zip of (name, content, mode) to a file, or behind what is in it."""
    with zipfile.ZipFile(path, mode, zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content, permissions in files:
            entry = zipfile.ZipInfo(name)
            entry.create_system, entry.external_attr = 3, (0o100000 | permissions) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)


def named(directory, files, mode=0o644):
    """Returns (name, content, mode) of the files in a dictionary."""
    return [(f"{directory}/{name}", content, mode) for name, content in files.items()]


def bills(arch, tool, hosts):
    """Returns the licenses and the bills of the tool and of its hosts: two dictionaries of files."""
    crates = of_program(NAME, f"{arch}-unknown-linux-musl")
    contents = [("contains", host) for host in hosts]
    files = {f"{NAME}.cdx.json": sbom.bom(NAME, tool, crates, contents)}
    linked = dict(crates)
    for host, program in hosts.items():
        _, host_arch, *small = host.split("-")
        options = ["--no-default-features"] if small else []
        crates = of_program("lambda-wasm-host", HOSTS[host_arch], *options)
        properties = [("variant", "small" if small else "full"), ("target", HOSTS[host_arch])]
        files[f"{host}.cdx.json"] = sbom.bom("bootstrap", program, crates, properties)
        # A crate that only one of them links is listed too.
        linked = {**crates, **linked, **{id: crate for id, crate in crates.items() if crate.is_linked}}
    texts = {"LICENSE": (ROOT / "LICENSE").read_bytes(), "THIRD_PARTY_LICENSES": licenses.notices(linked.values()).encode()}
    return texts, files


def wheel(arch, tool, texts, bills, out):
    """Writes a wheel with the tool among its scripts: "Binary distribution format" of the Python Packaging User Guide. Its bills
    are where PEP 770 has them."""
    package = f"lambda_wasm-{version()}"
    # A static program runs with the oldest glibc that a tag exists for, and with musl.
    tags = [f"py3-none-{libc}_{arch}" for libc in ("manylinux_2_17", "musllinux_1_1")]
    info = f"{package}.dist-info"
    metadata = (
        f"Metadata-Version: 2.1\nName: {NAME}\nVersion: {version()}\nSummary: {SUMMARY}\n"
        f"License: {LICENSE}\nRequires-Python: >=3.8\nDescription-Content-Type: text/markdown\n\n"
        + (ROOT / "README.md").read_text()
    )
    kind = "Wheel-Version: 1.0\nGenerator: lambda-wasm\nRoot-Is-Purelib: false\n" + "".join(f"Tag: {tag}\n" for tag in tags)
    files = [
        (f"{package}.data/scripts/{NAME}", tool, 0o755),
        (f"{info}/METADATA", metadata.encode(), 0o644),
        (f"{info}/WHEEL", kind.encode(), 0o644),
        *named(f"{info}/licenses", texts),
        *named(f"{info}/sboms", bills),
    ]
    record = ""
    for name, content, _ in files:
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        record += f"{name},sha256={digest},{len(content)}\n"
    files.append((f"{info}/RECORD", f"{record}{info}/RECORD,,\n".encode(), 0o644))
    platform = ".".join(tag.rsplit("-", 1)[1] for tag in tags)
    zip_file(out / f"{package}-py3-none-{platform}.whl", files)


def npm(arch, tool, texts, bills, out):
    """Writes an npm package, as `npm pack` does, with the tool as its program."""
    manifest = {
        "name": f"{NAME}-linux-{NPM[arch]}",
        "version": version(),
        "description": SUMMARY,
        "license": LICENSE,
        "os": ["linux"],
        "cpu": [NPM[arch]],
        "bin": {NAME: f"bin/{NAME}"},
    }
    files = [
        ("package/package.json", json.dumps(manifest, indent=2).encode() + b"\n", 0o644),
        ("package/README.md", (ROOT / "README.md").read_bytes(), 0o644),
        *named("package", texts),
        *named("package/sbom", bills),
        (f"package/bin/{NAME}", tool, 0o755),
    ]
    tar_gz(out / f"{NAME}-linux-{NPM[arch]}-{version()}.tgz", files)


def main():
    if len(sys.argv) != 6:
        sys.exit(__doc__)
    arch, (tool, hosts, pages, out) = sys.argv[1], map(Path, sys.argv[2:])
    out.mkdir(parents=True, exist_ok=True)
    # The directory may have other files, such as a host of the tests, which is built quickly and is large.
    names = [f"bootstrap-{host_arch}{variant}" for host_arch in sorted(HOSTS) for variant in ("", "-small")]
    hosts = {name: (hosts / name).read_bytes() for name in names if (hosts / name).exists()}
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder, NAME)
        whole.write_bytes(tool.read_bytes())
        zip_file(whole, [(name, content, 0o755) for name, content in hosts.items()], "a")
        tool = whole.read_bytes()
    texts, bills_of = bills(arch, tool, hosts)
    folder = f"{NAME}-{version()}-{arch}-linux"
    documents = {**texts, **{name: (ROOT / name).read_bytes() for name in ("README.md", "CHANGELOG.md")}}
    manual = {page.name: page.read_bytes() for page in sorted(pages.iterdir())}
    files = [
        (f"{folder}/{NAME}", tool, 0o755),
        *named(folder, documents),
        *named(f"{folder}/share/man/man1", manual),
        *named(f"{folder}/sbom", bills_of),
    ]
    tar_gz(out / f"{folder}.tar.gz", files)
    wheel(arch, tool, texts, bills_of, out)
    npm(arch, tool, texts, bills_of, out)
    # A layer is unpacked into /opt, where the runtimes of `provided.al2023` look for `bootstrap` too.
    host = f"bootstrap-{arch}"
    about = {**texts, "bootstrap.cdx.json": bills_of[f"{host}.cdx.json"]}
    layer = [("bootstrap", hosts[host], 0o755), *named(f"share/doc/{NAME}", about)]
    zip_file(out / f"{NAME}-layer-{version()}-{LAMBDA[arch]}.zip", layer)


main()
