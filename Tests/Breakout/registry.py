# SPDX-License-Identifier: Apache-2.0
"""What a check came to, and which functions drive which entries of the catalogue."""

import dataclasses

DRIVERS = {}  # entry -> list of (title, function)


@dataclasses.dataclass
class Result:
    """One check: a probe in a session, or what a driver found."""

    name: str  # "E34.symlink-swap"
    stopped: bool  # the attempt failed, and nothing was touched
    layer: str = ""  # which layer stopped it
    seen: str = ""  # errno, signal, or what was seen
    control: str = ""  # what the same attempt does unconfined, in namespaces of its own
    attempt: str = ""  # what was tried
    why: str = ""  # why it is not ok
    skipped: bool = False  # `why` names what is missing here


def entry(number, title):
    """Registers a driver: a function of the suite that returns a list of results (or one)."""

    def register(function):
        DRIVERS.setdefault(number, []).append((title, function))
        return function

    return register


def entries():
    """Every entry of the catalogue."""
    return [f"E{number:02}" for number in range(1, 93)]
