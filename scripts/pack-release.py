#!/usr/bin/env python3
"""Packs the tool for one architecture, with the hosts in it: a tarball, a Python wheel, an npm package, and the host as
a Lambda layer.

The hosts are a zip archive behind the executable (cli/src/bootstrap.rs). The same input gives the same bytes: files have
no times, no owners, and fixed permissions.

Usage: scripts/pack-release.py ARCH TOOL BOOTSTRAPS MAN OUT     (ARCH: x86_64 or aarch64)
BOOTSTRAPS is a directory with bootstrap-x86_64 and bootstrap-aarch64, or one of them; MAN has the manual pages.
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

ROOT = Path(__file__).resolve().parent.parent
NAME = "lambda-wasm"
SUMMARY = "Run WebAssembly components as AWS Lambda functions"
LICENSE = "Apache-2.0"

# The architecture in the names of npm and of Lambda.
NPM = {"x86_64": "x64", "aarch64": "arm64"}
LAMBDA = {"x86_64": "x86_64", "aarch64": "arm64"}


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


def wheel(arch, tool, out):
    """Writes a wheel with the tool among its scripts: "Binary distribution format" of the Python Packaging User Guide."""
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
        (f"{info}/licenses/LICENSE", (ROOT / "LICENSE").read_bytes(), 0o644),
    ]
    record = ""
    for name, content, _ in files:
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        record += f"{name},sha256={digest},{len(content)}\n"
    files.append((f"{info}/RECORD", f"{record}{info}/RECORD,,\n".encode(), 0o644))
    platform = ".".join(tag.rsplit("-", 1)[1] for tag in tags)
    zip_file(out / f"{package}-py3-none-{platform}.whl", files)


def npm(arch, tool, out):
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
        ("package/LICENSE", (ROOT / "LICENSE").read_bytes(), 0o644),
        (f"package/bin/{NAME}", tool, 0o755),
    ]
    tar_gz(out / f"{NAME}-linux-{NPM[arch]}-{version()}.tgz", files)


def main():
    if len(sys.argv) != 6:
        sys.exit(__doc__)
    arch, (tool, hosts, pages, out) = sys.argv[1], map(Path, sys.argv[2:])
    out.mkdir(parents=True, exist_ok=True)
    hosts = {path.name: path.read_bytes() for path in sorted(hosts.glob("bootstrap-*"))}
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder, NAME)
        whole.write_bytes(tool.read_bytes())
        zip_file(whole, [(name, content, 0o755) for name, content in hosts.items()], "a")
        tool = whole.read_bytes()
    folder = f"{NAME}-{version()}-{arch}-linux"
    documents = [(f"{folder}/{name}", (ROOT / name).read_bytes(), 0o644) for name in ("LICENSE", "README.md", "CHANGELOG.md")]
    manual = [(f"{folder}/share/man/man1/{page.name}", page.read_bytes(), 0o644) for page in sorted(pages.iterdir())]
    tar_gz(out / f"{folder}.tar.gz", [(f"{folder}/{NAME}", tool, 0o755), *documents, *manual])
    wheel(arch, tool, out)
    npm(arch, tool, out)
    # A layer is unpacked into /opt, where the runtimes of `provided.al2023` look for `bootstrap` too.
    zip_file(out / f"{NAME}-layer-{version()}-{LAMBDA[arch]}.zip", [("bootstrap", hosts[f"bootstrap-{arch}"], 0o755)])


main()
