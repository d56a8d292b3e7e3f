# SPDX-License-Identifier: Apache-2.0
"""Running sessions as the checks need them, and how a check says what it found."""

import contextlib
import glob
import json
import os
import shutil
import subprocess
import tempfile
import time

# How many times slower than usual this machine is: what is waited for may take that much longer.
PATIENCE = int(os.environ.get("REMIT_TEST_PATIENCE") or 1)
CANARY = "POSTURE_CANARY_7f3a"
TASK = f"""\
apiVersion: remit/v1
kind: Task
name: posture
intent: Sleep in the session until the posture check is over
owner: posture@example.com
command: [sh, -c, "sleep 600; true"]
workspace: {{path: workspace, mode: write}}
deadline: {PATIENCE}m
credentials:
  - name: token
    provider: session-token
    scope: {{audience: "https://posture.example.com"}}
    ttl: {min(PATIENCE, 5)}m
outcome: {{changed: ["nothing"]}}
"""

failed = False


def check(name, problem):
    """Prints the outcome of a check: it holds unless there is a problem, a text."""
    global failed
    if problem:
        failed = True
        print(f"not ok {name}: {problem}", flush=True)
    else:
        print(f"ok {name}", flush=True)


def skip(name, reason):
    print(f"skip {name}: {reason}", flush=True)


def read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def children(pid):
    found = []
    for path in glob.glob("/proc/[0-9]*/stat"):
        with contextlib.suppress(OSError):
            text = read(path)
            if int(text.rpartition(")")[2].split()[1]) == pid:
                found.append(int(text.split()[0]))
    return found


def descendants(pid):
    found = []
    for child in children(pid):
        found += [child, *descendants(child)]
    return found


class Session:
    """A running session, and the processes that make it."""

    def __init__(self, binary, directory, options=(), command=None, terminal=False):
        """`options` of `remit run` for a command, or none for the task; `terminal` puts it on a pseudo-terminal."""
        self.binary, self.directory = binary, directory
        os.makedirs(f"{directory}/workspace")
        os.makedirs(f"{directory}/config")
        with open(f"{directory}/task.yaml", "w", encoding="utf-8") as file:
            file.write(TASK)
        self.environment = {
            **os.environ, "REMIT_STATE_DIR": f"{directory}/state", "REMIT_RUNTIME_DIR": f"{directory}/run",
            "REMIT_CONFIG_DIR": f"{directory}/config", CANARY: CANARY,
        }
        arguments = ["-f", f"{directory}/task.yaml"]
        if command is not None:
            arguments = ["--workspace", f"{directory}/workspace", *options, "--", *command]
        self.master = None
        how = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
        reader, writer = os.pipe()
        if terminal:
            self.master, other = os.openpty()
            how |= {"stdin": other, "stdout": other, "start_new_session": True}
        self.process = subprocess.Popen(
            [binary, "run", "--status-fd", str(writer), *arguments], env=self.environment, pass_fds=[writer], **how
        )
        os.close(writer)
        if terminal:
            os.close(other)
        self.events = os.fdopen(reader, encoding="utf-8")
        self.identifier, self.init = None, None
        for line in self.events:
            event = json.loads(line)
            if event["event"] == "admitted":
                self.identifier = event["session"]
            elif event["event"] == "launched":
                self.init = event["pid"]
            elif event["event"] == "started":
                break
        else:
            raise RuntimeError(f"the session did not start: {self.process.communicate()[1].strip()}")
        self.agent = self.wait_for_agent((command or ["sh"])[0])
        self.guards = [pid for pid in children(self.process.pid) if pid != self.init]

    def wait_for_agent(self, program):
        """The agent itself: the first process under init, once it has become the command."""
        for _ in range(500 * PATIENCE):
            for pid in children(self.init):
                with contextlib.suppress(OSError):
                    if read(f"/proc/{pid}/cmdline").startswith(f"{program}\0"):
                        return pid
            time.sleep(0.01)
        raise RuntimeError("there is no agent under init")

    def wait_for_file(self, name):
        """Waits until the agent has written a file into the workspace."""
        for _ in range(1000 * PATIENCE):
            if os.path.exists(f"{self.directory}/workspace/{name}"):
                return
            time.sleep(0.01)
        raise RuntimeError(f"the agent did not write `{name}`")

    def posture(self):
        """The exit status and the answer of `remit inspect --posture`."""
        done = subprocess.run(
            [self.binary, "inspect", "--posture", self.identifier, "--format", "json"], env=self.environment,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        )
        try:
            return done.returncode, json.loads(done.stdout)
        except ValueError:
            return done.returncode, {"items": [], "processes": [], "error": done.stderr.strip()}

    def differences(self):
        """What differs, as `item -> what was found`."""
        status, answer = self.posture()
        found = {
            f"{item['what']} of {item['process'] or 'session'}": f"{item['found']}, expected {item['expected']}"
            for item in answer["items"] if item["verdict"] == "differs"
        }
        if status not in (0, 1) or (status == 0) != (not found) or "error" in answer:
            found["inspect"] = f"exit {status} {answer.get('error', '')}"
        return found

    def end(self):
        """Kills it, and waits."""
        subprocess.run(
            [self.binary, "kill", "--now", self.identifier], env=self.environment, check=False, capture_output=True
        )
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=15 * PATIENCE)
        if self.process.poll() is None:
            self.process.kill()
        self.events.close()
        if self.process.stderr is not None:
            self.process.stderr.close()
        if self.master is not None:
            os.close(self.master)


@contextlib.contextmanager
def running(binary, *options, command=None, terminal=False):
    """A session with a directory of its own, ended at the end."""
    directory = tempfile.mkdtemp(prefix="remit-posture-", dir="/tmp")
    session = None
    try:
        session = Session(binary, directory, options, command, terminal)
        yield session
    finally:
        if session is not None:
            session.end()
        shutil.rmtree(directory, ignore_errors=True)
