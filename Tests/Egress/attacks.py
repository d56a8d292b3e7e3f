# SPDX-License-Identifier: Apache-2.0
"""Runs the attacks of a file in a session and without one, in a network where each would succeed, and compares.

It counts as stopped when the attack was answered as it has to be *and* nothing of it arrived anywhere *and* the same
attack arrives, or is answered, when no session is around it.
"""

import dataclasses
import hashlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading

import arena
from world import Failure, Skip, World

HERE = os.path.dirname(os.path.abspath(__file__))
NOT_HERE = ("EPROTONOSUPPORT", "ESOCKTNOSUPPORT", "EAFNOSUPPORT")  # of a kernel that lacks the feature


@dataclasses.dataclass
class Row:
    """What one attack came to."""

    name: str  # "N5.switch"
    stopped: bool
    layer: str = ""  # what stopped it
    seen: str = ""  # how
    control: str = ""  # what it does without Remit
    attempt: str = ""
    why: str = ""  # why it is not ok
    skipped: bool = False

    def line(self):
        if self.skipped:
            return f"skip {self.name}: {self.why}"
        return f"ok {self.name}" if self.stopped else f"not ok {self.name}: {' '.join(self.why.split())}"


# File, and the title of its check.
FILES = {
    "open_ways": "ways around the gate (N1, N2, N9, N11, E64, E66–E70, E72)",
    "names": "names that carry, deceive or lead inwards (N3, N4, N7)",
    "connections": "connections that say one name and mean another (N5, N8, E71)",
    "messages": "requests that two readers take differently (N6, N10, E84)",
    "secrets": "what is done to get at a key (C1–C4, C9)",
}


def rules(port, world):
    """What the sessions of every file may reach."""
    def rule(name, ports=None, **more):
        return {"host": name, "ports": ports or [port], "addresses": ["127.0.0.0/8"], "opaque": False, **more}

    methods = ["GET", "POST", "OPTIONS"]
    return [
        rule(arena.ALLOWED),
        rule("read.wild.example", http={"methods": ["GET", "POST"], "paths": ["/", "/ok", "/v1/**"], "maxBody": 4096}),
        rule("model.wild.example", http={"methods": ["POST"], "paths": ["/v1/messages"]}),
        rule(arena.API, http={"methods": methods}), rule(arena.SECOND, http={"methods": methods}),
        rule(arena.CLEAR, [80], clearText=True, http={"methods": methods}),
        # What they resolve to is not opened by the rule, but for the public address, which is this host's own in here.
        {
            "host": "*.leads.example", "ports": [80], "opaque": False, "clearText": True,
            "addresses": [f"{arena.PUBLIC}/32"],
        },
        {"host": "*.a.wild.example", "ports": [port]},
    ]


def providers(directory, port):
    """One key for an API, and one as a password; of neither the host in the clear."""
    api = {"methods": ["GET", "POST"], "paths": ["/v1/**"], "header": "authorization"}
    return {
        "api": {
            "kind": "secret", "from": {"file": f"{directory}/key"},
            "inject": [{"host": arena.API, "ports": [port], **api}, {"host": arena.CLEAR, "ports": [80], **api}],
        },
        "password": {
            "kind": "secret", "from": {"file": f"{directory}/token"},
            "inject": {"host": arena.API, "ports": [port], "paths": ["/basic/**"], "basic": True},
        },
    }


CREDENTIALS = [
    {"name": "api", "provider": "api", "expose": "env", "variable": "API_KEY"},
    {"name": "password", "provider": "password", "expose": "env", "variable": "TOKEN"},
]


def check(file):
    """A check of the suite: the attacks of a file, in a network of their own."""

    def compare(world):
        probe = subprocess.run([*arena.enter(), "true"], capture_output=True, text=True, check=False)
        if probe.returncode != 0:
            raise Skip(f"no network for the attacks: {probe.stderr.strip()}")
        if not os.path.exists("/proc/net/if_inet6"):
            raise Skip("no IPv6 in this kernel, by which some of the attacks go")
        done = subprocess.run(
            [*arena.enter(), sys.executable, "-B", f"{HERE}/suite.py", "--arena", file, world.binary],
            capture_output=True, text=True, check=False, timeout=400,
        )
        if done.returncode != 0:
            raise Failure(f"{done.stdout.strip()[-300:]} {done.stderr.strip()[-1500:]}")
        return [Row(**json.loads(line)) for line in done.stdout.splitlines()]

    return compare


class Unix:
    """Sockets of the host's, one with a file and one without."""

    def __init__(self, directory, seen):
        self.path, self.name = f"{directory}/socket", f"remit-egress-{os.getpid()}"
        for address, tag in ((self.path, b"E67.pathname-on"), ("\0" + self.name, b"E67.abstract-on")):
            end = socket.socket(socket.AF_UNIX)
            end.bind(address)
            end.listen()
            threading.Thread(target=self.accept, args=[end, tag, seen], daemon=True).start()
        os.chmod(self.path, 0o777)
        os.chmod(directory, 0o755)

    @staticmethod
    def accept(end, tag, seen):
        for client in arena.without_end(end):
            seen.append(b"connection for " + tag)
            client.close()


def run_in_arena(file, binary):
    """What `check` does, once it has a network of its own: prints a row for each attack."""
    with tempfile.TemporaryDirectory(prefix="remit-egress-") as directory:
        arena.set_up(directory)
        seen = []
        world = World(binary, directory, resolved=True, names=arena.NAMES)
        host = arena.Host(world.certificate, world.private, seen, world.key)
        arena.Names(seen)
        world.configure(providers(directory, host.port))
        unix = Unix(directory, seen)
        parameters = {
            "allowed": arena.ALLOWED,
            "other": arena.OTHER,
            "api": arena.API,
            "second": arena.SECOND,
            "clear": arena.CLEAR,
            "read": "read.wild.example", "model": "model.wild.example",
            "port": host.port,
            "private": arena.PRIVATE,
            "metadata": arena.METADATA,
            "public": arena.PUBLIC,
            "public6": arena.PUBLIC6,
            "leading": {name: " and ".join(addresses) for name, addresses in arena.LEADING.items()},
            "abstract": unix.name,
            "socket": unix.path,
            "digests": [(hashlib.sha256(each.encode()).hexdigest(), len(each)) for each in (world.key, world.token)],
            # Of connections that have not said yet what they are for a gate takes 512; the kernel keeps 1024 more.
            "flips": 2000,
            "crowds": 12,
            "crowd": 850,
            "most": 2048,
            "inside": True,
        }
        files = {name: read(f"{HERE}/attacks/{name}") for name in ("probe.py", f"{file}.py")}
        session = world.session(
            f"python3 -B {file}.py; touch done", rules(host.port, world), CREDENTIALS,
            files={**files, "params.json": json.dumps(parameters)},
        )
        session.run(300)
        if session.status != 0:
            raise Failure(session.said())
        inside, arrived = answers(session.output), b"\n".join(seen)
        check_secrets(session, arrived, file)
        seen.clear()
        arena.CarelessProxy()
        outside = run_unconfined(world, file, {**files, "params.json": json.dumps({
            **parameters, "inside": False, "flips": 200, "crowds": 1, "most": 512,
        })})
        control = b"\n".join(seen)
        for where, found in (("in a session", inside), ("without one", outside)):
            slow = [f"{name} {answer['seconds']} s" for name, answer in found.items() if answer["seconds"] >= 1]
            whole = sum(answer["seconds"] for answer in found.values())
            print(f"{file}, {where}: {whole:.1f} s; {', '.join(slow)}", file=sys.stderr, flush=True)
        for name, answer in inside.items():
            print(json.dumps(dataclasses.asdict(judge(name, answer, outside.get(name), arrived, control))), flush=True)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def answers(text):
    found = {}
    for line in text.splitlines():
        if line.startswith("{"):
            answer = json.loads(line)
            found[answer["name"]] = answer
    return found


def run_unconfined(world, file, files):
    """The same attacks by the same program, of which nobody takes any notice."""
    directory = f"{world.directory}/unconfined"
    os.mkdir(directory)
    for name, text in files.items():
        with open(f"{directory}/{name}", "w", encoding="utf-8") as target:
            target.write(text)
    done = subprocess.run(
        ["/usr/bin/python3", "-B", f"{file}.py"], cwd=directory, capture_output=True, text=True, check=False,
        timeout=300, stdin=subprocess.DEVNULL,
        env={"PATH": "/usr/bin:/bin", "API_KEY": world.key, "TOKEN": world.token, "LANG": "C.UTF-8"},
    )
    if done.returncode != 0:
        raise Failure(f"the control run: {done.stderr.strip()[-800:]}")
    return answers(done.stdout)


def check_secrets(session, arrived, file):
    """Whatever the attacks did: the real key came where it is meant to, and is nowhere about the session."""
    world = session.world
    for line in arrived.splitlines():
        if world.key.encode() in line and b"uthorization: Bearer" not in line:
            raise Failure(f"the real key arrived in {line[:200]!r}")
    if world.key in session.output + session.errors:
        raise Failure("the real key is in the output")
    if file == "secrets" and world.key.encode() not in arrived:
        raise Failure("the real key did not even arrive where it is meant to")


def judge(name, answer, outside, arrived, control):
    """The row of one attack."""
    tags = {name.encode(), name.lower().replace(".", "-").encode()}
    result = Row(name, False, answer["layer"] or "", answer["answer"], attempt=answer["attempt"])
    said = (outside or {}).get("answer", "no answer")
    able = said.startswith("through") or any(tag in control for tag in tags)
    absent = said in NOT_HERE
    result.control = "succeeds" if able else f"{said} (not in this kernel)" if absent else said
    if any(tag in arrived for tag in tags):
        result.why = f"it arrived; answered {answer['answer']}"
    elif answer["layer"] is None:
        result.why = f"answered {answer['answer']}"
    elif not able and not absent:
        result.why = f"without a session it does not succeed either: {said}"
    else:
        result.stopped = True
    return result
