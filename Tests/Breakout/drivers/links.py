# SPDX-License-Identifier: Apache-2.0
"""E31-E35, E37: inherited directories, planted links, and paths that change while a session is set up."""

import contextlib
import json
import os
import shutil
import subprocess

import scripted
from registry import Result, entry
from session import PATIENCE

# Opens directories of the host under numbers nobody expects, and becomes the program that follows.
INHERIT = """import os, sys
for number in (30, 31, 100, 500, 1000):
    os.dup2(os.open('/', os.O_RDONLY | os.O_DIRECTORY), number, inheritable=True)
os.execv(sys.argv[1], sys.argv[1:])"""


@entry("E31", "climb from a directory of the host that whoever started the session had open")
def inherited(suite):
    prefix = ["/usr/bin/python3", "-I", "-c", INHERIT]
    control = subprocess.run([*suite.control_words(), *prefix, f"{suite.shared}/remit-probe", "--act", "descriptors"],
                             capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False, cwd="/")
    seen = [json.loads(line) for line in control.stdout.splitlines()]
    able = seen and seen[-1]["directories"] >= 5
    results = []
    for name, stdin in (("descriptors", None), ("standard-input", os.open("/", os.O_RDONLY | os.O_DIRECTORY))):
        workspace = suite.place.workspace(suite.probe)
        ended = suite.place.run(["./remit-probe", "--act", "descriptors"], workspace=workspace, stdin=stdin,
                                prefix=prefix if stdin is None else ())
        if stdin is not None:
            os.close(stdin)
        found = ended.objects()
        # A directory as standard input may as well be refused.
        stopped = found == [{"directories": 0}] and ended.exit == 0 or stdin is not None and ended.exit in (125, 126)
        results.append(Result(f"E31.{name}", bool(stopped and able), "mounts", f"{found[-1:] or ended.exit}",
                              f"{seen[-1:]}", why=f"{ended}; control {control.stdout}"))
    # CVE-2024-21626: the directory to start in is one of those descriptors.
    ended = suite.place.run(["sh", "-c", "echo started; ls ../../.."], workspace="/proc/self/fd/30", prefix=prefix)
    results.append(Result("E31.working-directory", ended.exit in (125, 126) and not ended.output, "mounts",
                          f"refused, exit {ended.exit}", "a directory of the host",
                          "start in an inherited directory of the host",
                          str(ended)))
    return results


@entry("E32", "open the standard streams again, to read or cut off the files behind them")
def reopened(suite):
    script = """
for number in (0, 1, 2):
    link = os.readlink(f"/proc/self/fd/{number}")
    say(f"kind-{number}", "through" if link.startswith("/") and link != "/dev/null" else link.split(":")[0])
    for cut in (lambda: os.close(os.open(f"/proc/self/fd/{number}", os.O_RDWR | os.O_TRUNC)),
                lambda: os.ftruncate(number, 0)):
        try:
            cut()
        except OSError:
            pass
sys.stdout.flush()
"""
    marker = "what was there before"
    prefix = ["/bin/sh", "-c", f"echo {marker}; echo {marker} >&2; exec \"$@\"", "sh"]
    found, ended = scripted.inside(suite, script, prefix=prefix)
    path = f"{suite.place.base}/scratch/reopened"
    with open(path, "wb") as output:
        subprocess.run([*suite.control_words(), *prefix, *scripted.command(script)], stdin=subprocess.DEVNULL,
                       stdout=output, stderr=subprocess.DEVNULL, check=False)
    with open(path, encoding="utf-8") as file:
        cut = marker not in file.read()
    kinds = {found.get(f"kind-{number}") for number in (0, 1, 2)}
    kept = ended.output.startswith(marker) and ended.errors.startswith(marker)
    return Result("E32.reopened", kept and kinds == {"pipe"} and cut, "namespaces", f"{sorted(map(str, kinds))}",
                  "cuts the file off" if cut else "the file stays", why=f"{found}: {ended}")


def make_victim(suite, name):
    """A directory of the host that links lead to: open to everyone, and watched."""
    victim = f"{suite.base}/outer/{name}"
    os.makedirs(f"{victim}/inner", exist_ok=True)
    for path in (victim, f"{victim}/inner"):
        os.chmod(path, 0o777)
    return victim


def state_of(directory):
    return sorted((base, sorted(names), sorted(files)) for base, names, files in os.walk(directory))


@entry("E33", "plant a link in the workspace where the next session's mount goes")
def planted(suite):
    place = suite.installation("planted")
    victim = make_victim(suite, "planted-victim")
    source = f"{place.base}/bound"
    os.makedirs(source)
    with open(f"{source}/bound", "w", encoding="ascii"):
        pass
    scripted.profile(place, "nested", "filesystem:", "  binds:",
                     f"    - {{source: {source}, target: /workspace/link/inner, mode: read}}")
    workspace = place.workspace()
    os.makedirs(f"{workspace}/link/inner")
    options = ["--profile", "nested"]
    able = place.run(["ls", "link/inner"], workspace=workspace, options=options)
    results = [Result("E33.control", able.exit == 0 and able.output == "bound\n", "", "mounted",
                      "an honest mount point in the workspace is mounted upon", why=str(able))]
    before = state_of(victim)
    targets = {"absolute": victim, "root": "/", "relative": "../../../outer/planted-victim",
               "oldroot": "/oldroot" + victim,
               "magic": "/proc/self/root" + victim, "process": "/proc/1/root" + victim, "itself": "link"}
    for name, target in targets.items():
        plant = ["sh", "-c", 'rm -rf link; ln -sfn "$1" link', "sh", target]
        place.run(plant, workspace=workspace)
        if not os.path.islink(f"{workspace}/link"):
            results.append(Result(f"E33.{name}", False, why="the agent could not plant its link"))
            continue
        ended = place.run(["ls", "link/inner"], workspace=workspace, options=options)
        untouched = state_of(victim) == before
        results.append(Result(f"E33.{name}", ended.exit in (125, 126) and not ended.output and untouched, "mounts",
                              f"refused, exit {ended.exit}", able.output.strip(), why=f"{ended}; {state_of(victim)}"))
    results.append(artifact(suite, place))
    return results


def artifact(suite, place):
    """The outcome's artifact is a link to a secret of the host: its digest would tell whether one guessed right."""
    workspace = place.workspace()
    script = f"os.symlink({suite.canaries.file!r}, 'report.json')"
    path = scripted.task(suite, place, "linked", script, "outcome: {artifacts: [report.json]}", workspace=workspace)
    ended = scripted.start_task(place, path).end()
    stopped = ended.exit == 121 and os.path.islink(f"{workspace}/report.json")
    return Result("E33.artifact", stopped, "mounts", f"outcome not met, exit {ended.exit}", "read through the link",
                  "have the supervisor read a secret through a link that is to be an artifact", str(ended))


@contextlib.contextmanager
def swapping(suite, one, other):
    """Two paths that change places all the time."""
    process = subprocess.Popen([suite.probe, "--act", "swap", one, other], stdin=subprocess.DEVNULL)
    try:
        yield
        if process.poll() is not None:
            raise RuntimeError("the swapping ended early")
    finally:
        process.kill()
        process.wait()


def approved_workspace(place, identifier):
    """The workspace that a session's journal names: every link in it followed, once."""
    if identifier is None:
        return ""
    try:
        with open(f"{place.base}/state/sessions/{identifier}/journal.jsonl", encoding="utf-8") as file:
            return json.loads(file.readline())["body"]["workspace"]
    except (OSError, KeyError, ValueError):
        return ""


@entry("E34", "replace a part of the workspace's path by a link while the session is set up")
def raced(suite):
    place = suite.installation("raced")
    victim = make_victim(suite, "raced-victim")
    with open(f"{victim}/which", "w", encoding="ascii") as file:
        file.write("victim\n")
    with open(f"{victim}/inner/which", "w", encoding="ascii") as file:
        file.write("victim\n")
    before = state_of(victim)
    results = []
    for name in ("leaf", "parent", "mount-point"):
        base = f"{place.base}/works/{name}"
        os.makedirs(f"{base}/sub/inner")
        for directory in (f"{base}/sub", f"{base}/sub/inner"):
            with open(f"{directory}/which", "w", encoding="ascii") as file:
                file.write("right\n")
        os.symlink(victim, f"{base}/evil")
        options = []
        workspace = {"leaf": f"{base}/sub", "parent": f"{base}/sub/inner", "mount-point": base}[name]
        command = ["cat", "which"]
        if name == "mount-point":
            source = f"{place.base}/raced-source"
            os.makedirs(source)
            with open(f"{source}/which", "w", encoding="ascii") as file:
                file.write("right\n")
            scripted.profile(place, "raced", "filesystem:", "  binds:",
                             f"    - {{source: {source}, target: /workspace/sub/inner, mode: write}}")
            options = ["--profile", "raced"]
            # Through the mount point, and with the name of the link's own target, should that be there.
            command = ["sh", "-c", f"cat sub/inner/which; echo owned >sub/inner/new; cat {victim}/which 2>/dev/null"]
        rounds, tries, right, linked, refused, wrong = suite.rounds(50, 1000), 0, 0, 0, 0, []
        with swapping(suite, f"{base}/sub", f"{base}/evil"):
            control = subprocess.run([f"{suite.shared}/remit-probe", "--act", "through", f"{base}/sub", "300"],
                                     capture_output=True, text=True, check=False)
            # One in ten finds the right one: of few rounds it may take more, until one has.
            while tries < rounds or right == 0 and tries < 10 * rounds:
                tries += 1
                ended = place.run(command, workspace=workspace, options=options)
                approved = approved_workspace(place, ended.session)
                if name != "mount-point" and ended.output == "victim\n" and approved.startswith(victim):
                    linked += 1  # the link was followed before, not after, the workspace was approved
                elif "victim" in ended.output or ended.output and approved.startswith(victim):
                    wrong.append(f"approved {approved}: {ended}")
                elif ended.output.startswith("right\n"):
                    right += 1
                else:
                    refused += 1
        tried = json.loads(control.stdout)
        if state_of(victim) != before:
            wrong.append(f"the victim now holds {state_of(victim)}")
        seen = f"{right} and {linked} as approved, {refused} refused, {len(wrong)} other than approved of {tries}"
        able = tried["other"] > 0 and tried["same"] > 0
        results.append(Result(f"E34.{name}", not wrong and right > 0 and able, "mounts", seen,
                              f"a plain open(2) takes the link {tried['other']} times of 300",
                              why=f"{seen}; control {tried}; {wrong[:1]}"))
    return results


@entry("E35", "plant /dev, /proc and /tmp as links in a tree that becomes a part of the root")
def planted_root(suite):
    place = suite.installation("rooted")
    victim = make_victim(suite, "rooted-victim")
    tree = f"{place.base}/tree"
    os.makedirs(f"{tree}/honest/inner")
    for name in ("dev", "proc", "tmp"):
        os.symlink(victim, f"{tree}/{name}")
    before = state_of(victim)
    results = []
    for name in ("honest", "dev", "proc", "tmp"):
        scripted.profile(place, f"tree-{name}", "filesystem:", "  binds:",
                         f"    - {{source: {tree}, target: /opt/root}}",
                         f"    - {{source: /usr/lib, target: /opt/root/{name}/inner}}")
        ended = place.run(["ls", f"/opt/root/{name}/inner/os-release"], options=["--profile", f"tree-{name}"])
        if name == "honest":
            results.append(Result("E35.control", ended.exit == 0, "", "mounted", "an honest tree is mounted upon",
                                  why=str(ended)))
            continue
        stopped = ended.exit in (125, 126) and not ended.output and state_of(victim) == before
        results.append(Result(f"E35.{name}", stopped, "mounts", f"refused, exit {ended.exit}", "mounted upon",
                              why=str(ended)))
    # The root is always Remit's own; a profile's links may not stand where it mounts.
    for path in ("/proc", "/dev", "/tmp", "/workspace", "/home/agent", "/run/remit/credentials"):
        name = "link" + path.replace("/", "-")
        scripted.profile(place, name, "filesystem:", f"  links: {{{path}: {victim}}}")
        ended = place.run(["sh", "-c", f"echo started; echo x >{path}/escaped"], options=["--profile", name])
        stopped = ended.exit in (64, 125, 126) and not ended.output and state_of(victim) == before
        results.append(Result(f"E35.{name}", stopped, "mounts", f"refused, exit {ended.exit}", "", why=str(ended),
                              attempt=f"have a profile's link stand at {path}"))
    return results


@entry("E30", "climb out of a workspace that the host renames or removes meanwhile")
def vanished(suite):
    script = CLIMB + """
secret, name, ready, gone = sys.argv[1:]
write(ready)
# The place where it is told moves along with the workspace, or is gone with it.
end = time.monotonic() + 10 * PATIENCE
while time.monotonic() < end and os.path.exists(ready) and not os.path.exists(gone):
    time.sleep(0.005)
say(name, climb())
try:
    say(name + "-path", os.getcwd())
except OSError as error:
    say(name + "-path", errno.errorcode[error.errno])
"""
    results = []
    for name in ("renamed", "removed"):
        workspace = suite.place.workspace()
        running = suite.place.start(scripted.command(script, suite.canaries.file, name, "/workspace/ready",
                                                     "/workspace/gone"),
                                    workspace=workspace)
        running.wait_for(lambda: os.path.exists(f"{workspace}/ready"))
        if name == "renamed":
            os.rename(workspace, f"{suite.base}/outer/renamed-workspace")
            with open(f"{suite.base}/outer/renamed-workspace/gone", "w", encoding="ascii"):
                pass
        else:
            shutil.rmtree(workspace)
        ended = running.end()
        suite.canaries.touched()  # the workspace's own parent was changed by us
        found = scripted.answers_of(ended.output)
        results += scripted.judge("E30", found, "reads what is above it (E37)", {"": {"ENOENT": "mounts"}},
                                  {name: f"climb out of a workspace that is {name} meanwhile"}, ended)
        path = found.get(name + "-path")
        results.append(Result(f"E30.{name}-path", path in ("/workspace", "ENOENT"), "mounts", str(path),
                              "names the host's path",
                              f"learn where a workspace that is {name} has gone", str(ended)))
    return results


CLIMB = """
def climb():
    for up in range(1, 12):
        for path in (secret, os.path.basename(secret)):
            try:
                if read("../" * up + path.lstrip("/")).startswith(b"canary"):
                    return "through"
            except OSError as error:
                last = errno.errorcode[error.errno]
    return last
"""


@entry("E37", "climb from a directory that was moved out of the mount one stands in")
def disconnected(suite):
    place = suite.installation("moved")
    workspace = place.workspace()
    os.makedirs(f"{workspace}/sub/deep/er")
    scripted.profile(place, "twice", "filesystem:", "  binds:",
                     f"    - {{source: {workspace}/sub, target: /opt/sub, mode: write}}")
    script = CLIMB + """
secret, begun, moved = sys.argv[1:]
os.chdir(begun + "/deep/er")
os.rename(moved + "/sub/deep", moved + "/deep")
say("own-move", climb())
"""
    found, ended = scripted.inside(suite, script, suite.canaries.file, "/opt/sub", "/workspace", place=place,
                                   workspace=workspace, options=["--profile", "twice"])
    results = scripted.judge("E37", found, "the kernel itself refuses, since Linux 4.3",
                             {"": {"ENOENT": "mounts", "EACCES": "landlock"}},
                             {"own-move": "move it by another mount of the same directory, and climb"}, ended)
    script = CLIMB + """
secret, ready, gone = sys.argv[1:]
os.makedirs("deeper/still")
os.chdir("deeper/still")
write(ready)
wait_for(gone)
say("host-move", climb())
"""
    workspace = place.workspace()
    found, ended = moved_away(suite, workspace, f"{suite.base}/outer/moved-by-host",
                              lambda: place.start(scripted.command(script, suite.canaries.file, "/workspace/ready",
                                                                   "/workspace/gone"),
                                                  workspace=workspace))
    control = outside_move(suite, script)
    results += scripted.judge("E37", found, control, {"": {"ENOENT": "mounts", "EACCES": "landlock"}},
                              {"host-move": "climb after the host has moved it away"}, ended)
    return results


def moved_away(suite, workspace, target, start):
    """Starts something, moves the directory it stands in, and tells it."""
    running = start()
    running.wait_for(lambda: os.path.exists(f"{workspace}/ready"))
    os.rename(f"{workspace}/deeper", target)
    with open(f"{workspace}/gone", "w", encoding="ascii"):
        pass
    ended = running.end()
    return scripted.answers_of(ended.output), ended


def outside_move(suite, script):
    """The same unconfined: a process that stands in a moved directory reads whatever is above it."""
    directory = f"{suite.base}/outer/moving"
    os.makedirs(directory)
    os.chmod(directory, 0o777)
    process = subprocess.Popen(
        [*suite.control_words(), *scripted.command(script, suite.canaries.file, f"{directory}/ready",
                                                   f"{directory}/gone")],
        cwd=directory, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    while not os.path.exists(f"{directory}/ready") and process.poll() is None:
        pass
    os.makedirs(f"{suite.base}/outer/moved", exist_ok=True)
    os.rename(f"{directory}/deeper", f"{suite.base}/outer/moved/deeper")
    with open(f"{directory}/gone", "w", encoding="ascii"):
        pass
    output = process.communicate(timeout=30 * PATIENCE)[0]
    suite.canaries.touched()  # that was the control run
    return scripted.answers_of(output)
