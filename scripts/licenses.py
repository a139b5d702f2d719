"""The licenses of the crates that are linked into programs, as one text for those who redistribute them."""

import re
import sys
import textwrap

from dependencies import ROOT

NAMES = re.compile(r"(licen[sc]es?|copying|copyright|notice|unlicense)\b", re.IGNORECASE)

MIT = """\
{}

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation \
files (the "Software"), to deal in the Software without restriction, including without limitation the rights to use, copy, \
modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the Software \
is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES \
OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE \
LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR \
IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""

# Linked too, and not in Cargo.lock.
LIBRARIES = [
    ("The standard library of Rust", "MIT OR Apache-2.0", "The Rust Project contributors"),
    ("musl, the C library of the programs for x86_64 and of the tool", "MIT", "2005-2020 Rich Felker, et al."),
]
GLIBC = """\
bootstrap for arm64 is linked with the GNU C Library of the system that built it, which is under the LGPL, version 2.1 or later
(https://www.gnu.org/licenses/lgpl-2.1.html). To link bootstrap with another version of that library, build it from the source
of lambda-wasm: ./build.sh --target aarch64-unknown-linux-gnu
"""


def mit(holder):
    """Returns the MIT license of a copyright holder."""
    wrapped = (textwrap.fill(part, 100) for part in MIT.format(f"Copyright (c) {holder}").split("\n\n"))
    return "\n\n".join(wrapped)


def files(directory):
    """Returns the texts of a crate's license files."""
    names = sorted(
        path
        for path in directory.rglob("*")
        if path.is_file() and (NAMES.match(path.name) or path.parent.name == "LICENSES") and path.suffix not in (".rs", ".html")
        # Where a crate leaves the choice, it is the other one.
        and not path.name.startswith("GPL")
    )
    return [path.read_text(errors="replace").strip() for path in names]


def texts(crate, by_repository):
    """Returns the texts of a crate's license. Not every crate has a file: then those of its repository count, or else the
    license that it names."""
    own = files(crate.directory) or by_repository.get(crate.repository)
    if own:
        return own
    if re.search(r"\bApache-2.0\b", crate.license):
        return [(ROOT / "LICENSE").read_text().strip()]
    if re.search(r"\bMIT\b", crate.license):
        return [mit(crate.authors or f"the authors of {crate.name}")]
    sys.exit(f"error: {crate.id} has no license file, and there is no text of {crate.license} here")


def notices(crates):
    """Returns the text for these crates: a list, then each license once, with the crates that have it."""
    linked = sorted((crate for crate in crates if crate.is_linked and crate.checksum), key=lambda crate: crate.id)
    by_repository = {crate.repository: found for crate in linked if crate.repository and (found := files(crate.directory))}
    owners = {}
    for crate in linked:
        for text in texts(crate, by_repository):
            # Copies of a text differ in their line breaks.
            owners.setdefault(" ".join(text.split()), (text, []))[1].append(crate.id)
    for name, _, holder in LIBRARIES:
        owners[name] = (mit(holder), [name])
    rule = "=" * 100
    lines = ["lambda-wasm is under the Apache License 2.0, in LICENSE. Its programs contain these works of others:", ""]
    lines += [f"{crate.id}: {crate.license}" for crate in linked]
    lines += [f"{name}: {license}" for name, license, _ in LIBRARIES]
    lines += ["", GLIBC.strip()]
    for text, names in sorted(owners.values(), key=lambda owner: owner[1]):
        names = textwrap.fill(", ".join(dict.fromkeys(names)), 100, break_on_hyphens=False, break_long_words=False)
        lines += ["", rule, names, rule, "", text]
    return "\n".join(lines) + "\n"
