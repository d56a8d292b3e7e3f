# SPDX-License-Identifier: Apache-2.0
"""A network of the suite's own, in which every address is this machine's: what the attacks go for would be reached.

Everything that must not be reached is there and listens: a metadata service, a private network, a name server that
remembers what it is asked, a host that answers whatever it is asked as whoever it is called. For the control run there
is a proxy as well that goes wherever it is told.
"""

import base64
import contextlib
import fcntl
import gzip
import hashlib
import json
import os
import socket
import ssl
import struct
import subprocess
import sys
import threading
import urllib.parse
import zlib

PUBLIC, PUBLIC6 = "93.184.215.14", "2606:2800:21f::e"
PRIVATE, METADATA = "10.9.8.7", "169.254.169.254"
ADDRESSES = [PUBLIC, PRIVATE, METADATA, "100.100.100.200", "198.18.0.1"]
ADDRESSES6 = [PUBLIC6, "fd00:ec2::254", "64:ff9b::a9fe:a9fe", "fd12:3456::1"]
ALLOWED, OTHER, API, SECOND, CLEAR = (
    f"{name}.remit.example" for name in ("allowed", "other", "api", "second", "clear")
)
# What the resolver says of names that a rule allows, and that lead where no rule does.
LEADING = {
    "metadata": [METADATA], "private": [PRIVATE], "loopback": ["127.0.0.1"], "unspecified": ["0.0.0.0"],
    "carrier": ["100.100.100.200"], "loopback6": ["::1"], "unspecified6": ["::"], "mapped": [f"::ffff:{METADATA}"],
    "translated": ["64:ff9b::a9fe:a9fe"], "metadata6": ["fd00:ec2::254"], "unique-local": ["fd12:3456::1"],
}
NAMES = [ALLOWED, OTHER, API, SECOND, CLEAR, *(f"{name}.leads.example" for name in LEADING), "*.wild.example"]

ENTER = ["unshare", "--net", "--mount", "--propagation", "private"]


def enter():
    """The beginning of a command that runs in a network of its own."""
    return ENTER if os.geteuid() == 0 else [*ENTER, "--user", "--map-current-user", "--keep-caps"]


def set_up(directory):
    """Gives the namespace its addresses and its resolver; called within it."""
    with socket.socket() as end, socket.socket(socket.AF_INET6) as six:
        (flags,) = struct.unpack("16xH14x", fcntl.ioctl(end, 0x8913, struct.pack("16s16x", b"lo")))  # SIOCGIFFLAGS
        if flags & 0x1:
            # Addresses of others on the host's own loopback would take its name server and its routes away.
            sys.exit(f"this is no network of its own: start it through {' '.join(enter())}")
        fcntl.ioctl(end, 0x8914, struct.pack("16sH14x", b"lo", 0x1 | 0x40))  # SIOCSIFFLAGS: up and running
        for number, address in enumerate(ADDRESSES):
            request = struct.pack("16sH2x4s8x", b"lo:%d" % number, socket.AF_INET, socket.inet_aton(address))
            fcntl.ioctl(end, 0x8916, request)  # SIOCSIFADDR
        with contextlib.suppress(OSError), open("/proc/sys/net/ipv6/conf/lo/disable_ipv6", "w", encoding="ascii") as file:
            file.write("0")
        for address in ADDRESSES6:
            packed = socket.inet_pton(socket.AF_INET6, address)
            fcntl.ioctl(six, 0x8916, struct.pack("16sIi", packed, 128, socket.if_nametoindex("lo")))
    with open(f"{directory}/resolv.conf", "w", encoding="utf-8") as file:
        file.write("nameserver 127.0.0.1\noptions timeout:2 attempts:1\n")
    subprocess.run(
        ["mount", "--bind", f"{directory}/resolv.conf", os.path.realpath("/etc/resolv.conf")], check=True
    )


def serve(function, *arguments):
    threading.Thread(target=function, args=arguments, daemon=True).start()


def without_end(end):
    """Connections as they come, each with a thread of its own to serve it."""
    while True:
        try:
            yield end.accept()[0]
        except OSError:
            return


class Names:
    """The resolver of this network. It remembers what it was asked."""

    def __init__(self, seen):
        self.seen, self.counts = seen, {}
        for address in ("127.0.0.1", "127.0.0.53", PRIVATE):
            datagrams, streams = socket.socket(type=socket.SOCK_DGRAM), socket.socket()
            streams.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            for end in (datagrams, streams):
                end.bind((address, 53))
            streams.listen(16)
            serve(self.datagrams, datagrams)
            serve(self.streams, streams)

    def datagrams(self, end):
        while True:
            query, client = end.recvfrom(4096)
            end.sendto(self.reply(query), client)

    def streams(self, end):
        for client in without_end(end):
            with client:
                client.settimeout(5)
                try:
                    query = client.recv(4096)[2:]
                    reply = self.reply(query)
                    client.sendall(struct.pack(">H", len(reply)) + reply)
                except (OSError, IndexError):
                    continue

    def reply(self, query):
        labels, at = [], 12
        while size := query[at]:
            labels.append(query[at + 1 : at + 1 + size].decode(errors="replace"))
            at += 1 + size
        name, kind = ".".join(labels).lower(), int.from_bytes(query[at + 1 : at + 3], "big")
        self.seen.append(f"asked {name}".encode())
        family = {1: socket.AF_INET, 28: socket.AF_INET6}.get(kind)
        found = (
            [address for address in self.addresses(name, kind) if (":" in address) == (kind == 28)] if family else []
        )
        answer = b"".join(
            b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 0, len(packed)) + packed
            for packed in (socket.inet_pton(family, address) for address in found)
        )
        return query[:2] + b"\x81\x80\0\1" + struct.pack(">H", len(found)) + b"\0\0\0\0" + query[12 : at + 5] + answer

    def addresses(self, name, kind):
        label = name.partition(".")[0]
        if name.endswith(".leads.example") and label in LEADING:
            return LEADING[label]
        if name == "mixed.leads.example":
            return [METADATA, PUBLIC]
        if name == "rebound.leads.example":  # first somebody, then us
            count = self.counts[kind] = self.counts.get(kind, 0) + 1
            return [PUBLIC] if count == 1 else ["127.0.0.1"]
        return ["127.0.0.1"]


class Host:
    """Whoever it is asked to be, on every address: it takes what comes, TLS or not, and answers every head."""

    PORTS = [80, 443, 8080]

    def __init__(self, certificate, private, seen, key):
        self.seen, self.key = seen, key
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, private)
        self.context.sni_callback = lambda _, name, __: seen.append(f"hello {name}".encode())
        self.port = 0
        for port in [0, *self.PORTS]:
            end = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=512)
            self.port = self.port or end.getsockname()[1]
            serve(self.accept, end)
        # Where a proxy would be, on an address that is not the proxy's.
        serve(self.accept, socket.create_server((PRIVATE, 3128)))
        for port in (443, 4433):
            end = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
            end.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            end.bind(("::", port))
            serve(self.echo, end)

    def echo(self, end):
        while True:
            data, client = end.recvfrom(65536)
            self.seen.append(b"datagram " + data)
            end.sendto(b"hello", client)

    def accept(self, end):
        for client in without_end(end):
            serve(self.converse, client)

    def converse(self, client):
        address = client.getsockname()[0].removeprefix("::ffff:")
        self.seen.append(f"connection to {address}".encode())
        try:
            client.settimeout(30)
            first = client.recv(65536, socket.MSG_PEEK)
            self.seen.append(b"first " + first)
            if first[:1] == b"\x16":
                client = self.context.wrap_socket(client, server_side=True)
            self.answer_all(client)
        except OSError:
            pass
        finally:
            client.close()

    def answer_all(self, client):
        data = b""
        while piece := client.recv(65536):
            self.seen.append(b"bytes " + piece)
            data += piece
            while b"\r\n\r\n" in data:
                head, _, data = data.partition(b"\r\n\r\n")
                # The rest of a body that came along is not looked at, so that whatever hides there counts as seen only.
                self.answer(client, head, data)

    def answer(self, client, head, data):
        lines = head.decode("latin-1").split("\r\n")
        fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        target = urllib.parse.urlsplit(lines[0].split(" ")[1] if lines[0].count(" ") > 1 else "/")
        query = dict(urllib.parse.parse_qsl(target.query))
        if fields.get("upgrade", "").lower() == "websocket":
            return self.web_socket(client, fields)
        if query.get("echo") == "address":
            return client.sendall(answer_of(client.getsockname()[0].removeprefix("::ffff:").encode()))
        if "echo" in query:
            return client.sendall(echo(query["echo"], shown(fields, query, data)))
        if "to" in query:
            return client.sendall(answer_of(b"", 307, Location=query["to"]))
        return client.sendall(answer_of(b"hello"))

    def web_socket(self, client, fields):
        digest = hashlib.sha1(fields.get("sec-websocket-key", "").encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11")
        client.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nX-Host: here\r\n"
            b"Sec-WebSocket-Accept: " + base64.b64encode(digest.digest()) + b"\r\n\r\n"
        )
        while piece := client.recv(65536):
            self.seen.append(b"bytes " + unmasked(piece))


def unmasked(piece):
    """What a short frame of a client's holds."""
    at = 2 if piece[1] & 0x7F < 126 else 4
    mask, data = piece[at : at + 4], piece[at + 4 :]
    return bytes(byte ^ mask[index % 4] for index, byte in enumerate(data))


def shown(fields, query, data):
    """What a careless host repeats: the credential that it was sent."""
    return (fields.get("authorization") or query.get("key") or data.decode("latin-1")).encode("latin-1")


def answer_of(body, status=200, **fields):
    lines = [f"HTTP/1.1 {status} x", "X-Host: here", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


def chunked(pieces, trailer=b"", **fields):
    lines = ["HTTP/1.1 200 x", "X-Host: here", "Transfer-Encoding: chunked"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
    body = b"".join(b"%x\r\n" % len(piece) + piece + b"\r\n" for piece in pieces)
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body + b"0\r\n" + trailer + b"\r\n"


def echo(how, text):
    """The same text, in one of the ways in which hosts repeat things."""
    squeezed = zlib.compressobj(wbits=-15)
    bodies = {
        "plain": text, "error": text, "base64": base64.b64encode(text), "base64-1": base64.b64encode(b"x" + text),
        "base64-2": base64.b64encode(b"xy" + text), "base64-url": base64.urlsafe_b64encode(text),
        "hexadecimal": text.hex().encode(), "json": json.dumps({"saw": text.decode("latin-1")}).encode(),
        "json-escaped": b'"' + b"".join(b"\\u%04x" % byte for byte in text) + b'"',
        # A row of escapes that may be read in many ways, and one that is cut off by what follows.
        "backslashes": b"\\" * 16 + b"x1" + text,
        "url": b"".join(b"%%%02X" % byte for byte in text), "lines": b"\n".join(
            base64.b64encode(text)[at : at + 20] for at in range(0, len(base64.b64encode(text)), 20)
        ),
    }
    if how in bodies:
        return answer_of(bodies[how], 401 if how == "error" else 200)
    if how == "gzip":
        return answer_of(gzip.compress(text), Content_Encoding="gzip")
    if how == "deflate":
        return answer_of(zlib.compress(text), Content_Encoding="deflate")
    if how == "deflate-raw":
        return answer_of(squeezed.compress(text) + squeezed.flush(), Content_Encoding="deflate")
    if how == "gzip-chunked":
        return chunked([bytes([byte]) for byte in gzip.compress(text)], Content_Encoding="gzip")
    if how == "chunks":
        return chunked([bytes([byte]) for byte in text])
    if how == "events":
        return chunked([b"data: " + text[:9], text[9:] + b"\n\n"], Content_Type="text/event-stream")
    if how == "header":
        return answer_of(b"hello", X_Echo=text.decode("latin-1"))
    if how == "location":
        return answer_of(b"", 302, Location=f"https://{OTHER}/?k=" + urllib.parse.quote(text.decode("latin-1")))
    if how == "cookie":
        return answer_of(b"hello", Set_Cookie="key=" + text.decode("latin-1").replace(" ", "_"))
    if how == "trailer":
        return chunked([b"hello"], b"X-Echo: " + text + b"\r\n", Trailer="X-Echo")
    return answer_of(b"no such echo", 404)


class CarelessProxy:
    """What stands in for the gate in the control run: it goes wherever it is told."""

    def __init__(self):
        serve(self.accept, socket.create_server(("198.18.0.1", 3128), backlog=512))

    def accept(self, end):
        for client in without_end(end):
            serve(self.guarded, client)

    def guarded(self, client):
        try:
            client.settimeout(30)
            first = client.recv(1, socket.MSG_PEEK)
            (self.socks if first == b"\5" else self.http)(client)
        except (OSError, ValueError, IndexError):
            pass
        finally:
            client.close()

    @staticmethod
    def reach(name, port):
        """What a name comes to when it is cut off at a NUL, decoded, and given to the C library."""
        name = urllib.parse.unquote_to_bytes(name.rpartition(b"@")[2]).partition(b"\0")[0]
        text = name.decode().strip("[]").rstrip(".")
        return socket.create_connection((text.partition("/")[0].partition("#")[0].partition("?")[0], port), 5)

    def socks(self, client):
        client.recv(3)
        client.sendall(b"\5\0")
        head = client.recv(4)
        if head[3] == 3:
            name = client.recv(client.recv(1)[0])
        else:
            family = socket.AF_INET if head[3] == 1 else socket.AF_INET6
            name = socket.inet_ntop(family, client.recv(4 if head[3] == 1 else 16)).encode()
        host = self.reach(name, int.from_bytes(client.recv(2), "big"))
        client.sendall(b"\5\0\0\1\0\0\0\0\0\0")
        self.relay(client, host)

    def http(self, client):
        data = b""
        while b"\r\n\r\n" not in data:
            data += client.recv(1)
        method, target = data.split(b" ", 2)[:2]
        if method == b"CONNECT":
            name, _, port = target.rpartition(b":")
            host = self.reach(name, int(port))
            client.sendall(b"HTTP/1.1 200 x\r\n\r\n")
        else:
            place = target.split(b"/", 3)[2]
            name, colon, port = place.rpartition(b":")
            host = self.reach(name if colon else place, int(port) if colon else 80)
            host.sendall(data)
        self.relay(client, host)

    @staticmethod
    def relay(client, host):
        def copy(source, target):
            try:
                while data := source.recv(65536):
                    target.sendall(data)
                target.shutdown(socket.SHUT_WR)
            except OSError:
                pass

        host.settimeout(30)
        serve(copy, client, host)
        copy(host, client)
        host.close()
