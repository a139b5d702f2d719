"""Makes each thread of a process do what machine code of a guest would do that got out of wasmtime's sandbox.

Usage: escape.py PID PORT RUNTIME_API WRITABLE

PORT and RUNTIME_API are ports of this machine that listen, and WRITABLE the path of a file that the process can create. Prints a
line of JSON for each thread: the results of its system calls, which are negative error numbers if they fail. What would replace or
double the process is only tried in one that has a filter. x86-64 only.
"""

import ctypes
import json
import os
import socket
import struct
import sys

# https://man7.org/linux/man-pages/man2/ptrace.2.html
CONT, SINGLESTEP, GETREGS, SETREGS, ATTACH, DETACH = 7, 9, 12, 13, 16, 17
WALL = 0x40000000
# struct user_regs_struct of <sys/user.h>.
REGISTERS = (
    "r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss fs_base gs_base ds es fs gs"
).split()
# By arch/x86/entry/syscalls/syscall_64.tbl of Linux.
CLOSE, SOCKET, CONNECT, FORK, EXECVE, KILL, OPENAT = 3, 41, 42, 57, 59, 62, 257
AT_FDCWD = -100 % 2**64
PARENT = os.getpid()

ptrace = ctypes.CDLL(None, use_errno=True).ptrace
ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
ptrace.restype = ctypes.c_long


def trace(request, thread, data=None):
    if ptrace(request, thread, None, data) < 0:
        raise OSError(ctypes.get_errno(), f"ptrace {request}")


class Thread:
    """A thread that is stopped, and makes the system calls that it is told to."""

    def __init__(self, process, thread):
        self.thread = thread
        self.memory = open(f"/proc/{process}/mem", "r+b", buffering=0)
        trace(ATTACH, thread)
        os.waitpid(thread, WALL)
        self.saved = self.registers()
        # Below what the thread may use of its stack.
        self.scratch = self.saved["rsp"] - 4096
        self.code = find_syscall(process)

    def registers(self):
        values = (ctypes.c_ulonglong * len(REGISTERS))()
        trace(GETREGS, self.thread, values)
        return dict(zip(REGISTERS, values))

    def set_registers(self, registers):
        values = (ctypes.c_ulonglong * len(REGISTERS))(*(registers[name] for name in REGISTERS))
        trace(SETREGS, self.thread, values)

    def put(self, content):
        self.memory.seek(self.scratch)
        self.memory.write(content)
        return self.scratch

    def call(self, number, *arguments):
        # Without a number, the kernel does not restart the call that the thread is in.
        registers = self.saved | {"rip": self.code, "rax": number, "orig_rax": 2**64 - 1}
        registers |= dict(zip(["rdi", "rsi", "rdx", "r10"], arguments))
        self.set_registers(registers)
        trace(SINGLESTEP, self.thread)
        os.waitpid(self.thread, WALL)
        return ctypes.c_long(self.registers()["rax"]).value

    def open(self, path, flags=os.O_RDONLY):
        opened = self.call(OPENAT, AT_FDCWD, self.put(path.encode() + b"\0"), flags, 0o600)
        if opened >= 0:
            self.call(CLOSE, opened)
        return min(opened, 0)

    def connect(self, port):
        opened = self.call(SOCKET, socket.AF_INET, socket.SOCK_STREAM, 0)
        if opened < 0:
            return opened
        address = struct.pack("=H", socket.AF_INET) + struct.pack("!H4s8x", port, b"\x7f\0\0\1")
        result = self.call(CONNECT, opened, self.put(address), len(address))
        self.call(CLOSE, opened)
        return result

    def release(self):
        self.set_registers(self.saved)
        trace(DETACH, self.thread)


def find_syscall(process):
    """Returns the address of a `syscall` instruction in the program."""
    with open(f"/proc/{process}/maps") as maps, open(f"/proc/{process}/mem", "rb", buffering=0) as memory:
        for line in maps:
            addresses, access = line.split()[:2]
            start, end = (int(address, 16) for address in addresses.split("-"))
            if "x" in access:
                memory.seek(start)
                at = memory.read(end - start).find(b"\x0f\x05")
                if at >= 0:
                    return start + at
    raise SystemExit("the program makes no system calls")


def main():
    process, port, runtime_api = map(int, sys.argv[1:4])
    writable = sys.argv[4]
    for number in sorted(map(int, os.listdir(f"/proc/{process}/task"))):
        with open(f"/proc/{process}/task/{number}/comm") as name:
            result = {"thread": name.read().strip()}
        thread = Thread(process, number)
        result |= {
            "passwords": thread.open("/etc/passwd"),
            "environment": thread.open("/proc/self/environ"),
            "other process": thread.open(f"/proc/{PARENT}/environ"),
            "new file": thread.open(writable, os.O_WRONLY | os.O_CREAT),
            "signal": thread.call(KILL, PARENT, 0),
            "datagram": min(0, thread.call(SOCKET, socket.AF_INET, socket.SOCK_DGRAM, 0)),
            "connection": thread.connect(port),
            "runtime api": thread.connect(runtime_api),
        }
        with open(f"/proc/{process}/status") as status:
            if "Seccomp:\t2" in status.read():
                result["program"] = thread.call(EXECVE, thread.put(b"/bin/true\0"), 0, 0)
                result["fork"] = thread.call(FORK)
        thread.release()
        print(json.dumps(result))


main()
