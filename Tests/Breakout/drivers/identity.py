# SPDX-License-Identifier: Apache-2.0
"""E01-E06 where one process is not enough: the layer behind the filter, threads, set-user-id files, every task."""

import glob
import json
import os
import shutil
import stat
import struct
import subprocess

from registry import Result, entry
from session import PATIENCE


def act(suite, *words, workspace=None, **how):
    """An act of the probe program in a session: its first JSON line, and the session."""
    ended = suite.place.run(
        ["./remit-probe", "--act", *words], workspace=workspace or suite.place.workspace(suite.probe), **how
    )
    return next(iter(ended.objects()), {}), ended


@entry("E01", "make a user namespace where no filter is in the way: entered from outside")
def behind_the_filter(suite):
    running = suite.place.start(["sleep", str(30 * PATIENCE)])
    try:
        if not running.wait_for("started"):
            return Result("E01.behind-the-filter", False, why=str(running.end(1)))
        init = next(event["pid"] for event in running.events() if event["event"] == "launched")
        agent = descendants(init)[0]
        # The agent's own namespace, with every capability in it, and without its filter.
        enter = ["nsenter", f"--user=/proc/{agent}/ns/user", "--preserve-credentials"]
        entered = subprocess.run([*enter, "true"], capture_output=True, text=True, check=False)
        if entered.returncode != 0:
            return Result("E01.behind-the-filter", False, skipped=True, why=f"cannot enter: {entered.stderr.strip()}")
        made = subprocess.run(
            [*enter, "unshare", "--user", "true"],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "LC_ALL": "C"},
        )
        fine = made.returncode != 0 and "No space left on device" in made.stderr
        control = subprocess.run(
            [*suite.control_words(), "unshare", "--user", "true"], capture_output=True, check=False
        )
        return Result(
            "E01.behind-the-filter",
            fine and control.returncode == 0,
            "userns-door",
            "ENOSPC",
            "succeeds" if control.returncode == 0 else "fails",
            why=f"{made.returncode}: {made.stderr}",
        )
    finally:
        running.kill(15)
        running.end()


@entry("E03", "start threads where clone3(2) does not exist")
def threads(suite):
    said, ended = act(suite, "threads")
    return Result("E03.threads-work", said == {"threads": 16}, "", "16 threads by clone(2)", why=str(ended))


def as_nobody(suite, program):
    """What a program of someone else's makes of an ordinary user without a sandbox; only root can try."""
    if not suite.is_root:
        return {}
    done = subprocess.run(
        [program, "--act", "identity"], capture_output=True, text=True, check=False, cwd="/", user=65534, group=65534,
        extra_groups=[],
    )
    return json.loads(done.stdout)


def set_user_id_program():
    """A set-user-id program of root's that prints help, if this host has one."""
    for name in ("mount", "su", "chsh", "passwd", "newgrp"):
        path = f"/usr/bin/{name}"
        if os.path.exists(path) and os.stat(path).st_mode & stat.S_ISUID and os.stat(path).st_uid == 0:
            return path
    return None


@entry("E05", "become root by executing a set-user-id program")
def set_user_id(suite):
    results = []
    program = set_user_id_program()
    if program is None:
        results.append(Result("E05.host-program", False, skipped=True, why="no set-user-id program in /usr/bin"))
    else:
        said, ended = act(suite, "watch-exec", program)
        # Unconfined and as an ordinary user, who becomes root by it.
        how = {"user": 65534, "group": 65534, "extra_groups": []} if suite.is_root else {}
        outside = json.loads(
            subprocess.run(
                [f"{suite.shared}/remit-probe", "--act", "watch-exec", program],
                capture_output=True,
                text=True,
                check=True,
                cwd="/",
                **how,
            ).stdout
        )
        control = f"euid {outside['Uid'].split()[1]}"
        kept = said.get("Uid", "") == "1000 1000 1000 1000" and int(said.get("CapEff", "f"), 16) == 0
        means = outside["Uid"].split()[1] == "0"
        results.append(
            Result(
                "E05.host-program",
                kept and means,
                "mounts",
                f"ids {said.get('Uid')}",
                control,
                why=f"inside {said}, outside {outside}, {ended}",
            )
        )
    # A file of the workspace's owner, made outside, with the bit or with capabilities.
    workspace = suite.place.workspace(suite.probe)
    shutil.copy(suite.probe, f"{workspace}/copy")
    os.chmod(f"{workspace}/copy", 0o6755)
    ended = suite.place.run(["./copy", "--act", "identity"], workspace=workspace)
    said = next(iter(ended.objects()), {})
    outside = as_nobody(suite, f"{workspace}/copy")
    kept = said.get("Uid", "") == "1000 1000 1000 1000" and int(said.get("CapPrm", "f"), 16) == 0
    means = not suite.is_root or outside["Uid"].split()[1] == "0"
    results.append(
        Result(
            "E05.workspace-file",
            kept and means,
            "mounts",
            f"ids {said.get('Uid')}",
            f"euid {outside['Uid'].split()[1]}" if outside else "",
            why=f"outside {outside}, {ended}",
            attempt="become the owner of a set-user-id file in the workspace",
        )
    )
    if suite.is_root:
        # VFS_CAP_REVISION_2, effective: every capability that there is to be had on this machine.
        with open("/proc/self/status", encoding="ascii") as file:
            bounding = int(next(line for line in file if line.startswith("CapBnd")).split()[1], 16)
        low, high = bounding & 0xFFFFFFFF, bounding >> 32
        os.setxattr(f"{workspace}/copy", "security.capability", struct.pack("<5I", 0x02000001, low, 0, high, 0))
        os.chmod(f"{workspace}/copy", 0o755)
        ended = suite.place.run(["./copy", "--act", "identity"], workspace=workspace)
        said = next(iter(ended.objects()), {})
        outside = as_nobody(suite, f"{workspace}/copy")
        means = int(outside["CapEff"], 16) != 0
        none = all(int(said.get(key, "f"), 16) == 0 for key in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"))
        results.append(
            Result(
                "E05.file-capabilities",
                none and means,
                "mounts",
                f"effective {said.get('CapEff')}",
                f"effective {outside['CapEff']}",
                why=f"outside {outside}, {ended}",
                attempt="gain the capabilities of a file in the workspace",
            )
        )
    else:
        results.append(
            Result("E05.file-capabilities", False, skipped=True, why="only root can give a file capabilities")
        )
    return results


def descendants(pid):
    found = []
    for path in glob.glob(f"/proc/{pid}/task/*/children"):
        with open(path, encoding="ascii") as file:
            for child in map(int, file.read().split()):
                found += [child, *descendants(child)]
    return found


@entry("E06", "hold a capability in any task of the session, seen from outside")
def every_task(suite):
    running = suite.place.start(
        [
            "sh",
            "-c",
            f"sleep {20 * PATIENCE} & (setsid sleep {20 * PATIENCE} &) ; ./remit-probe --act survive 3 x & "
            "python3 -c 'import threading,time\n"
            f"for _ in range(4): threading.Thread(target=time.sleep,args=({20 * PATIENCE},)).start()' & "
            f"sleep {0.4 * PATIENCE}; echo ready; sleep {20 * PATIENCE}",
        ],
        workspace=suite.place.workspace(suite.probe),
    )
    try:
        if not running.wait_for(lambda: "ready" in running.output()):
            return Result("E06.every-task", False, why=str(running.end(1)))
        init = next(event["pid"] for event in running.events() if event["event"] == "launched")
        wrong, count = [], 0
        for pid in [init, *descendants(init)]:
            for path in glob.glob(f"/proc/{pid}/task/*/status"):
                with open(path, encoding="utf-8", errors="replace") as file:
                    state = dict(line.split(":", 1) for line in file if ":" in line)
                count += 1
                for key in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
                    if int(state[key], 16) != 0:
                        wrong.append(f"{state['Name'].strip()}: {key} {state[key].strip()}")
                if state["NoNewPrivs"].strip() != "1" or state["Seccomp"].strip() != "2":
                    wrong.append(
                        f"{state['Name'].strip()}: no_new_privs {state['NoNewPrivs'].strip()}, "
                        f"seccomp {state['Seccomp'].strip()}"
                    )
        if count < 12:
            wrong.append(f"only {count} tasks were there to look at")
        return Result(
            "E06.every-task",
            not wrong,
            "capabilities",
            f"{count} tasks: none, no_new_privs 1, seccomp 2",
            why="; ".join(wrong),
        )
    finally:
        running.kill(15)
        running.end()
