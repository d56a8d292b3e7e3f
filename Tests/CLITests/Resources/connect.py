# SPDX-License-Identifier: Apache-2.0
"""Tries to reach services of the host: `tcp:PORT`, `abstract:NAME`, `path:PATH`, `udp:ADDRESS:PORT`. Prints JSON."""
import errno
import json
import socket
import sys


def reach(target):
    kind, _, rest = target.partition(":")
    try:
        if kind == "tcp":
            address, _, port = rest.rpartition(":")
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            sock = socket.socket(family, socket.SOCK_STREAM)
            sock.settimeout(2)
            sock.connect((address, int(port)))
        elif kind == "udp":
            address, _, port = rest.rpartition(":")
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.sendto(b"x", (address, int(port)))
        else:
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            sock.connect("\0" + rest if kind == "abstract" else rest)
        return "reached"
    except socket.timeout:
        return "timeout"
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error))


print(json.dumps({target: reach(target) for target in sys.argv[1:]}))
