# SPDX-License-Identifier: Apache-2.0
"""N1, N2, N9, N11, E64, E66–E72: ways around the gate, by sockets, from a session that has a network."""

import ctypes
import os
import socket
import struct
import threading
import time

from probe import *

PRIVATE, METADATA, PUBLIC, PUBLIC6 = (PARAMS[name] for name in ("private", "metadata", "public", "public6"))
REFUSED = {"namespaces": ["ECONNREFUSED", "ENETUNREACH"]}


def datagram(tag, address, port, data=b"", protocol=0, flags=0):
    """A datagram with the attack's name in it; whether somebody answers."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM, protocol) as end:
        end.settimeout(1)
        end.connect((address, port))
        end.send(data + tag.encode(), flags)
        end.recv(100)


def say(tag, end):
    """A request in the clear with the attack's name in it."""
    with end:
        end.settimeout(5)
        return fetch(end, f"/{tag}")


def query(name, kind=1):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return os.urandom(2) + b"\1\0\0\1\0\0\0\0\0\0" + labels + b"\0" + struct.pack(">HH", kind, 1)


# ---- N1: what is not TCP

@probe("N1.quic-to-name", "QUIC to the name that is allowed", **REFUSED)
def _():
    datagram("N1.quic-to-name", resolve(ALLOWED), 443, b"\xc3\0\0\0\1")


@probe("N1.quic-to-address", "QUIC to an address", **REFUSED)
def _():
    datagram("N1.quic-to-address", PUBLIC, 443, b"\xc3\0\0\0\1")


@probe("N1.quic-to-address6", "QUIC to an IPv6 address", namespaces=["ENETUNREACH", "EADDRNOTAVAIL"])
def _():
    datagram("N1.quic-to-address6", PUBLIC6, 443, b"\xc3\0\0\0\1")


@probe("N1.dig", "ask another name server, as `dig @10.9.8.7` does", **NOWHERE)
def _():
    with socket.socket(type=socket.SOCK_DGRAM) as end:
        end.settimeout(1)
        end.sendto(query("n1-dig.example"), (PRIVATE, 53))
        end.recv(512)


@probe("N1.raw", "make a raw socket", **FILTER)
def _():
    socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP).close()


@probe("N1.udp-lite", "send by UDP-Lite, which is a protocol of its own", **FILTER)
def _():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM, 136) as end:
        end.sendto(b"N1.udp-lite", (PUBLIC, 443))


@probe("N1.fragment", "send a datagram that has to be cut in pieces", **NOWHERE)
def _():
    datagram("N1.fragment", PRIVATE, 443, bytes(40000))


# ---- N2: a port is not a host

@probe("N2.proxy-port", "connect to the proxy's port of another address", **NOWHERE)
def _():
    return say("N2.proxy-port", tcp(PRIVATE, 3128))


@probe("N2.allowed-port", "connect to the allowed port of another address", **NOWHERE)
def _():
    return say("N2.allowed-port", tcp(PRIVATE, PORT))


@probe("N2.allowed-port-synthetic", "connect to the allowed port of an address that no name has", gate=["closed"])
def _():
    return say("N2.allowed-port-synthetic", tcp("198.18.99.99" if PARAMS["inside"] else PRIVATE, PORT))


@probe("N2.allowed-port-loopback", "connect to the allowed port of the loopback", **NOBODY)
def _():
    return say("N2.allowed-port-loopback", tcp("127.0.0.1", PORT))


@probe("N2.other-port", "connect to another port of the allowed name", gate=["closed"], namespaces=["ECONNREFUSED"])
def _():
    return say("N2.other-port", tcp(resolve(ALLOWED), 8080))


# ---- N9: without what cooperating programs are given

@probe("N9.no-proxy", "connect to a name that is not allowed, and know of no proxy", gate=["no such name"])
def _():
    return say("N9.no-proxy", tcp(OTHER))


@probe("N9.own-resolver", "have an address for it, as from a resolver of its own", **NOWHERE)
def _():
    return say("N9.own-resolver", tcp(PUBLIC, 80))


@probe("N9.address6", "connect to it by IPv6", namespaces=["ENETUNREACH", "EADDRNOTAVAIL"])
def _():
    return say("N9.address6", tcp(PUBLIC6, 80))


@probe("N9.old-calls", "connect by the i386 system call, which other filters do not see", seccomp=["SIGSYS", "ENOSYS"])
def _():
    # int 0x80 with socketcall(SYS_SOCKET): a filter of the native calls only lets it pass.
    code = b"\xb8\x66\0\0\0\xbb\1\0\0\0\xcd\x80\xc3"
    import mmap
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            area = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
            area.write(code)
            start = ctypes.addressof(ctypes.c_char.from_buffer(area))
            os.write(writer, b"%d" % ctypes.CFUNCTYPE(ctypes.c_int)(start)())
        finally:
            os._exit(0)
    os.close(writer)
    said = os.read(reader, 20)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        raise Refused("SIGSYS" if os.WTERMSIG(status) == 31 else f"signal {os.WTERMSIG(status)}")
    # Whatever it is but "no such call": the call was made.
    return "ENOSYS" if said == b"-38" else None


# ---- N11, E70: the rules of one's own namespace

@probe("N11.packet-filter", "make a socket to the packet filter, whose rules are in this namespace", **FILTER)
def _():
    socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12).close()


def route(kind, body):
    message = struct.pack("=IHHII", 16 + len(body), kind, 1 | 4, 1, 0) + body
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as end:
        end.settimeout(2)
        end.send(message)
        code = -struct.unpack_from("=i", end.recv(4096), 16)[0]
        if code not in (0, 3):  # ESRCH: may, but there is no such route
            raise OSError(code, os.strerror(code))


@probe("N11.routes", "take away the route that makes every name's address local", capabilities=["EPERM"])
def _():
    table_local, host_scope, local = 255, 254, 2
    body = struct.pack("=BBBBBBBBI", socket.AF_INET, 15, 0, 0, table_local, 0, host_scope, local, 0)
    route(25, body + struct.pack("=HH4s", 8, 1, socket.inet_aton("198.18.0.0")))


@probe("E70.default-route", "make a default route, with a network on", capabilities=["EPERM"])
def _():
    body = struct.pack("=BBBBBBBBI", socket.AF_INET, 0, 0, 0, 254, 3, 0, 1, 0)
    body += struct.pack("=HHI", 8, 4, socket.if_nametoindex("lo"))
    message = struct.pack("=IHHII", 16 + len(body), 24, 1 | 4 | 0x400, 1, 0) + body
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as end:
        end.settimeout(2)
        end.send(message)
        code = -struct.unpack_from("=i", end.recv(4096), 16)[0]
        if code:
            raise OSError(code, os.strerror(code))


def take(address, port, kind):
    with socket.socket(type=kind) as end:
        for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):
            end.setsockopt(socket.SOL_SOCKET, option, 1)
        end.bind((address, port))
        if kind == socket.SOCK_STREAM:
            end.listen()


@probe("N11.name-server", "take the name server's place", capabilities=["EACCES"], namespaces=["EADDRINUSE"])
def _():
    take("127.0.0.53" if PARAMS["inside"] else "127.0.0.54", 53, socket.SOCK_DGRAM)


@probe("N11.redirected-port", "take the place where redirected connections arrive", capabilities=["EACCES"])
def _():
    take("127.0.0.1", 1, socket.SOCK_STREAM)


@probe("N11.proxy", "take the proxy's place, for other programs of the session", namespaces=["EADDRINUSE"])
def _():
    take(PROXY[0], PROXY[1] if PARAMS["inside"] else 3129, socket.SOCK_STREAM)


# ---- E64: descriptors

@probe("E64.over-the-gate", "hand a descriptor to the gate over a connection to it", namespaces=["no socket takes any"])
def _():
    """The gate has no socket inside over which descriptors go, and a connection of TCP drops them."""
    if not PARAMS["inside"]:
        return "through"  # over a socket of AF_UNIX, as E64.hand-out of the breakout suite does
    reader, writer = os.pipe()
    with tcp(*PROXY) as end:
        end.sendmsg([b"CONNECT "], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("i", writer))])
    os.close(writer)
    os.set_blocking(reader, False)
    # The end of the pipe comes only when nobody has the descriptor any more.
    raise Refused("no socket takes any" if os.read(reader, 1) == b"" else "kept")


# ---- E66–E69, E72

@probe("E66.host-loopback-on", "connect to a service on the host's loopback, with a network on", **NOBODY)
def _():
    return say("E66.host-loopback-on", tcp("127.0.0.1", 80))


@probe("E66.metadata-on", "connect to the metadata service, with a network on", **NOWHERE)
def _():
    return say("E66.metadata-on", tcp(METADATA, 80))


@probe("E67.abstract-on", "connect to an abstract socket of the host, with a network on",
       namespaces=["ECONNREFUSED"], **{"landlock-scopes": ["EPERM"]})
def _():
    with socket.socket(socket.AF_UNIX) as end:
        end.connect("\0" + PARAMS["abstract"])


@probe("E67.pathname-on", "connect to a socket file of the host, with a network on", mounts=["ENOENT"])
def _():
    with socket.socket(socket.AF_UNIX) as end:
        end.connect(PARAMS["socket"])


def fast_open(tag, address, port):
    with socket.socket() as end:  # without a time limit of Python's, with which the call would not block
        end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 5, 0))
        end.sendto(request(f"/{tag}"), 0x20000000, (address, port))
        return answer(end)


@probe("E68.fast-open-on", "connect by sending with MSG_FASTOPEN, with a network on", **NOWHERE)
def _():
    return fast_open("E68.fast-open-on", PRIVATE, PORT)


@probe("E68.fast-open-gate", "send with MSG_FASTOPEN to another port of the allowed name", gate=["closed"],
       namespaces=["ECONNREFUSED"])
def _():
    return fast_open("E68.fast-open-gate", resolve(ALLOWED), 8080)


@probe("E68.multipath-on", "connect with multipath TCP, with a network on", **FILTER)
def _():
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262) as end:
        end.connect((PRIVATE, PORT))


@probe("E69.packet-on", "make a packet socket, with a network on", **FILTER)
def _():
    socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 3).close()


@probe("E69.transparent-on", "make a socket answer for the addresses of names", capabilities=["EPERM"])
def _():
    with socket.socket() as end:
        end.setsockopt(socket.IPPROTO_IP, 19, 1)


class Address(ctypes.Structure):
    _fields_ = [("family", ctypes.c_uint16), ("port", ctypes.c_uint16), ("address", ctypes.c_uint32),
                ("rest", ctypes.c_uint64)]


def peer(end):
    try:
        return end.getpeername()[0]
    except OSError:  # it was cut off
        return None


def flipped(call):
    """Makes a call two thousand times with an address that another thread flips between an allowed one and another."""
    both = [Address(socket.AF_INET, socket.htons(PORT), struct.unpack("=I", socket.inet_aton(each))[0], 0)
            for each in (resolve(ALLOWED), PRIVATE)]
    shared, ended = Address.from_buffer_copy(both[0]), threading.Event()

    def flip():
        while not ended.is_set():
            for each in both:
                ctypes.memmove(ctypes.byref(shared), ctypes.byref(each), 8)

    thread = threading.Thread(target=flip)
    thread.start()
    through, codes = False, set()
    try:
        limit, calls = time.monotonic() + 20, 0
        # On a busy machine it may take a while until the address was both.
        while calls < PARAMS["flips"] or (not through and len(codes) < 2 and time.monotonic() < limit):
            through = call(shared, codes) or through
            calls += 1
    finally:
        ended.set()
        thread.join()
    if through:
        return None
    if len(codes) < 2 and PARAMS["inside"]:
        raise Refused(f"never flipped: {codes}")
    raise Refused("never the other")


@probe("E72.flipped-connect", "connect to an address that another thread flips during the call",
       namespaces=["never the other"])
def _():
    libc = ctypes.CDLL(None, use_errno=True)

    def call(shared, codes):
        with socket.socket() as end:
            result = libc.connect(end.fileno(), ctypes.byref(shared), 16)
            codes.add(0 if result == 0 else ctypes.get_errno())
            return result == 0 and peer(end) == PRIVATE

    return flipped(call)


@probe("E72.flipped-fast-open", "send with MSG_FASTOPEN to an address that is flipped during the call",
       namespaces=["never the other"])
def _():
    libc, data = ctypes.CDLL(None, use_errno=True), request("/E72.flipped-fast-open")

    def call(shared, codes):
        with socket.socket() as end:
            result = libc.sendto(end.fileno(), data, len(data), 0x20004000, ctypes.byref(shared), 16)
            codes.add(0 if result > 0 else ctypes.get_errno())
            return result > 0 and peer(end) == PRIVATE

    return flipped(call)


run()
