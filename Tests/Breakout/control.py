# SPDX-License-Identifier: Apache-2.0
"""Runs probes unconfined, as root of namespaces of its own: what must succeed there for a probe to mean anything.

    control.py PROBE NAME…      (started by suite.py under unshare(1), never on its own)
"""

import ctypes
import errno
import fcntl
import json
import os
import pty
import socket
import struct
import subprocess
import sys
import termios
import time

import canaries

WORKSPACE = "/tmp"
ADDRESSES = ("169.254.169.254", "192.168.1.1", "1.1.1.1")
ADDRESS6 = "2606:4700:4700::1111"
SERVICES = (
    (socket.SOCK_STREAM, socket.AF_INET, "0.0.0.0", 80), (socket.SOCK_DGRAM, socket.AF_INET, "0.0.0.0", 53),
    (socket.SOCK_DGRAM, socket.AF_INET6, ADDRESS6, 53),
)


def mount(source, target, kind, flags=0, data=None):
    libc = ctypes.CDLL(None, use_errno=True)
    values = [None if value is None else value.encode() for value in (source, target, kind, data)]
    if libc.mount(values[0], values[1], values[2], ctypes.c_ulong(flags), values[3]) != 0:
        raise OSError(ctypes.get_errno(), f"mount {target}")


def bind(service, address):
    """A new IPv6 address is tentative for a moment, and until then nobody's."""
    end = time.monotonic() + 3
    while True:
        try:
            return service.bind(address)
        except OSError as error:
            if error.errno != errno.EADDRNOTAVAIL or time.monotonic() > end:
                raise
        time.sleep(0.005)


def bring_up_network():
    """A network of its own that has everything the probes look for; its services, to be kept."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        fcntl.ioctl(probe, 0x8914, struct.pack("16sh14x", b"lo", 0x41))
        # Addresses that no sandbox may reach are this namespace's own, so that reaching them can succeed.
        for number, address in enumerate(ADDRESSES):
            name = b"lo:%d" % number
            local = struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(address))
            fcntl.ioctl(probe, 0x8916, struct.pack("16s", name) + local)
            # Without a mask of its own an address brings the whole of its class along.
            mask = struct.pack("HH4s8x", socket.AF_INET, 0, b"\xff\xff\xff\xff")
            fcntl.ioctl(probe, 0x891C, struct.pack("16s", name) + mask)
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
        fcntl.ioctl(probe, 0x8916, struct.pack("16sIi", socket.inet_pton(socket.AF_INET6, ADDRESS6), 128, 1))
    kept = []
    for kind, family, address, port in SERVICES:
        service = socket.socket(family, kind)
        bind(service, (address, port))
        if kind == socket.SOCK_STREAM:
            service.listen(16)
        kept.append(service)
    # A route for everything else, which multicast wants, and an interface that is not the loopback.
    for words in (["link", "add", "outside", "type", "veth", "peer", "name", "inside"],
                  ["link", "set", "outside", "up"], ["link", "set", "inside", "up"],
                  ["route", "add", "default", "dev", "outside"]):
        subprocess.run(["ip", *words], check=False, stderr=subprocess.DEVNULL)
    return kept


def main():
    if os.getpid() != 1 and os.getppid() != 0:
        sys.exit("control.py: not in a namespace of processes of its own")
    program, *names = sys.argv[1:]
    with open(program, "rb") as file:
        copy = file.read()
    mount("none", WORKSPACE, "tmpfs", 0, "mode=1777,size=256m")
    services = bring_up_network()
    os.makedirs(f"{WORKSPACE}/outside")
    os.makedirs(f"{WORKSPACE}/workspace")
    os.chdir(f"{WORKSPACE}/workspace")
    with open("remit-probe", "wb") as file:
        file.write(copy)
    os.chmod("remit-probe", 0o755)
    place = canaries.Canaries(f"{WORKSPACE}/outside")
    environment = {
        "PATH": "/usr/bin:/bin", **place.environment, "REMIT_CANARY_SUPERVISOR": str(place.process.pid),
    }
    skipped = run(names, environment)
    if skipped:
        # What was missing may be a terminal.
        run(skipped, environment, terminal=True)
    place.close()
    for service in services:
        service.close()


def run(names, environment, terminal=False):
    """Prints the answers of the probes, those that were skipped apart: they are returned, or printed in the end."""
    how = {"stdin": subprocess.DEVNULL}
    if terminal:
        _, other = pty.openpty()
        how = {"stdin": other, "preexec_fn": take_terminal}
    done = subprocess.run(
        ["./remit-probe", "--unconfined", *names], env=environment, stdout=subprocess.PIPE, text=True, check=False, **how)
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
