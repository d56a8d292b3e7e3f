# SPDX-License-Identifier: Apache-2.0
"""Prints what an agent sees of itself and of the host, as one JSON object. Takes paths to look for as arguments."""
import json
import os
import socket
import stat
import sys


def attempt(action):
    try:
        return action() or "ok"
    except OSError as error:
        return os.strerror(error.errno) if error.errno else str(error)


def read(path):
    with open(path, "rb") as file:
        return file.read(4096).decode(errors="replace") or "ok"


def listing(path):
    try:
        return sorted(os.listdir(path))
    except OSError:
        return []


def descriptors():
    found = {}
    for name in os.listdir("/proc/self/fd"):
        try:
            found[name] = os.readlink("/proc/self/fd/" + name)
        except OSError:
            pass
    return found


def write(path):
    with open(path, "w") as file:
        file.write("x")


status = {}
for line in open("/proc/self/status"):
    key, _, value = line.partition(":")
    status[key] = value.strip()

report = {
    "uid": os.getuid(), "euid": os.geteuid(), "gid": os.getgid(), "groups": os.getgroups(),
    "status": status,
    "environment": dict(os.environ),
    "pids": [int(name) for name in listing("/proc") if name.isdigit()],
    "proc": [name for name in listing("/proc") if not name.isdigit()],
    "root": listing("/"), "dev": listing("/dev"), "etc": listing("/etc"), "tmp": listing("/tmp"),
    "home": listing("/home"), "run": listing("/run"),
    "hostname": socket.gethostname(),
    "cwd": os.getcwd(),
    "descriptors": descriptors(),
    "read": {path: attempt(lambda: read(path)) for path in sys.argv[1:]},
    "write": {
        path: attempt(lambda: write(path))
        for path in ["/canary", "/usr/canary", "/etc/canary", "/etc/passwd", "/proc/1/oom_score_adj", "/dev/canary",
                     "/run/canary", "/run/remit/canary", "/bin/canary", "/var/canary", "/tmp/canary",
                     "/home/agent/canary"]
    },
    "setuid": attempt(lambda: os.setuid(0)),
    "mknod": attempt(lambda: os.mknod("/tmp/null", 0o666 | stat.S_IFCHR, os.makedev(1, 3))),
    "kill": attempt(lambda: os.kill(1, 9)),
    "interfaces": [name for _, name in socket.if_nameindex()],
    "passwd": read("/etc/passwd"),
    "limits": {name: list(__import__("resource").getrlimit(getattr(__import__("resource"), name)))
               for name in ["RLIMIT_CORE", "RLIMIT_NOFILE", "RLIMIT_NPROC"]},
}
print(json.dumps(report))
