#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The client of bench/egress, the same in a session and outside of one.

    egress-client.py WHAT NAME PORT AUTHORITY COUNT [PROXY-HOST:PORT | none]

large: COUNT MiB over one connection · small: COUNT requests one after the other over one connection, and over eight at
a time · fresh: COUNT requests, each over a connection of its own · idle: COUNT connections that have had one answer,
until standard input ends. Prints `ready` (not for idle), then one line of JSON, of `idle` when all are open,
and stays until standard input ends. With `none` the name is taken to be on the loopback.
"""

import json
import socket
import ssl
import sys
import threading
import time

WHAT, NAME, PORT, AUTHORITY, COUNT = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4], int(sys.argv[5])
PROXY = sys.argv[6].split(":") if len(sys.argv) > 6 and sys.argv[6] != "none" else None
PLACE = "127.0.0.1" if sys.argv[6:] == ["none"] else NAME
CONTEXT = ssl.create_default_context(cafile=AUTHORITY)


def connect():
    """A TLS connection, through the proxy by CONNECT where there is one.

    A proxy gets the address: it need not resolve the name, and none of them does here.
    """
    if PROXY is None:
        raw = socket.create_connection((PLACE, PORT), 30)
    else:
        raw = socket.create_connection((PROXY[0], int(PROXY[1])), 30)
        raw.sendall(f"CONNECT 127.0.0.1:{PORT} HTTP/1.1\r\nHost: 127.0.0.1:{PORT}\r\n\r\n".encode())
        reply = b""
        while not reply.endswith(b"\r\n\r\n"):
            piece = raw.recv(1)
            if not piece:
                raise OSError(f"the proxy closed: {reply!r}")
            reply += piece
        if b" 200 " not in reply.partition(b"\r\n")[0]:
            raise OSError(f"the proxy said {reply!r}")
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return CONTEXT.wrap_socket(raw, server_hostname=NAME)


def get(connection, path, buffer):
    """One request over a connection that stays open; how many bytes of body came."""
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {NAME}:{PORT}\r\nAccept: */*\r\n\r\n".encode())
    head = b""
    while b"\r\n\r\n" not in head:
        piece = connection.recv(16384)
        if not piece:
            raise OSError(f"the host closed: {head[:200]!r}")
        head += piece
    head, _, body = head.partition(b"\r\n\r\n")
    if b" 200 " not in head.partition(b"\r\n")[0]:
        raise OSError(f"the host said {head!r}")
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    whole, came = int(fields[b"content-length"]), len(body)
    while came < whole:
        count = connection.recv_into(buffer)
        if count == 0:
            raise OSError("the host closed early")
        came += count
    return came


def ready():
    """From here on it is measured what the proxy takes."""
    print("ready", flush=True)


def sequence(count):
    """Seconds of each of so many requests over one connection, after one that is not counted."""
    buffer, times = bytearray(65536), []
    with connect() as connection:
        get(connection, "/small", buffer)
        for _ in range(count):
            begin = time.perf_counter()
            get(connection, "/small", buffer)
            times.append(time.perf_counter() - begin)
    return times


def large():
    buffer = bytearray(1 << 20)
    with connect() as connection:
        get(connection, "/small", buffer)
        ready()
        begin = time.perf_counter()
        came = get(connection, f"/large-{COUNT}", buffer)
        return {"mebibytesPerSecond": came / (time.perf_counter() - begin) / (1 << 20)}


def small():
    ready()
    times = sequence(COUNT)
    failures = []

    def work():
        try:
            sequence(COUNT // 8)
        except OSError as error:
            failures.append(str(error))

    threads = [threading.Thread(target=work) for _ in range(8)]
    begin = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise OSError(failures[0])
    return {"times": times, "perSecond": COUNT // 8 * 8 / (time.perf_counter() - begin)}


def fresh():
    buffer, times = bytearray(65536), []
    ready()
    for _ in range(COUNT):
        begin = time.perf_counter()
        with connect() as connection:
            get(connection, "/small", buffer)
        times.append(time.perf_counter() - begin)
    return {"times": times}


def idle():
    buffer, open_ones = bytearray(65536), []
    try:
        for _ in range(COUNT):
            connection = connect()
            get(connection, "/small", buffer)
            open_ones.append(connection)
    except OSError as error:
        print(json.dumps({"open": len(open_ones), "problem": str(error)}), flush=True)
    else:
        print(json.dumps({"open": len(open_ones)}), flush=True)
    sys.stdin.read()


result = {"large": large, "small": small, "fresh": fresh, "idle": idle}[WHAT]()
if result is not None:
    print(json.dumps(result), flush=True)
    sys.stdin.read()
