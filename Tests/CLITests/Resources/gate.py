#!/usr/bin/python3 -I
# SPDX-License-Identifier: Apache-2.0
"""A gate that goes wrong as told in the file `mode` beside it, to see what its supervisor makes of that.

It writes every command that it gets to `commands`, accepts every connection, and answers it with where it came from. What
the agent sends makes it say things: `trip`, `ask`, `budget`, `spent`, `die`, `flood`, `stop-reading`.
"""

import json
import os
import selectors
import socket
import sys
import time

PLACE = os.path.dirname(os.path.abspath(__file__))
MODE = open(PLACE + "/mode").read().split()
line = socket.socket(fileno=3)
line.setblocking(True)


def say(event, **members):
    line.sendall((json.dumps({"event": event, **members}) + "\n").encode())


def record(kind, verdict="allow", **more):
    say("record", record={"kind": kind, "verdict": verdict, "rule": "the rule", "up": 1, "down": 2, **more})


def command(text, descriptors, selector):
    command = json.loads(text)
    name = command["command"]
    if name == "configure":
        if "silent" in MODE:
            time.sleep(600)
        say("ready", authority="-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n")
    elif name == "listeners":
        for kind in command["listeners"]:
            accepting = socket.socket(fileno=descriptors.pop(0))
            selector.register(accepting, selectors.EVENT_READ, str(kind))
    elif name == "fence":
        if "stubborn" in MODE and not command.get("lease"):
            time.sleep(600)
        lease = {"lease": command["lease"]} if command.get("lease") else {}
        say("fenced", connections=3, **lease)
        if not lease:
            record("connection", name="late.example", port=443)
    elif name == "usage":
        say("usage", usage={"session": {"requests": 5, "cost": 70}, "hosts": {}, "open": 0})
    elif name == "stop" and "lingering" not in MODE:
        os._exit(0)


def serve(accepting, kind):
    if kind == "names":
        query, peer = accepting.recvfrom(4096)
        record("name", "deny", name="exfil.example", method="A", reason="no rule of the task names the host")
        accepting.sendto(query[:2] + b"\x81\x85" + query[4:6] + b"\0" * 6 + query[12:], peer)
        return
    try:
        connection, _ = accepting.accept()
    except BlockingIOError:
        return
    connection.setblocking(True)
    word = connection.recv(4096).decode(errors="replace").strip()
    record("connection", name="ok.example", address="192.0.2.9", port=443)
    if word == "trip":
        say("tripwire", tripwire={"lease": "api", "host": "evil.example", "port": 443, "place": "body", "request": "POST /"})
    elif word == "ask":
        record("request", name="ok.example", address="192.0.2.9", port=443, method="POST", path="/v1/messages",
               status=200, microseconds=1234567, leases=["api"], via="connect")
        record("request", "deny", address="2001:db8::7", port=8443, method="GET", path="/", status=403, count=7,
               reason="no rule of the task names the path")
        record("request", name="clear.example", port=80, method="GET", path="/", reason="the host refused")
    elif word == "budget":
        say("budget", dimension="requests", threshold=75)
    elif word == "spent":
        say("exhausted", dimension="requests")
    elif word == "die":
        sys.exit("it died of it")
    elif word == "failed":
        say("failed", reason="there is no more memory")
    elif word == "garbage":
        line.sendall(b'{"event":"record"}\n')
    elif word == "flood":
        for number in range(20000):
            record("name", "deny", name="n%d.example" % number, reason="no rule of the task names the host")
    connection.sendall(f"served by {kind}\n".encode())
    connection.close()


def main():
    if "crash" in MODE:
        sys.exit("it went wrong")
    if "noise" in MODE:
        line.sendall(os.urandom(1 << 20))
        time.sleep(600)
    if "endless" in MODE:
        while True:
            line.sendall(b"[" * 65536)
    selector = selectors.DefaultSelector()
    selector.register(line, selectors.EVENT_READ, "line")
    buffer, descriptors = b"", []
    with open(PLACE + "/commands", "a") as log:
        while True:
            for key, _ in selector.select():
                if key.data != "line":
                    serve(key.fileobj, key.data)
                    continue
                data, came, _, _ = socket.recv_fds(line, 1 << 20, 253)
                if not data:
                    os._exit(0)
                buffer += data
                descriptors += came
                while b"\n" in buffer:
                    text, buffer = buffer.split(b"\n", 1)
                    log.write(text.decode() + "\n")
                    log.flush()
                    command(text, descriptors, selector)


main()
