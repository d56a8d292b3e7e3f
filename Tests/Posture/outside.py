# SPDX-License-Identifier: Apache-2.0
"""What of a session the product does not look at: its files, its environment, its secret, its supervisor, its end.
Its mounts are looked at once more, without the plan: a plan that asks for too little would compare well."""

import contextlib
import glob
import os
import re
import subprocess
import time

from session import CANARY, PATIENCE, check, descendants, read, skip


def check_mounts(session):
    mounts = []
    for line in read(f"/proc/{session.agent}/mountinfo").splitlines():
        left, _, right = line.partition(" - ")
        fields = left.split()
        mounts.append((fields[4], set(fields[5].split(",")), fields[6:], right.split()[0]))
    at = {target: options for target, options, _, _ in mounts}
    check("/ is read-only", None if "ro" in at["/"] else f"{at['/']}")
    check("/usr is read-only", None if "ro" in at["/usr"] else f"{at['/usr']}")
    bad = [target for target, options, _, _ in mounts if "nosuid" not in options]
    check("every mount is nosuid", f"{bad}" if bad else None)
    bad = [target for target, options, _, _ in mounts if "nodev" not in options and not target.startswith("/dev")]
    check("every mount but /dev is nodev", f"{bad}" if bad else None)
    bad = [f"{target} {tags}" for target, _, tags, _ in mounts if tags]
    check("no mount propagates to or from the host", f"{bad}" if bad else None)
    writable = {target for target, options, _, _ in mounts if "rw" in options}
    expected = re.compile(r"/(tmp|workspace|home/agent|dev(/.*)?|proc|run/remit/credentials)$")
    bad = sorted(target for target in writable if not expected.match(target))
    check("nothing else is writable", f"{bad}" if bad else None)
    root = f"/proc/{session.agent}/root"
    secrets = ["/etc/shadow", "/etc/gshadow", "/root", "/var/lib", "/boot", "/sys/kernel", "/home/root", "/run/systemd"]
    seen = [path for path in secrets if os.path.lexists(root + path)]
    check("the host's private places are not there", f"{seen}" if seen else None)
    seen = [path for path in ("sys", "sysrq-trigger", "kcore", "keys") if os.path.lexists(f"{root}/proc/{path}")]
    check("/proc shows processes only", f"{seen}" if seen else None)
    allowed = "null zero full random urandom tty pts ptmx shm fd stdin stdout stderr".split()
    extra = set(os.listdir(f"{root}/dev")) - set(allowed)
    check("/dev holds nothing unexpected", f"{sorted(extra)}" if extra else None)


def check_environment(session):
    leaked = CANARY in read(f"/proc/{session.agent}/environ")
    check("the caller's environment does not reach the agent", "its canary is there" if leaked else None)


def check_secret(session):
    held = f"/proc/{session.agent}/root/run/remit/credentials"
    path = f"{held}/token"
    mode = os.stat(path).st_mode & 0o7777
    check("the credential is 0400", None if mode == 0o400 else f"{mode:o}")
    secret = read(path).strip()
    check("the credential is a signed token", None if secret.count(".") == 2 else "it is not")
    tail = secret[-43:]
    holders = []
    for pid in [session.process.pid, *session.guards, session.init, session.agent]:
        for file in ("cmdline", "environ"):
            with contextlib.suppress(PermissionError, FileNotFoundError):
                if tail in read(f"/proc/{pid}/{file}"):
                    holders.append(f"{pid}/{file}")
    check("no command line or environment holds the credential", f"{holders}" if holders else None)
    files = []
    for parent, _, names in os.walk(f"{session.directory}/state"):
        for name in names:
            with contextlib.suppress(OSError), open(f"{parent}/{name}", "rb") as file:
                if tail.encode() in file.read():
                    files.append(name)
    check("no file of the session's state holds the credential", f"{files}" if files else None)
    loose = []
    for parent, directories, names in os.walk(f"{session.directory}/state"):
        for name in [*directories, *names]:
            entry = f"{parent}/{name}"
            if os.lstat(entry).st_mode & 0o022:
                loose.append(entry)
    check("no file of the state is writable by others", f"{loose}" if loose else None)


def check_supervisor(session):
    check("there is a guard", None if session.guards else "the supervisor has no other child than init")
    if os.geteuid() == 0:
        skip("the supervisor cannot be looked into by its own user", "root looks into everything")
        return
    try:
        with open(f"/proc/{session.process.pid}/mem", "rb"):
            problem = "/proc/PID/mem opens"
    except PermissionError:
        problem = None
    check("the supervisor cannot be looked into by its own user", problem)


def check_end(session, binary):
    everyone = [session.process.pid, *descendants(session.process.pid)]
    subprocess.run(
        [binary, "kill", "--now", session.identifier], env=session.environment, check=False, capture_output=True
    )
    try:
        session.process.wait(timeout=15 * PATIENCE)
    except subprocess.TimeoutExpired:
        check("`remit kill` ends the session", f"it still runs after {15 * PATIENCE} s")
        session.process.kill()
        return
    time.sleep(0.2 * PATIENCE)
    left = [pid for pid in everyone if os.path.exists(f"/proc/{pid}")]
    check("`remit kill` ends every process of the session", f"{left}" if left else None)
    left = glob.glob(f"{session.directory}/run/{session.identifier}/*")
    check("the control socket is gone", f"{left}" if left else None)
