# SPDX-License-Identifier: Apache-2.0
"""E62, E63, E65: what an agent can do to the terminal it is shown on, and launches with odd standard streams."""

import array
import fcntl
import os
import pty
import select
import subprocess
import termios
import time

from registry import Result, entry
from session import PATIENCE


def pending(descriptor):
    """How many bytes wait to be read from a terminal."""
    number = array.array("i", [0])
    fcntl.ioctl(descriptor, termios.FIONREAD, number)
    return number[0]


class Terminal:
    """A terminal with remit in it, seen as its owner sees it; `answer` plays the terminal's own answers."""

    def __init__(self, suite, words, answer=None, environment=None):
        self.master, self.other = pty.openpty()
        self.answer, self.shown = answer, b""
        # The other end stays open here: what is left unread when remit has gone is what a shell would be given.
        self.process = subprocess.Popen(
            words,
            stdin=self.other,
            stdout=self.other,
            stderr=self.other,
            start_new_session=False,
            env=environment or suite.place.environment,
            preexec_fn=self.take,
            cwd=suite.place.environment["BREAKOUT_SCRATCH"],
        )

    def take(self):
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def run(self, within=15):
        end = time.monotonic() + within * PATIENCE
        while self.process.poll() is None and time.monotonic() < end:
            self.read(0.02)
        if self.process.poll() is None:
            self.process.kill()
        while self.read(0.05 * PATIENCE):
            pass
        return self.process.wait()

    def read(self, wait):
        if not select.select([self.master], [], [], wait)[0]:
            return False
        data = os.read(self.master, 65536)
        self.shown += data
        if self.answer is not None and self.answer[0] in self.shown:
            os.write(self.master, self.answer[1])
            self.answer = None
        return True

    def typed(self):
        """What a shell on this terminal would now read as if it had been typed."""
        state = termios.tcgetattr(self.other)
        state[3] &= ~(termios.ICANON | termios.ECHO)
        state[6][termios.VMIN], state[6][termios.VTIME] = 0, 0
        termios.tcsetattr(self.other, termios.TCSANOW, state)
        return os.read(self.other, 4096) if pending(self.other) else b""

    def close(self):
        os.close(self.master)
        os.close(self.other)


@entry("E62", "type into the terminal that the session is shown on")
def input_unchanged(suite):
    script = (
        "import fcntl,os,termios\n"
        "for n in (0, 1, 2, os.open('/dev/tty', os.O_RDWR)):\n"
        "    for request in (termios.TIOCSTI, 0x541c, 0x12300005412):\n"
        "        try: fcntl.ioctl(n, request & 0xffffffff, b'x'); print('TYPED')\n"
        "        except OSError: pass\n"
        "print('tried')"
    )
    terminal = Terminal(suite, [suite.binary, "run", "--", "python3", "-c", script])
    status = terminal.run()
    typed = terminal.typed()
    terminal.close()
    fine = status == 0 and b"tried" in terminal.shown and b"TYPED" not in terminal.shown and typed == b""
    return Result(
        "E62.input-unchanged",
        fine,
        "seccomp",
        "the shell's input is unchanged",
        why=f"status {status}, typed {typed!r}, shown {terminal.shown[-200:]!r}",
    )


ESCAPES = (
    "\x1b]52;c;ZXZpbA==\x07",
    "\x1b]0;owned\x07",
    "\x1b[21t",
    "\x1bP$qm\x1b\\",
    "\x1b[6n",
    "\x1b[2J",
    "\x9b2J",
    "\x1bc",
    "\x1b[?1049h",
    "\b\b",
)


@entry("E63", "act on the terminal by what is written")
def escapes(suite):
    results = []
    # The terminal answers a report with a text of the agent's choice, as if it were typed.
    terminal = Terminal(
        suite,
        [suite.binary, "run", "--", "printf", "\\033]0;evil\\007\\033[21t"],
        answer=(b"\x1b[21t", b"\x1b]levil\x1b\\"),
    )
    status = terminal.run()
    typed = terminal.typed()
    terminal.close()
    results.append(
        Result(
            "E63.report",
            status == 0 and typed == b"",
            "terminal",
            "the answer reaches no shell",
            why=f"status {status}: the shell would read {typed!r}",
            attempt="have the terminal's answer to a report typed into the shell",
        )
    )
    # Later, from the log.
    text = "".join(ESCAPES) + "visible \x1b[31mred\x1b[0m\n"
    workspace = suite.place.workspace()
    with open(f"{workspace}/text", "w", encoding="utf-8") as file:
        file.write(text)
    ended = suite.place.run(["cat", "text"], workspace=workspace)
    terminal = Terminal(suite, [suite.binary, "logs", ended.session])
    terminal.run()
    terminal.close()
    rest = terminal.shown.replace(b"\x1b[31m", b"").replace(b"\x1b[0m", b"").replace(b"\r\n", b"\n")
    fine = b"visible" in rest and not any(byte < 32 and byte != 10 for byte in rest) and b"\xc2\x9b" not in rest
    results.append(
        Result(
            "E63.logs",
            fine,
            "terminal",
            "taken out of `remit logs` on a terminal; colours stay",
            why=repr(terminal.shown[-300:]),
            attempt="act on the terminal of who reads the log",
        )
    )
    # In what remit itself says about the session: names, commands, owners.
    name = "x\x1b]0;owned\x07\x9b2Jy"
    ended = suite.place.run(["sh", "-c", "exit 3", name], options=["--intent", name, "--owner", name])
    said = [ended.errors, suite.place.run([name]).errors]
    session = ended.session or next(iter(line["session"] for line in suite.place.listed()), None)
    for command in (["ps", "-a"], ["inspect", session], ["receipt", "show", session]):
        terminal = Terminal(suite, [suite.binary, *command])
        terminal.run()
        terminal.close()
        said.append(terminal.shown.decode(errors="replace").replace("\r\n", "\n"))
    wild = [text for text in said if any(ord(c) < 32 and c not in "\n\t" or 127 <= ord(c) < 160 for c in text)]
    results.append(
        Result(
            "E63.own-words",
            not wild,
            "terminal",
            "taken out of every message",
            why=repr(wild)[:600],
            attempt="act on the terminal through a name that remit prints",
        )
    )
    return results


@entry("E65", "be launched with streams that are closed, or something else")
def odd_streams(suite):
    results = []
    environment = suite.place.environment
    for name, line in {
        "no-input": "exec 0<&-",
        "no-output": "exec 1>&-",
        "no-errors": "exec 2>&-",
        "none": "exec 0<&- 1>&- 2>&-",
        "many": "exec 4</etc/passwd 5</ 6</tmp 7<>/dev/null 8</proc 9</dev",
    }.items():
        workspace = suite.place.workspace()
        inside = "ls -l /proc/self/fd > fds 2>/dev/null; echo done > done"
        done = subprocess.run(
            [
                "sh",
                "-c",
                f'{line}\nexec "$@"',
                "sh",
                suite.binary,
                "run",
                "--workspace",
                workspace,
                "--",
                "sh",
                "-c",
                inside,
            ],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=20 * PATIENCE,
        )
        try:
            with open(f"{workspace}/fds", encoding="utf-8") as file:
                # Its own listing is the one directory that ls(1) opens.
                shown = [line.split(" -> ") for line in file if " -> " in line]
        except OSError:
            shown = None
        refused = shown is None and done.returncode in (64, 125, 126)
        strange = [
            words
            for words in shown or []
            if int(words[0].split()[-1]) > 3
            or not words[1].startswith(("pipe:", "/dev/null", "/workspace/fds", "/proc/"))
        ]
        fine = refused or (shown is not None and done.returncode == 0 and not strange)
        results.append(
            Result(
                f"E65.{name}",
                fine,
                "namespaces",
                "refused" if refused else f"{len(shown or [])} descriptors inside",
                why=f"status {done.returncode}, {shown}, {done.stderr[-200:]}",
                attempt=f"be launched with odd streams: {name}",
            )
        )
    # An agent that shuffles its own before it executes a program.
    script = (
        "import os\nfor n in range(11):\n    os.dup2(1, n) if n != 1 else None\nfor n in (0, 1, 2): os.close(n)\n"
        "os.execv('./remit-probe', ['./remit-probe', '--act', 'threads'])"
    )
    ended = suite.place.run(["python3", "-c", script], workspace=suite.place.workspace(suite.probe))
    results.append(
        Result(
            "E65.shuffled",
            ended.exit in (0, 1),
            "namespaces",
            f"exit {ended.exit}",
            why=str(ended),
            attempt="shuffle its own descriptors and execute a program without streams",
        )
    )
    return results
