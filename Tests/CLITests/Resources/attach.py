# SPDX-License-Identifier: Apache-2.0
"""Sessions in the background and terminals that attach to them: attach.py SCENARIO REMIT

Prints `ok`, or why not and the end of what each terminal showed."""
import fcntl
import glob
import json
import os
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import termios
import time

REMIT = sys.argv[2]
PATIENCE = 15 * int(os.environ.get("REMIT_TEST_PATIENCE") or 1)
DETACH = b"\x1cd"
terminals = []


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, *arguments, rows=24, columns=80):
        self.shown, self.seen, self.ended = b"", 0, None
        self.master, self.slave = pty.openpty()
        self.resize(rows, columns)
        self.before = termios.tcgetattr(self.slave)
        self.process = subprocess.Popen(
            [REMIT, *arguments], stdin=self.slave, stdout=self.slave, stderr=self.slave, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        self.name = " ".join(arguments[:3])
        terminals.append(self)

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, data):
        os.write(self.master, data if isinstance(data, bytes) else data.encode())

    def drain(self, wait=0.05):
        if not select.select([self.master], [], [], wait)[0]:
            return False
        self.shown += os.read(self.master, 65536)
        return True

    def expect(self, text):
        wanted, end = text.encode(), time.monotonic() + PATIENCE
        while (found := self.shown.find(wanted, self.seen)) < 0:
            over = self.process.poll() is not None
            if not self.drain() and over or time.monotonic() > end:
                raise AssertionError(f"`{self.name}` did not show `{text}`")
        self.seen = found + len(wanted)

    def end(self, code):
        end = time.monotonic() + PATIENCE
        while self.process.poll() is None:
            assert time.monotonic() < end, f"`{self.name}` did not end"
            self.drain()
        while self.drain():
            pass
        assert self.process.returncode == code, f"`{self.name}` ended with {self.process.returncode}, not {code}"

    def check_restored(self):
        assert termios.tcgetattr(self.slave) == self.before, f"`{self.name}` left its terminal in another mode"


def remit(*arguments):
    done = subprocess.run(
        [REMIT, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=4 * PATIENCE, check=False
    )
    return done.returncode, done.stdout, done.stderr


def start(*arguments):
    """A session in the background: its identifier."""
    code, output, errors = remit("run", "--detach", *arguments)
    assert code == 0 and re.fullmatch(r"[0-9a-z]{16}\n", output), (code, output, errors)
    return output.strip()


def state(session):
    listed = json.loads(remit("ps", "-a", "--format", "json")[1])
    return next(entry["state"] for entry in listed if entry["session"] == session)


def journal(session):
    path = f"{os.environ['REMIT_STATE_DIR']}/sessions/{session}/journal.jsonl"
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def records(session, kind):
    return [record["body"] for record in journal(session) if record["type"] == kind]


def control(session):
    return glob.glob(f"{os.environ['REMIT_RUNTIME_DIR']}/{session}/control.sock")[0]


def eventually(check):
    end = time.monotonic() + PATIENCE
    while not check():
        assert time.monotonic() < end, "it did not become so"
        time.sleep(0.05)


def expect_size(terminal, size):
    """Waits until the programs on a terminal see its size."""
    seen = terminal.seen
    end = time.monotonic() + PATIENCE
    while f":{size}".encode() not in terminal.shown[seen:]:
        assert time.monotonic() < end, f"`{terminal.name}` is not {size}"
        terminal.type("size\r")
        time.sleep(0.1)
        terminal.drain()


ECHO = "echo ready; while read line; do case $line in exit*) exit ${line#exit};; esac; echo got:$line:$(stty size); done"


def detach():
    """It goes on without a terminal, shows what it showed, takes the size of the next one, and its exit code arrives."""
    session = start("--tty", "--", "sh", "-c", ECHO)
    first = Terminal("attach", session, rows=30, columns=90)
    first.expect("ready")
    expect_size(first, "30 90")
    first.resize(31, 91)
    expect_size(first, "31 91")
    first.type("one\r")
    first.expect("got:one:31 91")
    first.type(DETACH)
    first.end(0)
    first.check_restored()
    first.expect(f"remit: detached from session {session}")
    assert state(session) == "running"
    second = Terminal("attach", session[:8], rows=40, columns=120)
    second.expect("got:one:31 91")
    expect_size(second, "40 120")
    second.type("exit 7\r")
    second.end(7)
    second.check_restored()
    assert state(session) == "ended"
    came, went = records(session, "terminal.attached"), records(session, "terminal.detached")
    assert [entry["pid"] for entry in came] == [first.process.pid, second.process.pid], came
    assert all(entry["uid"] == os.getuid() for entry in came) and went[0]["why"] == "it detached", went


def detachable():
    """Started on this terminal: the agent waits for it, sees its size at once, and outlives it."""
    terminal = Terminal("run", "--detachable", "--", "sh", "-c", f"stty size; {ECHO}", rows=33, columns=99)
    terminal.expect("33 99")
    terminal.expect("ready")
    terminal.type("one\r")
    terminal.expect("got:one:33 99")
    terminal.type(DETACH)
    terminal.end(0)
    terminal.check_restored()
    session = re.search(rb"session ([0-9a-z]{16})", terminal.shown).group(1).decode()
    assert state(session) == "running"
    again = Terminal("attach", "--detach-keys", "ctrl-p,ctrl-q", session)
    again.expect("got:one:33 99")
    expect_size(again, "24 80")
    again.type(b"\x10\x11")
    again.end(0)
    assert remit("kill", session)[0] == 0


def quit_at_once():
    """What ends before anybody could attach has shown what it wrote, and its exit code."""
    terminal = Terminal("run", "--detachable", "--", "sh", "-c", "echo hello; exit 5")
    terminal.end(5)
    terminal.expect("hello")
    terminal.check_restored()
    missing = Terminal("run", "--detachable", "--", "no-such-program")
    missing.end(127)
    missing.expect("cannot execute `no-such-program`")
    code, output, errors = remit("run", "--detach", "--", "no-such-program")
    assert (code, output) == (127, "") and "cannot execute" in errors, (code, output, errors)
    code, output, errors = remit("run", "--detach", "--profile", "none-such", "--", "true")
    assert (code, output) == (64, "") and "none-such" in errors, (code, output, errors)


def together():
    """One types, others look on; who steals takes over, and the other is told."""
    session = start("--tty", "--", "sh", "-c", ECHO)
    first = Terminal("attach", session)
    first.expect("ready")
    refused = Terminal("attach", session)
    refused.end(125)
    refused.expect(f"process {first.process.pid} of uid {os.getuid()} is attached already")
    viewer = Terminal("attach", "--read-only", session, rows=50, columns=50)
    viewer.expect("ready")
    viewer.type("exit 9\r")
    first.type("one\r")
    first.expect("got:one:")
    viewer.expect("got:one:")
    second = Terminal("attach", "--steal", session)
    second.expect("got:one")
    first.end(0)
    first.expect(f"process {second.process.pid} of uid {os.getuid()} took the terminal over")
    first.check_restored()
    viewer.type(DETACH)
    viewer.end(0)
    viewer.check_restored()
    other = Terminal("attach", "--read-only", session)
    other.expect("ready")
    other.type(b"\x03")
    other.end(130)
    second.type("exit 3\r")
    second.end(3)
    assert records(session, "terminal.attached")[2]["from"].startswith("process "), records(session, "terminal.attached")


def killed():
    """A client that is killed has detached; a terminal that goes away, too."""
    session = start("--tty", "--", "sh", "-c", ECHO)
    first = Terminal("attach", session)
    first.expect("ready")
    first.process.kill()
    first.process.wait()
    eventually(lambda: len(records(session, "terminal.detached")) == 1)
    second = Terminal("attach", session)
    second.expect("ready")
    os.close(second.slave)
    os.close(second.master)
    second.process.wait(PATIENCE)
    third = Terminal("attach", session)
    third.expect("ready")
    third.process.send_signal(signal.SIGTERM)
    third.end(143)
    third.check_restored()
    assert state(session) == "running"
    assert remit("kill", session)[0] == 0
    terminals.remove(second)


def stuck():
    """A client that does not read is let go; neither the agent nor its deadline waits for it."""
    session = start(
        "--tty", "--deadline", f"{4 * PATIENCE}s", "--", "sh", "-c",
        "echo ready; read line; head -c 4000000 /dev/zero | tr '\\0' x; echo; echo written; read line; exit 4",
    )
    first, viewer = Terminal("attach", session), Terminal("attach", "--read-only", session)
    first.expect("ready")
    viewer.expect("ready")
    viewer.process.send_signal(signal.SIGSTOP)
    first.type("go\r")
    first.expect("xxxxx")
    first.process.send_signal(signal.SIGSTOP)
    eventually(lambda: len(records(session, "terminal.detached")) == 2)
    why = [entry["why"] for entry in records(session, "terminal.detached")]
    assert why == ["it does not read what the agent writes"] * 2, why
    second = Terminal("attach", session)
    second.expect("written")
    second.type("\r")
    second.end(4)
    for terminal in (first, viewer):
        terminal.process.kill()


def garbage():
    """Whoever speaks nonsense on the control socket is let go, before and after it is attached."""
    session = start("--tty", "--", "sh", "-c", ECHO)

    def speak(*pieces):
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(PATIENCE)
        client.connect(control(session))
        answer = b""
        for number, piece in enumerate(pieces):
            if number:
                answer += client.recv(65536)  # to the one before
            try:
                client.sendall(piece)
            except OSError:
                break
        try:
            while data := client.recv(65536):
                answer += data
        except ConnectionError:
            pass
        return answer

    def request(body):
        return b"POST /attach HTTP/1.1\r\nhost: remit\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)

    good = request(b'{"rows":10,"columns":10}')
    assert speak(os.urandom(4096)).startswith(b"HTTP/1.1 400"), "noise"
    assert speak(request(b"nonsense")).startswith(b"HTTP/1.1 400"), "no JSON"
    assert speak(request(b'{"rows":-1,"columns":1}')).startswith(b"HTTP/1.1 400"), "no size"
    assert speak(request(b"{}")).startswith(b"HTTP/1.1 409"), "without a size"
    assert b" 405 " in speak(b"GET /attach HTTP/1.1\r\nhost: remit\r\n\r\n"), "GET"
    for noise in (b"\xff" * 100, b"\x01\xff\xff\xff\xff", b"\x04\0\0\0\x01x", b"GET / HTTP/1.1\r\n\r\n", os.urandom(70000)):
        answer = speak(good, noise)
        assert answer.startswith(b"HTTP/1.1 101 "), answer
    assert state(session) == "running"
    terminal = Terminal("attach", session)
    terminal.expect("ready")
    terminal.type("exit 0\r")
    terminal.end(0)


def ends():
    """Whatever ends the session ends the clients, and their terminals are as they were."""
    screen = "printf '\\033[?1049h\\033[?25l\\033[?1003h\\033[31mready'; "
    session = start("--tty", "--", "sh", "-c", screen + "read line; kill -9 $$")
    first = Terminal("attach", session)
    viewer = Terminal("attach", "--read-only", session)
    first.expect("\033[?1049h")
    viewer.expect("\033[?1049h")
    first.type("\r")
    for terminal in (first, viewer):
        terminal.end(137)
        terminal.check_restored()
        for reset in ("\033[?1003l", "\033[?25h", "\033[?1049l"):
            assert reset.encode() in terminal.shown, (reset, terminal.shown)
    session = start("--tty", "--", "sh", "-c", "echo ready; exec sleep 600")
    first = Terminal("attach", session)
    first.expect("ready")
    assert remit("kill", session)[0] == 0
    first.end(137)
    first.expect("ended: killed (remit kill)")
    session = start("--tty", "--", "sh", "-c", screen + "sleep 600")
    first = Terminal("attach", session)
    first.expect("\033[?1049h")
    supervisor = journal(session)[0]["body"]["supervisor"]["pid"]
    os.kill(supervisor, signal.SIGKILL)
    first.end(125)
    first.expect("is gone")
    first.check_restored()
    assert b"\033[?1049l" in first.shown


def unattachable():
    """What has no terminal in the background says so."""
    session = start("--", "sh", "-c", "echo in the log; exec sleep 600")
    terminal = Terminal("attach", session)
    terminal.end(125)
    terminal.expect("it has no terminal: what it writes is in `remit logs`")
    eventually(lambda: remit("logs", session)[1] == "in the log\n")
    assert remit("kill", session)[0] == 0
    over = Terminal("attach", session)
    over.end(125)
    over.expect("is not running (ended)")
    code, _, errors = remit("attach", session)
    assert code == 64 and "needs a terminal" in errors, (code, errors)
    front = Terminal("run", "--", "sh", "-c", "echo ready; read line")
    front.expect("ready")
    session = json.loads(remit("ps", "--format", "json")[1])[0]["session"]
    other = Terminal("attach", session)
    other.end(125)
    other.expect("it is on the terminal it was started on")
    front.type("\r")
    front.end(0)


def replay():
    """What was asked for and forbidden while nobody looked is not replayed, and is answered where that is harmless."""
    session = start(
        "--tty", "--", "sh", "-c",
        "stty raw -echo; printf '\\033[c'; head -c 9 >/tmp/answer; stty cooked echo;"
        "printf 'before\\033]52;c;ZXZpbA==\\007\\033[6n\\033[21tafter\\n'; read line; cat -v /tmp/answer; echo; read line",
    )
    eventually(lambda: "after" in remit("logs", session)[1])
    terminal = Terminal("attach", session)
    terminal.expect("beforeafter")
    assert b"\033]" not in terminal.shown and b"\033[6n" not in terminal.shown, terminal.shown
    terminal.type("\r")
    terminal.expect("^[[?62;22c")
    terminal.type("\r")
    terminal.end(0)


try:
    globals()[sys.argv[1]]()
    print("ok")
except Exception as error:  # pylint: disable=broad-except
    print(f"{type(error).__name__}: {error}")
    for terminal in terminals:
        print(f"`{terminal.name}` ({terminal.process.poll()}): {terminal.shown[-600:]!r}")
finally:
    for terminal in terminals:
        if terminal.process.poll() is None:
            terminal.process.kill()
    for entry in json.loads(remit("ps", "--format", "json")[1] or "[]"):
        remit("kill", "--now", entry["session"])
