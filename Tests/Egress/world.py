# SPDX-License-Identifier: Apache-2.0
"""What a check of the egress tier stands in: hosts, the authority that vouches for them, an operator, and sessions."""

import glob
import importlib.machinery
import json
import os
import secrets
import string
import subprocess
import threading
import time

import servers

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# The script is a module too: how programs are installed and bound into sessions is the same here.
programs = importlib.machinery.SourceFileLoader("programs", f"{ROOT}/scripts/programs").load_module()
Skip, Failure = programs.Skip, programs.Failure

OPENSSL = """\
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[host]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
"""


def require(*names):
    """The programs are there, where sessions have them too."""
    for name in names:
        if not os.access(f"/usr/bin/{name}", os.X_OK):
            raise Skip(f"no `{name}` in /usr/bin")


def make_key(beginning, count):
    return beginning + "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(count))


class World:
    """Hosts on a port of 127.0.0.1, and an operator whose sessions may be let to them."""

    def __init__(self, binary, directory, resolved=False, names=tuple(servers.NAMES)):
        """With `resolved` names are asked for at the host's resolver; otherwise the configuration has them."""
        self.binary, self.directory, self.names = binary, directory, names
        self.key, self.token = make_key("sk-ant-api03-", 64), make_key("ghp_", 36)
        self.authority, self.private = f"{directory}/authority.pem", f"{directory}/host-key.pem"
        self.certificate = f"{directory}/host.pem"
        self.make_certificates()
        self.repositories = f"{directory}/repositories"
        self.hosts = servers.Hosts(self.certificate, self.private, self.key, self.token, self.repositories)
        self.port = self.hosts.port
        # The key comes from the environment; the file is there for those who look for it.
        self.write("key", self.key)
        self.write("token", self.token)
        self.environment = {
            **os.environ, "REMIT_STATE_DIR": f"{directory}/state", "REMIT_RUNTIME_DIR": f"{directory}/run",
            "REMIT_CONFIG_DIR": f"{directory}/config", "MODEL_KEY": self.key,
        }
        os.makedirs(f"{directory}/config/profiles")
        self.network = {"authorities": [self.authority]}
        if not resolved:
            self.network["hosts"] = {name: ["127.0.0.1"] for name in names}
        model = {"host": servers.MODEL, "ports": [self.port]}
        self.configure({
            # One key, as two kinds of programs send it.
            "model": {
                "kind": "secret", "from": {"env": "MODEL_KEY"},
                "inject": [{**model, "header": "x-api-key"}, {**model, "header": "authorization"}],
            },
            "repository": {
                "kind": "secret", "from": {"file": f"{directory}/token"},
                "inject": {"host": servers.GIT, "ports": [self.port], "paths": ["/allowed.git/**"], "basic": True},
            },
        })

    def configure(self, providers):
        """Writes the operator's configuration."""
        self.write("config/config.yaml", json.dumps({
            "apiVersion": "remit/v1", "kind": "Configuration", "network": self.network, "providers": providers,
        }))

    def write(self, name, text):
        with open(f"{self.directory}/{name}", "w", encoding="utf-8") as file:
            file.write(text)
        return f"{self.directory}/{name}"

    def make_certificates(self):
        names = ",".join(f"DNS:{name}" for name in self.names)
        settings = self.write("openssl.cnf", f"{OPENSSL}subjectAltName = {names}\n")
        new = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc"]
        private = f"{self.directory}/authority-key.pem"
        for arguments in (
            ["-extensions", "authority", "-subj", "/CN=authority", "-keyout", private, "-out", self.authority],
            [
                "-extensions", "host", "-subj", "/CN=hosts", "-CA", self.authority, "-CAkey", private,
                "-keyout", self.private, "-out", self.certificate,
            ],
        ):
            done = subprocess.run([*new, "-config", settings, *arguments], capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise Skip(f"no certificates: {done.stderr.strip()[-300:]}")

    def rule(self, name, port=None, **more):
        """A rule for a TLS host of the world's, on the host's loopback, at a port that is not TLS's own."""
        return {
            "host": name, "ports": [port or self.port], "addresses": ["127.0.0.0/8"], "opaque": False, **more,
        }

    def url(self, name, path="/"):
        return f"https://{name}:{self.port}{path}"

    def session(self, script, rules, credentials=(), bind=None, environment=None, tripwire="block", files=None,
                **task):
        """A session of a shell script that may reach what the rules say; `task` is what its task has besides."""
        return Session(self, script, rules, list(credentials), bind, environment or {}, tripwire, files or {}, task)


class Session:
    """One session: a task that lets a script reach what its rules say."""

    def __init__(self, world, script, rules, credentials, bind, environment, tripwire, files, more):
        self.world, self.workspace = world, f"{world.directory}/workspace"
        os.makedirs(self.workspace, exist_ok=True)
        for name, text in {"ca.pem": open(world.authority, encoding="utf-8").read(), **files}.items():
            with open(f"{self.workspace}/{name}", "w", encoding="utf-8") as file:
                file.write(text)
        profile = "coding"
        if bind is not None:
            profiles = f"{world.directory}/config/profiles"
            os.rmdir(profiles)
            profile = programs.Session.extend(profile, profiles, bind)
        task = {
            "apiVersion": "remit/v1", "kind": "Task", "name": "reach-hosts", "owner": "tester@remit.example",
            "intent": "Reach what the task names and nothing else, and say so in `done`", "profile": profile,
            "command": ["sh", "-c", script], "workspace": {"path": self.workspace, "mode": "write"},
            "environment": environment, "deadline": "5m", "credentials": credentials,
            "network": {"allow": rules, "tripwire": tripwire}, "outcome": {"artifacts": ["done"]}, **more,
        }
        self.task = world.write("task.yaml", json.dumps(task))
        self.identifier, self.init, self.output, self.errors, self.status = None, None, "", "", None
        self.events = []

    def run(self, limit=120):
        """Runs it to its end. The events of the session are read meanwhile."""
        return self.start().finish(limit)

    def start(self, *prefix):
        """Starts it, by a program that makes the host another one where there is a prefix."""
        reader, writer = os.pipe()
        self.process = subprocess.Popen(
            [*prefix, self.world.binary, "run", "--no-tty", "--status-fd", str(writer), "-f", self.task],
            pass_fds=[writer], env=self.world.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, errors="replace",
        )
        os.close(writer)
        self.supervisor = self.process.pid
        self.follower = threading.Thread(target=self.follow, args=[reader])
        self.follower.start()
        return self

    def finish(self, limit=120):
        try:
            self.output, self.errors = self.process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            self.process.terminate()
            self.output, self.errors = self.process.communicate()
            raise Failure(f"it did not end within {limit} s: {self.said()}") from None
        finally:
            self.follower.join()
        self.status = self.process.returncode
        return self

    def wait_for(self, name, limit=60):
        """Waits until its agent has made a file of that name."""
        end = time.monotonic() + limit
        while not os.path.exists(f"{self.workspace}/{name}"):
            if time.monotonic() > end or self.process.poll() is not None:
                raise Failure(f"`{name}` was not made: {self.finish(5).said()}")
            time.sleep(0.01)

    def follow(self, reader):
        with os.fdopen(reader, encoding="utf-8") as stream:
            for line in stream:
                event = json.loads(line)
                self.events.append(event)
                if event["event"] == "admitted":
                    self.identifier = event["session"]
                elif event["event"] == "launched":
                    self.init = event["pid"]

    def said(self):
        return f"status {self.status}: {self.output.strip()[-1200:]} {self.errors.strip()[-1200:]}"

    def expect(self, *lines):
        """It completed, and printed these lines, and no others."""
        if self.status == 126:
            raise Skip(f"the session is refused here: {self.errors.strip().splitlines()[0]}")
        if self.status != 0:
            raise Failure(self.said())
        if lines and self.output.splitlines() != list(lines):
            raise Failure(f"it printed {self.output!r} instead of {lines}; {self.errors.strip()[-800:]}")
        return self

    def remit(self, *arguments):
        done = subprocess.run(
            [self.world.binary, *arguments], env=self.world.environment, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise Failure(f"remit {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def receipt(self):
        """The receipt's predicate, after it was verified."""
        self.remit("receipt", "verify", self.identifier)
        return json.loads(self.remit("receipt", "show", "--format", "json", self.identifier))["predicate"]

    def records(self):
        """What was decided about names, connections and requests."""
        text = self.remit("logs", "--egress", self.identifier, "--format", "json")
        return [json.loads(line) for line in text.splitlines()]

    def expect_denied(self, name, kind=None):
        for record in self.records():
            if record.get("name") == name and record["verdict"] == "deny" and kind in (None, record["kind"]):
                return record
        raise Failure(f"no denial of `{name}` is on record: {self.records()[-5:]}")

    def expect_only(self, *names):
        """No host but these got a request."""
        other = {request.host for request in self.world.hosts.seen} - set(names)
        if other:
            raise Failure(f"requests got to {sorted(other)}")

    def processes(self):
        """The sandbox's processes, and the gate's, while they run."""
        parents = {}
        for path in glob.glob("/proc/[0-9]*/stat"):
            try:
                with open(path, encoding="utf-8", errors="replace") as file:
                    text = file.read()
            except OSError:
                continue
            parents.setdefault(int(text.rpartition(")")[2].split()[1]), []).append(int(text.split()[0]))
        inside, waiting = [], [self.init]
        while waiting:
            process = waiting.pop()
            inside.append(process)
            waiting += parents.get(process, [])
        gates = [process for process in parents.get(self.supervisor, []) if "egress" in name_of(process)]
        return inside, gates


def name_of(process):
    try:
        with open(f"/proc/{process}/comm", encoding="utf-8") as file:
            return file.read().strip()
    except OSError:
        return ""
