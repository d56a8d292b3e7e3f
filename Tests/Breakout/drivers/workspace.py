# SPDX-License-Identifier: Apache-2.0
"""E38, E40, E44, E46-E49: what an agent may do to the files it is given, and what it leaves behind in them."""

import contextlib
import json
import os

import scripted
from registry import Result, entry

ATTACK_READ_ONLY = """
def through_descriptor():
    descriptor = os.open("file", os.O_RDONLY)
    try:
        os.ftruncate(descriptor, 0)
    except OSError as error:
        # A descriptor for reading cannot be cut off; one for writing is what is tried.
        os.ftruncate(os.open("file", os.O_WRONLY), 0)
attempt("open-truncate", lambda: os.open("file", os.O_RDONLY | os.O_TRUNC))
attempt("truncate", lambda: os.truncate("file", 0))
attempt("ftruncate", through_descriptor)
attempt("create", lambda: write("new"))
attempt("temporary", lambda: os.open(".", os.O_TMPFILE | os.O_WRONLY, 0o600))
attempt("chmod", lambda: os.chmod("file", 0o777))
attempt("touch", lambda: os.utime("file"))
attempt("rename", lambda: os.rename("file", "other") or os.rename("other", "file"))
attempt("link", lambda: os.link("file", "hard"))
attempt("remove", lambda: os.unlink("gone"))
attempt("attribute", lambda: os.setxattr("file", "user.remit", b"x"))
attempt("access-list", lambda: os.setxattr("file", "system.posix_acl_access",
        b"\\x02\\0\\0\\0"
        + b"".join(tag + b"\\7\\0\\xff\\xff\\xff\\xff" for tag in (b"\\1\\0", b"\\4\\0", b"\\x20\\0"))))
attempt("reopen", lambda: os.open("/proc/self/fd/%d" % os.open("file", os.O_RDONLY), os.O_WRONLY))
"""


@entry("E38", "change a workspace that is there to be read")
def read_only(suite):
    return changed(suite, "E38", lambda name: name not in ("attribute", "access-list"))


@entry("E47", "set attributes and access lists in a workspace that is there to be read")
def attributes(suite):
    return changed(suite, "E47", lambda name: name in ("attribute", "access-list"))


def changed(suite, number, wanted):
    """What each attempt comes to in a read-only workspace, and in a directory that nobody guards."""
    def fill(directory):
        for name in ("file", "gone"):
            with open(f"{directory}/{name}", "w", encoding="ascii") as file:
                file.write("before\n")
            os.chmod(f"{directory}/{name}", 0o666)
            if suite.is_root:
                os.chown(f"{directory}/{name}", 65534, 65534)
        os.chmod(directory, 0o777)
    workspace = suite.place.workspace()
    fill(workspace)
    suite.canaries.touched()  # what was made ready here
    found, ended = scripted.inside(suite, ATTACK_READ_ONLY, workspace=workspace, options=["--read-only"])
    outside = f"{suite.base}/outer/{number}-read-only"
    os.makedirs(outside)
    fill(outside)
    control = scripted.outside(suite, ATTACK_READ_ONLY, cwd=outside)
    words = {f"read-only-{name}": f"{name} in a read-only workspace" for name in found if wanted(name)}
    if not words:
        return Result(f"{number}.read-only", False, why=str(ended))
    found, control = ({f"read-only-{name}": answer for name, answer in each.items()} for each in (found, control))
    results = scripted.judge(number, found, control, {"": {"EROFS": "mounts", "EACCES": "landlock"}}, words, ended)
    if sorted(os.listdir(workspace)) != ["file", "gone"]:
        results.append(Result(f"{number}.untouched", False, why=f"it now holds {os.listdir(workspace)}"))
    return results


@entry("E40", "use a device node that somebody put into the workspace")
def planted_device(suite):
    if not suite.is_root:
        return Result("E40.planted-device", False, skipped=True, why="only root can put a device into a workspace")
    workspace = suite.place.workspace()
    os.mknod(f"{workspace}/zero", 0o020666, os.makedev(1, 5))
    os.chmod(f"{workspace}/zero", 0o666)
    with open(f"{workspace}/zero", "rb") as file:
        able = file.read(1) == b"\0"
    found, ended = scripted.inside(suite, "attempt('planted-device', lambda: read('zero'))", workspace=workspace)
    os.unlink(f"{workspace}/zero")
    return scripted.judge("E40", found, {"planted-device": "through" if able else "no device"},
                          {"": {"EACCES": "mounts"}}, {"planted-device": "read a device node in the workspace"}, ended)


EXECUTE = """
place, loader = sys.argv[1:]
shutil.copy("/usr/bin/true", place + "/program")
os.chmod(place + "/program", 0o755)
def run(*words, **how):
    status = subprocess.run(words, stderr=subprocess.DEVNULL, **how).returncode
    if status != 0:
        raise OSError(errno.EACCES if status in (126, 127) else errno.EINVAL, "status")
attempt("execute", lambda: run(place + "/program"))
descriptor = os.open(place + "/program", os.O_RDONLY)
attempt("descriptor", lambda: run("/proc/self/fd/%d" % descriptor, pass_fds=[descriptor]))
attempt("loader", lambda: run(loader, place + "/program"))
def map_program():
    import mmap
    mmap.mmap(descriptor, 4096, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_EXEC)
attempt("map", map_program)
os.symlink(place + "/program", "/tmp/linked")
attempt("link", lambda: run("/tmp/linked"))
"""

MEMORY = """
def from_memory():
    descriptor = os.memfd_create("program", 0)
    os.write(descriptor, open("/bin/cat", "rb").read())
    done = subprocess.run(["/proc/self/fd/%d" % descriptor, "/proc/self/status"], pass_fds=[descriptor],
                          capture_output=True, text=True)
    lines = dict(line.split(":\\t") for line in done.stdout.splitlines() if ":\\t" in line)
    say("confined", [lines.get(name, "").strip() for name in ("Seccomp", "NoNewPrivs", "CapBnd", "CapEff")])
attempt("memory", from_memory)
"""


@entry("E44", "execute what lies where nothing may be executed, by every detour")
def execution(suite):
    place = suite.installation("noexec")
    data = f"{place.base}/data"
    os.makedirs(data)
    scripted.profile(place, "data", "filesystem:", "  binds:",
                     f"    - {{source: {data}, target: /opt/data, mode: write, execute: false}}")
    loaders = ("/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1")
    loader = next((path for path in loaders if os.path.exists(path)), "")
    # As an ordinary user the directory is the agent's own; root's agent has another uid.
    os.chmod(data, 0o777)
    found, ended = scripted.inside(suite, EXECUTE, "/opt/data", loader, place=place, options=["--profile", "data"])
    outside = f"{suite.base}/outer/execution"
    os.makedirs(outside)
    control = scripted.outside(suite, EXECUTE.replace("/tmp/linked", outside + "/linked"), outside, loader, cwd=outside)
    words = {"execute": "execute a file of a mount without execution", "descriptor": "execute it by /proc/self/fd",
             "loader": "have the dynamic loader load it", "map": "map it as code", "link": "execute it by a link"}
    no = {"EACCES": "mounts", "EPERM": "mounts"}
    results = scripted.judge("E44", found, control, {"": no, "loader": {**no, "EINVAL": "mounts"}}, words, ended)
    # What EXECUTE does not stop: memory is no file of a mount. It brings nothing that the agent has not already.
    found, ended = scripted.inside(suite, MEMORY)
    confined = found.get("confined")
    results.append(Result(
        "E44.memory", found.get("memory") == "through" and confined == ["2", "1", "0" * 16, "0" * 16], "seccomp",
        "runs, as confined as before", "runs",
        "execute a program that is in memory alone (allowed by the default profile)",
        f"{found}: {ended}"))
    found, ended = scripted.inside(suite, MEMORY, options=["--profile", "strict", "--allow-degraded", "cgroup",
                                                           "--allow-degraded", "limits.memory", "--allow-degraded",
                                                           "limits.processes", "--allow-degraded", "limits.cpu",
                                                           "--allow-degraded", "landlock-scopes", "--allow-degraded",
                                                           "landlock-truncate", "--allow-degraded", "landlock"])
    results.append(Result("E44.memory-strict", found.get("memory") in ("EPERM", "ENOSYS"), "seccomp",
                          str(found.get("memory")),
                          "runs", "the same under the strict profile", f"{found}: {ended}"))
    return results


@entry("E46", "poison the workspace with an overlay's attributes, for the next session to follow")
def overlay(suite):
    workspace = suite.place.workspace()
    os.makedirs(f"{workspace}/directory")
    plant = """
for name, value in (("redirect", b"/../../../.."), ("opaque", b"y"), ("metacopy", b"")):
    attempt(name, lambda: os.setxattr("directory", "user.overlay." + name, value))
os.symlink("/", "upper")
"""
    found, ended = scripted.inside(suite, plant, workspace=workspace)
    look = """
say("entries", sorted(os.listdir("directory")))
say("overlays", [line for line in open("/proc/self/mountinfo") if " - overlay " in line])
attempt("redirected", lambda: read("directory" + sys.argv[1]))
"""
    second, again = scripted.inside(suite, look, suite.canaries.file, workspace=workspace)
    planted = set(found.values()) <= {"through", "EOPNOTSUPP"} and len(found) == 3
    stopped = planted and second == {"entries": [], "overlays": [], "redirected": "ENOENT"}
    return Result("E46.poisoned", stopped, "mounts", "no overlay is mounted, the attributes mean nothing",
                  "guest only", why=f"{found} {second}: {ended}; {again}")


# What overlayfs itself would follow, had somebody written it to its upper layer.
POISON = {
    "redirect": "/../../../..", "metacopy": "", "opaque": "y", "whiteouts": "y", "origin": "x", "overlay.redirect": "/",
}


@entry("E46", "poison the layer over a workspace that is kept apart, from inside")
def layer(suite):
    place = suite.installation("layer")
    workspace = place.workspace()
    for number in range(len(POISON)):
        os.makedirs(f"{workspace}/{number}")
        with open(f"{workspace}/{number}/kept", "w", encoding="ascii") as file:
            file.write("kept\n")
    script = f"""
for number, (name, value) in enumerate({POISON!r}.items()):
    attempt(name, lambda: os.setxattr(str(number), "user.overlay." + name, value.encode()))
    say("seen-" + name, sorted(os.listdir(str(number))))
os.symlink("/", "root")
write("new")
attempt("redirected", lambda: read("0" + sys.argv[1]))
"""
    found, ended = scripted.inside(suite, script, suite.canaries.file, place=place, workspace=workspace,
                                   options=["--overlay"])
    if ended.exit == 126:
        return Result("E46.layer", False, skipped=True, why="no overlays can be made here")
    results = []
    applied = place.remit("apply", ended.session or "none", "--force")
    for number, name in enumerate(POISON):
        kept = os.path.exists(f"{workspace}/{number}/kept") and not os.listxattr(f"{workspace}/{number}")
        # Whatever the kernel answered: nothing else is seen through it, and nothing of it arrives.
        fine = found.get(name) in ("through", "EPERM", "EOPNOTSUPP") and found.get(f"seen-{name}") == ["kept"] and kept
        results.append(Result(
            f"E46.layer-{name.replace('.', '-')}", fine, "mounts",
            f"{found.get(name)}: nothing else is seen, and nothing arrives", "guest only",
            f"set user.overlay.{name} on a directory of the layer, and have it applied",
            f"{found}: {ended}; {applied}"))
    arrived = sorted(set(os.listdir(workspace)) - {str(number) for number in range(len(POISON))})
    results.append(Result("E46.layer-applied", arrived == ["new"] and found.get("redirected") == "ENOENT", "guard",
                          "of what was made only the file arrives, by --force", "", "reach the host's root through it",
                          f"{arrived}: {found}: {applied}"))
    return results


# What overlayfs or a reader of the layer could follow, planted from outside once the session is over.
STRAY = {"redirect": "/../../../..", "metacopy": "", "whiteout": "y"}


@entry("E46", "poison the layer over a workspace that is kept apart, after the session")
def stray(suite):
    place = suite.installation("stray")
    workspace = place.workspace()
    script = f"for name in {list(STRAY)!r}:\n    os.mkdir(name)\n    write(name + '/file')\n"
    ended = place.run(scripted.command(script), workspace=workspace, options=["--overlay"])
    if ended.exit == 126:
        return Result("E46.stray", False, skipped=True, why="no overlays can be made here")
    upper = f"{place.base}/state/sessions/{ended.session}/layers/upper"
    if not os.path.isdir(upper):
        return Result("E46.stray", False, why=f"no layer at {upper}: {ended}")
    for name, value in STRAY.items():
        try:
            os.setxattr(f"{upper}/{name}", f"user.overlay.{name}", value.encode())
        except OSError as error:
            return Result("E46.stray", False, skipped=True, why=f"no attributes on this file system: {error}")
    applied = place.remit("apply", ended.session, "--force")
    arrived = os.listdir(workspace)
    return Result("E46.stray", applied.returncode == 125 and not arrived, "guard",
                  "the layer is not what the session left: nothing is applied, not even by --force", "",
                  "have a layer applied that got an overlay's attributes after the session", f"{arrived}: {applied}")


FILL = """
def fill(path, room):
    block = bytes(1 << 20)
    with open(path, "wb", buffering=0) as file:
        for _ in range(room >> 20):
            file.write(block)
def many(directory, count):
    os.makedirs(directory, exist_ok=True)
    for number in range(count):
        os.close(os.open(f"{directory}/{number}", os.O_CREAT | os.O_WRONLY))
def sparse(path, size):
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY)
    os.ftruncate(descriptor, size)
    os.pwrite(descriptor, b"x", size - 1)
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
"""


@entry("E48", "fill whatever there is to be filled")
def filling(suite):
    attempts = {
        "temporary": ("fill /tmp", "fill('/tmp/full', 300 << 20)", {"ENOSPC": "mounts"}),
        "home": ("fill /home/agent", "os.unlink('/tmp/full'); fill('/home/agent/full', 300 << 20)",
                 {"ENOSPC": "mounts"}),
        "root": ("fill /", "fill('/full', 64 << 20)", {"EROFS": "mounts", "EACCES": "landlock"}),
        "devices": ("fill /dev", "fill('/dev/full-of-it', 64 << 20)", {"EROFS": "mounts", "EACCES": "landlock"}),
        "credentials": ("fill the place of credentials", "fill('/run/remit/credentials/full', 8 << 20)",
                        {"EROFS": "mounts", "EACCES": "landlock"}),
        "sparse": ("make a file of 1 EiB in the workspace", "sparse('huge', 1 << 60)", {"EFBIG": "kernel"}),
        "files": ("make 300,000 empty files in /tmp", "many('/tmp/many', 300000)",
                  {"ENOSPC": "mounts", "ENOMEM": "limits.memory"}),
    }
    script = FILL + "".join(f"""
def {name}_attempt():
    {code}
attempt({name!r}, {name}_attempt)
""" for name, (_, code, _) in attempts.items())
    workspace = suite.place.workspace()
    found, ended = scripted.inside(suite, script, workspace=workspace)
    words = {name: attempt for name, (attempt, _, _) in attempts.items()}
    layers = {name: expected for name, (_, _, expected) in attempts.items()}
    results = scripted.judge("E48", found, "not tried: nothing would bound it", layers, words, ended)
    with contextlib.suppress(OSError):
        used = os.stat(f"{workspace}/huge").st_blocks * 512
        if used > 1 << 20:
            results.append(Result("E48.sparse-used", False, why=f"{used} bytes are in use"))
    results.append(file_size(suite))
    results.append(Result("E48.workspace", False, skipped=True, attempt="fill the file system of the workspace",
                          why="this version has no quota for a workspace that is written to"))
    return results


def file_size(suite):
    """A file of the workspace that grows beyond the limit of a file's size."""
    place = suite.installation("size")
    workspace = place.workspace()
    script = FILL + "attempt('size', lambda: fill('large', 16 << 20))"
    path = scripted.task(suite, place, "large", script, "limits: {fileSize: 4MiB}", workspace=workspace)
    ended = scripted.start_task(place, path).end()
    answer = scripted.answers_of(ended.output).get("size")
    size = os.path.getsize(f"{workspace}/large") if os.path.exists(f"{workspace}/large") else -1
    return Result("E48.file-size", answer == "EFBIG" and 0 < size <= 4 << 20, "limits.memory",
                  f"{answer} at {size} bytes",
                  "not tried: nothing would bound it", "make a file beyond the task's limit of a file's size",
                  str(ended))


LATER = {
    ".git/hooks/post-checkout": "#!/bin/sh\ntouch /tmp/owned\n",
    ".gitconfig": "[core]\n\tfsmonitor = touch /tmp/owned\n",
    ".git/config": "[core]\n\tfsmonitor = touch /tmp/owned\n", ".envrc": "touch /tmp/owned\n",
    ".vscode/tasks.json": "{}", "Makefile": "all:\n\ttouch /tmp/owned\n", "package.json": "{}",
    ".bashrc": "touch /tmp/owned\n",
}

# Leaves them all behind, and what was asked for.
LEAVE = f"""
for name, text in {LATER!r}.items():
    os.makedirs(os.path.dirname(name) or ".", exist_ok=True)
    with open(name, "w") as file:
        file.write(text)
    os.chmod(name, 0o755)
write("src/orders.py")
"""


def later_workspace(place):
    """A workspace with the directories of a repository."""
    workspace = place.workspace()
    for name in (".git/hooks", "src"):
        os.makedirs(f"{workspace}/{name}")
    return workspace


@entry("E49", "leave files behind that a tool of the host executes later")
def later(suite):
    place = suite.installation("later")
    workspace = later_workspace(place)
    path = scripted.task(suite, place, "later", LEAVE, 'outcome: {changed: ["src/**"]}', workspace=workspace)
    ended = scripted.start_task(place, path).end()
    details = json.dumps(place.receipt(ended.session).get("outcome", {})) if ended.session else ""
    results = []
    for name in LATER:
        made = os.path.exists(f"{workspace}/{name}")
        named = f"`{name}` was changed" in details
        results.append(Result(f"E49.{name.replace('/', '-').strip('.')}", ended.exit == 121 and named and made, "guard",
                              "outcome not met, named in the receipt", "", f"leave {name} behind",
                              f"{details}: {ended}"))
    return results


@entry("E49", "leave files behind in a workspace that is kept apart, and have them applied unseen")
def later_apart(suite):
    place = suite.installation("apart")
    workspace = later_workspace(place)
    found, ended = scripted.inside(suite, LEAVE, place=place, workspace=workspace, options=["--overlay"])
    if ended.exit == 126:
        return Result("E49.apart", False, skipped=True, why="no overlays can be made here")
    early = [name for name in LATER if os.path.lexists(f"{workspace}/{name}")]
    shown = {change["path"]: change for change in json.loads(
        place.remit("diff", ended.session or "none", "--format", "json").stdout or "{}").get("changes", [])}
    applied = place.remit("apply", ended.session or "none")
    results = []
    for name in LATER:
        concerns = shown.get(name, {}).get("concerns", [])
        fine = (name not in early and any(concern["weight"] == "flagged" for concern in concerns)
                and not os.path.lexists(f"{workspace}/{name}"))
        results.append(Result(
            f"E49.apart-{name.replace('/', '-').strip('.')}", fine, "guard",
            "flagged, and not applied unless it is named", "", f"leave {name} behind in the layer",
            f"{found} {shown.get(name)}: {ended}; {applied}"))
    return results
