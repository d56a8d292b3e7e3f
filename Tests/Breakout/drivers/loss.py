# SPDX-License-Identifier: Apache-2.0
"""E53: a supervisor that is killed at any moment of launch and run."""

import contextlib
import glob
import os
import random
import secrets
import time

from registry import Result, entry
from session import PATIENCE
from .lifetime import groups, marked


def processes_of(base):
    """Whatever still runs with this installation among its words: guards, supervisors."""
    found = []
    for path in glob.glob("/proc/[0-9]*/environ"):
        with contextlib.suppress(OSError), open(path, "rb") as file:
            if base.encode() in file.read() and int(path.split("/")[2]) != os.getpid():
                found.append(int(path.split("/")[2]))
    return found


def described(pid):
    """A process in a few words, for whoever has to find out why it is there."""
    with contextlib.suppress(OSError):
        with open(f"/proc/{pid}/status", encoding="utf-8") as file:
            said = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
        return {key: said.get(key, "") for key in ("Pid", "State", "PPid", "NSpid", "SigPnd", "ShdPnd")}
    return {}


def dying(said):
    """Whether it has ended, or SIGKILL is on its way to it."""
    pending = int(said.get("SigPnd", "0"), 16) | int(said.get("ShdPnd", "0"), 16)
    return not said or said["State"][:1] in "DZX" or pending >> 8 & 1 == 1


def eventually(condition, within):
    end = time.monotonic() + within * PATIENCE
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.005)
    return condition()


@entry("E53", "outlive a supervisor that is killed at a random moment")
def supervisor_loss(suite):
    place = suite.installation("loss")
    workspace = place.workspace(suite.probe)
    rounds, slowest, begun, why = suite.rounds(60, 1000), 0.0, 0, ""
    for number in range(rounds):
        mark = f"mark-{secrets.token_hex(6)}"
        # Every other one has a terminal, which is hung up when its supervisor goes.
        command = ["./remit-probe", "--act", "survive", "3", mark]
        running = place.start(command, workspace=workspace, terminal=number % 2 == 1)
        # A third from the very start, a third while the sandbox is made, a third while the agent runs.
        if number % 3 == 1:
            running.wait_for("admitted")
        elif number % 3 == 2:
            running.wait_for("started")
        time.sleep(random.random() * (0.08, 0.03, 0.02)[number % 3] * PATIENCE)
        running.kill(9)
        ended = running.end()
        killed = time.monotonic()
        begun += ended.session is not None
        if not eventually(lambda m=mark: not marked(m), 2):
            said = [described(pid) for pid in marked(mark)]
            late = eventually(lambda m=mark: not marked(m), 20)
            # A machine that is very busy takes its time over a process that was killed; one that was not is an escape.
            if not late or not all(map(dying, said)):
                why = why or f"round {number}: left 2 s later: {said}, {'gone' if late else 'there'} 20 s after that"
        slowest = max(slowest, time.monotonic() - killed)
    # Guards finish their own sessions; what has none is finished by this.
    reaped = place.remit("reap", within=60)
    if not eventually(lambda: not processes_of(place.base), 20):
        why = why or f"helpers are left: {processes_of(place.base)}"
    again = place.remit("reap", within=60)
    if (reaped.returncode, again.returncode) != (0, 0):
        why = why or f"reap: {reaped.stderr} {again.stderr}"
    listed = place.listed()
    unfinished = [line for line in listed if line["state"] not in ("ended", "lost")]
    if unfinished:
        why = why or f"sessions are not finished: {unfinished[:3]}"
    for line in listed:
        if groups(line["session"]):
            why = why or f"control groups are left: {groups(line['session'])}"
    live = [
        name
        for name in os.listdir(f"{place.base}/run")
        if os.path.isdir(f"{place.base}/run/{name}") and any(line["session"] == name for line in listed)
    ]
    if live:
        why = why or f"runtime directories are left: {live}"
    if begun < rounds // 3:
        why = why or f"only {begun} of {rounds} sessions had begun"
    return Result(
        "E53.supervisor-loss",
        not why,
        "guard",
        f"{rounds} rounds, {begun} begun, the last process gone after {slowest * 1000:.0f} ms at most",
        why=why,
    )
