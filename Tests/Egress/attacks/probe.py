# SPDX-License-Identifier: Apache-2.0
"""What the attacks are made with. They are run twice, by the same program: in a session, and without one.

A file of attacks is a list of functions, each of which says what came of it: `through`, or how it was stopped. Which
answers mean that something stopped it, and what did, stands with each; any other answer is a failure.
"""

import base64
import errno
import json
import socket
import ssl
import struct
import time

with open("params.json", encoding="utf-8") as file:
    PARAMS = json.load(file)
ALLOWED, OTHER, PORT = PARAMS["allowed"], PARAMS["other"], PARAMS["port"]
PROXY = ("198.18.0.1", 3128)
PATIENCE = 10
PROBES = []
NOWHERE = {"namespaces": ["ENETUNREACH", "EHOSTUNREACH"]}
NOBODY = {"namespaces": ["ECONNREFUSED"]}
FILTER = {"seccomp": ["EPERM", "EACCES", "EPROTONOSUPPORT", "EAFNOSUPPORT", "ESOCKTNOSUPPORT"]}


class Refused(Exception):
    """Somebody answered, with a refusal."""


def probe(name, attempt, **layers):
    """Registers an attack. `layers` names who may stop it, and by which answers."""

    def register(function):
        PROBES.append((name, attempt, layers, function))
        return function

    return register


def run():
    """Makes every attack in turn, and prints what came of each."""
    for name, attempt, layers, function in PROBES:
        began = time.monotonic()
        try:
            answer = function() or "through"
        except Refused as refusal:
            answer = str(refusal)
        except socket.timeout:
            answer = "timeout"
        except socket.gaierror:
            answer = "no such name"
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionResetError, BrokenPipeError):
            answer = "closed"
        except ssl.SSLError as error:
            answer = f"TLS: {error.reason}"
        except OSError as error:
            answer = errno.errorcode.get(error.errno, str(error))
        except Exception as error:  # an attack that breaks has shown nothing
            answer = f"broken: {type(error).__name__}: {error}"
        layer = next((layer for layer, answers in layers.items() if answer in answers), None)
        seconds = round(time.monotonic() - began, 1)
        told = {"name": name, "attempt": attempt, "answer": answer, "layer": layer, "seconds": seconds}
        print(json.dumps(told), flush=True)


# ---- ways to a host

def resolve(name):
    return socket.getaddrinfo(name, PORT, socket.AF_INET, socket.SOCK_STREAM)[0][4][0]


def tcp(address, port=None):
    return socket.create_connection((address, port or PORT), PATIENCE)


def secure(plain, show=None, protocols=None):
    """TLS over a connection; whoever answers is believed, for what counts is who is reached."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if protocols:
        context.set_alpn_protocols(protocols)
    plain.settimeout(PATIENCE)
    return context.wrap_socket(plain, server_hostname=show)


def ask_proxy(opening):
    """A connection to the proxy on which this was said; raises when it says no."""
    end = tcp(*PROXY)
    end.sendall(opening)
    head = read_head(end)
    if not head:
        raise Refused("closed")
    if not head.split(b" ", 2)[1].startswith(b"2"):
        raise Refused(verdict(head, end))
    return end


def connect(target, port=None):
    name = target if isinstance(target, bytes) else target.encode()
    place = name + b":%d" % (port or PORT)
    return ask_proxy(b"CONNECT " + place + b" HTTP/1.1\r\nHost: " + place + b"\r\n\r\n")


def socks(target, port=None, kind=3, command=1):
    name = target if isinstance(target, bytes) else target.encode()
    end = tcp(*PROXY)
    end.sendall(b"\5\1\0")
    if end.recv(2) != b"\5\0":
        raise Refused("closed")
    told = bytes([len(name)]) + name if kind == 3 else name
    end.sendall(bytes([5, command, 0, kind]) + told + struct.pack(">H", port or PORT))
    answer = end.recv(10)
    if not answer:
        raise Refused("closed")
    if answer[1] != 0:
        raise Refused(f"SOCKS {answer[1]}")
    return end


# ---- HTTP

def read_head(end):
    data = b""
    while b"\r\n\r\n" not in data:
        byte = end.recv(1)
        if not byte:
            return data
        data += byte
    return data


def read_rest(end, head):
    lower = head.lower()
    if b"content-length:" in lower:
        length, data = int(lower.split(b"content-length:")[1].split(b"\r\n")[0]), b""
        while len(data) < length and (piece := end.recv(65536)):
            data += piece
        return data
    data = b""
    try:
        while piece := end.recv(65536):
            data += piece
            if b"chunked" in lower and data.endswith(b"\r\n\r\n"):
                break
    except (OSError, ssl.SSLError):
        pass
    return data


def verdict(head, end):
    """`403 host`: the status, and the one word that the gate gives as the reason."""
    status = head.split(b" ", 2)[1].decode(errors="replace")
    try:
        return f"{status} {json.loads(read_rest(end, head))['error']['reason']}"
    except (ValueError, KeyError, TypeError):
        return status


def answer(end):
    """What came back of a request: `through` when a host of the suite's answered it."""
    head = read_head(end)
    if not head:
        raise Refused("closed")
    if head.split(b" ", 2)[1].startswith((b"2", b"101")) and b"x-host:" in head.lower():
        return "through"
    raise Refused(verdict(head, end))


def request(path, host=None, method="GET", fields=(), body=b""):
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host or f'{ALLOWED}:{PORT}'}", *fields]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


def fetch(end, *what, **how):
    end.sendall(request(*what, **how))
    return answer(end)


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


# ---- HTTP/2, as much of it as it takes to say something wrong

def frame(kind, flags, stream, data):
    return struct.pack(">I", len(data))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + data


def literal(name, value):
    """A field that no table is changed by, and no code shortens: it can be found on the wire."""
    parts = b"\x10"
    for text in (name, value):
        data = text.encode("latin-1")
        parts += (bytes([len(data)]) if len(data) < 127 else b"\x7f" + bytes([len(data) - 127])) + data
    return parts


def fetch2(end, path, authority=None, method="GET", fields=(), body=()):
    """One request of HTTP/2, its body in these frames; what came of it."""
    end.settimeout(PATIENCE if PARAMS["inside"] else 2)
    if end.selected_alpn_protocol() not in ("h2", None):
        raise Refused("no HTTP/2")
    heads = [(":method", method), (":scheme", "https"), (":authority", authority or f"{ALLOWED}:{PORT}"),
             (":path", path), *fields]
    block = b"".join(literal(*each) for each in heads)
    data = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, b"")
    data += frame(1, 4 if body else 5, 1, block)
    data += b"".join(frame(0, 0, 1, piece) for piece in body) + (frame(0, 1, 1, b"") if body else b"")
    end.sendall(data)
    received, text = b"", b""
    while True:
        while len(received) < 9:
            if not (piece := end.recv(65536)):
                raise Refused("closed")
            received += piece
        length, kind, flags = int.from_bytes(received[:3], "big"), received[3], received[4]
        while len(received) < 9 + length:
            if not (piece := end.recv(65536)):
                raise Refused("closed")
            received += piece
        data, received = received[9 : 9 + length], received[9 + length :]
        if kind == 0:
            text += data
        if kind == 3:
            raise Refused("reset")
        if kind == 7:
            raise Refused("closed")
        if kind in (0, 1) and flags & 1:
            break
    if text.startswith(b"hello"):
        return "through"
    try:
        raise Refused(f"403 {json.loads(text)['error']['reason']}")
    except (ValueError, KeyError, TypeError):
        raise Refused(f"answered {text[:40]!r}") from None
