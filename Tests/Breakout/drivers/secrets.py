# SPDX-License-Identifier: Apache-2.0
"""E82-E84: credentials: where they can be found, and what they are good for afterwards."""

import base64
import contextlib
import json
import os
import secrets as random
import subprocess
import threading
import time

import scripted
from registry import Result, entry
from session import PATIENCE, in_time

PROVIDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "CLITests", "Resources", "provider.py")
TOKEN = "{name: token, provider: session-token, scope: {audience: https://orders.example.com}, ttl: 1m%s}"
ORDERS = "{name: orders, provider: orders, scope: {tables: [orders], privileges: [SELECT]}, ttl: 1m%s}"

# Copies what it holds where the driver finds it, prints all of it, leaves a core-shaped trace of nothing, and waits.
HOLD = """
def held(name):
    path = os.environ["REMIT_CREDENTIALS"] + "/" + name
    return open(path).read() if os.path.exists(path) else os.environ["THE_" + name.upper()]
for name in ("token", "orders"):
    print(held(name), file=sys.stderr, flush=True)
    print("begin", held(name), "end", flush=True)
    for character in held(name):
        sys.stdout.write(character)
        sys.stdout.flush()
write("report.json", b"{}")
# The driver takes the copy away before it looks for more of them.
for name in ("token", "orders"):
    write("held-" + name + ".part", held(name).encode())
    os.rename("held-" + name + ".part", "held-" + name)
wait_for("go", 20)
"""


class Credentials:
    """An installation with a provider whose credentials are files in a directory."""

    def __init__(self, suite, name):
        self.suite = suite
        self.place = suite.installation(name)
        self.secret = f"S3cret-{random.token_hex(12)}"
        self.store = f"{self.place.base}/store"
        os.makedirs(self.store)
        settings = {"store": self.store, "log": f"{self.place.base}/provider.log", "secret": self.secret, "marker": "0"}
        with open(f"{self.place.base}/config/config.yaml", "w", encoding="utf-8") as file:
            file.write(f"""apiVersion: remit/v1
kind: Configuration
providers:
  orders:
    kind: command
    command: [/usr/bin/python3, {json.dumps(os.path.abspath(PROVIDER))}]
    settings: {json.dumps(settings)}
    timeLimit: {in_time(5)}
    maximumTTL: 5m
""")

    def start(self, name, script=HOLD, exposure=False, deadline=30, ttl=f"{min(PATIENCE, 5)}m"):
        """Starts a session that holds both credentials: the session, and its workspace."""
        workspace = self.place.workspace()
        extra = [", expose: env, variable: THE_TOKEN", ", expose: env, variable: THE_ORDERS"] if exposure else ["", ""]
        asked = f"[{TOKEN % extra[0]}, {ORDERS % extra[1]}]".replace("ttl: 1m", f"ttl: {ttl}")
        path = scripted.task(self.suite, self.place, name, script, f"credentials: {asked}",
                             "outcome: {artifacts: [report.json]}", workspace=workspace, deadline=deadline)
        return scripted.start_task(self.place, path), workspace

    def take(self, running, workspace):
        """What the agent holds; the copies are removed."""
        if not running.wait_for(lambda: os.path.exists(f"{workspace}/held-orders")):
            raise RuntimeError(f"the agent got no credentials: {running.end(1)}")
        found = {}
        for name in ("token", "orders"):
            with open(f"{workspace}/held-{name}", encoding="ascii") as file:
                found[name] = file.read().strip()
            os.unlink(f"{workspace}/held-{name}")
        return found

    def release(self, workspace):
        with open(f"{workspace}/go", "w", encoding="ascii"):
            pass

    def is_active(self, token, *arguments):
        return self.place.remit("token", "introspect", *arguments, token).returncode == 0


def files_with(directories, needles):
    """Every file beneath these directories that contains one of the needles."""
    found = []
    for directory in directories:
        for base, _, names in os.walk(directory):
            for name in names:
                path = os.path.join(base, name)
                with contextlib.suppress(OSError):
                    if os.path.islink(path) or not os.path.isfile(path):
                        continue
                    with open(path, "rb") as file:
                        data = file.read(8 << 20)
                    if any(needle in data for needle in needles):
                        found.append(path)
                        continue
                with contextlib.suppress(OSError):
                    if any(needle in os.getxattr(path, key) for key in os.listxattr(path) for needle in needles):
                        found.append(path + " (attribute)")
    return found


def processes_with(needles, names=("cmdline", "environ", "auxv", "comm", "status", "cgroup", "mountinfo")):
    """Every readable file of every process that contains one of the needles, as (pid, file)."""
    found = []
    for process in filter(str.isdigit, os.listdir("/proc")):
        for name in names:
            with contextlib.suppress(OSError):
                with open(f"/proc/{process}/{name}", "rb") as file:
                    if any(needle in file.read(1 << 20) for needle in needles):
                        found.append((int(process), name))
    return found


def group_of(process):
    """The control groups of a process, as directories."""
    directories = []
    with contextlib.suppress(OSError):
        with open(f"/proc/{process}/cgroup", encoding="ascii") as file:
            for line in file:
                _, controllers, path = line.strip().split(":", 2)
                name = {"": "unified"}.get(controllers, controllers)
                directories += [d for d in (f"/sys/fs/cgroup/{name}{path}", f"/sys/fs/cgroup{path}") if "remit" in d]
    return directories


@entry("E82", "find a credential anywhere but where it was delivered")
def artefacts(suite):
    results = []
    for exposure in (False, True):
        kind = "environment" if exposure else "file"
        holder = Credentials(suite, f"secrets-{kind}")
        running, workspace = holder.start(f"hold-{kind}", exposure=exposure)
        held = holder.take(running, workspace)
        # The signature tells a token from everything else, in whatever form the rest is kept.
        needles = [held["token"].rsplit(".", 1)[1].encode(), holder.secret.encode()]
        needles += [base64.b64encode(needles[1])[:20], needles[1].hex().encode()]
        init = next(event["pid"] for event in running.events() if event["event"] == "launched")
        base = holder.place.base
        # The store's file names are handles; the configuration holds the provider's own secret, as it must.
        where = [f"{base}/{name}" for name in ("state", "run", "home", "works")]
        live = files_with(where + group_of(init), needles)
        processes = processes_with(needles)
        # The copy that a control run makes shows that the search finds what there is.
        with open(f"{base}/works/planted", "wb") as file:
            file.write(b"x" * 100 + needles[1] + b"x")
        able = f"{base}/works/planted" in files_with(where, needles)
        os.unlink(f"{base}/works/planted")
        holder.release(workspace)
        ended = running.end()
        logs = holder.place.remit("logs", ended.session)
        complete = logs.returncode == 0 and "begin" in logs.stdout
        texts = {name: holder.place.remit(*words, ended.session) for name, words in {
            "inspect": ("inspect",), "receipt": ("receipt", "show"), "journal": ("journal", "show")}.items()}
        complete = complete and all(done.returncode == 0 and ended.session in done.stdout for done in texts.values())
        after = files_with(where, needles)
        inner = [found for found in processes if found[1] == "environ"] if exposure else []
        checks = {
            "live-files": (live, "state, runtime, workspace, home and control groups while it runs"),
            "processes": ([found for found in processes if found not in inner],
                          "arguments, environment and status of every process"),
            "files": (after, "state, runtime, workspace and home afterwards"),
            "logs": ([n for n in needles if n.decode() in logs.stdout + logs.stderr],
                     "captured output, after the agent printed it whole and in pieces"),
            "reports": ([name for name, done in texts.items()
                         if any(n.decode() in done.stdout + done.stderr for n in needles)],
                        "inspect, receipt and journal"),
            "events": ([event for event in ended.events if any(n.decode() in json.dumps(event) for n in needles)],
                       "events"),
        }
        genuine = len(held["token"]) > 100 and held["orders"].startswith(holder.secret)
        honest = able and complete and genuine and ended.exit == 0
        for name, (found, what) in checks.items():
            results.append(Result(f"E82.{kind}-{name}", honest and not found, "guard",
                                  "not found" if not found else str(found), "found where it is planted",
                                  f"find a credential in {what}", f"{found}; {held['token'][:9]}; {ended}"))
        if exposure:
            results.append(Result("E82.environment-told", bool(inner) and all(
                lease["exposure"] == "agent-held" for lease in holder.place.receipt(ended.session)["leases"]), "guard",
                "only in the agent's own environment, and the receipt says agent-held", "",
                "hold a credential in the environment unsaid",
                str(processes)))
    return results


@entry("E83", "use a credential after its session, from a survivor, or from another session")
def afterwards(suite):
    results = []
    holder = Credentials(suite, "afterwards")
    survivor = HOLD.replace('wait_for("go", 20)', """
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for number in range(1, 65):
            try:
                import signal
                signal.signal(number, signal.SIG_IGN)
            except (OSError, ValueError):
                pass
        while True:
            write("alive", str(time.time()).encode())
            time.sleep(0.01)
wait_for("go", 20)
""")
    for how in ("completed", "killed", "deadline", "supervisor-killed"):
        running, workspace = holder.start(how, survivor, deadline=6 if how == "deadline" else 30)
        held = holder.take(running, workspace)
        before = holder.is_active(held["token"]) and len(os.listdir(holder.store)) == 1
        running.wait_for(lambda: os.path.exists(f"{workspace}/alive"))
        if how == "completed":
            holder.release(workspace)
        elif how == "killed":
            running.kill(15)
        elif how == "supervisor-killed":
            running.kill(9)
        begun = time.monotonic()
        ended = running.end()
        # Nobody waits for a guard; the target after a lost supervisor is five seconds.
        while os.listdir(holder.store) and time.monotonic() < begun + 10 * PATIENCE:
            time.sleep(0.005)
        took = (time.monotonic() - begun) * 1000
        gone = not os.listdir(holder.store)
        rejected = not holder.is_active(held["token"])
        with open(f"{workspace}/alive", encoding="ascii") as file:
            last = file.read()
        time.sleep(0.1 * PATIENCE)
        with open(f"{workspace}/alive", encoding="ascii") as file:
            still = file.read() != last
        limit = (11000 if how in ("deadline", "supervisor-killed") else 5000) * PATIENCE
        results.append(Result(
            f"E83.{how}", before and gone and rejected and not still and took < limit, "guard",
            f"token rejected, provider's credential revoked, no survivor, {took:.0f} ms",
            "active while the session runs",
            f"use both credentials from a survivor after the session has {'ended: ' + how}",
            f"before {before}, gone {gone}, rejected {rejected}, survivor {still}, {took:.0f} ms: {ended}"))
    first, one = holder.start("first")
    held = holder.take(first, one)
    second, other = holder.start("second")
    holder.take(second, other)
    names = [next(event["session"] for event in running.events() if "session" in event) for running in (first, second)]
    own, foreign = (holder.is_active(held["token"], "--session", name) for name in names)
    for running, workspace in ((first, one), (second, other)):
        holder.release(workspace)
        running.end()
    results.append(Result("E83.another-session", own and not foreign, "guard", "rejected", "active in its own",
                          "use a session's token as another session's", f"own {own}, other {foreign}"))
    return results


@entry("E84", "make more of a token than was issued")
def escalation(suite):
    holder = Credentials(suite, "escalation")
    running, workspace = holder.start("escalate")
    held = holder.take(running, workspace)
    session = next(event["session"] for event in running.events() if "session" in event)
    head, body, signature = held["token"].split(".")

    def decode(part):
        return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))

    def encode(value):
        return base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).rstrip(b"=").decode()
    claims, header = decode(body), decode(head)
    forged = {
        "audience": f"{head}.{encode({**claims, 'aud': 'https://admin.example.com'})}.{signature}",
        "lifetime": f"{head}.{encode({**claims, 'exp': claims['exp'] + 86400})}.{signature}",
        "subject": f"{head}.{encode({**claims, 'sub': claims['sub'] + 'x'})}.{signature}",
        "identifier": f"{head}.{encode({**claims, 'jti': 'x'})}.{signature}",
        "no-algorithm": f"{encode({**header, 'alg': 'none'})}.{body}.",
        "no-signature": f"{head}.{body}.",
        "another-algorithm": f"{encode({**header, 'alg': 'HS256'})}.{body}.{signature}",
        "another-key": f"{encode({**header, 'kid': '../../../../dev/null'})}.{body}.{signature}",
        "same-again": f"{head}.{body}.{signature}{signature}",
    }
    able = holder.is_active(held["token"])
    results = []
    for name, token in forged.items():
        accepted = [where for where, arguments in (("by number", ("--session", session)), ("alone", ()))
                    if holder.is_active(token, *arguments)]
        results.append(Result(f"E84.{name}", able and not accepted, "guard", "rejected", "the genuine one is active",
                              f"present a token with {name.replace('-', ' ')} changed",
                              f"accepted {accepted}, genuine {able}"))
    holder.release(workspace)
    running.end()
    results.append(expiry(holder))
    look = """
say("sockets", os.listdir("/run/remit/sockets"))
say("variables", sorted(name for name in os.environ if name.startswith("REMIT_")))
"""
    found, ended = scripted.inside(holder.suite, look)
    none = found == {"sockets": [], "variables": ["REMIT_CREDENTIALS", "REMIT_SESSION"]}
    results.append(Result("E84.no-broker", none, "namespaces",
                          "no network, no broker: no socket inside that acts for the agent; "
                          "with one see Tests/Egress/RESULTS.md", "",
                          "have a broker do what was not granted", f"{found}: {ended}"))
    return results


def expiry(holder):
    """Asks for a token all the time while it is renewed: it must never count beyond its own end."""
    running, workspace = holder.start("expire", ttl=in_time(4))
    token = holder.take(running, workspace)["token"]
    body = token.split(".")[1]
    end = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))["exp"]
    late, asked = [], []

    def ask():
        while time.time() < end + 0.7 or not asked:
            begun = time.time()
            active = holder.is_active(token)
            asked.append(active)
            # What was asked before the end may be answered after it.
            if active and begun > end:
                late.append(begun - end)
    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    holder.release(workspace)
    running.end()
    return Result("E84.expiry", not late and bool(asked), "guard",
                  f"{len(asked)} questions, never active after its end", f"{asked.count(True)} times active before",
                  "use a token in the moment it expires", f"active {late[:3]} s after its end")
