# SPDX-License-Identifier: Apache-2.0
"""The published table: what was tried, what stopped it as root and as a user, and what it does without Remit."""

import dataclasses
import json
import os
import platform
import re

HEAD = """# Results of the egress tier

Made by `make egress`; see `Tests/Egress/suite.py`. Each line is one thing that was tried in real sessions that have a
network: by real programs (the lines without a number), by attacks on what is let out (N), by what is done to get at a
key (C), and by the breakout suite's ways into a network (E). It counts as stopped when it was answered as it has to be
*and* nothing of it arrived at any host of the suite's. *Without Remit*: the same attempt by the same program without a
session, in a network where everything that must not be reached listens, with a careless proxy in place of the gate. A
dash there: what is checked is Remit's own doing (a receipt, a record, an ending), of which there is nothing without it.

Not stopped, and not tried: what the host of a model fetches by itself because a request that a rule allows asks it to (a
tool for searching that runs at the model's host, an address of an image). The paths of a rule say which of its interfaces
an agent gets; what goes through one of them is between the agent and that host (N10).
"""
CELLS = {"|": "\\|", "<": "\\<"}


def record(path, rows):
    """Keeps the results of one run for `publish`."""
    facts = {
        "user": "root" if os.geteuid() == 0 else "an ordinary user",
        "kernel": f"{platform.release()}, {platform.machine()}",
        "rows": [dataclasses.asdict(row) for row in rows],
    }
    with open(path, "w", encoding="utf-8") as file:
        json.dump(facts, file)


def cell(text):
    return "".join(CELLS.get(each, each) for each in " ".join(str(text).split())) or "–"


def outcome(row):
    """What one run came to, for the column of its user."""
    if row is None:
        return ""
    if row["skipped"]:
        return f"skipped: {row['why']}"
    return row["seen"] or "holds" if row["stopped"] else f"**NOT STOPPED** {row['seen']}"


def order(name):
    """N1 before N2 before N11, then C, then E; what has no number first."""
    found = re.match(r"([A-Z])(\d+)\.", name)
    return ("NCE".index(found[1]) + 1, int(found[2])) if found else (0, 0)


def publish(path, *records):
    """Writes one table of what these runs recorded; exit status 1 if something was not stopped."""
    runs = []
    for name in records:
        with open(name, encoding="utf-8") as file:
            runs.append(json.load(file))
    shown = [HEAD]
    for run in runs:
        stopped, skipped = (sum(row[key] for row in run["rows"]) for key in ("stopped", "skipped"))
        shown.append(
            f"As {run['user']}, Linux {run['kernel']}: **{len(run['rows'])} checks, {stopped} hold, "
            f"{len(run['rows']) - stopped - skipped} do not**, {skipped} skipped.\n"
        )
    shown += [
        f"| attack | what it tries | stopped by | {' | '.join('as ' + run['user'] for run in runs)} | without Remit |",
        "|---" * (4 + len(runs)) + "|",
    ]
    found = [{row["name"]: row for row in run["rows"]} for run in runs]
    names = dict.fromkeys(name for rows in found for name in rows)
    for name in sorted(names, key=order):
        rows = [run[name] for run in found if name in run]
        cells = [
            name,
            *("; ".join(dict.fromkeys(row[key] for row in rows if row[key])) for key in ("attempt", "layer")),
        ]
        cells += [outcome(run.get(name)) for run in found]
        cells.append("; ".join(dict.fromkeys(row["control"] for row in rows if row["control"])))
        shown.append("| " + " | ".join(map(cell, cells)) + " |")
    temporary = f"{path}.new"
    with open(temporary, "w", encoding="utf-8") as file:
        file.write("\n".join(shown) + "\n")
    os.replace(temporary, path)
    return 1 if any(not row["stopped"] and not row["skipped"] for run in runs for row in run["rows"]) else 0
