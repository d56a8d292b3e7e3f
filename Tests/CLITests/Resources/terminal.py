# SPDX-License-Identifier: Apache-2.0
"""Runs a command under a pseudo-terminal: terminal.py STEPS COMMAND…

STEPS is a JSON list: ["expect", TEXT], ["send", TEXT], ["resize", ROWS, COLUMNS], ["signal", NUMBER], ["pause", SECONDS].
Prints one JSON object: how the command ended, what the terminal showed, and whether its mode is what it was."""
import fcntl
import json
import os
import pty
import select
import signal
import struct
import sys
import termios
import time

steps = json.loads(sys.argv[1])
ready_read, ready_write = os.pipe()
master, other = pty.openpty()
child = os.fork()
if child == 0:
    os.setsid()
    fcntl.ioctl(other, termios.TIOCSCTTY, 0)
    for number in range(3):
        os.dup2(other, number)
    os.close(master)
    os.close(other)
    os.close(ready_write)
    os.read(ready_read, 1)
    os.close(ready_read)
    os.execvp(sys.argv[2], sys.argv[2:])


def resize(rows, columns):
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


os.close(ready_read)
# The other end stays open here as well: it keeps the terminal's mode readable after the command is gone.
resize(24, 80)
before = termios.tcgetattr(other)
os.write(ready_write, b"x")
os.close(ready_write)

shown = b""
seen = 0
deadline = time.monotonic() + 12 * int(os.environ.get("REMIT_TEST_PATIENCE") or 1)
ended = None


was_raw = False


def drain(wait):
    global shown, was_raw
    was_raw = was_raw or termios.tcgetattr(other)[3] & termios.ICANON == 0
    if not select.select([master], [], [], wait)[0]:
        return False
    shown += os.read(master, 65536)
    return True


def reap():
    global ended
    if ended is None:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid == child:
            ended = status
    return ended is not None


failed = None
for kind, *arguments in steps:
    if kind == "expect":
        while arguments[0].encode() not in shown[seen:]:
            drain(0.05)
            if time.monotonic() > deadline or reap():
                while drain(0.05):
                    pass
                if arguments[0].encode() not in shown[seen:]:
                    failed = "did not see " + arguments[0]
                break
        if failed:
            break
        seen = shown.index(arguments[0].encode(), seen) + len(arguments[0])
    elif kind == "send":
        os.write(master, arguments[0].encode())
    elif kind == "resize":
        resize(*arguments)
    elif kind == "signal":
        os.kill(child, arguments[0])
    elif kind == "pause":
        time.sleep(arguments[0])
while not reap() and time.monotonic() < deadline:
    drain(0.02)
while drain(0.05):
    pass
timed_out = ended is None
if timed_out:
    os.kill(child, signal.SIGKILL)
    ended = os.waitpid(child, 0)[1]
after = termios.tcgetattr(other)
print(json.dumps({
    "exit": os.WEXITSTATUS(ended) if os.WIFEXITED(ended) else None,
    "signal": os.WTERMSIG(ended) if os.WIFSIGNALED(ended) else None,
    "output": shown.decode(errors="replace"),
    "restored": before == after,
    "wasRaw": was_raw,
    "timedOut": timed_out,
    "failed": failed,
}))
