#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Lets real programs out of sessions through the gate, to hosts of the suite's own on the loopback.

    Tests/Egress/suite.py [--only WORD] [--record FILE] BINARY
    Tests/Egress/suite.py --publish TABLE RECORD...     one table of what was recorded as root and as a user

Real agents complete a conversation with a model that accepts nothing but the real key, and hold only a placeholder; the
real key is searched for everywhere they could have it. Programs that know nothing of a proxy reach the name that their
task lets them, and nothing else.

One line per check: `ok NAME`, `not ok NAME: why` or `skip NAME: why`. Exit status 1 if one is not ok.
"""

import argparse
import concurrent.futures
import os
import sys
import tempfile
import time

import agents
import attacks
import clients
import doors
import exfiltration
import repository
import table
from world import Skip, World, programs


def checks(only):
    """Name and what is done; the long ones first."""
    found = None

    def agent(start):
        # What is downloaded is downloaded only for who asks for it.
        def check(world):
            nonlocal found
            found = found or agents.Agents()
            return start(found)(world)

        return check

    every = [
        ("claude holds a placeholder", agent(lambda a: a.loop(programs.CLAUDE, "ANTHROPIC_API_KEY", agents.CLAUDE))),
        ("codex holds a placeholder", agent(lambda a: a.loop(programs.CODEX, "OPENAI_API_KEY", agents.CODEX))),
        ("mini-swe-agent holds a placeholder", agent(lambda a: a.loop(programs.MINI, "OPENAI_API_KEY", agents.MINI))),
        (
            "claude edits a repository that is reviewed",
            agent(lambda a: repository.check(a, programs.CLAUDE, "ANTHROPIC_API_KEY", agents.CLAUDE, repository.TOOLS)),
        ),
        (
            "codex edits a repository that is reviewed",
            agent(lambda a: repository.check(a, programs.CODEX, "OPENAI_API_KEY", agents.CODEX)),
        ),
        (
            "mini-swe-agent edits a repository that is reviewed",
            agent(lambda a: repository.check(a, programs.MINI, "OPENAI_API_KEY", agents.MINI)),
        ),
        ("a hostile model gets no key (C1, C3)", agent(lambda a: a.hostile)),
        ("a placeholder in the wrong place ends the session", agent(lambda a: a.ending)),
        ("names carry nothing out (N3)", exfiltration.check),
        ("java reaches the name and nothing else", clients.java),
        ("pip reaches its index and nothing else", clients.pip),
        ("git clones and pushes with a brokered token (C4)", clients.git),
        ("psql reaches its database and nothing else", clients.psql),
        ("curl reaches the name and nothing else", clients.curl),
        ("node reaches the name and nothing else", clients.node),
        ("python sockets reach the name and nothing else", clients.python),
    ]
    every += [(title, attacks.check(file)) for file, title in attacks.FILES.items()]
    every += doors.CHECKS
    return [(name, check) for name, check in every if only in name]


def attempt(binary, name, check):
    """Makes one check: what there is to say of it, a row for each thing that was tried."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="remit-egress-") as directory:
        world = None
        try:
            world = World(binary, directory)
            rows = check(world)
            print(f"{name}: {time.monotonic() - began:.1f} s", file=sys.stderr, flush=True)
            return rows or [attacks.Row(name, True, attempt=(check.__doc__ or "").partition("\n")[0])]
        except Skip as reason:
            return [attacks.Row(name, False, why=str(reason), skipped=True)]
        except Exception as problem:  # a check that breaks has shown nothing
            hosts = f"; the hosts' problems: {world.hosts.problems}" if world and world.hosts.problems else ""
            return [attacks.Row(name, False, why=f"{type(problem).__name__}: {problem}{hosts}")]


def main():
    if sys.argv[1:2] == ["--publish"]:
        return table.publish(*sys.argv[2:])
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--only", default="", help="only checks whose name holds this")
    parser.add_argument("--record", metavar="FILE", help="write the results to this file, for --publish")
    parser.add_argument("--names", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--arena", help=argparse.SUPPRESS)
    parser.add_argument("binary")
    options = parser.parse_args()
    binary = os.path.abspath(options.binary)
    if options.names:
        return exfiltration.inside(binary)
    if options.arena:
        return attacks.run_in_arena(options.arena, binary)
    if not os.access(f"{os.path.dirname(binary)}/remit-egress", os.X_OK):
        print("not ok the gate: remit-egress is not beside the binary")
        return 1
    chosen, results = checks(options.only), []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        attempts = [pool.submit(attempt, binary, *check) for check in chosen]
        for done in concurrent.futures.as_completed(attempts):
            for row in done.result():
                print(row.line(), flush=True)
                results.append(row)
    if options.record:
        table.record(options.record, results)
    return 0 if results and all(row.stopped or row.skipped for row in results) else 1


if __name__ == "__main__":
    sys.exit(main())
