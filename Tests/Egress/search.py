#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Searches for a secret: in processes, their memory, environment and arguments, and in files.

    search.py DIGEST LENGTH DIRECTORY...    from inside a session, without holding what it looks for

From inside it takes every run of LENGTH characters that a key is made of and compares SHA-256 with DIGEST; it prints
where the secret is, and how many candidates it saw, so that a search that saw nothing shows.
"""

import base64
import glob
import hashlib
import os
import re
import stat
import sys

FILE_LIMIT = 64 << 20


def spellings(secret):
    """The secret as it is, and as bytes of Base64 (in each of three places), and hexadecimal."""
    raw = secret.encode()
    found = {raw, raw.hex().encode()}
    for shift in range(3):
        text = base64.b64encode(b"\0" * shift + raw)
        # Only what depends on the secret alone.
        found.add(text[(shift * 8 + 5) // 6 : len(text) - 4])
    return found


def files(directories):
    """Regular files beneath, not across other file systems of the kernel's."""
    for directory in directories:
        for parent, folders, names in os.walk(directory):
            # A directory of another file system is a bind of the host's, which nobody in a session can write to.
            folders[:] = [name for name in folders if not os.path.ismount(f"{parent}/{name}")]
            for name in names:
                path = f"{parent}/{name}"
                try:
                    if stat.S_ISREG(os.lstat(path).st_mode):
                        yield path
                except OSError:
                    continue


def read(path, limit=FILE_LIMIT):
    try:
        with open(path, "rb") as file:
            return file.read(limit)
    except OSError:
        return b""


def resident(pid):
    """Readable ranges of a process's memory of which something is there."""
    with open(f"/proc/{pid}/smaps", encoding="utf-8", errors="replace") as file:
        current = None
        for line in file:
            if head := re.match(r"([0-9a-f]+)-([0-9a-f]+) (r)?", line):
                current = (int(head[1], 16), int(head[2], 16)) if head[3] else None
            elif line.startswith("Rss:") and current and int(line.split()[1]) > 0:
                yield current


def pages(pid, first, last):
    """The parts of a range that are in memory, by the page table: an address space may be mostly a reservation."""
    size = os.sysconf("SC_PAGE_SIZE")
    with open(f"/proc/{pid}/pagemap", "rb") as file:
        at = first
        while at < last:
            file.seek(at // size * 8)
            table = file.read(min((last - at) // size, 1 << 16) * 8)
            if not table:
                return
            begin = None
            for index in range(len(table) // 8):
                there = table[index * 8 + 7] & 0xC0  # present, or swapped out
                if there and begin is None:
                    begin = at + index * size
                elif not there and begin is not None:
                    yield begin, at + index * size
                    begin = None
            at += len(table) // 8 * size
            if begin is not None:
                yield begin, at


def in_memory(pid, needles):
    """Which of the needles are in a process's memory, and how many bytes of it were read."""
    found, count, overlap = set(), 0, max(map(len, needles)) - 1
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for first, last in resident(pid):
            kept, expected = b"", None
            for begin, end in pages(pid, first, last):
                for at in range(begin, end, 4 << 20):
                    try:
                        memory.seek(at)
                        piece = memory.read(min(4 << 20, end - at))
                    except (OSError, ValueError):
                        continue
                    data = (kept if at == expected else b"") + piece
                    found.update(needle for needle in needles if needle in data)
                    kept, expected = data[-overlap:], at + len(piece)
                    count += len(piece)
    return found, count


def inside():
    digest, length, directories = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    word, seen = re.compile(rb"[A-Za-z0-9_-]{%d,}" % length), 0
    places = [path for pid in glob.glob("/proc/[0-9]*") for path in (f"{pid}/environ", f"{pid}/cmdline")]
    for path in [*places, *files(directories)]:
        for run in word.findall(read(path)):
            for at in range(min(len(run) - length + 1, 4096)):
                piece = run[at : at + length]
                if piece.startswith(b"sk-"):
                    seen += 1
                if hashlib.sha256(piece).hexdigest() == digest:
                    print(f"found in {path}")
    print(f"candidates {seen}")


if __name__ == "__main__":
    inside()
