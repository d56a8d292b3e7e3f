# SPDX-License-Identifier: Apache-2.0
"""A service of the host that no agent may reach: listens on loopback TCP, UDP, an abstract socket and the path given,
prints their names as one JSON line, then a line for each that was reached."""
import json
import os
import select
import socket
import sys

tcp = socket.create_server(("127.0.0.1", 0))
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(("127.0.0.1", 0))
abstract = socket.socket(socket.AF_UNIX)
name = "remit-canary-%d" % os.getpid()
abstract.bind("\0" + name)
abstract.listen()
path = socket.socket(socket.AF_UNIX)
path.bind(sys.argv[1])
path.listen()
print(json.dumps({"tcp": tcp.getsockname()[1], "udp": udp.getsockname()[1], "abstract": name}), flush=True)
names = {tcp: "tcp", udp: "udp", abstract: "abstract", path: "path"}
while True:
    for ready in select.select(list(names), [], [])[0]:
        if ready is udp:
            ready.recv(100)
        else:
            ready.accept()[0].close()
        print("reached " + names[ready], flush=True)
