#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Says where in processes a word is: `PID environ` and `PID memory`, one a line.

find_in_processes.py PID... < WORD
"""

import re
import sys


def resident(pid):
    """Readable ranges of which something is in memory."""
    current = None
    with open(f"/proc/{pid}/smaps", encoding="utf-8", errors="replace") as file:
        for line in file:
            if head := re.match(r"([0-9a-f]+)-([0-9a-f]+) (r)?", line):
                current = (int(head[1], 16), int(head[2], 16)) if head[3] else None
            elif line.startswith("Rss:") and current and int(line.split()[1]) > 0:
                yield current


def is_in_memory(pid, word):
    count = 0
    ranges = list(resident(pid))
    if not ranges:  # it is over, and only not yet waited for
        return False
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for first, last in ranges:
            rest = b""
            for at in range(first, last, 1 << 20):
                try:
                    memory.seek(at)
                    piece = memory.read(min(1 << 20, last - at))
                except (OSError, ValueError):
                    rest = b""
                    continue
                count += len(piece)
                if word in rest + piece:
                    return True
                rest = piece[-len(word):]
    if not count:
        sys.exit(f"nothing of process {pid} could be read")
    return False


word = sys.stdin.buffer.read().strip()
for pid in sys.argv[1:]:
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            if word in file.read():
                print(pid, "environ")
        if is_in_memory(pid, word):
            print(pid, "memory")
    except (FileNotFoundError, ProcessLookupError):  # it has ended, as what starts a session does
        pass
