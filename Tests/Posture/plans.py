# SPDX-License-Identifier: Apache-2.0
"""Sessions of every kind, and what the product sees of them: no difference from their plans."""

import os
import subprocess
import time

from session import PATIENCE, check, running, skip

PYTHON = "/usr/bin/python3"
BUSY = """
import os, select, socket, subprocess, threading, time
kept = [socket.socket(), socket.socket(socket.AF_UNIX), *socket.socketpair(), select.epoll()]
kept += [os.pidfd_open(os.getpid())]
kept += [open("/tmp/own file", "w"), open("/usr/bin/env", "rb"), open("/dev/null"), open("/proc/self/status")]
try:
    kept.append(os.memfd_create("own"))
except OSError:
    pass
children = [subprocess.Popen(["sleep", "600"]) for _ in range(3)]
for _ in range(5):
    threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
if os.fork() == 0:
    threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
    time.sleep(600)
time.sleep(600)
"""
STORM = ["sh", "-c", "while :; do /bin/true & /bin/true; done"]
SLEEP = ["sleep", "600"]


def check_sessions(binary):
    kinds = [
        ("the default profile", [], SLEEP, False),
        ("the coding profile, threads and processes", ["--profile", "coding"], [PYTHON, "-c", BUSY], False),
        ("the strict profile", ["--profile", "strict"], [PYTHON, "-c", BUSY], False),
        ("a terminal", ["--tty"], SLEEP, True),
        ("a terminal, threads and processes", ["--tty"], [PYTHON, "-c", BUSY], True),
        ("a read-only workspace", ["--read-only", "--memory", "256MiB", "--cpu", "0.5"], SLEEP, False),
        ("limits of its own", ["--memory", "256MiB", "--processes", "40", "--cpu", "1.5"], SLEEP, False),
    ]
    for name, options, command, terminal in kinds:
        name = f"a session with {name} holds its plan"
        profile = options[1] if options[:1] == ["--profile"] else "default"
        doctor = subprocess.run(
            [binary, "doctor", "--profile", profile], stdin=subprocess.DEVNULL, capture_output=True, check=False)
        if doctor.returncode == 126:
            skip(name, f"this host cannot enforce the profile `{profile}`")
            continue
        with running(binary, *options, command=command, terminal=terminal) as session:
            expected = 2 if command is SLEEP else 6
            for _ in range(500 * PATIENCE):
                status, answer = session.posture()
                if status != 0 or len(answer["processes"]) >= expected:
                    break
                time.sleep(0.01)
            found = session.differences()
            if len(answer["processes"]) < expected:
                found["processes"] = f"{len(answer['processes'])} found"
            unread = {item["what"] for item in answer["items"] if item["verdict"] == "unreadable"
                      and (os.geteuid() == 0 or item["process"] != session.init)}
            if unread:
                found["unreadable"] = f"{sorted(unread)}"
            check(name, f"{found}" if found else None)


def check_storm(binary):
    with running(binary, "--processes", "40", command=STORM) as session:
        seen = {}
        for _ in range(20):
            seen |= session.differences()
        check("processes that come and go while they are read are no difference", f"{seen}" if seen else None)
