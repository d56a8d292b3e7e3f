# SPDX-License-Identifier: Apache-2.0
"""Makes every system call that an agent must not make, and prints the errno name of each (or `ok`) as JSON.

Runs inside the sandbox only. x86-64 numbers; pointers that a refused call never looks at are null."""
import ctypes
import errno
import json
import os
import struct
import sys

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long


def call(number, *arguments):
    ctypes.set_errno(0)
    wide = [ctypes.c_ulong(value) if isinstance(value, int) else value for value in arguments]
    result = libc.syscall(ctypes.c_long(number), *wide)
    return "ok" if result >= 0 else errno.errorcode.get(ctypes.get_errno(), str(ctypes.get_errno()))


def fork_like(number, flags):
    """A clone that must be refused; were it not, the child leaves at once."""
    ctypes.set_errno(0)
    result = libc.syscall(ctypes.c_long(number), ctypes.c_ulong(flags), 0, 0, 0, 0)
    if result == 0:
        os._exit(0)
    return "ok" if result > 0 else errno.errorcode.get(ctypes.get_errno(), "?")


def clone3(flags):
    arguments = ctypes.create_string_buffer(struct.pack("=11Q", flags, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0))
    ctypes.set_errno(0)
    result = libc.syscall(ctypes.c_long(435), arguments, ctypes.c_ulong(88))
    if result == 0:
        os._exit(0)
    return "ok" if result > 0 else errno.errorcode.get(ctypes.get_errno(), "?")


HIGH = 1 << 40
path = ctypes.c_char_p(b"/tmp")
none = ctypes.c_char_p(b"none")
tmpfs = ctypes.c_char_p(b"tmpfs")
namespaces = {"newns": 0x20000, "newcgroup": 0x2000000, "newuts": 0x4000000, "newipc": 0x8000000,
              "newuser": 0x10000000, "newpid": 0x20000000, "newnet": 0x40000000}
calls = {
    "first": {
        **{"unshare-" + name: (lambda flag=flag: call(272, flag)) for name, flag in namespaces.items()},
        **{"clone-" + name: (lambda flag=flag: fork_like(56, flag | 17)) for name, flag in namespaces.items()},
        "clone-newuser-high": lambda: fork_like(56, HIGH | 0x10000000 | 17),
        "clone3": lambda: clone3(0),
        "clone3-newuser": lambda: clone3(0x10000000),
        "setns-own": lambda: call(308, os.open("/proc/self/ns/user", os.O_RDONLY), 0),
        "setns-pidfd": lambda: call(308, call_pidfd(), 0x20000),
        "mount": lambda: call(165, none, path, tmpfs, 0, 0),
        "mount-bind": lambda: call(165, ctypes.c_char_p(b"/usr"), path, none, 4096, 0),
        "mount-remount": lambda: call(165, none, ctypes.c_char_p(b"/usr"), none, 32 | 4096, 0),
        "umount2": lambda: call(166, ctypes.c_char_p(b"/usr"), 2),
        "pivot_root": lambda: call(155, path, path),
        "chroot": lambda: call(161, path),
        "open_tree": lambda: call(428, -100 & (2**64 - 1), path, 1),
        "move_mount": lambda: call(429, 0, 0, 0, 0, 0),
        "fsopen": lambda: call(430, tmpfs, 0),
        "fsconfig": lambda: call(431, 0, 0, 0, 0, 0),
        "fsmount": lambda: call(432, 0, 0, 0),
        "fspick": lambda: call(433, -100 & (2**64 - 1), path, 0),
        "mount_setattr": lambda: call(442, -100 & (2**64 - 1), ctypes.c_char_p(b"/usr"), 0, 0, 0),
    },
    "second": {
        "ptrace-me": lambda: call(101, 0, 0, 0, 0),
        "ptrace-attach": lambda: call(101, 16, 1, 0, 0),
        "process_vm_readv": lambda: call(310, 1, 0, 0, 0, 0, 0),
        "process_vm_writev": lambda: call(311, 1, 0, 0, 0, 0, 0),
        "pidfd_getfd": lambda: call(438, 0, 0, 0),
        "kcmp": lambda: call(312, 1, 1, 0, 0, 0),
        "bpf": lambda: call(321, 0, 0, 0),
        "perf_event_open": lambda: call(298, 0, 0, -1 & (2**64 - 1), -1 & (2**64 - 1), 0),
        "userfaultfd": lambda: call(323, 0),
        "keyctl": lambda: call(250, 0, 0xfffffffd, 0),
        "add_key": lambda: call(248, none, none, none, 0, 0xfffffffd),
        "request_key": lambda: call(249, none, none, 0, 0),
        "open_by_handle_at": lambda: call(304, 0, 0, 0),
        "name_to_handle_at": lambda: call(303, -100 & (2**64 - 1), path, 0, 0, 0),
        "modify_ldt": lambda: call(154, 0, 0, 0),
        "iopl": lambda: call(172, 3),
        "ioperm": lambda: call(173, 0, 8, 1),
        "reboot": lambda: call(169, 0, 0, 0, 0),
        "kexec_load": lambda: call(246, 0, 0, 0, 0),
        "init_module": lambda: call(175, 0, 0, none),
        "finit_module": lambda: call(313, 0, none, 0),
        "delete_module": lambda: call(176, none, 0),
        "swapon": lambda: call(167, path, 0),
        "acct": lambda: call(163, path),
        "sethostname": lambda: call(170, none, 4),
        "settimeofday": lambda: call(164, 0, 0),
        "clock_settime": lambda: call(227, 0, 0),
        "syslog": lambda: call(103, 2, 0, 0),
        "quotactl": lambda: call(179, 0, 0, 0, 0),
        "fanotify_init": lambda: call(300, 0, 0),
        "seccomp-listener": lambda: call(317, 1, 8, 0),
    },
    "third": {
        "io_uring_setup": lambda: call(425, 1, 0),
        "io_uring_enter": lambda: call(426, 0, 0, 0, 0, 0, 0),
        "io_uring_register": lambda: call(427, 0, 0, 0, 0),
        "unknown-470": lambda: call(470),
        "unknown-999": lambda: call(999),
        "unknown-minus-1": lambda: call(-1),
        "tiocsti": lambda: call(16, 0, 0x5412, ctypes.c_char_p(b"x")),
        "tiocsti-high": lambda: call(16, 0, (0x123 << 32) | 0x5412, ctypes.c_char_p(b"x")),
        "tioclinux": lambda: call(16, 0, 0x541c, ctypes.c_char_p(b"\x02")),
        "tioclinux-high": lambda: call(16, 0, (0x123 << 32) | 0x541c, ctypes.c_char_p(b"\x02")),
        "tiocsetd": lambda: call(16, 0, 0x5423, 0),
        "af-alg": lambda: call(41, 38, 5, 0),
        "af-alg-high": lambda: call(41, HIGH | 38, 5, 0),
        "af-vsock": lambda: call(41, 40, 1, 0),
        "af-packet": lambda: call(41, 17, 3, 0),
        "af-packet-high": lambda: call(41, (1 << 32) | 17, 3, 0),
        "af-key": lambda: call(41, 15, 3, 2),
        "af-xdp": lambda: call(41, 44, 3, 0),
        "af-bluetooth": lambda: call(41, 31, 3, 1),
        "socketpair-vsock": lambda: call(53, 40, 1, 0, 0),
        "netfilter": lambda: call(41, 16, 3, 12),
        "raw": lambda: call(41, 2, 3, 1),
        "mptcp": lambda: call(41, 2, 1, 262),
        "sctp": lambda: call(41, 2, 1, 132),
        "prctl-securebits": lambda: call(157, 28, 0, 0, 0, 0),
        "prctl-ambient": lambda: call(157, 47, 2, 0, 0, 0),
        "prctl-mm": lambda: call(157, 35, 1, 0, 0, 0),
        "prctl-keepcaps": lambda: call(157, 8, 1, 0, 0, 0),
        "prctl-seccomp": lambda: call(157, 22, 2, 0, 0, 0),
        "personality-no-randomize": lambda: call(135, 0x0040000),
        "personality-read-implies-exec": lambda: call(135, 0x0400000),
        "capset": lambda: capset(),
        "mknod-null": lambda: call(133, ctypes.c_char_p(b"/tmp/null"), 0o020666, (1 << 8) | 3),
        "plain-fork": lambda: fork_like(56, 17),
        "plain-socket": lambda: call(41, 2, 1, 0),
    },
}


def call_pidfd():
    return libc.syscall(ctypes.c_long(434), ctypes.c_ulong(os.getpid()), ctypes.c_ulong(0))


def capset():
    header = struct.pack("=Ii", 0x20080522, 0)
    data = struct.pack("=6I", 1 << 21, 1 << 21, 0, 0, 0, 0)
    return call(126, ctypes.c_char_p(header), ctypes.c_char_p(data))


print(json.dumps({name: action() for name, action in calls[sys.argv[1]].items()}))
