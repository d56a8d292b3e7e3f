# SPDX-License-Identifier: Apache-2.0
"""Runs probes unconfined, as root of namespaces of its own: what must succeed there for a probe to mean anything.

control.py PROBE NAME…      (started by suite.py under unshare(1), never on its own)
"""

import ctypes
import fcntl
import json
import os
import pty
import socket
import struct
import subprocess
import sys
import termios

import canaries

WORKSPACE = "/tmp"


def mount(source, target, kind, flags=0, data=None):
    libc = ctypes.CDLL(None, use_errno=True)
    values = [None if value is None else value.encode() for value in (source, target, kind, data)]
    if libc.mount(values[0], values[1], values[2], ctypes.c_ulong(flags), values[3]) != 0:
        raise OSError(ctypes.get_errno(), f"mount {target}")


def bring_up_loopback():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        fcntl.ioctl(probe, 0x8914, struct.pack("16sh14x", b"lo", 0x41))


def main():
    if os.getpid() != 1 and os.getppid() != 0:
        sys.exit("control.py: not in a namespace of processes of its own")
    with open("/proc/self/uid_map", encoding="ascii") as file:
        real = file.read().split() == ["0", "0", "4294967295"]
    # As real root some of these change the machine, whatever namespaces it is done in.
    if real and os.environ.get("BREAKOUT_GUEST") != "throw-away":
        sys.exit("control.py: as root only in a throw-away guest (BREAKOUT_GUEST=throw-away)")
    program, *names = sys.argv[1:]
    with open(program, "rb") as file:
        copy = file.read()
    mount("none", WORKSPACE, "tmpfs", 0, "mode=1777,size=256m")
    bring_up_loopback()
    os.makedirs(f"{WORKSPACE}/outside")
    os.makedirs(f"{WORKSPACE}/workspace")
    os.chdir(f"{WORKSPACE}/workspace")
    with open("remit-probe", "wb") as file:
        file.write(copy)
    os.chmod("remit-probe", 0o755)
    place = canaries.Canaries(f"{WORKSPACE}/outside")
    environment = {"PATH": "/usr/bin:/bin", **place.environment, "REMIT_CANARY_SUPERVISOR": str(place.process.pid)}
    skipped = run(names, environment)
    if skipped:
        # What was missing may be a terminal.
        run(skipped, environment, terminal=True)
    place.close()


def run(names, environment, terminal=False):
    """Prints the answers of the probes, those that were skipped apart: they are returned, or printed in the end."""
    how = {"stdin": subprocess.DEVNULL}
    if terminal:
        _, other = pty.openpty()
        how = {"stdin": other, "preexec_fn": take_terminal}
    done = subprocess.run(
        ["./remit-probe", "--unconfined", *names],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        **how,
    )
    skipped = []
    for line in done.stdout.splitlines():
        answer = json.loads(line)
        if answer["result"] == "skipped" and not terminal:
            skipped.append(answer["probe"])
        else:
            print(line, flush=True)
    return skipped


def take_terminal():
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


if __name__ == "__main__":
    sys.exit(main())
