# SPDX-License-Identifier: Apache-2.0
"""E20, E55, E64: descriptors that pass through a socket in the workspace, in either direction, with an accomplice."""

import array
import contextlib
import ctypes
import errno
import os
import socket
import threading

from registry import Result, entry
from session import PATIENCE


class Accomplice:
    """A listener in the workspace that hands a descriptor to everyone who comes, or keeps what it is given."""

    def __init__(self, workspace, descriptor=None):
        self.descriptor = descriptor
        self.received = []
        self.refusal = None  # why the kernel does not pass it
        self.listener = socket.socket(socket.AF_UNIX)
        # A path relative to the workspace, for socket addresses are short.
        directory = os.open(workspace, os.O_PATH)
        self.listener.bind(f"/proc/self/fd/{directory}/door")
        os.close(directory)
        os.chmod(f"{workspace}/door", 0o777)
        self.listener.listen(16)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                peer, _ = self.listener.accept()
                with peer:
                    if self.descriptor is not None:
                        rights = array.array("i", [self.descriptor])
                        try:
                            peer.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
                        except OSError as error:
                            self.refusal = errno.errorcode[error.errno]
                        continue
                    peer.settimeout(5 * PATIENCE)
                    data, ancillary, _, _ = peer.recvmsg(256, socket.CMSG_SPACE(4))
                    for level, kind, rights in ancillary:
                        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                            self.received.append((data.decode(), array.array("i", rights)[0]))

    def close(self):
        self.listener.close()
        for _, descriptor in self.received:
            os.close(descriptor)


def use(suite, descriptor, kind):
    """What the agent's attempts to use a descriptor come to: act -> answer."""
    workspace = suite.place.workspace(suite.probe)
    accomplice = Accomplice(workspace, descriptor)
    try:
        ended = suite.place.run(["./remit-probe", "--act", "receive", "door", kind], workspace=workspace)
    finally:
        accomplice.close()
    answers = {value["act"]: value["answer"] for value in ended.objects() if "act" in value}
    if accomplice.refusal is not None:
        answers[""] = accomplice.refusal
    return answers, ended


def judge(number, kind, answers, ended, layers, attempt):
    """A result for each use; `layers` says which errno of which use is whose."""
    results = []
    for name, expected in layers.items():
        answer = answers.get(name)
        layer = expected.get(answer)
        results.append(
            Result(
                f"{number}.{kind}-{name}",
                layer is not None,
                layer or "",
                answer or "",
                attempt=attempt,
                control="the descriptor works outside",
                why=f"answers {answer}: {ended}",
            )
        )
    return results


REFUSED = {"EPERM": "seccomp", "ENOSYS": "seccomp"}


@entry("E20", "use a ring that an accomplice outside has made and handed in")
def passed_ring(suite):
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    ring = libc.syscall(425, 4, ctypes.create_string_buffer(120))
    if ring < 0:
        return Result("E20.passed-ring", False, skipped=True, why="no ring can be made on this host")
    works = libc.syscall(426, ring, 0, 0, 0, None, ctypes.c_ulong(0)) == 0
    try:
        answers, ended = use(suite, ring, "ring")
    finally:
        os.close(ring)
    if "" in answers:
        # Since Linux 6.7 a ring passes through no socket at all.
        return Result(
            "E20.passed-ring",
            works,
            "kernel",
            answers[""],
            "a ring passes through no socket here",
            why="the ring does not work outside",
        )
    results = judge(
        "E20",
        "passed",
        answers,
        ended,
        {"enter": REFUSED, "register": REFUSED},
        "use a ring that an accomplice outside has made and handed in",
    )
    if not works:
        results.append(Result("E20.passed-control", False, why="the ring does not work outside either"))
    return results


@entry("E55", "use a handle of a process of the host that an accomplice handed in")
def passed_process(suite):
    process = os.pidfd_open(suite.canaries.process.pid)
    try:
        answers, ended = use(suite, process, "process")
    finally:
        os.close(process)
    return judge(
        "E55",
        "passed",
        answers,
        ended,
        {
            "signal": {"EINVAL": "namespaces", "EPERM": "landlock-scopes", "ESRCH": "namespaces"},
            "descriptor": REFUSED,
            "enter": REFUSED,
        },
        "use a handle of a process of the host that an accomplice handed in",
    )


@entry("E64", "use a directory or a namespace of the host that an accomplice handed in, and hand out its own")
def passed_directory(suite):
    results = []
    outside = f"{suite.base}/handed"
    os.makedirs(outside, exist_ok=True)
    os.chmod(outside, 0o777)
    with open(f"{outside}/secret", "w", encoding="ascii") as file:
        file.write("secret\n")
    os.chmod(f"{outside}/secret", 0o666)
    directory = os.open(outside, os.O_RDONLY | os.O_DIRECTORY)
    try:
        answers, ended = use(suite, directory, "directory")
    finally:
        os.close(directory)
    beyond = {"EACCES": "landlock", "EPERM": "landlock", "EXDEV": "landlock"}
    results += judge(
        "E64",
        "directory",
        answers,
        ended,
        {
            "read": beyond,
            "write": beyond,
            "create": beyond,
            "remove": beyond,
            "climb": {**beyond, "ENOENT": "mounts"},
            "root": REFUSED,
        },
        "use a directory of the host that an accomplice handed in",
    )
    if sorted(os.listdir(outside)) != ["secret"]:
        results.append(Result("E64.directory-untouched", False, why=f"it now holds {os.listdir(outside)}"))
    namespace = os.open("/proc/self/ns/net", os.O_RDONLY)
    try:
        answers, ended = use(suite, namespace, "namespace")
    finally:
        os.close(namespace)
    results += judge(
        "E64",
        "namespace",
        answers,
        ended,
        {"enter": REFUSED},
        "enter a namespace of the host that an accomplice handed in",
    )
    return results + hand_out(suite)


def hand_out(suite):
    """What an accomplice with no more rights than the agent's owner can do with the sandbox's own descriptors."""
    workspace = suite.place.workspace(suite.probe)
    accomplice = Accomplice(workspace)
    try:
        ended = suite.place.run(["./remit-probe", "--act", "hand-out", "door"], workspace=workspace)
        given = dict(accomplice.received)
        # Nothing of Remit's own takes descriptors from the agent: what is handed over goes to the workspace's owner,
        # who may see all of it anyway. It must not let anybody else out or in by way of Remit.
        problem = ""
        if "/" in given:
            with contextlib.suppress(OSError):
                os.close(os.open("proc/1/root/root", os.O_PATH, dir_fd=given["/"]))
                problem = "process 1 of the sandbox can be entered through its root"
        seen = f"{len(given)} descriptors reached the accomplice; Remit itself has no socket inside to take any"
        return [
            Result(
                "E64.hand-out",
                ended.exit == 0 and not problem,
                "mounts",
                seen,
                why=problem or str(ended),
                attempt="hand its own descriptors to an accomplice outside",
            )
        ]
    finally:
        accomplice.close()
