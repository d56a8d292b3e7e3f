# SPDX-License-Identifier: Apache-2.0
"""N5, N8, E71: connections that say one name and mean another, and what a proxy can be talked into."""

import os
import socket
import struct
import time

from probe import *

CUT = {"gate": ["closed"]}
READ = PARAMS["read"]  # allowed as well, and read: methods and paths are of rules


def hello(name=None, encrypted=False, twice=False):
    """A hello with these extensions, in one record. What would follow it does not matter."""
    def extension(kind, data):
        return struct.pack(">HH", kind, len(data)) + data

    def names(text):
        data = b"\0" + struct.pack(">H", len(text)) + text.encode()
        return extension(0, struct.pack(">H", len(data)) + data)

    extensions = b"".join(names(text) for text in ([name] if name else []) + ([OTHER] if twice else []))
    if encrypted:
        extensions += extension(
            0xFE0D, b"\0\0\1\0\1\7" + struct.pack(">H", 32) + os.urandom(32) + b"\0\x10" + bytes(16)
        )
    extensions += extension(43, b"\2\3\4") + extension(13, b"\0\2\4\3") + extension(10, b"\0\2\0\x1d")
    extensions += extension(51, b"\0\x24\0\x1d\0\x20" + os.urandom(32))
    body = (
        b"\3\3" + b"NAME".ljust(32) + b"\0" + b"\0\2\x13\1" + b"\1\0" + struct.pack(">H", len(extensions)) + extensions
    )
    message = b"\1" + struct.pack(">I", len(body))[1:] + body
    return b"\x16\3\1" + struct.pack(">H", len(message)) + message


def greet(tag, end, **how):
    """Sends a hello that carries the attack's name; whether somebody answers it."""
    with end:
        end.settimeout(5)
        end.sendall(hello(**how).replace(b"NAME".ljust(32), tag.encode().ljust(32)))
        if not end.recv(1):
            raise Refused("closed")


# ---- N5: the name connected to, the name in the hello, the name in the request

WAYS = {"direct": lambda: tcp(ALLOWED), "connect": lambda: connect(ALLOWED), "socks": lambda: socks(ALLOWED)}
for way, reach in WAYS.items():
    @probe(f"N5.{way}-other-name", f"say another name in the hello than was connected to ({way})", **CUT)
    def _(way=way, reach=reach):
        return fetch(secure(reach(), OTHER), f"/N5.{way}-other-name", OTHER)

    @probe(f"N5.{way}-no-name", f"say no name in the hello ({way})", **CUT)
    def _(way=way, reach=reach):
        return fetch(secure(reach()), f"/N5.{way}-no-name", OTHER)

    @probe(f"N5.{way}-two-names", f"say two names in the hello ({way})", **CUT)
    def _(way=way, reach=reach):
        greet(f"N5.{way}-two-names", reach(), name=ALLOWED, twice=True)

    @probe(f"N5.{way}-encrypted", f"say the true name in an encrypted hello (ECH) ({way})", **CUT)
    def _(way=way, reach=reach):
        greet(f"N5.{way}-encrypted", reach(), name=ALLOWED, encrypted=True)

    @probe(f"N5.{way}-clear", f"speak no TLS at all ({way})", **CUT)
    def _(way=way, reach=reach):
        return fetch(reach(), f"/N5.{way}-clear")

    @probe(f"N5.{way}-opaque", f"speak what nobody knows ({way})", **CUT)
    def _(way=way, reach=reach):
        with reach() as end:
            end.settimeout(5)
            end.sendall(f"\0\1N5.{way}-opaque\r\n\r\n".encode())
            return answer(end)


MISDIRECTED = {"gate": ["421 authority", "400 target-mismatch"]}


def reading():
    return secure(tcp(READ), READ)


@probe("N5.host-field", "name another host in the request than in the hello", **MISDIRECTED)
def _():
    return fetch(reading(), "/N5.host-field", f"{OTHER}:{PORT}")


@probe("N5.host-port", "name another port in the request", **MISDIRECTED)
def _():
    return fetch(reading(), "/N5.host-port", f"{READ}:8080")


@probe("N5.absolute", "name another host in a whole URL", **MISDIRECTED)
def _():
    return fetch(reading(), f"https://{OTHER}:{PORT}/N5.absolute", f"{READ}:{PORT}")


@probe("N5.absolute-scheme", "name another scheme in a whole URL", **MISDIRECTED)
def _():
    return fetch(reading(), f"http://{READ}:{PORT}/N5.absolute-scheme", f"{READ}:{PORT}")


@probe("N5.two-hosts", "name two hosts in the request", gate=["400 repeated-host"])
def _():
    return fetch(reading(), "/N5.two-hosts", f"{READ}:{PORT}", fields=[f"Host: {OTHER}"])


@probe("N5.switch", "name another host in the second request of a connection", **MISDIRECTED)
def _():
    end = reading()
    fetch(end, "/", f"{READ}:{PORT}")
    return fetch(end, "/N5.switch", f"{OTHER}:{PORT}")


@probe("N5.authority", "name another host in :authority of HTTP/2", gate=["403 authority"])
def _():
    end = secure(tcp(READ), READ, ["h2"])
    return fetch2(end, "/N5.authority", OTHER)


@probe("N5.authority-host", "name another host in a field Host beside :authority",
       gate=["403 target-mismatch"])
def _():
    end = secure(tcp(READ), READ, ["h2"])
    return fetch2(end, "/N5.authority-host", f"{READ}:{PORT}", fields=[("host", OTHER)])


# ---- E71, N8: what the proxy can be talked into

@probe("E71.literal", "CONNECT to an address of the allowed host", gate=["403 host"])
def _():
    return fetch(secure(connect("127.0.0.1"), ALLOWED), "/E71.literal")


@probe("E71.mapped", "CONNECT to it as an IPv4 address in IPv6", gate=["403 host"])
def _():
    return fetch(secure(connect("[::ffff:127.0.0.1]"), ALLOWED), "/E71.mapped")


@probe("E71.port", "CONNECT to another port of the allowed host", gate=["403 port"])
def _():
    return fetch(connect(ALLOWED, 8080), "/E71.port")


@probe("E71.crlf-in-path", "break a line in the target of a request", gate=["400 bare-carriage-return"])
def _():
    end = reading()
    end.sendall(f"GET /x\rN5 /E71.crlf-in-path HTTP/1.1\r\nHost: {READ}:{PORT}\r\n\r\n".encode())
    return answer(end)


@probe("E71.socks-bind", "have SOCKS listen for a connection from outside", gate=["SOCKS 2"])
def _():
    return fetch(socks(ALLOWED, command=2), "/E71.socks-bind")


@probe("E71.socks-datagrams", "have SOCKS relay datagrams", gate=["SOCKS 2"])
def _():
    return fetch(socks(ALLOWED, command=3), "/E71.socks-datagrams")


@probe("E71.socks-address", "have SOCKS connect to an address", gate=["SOCKS 2"])
def _():
    return fetch(socks(socket.inet_aton("10.9.8.7"), 80, kind=1), "/E71.socks-address")


@probe("E71.socks-address6", "have SOCKS connect to an IPv6 address", gate=["SOCKS 2"])
def _():
    packed = socket.inet_pton(socket.AF_INET6, "fd12:3456::1")
    return fetch(socks(packed, 80, kind=4), "/E71.socks-address6")


@probe("N8.itself", "have the proxy connect to itself", gate=["403 port"])
def _():
    end = connect("198.18.0.1", 3128)
    end.sendall(f"CONNECT {OTHER}:80 HTTP/1.1\r\n\r\n".encode())
    read_head(end)
    return fetch(end, "/N8.itself")


@probe("N8.internal-port", "have it connect to another port of its own name", gate=["403 port", "403 host"])
def _():
    # Without a gate the name is anybody's.
    return fetch(connect("remit.internal", 8080), "/N8.internal-port")


@probe("N8.host-services", "have it connect to a service on the host's loopback", gate=["403 host"])
def _():
    return fetch(connect("localhost", 8080), "/N8.host-services")


INTERNAL = {"gate": ["404 path", "405 method"]}
for number, (method, path) in enumerate(
    (
        ("POST", "/v1/remit"),
        ("PUT", "/v1/remit"),
        ("GET", "/v1/session"),
        ("POST", "/v1/narrow"),
        ("POST", "/v1/approve"),
        ("DELETE", "/session"),
        ("GET", "/v1/../session"),
    )
):
    @probe(f"N8.internal-{number + 1}", f"{method} {path} of the gate's own service", **INTERNAL)
    def _(number=number, method=method, path=path):
        where = "remit.internal" if PARAMS["inside"] else "127.0.0.1"
        with tcp(where, 80) as end:
            return fetch(end, path, "remit.internal", method)


@probe("N8.redirected-port", "connect to where redirected connections arrive, straight",
       gate=["closed"], namespaces=["ECONNREFUSED"])
def _():
    with tcp("127.0.0.1", 1 if PARAMS["inside"] else 80) as end:
        return fetch(end, "/N8.redirected-port", OTHER)


@probe("E71.half-open", "open ten thousand connections to the proxy and say nothing", gate=["limited"])
def _():
    """As many as a process may have, of several processes. A connection is counted while nobody has closed it."""
    ready, told = os.pipe()
    go, start = os.pipe()
    children = []
    for _ in range(PARAMS["crowds"]):
        child = os.fork()
        children.append(child)
        if child:
            continue
        kept = []
        try:
            while len(kept) < PARAMS["crowd"]:
                kept.append(socket.create_connection(PROXY, 2))
        except OSError:
            pass
        os.write(told, b".")
        os.close(start)
        os.read(go, 1)
        still = 0
        for end in kept:
            end.setblocking(False)
            try:
                still += bool(end.recv(1, socket.MSG_PEEK))
            except BlockingIOError:
                still += 1
            except OSError:
                pass
        os.write(told, struct.pack("I", still))
        os._exit(0)
    for _ in children:
        os.read(ready, 1)
    time.sleep(1)
    # Meanwhile somebody who has something to say is heard, or told that it has to wait.
    os.close(start)
    still = sum(struct.unpack("I", os.read(ready, 4))[0] for _ in children)
    for child in children:
        os.waitpid(child, 0)
    if still > PARAMS["most"]:
        return f"through: {still} are open"
    limit = time.monotonic() + 30
    while True:  # and when they are gone everybody is
        try:
            if fetch(secure(connect(ALLOWED), ALLOWED), "/") == "through":
                raise Refused("limited")
        except OSError:
            if time.monotonic() > limit:
                raise


run()
