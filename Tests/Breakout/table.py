# SPDX-License-Identifier: Apache-2.0
"""The published table: what was tried, what stopped it, and what the same attempt does unconfined."""

import os
import platform
import subprocess


def facts(suite):
    """What the host is."""
    doctor = subprocess.run(
        [suite.binary, "doctor"], env=suite.place.environment, capture_output=True, text=True, check=False
    ).stdout
    layers = [line.split(None, 3) for line in doctor.splitlines()[3:] if len(line.split(None, 3)) == 4]
    lines = [
        f"- kernel {platform.release()}, {platform.machine()}",
        f"- run as {'root' if suite.is_root else 'an ordinary user'}",
    ]
    lines += [f"- {name}: {state}, {how}" for name, state, _, how in layers]
    return lines


def cell(text):
    return " ".join(str(text).split()).replace("|", "\\|")


def write(path, results, guest, suite):
    """Writes the table of these results to a file."""
    shown = [
        "# Results of the breakout suite",
        "",
        "Made by `make breakout`; see `scripts/breakout`.",
        "",
        *facts(suite),
        "",
    ]
    shown += [
        "| probe | what it tries | stopped by | seen | unconfined (namespaces) | unconfined (guest) |",
        "|---|---|---|---|---|---|",
    ]
    for result in results:
        outside = guest.get(result.name.removesuffix(" (terminal)"), {})
        guest_text = {"through": "succeeds"}.get(outside.get("result"), outside.get("errno", outside.get("result", "")))
        layer = result.layer if result.stopped else (f"skipped: {result.why}" if result.skipped else "**NOT STOPPED**")
        cells = [result.name, result.attempt, layer, result.seen, result.control, guest_text]
        shown.append("| " + " | ".join(map(cell, cells)) + " |")
    stopped = sum(result.stopped for result in results)
    skipped = sum(result.skipped for result in results)
    others = len(results) - stopped - skipped
    shown += ["", f"{len(results)} checks: {stopped} stopped, {others} not, {skipped} skipped.", ""]
    temporary = f"{path}.new"
    with open(temporary, "w", encoding="utf-8") as file:
        file.write("\n".join(shown))
    os.replace(temporary, path)
