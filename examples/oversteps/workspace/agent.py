#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An agent that tries what it may not: look for keys, change the host, call out, gain privileges, fork without end."""

import ctypes
import errno
import os
import pathlib
import shutil
import socket

libc = ctypes.CDLL(None, use_errno=True)
CLONE_NEWUSER, CLONE_NEWNS, PTRACE_ATTACH, SYS_BPF = 0x10000000, 0x20000, 16, 321


def system_call(function, *arguments):
    if function(*arguments) < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def connect(family, address):
    with socket.socket(family, socket.SOCK_STREAM) as connection:
        connection.settimeout(2)
        connection.connect(address)


def overwrite(path):
    with open(path, "a", encoding="utf-8") as file:
        file.write("agent::0:0::/:/bin/sh\n")


ATTEMPTS = {
    "read the SSH keys in ~/.ssh": lambda: os.listdir(os.path.expanduser("~/.ssh")),
    "read the SSH keys in /root/.ssh": lambda: os.listdir("/root/.ssh"),
    "read /etc/shadow": lambda: open("/etc/shadow", "rb").close(),
    "write /etc/passwd": lambda: overwrite("/etc/passwd"),
    "write a program into /usr/bin": lambda: overwrite("/usr/bin/backdoor"),
    "reach 1.1.1.1": lambda: connect(socket.AF_INET, ("1.1.1.1", 443)),
    "reach the cloud's metadata": lambda: connect(socket.AF_INET, ("169.254.169.254", 80)),
    "reach the host's loopback": lambda: connect(socket.AF_INET, ("127.0.0.1", 5432)),
    "open a socket to the hypervisor": lambda: socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM).close(),
    "open a raw packet socket": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close(),
    "gain a user namespace": lambda: system_call(libc.unshare, CLONE_NEWUSER),
    "gain a mount namespace": lambda: system_call(libc.unshare, CLONE_NEWNS),
    "mount a file system": lambda: system_call(libc.mount, b"none", b"/mnt", b"tmpfs", 0, None),
    "trace process 1": lambda: system_call(libc.ptrace, PTRACE_ATTACH, 1, None, None),
    "load a BPF program": lambda: system_call(libc.syscall, SYS_BPF, 5, None, 0),
    "become root": lambda: os.setuid(0),
}

for name, attempt in ATTEMPTS.items():
    try:
        attempt()
        print(f"  {name}: DONE", flush=True)
    except OSError as error:
        print(f"  {name}: {errno.errorcode.get(error.errno, error.errno)}", flush=True)

# What it may read it can also keep: that is why the credential has to die with the session.
shutil.copy(pathlib.Path(os.environ["REMIT_CREDENTIALS"], "orders-api"), "credential.stolen")
os.chmod("credential.stolen", 0o644)
print("  keep a copy of the credential: DONE", flush=True)

print("  now fork without end, each process trying for a namespace", flush=True)
while True:
    try:
        os.fork()
    except OSError:
        pass
    libc.unshare(CLONE_NEWUSER)
