# SPDX-License-Identifier: Apache-2.0
"""Runs a command as a container engine would with its default seccomp profile: container.py COMMAND…

clone3(2) is not there, clone(2) and unshare(2) make no namespaces, and mount(2) and setns(2) are refused."""
import ctypes
import errno
import os
import struct
import sys

LOAD, JUMP_EQUAL, JUMP_SET, RETURN = 0x20, 0x15, 0x45, 0x06
ALLOW, ERROR = 0x7FFF0000, 0x00050000
NAMESPACES = 0x7E020000  # CLONE_NEW*: of user, pid, net, ipc, uts and cgroup, and of mounts
CALLS = {
    "x86_64": {"clone3": 435, "clone": 56, "unshare": 272, "mount": 165, "setns": 308},
    "aarch64": {"clone3": 435, "clone": 220, "unshare": 97, "mount": 40, "setns": 268},
}[os.uname().machine]


def statement(code, value, yes=0, no=0):
    return struct.pack("HBBI", code, yes, no, value)


def refused(call, code):
    return statement(JUMP_EQUAL, CALLS[call], 0, 1) + statement(RETURN, ERROR | code)


def refused_flags(call):
    return (
        statement(JUMP_EQUAL, CALLS[call], 0, 3) + statement(LOAD, 16) + statement(JUMP_SET, NAMESPACES, 0, 1)
        + statement(RETURN, ERROR | errno.EPERM)
    )


program = statement(LOAD, 0) + refused("clone3", errno.ENOSYS) + refused("mount", errno.EPERM)
program += refused("setns", errno.EPERM) + refused_flags("clone") + refused_flags("unshare") + statement(RETURN, ALLOW)
buffer = ctypes.create_string_buffer(program, len(program))


class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]


libc = ctypes.CDLL(None, use_errno=True)
what = Program(len(program) // 8, ctypes.addressof(buffer))
if libc.prctl(38, 1, 0, 0, 0) != 0 or libc.prctl(22, 2, ctypes.byref(what), 0, 0) != 0:
    sys.exit(f"container.py: {os.strerror(ctypes.get_errno())}")
os.execvp(sys.argv[1], sys.argv[1:])
