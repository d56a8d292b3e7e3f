# SPDX-License-Identifier: Apache-2.0
"""E73-E81: the supervisor as the one who answers refused calls.

It decides by the call's number alone, reads no memory of the caller, continues no call and adds no descriptor: the
entries about reading and adding are shown not to apply by calls that would be answered otherwise if it did.
"""

import os
import random
import signal
import threading
import time

import scripted
from registry import Result, entry
from session import PATIENCE, in_time

# 64 refused calls end a session.
STRIKES = 60


def refused(suite, words, expected, options=(), **how):
    """Runs an act of refused calls: how they were answered, and why that is not as it should be."""
    ended = suite.place.run(
        ["./remit-probe", "--act", *words], workspace=suite.place.workspace(suite.probe), options=options, **how
    )
    said = next((value for value in ended.objects() if "refused" in value), {})
    why = ""
    if ended.exit != 0 or said != {"refused": expected, "succeeded": 0, "other": 0}:
        why = f"{said}: {ended}"
    return said, ended, why


def unconfined(suite, words):
    """What the same calls come to in namespaces without a sandbox: how many succeed, and why that shows nothing."""
    said = suite.outside(words, namespaces=True)
    succeeded = said.get("succeeded", 0)
    total = sum(value for value in said.values() if isinstance(value, int))
    why = "" if succeeded else f"unconfined none succeeds either: {said}"
    return f"{succeeded} of {total} succeed", why


def counted(suite, ended):
    return sum(suite.place.receipt(ended.session)["denials"].values())


@entry("E73", "change a path between the supervisor's look and the kernel's")
def flip(suite):
    why, total = "", 0
    for _ in range(suite.rounds(20, 200)):
        _, ended, problem = refused(suite, ["flip", str(STRIKES)], STRIKES)
        why, total = why or problem, total + STRIKES
        if counted(suite, ended) != STRIKES:
            why = why or f"{counted(suite, ended)} of {STRIKES} calls are in the receipt"
    control, shown = unconfined(suite, ["flip", str(STRIKES)])
    why = why or shown
    results = [
        Result(
            "E73.flip-mount",
            not why,
            "seccomp",
            f"{total} calls, none succeeded",
            control,
            why=why,
        )
    ]
    # Opening is no business of the supervisor's: the kernel looks once. The same flip, as often as time allows.
    rounds = suite.rounds(60_000, 200_000)
    ended = suite.place.run(
        ["./remit-probe", "--act", "flip-open", str(rounds), suite.canaries.file],
        workspace=suite.place.workspace(suite.probe),
        options=["--deadline", in_time(600)],
        within=600,
    )
    said = next(iter(ended.objects()), {})
    fine = ended.exit == 0 and said.get("won") == 0 and said.get("opened", 0) > 0 and said.get("refused", 0) > 0
    outside = suite.outside(["flip-open", str(rounds // 3), suite.canaries.file])
    suite.canaries.touched()  # by the line above
    fine = fine and outside.get("won", 0) > 0
    results.append(
        Result(
            "E73.flip-open",
            fine,
            "mounts",
            f"{rounds} opens, {said.get('won')} reached the secret",
            f"{outside.get('won')} of {rounds // 3} reach it",
            why=f"{ended}, outside {outside}",
            attempt="change a path between a check and its use",
        )
    )
    return results


@entry("E74", "change a path from another process, through memory that is shared")
def flip_shared(suite):
    # Every other call of `flip` names a path in a memfd that another process keeps changing.
    why, total = "", 0
    for _ in range(suite.rounds(10, 100)):
        _, _, problem = refused(suite, ["flip", str(STRIKES)], STRIKES)
        why, total = why or problem, total + STRIKES // 2
    control, shown = unconfined(suite, ["flip", str(STRIKES)])
    why = why or shown
    return Result("E74.flip-shared", not why, "seccomp", f"{total} calls, none succeeded", control, why=why)


@entry("E75", "interrupt the supervisor's answer 10000 times a second")
def storm(suite):
    why, total = "", 0
    for _ in range(suite.rounds(5, 50)):
        _, ended, problem = refused(suite, ["storm", str(STRIKES)], STRIKES)
        why, total = why or problem, total + STRIKES
        if counted(suite, ended) != STRIKES:
            why = why or f"{STRIKES} calls were made, {counted(suite, ended)} are in the receipt"
    control, shown = unconfined(suite, ["storm", str(STRIKES)])
    why = why or shown
    return Result("E75.storm", not why, "seccomp", f"{total} calls, each answered and counted once", control, why=why)


@entry("E76", "be killed while the supervisor has the call, its number then another's")
def die(suite):
    why, total = "", 0
    for _ in range(suite.rounds(10, 100)):
        words = ["die", str(STRIKES), str(random.randrange(1, 1 << 60))]
        ended = suite.place.run(["./remit-probe", "--act", *words], workspace=suite.place.workspace(suite.probe))
        said = next((value for value in ended.objects() if "refused" in value), {})
        total += STRIKES
        if ended.exit != 0 or said.get("succeeded") != 0 or said.get("other") != 0:
            why = why or f"{said}: {ended}"
        if counted(suite, ended) > STRIKES:
            why = why or f"{counted(suite, ended)} calls counted of {STRIKES}"
    control, shown = unconfined(suite, ["die", str(STRIKES), "1"])
    why = why or shown
    seen = f"{total} callers killed, the supervisor answers on"
    return Result("E76.die", not why, "seccomp", seen, control, why=why)


@entry("E77", "name memory that is not there, not text, or too long")
def pointers(suite):
    _, ended, why = refused(suite, ["pointers"], 36)
    if counted(suite, ended) != 36:
        why = why or f"{counted(suite, ended)} of 36 calls counted"
    return Result("E77.pointers", not why, "seccomp", "36 calls, each EPERM", why=why)


def resident(pid):
    """The supervisor's memory in KiB."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return int(next(line for line in file if line.startswith("VmRSS")).split()[1])


@entry("E78", "make refused calls from many threads at once")
def crowd(suite):
    results, why, total = [], "", 0
    for _ in range(suite.rounds(5, 50)):
        _, ended, problem = refused(suite, ["crowd", str(STRIKES)], STRIKES)
        why, total = why or problem, total + STRIKES
    results.append(Result("E78.crowd", not why, "seccomp", f"{total} calls, {STRIKES} at a time", why=why))

    crowd_size = suite.rounds(400, 10_000)
    scripted.profile(suite.place, "crowd", f"limits: {{processes: {crowd_size + 112}}}")
    # Far more than are allowed: the session ends for it, its supervisor stays small, and its neighbour as fast.
    neighbour = suite.place.start(
        ["sh", "-c", "echo ready; until [ -e go ]; do sleep 0.01; done; exec ./remit-probe --act refuse 50"],
        workspace=(place := suite.place.workspace(suite.probe)),
    )
    neighbour.wait_for(lambda: "ready" in neighbour.output())
    running = suite.place.start(
        ["./remit-probe", "--act", "crowd", str(crowd_size)],
        workspace=suite.place.workspace(suite.probe),
        options=["--profile", "crowd"],
    )
    memory = []

    def sample():
        while running.process.poll() is None:
            try:
                memory.append(resident(running.pid))
            except (OSError, StopIteration, ValueError):
                return
            time.sleep(0.001)

    sampler = threading.Thread(target=sample)
    sampler.start()
    with open(f"{place}/go", "w", encoding="ascii"):
        begun = time.monotonic()
    beside = neighbour.end()
    took = (time.monotonic() - begun) * 1000
    ended = running.end()
    sampler.join()
    growth = max(memory) - min(memory) if memory else 0
    said = next(iter(value for value in beside.objects() if "refused" in value), {})
    why = "" if ended.exit == 123 and said.get("refused") == 50 else f"{ended}; the neighbour: {beside}"
    if growth > 64 << 10:
        why = why or f"the supervisor grew by {growth} KiB"
    if took > 2000 * PATIENCE:
        why = why or f"the neighbour's 50 calls took {took:.0f} ms"
    results.append(
        Result(
            "E78.flood",
            not why,
            "seccomp",
            f"ended for its strikes; the supervisor grew by {growth} KiB; a neighbour's 50 calls and end: "
            f"{took:.0f} ms",
            why=why,
            attempt=f"make {crowd_size} refused calls at the same moment",
        )
    )
    return results


def waiting(suite, workspace):
    running = suite.place.start(["./remit-probe", "--act", "wait-then", "1"], workspace=workspace)
    if not running.wait_for(lambda: "ready" in running.output()):
        raise RuntimeError(str(running.end(1)))
    return running


def go(workspace):
    with open(f"{workspace}/go", "w", encoding="ascii"):
        pass


@entry("E79", "be answered by a supervisor that hangs, or is gone")
def gone(suite):
    results = []
    # It hangs: the call waits, and is refused once it is answered.
    workspace = suite.place.workspace(suite.probe)
    running = waiting(suite, workspace)
    os.kill(running.pid, signal.SIGSTOP)
    go(workspace)
    time.sleep(0.4 * PATIENCE)
    # The output is relayed by the supervisor as well, so whether it was answered shows afterwards only.
    os.kill(running.pid, signal.SIGCONT)
    ended = running.end()
    said = next((value for value in ended.objects() if "refused" in value), {})
    fine = said == {"refused": 1, "succeeded": 0, "other": 0} and ended.exit == 0
    results.append(
        Result(
            "E79.hanging",
            fine,
            "seccomp",
            "refused when it is answered",
            why=str(ended),
            attempt="be answered by a supervisor that hangs",
        )
    )
    # It is killed with the call pending: nobody allows it, and the agent goes as well.
    for number in range(suite.rounds(5, 50)):
        workspace = suite.place.workspace(suite.probe)
        running = waiting(suite, workspace)
        os.kill(running.pid, signal.SIGSTOP)
        go(workspace)
        time.sleep(0.02 * number * PATIENCE)
        init = next(event["pid"] for event in running.events() if event["event"] == "launched")
        running.kill(9)
        ended = running.end()
        why = ""
        if any(value.get("succeeded") for value in ended.objects()):
            why = str(ended)
        end = time.monotonic() + 2 * PATIENCE
        while os.path.exists(f"/proc/{init}/root") and time.monotonic() < end:
            time.sleep(0.01)
        if os.path.exists(f"/proc/{init}/root"):
            why = why or "the session outlived its supervisor"
        if why:
            break
    results.append(
        Result(
            "E79.gone", not why, "guard", "no answer, and the session ended", why=why, attempt="be answered by nobody"
        )
    )
    return results


def descriptors(pid):
    return sorted(os.listdir(f"/proc/{pid}/fd"))


@entry("E80", "have no descriptor free while the supervisor answers")
def full(suite):
    _, ended, why = refused(suite, ["full", str(STRIKES)], STRIKES)
    control, shown = unconfined(suite, ["full", str(STRIKES)])
    why = why or shown
    results = [Result("E80.full", not why, "seccomp", f"{STRIKES} calls, each EPERM", control, why=why)]
    # Nothing is opened for an answer, so nothing is left open.
    workspace = suite.place.workspace(suite.probe)
    if not suite.is_root:
        # The supervisor is not dumpable, so its descriptors are hidden from its own user.
        results.append(Result("E80.no-leak", False, skipped=True, why="only root sees the supervisor's descriptors"))
        return results
    running = suite.place.start(["sh", "-c", f"./remit-probe --act wait-then {STRIKES}; sleep 5"], workspace=workspace)
    running.wait_for(lambda: "ready" in running.output())
    before = descriptors(running.pid)
    go(workspace)
    running.wait_for(lambda: "refused" in running.output())
    after = descriptors(running.pid)
    running.kill(15)
    ended = running.end()
    said = next((value for value in ended.objects() if "refused" in value), {})
    fine = before == after and said.get("refused") == STRIKES
    results.append(
        Result(
            "E80.no-leak",
            fine,
            "seccomp",
            f"{len(before)} descriptors before and after",
            why=f"{before} then {after}: {ended}",
            attempt="make the supervisor leak a descriptor",
        )
    )
    return results


@entry("E81", "be answered while the supervisor is interrupted")
def interrupted(suite):
    why, total = "", 0
    for _ in range(suite.rounds(5, 50)):
        workspace = suite.place.workspace(suite.probe)
        running = suite.place.start(["./remit-probe", "--act", "wait-then", str(STRIKES)], workspace=workspace)
        running.wait_for(lambda r=running: "ready" in r.output())
        go(workspace)
        while running.process.poll() is None:
            # SIGWINCH has a handler in the supervisor, SIGCONT has none; both make it return from a call.
            for number in (signal.SIGWINCH, signal.SIGCONT, signal.SIGURG):
                running.kill(number)
            time.sleep(0.0001)
        ended = running.end()
        said = next((value for value in ended.objects() if "refused" in value), {})
        total += STRIKES
        if said != {"refused": STRIKES, "succeeded": 0, "other": 0} or ended.exit != 0:
            why = why or f"{said}: {ended}"
        elif counted(suite, ended) != STRIKES:
            why = why or f"{counted(suite, ended)} of {STRIKES} counted"
    return Result("E81.interrupted", not why, "seccomp", f"{total} calls, none saw a success", why=why)
