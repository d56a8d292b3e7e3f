# SPDX-License-Identifier: Apache-2.0
"""E25-E27: every system call number against the golden table, the old pages, and calls at random."""

import os
import platform
import random
import re
import subprocess
import time

from registry import Result, entry
from session import PATIENCE

GOLDEN = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "golden-calls.txt")
LAST = 600


def golden():
    """Number -> (name, verdict)."""
    table = {}
    with open(GOLDEN, encoding="ascii") as file:
        for line in file:
            if not line.startswith("#"):
                number, name, verdict = line.split()
                table[int(number)] = (name, verdict)
    return table


def enumerate_inside(suite, numbers):
    """What a session answers to each call, and which refusals its receipt counted."""
    answers, counted = {}, {}
    # Few enough at a time that the refused ones do not end the session.
    for first in range(0, len(numbers), 50):
        part = [str(number) for number in numbers[first : first + 50]]
        ended = suite.place.run(
            ["./remit-probe", "--act", "enumerate", *part], workspace=suite.place.workspace(suite.probe), within=60
        )
        answers.update({value["call"]: value["answer"] for value in ended.objects() if "call" in value})
        counted.update(suite.place.receipt(ended.session)["denials"])
    return answers, counted


def enumerate_outside(suite, numbers):
    """What the kernel answers in namespaces of its own."""
    done = subprocess.run(
        [*suite.control_words(), f"{suite.shared}/remit-probe", "--act", "enumerate", *map(str, numbers)],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=120 * PATIENCE,
        check=False,
        cwd="/",
    )
    return dict(re.findall(r'"call":(\d+),"answer":"(\w+)"', done.stdout))


@entry("E25", "make every system call from 0 to 600 and compare with the golden table")
def enumerate_calls(suite):
    if platform.machine() != "x86_64":
        return Result("E25.enumerate", False, skipped=True, why="the golden table is x86-64's")
    table = golden()
    answers, counted = enumerate_inside(suite, list(range(LAST + 1)))
    absent = [
        number for number, (_, verdict) in table.items() if verdict == "allow" and answers.get(number) == "ENOSYS"
    ]
    outside = enumerate_outside(suite, [*absent, 0, 462, 317])
    wrong = []
    for number in range(LAST + 1):
        answer = answers.get(number)
        name, verdict = table.get(number, ("unlisted", "none"))
        fits = {
            "none": answer == "ENOSYS",
            "allow": answer not in (None, "ENOSYS", "SYS")
            or (answer, outside.get(str(number))) == ("ENOSYS", "ENOSYS"),
            "refuse": answer == "EPERM" and name in counted,
            "refuse-quietly": answer == "EPERM" and name not in counted,
            "unfiltered": answer in ("ILL", "ENXIO", "EINVAL", "ENOSYS", "SYS"),
            "arguments": answer not in (None, "SYS"),
        }[verdict]
        if not fits:
            wrong.append(f"{number} ({name}) should be {verdict}, answers {answer}")
    # Outside, calls that no session has do exist: the comparison can fail.
    control = f"seccomp answers {outside.get('317')}, mseal {outside.get('462')}"
    if outside.get("317") in (None, "EPERM"):
        wrong.append(f"unconfined nothing answers otherwise: {control}")
    listed = sum(1 for number in range(LAST + 1) if number not in table)
    return Result(
        "E25.enumerate",
        not wrong,
        "seccomp",
        f"{listed} numbers ENOSYS, {len(table)} as listed",
        control,
        why="; ".join(wrong[:12]),
    )


@entry("E26", "call into the vsyscall page and the vdso")
def pages(suite):
    ended = suite.place.run(["./remit-probe", "--act", "page"], workspace=suite.place.workspace(suite.probe))
    said = next(iter(ended.objects()), {})
    outside = subprocess.run([suite.probe, "--act", "page"], capture_output=True, text=True, check=False).stdout.strip()
    fine = ended.exit == 0 and said.get("vsyscall") in ("answers", "refuses", "SEGV", "SYS", "none")
    return Result(
        "E26.pages",
        fine,
        "seccomp",
        f"vsyscall {said.get('vsyscall')}: the clock only, as by a plain call",
        outside,
        why=str(ended),
    )


def kernel_log():
    """The kernel's messages, or None for who may not read them."""
    done = subprocess.run(["dmesg"], capture_output=True, text=True, check=False)
    return done.stdout.splitlines() if done.returncode == 0 else None


# A program of a user that faults is told as well ("general protection fault ip:"): that is what it was meant to do.
SPLAT = re.compile(
    r"BUG:|WARNING:|Oops|general protection fault(?! ip:)|Call Trace|KASAN|UBSAN|INFO: task|rcu:.*stall|panic"
)


def splats(lines):
    """The messages of a kernel that something has gone wrong with."""
    found, expected = [], False
    for line in lines:
        # A group that has used up its memory is told with a trace of whoever asked for more.
        expected = expected or "invoked oom-killer" in line
        if SPLAT.search(line):
            if expected and "Call Trace" in line:
                expected = False
            else:
                found.append(line)
    return found


def fuzz_session(suite, milliseconds, avoided, expected):
    """One session of random calls, which may end early by its own doing; what is wrong with it, or nothing."""
    seed = random.randrange(1, 1 << 60)
    ended = suite.place.run(
        ["./remit-probe", "--act", "fuzz", str(milliseconds), str(seed), *avoided],
        workspace=suite.place.workspace(suite.probe),
        options=["--deadline", f"{milliseconds // 1000 + 30 * PATIENCE}s", "--memory", "1GiB", "--processes", "64"],
        within=milliseconds / 1000 + 60,
    )
    # A child may kill the very process that started it, by number: then the session ends with that signal. Or stop it,
    # then it ends by its deadline.
    if ended.exit not in (*expected, 124, 137):
        return f"seed {seed}: {ended}"
    if suite.place.remit("receipt", "verify", ended.session).returncode != 0:
        return f"seed {seed}: the receipt is not good"
    if suite.place.receipt(ended.session)["processesLeft"] != 0:
        return f"seed {seed}: processes are left"
    return ""


@entry("E27", "find what the kernel says of it")
def fuzz(suite):
    before = kernel_log()
    table = golden()
    refused = [str(number) for number, (_, verdict) in table.items() if verdict == "refuse"]
    results = []
    for name, avoided, attempt in (
        # Without what is counted as a strike, so that a session goes on; then with it, and each is ended for it.
        ("E27.fuzz", [*refused, "56"], "make random system calls with random arguments, in several processes at once"),
        ("E27.fuzz-everything", [], "the same with calls that are counted, in one session after the other"),
    ):
        why, sessions, milliseconds = "", 0, suite.rounds(4_000, 60_000)
        end = time.monotonic() + milliseconds / 1000
        while not why and time.monotonic() < end:
            sessions += 1
            why = fuzz_session(suite, int((end - time.monotonic()) * 1000), avoided, (0,) if avoided else (0, 123))
        seen = f"{milliseconds // 1000} s in {sessions} sessions, each ended in order with a good receipt"
        results.append(Result(name, not why, "seccomp", seen, attempt=attempt, why=why))
    after = kernel_log()
    if before is None or after is None:
        results.append(Result("E27.kernel-log", False, skipped=True, why="the kernel's log is not readable here"))
    else:
        news = [line for line in after if line not in set(before)]
        wrong = splats(news)
        seen = f"{len(news)} new lines, none of a fault of its own"
        results.append(Result("E27.kernel-log", not wrong, "kernel", seen, why="; ".join(wrong)))
    return results
