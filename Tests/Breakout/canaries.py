# SPDX-License-Identifier: Apache-2.0
"""What no agent may touch, and whether it was touched: a secret file, listeners, a marked process."""

import contextlib
import ctypes
import os
import secrets
import socket
import struct
import subprocess

OPEN, ACCESS, MODIFY, CREATE, DELETE, MOVED, ATTRIB = 0x20, 0x1, 0x2, 0x100, 0x200, 0xC0, 0x4
READING, CHANGING = OPEN | ACCESS | MODIFY | ATTRIB, MODIFY | CREATE | DELETE | MOVED | ATTRIB
NAMES = {
    OPEN: "opened",
    ACCESS: "read",
    MODIFY: "changed",
    CREATE: "something created",
    DELETE: "something deleted",
    0x40: "something moved",
    0x80: "something moved",
    ATTRIB: "attributes changed",
}


class Watch:
    """An inotify(7) instance."""

    def __init__(self):
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.descriptor = self.libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self.descriptor < 0:
            raise OSError(ctypes.get_errno(), "inotify_init1")
        self.paths = {}

    def add(self, path, events):
        number = self.libc.inotify_add_watch(self.descriptor, os.fsencode(path), events)
        if number < 0:
            raise OSError(ctypes.get_errno(), f"inotify_add_watch {path}")
        self.paths[number] = path

    def events(self):
        """Every event since the last call, as sentences."""
        said = []
        with contextlib.suppress(BlockingIOError):
            while data := os.read(self.descriptor, 65536):
                while data:
                    number, mask, _, length = struct.unpack_from("iIII", data)
                    name = data[16 : 16 + length].rstrip(b"\0").decode(errors="replace")
                    data = data[16 + length :]
                    words = [text for bit, text in NAMES.items() if mask & bit]
                    place = self.paths.get(number, "?") + ("/" + name if name else "")
                    said.append(f"{place} {', '.join(words) or hex(mask)}")
        return said

    def close(self):
        os.close(self.descriptor)


class Canaries:
    """A set of canaries; `environment` tells the probes where they are."""

    def __init__(self, directory, user=None):
        """Makes them beneath a directory. The marked process runs as `user`, so that the agent's own uid owns it."""
        os.makedirs(f"{directory}/canaries", exist_ok=True)
        # Permissions are not what may stop the agent: everything here is open to everyone.
        os.chmod(f"{directory}/canaries", 0o777)
        self.token = f"canary-{secrets.token_hex(8)}"
        self.file = f"{directory}/canaries/secret"
        with open(self.file, "w", encoding="ascii") as file:
            file.write(self.token + "\n")
        os.chmod(self.file, 0o666)
        self.path = f"{directory}/canaries/socket"
        self.abstract = f"remit-{self.token}"
        self.listeners = {
            "the TCP listener": self.listen(socket.AF_INET, ("127.0.0.1", 0)),
            "the abstract socket": self.listen(socket.AF_UNIX, "\0" + self.abstract),
            "the unix socket": self.listen(socket.AF_UNIX, self.path),
        }
        os.chmod(self.path, 0o777)
        self.datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.datagrams.bind(("127.0.0.1", 0))
        self.datagrams.setblocking(False)
        how = {} if user is None else {"user": user, "group": user, "extra_groups": []}
        self.process = subprocess.Popen(
            ["/bin/sleep", "86400"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={"CANARY": self.token},
            start_new_session=True,
            **how,
        )
        self.watch = Watch()
        self.watch.add(self.file, READING)
        self.watch.add(f"{directory}/canaries", CHANGING)

    @staticmethod
    def listen(family, address):
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.bind(address)
        listener.listen(16)
        listener.setblocking(False)
        return listener

    @property
    def environment(self):
        return {
            "REMIT_CANARY_FILE": self.file,
            "REMIT_CANARY_SOCKET": self.path,
            "REMIT_CANARY_ABSTRACT": self.abstract,
            "REMIT_CANARY_TCP": str(self.listeners["the TCP listener"].getsockname()[1]),
            "REMIT_CANARY_UDP": str(self.datagrams.getsockname()[1]),
            "REMIT_CANARY_PID": str(self.process.pid),
            "REMIT_TEST_PATIENCE": os.environ.get("REMIT_TEST_PATIENCE") or "1",
        }

    def touched(self):
        """What has happened to them since the last call: a list of sentences, empty when they are as they were."""
        said = self.watch.events()
        for name, listener in self.listeners.items():
            with contextlib.suppress(BlockingIOError):
                while True:
                    listener.accept()[0].close()
                    said.append(f"{name} was connected to")
        with contextlib.suppress(BlockingIOError):
            while True:
                self.datagrams.recv(4096)
                said.append("the UDP socket got a datagram")
        if self.process.poll() is not None:
            said.append(f"the marked process ended with {self.process.returncode}")
        else:
            with open(f"/proc/{self.process.pid}/status", encoding="ascii", errors="replace") as file:
                state = next(line for line in file if line.startswith("State:"))
            if state.split()[1] in "TtZ":
                said.append(f"the marked process is in state {state.split()[1]}")
        return said

    def close(self):
        self.process.kill()
        self.process.wait()
        for listener in [*self.listeners.values(), self.datagrams]:
            listener.close()
        self.watch.close()
