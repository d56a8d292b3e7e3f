# SPDX-License-Identifier: Apache-2.0
"""A real agent edits a real repository over which a layer lies: what `remit diff` says is what git says of the same
edits, nothing of the repository changes before somebody applies them, and then exactly that changes."""

import importlib.machinery
import json
import os
import subprocess

from world import ROOT, Failure, require

canaries = importlib.machinery.SourceFileLoader("canaries", f"{ROOT}/Tests/Breakout/canaries.py").load_module()

ORDERS = """\
def total(prices):
    cents = 0
    for price in prices:
        cents += int(float(price) * 100)
    return cents
"""
REPORT = 'import orders\n\nprint(orders.total(["0.29", "1.13"]))\n'
FIX = ("int(float(price) * 100)", "round(float(price) * 100)")
HISTORY = """
git init -q -b main . && mkdir -p src/old docs && printf '%s' "$ORDERS" >src/orders.py &&
seq 200 >docs/numbers && printf 'no end' >docs/tail && printf '\\0\\1binary' >docs/image && echo x >'docs/with space' &&
echo gone >src/old/gone &&
printf '#!/bin/sh\\n' >src/tool && ln -s numbers docs/link && echo y >docs/typed && printf 'build/\\n' >.gitignore &&
git add -A && git commit -qm first && echo z >>'docs/with space' && git commit -qam second
"""
# What the model has the agent do, in the agent's own shell.
EDITS = [
    "sed -i -e '5d' -e '50s/$/ changed/' -e '150a more' docs/numbers && git diff --stat",
    "git rm -q --cached src/old/gone; rm -r src/old; git status --short",
    "printf ' an end\\n' >>docs/tail; printf '\\0\\2other' >docs/image; mv 'docs/with space' docs/moved",
    "ln -sf moved docs/link; rm docs/typed; ln -s ../src docs/typed; mkdir -p src/new/dir; : >src/new/dir/empty",
]
SCRIPTED = [
    f"sed -i 's/{FIX[0].replace('*', '[*]')}/{FIX[1]}/' src/orders.py",
    f"cat >src/report.py <<'END'\n{REPORT}END",
]
# The same by the tools that Claude Code edits files with.
TOOLS = [
    ("Read", {"file_path": "/workspace/src/orders.py"}),
    ("Edit", {"file_path": "/workspace/src/orders.py", "old_string": FIX[0], "new_string": FIX[1]}),
    ("Write", {"file_path": "/workspace/src/report.py", "content": REPORT}),
]
# What the host would execute some day: shown, and not brought along unless somebody names it.
PLANTED = [
    "chmod 755 src/tool",
    "printf '#!/bin/sh\\ntouch /tmp/owned\\n' >.git/hooks/post-checkout && chmod 755 .git/hooks/post-checkout",
]
NEW = "git ls-files -o -z --exclude-standard | xargs -0r git add -N --"
LETTERS = {"added": "A", "modified": "M", "deleted": "D", "mode": "M", "type": "T"}


def shell(directory, line, check=True):
    """What a shell says in a directory, with git as nobody has set it up."""
    environment = {
        "PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.com", "GIT_COMMITTER_NAME": "a", "ORDERS": ORDERS,
        "GIT_COMMITTER_EMAIL": "a@example.com", "GIT_AUTHOR_DATE": "2026-01-01T00:00:00Z", "LC_ALL": "C.UTF-8",
        "GIT_COMMITTER_DATE": "2026-01-01T00:00:00Z",
    }
    done = subprocess.run(
        ["sh", "-c", line], cwd=directory, env=environment, capture_output=True, text=True, errors="replace",
        stdin=subprocess.DEVNULL, check=False,
    )
    if check and done.returncode != 0:
        raise Failure(f"`{line[:80]}` in {directory}: {done.stderr.strip()[-600:]}")
    return done.stdout


def tree(directory, inside=".", without=".git"):
    """Every path with its kind, mode, owner and target, and the digests of all files."""
    return shell(
        f"{directory}/{inside}",
        f"find . -name {without} -prune -o -printf '%P %y %m %U:%G %l\\n' | sort;"
        f"find . -name {without} -prune -o -type f -print0 | sort -z | xargs -0r sha256sum",
    )


def check(agents, package, variable, command, editing=None):
    """A function that has an agent edit a repository, and compares."""

    def run(world):
        require("git")
        session = agents.session(
            world, package, variable, command,
            workspace={"path": f"{world.directory}/workspace", "mode": "overlay"},
            outcome={"artifacts": ["src/report.py"]},
        )
        twin, patched = f"{world.directory}/twin", f"{world.directory}/patched"
        shell(session.workspace, HISTORY)
        for copy in (twin, patched):
            shell(world.directory, f"cp -a workspace {copy}")
        before = tree(session.workspace, without="nothing")
        world.hosts.commands = [*(editing or SCRIPTED), *EDITS, *PLANTED]
        watch = canaries.Watch()
        for directory, _, _ in os.walk(session.workspace):
            watch.add(directory, canaries.CHANGING)
        session.run().expect()
        if (events := watch.events()) or tree(session.workspace, without="nothing") != before:
            raise Failure(f"the workspace is not as it was before anything was applied: {events[:5]}")

        for line in [*SCRIPTED, *EDITS, PLANTED[0]]:
            shell(twin, line)
        shell(twin, NEW)
        compare_lists(session, twin)
        compare_patches(session, twin, patched)
        apply(session, twin, watch)

    return run


def changes(session):
    found = json.loads(session.remit("diff", session.identifier, "--format", "json"))["changes"]
    return {change["path"]: change for change in found if "directory" not in kinds(change)}


def kinds(change):
    return [(change.get(side) or {}).get("kind") for side in ("before", "after")]


def compare_lists(session, twin):
    """The same paths with the same letters, git's own directory aside."""
    found = changes(session)
    own = (".git/", "placeholder")
    said = sorted(f"{LETTERS[c['change']]}\t{path}" for path, c in found.items() if not path.startswith(own))
    # What is staged, too: against the commit that the workspace is at.
    expected = sorted(shell(twin, "git -c core.quotePath=false diff HEAD --no-renames --name-status").splitlines())
    if said != expected or len(said) < 11:
        raise Failure(f"remit says {said}, and git {expected}")
    flagged = {path for path, change in found.items() if change.get("concerns")}
    if not {".git/hooks/post-checkout", "src/tool"} <= flagged:
        raise Failure(f"only {flagged} are flagged")


def compare_patches(session, twin, patched):
    """The patch makes of another checkout what git's own patch would, but for what git calls binary."""
    with open(f"{session.world.directory}/patch", "w", encoding="utf-8") as file:
        file.write(session.remit("diff", session.identifier, "--format", "patch"))
    shell(
        patched,
        "git apply --whitespace=nowarn --exclude=docs/image --exclude=placeholder --exclude='.git/*' ../patch && "
        f"cp ../twin/docs/image docs/ && {NEW}",
    )
    ours, gits = (shell(at, "git diff HEAD --binary --no-renames") for at in (patched, twin))
    if ours != gits or "+        cents += round(" not in ours:
        raise Failure(f"the patch does something else: {ours[-800:]!r}, and git's {gits[-800:]!r}")


def apply(session, twin, watch):
    """Everything that is not flagged comes along, what is named, and nothing else."""
    git = tree(session.workspace, ".git", "index")
    kept = apply_part(session)
    if not {".git/hooks/post-checkout", "src/tool"} <= kept:
        raise Failure(f"only {sorted(kept)} were refused")
    if rest := apply_part(session, "--paths", "src/tool"):
        raise Failure(f"{rest} were named, and refused")
    if not watch.events():
        raise Failure("the watch saw nothing of what was applied, so that its silence before shows nothing")
    # The agent's own git has written its index; nothing else of git's was to change, and no hook to come.
    if (now := tree(session.workspace, ".git", "index")) != git:
        raise Failure(f"brought along of .git: {sorted(set(now.splitlines()) ^ set(git.splitlines()))}")
    shell(session.workspace, "rm placeholder")
    if (now := tree(session.workspace)) != (expected := tree(twin)):
        differing = sorted(set(now.splitlines()) ^ set(expected.splitlines()))
        raise Failure(f"applied, it is something else than what was edited: {differing}")
    shell(session.workspace, NEW)
    ours, gits = (shell(at, "git diff HEAD --binary --no-renames") for at in (session.workspace, twin))
    if ours != gits:
        raise Failure(f"git says of what was applied {ours[-800:]!r}, and of the edits {gits[-800:]!r}")
    if shell(session.workspace, "git fsck --strict 2>&1; git rev-parse HEAD") != shell(
        twin, "git fsck --strict 2>&1; git rev-parse HEAD"
    ):
        raise Failure("git finds another repository")
    session.remit("discard", session.identifier)


def apply_part(session, *options):
    """Applies; the paths that were refused."""
    done = subprocess.run(
        [session.world.binary, "apply", session.identifier, "--format", "json", *options],
        env=session.world.environment, capture_output=True, text=True, check=False,
    )
    try:
        results = json.loads(done.stdout)["results"]
    except ValueError:
        raise Failure(f"remit apply: {done.stderr.strip()}") from None
    refused = {result["path"] for result in results if result["state"] == "refused"}
    if done.returncode != bool(refused):
        raise Failure(f"remit apply ended with {done.returncode}: {done.stdout[-600:]}")
    return refused
