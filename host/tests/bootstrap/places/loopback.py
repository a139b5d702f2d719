"""Starts a program in a new network that has only the loopback device, which it turns on, as `ip link set lo up` does.

Usage: unshare --net python3 loopback.py PROGRAM [ARGUMENT…]
"""

import fcntl
import os
import socket
import struct
import sys

# By include/uapi/linux/sockios.h and include/uapi/linux/if.h of Linux.
SIOCSIFFLAGS, IFF_UP = 0x8914, 1

with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
    # The name and the flags of a struct ifreq.
    fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", IFF_UP))
os.execvp(sys.argv[1], sys.argv[1:])
