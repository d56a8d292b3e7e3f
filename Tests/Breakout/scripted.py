# SPDX-License-Identifier: Apache-2.0
"""The same Python script in a session and unconfined, and what each of its attempts came to."""

import json
import os
import subprocess

import session
from registry import Result

PRELUDE = """
import ctypes, errno, json, os, shutil, socket, stat, subprocess, sys, time
libc = ctypes.CDLL(None, use_errno=True)
PATIENCE = %d
errno.errorcode[errno.EOPNOTSUPP] = "EOPNOTSUPP"  # as the kernel has it; which of its two names Python says varies
def say(name, answer):
    print(json.dumps({"check": name, "answer": answer}), flush=True)
def attempt(name, action):
    try:
        action()
        say(name, "through")
    except OSError as error:
        say(name, errno.errorcode.get(error.errno, str(error)))
def read(path, directory=None):
    descriptor = os.open(path, os.O_RDONLY, dir_fd=directory)
    try:
        return os.read(descriptor, 4096)
    finally:
        os.close(descriptor)
def write(path, data=b"written"):
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, data)
    finally:
        os.close(descriptor)
def checked(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), "call")
    return result
def wait_for(path, within=10):
    end = time.monotonic() + within * PATIENCE
    while not os.path.lexists(path):
        if time.monotonic() > end:
            sys.exit("nothing at " + path)
        time.sleep(0.005)
""" % session.PATIENCE


def answers_of(text):
    found = {}
    for line in text.splitlines():
        if line.startswith("{"):
            value = json.loads(line)
            if "check" in value:
                found[value["check"]] = value["answer"]
    return found


def command(script, *arguments):
    """The words that run a script; the same inside and outside."""
    return ["/usr/bin/python3", "-I", "-B", "-c", PRELUDE + script, *arguments]


def inside(suite, script, *arguments, place=None, **how):
    """Runs a script in a session: its answers, and the session."""
    ended = (place or suite.place).run(command(script, *arguments), within=40, **how)
    return answers_of(ended.output), ended


def outside(suite, script, *arguments, cwd, prefix=()):
    """Runs a script unconfined, in namespaces of its own: its answers."""
    os.chmod(cwd, 0o777)
    done = subprocess.run([*suite.control_words(), *prefix, *command(script, *arguments)], cwd=cwd,
                          timeout=60 * session.PATIENCE, text=True, stdin=subprocess.DEVNULL, capture_output=True,
                          check=False)
    found = answers_of(done.stdout)
    if done.returncode != 0:
        found[""] = done.stderr.strip()[-300:]
    return found


def judge(number, found, control, layers, attempts, ended):
    """A result for each attempt. `layers` is errno -> layer, for one attempt or for all; None as control: as told."""
    results = []
    for name, attempt in attempts.items():
        answer = found.get(name)
        expected = layers.get(name, layers.get("", {}))
        layer = expected.get(answer)
        told = isinstance(control, str)
        able = told or control.get(name) == "through"
        text = control if told else "succeeds" if able else control.get(name)
        why = f"answers {answer}: {ended}" if layer is None else f"unconfined it does not succeed either: {control}"
        results.append(Result(f"{number}.{name}", layer is not None and able, layer or "", answer or "no answer",
                              text or "no answer", attempt, why))
    return results


def task(suite, place, name, script, *lines, workspace, mode="write", deadline=30):
    """Writes a bounded task of a Python script: the path of its file."""
    path = f"{place.base}/scratch/{name}.yaml"
    words = [
        "apiVersion: remit/v1", "kind: Task", f"name: {name}",
        "intent: Fix the rounding error in orders.py and write the totals to report.json",
        "owner: alice@example.com", f"deadline: {session.in_time(deadline)}",
        f"workspace: {{path: {json.dumps(workspace)}, mode: {mode}}}",
        f"command: {json.dumps(command(script))}", *lines,
    ]
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(words) + "\n")
    return path


def start_task(place, path, *options):
    """Starts the session of a task file."""
    return session.Running([place.binary, "run", "-f", path, *options], place.environment, False, None)


def profile(place, name, *lines):
    """Writes a profile that extends the default one."""
    words = ["apiVersion: remit/v1", "kind: Profile", f"name: {name}", "extends: default", *lines]
    with open(f"{place.base}/config/profiles/{name}.yaml", "w", encoding="utf-8") as file:
        file.write("\n".join(words) + "\n")
