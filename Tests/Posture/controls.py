# SPDX-License-Identifier: Apache-2.0
"""Sessions that are changed from outside while they run: the product has to find each change."""

import array
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

from session import PATIENCE, check, running, skip

PYTHON = "/usr/bin/python3"
SLEEP = ["sleep", "600"]


def control(name, session, expected, before):
    """Every expected item differs now, and none did before."""
    found = session.differences()
    missing = [what for what in expected if not any(key.startswith(f"{what} of ") for key in found)]
    problem = f"{missing} not found among {sorted(found)}" if missing else f"before it: {before}" if before else None
    check(f"control: {name} is found", problem)


def control_stranger(binary):
    """Root can enter any of its namespaces; its own user the innermost user namespace and nothing that it owns."""
    is_root = os.geteuid() == 0
    where = ["-p"] if is_root else ["-U", "--preserve-credentials"]
    with running(binary, command=SLEEP) as session:
        before = session.differences()
        stranger = subprocess.Popen(
            ["nsenter", "-t", str(session.agent), *where, "sleep", "600"], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            for _ in range(500 * PATIENCE):
                if session.differences():
                    break
                time.sleep(0.01)
            expected = ["origin", "no_new_privs", "seccomp", "seccomp filters", "namespace mnt", "namespace net",
                        "namespace ipc", "namespace uts", "namespace cgroup", "mount /", "mount /usr", "descriptor 0",
                        "capabilities", "limit: core file size"]
            expected += ["uid", "gid", "namespace user"] if is_root else ["namespace pid"]
            control("a process put into the session", session, expected, before)
        finally:
            stranger.kill()
            stranger.wait()


TRACE = """
import ctypes, sys, time
# PTRACE_SEIZE: it goes on running.
sys.exit(1) if ctypes.CDLL(None).ptrace(0x4206, int(sys.argv[1]), None, None) != 0 else print("ready", flush=True)
time.sleep(600)
"""


def control_tracer(binary):
    with running(binary, command=SLEEP) as session:
        before = session.differences()
        # A process of its own: a tracee that its tracer does not collect would never be gone.
        tracer = subprocess.Popen(
            [sys.executable, "-c", TRACE, str(session.agent)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True)
        try:
            if tracer.stdout.readline() == "ready\n":
                control("a tracer", session, ["tracer"], before)
            else:
                skip("control: a tracer is found", "this user may trace nothing")
        finally:
            tracer.kill()
            tracer.wait()
            tracer.stdout.close()


class Host:
    """A service of the host's that an operator let in, and that hands out what it should not."""

    def __init__(self, path):
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        os.chmod(path, 0o666)
        self.listener.listen(1)
        self.secret = tempfile.TemporaryFile(dir="/tmp")
        self.network = socket.socket()
        self.process = os.pidfd_open(os.getpid())

    def give(self):
        stream, _ = self.listener.accept()
        descriptors = array.array("i", [self.secret.fileno(), self.network.fileno(), self.process])
        stream.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptors)])
        stream.close()

    def close(self):
        self.listener.close()
        self.secret.close()
        self.network.close()
        os.close(self.process)


TAKE = """
import array, socket, time
stream = socket.socket(socket.AF_UNIX)
while stream.connect_ex("/workspace/service") != 0:
    time.sleep(0.01)
_, ancillary, _, _ = stream.recvmsg(1, socket.CMSG_SPACE(64))
stream.close()
open("/workspace/taken", "w").close()
time.sleep(600)
"""


def control_descriptors(binary):
    """A socket in the workspace leads out; what comes back through it is not the session's."""
    with running(binary, command=[PYTHON, "-c", TAKE]) as session:
        host = Host(f"{session.directory}/workspace/service")
        try:
            before = session.differences()
            host.listener.settimeout(10 * PATIENCE)
            host.give()
            session.wait_for_file("taken")
            found = [text for key, text in session.differences().items() if key.startswith("descriptor ")]
            wanted = [
                "of a mount that is not the session's", "of another network namespace", "of a process of the host"]
            missing = [text for text in wanted if not any(text in line for line in found)]
            problem = f"{missing} not found among {found}" if missing else f"before it: {before}" if before else None
            check("control: a file, a socket and a process of the host's are found", problem)
        finally:
            host.close()


def control_as_root(binary):
    """What only root can change from outside."""
    names = {
        "limit": "a limit that was raised", "mount": "a mount that was made writable", "route": "a route",
        "group": "a process outside of the control group", "processes": "a limit of the control group that was lifted",
    }
    if os.geteuid() != 0:
        for name in names.values():
            skip(f"control: {name} is found", "only root can change that")
        return
    with running(binary, "--processes", "40", command=SLEEP) as session:
        before = session.differences()
        enter = ["nsenter", "-t", str(session.agent)]
        raised = subprocess.run(
            ["prlimit", "--pid", str(session.agent), "--nofile=9999:9999"], capture_output=True, text=True, check=False)
        if raised.returncode == 0:
            control(names["limit"], session, ["limit: open files"], before)
        else:
            skip(f"control: {names['limit']} is found", raised.stderr.strip())
        subprocess.run([*enter, "-m", "mount", "-o", "remount,bind,rw", "/usr"], check=True)
        control(names["mount"], session, ["mount /usr"], before)
        if shutil.which("ip") is None:
            skip(f"control: {names['route']} is found", "there is no ip(8)")
        else:
            subprocess.run([*enter, "-n", "ip", "route", "add", "10.99.0.0/16", "dev", "lo"], check=True)
            control(names["route"], session, ["routes"], before)
        group = session.posture()[1]["expected"]["cgroup"]
        if group is None:
            for name in ("group", "processes"):
                skip(f"control: {names[name]} is found", "this host has no control group for a session")
            return
        with open(f"{group['controllers'].get('pids', group['path'])}/pids.max", "w", encoding="ascii") as file:
            file.write("max")
        control(names["processes"], session, ["limit processes"], before)
        # A sibling: in version 2 only a group without children that are limited takes processes.
        elsewhere = f"{os.path.dirname(group['path'])}/elsewhere"
        os.mkdir(elsewhere)
        with open(f"{elsewhere}/cgroup.procs", "w", encoding="ascii") as file:
            file.write(str(session.agent))
        control(names["group"], session, ["control group"], before)
        with open(f"{group['path']}/cgroup.procs", "w", encoding="ascii") as file:
            file.write(str(session.agent))
        os.rmdir(elsewhere)
