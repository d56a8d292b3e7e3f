# SPDX-License-Identifier: Apache-2.0
"""N6, N10, E84: requests that two readers take differently, and requests for more than was granted."""

from probe import *

READ = PARAMS["read"]
HERE = f"{READ}:{PORT}"


def reading():
    return secure(tcp(READ), READ)


def send(*pieces):
    """What comes of bytes that are sent as they are, in one piece."""
    end = reading()
    end.sendall("".join(pieces).encode("latin-1"))
    return answer(end)


START = f"POST /ok HTTP/1.1\r\nHost: {HERE}\r\n"


def hidden(tag):
    """A second request, where a reader who counts differently finds one. It is for what the rule does not allow."""
    return f"DELETE /{tag} HTTP/1.1\r\nHost: {HERE}\r\n\r\n"


# ---- N6: each has a request in it that the rule does not allow, for who reads it the other way

FRAMINGS = {
    "two-lengths": ("400 repeated-length", "Content-Length: 0\r\nContent-Length: {n}\r\n\r\n"),
    "list-of-lengths": ("400 invalid-length", "Content-Length: 0, {n}\r\n\r\n"),
    "signed-length": ("400 invalid-length", "Content-Length: +0\r\n\r\n"),
    "length-and-chunks": (
        "400 length-and-encoding",
        "Content-Length: {n}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    "chunks-and-length": (
        "400 length-and-encoding",
        "Transfer-Encoding: chunked\r\nContent-Length: {n}\r\n\r\n0\r\n\r\n",
    ),
    "two-codings": (
        "501 unsupported-encoding",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    ),
    "coding-list": ("501 unsupported-encoding", "Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n"),
    "unknown-coding": ("501 unsupported-encoding", "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
    "vertical-tab": ("400 malformed-field", "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n"),
    "space-before-colon": ("400 malformed-field", "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"),
    "folded": ("400 folded-field", "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"),
    "lookalike": ("400 lookalike-field", "Transfer_Encoding: chunked\r\n\r\n0\r\n\r\n"),
    "bare-line-feed": ("400 bare-line-feed", "X: y\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    "bare-carriage-return": ("400 bare-carriage-return", "X: y\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    "nul": ("400 nul", "X: y\0z\r\nContent-Length: 0\r\n\r\n"),
    "chunk-extension": ("400 malformed-chunk", "Transfer-Encoding: chunked\r\n\r\n0;x=\n\r\n\r\n"),
    "chunk-size": ("400 malformed-chunk", "Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n"),
    "chunk-overflow": ("400 malformed-chunk", "Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n\r\n"),
    "chunk-line-feed": ("400 malformed-chunk", "Transfer-Encoding: chunked\r\n\r\n0\n\n"),
    "early-end": ("400 bare-line-feed", "Content-Length: 0\n\n"),
}
for shape, (refusal, fields) in FRAMINGS.items():
    @probe(f"N6.{shape}", f"hide a request behind {shape.replace('-', ' ')}", gate=[refusal])
    def _(shape=shape, fields=fields):
        body = hidden(f"N6.{shape}")
        return send(START, fields.replace("{n}", str(len(body))), body)


@probe("N6.pipelined", "send a request that is not allowed right behind one that is", gate=["403 method"])
def _():
    end = reading()
    end.sendall(f"{START}Content-Length: 0\r\n\r\n{hidden('N6.pipelined')}".encode())
    answer(end)
    return answer(end)


@probe("N6.clear-http2", "switch to HTTP/2 in the clear (h2c), of which nothing is read", gate=["400 protocol-switch"])
def _():
    return send(
        f"GET /N6.clear-http2 HTTP/1.1\r\nHost: {HERE}\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
        "HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n"
    )


@probe("N6.unknown-protocol", "switch to a protocol that nobody knows", gate=["400 protocol-switch"])
def _():
    return send(f"GET /N6.unknown-protocol HTTP/1.1\r\nHost: {HERE}\r\nConnection: Upgrade\r\nUpgrade: raw\r\n\r\n")


@probe("N6.web-socket-path", "switch to WebSocket where the rule allows no such path", gate=["403 path", "403 method"])
def _():
    return send(f"GET /no/N6.web-socket-path HTTP/1.1\r\nHost: {HERE}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")


@probe("N6.connect-within", "ask the host itself for a tunnel", gate=["501 unsupported-method"])
def _():
    return send(f"CONNECT {OTHER}:443 HTTP/1.1\r\nHost: {HERE}\r\nX: N6.connect-within\r\n\r\n")


@probe("N6.absolute", "send a whole URL of another host over the connection", gate=["400 target-mismatch"])
def _():
    return send(f"GET https://{OTHER}/N6.absolute HTTP/1.1\r\nHost: {HERE}\r\n\r\n")


@probe(
    "N6.http2-length", "say a length of a body over HTTP/2 that it has not", gate=["reset", "closed", "400 malformed"]
)
def _():
    end = secure(tcp(READ), READ, ["h2"])
    return fetch2(end, "/ok", HERE, "POST", [("content-length", "0")], [hidden("N6.http2-length").encode()])


@probe("N6.http2-coding", "name a coding of transfer in HTTP/2", gate=["reset", "closed", "400 malformed"])
def _():
    end = secure(tcp(READ), READ, ["h2"])
    return fetch2(end, "/N6.http2-coding", HERE, "POST", [("transfer-encoding", "chunked")], [b"0\r\n\r\n"])


@probe("N6.http2-line", "break a line in a field of HTTP/2", gate=["reset", "closed", "400 malformed"])
def _():
    end = secure(tcp(READ), READ, ["h2"])
    return fetch2(end, "/ok", HERE, fields=[("x", "y\r\nX: N6.http2-line")])


@probe("N6.http2-path", "break a line in the path of HTTP/2", gate=["reset", "closed", "400 malformed"])
def _():
    end = secure(tcp(READ), READ, ["h2"])
    return fetch2(end, "/ok HTTP/1.1\r\nX: N6.http2-path", HERE)


# ---- N10: what a model's own host would fetch. Granted is `POST` of /v1/messages, and nothing else that it offers.

for path in ("/v1/search", "/v1/responses", "/v1/files", "/v1/messages/batches", "/v1/mcp"):
    @probe(f"N10.{path[4:].replace('/', '-')}", f"have the model's host go out instead, by its {path}", gate=["403 path"])
    def _(path=path):
        model = PARAMS["model"]
        body = f'{{"query": "https://{OTHER}/?N10.{path[4:].replace("/", "-")}"}}'.encode()
        fields = ["Content-Type: application/json", f"Content-Length: {len(body)}"]
        return fetch(secure(tcp(model), model), path, f"{model}:{PORT}", "POST", fields, body)


# ---- E84: granted is `GET` and `POST` of /ok and what is below /v1

DENIED = {"gate": ["403 path", "403 method", "403 ambiguous-path", "400 malformed-target"]}
PATHS = {
    "dot-dot": "/v1/../{}",
    "encoded-dots": "/v1/%2e%2e/{}",
    "encoded-slash": "/v1/..%2f{}",
    "double": "/v1/%252e%252e/{}",
    "backslash": "/v1/..\\{}",
    "parameter": "/v1/..;/{}",
    "empty-segment": "/v1//../{}",
    "elsewhere": "/{}",
    "upper-case": "/V1/{}",
    "nul": "/v1/..%00/{}",
    "overlong": "/v1/%c0%ae%c0%ae/{}",
    "dot": "/./{}",
}
for shape, path in PATHS.items():
    @probe(f"E84.path-{shape}", f"ask for {path.format('…')} where /v1/** is granted", **DENIED)
    def _(shape=shape, path=path):
        return fetch(reading(), path.format(f"E84.path-{shape}"), HERE)


@probe("E84.method", "use a method that is not granted", **DENIED)
def _():
    return fetch(reading(), "/v1/E84.method", HERE, "DELETE")


@probe("E84.method-case", "use it in lower case", **DENIED)
def _():
    return fetch(reading(), "/v1/E84.method-case", HERE, "delete")


for field in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
    @probe(f"E84.{field.lower()}", f"have the host take another method, by {field}", **DENIED)
    def _(field=field):
        return fetch(reading(), f"/v1/E84.{field.lower()}", HERE, "POST", [f"{field}: DELETE", "Content-Length: 0"])


for field in ("X-Original-URL", "X-Rewrite-URL"):
    @probe(f"E84.{field.lower()}", f"have the host take another path, by {field}", **DENIED)
    def _(field=field):
        return fetch(reading(), f"/v1/E84.{field.lower()}", HERE, fields=[f"{field}: /admin"])


@probe("E84.body", "send a longer body than granted", gate=["413 body", "closed"])
def _():
    body = "E84.body".rjust(5000)
    return fetch(reading(), "/v1/large", HERE, "POST", [f"Content-Length: {len(body)}"], body.encode())


@probe("E84.body-chunked", "send one whose length is not said", gate=["413 body", "closed"])
def _():
    end = reading()
    end.sendall(request("/v1/large", HERE, "POST", ["Transfer-Encoding: chunked"]))
    for _ in range(10):
        end.sendall(b"400\r\n" + b"x" * 1024 + b"\r\n")
    end.sendall(b"10\r\n" + b"E84.body-chunked" + b"\r\n0\r\n\r\n")
    return answer(end)


run()
