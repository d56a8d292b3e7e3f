# SPDX-License-Identifier: Apache-2.0
"""E50-E52, E54, E56-E61: processes that will not go, ends that lie, limits at the moment of the end."""

import glob
import os
import random
import secrets
import statistics
import subprocess
import time

from registry import Result, entry
from session import PATIENCE, in_time


def marked(mark):
    """The probe's processes that carry a mark in their arguments."""
    found = []
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            with open(path, "rb") as file:
                words = file.read().split(b"\0")
            # Not the supervisor and its guard, who have the agent's command among their own words.
            if words[0].endswith(b"remit-probe") and mark.encode() in words:
                found.append(int(path.split("/")[2]))
        except OSError:
            pass
    return found


def groups(session):
    """The control groups of a session that are still there."""
    return glob.glob(f"/sys/fs/cgroup/**/remit*{session}*", recursive=True) + glob.glob(
        f"/sys/fs/cgroup/**/{session}*", recursive=True
    )


def left(mark, session):
    """What a session has left behind, as a sentence; empty for nothing."""
    said = []
    if marked(mark):
        said.append(f"processes are left: {marked(mark)}")
    if session and groups(session):
        said.append(f"control groups are left: {groups(session)}")
    return "; ".join(said)


def begin(suite, words, options=(), **how):
    """A session of an act whose last word is a mark; the session and the mark."""
    mark = f"mark-{secrets.token_hex(6)}"
    running = suite.place.start(
        ["./remit-probe", "--act", *words, mark], workspace=suite.place.workspace(suite.probe), options=options, **how
    )
    return running, mark


def forced_end(running, mark, within=10.0):
    """Waits for the session's end, and says how long after the first sign of it the last process was gone."""
    running.wait_for("ending", within)
    begun = time.monotonic()
    while marked(mark) and time.monotonic() - begun < within * PATIENCE:
        time.sleep(0.0005)
    gone = (time.monotonic() - begun) * 1000
    ended = running.end()
    return ended, gone


@entry("E50", "survive the end as daemons that ignore every signal")
def survivors(suite):
    times, why = [], ""
    for number in range(suite.rounds(6, 100)):
        # By the deadline, and by a signal; every other time with a terminal.
        options = ["--deadline", in_time(1 if number == 0 else 60)]
        running, mark = begin(suite, ["survive", "24"], options, terminal=number % 2 == 1)
        if not running.wait_for(lambda r=running: "surviving" in r.output()):
            return Result("E50.daemons", False, why=str(running.end(1)))
        before = len(marked(mark))
        if number > 0:
            running.kill(15)
        ended, gone = forced_end(running, mark)
        times.append(gone)
        why = why or left(mark, ended.session)
        if ended.exit not in (124, 143) or before != 25:
            why = why or f"{before} processes, {ended}"
        elif suite.place.receipt(ended.session)["processesLeft"] != 0:
            why = why or "the receipt says that processes are left"
    # The same daemons without a sandbox outlive whoever started them.
    mark = f"mark-{secrets.token_hex(6)}"
    done = subprocess.Popen([suite.probe, "--act", "survive", "2", mark], stdout=subprocess.DEVNULL)
    time.sleep(0.2 * PATIENCE)
    done.kill()
    done.wait()
    outlived = marked(mark)
    for pid in outlived:
        os.kill(pid, 9)
    if not outlived:
        why = why or "unconfined they do not survive either"
    return Result(
        "E50.daemons",
        not why,
        "namespaces",
        f"{len(times)} rounds, none left, gone {max(times):.0f} ms at most after the end began",
        f"{len(outlived)} survive their parent",
        why=why,
    )


@entry("E51", "multiply faster than the end can kill")
def bomb(suite):
    why, times, most = "", [], 0
    rounds = suite.rounds(8, 500)
    for number in range(rounds):
        options = ["--processes", "96", "--deadline", in_time(20)]
        running, mark = begin(suite, ["bomb"], options, terminal=number % 4 > 1)
        if not running.wait_for(lambda r=running: "bomb" in r.output()):
            return Result("E51.bomb", False, why=str(running.end(1)))
        # From the first fork on to long after the limit is reached.
        time.sleep(random.random() * (0.02 if number % 2 else 0.4) * PATIENCE)
        most = max(most, len(marked(mark)))
        running.kill(15)
        ended, gone = forced_end(running, mark)
        times.append(gone)
        why = why or left(mark, ended.session)
        if most > 96:
            why = why or f"{most} processes, the limit is 96"
    if most < 48:
        why = why or f"the bomb came to {most} processes only"
    return Result(
        "E51.bomb",
        not why,
        "limits.processes",
        f"{rounds} rounds, at most {most} of 96 processes, gone in {max(times):.0f} ms",
        why=why,
    )


def starting(rounds):
    """How long the host needs to start a program and wait for it, in milliseconds, each time."""
    times = []
    for _ in range(rounds):
        begun = time.monotonic()
        subprocess.run(["/bin/true"], check=True, stdin=subprocess.DEVNULL)
        times.append((time.monotonic() - begun) * 1000)
    return times


@entry("E51", "leave the host no time for anything else")
def starved(suite):
    usual = statistics.median(starting(20))
    running, mark = begin(suite, ["bomb"], ["--processes", "96", "--deadline", in_time(60)])
    if not running.wait_for(lambda: len(marked(mark)) > 80):
        return Result("E51.host", False, why=str(running.end(1)))
    times = starting(20)
    begun = time.monotonic()
    running.kill(15)
    ended, _ = forced_end(running, mark)
    took = (time.monotonic() - begun) * 1000
    busy = statistics.median(times)
    # The bomb gets no more than its share: so many runnable processes, and the host's own among them.
    fine = busy < 96 * usual and not left(mark, ended.session)
    return Result(
        "E51.host",
        fine,
        "limits.processes",
        f"a program starts in {busy:.1f} ms beside the bomb ({max(times):.0f} ms at most), {usual:.1f} ms without; "
        f"ended on request within {took:.0f} ms",
        why=f"{usual} ms, then {sorted(times)}: {ended}",
    )


# Kills the act as whoever waits for it would, and counts what is left of it. The namespace ends with the shell.
OUTLIVE = f"""
"$@" >/dev/null 2>&1 & leader=$!
sleep {0.3 * PATIENCE}; kill -9 $leader; wait $leader 2>/dev/null
left=0
for words in /proc/[0-9]*/cmdline; do
    [ "$words" = /proc/1/cmdline ] || {{ tr '\\0' '\\n' <"$words" | grep -qx outlive && left=$((left + 1)); }}
done 2>/dev/null
echo $left
"""


def outliving(suite, *words):
    """How many processes of an act are left without a sandbox when the one that was started is killed."""
    done = subprocess.run(
        [*suite.control_words(), "sh", "-c", OUTLIVE, "sh", f"{suite.shared}/remit-probe", "--act", *words, "outlive"],
        capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False, cwd="/", timeout=30 * PATIENCE,
    )
    return int(done.stdout.strip() or 0)


@entry("E52", "stand in the way of the end: siblings, reapers, stopped and waiting processes")
def holders(suite):
    results = []
    for kind in ("clone-parent", "subreaper", "no-death-signal", "vfork", "stopped"):
        why = ""
        for number in range(suite.rounds(2, 10)):
            running, mark = begin(suite, ["hold", kind], ["--deadline", in_time(1)], terminal=number % 2 == 1)
            if not running.wait_for(lambda r=running: "holding" in r.output()):
                why = str(running.end(1))
                break
            ended, gone = forced_end(running, mark)
            why = why or left(mark, ended.session) or ("" if ended.exit == 124 else str(ended))
        outlived = outliving(suite, "hold", kind)
        if not outlived:
            why = why or "unconfined nothing outlives the process that was started"
        results.append(
            Result(
                f"E52.{kind}",
                not why,
                "namespaces",
                "" if why else f"gone in {gone:.0f} ms",
                f"{outlived} survive their parent",
                why=why,
                attempt=f"hold the end up: {kind}",
            )
        )
    results.append(
        Result(
            "E52.trace-stopped",
            True,
            "seccomp",
            "ptrace(2) is refused: see E23",
            attempt="hold the end up with a process that is stopped by its tracer",
        )
    )
    return results


@entry("E54", "kill process 1, or everyone")
def kill_init(suite):
    results = []
    ended = suite.place.run(["./remit-probe", "--act", "kill-init"], workspace=suite.place.workspace(suite.probe))
    said = next(iter(ended.objects()), {})
    fine = ended.exit == 0 and said.get("answer") == "alive"
    results.append(
        Result(
            "E54.kill-init",
            fine,
            "namespaces" if said.get("sent") else "landlock-scopes",
            f"{said.get('sent')} ignored, {said.get('refused')} refused, process 1 lives",
            why=str(ended),
            attempt="send every signal to process 1",
        )
    )
    neighbour, mark = begin(suite, ["survive", "2"])
    neighbour.wait_for(lambda: "surviving" in neighbour.output())
    ended = suite.place.run(["./remit-probe", "--act", "kill-all"], workspace=suite.place.workspace(suite.probe))
    why = "" if ended.exit == 137 else str(ended)
    if len(marked(mark)) < 3:
        why = why or "another session lost processes"
    neighbour.kill(15)
    neighbour.end()
    results.append(
        Result(
            "E54.kill-all",
            not why,
            "namespaces",
            "only its own session ended",
            why=why,
            attempt="send SIGKILL to everyone",
        )
    )
    return results


@entry("E56", "keep the end from coming with SIGSTOP")
def stop_storm(suite):
    running, mark = begin(suite, ["hold", "stop-storm"], ["--deadline", in_time(1)])
    ended, gone = forced_end(running, mark)
    why = left(mark, ended.session) or ("" if ended.exit == 124 else str(ended))
    return Result("E56.stop-storm", not why, "namespaces", f"gone in {gone:.0f} ms", why=why)


@entry("E57", "push the deadline back with all of the processor's time")
def busy(suite):
    overruns, why = [], ""
    for _ in range(suite.rounds(3, 10)):
        asked = time.monotonic()
        running, mark = begin(suite, ["hold", "busy"], ["--deadline", in_time(1)])
        running.wait_for("started")
        begun = time.monotonic()
        running.wait_for("ending")
        ended_at = time.monotonic()
        overruns.append((ended_at - begun - PATIENCE) * 1000)
        # Whoever waits here also gets what the agent leaves of the processor, and may see the start late.
        if ended_at - asked < PATIENCE:
            why = why or f"the deadline came {(asked + PATIENCE - ended_at) * 1000:.0f} ms early"
        ended, _ = forced_end(running, mark)
        why = why or left(mark, ended.session) or ("" if ended.exit == 124 else str(ended))
    # The best of them: other programs on this machine may have delayed the rest, the agent would have delayed all.
    best = min(overruns, key=abs)
    if best > 100 * PATIENCE:
        why = why or f"the deadline came {best:.0f} ms late"
    return Result("E57.busy", not why, "limits.cpu", f"deadline held to {best:+.0f} ms", why=why)


@entry("E58", "take twice the memory that it may have")
def memory(suite):
    ended = suite.place.run(
        ["./remit-probe", "--act", "eat", "256"],
        workspace=suite.place.workspace(suite.probe),
        options=["--memory", "128MiB"],
    )
    said = next(iter(ended.objects()), {})
    stopped = ended.exit == 137 or "refused" in said
    outside = subprocess.run([suite.probe, "--act", "eat", "256"], capture_output=True, text=True, check=False)
    why = "" if stopped and outside.returncode == 0 else f"{ended}, outside {outside.stdout}"
    seen = f"refused after {said['refused']} MiB" if "refused" in said else "killed inside"
    return Result("E58.memory", not why, "limits.memory", seen, outside.stdout.strip(), why=why)


@entry("E59", "leave a core file with what is in its memory")
def core(suite):
    workspace = suite.place.workspace(suite.probe)
    ended = suite.place.run(
        ["sh", "-c", "./remit-probe --act crash; echo $?; ls -A . /tmp /home/agent"], workspace=workspace
    )
    left_here = [name for name in os.listdir(workspace) if "core" in name]
    # Outside, with the same program, there is one where the host's pattern is a name.
    with open("/proc/sys/kernel/core_pattern", encoding="ascii") as file:
        pattern = file.read().strip()
    scratch = f"{suite.base}/core"
    os.makedirs(scratch, exist_ok=True)
    subprocess.run([suite.probe, "--act", "crash"], cwd=scratch, check=False)
    outside = os.listdir(scratch)
    why = ""
    if "134" not in ended.output or left_here or "core" in ended.output.split("134", 1)[-1].replace("remit-probe", ""):
        why = f"{left_here}, {ended}"
    if pattern.startswith("|") or "/" in pattern:
        control = f"core_pattern is {pattern.split()[0]}"
    else:
        control = f"leaves {', '.join(outside) or 'none'}"
        why = why or ("" if outside else "outside it leaves none either")
    return Result("E59.core", not why, "limits", "no core file", control, why=why)


@entry("E60", "end so that it looks like another end")
def endings(suite):
    results = []

    def check(name, words, status, code, signal, attempt, workspace=None):
        """`code` and `signal` are what the receipt must say of the agent: nothing of one that never ran."""
        ended = suite.place.run(words, workspace=workspace or suite.place.workspace(suite.probe))
        said = suite.place.receipt(ended.session)["exit"]
        ran = any(event["event"] == "started" for event in ended.events)
        fine = ended.exit == status and said == {"code": code, "signal": signal}
        fine = fine and ran == (code is not None or signal is not None)
        seen = f"exit {ended.exit}, {'started' if ran else 'never started'}, receipt {said}"
        results.append(Result(f"E60.{name}", fine, "guard", seen, attempt=attempt, why=f"{seen}: {ended}"))

    check("kill-itself", ["sh", "-c", "kill -KILL $$"], 137, None, 9, "kill itself")
    check("no-such-command", ["/no/such/command"], 127, None, None, "be a command that is not there")
    for code in (121, 123, 124, 125, 126, 127, 137):
        check(f"feigned-{code}", ["sh", "-c", f"exit {code}"], code, code, None, f"end like remit's own {code}")
    workspace = suite.place.workspace()
    for name, text in (("no-interpreter", "#!/no/such/interpreter\n"), ("no-program", "\x7fELF")):
        with open(f"{workspace}/{name}", "w", encoding="ascii") as file:
            file.write(text)
        os.chmod(f"{workspace}/{name}", 0o755)
    check("no-interpreter", ["./no-interpreter"], 127, None, None, "be a script without an interpreter", workspace)
    check("no-program", ["./no-program"], 126, None, None, "be a file that is no program", workspace)
    return results


@entry("E61", "fill the session with zombies")
def zombies(suite):
    count = suite.rounds(8000, 100_000)
    ended = suite.place.run(
        ["./remit-probe", "--act", "zombies", str(count)],
        workspace=suite.place.workspace(suite.probe),
        options=["--processes", "128", "--deadline", in_time(600)],
        within=600,
    )
    said = next(iter(ended.objects()), {})
    fine = ended.exit == 0 and said.get("zombies") == count and said.get("room") == 64
    return Result(
        "E61.zombies",
        fine,
        "limits.processes",
        f"{count} orphans collected, {said.get('refused')} forks refused",
        why=str(ended),
    )
