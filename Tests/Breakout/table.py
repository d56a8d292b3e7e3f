# SPDX-License-Identifier: Apache-2.0
"""The published table: what was tried, what stopped it as root and as a user, and what it does unconfined."""

import dataclasses
import json
import os
import platform

HEAD = """# Results of the breakout suite

Made by `make breakout`; see `scripts/breakout`. Each line is one way out that was tried in real sessions of the default
profile; a line ending in *(terminal)* was tried once more in a session with one. It counts as stopped when the call was
refused as it has to be *and* no canary outside was touched. *Unconfined*: the same attempt without Remit, in namespaces of
its own, and as the root of a Debian 13 guest that is thrown away (`make controls`). "Not in this kernel" is what a kernel
answers that has no such feature. A dash there: what is checked is Remit's own doing (an exit status, a refusal to start,
a receipt), of which there is nothing without Remit.
"""


def layers(suite):
    """The layers of this host, as `remit doctor` has them."""
    said = json.loads(suite.place.remit("doctor", "--format", "json").stdout)["layers"]
    return [f"{layer['name']}: {layer['state']}, {layer['detail']}" for layer in said]


def record(path, results, guest, suite):
    """Keeps the results of one run for `publish`; called while there still is an installation to ask."""
    rows = []
    for result in results:
        outside = guest.get(result.name.removesuffix(" (terminal)"), {})
        text = {"through": "succeeds"}.get(outside.get("result"), outside.get("errno", outside.get("result", "")))
        rows.append({**dataclasses.asdict(result), "guest": text})
    facts = {
        "user": "root" if suite.is_root else "an ordinary user",
        "kernel": f"{platform.release()}, {platform.machine()}",
        "layers": layers(suite),
        "thorough": suite.thorough,
        "results": rows,
    }
    with open(path, "w", encoding="utf-8") as file:
        json.dump(facts, file)


def cell(text):
    return " ".join(str(text).split()).replace("|", "\\|") or "–"


def outcome(row):
    """What one run came to, for the column of its user."""
    if row is None:
        return ""
    if row["skipped"]:
        return f"skipped: {row['why']}"
    return row["seen"] if row["stopped"] else f"**NOT STOPPED** {row['seen']}"


def joined(rows, key):
    """What the runs have in common, or what each has, in their order."""
    return "; ".join(dict.fromkeys(row[key] for row in rows if row is not None and row[key]))


def publish(path, *records):
    """Writes one table of what these runs recorded; exit status 1 if something was not stopped."""
    runs = []
    for name in records:
        with open(name, encoding="utf-8") as file:
            runs.append(json.load(file))
    shown = [HEAD]
    for run in runs:
        rows = run["results"]
        stopped, skipped = sum(row["stopped"] for row in rows), sum(row["skipped"] for row in rows)
        shown.append(
            f"As {run['user']}, Linux {run['kernel']}: **{len(rows)} checks, {stopped} stopped, "
            f"{len(rows) - stopped - skipped} got through**, {skipped} skipped. Layers here:\n"
        )
        shown += [f"- {cell(line)}" for line in run["layers"]]
        shown.append("")
    users = " | ".join(f"as {run['user']}" for run in runs)
    shown += [
        f"| probe | what it tries | stopped by | {users} | unconfined (namespaces) | unconfined (guest) |",
        "|---" * (5 + len(runs)) + "|",
    ]
    found = [{row["name"]: row for row in run["results"]} for run in runs]
    # The order of the first run, and what only a later one has where the entry's others are.
    names = sorted({name for rows in found for name in rows}, key=lambda name: position(name, found))
    for name in names:
        rows = [run.get(name) for run in found]
        attempt = next(row["attempt"] for row in rows if row is not None)
        cells = [name, attempt, joined(rows, "layer"), *map(outcome, rows), joined(rows, "control")]
        shown.append("| " + " | ".join(map(cell, [*cells, joined(rows, "guest")])) + " |")
    temporary = f"{path}.new"
    with open(temporary, "w", encoding="utf-8") as file:
        file.write("\n".join(shown) + "\n")
    os.replace(temporary, path)
    failed = any(not row["stopped"] and not row["skipped"] for run in runs for row in run["results"])
    return 1 if failed else 0


def position(name, found):
    for number, rows in enumerate(found):
        if name in rows:
            return name[:3], number, list(rows).index(name)
    raise KeyError(name)
