# SPDX-License-Identifier: Apache-2.0
"""E91: hosts that lack something. Either no session starts and the error names what is missing, or one starts whose
receipt says exactly which layer does not hold; the others still stop every probe."""

import dataclasses
import json
import re
import subprocess

from registry import Result, entry
from session import PATIENCE


@dataclasses.dataclass
class Host:
    """A host that lacks something."""

    name: str
    prefix: list  # the program that makes it so, and starts remit
    named: str  # what an error must name, as a pattern
    layers: tuple = ()  # the layers that may be reported as not enforced, and no others
    detail: str = ""  # what a report must say of a layer although it holds
    through: tuple = ()  # probes that only the missing layer would have stopped
    needs_root: bool = False


def hosts(suite):
    def without(*calls):
        return [f"{suite.shared}/remit-probe", "--act", "without", ",".join(calls)]

    def shell(script):
        return ["sh", "-c", script + '\nexec "$@"', "sh"]

    def namespaces(number):
        return ["unshare", "--user", "--map-root-user", *shell(f"echo {number} >/proc/sys/user/max_user_namespaces")]

    filtering = r"seccomp|system.call filter"
    landlock = ("landlock", "landlock-scopes", "landlock-truncate")
    limits = ("cgroup", "limits.memory", "limits.cpu", "limits.io")
    masked = ["unshare", "--mount", "--pid", "--fork", "--kill-child", *shell("mount -t proc -o subset=pid proc /proc")]
    clone = r"clone3|clone a process|namespaces"
    mounts = r"mount|open_tree|read-only|from the host"
    found = [
        Host("landlock-absent", without("landlock"), r"landlock", landlock),
        Host("landlock-off", without("landlock-disabled"), r"landlock", landlock),
        Host("landlock-forbidden", without("landlock-forbidden"), r"landlock", landlock),
        Host("filter-absent", without("seccomp"), filtering, ("seccomp",)),
        Host("filter-forbidden", without("seccomp-forbidden"), filtering, ("seccomp",)),
        Host("listener-absent", without("seccomp-listener"), filtering, (), "not reported|not counted"),
        Host("clone3-absent", without("clone3"), clone, ("namespaces", "mounts")),
        Host("clone3-forbidden", without("clone3-forbidden"), clone, ("namespaces", "mounts")),
        Host("mount-calls-absent", without("mount-api"), mounts, ("mounts",)),
        Host("mount-attributes-absent", without("mount_setattr"), mounts, ("mounts",)),
        Host("openat2-absent", without("openat2"), mounts, ("mounts",)),
        Host("close-range-absent", without("close_range"), r"close_range|namespaces", ("namespaces", "mounts")),
        Host("capabilities-kept", without("capabilities"), r"capabilit", ()),
        Host("unshare-forbidden", without("unshare"), r"(user|cgroup).namespace", ()),
        Host("pidfd-absent", without("pidfd"), r"pidfd|namespaces", ("namespaces", "mounts")),
        Host("namespaces-off", namespaces(0), r"user.namespaces", ("namespaces", "mounts")),
        Host("namespaces-one", namespaces(1), r"user.namespaces", ("namespaces", "mounts")),
        Host("no-process-table", masked, r"namespaces|proc", ("namespaces", "mounts"), needs_root=True),
        Host(
            "groups-read-only",
            [
                "unshare",
                "--mount",
                "--propagation",
                "private",
                *shell("for m in $(awk '$3 ~ /^cgroup/{print $2}' /proc/mounts); do mount -o remount,bind,ro $m; done"),
            ],
            r"cgroup|control group",
            limits,
            needs_root=True,
        ),
        Host(
            "groups-absent",
            ["unshare", "--mount", "--propagation", "private", *shell("umount -l /sys/fs/cgroup")],
            r"cgroup|control group",
            limits,
            needs_root=True,
        ),
    ]
    return [host for host in found if suite.is_root or not host.needs_root]


def portable(suite):
    return [name for name, probe in suite.probes.items() if probe["portable"]]


def session(suite, host, options=()):
    """Runs the portable probes in a session on such a host: how it ended, its answers and its receipt, if any."""
    workspace = suite.place.workspace(suite.probe)
    ended = suite.place.start(
        ["./remit-probe", "--portable"], workspace=workspace, prefix=host.prefix, options=options
    ).end(60)
    answers = {value["probe"]: value for value in ended.objects() if "probe" in value}
    receipt = None
    if ended.session and any(event["event"] == "started" for event in ended.events):
        receipt = suite.place.receipt(ended.session)
    return ended, answers, receipt


def states(receipt):
    return {layer["name"]: layer for layer in receipt["layers"]}


def check_run(host, normal, answers, receipt, excused=()):
    """What is wrong with a session that ran on such a host; empty when nothing is."""
    now = states(receipt)
    for name, layer in states(normal).items():
        state = now.get(name, {}).get("state")
        if name in host.layers:
            continue
        if state != layer["state"]:
            return f"{name} is {state}, which has nothing to do with it"
    lost = [
        name
        for name in host.layers
        if now.get(name, {}).get("state") == "enforced" and name in states(normal) and name in host.layers[:1]
    ]
    if lost:
        return f"{lost} are reported as enforced"
    if host.detail and not re.search(host.detail, json.dumps(receipt["layers"])):
        return f"ran, and said nothing of it: {now['seccomp']['detail']}"
    if sorted(receipt["degradedAllowed"]) != sorted(excused):
        return f"degradedAllowed is {receipt['degradedAllowed']}"
    through = [
        name
        for name, answer in answers.items()
        if answer["result"] not in ("stopped", "absent", "skipped") and name not in host.through
    ]
    if through or not answers:
        return f"got through: {through} of {len(answers)}"
    return ""


def matched(pattern, layers):
    """The words about a layer that a pattern finds, or nothing."""
    found = re.search(pattern, json.dumps(layers)) if pattern else None
    return found[0] if found else ""


def excused_in_vain(host):
    """No exception makes a sandbox without namespaces, mounts or a filter: nothing starts."""
    return host.layers[:1] in (("namespaces",), ("mounts",), ("seccomp",))


def judge(suite, host, normal):
    name = f"E91.{host.name}"
    ended, answers, receipt = session(suite, host)
    if receipt is not None:
        why = check_run(host, normal, answers, receipt)
        weaker = [f"{layer['name']} {layer['state']}" for layer in receipt["layers"] if layer["state"] != "enforced"]
        return Result(
            name,
            not why,
            "enforcement plan",
            f"runs; reported: {', '.join(weaker) or matched(host.detail, receipt['layers']) or 'nothing'}",
            why=why,
        )
    if ended.exit not in (125, 126) or not re.search(host.named, ended.errors, re.IGNORECASE):
        return Result(name, False, why=f"ended without a word about `{host.named}`: {ended}")
    said = ended.errors.strip().splitlines()[0][:110]
    required = re.search(r"required layer `([\w.-]+)`", ended.errors)
    if required is None:
        return Result(name, True, "enforcement plan", f"refused ({ended.exit}): {said}")
    # The operator may excuse it: then the receipt says so, and the other layers hold.
    excused = required[1]
    ended, answers, receipt = session(suite, host, ["--allow-degraded", excused])
    if receipt is None or excused_in_vain(host):
        fine = ended.exit in (125, 126) and bool(re.search(host.named, ended.errors, re.IGNORECASE))
        return Result(name, fine, "enforcement plan", f"refused: {said}; with the exception as well", why=str(ended))
    why = check_run(host, normal, answers, receipt, (excused,))
    return Result(name, not why, "enforcement plan", f"refused: {said}; excused it is reported", why=why)


def doctor(suite, host, *options):
    """What `remit doctor` says on such a host: its JSON (None when there is none), and the completed process."""
    done = subprocess.run(
        [*host.prefix, suite.binary, "doctor", "--format", "json", *options],
        env=suite.place.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=90 * PATIENCE,
    )
    try:
        return json.loads(done.stdout), done
    except ValueError:
        return None, done


def prove(suite, host, normal):
    """`remit doctor --prove` on such a host: it proves what is left and reports what is not, or it says why not."""
    said, done = doctor(suite, host, "--prove")
    proof = said["proof"] if said else None
    name = f"E91.{host.name}-proved"
    if proof is None:
        first = (done.stderr.strip() or "nothing").splitlines()[0]
        # 126: a required layer is missing. 125: the first session found out. Either way nothing is called proved.
        fine = done.returncode in (125, 126) and re.search(host.named, first, re.IGNORECASE)
        return Result(name, bool(fine), "enforcement plan", f"not proved ({done.returncode}): {first[:110]}",
                      why=f"exit {done.returncode}: {done.stderr[-300:]}")
    before = {layer["name"]: layer["state"] for layer in normal["layers"]}
    weaker = {layer["name"]: layer for layer in said["layers"] if layer["state"] != before.get(layer["name"])}
    attempts = len(proof["probes"])
    why = ""
    if done.returncode != 0 or not proof["proved"] or any(canary["touched"] for canary in proof["canaries"]):
        why = f"exit {done.returncode}: {done.stderr[-300:]} {proof['canaries']}"
    elif attempts != len(normal["proof"]["probes"]):
        why = f"{attempts} attempts were made, {len(normal['proof']['probes'])} are"
    elif set(weaker) - set(host.layers):
        why = f"{sorted(set(weaker) - set(host.layers))} are reported, which have nothing to do with it"
    elif host.layers and not weaker:
        why = "nothing is reported"
    elif host.detail and not re.search(host.detail, json.dumps(said["layers"])):
        why = "nothing is said of it"
    shown = ", ".join(f"{layer['name']} {layer['state']}" for layer in weaker.values())
    shown = shown or matched(host.detail, said["layers"]) or "nothing"
    return Result(name, not why, "enforcement plan", f"{attempts} attempts stopped; reported: {shown}", why=why)


@entry("E91", "prove the confinement on a host that lacks something")
def proved(suite):
    normal, done = doctor(suite, Host("", [], ""), "--prove")
    if normal is None or done.returncode != 0:
        return Result("E91.proved", False, why=f"exit {done.returncode}: {done.stderr}")
    attempts = len(normal["proof"]["probes"])
    results = [Result("E91.proved", normal["proof"]["proved"], "", f"{attempts} attempts stopped, exit 0",
                      attempt="prove the confinement on this host as it is")]
    for host in hosts(suite):
        result = prove(suite, host, normal)
        result.attempt = f"prove the confinement on a host that lacks something: {host.name}"
        results.append(result)
    return results


@entry("E91", "run on a host that lacks something")
def degraded(suite):
    plain = Host("", [], "")
    ended, answers, normal = session(suite, plain)
    if normal is None or not answers:
        return Result("E91.plain", False, why=str(ended))
    results = []
    for host in hosts(suite):
        result = judge(suite, host, normal)
        result.attempt = f"run on a host that lacks something: {host.name}"
        # What cannot hold must not be called enforced by `remit doctor` either.
        said, _ = doctor(suite, host)
        told = {layer["name"]: layer["state"] for layer in said["layers"]} if said else {}
        if result.stopped and host.layers and told.get(host.layers[0]) == "enforced":
            result.stopped, result.why = False, f"`remit doctor` calls {host.layers[0]} enforced"
        results.append(result)
    return results
