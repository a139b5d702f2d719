#!/usr/bin/env python3
"""Writes host/startup.ld: a linker script that lays the functions of a start beside each other.

Each start reads the pages that the functions it runs lie on, and a page more than that costs more than what most of these
functions do. So they are put together, in the order in which they are first run, from the first instruction to the first
answer. They are the last of the code, and the tables for unwinding, which a start does not read, come before the code: so
all that a start reads, with constants and data, is at the end of the file. The kernel begins there, with the data, and
reads half of its read-ahead before that. A name that a later version of a library does not have is passed over: the list wants to be made again when
functions have moved, and nothing breaks if it is not.

Usage: scripts/startup-order.py DIST BOOTSTRAP…     (needs valgrind)
DIST has hello.cwasm, and a component of `wasi:http` 0.2 as http.cwasm; each BOOTSTRAP is a variant that was not stripped, the small one first: build it with
BOOTSTRAP_SYMBOLS=1, and in no other way than the one that is shipped, since the hashes in names would differ, and some
have another length.
Names are mangled as v0 does, which tells the instances of a generic function apart.
"""

import bisect
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEAD = """/* The order of bootstrap's parts in its file. Made by scripts/startup-order.py, which says why. */
SECTIONS
{
  /* Named here, since not every linker has it in a script of its own. */
  .relr.dyn : { *(.relr.dyn) }
  .eh_frame_hdr : { *(.eh_frame_hdr) *(.eh_frame_entry .eh_frame_entry.*) }
  .eh_frame : ONLY_IF_RO { KEEP (*(.eh_frame)) *(.eh_frame.*) }
  .gcc_except_table : ONLY_IF_RO { *(.gcc_except_table .gcc_except_table.*) }
}
INSERT AFTER .rela.plt;

SECTIONS
{
  .init : { KEEP (*(SORT_NONE(.init))) }
}
INSERT AFTER .text;

/* The functions of a start, in the order in which they first run. Those that only a component of wasi:http runs come first,
   and are not asked for with the others. */
SECTIONS
{
  .text.start : {
"""
BEGIN = """    start_functions_begin = .;
"""
END = """    start_functions_end = .;
  }
}
INSERT AFTER .text;
"""


# What callgrind does not see or name: the first code, the search in the vDSO, which valgrind hides, and a lock that two
# threads meet at.
UNSEEN = [
    "*rcrt1.o(.text .text.*)",
    "*crtbegin*.o(.text .text.*)",
    "*(.text.main)",
    "*libc.a:strcmp.lo(.text .text.*)",
    "*(.text*._RNvMNtNtNtNtCs???????????_3std3sys4sync5mutex5futexNtB2_5Mutex14lock_contended)",
]

# A function with a policy runs this too.
POLICY = """
stream = false
[limits]
memory = "64 MiB"
[env]
allow = ["STAGE"]
"""


def read_request(connection):
    """Reads one request: no other is under way on the connection."""
    def more():
        part = connection.recv(65536)
        assert part, "bootstrap ended"
        return part

    data = b""
    while b"\r\n\r\n" not in data:
        data += more()
    head, body = data.split(b"\r\n\r\n", 1)
    length = re.search(rb"(?i)content-length: *(\d+)", head)
    while length and len(body) < int(length[1]):
        body += more()
    return head


def run(dist, name, bootstrap, profile):
    """Serves one event to a bootstrap under callgrind, and ends it."""
    event = (ROOT / "bench/event.json").read_bytes()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)
        environment = {
            "PATH": os.environ["PATH"],
            "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:%d" % server.getsockname()[1],
            "_HANDLER": name,
            "LAMBDA_TASK_ROOT": dist,
        }
        callgrind = ["valgrind", "--tool=callgrind", "--demangle=no", f"--callgrind-out-file={profile}"]
        process = subprocess.Popen([*callgrind, bootstrap], env=environment, stderr=subprocess.DEVNULL)
        connection, _ = server.accept()
        with connection:
            read_request(connection)
            deadline = int(time.time() * 1000) + 60_000
            head = (
                "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: id\r\n"
                f"Lambda-Runtime-Deadline-Ms: {deadline}\r\nContent-Length: {len(event)}\r\n\r\n"
            )
            connection.sendall(head.encode() + event)
            assert b"/invocation/id/response" in read_request(connection), "it does not answer"
            process.send_signal(signal.SIGTERM)
            # It ends when the response has been taken.
            connection.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
            process.wait()


def functions(profile, bootstrap):
    """The functions that were run, in the order in which callgrind first names them."""
    listed = subprocess.run(["nm", "-n", bootstrap], capture_output=True, text=True, check=True).stdout
    symbols = [(int(address, 16), name) for address, name in re.findall(r"^(\w+) [TtWw] (\S+)$", listed, re.MULTILINE)]
    names = {}
    for line in Path(profile).read_text().splitlines():
        named = re.match(r"c?fn=\(\d+\) (\S+)", line)
        if not named:
            continue
        name = re.sub(r"'\d+$", "", named[1])
        # Functions in assembler have no length, and callgrind has their address only.
        if name.startswith("0x") and int(name, 16) <= symbols[-1][0]:
            name = symbols[bisect.bisect(symbols, (int(name, 16), "~")) - 1][1]
        names[name] = None
    return list(names)


def libc_members():
    """Which member of musl's archive has which function: their sections are not named after them."""
    libs = subprocess.run(
        ["rustc", "--print", "target-libdir", "--target", "x86_64-unknown-linux-musl"],
        capture_output=True, text=True, check=True,
    ).stdout.strip()
    symbols = subprocess.run(
        ["nm", "-A", "--defined-only", f"{libs}/self-contained/libc.a"], capture_output=True, text=True, check=True
    ).stdout
    found = re.findall(r"^\S+:(\S+\.l?o):\S+ [TtWi] (\S+)$", symbols, re.MULTILINE)
    return {function: member for member, function in found}


def pattern(name, members):
    """Where a function is, for the linker; nothing if that is unknown."""
    if name.startswith("_R"):
        # Without the hashes of crates, which differ with each compiler and version. Nearly all are of one length, and a
        # `*` in their place would match names of any other functions too.
        name = re.sub(r"Cs([0-9A-Za-z]+)_", lambda crate: "Cs" + "?" * len(crate[1]) + "_", name)
        # Those that count as cold have another prefix.
        return "*(.text*." + re.sub(r"(\.llvm)?\.\d+$", "*", name) + ")"
    if name in members:
        # Some are our own, in the place of the libc's.
        return f"*libc.a:{members[name]}(.text .text.*) *(.text.{name})"
    return None


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    members = libc_members()
    begun = dict.fromkeys(UNSEEN)
    with tempfile.TemporaryDirectory() as folder:
        dist = shutil.copytree(sys.argv[1], f"{folder}/dist")
        Path(dist, "with-policy.toml").write_text(POLICY)
        shutil.copy(Path(dist, "hello.cwasm"), Path(dist, "with-policy.cwasm"))

        def of(name):
            """The patterns of the functions that a component runs, in both variants."""
            for bootstrap in sys.argv[2:]:
                profile = f"{folder}/callgrind.out"
                run(dist, name, bootstrap, profile)
                found = (pattern(function, members) for function in functions(profile, bootstrap))
                yield from filter(None, found)

        begun |= dict.fromkeys([*of("hello"), *of("with-policy")])
        http = dict.fromkeys(pattern for pattern in of("http") if pattern not in begun)
    lines = ["".join(f"    {pattern}\n" for pattern in patterns) for patterns in [http, begun]]
    (ROOT / "host/startup.ld").write_text(HEAD + lines[0] + BEGIN + lines[1] + END)
    print(f"host/startup.ld: {len(begun)} lines, and {len(http)} of http.cwasm")


main()
