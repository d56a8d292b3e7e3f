# SPDX-License-Identifier: Apache-2.0
"""E28, E42, E69, E71, E85, E86, E90: the supervisor's own doors, the network's, and what leaks through what is left."""

import ctypes
import json
import os
import platform
import pwd
import socket
import subprocess
import time

import scripted
from registry import Result, entry
from session import PATIENCE

CONNECT = """
def connect(path):
    with socket.socket(socket.AF_UNIX) as end:
        end.settimeout(5 * PATIENCE)
        end.connect(path)
        end.sendall(b"GET /session HTTP/1.1\\r\\nHost: remit\\r\\n\\r\\n")
        if not end.recv(1):
            raise OSError(errno.ECONNRESET, "closed")
"""


@entry("E28", "reach the supervisor's own socket, state and configuration")
def own_socket(suite):
    place = suite.installation("door")
    script = CONNECT + """
runtime, state, configuration = sys.argv[1:]
session = os.environ["REMIT_SESSION"]
attempt("own-socket", lambda: connect(f"{runtime}/{session}/control.sock"))
attempt("own-journal", lambda: read(f"{state}/sessions/{session}/journal.jsonl"))
attempt("own-state", lambda: os.listdir(state))
attempt("host-key", lambda: os.listdir(state + "/keys"))
attempt("configuration", lambda: os.listdir(configuration))
wait_for("/workspace/go")
"""
    workspace = place.workspace()
    arguments = (f"{place.base}/run", f"{place.base}/state", f"{place.base}/config")
    running = place.start(scripted.command(script, *arguments), workspace=workspace)
    running.wait_for("started")
    running.wait_for(lambda: running.output().count("\n") >= 5)
    # The same from outside, as whoever started the session: there the socket answers.
    identifier = next(event["session"] for event in running.events() if "session" in event)
    path = f"{place.base}/run/{identifier}/control.sock"
    mode = os.stat(path).st_mode & 0o077 if os.path.exists(path) else None
    reached = answers_http(path)
    with open(f"{workspace}/go", "w", encoding="ascii"):
        pass
    ended = running.end()
    found = scripted.answers_of(ended.output)
    results = scripted.judge(
        "E28", found, "answers its owner" if reached else "does not answer", {"": {"ENOENT": "mounts"}},
        {"own-socket": "connect to the supervisor's socket by its path",
         "own-journal": "read the session's own journal",
         "own-state": "list Remit's state", "host-key": "list the directory of the host's key",
         "configuration": "list the operator's configuration"}, ended)
    results.append(Result("E28.own-socket-outside", reached and not (mode or 0), "", f"mode {mode}",
                          "answers its owner",
                          "connect to it as somebody else on the host", f"reached {reached}, mode {mode}"))
    return results


def answers_http(path):
    """Whether a control socket answers this process."""
    try:
        with socket.socket(socket.AF_UNIX) as end:
            end.settimeout(5 * PATIENCE)
            end.connect(path)
            end.sendall(b"GET /session HTTP/1.1\r\nHost: remit\r\n\r\n")
            return bool(end.recv(1))
    except OSError:
        return False


@entry("E69", "listen inside, for somebody outside to connect to")
def inbound(suite):
    script = """
ends = []
for family, address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
    with_port = socket.socket(family)
    with_port.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        with_port.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    with_port.bind((address, int(sys.argv[1])))
    with_port.listen()
    ends.append(with_port)
named = socket.socket(socket.AF_UNIX)
named.bind("\\0" + sys.argv[2])
named.listen()
write("ready")
# It does listen: whoever is inside gets through.
attempt("self", lambda: socket.create_connection(("127.0.0.1", int(sys.argv[1])), 2 * PATIENCE).close())
ends[0].accept()
wait_for("go")
for end in (*ends, named):
    end.setblocking(False)
    try:
        end.accept()
        say("reached", "through")
    except BlockingIOError:
        pass
"""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    name = f"inbound-{suite.canaries.token}"
    workspace = suite.place.workspace()
    running = suite.place.start(scripted.command(script, str(port), name), workspace=workspace)
    running.wait_for(lambda: os.path.exists(f"{workspace}/ready"))
    tries = {}
    for label, family, address in (("loopback", socket.AF_INET, ("127.0.0.1", port)),
                                   ("loopback6", socket.AF_INET6, ("::1", port)),
                                   ("abstract", socket.AF_UNIX, "\0" + name)):
        try:
            with socket.socket(family) as end:
                end.settimeout(2 * PATIENCE)
                end.connect(address)
            tries[label] = "through"
        except OSError as error:
            tries[label] = type(error).__name__
    with open(f"{workspace}/go", "w", encoding="ascii"):
        pass
    ended = running.end()
    found = scripted.answers_of(ended.output)
    able = found.get("self") == "through"
    return [Result(f"E69.inbound-{label}", able and answer != "through" and "reached" not in found, "namespaces",
                   answer, "connects from inside", f"connect from the host to what listens inside ({label})",
                   f"{found} {ended}")
            for label, answer in tries.items()]


@entry("E71", "find a proxy, and have it go where it should not")
def no_proxy(suite):
    script = """
names = [name for name in os.environ if name.lower().endswith("_proxy")]
say("variables", names)
say("interfaces", [name for _, name in socket.if_nameindex()])
say("sockets", os.listdir("/run/remit/sockets"))
listening = []
for table in ("tcp", "tcp6", "udp", "udp6", "unix"):
    try:
        listening += [line for line in open("/proc/self/net/" + table).read().splitlines()[1:]]
    except OSError:
        pass
say("listening", listening)
def routes():
    with open("/proc/self/net/route") as file:
        return file.read().splitlines()[1:]
try:
    say("routes", routes())
except OSError as error:
    say("routes", [])
reached = []
for port in (80, 443, 1080, 3128, 8080, 8118, 8888, 9050):
    with socket.socket() as end:
        end.settimeout(PATIENCE)
        if end.connect_ex(("127.0.0.1", port)) == 0:
            reached.append(port)
say("ports", reached)
"""
    found, ended = scripted.inside(suite, script)
    expected = {"variables": [], "interfaces": ["lo"], "sockets": [], "listening": [], "routes": [], "ports": []}
    return Result("E71.no-proxy", found == expected, "namespaces",
                  "no network, no proxy: only lo, no route, nothing listens; with one see Tests/Egress/RESULTS.md",
                  "nothing to be reached", why=f"{found}: {ended}")


@entry("E85", "use another session's socket, by its name or from another account")
def other_session(suite):
    place = suite.place
    first = place.start(["sleep", str(30 * PATIENCE)])
    try:
        first.wait_for("started")
        identifier = next(event["session"] for event in first.events() if "session" in event)
        path = f"{place.base}/run/{identifier}/control.sock"
        init = next(event["pid"] for event in first.events() if event["event"] == "launched")
        able = answers_http(path)
        script = CONNECT + """
path, session, init, supervisor = sys.argv[1:]
attempt("by-path", lambda: connect(path))
attempt("by-relative", lambda: connect("../../../../../.." + path))
attempt("by-root", lambda: connect("/proc/%s/root%s" % (init, path)))
attempt("by-name", lambda: connect("\\0" + session))
attempt("by-number", lambda: connect("/run/remit/%s/control.sock" % session))
attempt("by-process", lambda: os.listdir("/proc/%s/fd" % supervisor))
"""
        found, ended = scripted.inside(suite, script, path, identifier, str(init), str(first.pid))
        results = scripted.judge(
            "E85", found, "answers its owner" if able else "does not answer",
            {"": {"ENOENT": "mounts"}, "by-name": {"ECONNREFUSED": "namespaces", "EPERM": "landlock-scopes"}},
            {"by-path": "connect to another session's socket by its path", "by-relative": "reach it by ../",
             "by-root": "reach it through another session's root", "by-name": "reach it by an abstract name",
             "by-number": "reach it where one's own would be", "by-process": "list the descriptors of its supervisor"},
             ended)
        if not able:
            results.append(Result("E85.control", False, why="the socket does not answer its owner either"))
        results.append(another_account(suite, path))
        return results
    finally:
        first.kill(15)
        first.end()


def another_account(suite, path):
    attempt = "connect to a session's socket from another account of the host"
    if not suite.is_root:
        return Result("E85.another-account", False, skipped=True, attempt=attempt,
                      why="only root can act as another account")
    done = subprocess.run(
        ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups",
         *scripted.command(CONNECT + "attempt('account', lambda: connect(sys.argv[1]))", path)],
        capture_output=True, text=True, check=False, cwd="/")
    answer = scripted.answers_of(done.stdout).get("account")
    return Result("E85.another-account", answer == "EACCES", "", str(answer), "answers its owner", attempt,
                  done.stderr[-200:])


@entry("E86", "look into the supervisor from outside, as the same user")
def same_user(suite):
    attempt = "read the supervisor's memory or environment as the user who started it"
    if suite.is_root:
        return Result("E86.same-user", False, skipped=True, attempt=attempt,
                      why="nothing is hidden from the host's root")
    running = suite.place.start(["sleep", str(30 * PATIENCE)])
    try:
        running.wait_for("started")
        libc = ctypes.CDLL(None, use_errno=True)

        def tries(process):
            found = {}
            for name in ("mem", "environ", "maps"):
                try:
                    with open(f"/proc/{process}/{name}", "rb") as file:
                        found[name] = "through" if name == "mem" or file.read(1) else "empty"
                except OSError as error:
                    found[name] = error.strerror
            result = libc.ptrace(16, process, None, None)
            found["attach"] = "through" if result == 0 else os.strerror(ctypes.get_errno())
            if result == 0:
                os.waitpid(process, 0x40000000)
                libc.ptrace(17, process, None, None)
            return found
        found = tries(running.pid)
        other = subprocess.Popen(["sleep", str(30 * PATIENCE)])
        # Until its execve(2) is complete it has no environment to be read.
        time.sleep(0.1 * PATIENCE)
        control = tries(other.pid)
        other.kill()
        other.wait()
        return [Result(f"E86.same-user-{name}", answer in ("Permission denied", "Operation not permitted") and
                       control[name] == "through", "guard", answer, control[name], attempt, f"{found} {control}")
                for name, answer in found.items()]
    finally:
        running.kill(15)
        running.end()


STATISTICS = ("cpuinfo", "loadavg", "meminfo", "stat", "uptime")
TABLE = """
names = sys.argv[1].split(",")
def opened(path, flags):
    try:
        os.close(os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC))
        return True
    except OSError:
        return False
ways = {"read": os.O_RDONLY, "write": os.O_WRONLY, "change": os.O_RDWR, "look": os.O_PATH}
places = {"": "/proc/", "-root": "/proc/self/root/proc/", "-working-directory": "/proc/self/cwd/" + 12 * "../" + "proc/"}
for place, start in places.items():
    for way, flags in ways.items():
        say(way + place, [name for name in names if opened(start + name, flags)])
table = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY)
def beside(name):
    try:
        os.close(os.open(name, os.O_RDONLY | os.O_NONBLOCK, dir_fd=table))
        return True
    except OSError:
        return False
say("directory", [name for name in names if beside(name)])
say("listed", sorted(name for name in os.listdir("/proc") if not name.isdigit()))
file = os.open("/proc/stat", os.O_RDONLY)
say("beneath", [path for path in ("..", "../kallsyms", "../sys", ".", "kallsyms")
                if opened("/proc/stat/" + path, os.O_RDONLY)
                or opened("/proc/self/fd/%d/%s" % (file, path), os.O_RDONLY)])
def changed(action):
    try:
        action()
        return True
    except OSError:
        return False
UMOUNT = {"x86_64": 166, "aarch64": 39}[os.uname().machine]
say("taken", [name for name in ("cpuinfo", "loadavg", "meminfo", "stat", "uptime") if
              changed(lambda: os.unlink("/proc/" + name)) or changed(lambda: os.chmod("/proc/" + name, 0o666))
              or changed(lambda: os.rename("/proc/" + name, "/proc/" + name + "x"))
              or changed(lambda: checked(libc.syscall(UMOUNT, ("/proc/" + name).encode(), 2)))])
"""


@entry("E42", "find more of /proc than the statistics that a profile shows")
def statistics(suite):
    place = suite.installation("statistics")
    scripted.profile(place, "statistics", "filesystem: {processes: statistics}")
    options = ["--profile", "statistics"]
    # Every name that this host's own table has, and some that a module would bring.
    names = sorted({name for name in os.listdir("/proc") if not name.isdigit()} - {"self", "thread-self"}
                   | {"asound", "config.gz", "kallsyms", "kcore", "keys", "kmsg", "sched_debug", "sysrq-trigger",
                      "timer_list", "sys/kernel/core_pattern", "sys/kernel/modprobe", "sys/vm/drop_caches",
                      "bus/pci", "driver/rtc", "fs/nfsd", "irq/default_smp_affinity", "tty/drivers"})
    found, ended = scripted.inside(suite, TABLE, ",".join(names), place=place, options=options)
    control = scripted.outside(suite, TABLE, ",".join(names), cwd=suite.outer)
    shown = {name: list(STATISTICS) for name in found if name.partition("-")[0] in ("read", "look", "directory")}
    shown["listed"] = ["self", "thread-self"]
    attempts = {"read": "read every other file of /proc", "write": "open every file of /proc for writing",
                "change": "open every file of /proc for reading and writing", "look": "look at every file of /proc",
                "directory": "read every other file of /proc by a directory's descriptor",
                "listed": "find names of the host in /proc", "beneath": "reach files of /proc through one of them",
                "taken": "remove, rename, change or unmount one of them"}
    results = []
    for name, answer in sorted(found.items()):
        attempt = attempts[name.partition("-")[0]]
        if "-" in name:
            attempt += " by one's own " + name.partition("-")[2].replace("-", " ")
        beyond = [path for path in answer if path not in shown.get(name, [])]
        able = len(control.get(name) or []) > len(shown.get(name, []))
        told = f"{len(control.get(name) or [])} names" if able else "not possible"
        # Through a plain file nothing is reached anywhere, and nothing of /proc is root's to remove.
        fine = not beyond and (able or name in ("beneath", "taken")) and set(shown.get(name, [])) <= set(answer)
        results.append(Result(f"E42.statistics-{name}", fine, "mounts",
                              f"{', '.join(answer) or 'none'} of {len(names)}", told, attempt,
                              f"{found} {control} {ended}"))
    if len(found) != len(attempts) + 8:
        results.append(Result("E42.statistics", False, why=f"{len(found)} answers: {ended}"))
    return results + known_probes(suite, place, options)


def known_probes(suite, place, options):
    """The probes of the entry, which a session of the default profile has already failed, under this profile."""
    names = suite.of_entry("E42")
    workspace = place.workspace(suite.probe)
    ended = place.run(["./remit-probe", *names], options=options, workspace=workspace, within=60)
    answers = {value["probe"]: value for value in ended.objects() if "probe" in value}
    return [
        Result(f"{name}-statistics", answers.get(name, {}).get("result") in ("stopped", "absent"),
               answers.get(name, {}).get("layer", ""), answers.get(name, {}).get("errno") or "no answer",
               "as above", f"{suite.probes[name]['attempt']}, under a profile that shows statistics",
               f"{answers.get(name)}: {ended}")
        for name in names
    ]


LOOK = """
import glob
def contents(path):
    try:
        with open(path, "rb") as file:
            return file.read(1 << 20).decode(errors="replace")
    except OSError:
        return ""
seen = {}
places = ("/proc/self/*", "/proc/self/net/*", "/proc/1/*", "/etc/*")
for path in sorted(path for place in places for path in glob.glob(place)):
    if os.path.isfile(path) and not path.endswith(("/mem", "/exe", "/pagemap", "/mime.types", "/ld.so.cache")):
        seen[path] = contents(path)
seen["uname"] = " ".join(os.uname())
seen["environment"] = json.dumps(dict(os.environ))
seen["host name"] = socket.gethostname()
seen["links"] = " ".join(os.readlink("/proc/self/fd/%d" % number) for number in range(3))
seen["root"] = " ".join(sorted(os.listdir("/")))
import re
for what, secret in json.loads(sys.argv[1]).items():
    # A short name is part of many words.
    edges = ("", "") if "/" in secret else ("(?<![A-Za-z0-9])", "(?![A-Za-z0-9])")
    pattern = re.compile(re.escape(secret).join(edges))
    say(what, sorted(path for path, text in seen.items() if pattern.search(text)))
"""


@entry("E90", "learn paths and names of the host from what the kernel tells")
def leaks(suite):
    place = suite.installation("hidden")
    workspace = place.workspace()
    words = {
        "state": f"{place.base}/state", "runtime": f"{place.base}/run", "configuration": f"{place.base}/config",
        "home": f"{place.base}/home", "canaries": f"{suite.base}/outer", "host name": platform.node(),
        "account": pwd.getpwuid(os.getuid()).pw_dir + "/", "workspace": workspace, "program": suite.binary,
    }
    # The search itself is told in pieces, or it would find its own arguments.
    pieces = {what: text[:1] + "\0" + text[1:] for what, text in words.items()}
    script = LOOK.replace("json.loads(sys.argv[1])", repr(pieces))
    script = script.replace(".items():\n    # A", ".items():\n    secret = secret.replace('\\0', '')\n    # A")
    found, ended = scripted.inside(suite, script, place=place, workspace=workspace)
    control = scripted.outside(suite, script, cwd=f"{suite.base}/outer")
    results = []
    # The mount table names where a bind mount comes from; no kernel hides that, and an agent that must know its
    # workspace by name gains nothing by it. Nothing else may name the host.
    for what in words:
        where = found.get(what)
        allowed = ["/proc/self/mountinfo"] if what == "workspace" else []
        shown = ", ".join(where or []) or "nowhere"
        told = ", ".join((control.get(what) or [])[:3]) or "not told either"
        results.append(Result(f"E90.{what.replace(' ', '-')}", where is not None and set(where) <= set(allowed),
                              "mounts",
                              shown if not where else f"{shown} (accepted)", told,
                              f"learn the {what} of the host", f"{found}: {ended}"))
    return results
