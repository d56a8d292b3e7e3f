# SPDX-License-Identifier: Apache-2.0
"""The breakout suite: tries every way out of the catalogue in real sessions, and unconfined where each must succeed.

    scripts/breakout BINARY [PROBE] [--only E01,E05] [--thorough] [--record FILE] [--guest FILE]
    scripts/breakout BINARY [PROBE] --guest-control FILE     as root in a throw-away guest: makes what --guest reads
    scripts/breakout --publish TABLE RECORD...               one table of what was recorded as root and as a user

One line per check: `ok NAME`, `not ok NAME: why` or `skip NAME: why`. Exit status 1 if one is not ok.
"""

import argparse
import concurrent.futures
import glob
import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

import canaries
import registry
import session
import table

HERE = os.path.dirname(os.path.abspath(__file__))
NOBODY = 65534
# What the probes do as root of a Debian that is thrown away afterwards: `make controls`.
GUEST = f"{HERE}/guest-controls.jsonl"
NAMESPACES = [
    "--user",
    "--map-root-user",
    "--mount",
    "--pid",
    "--fork",
    "--net",
    "--ipc",
    "--uts",
    "--cgroup",
    "--kill-child",
    "--mount-proc",
]


def guest_control(options):
    """Every probe as real root, in namespaces except for one of users: for a guest that is thrown away afterwards."""
    if os.geteuid() != 0 or os.environ.get("BREAKOUT_GUEST") != "throw-away":
        sys.exit("breakout: --guest-control is for root of a throw-away guest (BREAKOUT_GUEST=throw-away)")
    listed = subprocess.run([options.probe, "--list"], capture_output=True, text=True, check=True).stdout.splitlines()
    entries = sorted({json.loads(line)["probe"].partition(".")[0] for line in listed})
    with open(options.guest_control, "w", encoding="utf-8") as file:
        print(json.dumps({"kernel": os.uname().release}), file=file, flush=True)
        for number in entries:
            subprocess.run(
                [
                    "unshare",
                    *[word for word in NAMESPACES if "user" not in word and word != "--map-root-user"],
                    "/usr/bin/python3",
                    "-B",
                    f"{HERE}/control.py",
                    os.path.abspath(options.probe),
                    number,
                ],
                stdout=file,
                stdin=subprocess.DEVNULL,
                check=False,
                timeout=300 * session.PATIENCE,
            )
    return 0


def open_directory():
    """Where set-user-id programs and devices work unconfined, for nothing but Remit to stop them inside.

    Debian 13 mounts /tmp with nosuid and nodev.
    """
    closed = os.ST_NOSUID | os.ST_NODEV | os.ST_NOEXEC
    return next((path for path in ("/tmp", "/var/tmp") if not os.statvfs(path).f_flag & closed), "/tmp")


class Suite:
    """What the drivers are given."""

    def __init__(self, options):
        self.binary = os.path.abspath(options.binary)
        self.probe = os.path.abspath(options.probe)
        self.thorough = options.thorough
        self.is_root = os.geteuid() == 0
        self.base = tempfile.mkdtemp(prefix="rmtb.", dir=open_directory())
        # Not what may stop an agent: the way to every canary is open to everyone.
        os.chmod(self.base, 0o755)
        self.place = session.Installation(self.binary, self.base)
        self.outer = f"{self.base}/outer"
        os.makedirs(self.outer)
        self.agent_user = self.find_agent_user() if self.is_root else None
        self.canaries = canaries.Canaries(self.outer, self.agent_user)
        self.canaries.watch.add(f"{self.place.base}/works", canaries.CHANGING & ~canaries.CREATE)
        self.probes = self.list_probes()

    def rounds(self, quick, thorough):
        """How often a driver repeats itself: races are won in the long run, a test run has to end."""
        part = float(os.environ.get("REMIT_TEST_ROUNDS") or 1)
        return thorough if self.thorough else max(min(quick, 3), int(quick * part))

    def find_agent_user(self):
        """The uid on the host that an agent of root's has."""
        running = self.place.start(["sleep", "30"])
        if not running.wait_for("started"):
            sys.exit(f"breakout: no session starts here: {running.end()}")
        init = next(event["pid"] for event in running.events() if event["event"] == "launched")
        with open(f"/proc/{init}/status", encoding="ascii") as file:
            user = int(next(line for line in file if line.startswith("Uid:")).split()[1])
        running.kill(15)
        running.end()
        return user

    def list_probes(self):
        """Every probe of the program, in order, by name."""
        done = subprocess.run([self.probe, "--list"], capture_output=True, text=True, check=True)
        return {probe["probe"]: probe for probe in map(json.loads, done.stdout.splitlines())}

    def of_entry(self, number):
        return [name for name in self.probes if name.startswith(number + ".")]

    def installation(self, name):
        """An installation apart from the others'."""
        return session.Installation(self.binary, self.base, name)

    def probe_session(self, names, terminal=False, options=(), **how):
        """Runs probes in a session: their answers by name, and the session."""
        workspace = self.place.workspace(self.probe)
        # Names that begin with REMIT_ are remit's own, so env(1) sets them inside.
        variables = [f"{name}={value}" for name, value in self.canaries.environment.items()]
        # The supervisor's number is known when it runs; the agent waits until it has been told.
        script = (
            "until [ -s supervisor ]; do sleep 0.005; done; "
            'read -r REMIT_CANARY_SUPERVISOR <supervisor; export REMIT_CANARY_SUPERVISOR; exec "$@"'
        )
        running = self.place.start(
            ["sh", "-c", script, "sh", "env", *variables, "./" + os.path.basename(self.probe), *names],
            workspace=workspace,
            terminal=terminal,
            options=options,
            **how,
        )
        with open(f"{workspace}/.supervisor", "w", encoding="ascii") as file:
            file.write(f"{running.pid}\n")
        os.chmod(f"{workspace}/.supervisor", 0o644)
        os.rename(f"{workspace}/.supervisor", f"{workspace}/supervisor")
        ended = running.end(60)
        return {value["probe"]: value for value in ended.objects() if "probe" in value}, ended

    def control_words(self):
        """The beginning of a command that runs in namespaces of its own, never as root of the host."""
        drop = ["setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups"] if self.is_root else []
        return [*drop, "unshare", *NAMESPACES]

    def outside(self, words, namespaces=False):
        """An act without a sandbox (in namespaces of its own where it asks): its first JSON line."""
        scratch = f"{self.base}/outside"
        os.makedirs(scratch, exist_ok=True)
        os.chmod(scratch, 0o777)
        prefix = self.control_words() if namespaces else []
        done = subprocess.run(
            [*prefix, f"{self.shared}/remit-probe", "--act", *words],
            cwd=scratch,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=120 * session.PATIENCE,
            check=False,
        )
        return next((json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")), {})

    def control(self, names):
        """Runs probes unconfined in namespaces of their own: their answers by name."""
        done = subprocess.run(
            [
                *self.control_words(),
                "/usr/bin/python3",
                "-B",
                f"{self.shared}/control.py",
                f"{self.shared}/remit-probe",
                *names,
            ],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=120 * session.PATIENCE,
            check=False,
            cwd="/",
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "REMIT_TEST_PATIENCE": str(session.PATIENCE)},
        )
        answers = {}
        for line in done.stdout.splitlines():
            if line.startswith("{"):
                answer = json.loads(line)
                answers[answer["probe"]] = answer
        if not answers:
            answers[""] = {"why": f"exit {done.returncode}: {done.stderr.strip()[-300:]}"}
        return answers

    @property
    def shared(self):
        """Copies of what a control run needs, readable by everyone."""
        directory = f"{self.base}/shared"
        if not os.path.isdir(directory):
            os.makedirs(directory)
            for name in ("control.py", "canaries.py"):
                shutil.copy(f"{HERE}/{name}", directory)
            shutil.copy(self.probe, f"{directory}/remit-probe")
            for name in os.listdir(directory):
                os.chmod(f"{directory}/{name}", 0o755)
            os.chmod(directory, 0o755)
        return directory

    def close(self):
        self.canaries.close()
        subprocess.run(["chmod", "-R", "u+rwx", self.base], check=False, stderr=subprocess.DEVNULL)
        shutil.rmtree(self.base, ignore_errors=True)


def judge(suite, name, answer, control, guest, terminal):
    """The result of one probe: stopped inside, and able to succeed outside."""
    probe = suite.probes[name]
    shown = name + (" (terminal)" if terminal else "")
    result = registry.Result(shown, False, attempt=probe["attempt"])
    result.control = control_text(probe, control.get(name))
    if answer is None:
        result.why = "no answer from the probe"
        return result
    result.seen = answer.get("errno") or answer.get("signal") or answer["result"]
    result.layer = answer.get("layer", "")
    if answer["result"] == "skipped":
        result.skipped, result.why = True, answer.get("why", "")
        return result
    if answer["result"] not in ("stopped", "absent"):
        result.why = f"{answer['result']}: {result.seen} {answer.get('why', '')}".rstrip()
        return result
    unconfined = control.get(name) or guest.get(name) or {}
    outside = unconfined.get("result")
    if probe["global"] or probe["root"]:
        outside = (guest.get(name) or {}).get("result", "guest only")
    if outside == "skipped":
        outside = "guest only"
    if outside not in ("through", "absent", "guest only"):
        result.why = f"unconfined it does not succeed either: {control.get('', {}).get('why') or result.control}"
        return result
    result.stopped = True
    return result


def control_text(probe, answer):
    if answer is None:
        return "guest only" if probe["global"] else "no answer"
    if answer["result"] == "through":
        return "succeeds"
    code = answer.get("errno") or answer.get("signal") or answer.get("why", "")
    if answer["result"] == "absent":
        return f"{code} (not in this kernel)"
    return f"{code}" if probe["root"] else f"{answer['result']} {code}"


def run_probes(suite, number, control, guest, terminals):
    """The probes of an entry, in a session each way."""
    names = suite.of_entry(number)
    results = []
    for terminal in terminals if names else ():
        suite.canaries.touched()
        answers, ended = suite.probe_session(names, terminal)
        results += [judge(suite, name, answers.get(name), control, guest, terminal) for name in names]
        for sentence in suite.canaries.touched():
            results.append(registry.Result(f"{number}.canaries", False, why=sentence))
        if ended.exit not in (0, 1) or len(answers) != len(names):
            results.append(registry.Result(f"{number}.session", False, why=str(ended)))
    # What needs a terminal is skipped without one, and the other way round: one of the two is enough.
    tried = {result.name.removesuffix(" (terminal)") for result in results if not result.skipped}
    return [result for result in results if not result.skipped or result.name.removesuffix(" (terminal)") not in tried]


def run_drivers(suite, number):
    results = []
    for title, function in registry.DRIVERS.get(number, []):
        suite.canaries.touched()
        try:
            found = function(suite)
            found = found if isinstance(found, list) else [found]
        except Exception:  # a driver that breaks has shown nothing
            found = [registry.Result(f"{number}.{function.__name__}", False, why=traceback.format_exc()[-900:])]
        for result in found:
            result.attempt = result.attempt or title
        for sentence in suite.canaries.touched():
            found.append(registry.Result(f"{number}.canaries", False, why=sentence))
        results += found
    return results


def report(results):
    """Prints each result; whether one is not ok."""
    failed = False
    for result in results:
        if result.skipped:
            print(f"skip {result.name}: {result.why}", flush=True)
        elif result.stopped:
            print(f"ok {result.name}", flush=True)
        else:
            failed = True
            print(f"not ok {result.name}: {' '.join(result.why.split())}", flush=True)
    return failed


def parse():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("binary")
    parser.add_argument("probe", nargs="?", help="remit-probe; without it the one beside the binary")
    parser.add_argument("--only", default="", help="entries, with commas")
    parser.add_argument(
        "--thorough", action="store_true", help="thousands of rounds of every race, and a minute of random calls"
    )
    parser.add_argument("--record", metavar="FILE", help="write the results to this file, for --publish")
    parser.add_argument("--guest", default=GUEST, help="answers of the probes unconfined in a throw-away guest")
    parser.add_argument(
        "--guest-control",
        metavar="FILE",
        help="run every probe unconfined as root, which changes this machine, and write the answers",
    )
    parser.add_argument("--times", action="store_true", help="say on stderr how long each entry took")
    options = parser.parse_args()
    options.probe = options.probe or os.path.join(os.path.dirname(os.path.abspath(options.binary)), "remit-probe")
    return options


def main():
    if sys.argv[1:2] == ["--publish"]:
        return table.publish(*sys.argv[2:])
    # An end by a signal clears up as well.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    options = parse()
    if options.guest_control:
        return guest_control(options)
    wanted = [number for number in registry.entries() if not options.only or number in options.only.split(",")]
    for path in sorted(glob.glob(f"{HERE}/drivers/[a-z]*.py")):
        importlib.import_module("drivers." + os.path.basename(path)[:-3])
    with open(options.guest, encoding="utf-8") as file:
        answers = [json.loads(line) for line in file]
    guest = {answer["probe"]: answer for answer in answers if "probe" in answer}
    suite = Suite(options)
    everything, failed = [], False
    try:
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            suite.shared  # made before there are threads
            controls = {
                number: pool.submit(suite.control, [n for n in suite.of_entry(number) if not suite.probes[n]["global"]])
                for number in wanted
                if any(not suite.probes[n]["global"] for n in suite.of_entry(number))
            }
            for number in wanted:
                begun = time.monotonic()
                control = controls[number].result() if number in controls else {}
                results = run_probes(suite, number, control, guest, (False, True)) + run_drivers(suite, number)
                if not results:
                    results = [registry.Result(number, False, why="no probe and no driver for this entry")]
                failed |= report(results)
                everything += results
                if options.times:
                    print(f"{number}: {time.monotonic() - begun:.2f} s", file=sys.stderr)
        if options.record:
            table.record(options.record, everything, guest, suite)
    finally:
        suite.close()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
