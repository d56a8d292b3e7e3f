# SPDX-License-Identifier: Apache-2.0
"""Sessions of remit as a driver runs them: an installation of its own, a workspace, events, and an end."""

import contextlib
import fcntl
import json
import os
import pty
import select
import shutil
import signal
import subprocess
import tempfile
import termios
import time


# How many times slower than usual this machine is: what is waited for may take that much longer.
PATIENCE = int(os.environ.get("REMIT_TEST_PATIENCE") or 1)


def in_time(seconds):
    """A time limit of a session or a task, as an option or a file has it, on a machine as slow as this one."""
    return f"{int(seconds * 1000) * PATIENCE}ms"


class Ended:
    """A session that has ended: exit status, what it wrote, its events."""

    def __init__(self, exit_status, output, errors, events):
        self.exit, self.output, self.errors, self.events = exit_status, output, errors, events

    @property
    def session(self):
        return next((event["session"] for event in self.events if "session" in event), None)

    @property
    def reason(self):
        return next((event.get("reason") for event in self.events if event["event"] == "ending"), None)

    def objects(self):
        """Every line of the output that is a JSON object."""
        found = []
        for line in self.output.splitlines():
            with contextlib.suppress(ValueError):
                value = json.loads(line)
                if isinstance(value, dict):
                    found.append(value)
        return found

    def __str__(self):
        return f"exit {self.exit}, output {self.output[-300:]!r}, errors {self.errors[-300:]!r}"


class Running:
    """A session under way; `end` waits for it."""

    def __init__(self, command, environment, terminal, stdin, before_exec=None, prefix=()):
        self.directory = tempfile.mkdtemp(prefix="run-", dir=environment["BREAKOUT_SCRATCH"])
        self.status_path = f"{self.directory}/status"
        self.error_path = f"{self.directory}/errors"
        self.output_path = f"{self.directory}/output"
        status = os.open(self.status_path, os.O_CREAT | os.O_WRONLY, 0o600)
        self.shown = b""
        self.master = None
        how = {"env": environment, "pass_fds": [status], "cwd": environment["BREAKOUT_SCRATCH"]}
        command = [*prefix, *command[:2], "--status-fd", str(status), *command[2:]]
        if terminal:
            self.master, other = pty.openpty()

            def own_terminal():
                os.setsid()
                fcntl.ioctl(0, termios.TIOCSCTTY, 0)
                if before_exec is not None:
                    before_exec()

            self.process = subprocess.Popen(
                command, stdin=other, stdout=other, stderr=other, preexec_fn=own_terminal, **how
            )
            os.close(other)
        else:
            with open(self.output_path, "wb") as output, open(self.error_path, "wb") as errors:
                self.process = subprocess.Popen(
                    command,
                    stdin=stdin if stdin is not None else subprocess.DEVNULL,
                    stdout=output,
                    stderr=errors,
                    preexec_fn=before_exec,
                    **how,
                )
        os.close(status)

    @property
    def pid(self):
        return self.process.pid

    def events(self):
        found = []
        with open(self.status_path, encoding="utf-8") as file:
            for line in file:
                with contextlib.suppress(ValueError):
                    found.append(json.loads(line))
        return found

    def pump(self, wait):
        """Reads the terminal, if there is one, or sleeps."""
        if self.master is None:
            time.sleep(wait)
            return
        if select.select([self.master], [], [], wait)[0]:
            with contextlib.suppress(OSError):
                self.shown += os.read(self.master, 65536)
                return
            time.sleep(wait)

    def wait_for(self, what, within=10.0):
        """Waits for an event by name, or for a condition; whether it came before the session's end."""
        condition = what if callable(what) else lambda: any(event["event"] == what for event in self.events())
        end = time.monotonic() + within * PATIENCE
        while time.monotonic() < end:
            if condition():
                return True
            if self.process.poll() is not None:
                return condition()
            self.pump(0.002)
        return condition()

    def output(self):
        """What the agent has written so far."""
        if self.master is not None:
            self.pump(0)
            return self.shown.decode(errors="replace").replace("\r\n", "\n")
        with open(self.output_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def kill(self, number=signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)

    def end(self, within=20.0):
        """Waits for the end; a session that takes longer is killed, which its exit status then shows."""
        end = time.monotonic() + within * PATIENCE
        while self.process.poll() is None:
            if time.monotonic() > end:
                self.kill()
                self.process.wait()
                break
            self.pump(0.005)
        output = self.output()
        if self.master is not None:
            while select.select([self.master], [], [], 0.02 * PATIENCE)[0]:
                try:
                    self.shown += os.read(self.master, 65536)
                except OSError:
                    break
            output = self.shown.decode(errors="replace").replace("\r\n", "\n")
            os.close(self.master)
            errors = output
        else:
            with open(self.error_path, encoding="utf-8", errors="replace") as file:
                errors = file.read()
        ended = Ended(self.process.returncode, output, errors, self.events())
        shutil.rmtree(self.directory, ignore_errors=True)
        return ended


class Installation:
    """Everything one remit needs, in a directory of its own: state, runtime, configuration, workspaces."""

    def __init__(self, binary, base, name="main"):
        self.binary = binary
        self.base = f"{base}/{name}"
        self.count = 0
        for directory in ("state", "run", "config/profiles", "home", "scratch", "works"):
            os.makedirs(f"{self.base}/{directory}", exist_ok=True)
        with open(f"{self.base}/config/config.yaml", "w", encoding="ascii") as file:
            file.write("apiVersion: remit/v1\nkind: Configuration\n")
        self.environment = {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": f"{self.base}/home",
            "TERM": "dumb",
            "REMIT_STATE_DIR": f"{self.base}/state",
            "REMIT_RUNTIME_DIR": f"{self.base}/run",
            "REMIT_CONFIG": f"{self.base}/config/config.yaml",
            "REMIT_CONFIG_DIR": f"{self.base}/config",
            "BREAKOUT_SCRATCH": f"{self.base}/scratch",
        }
        for name in ("XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS"):
            if name in os.environ:
                self.environment[name] = os.environ[name]

    def workspace(self, *files):
        """A new workspace with copies of these files."""
        self.count += 1
        path = f"{self.base}/works/{self.count}"
        os.makedirs(path)
        for file in files:
            shutil.copy2(file, path)
        return path

    def start(
        self,
        command,
        options=(),
        workspace=None,
        variables=None,
        terminal=False,
        stdin=None,
        before_exec=None,
        prefix=(),
    ):
        """Starts a session of `command` (a list of words); `prefix` is a program that starts remit."""
        words = [self.binary, "run", *options]
        if workspace is not None:
            words += ["--workspace", workspace]
        for name, value in (variables or {}).items():
            words += ["--env", f"{name}={value}"]
        words += ["--", *command]
        return Running(words, self.environment, terminal, stdin, before_exec, prefix)

    def run(self, command, within=20.0, **how):
        """Runs a session of `command` to its end."""
        return self.start(command, **how).end(within)

    def remit(self, *arguments, within=30.0):
        """Another command of remit: its completed process, as text."""
        return subprocess.run(
            [self.binary, *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=within * PATIENCE,
            check=False,
            cwd=self.environment["BREAKOUT_SCRATCH"],
        )

    def receipt(self, session):
        """The predicate of a session's receipt."""
        done = self.remit("receipt", "show", session, "--format", "json")
        return json.loads(done.stdout)["predicate"]

    def listed(self):
        """Every session of `remit ps -a`."""
        return json.loads(self.remit("ps", "-a", "--format", "json").stdout)
