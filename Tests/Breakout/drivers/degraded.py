# SPDX-License-Identifier: Apache-2.0
"""E91: hosts that lack something. Either no session starts and the error names what is missing, or one starts whose
receipt says exactly which layer does not hold; the others still stop every probe."""

import dataclasses
import json
import re
import subprocess

from registry import Result, entry


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
        Host("unshare-forbidden", without("unshare"), r"user.namespace", ()),
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


def excused_in_vain(host):
    """No exception makes a sandbox without namespaces or mounts."""
    return host.layers[:1] in (("namespaces",), ("mounts",))


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
            f"runs; reported: {', '.join(weaker) or host.detail or 'nothing'}",
            why=why,
        )
    if ended.exit not in (125, 126) or not re.search(host.named, ended.errors, re.IGNORECASE):
        return Result(name, False, why=f"ended without a word about `{host.named}`: {ended}")
    said = ended.errors.strip().splitlines()[0][:110]
    required = re.search(r"required layer `([\w.-]+)`", ended.errors)
    if required is None:
        return Result(name, True, "enforcement plan", f"refused ({ended.exit}): {said}")
    if excused_in_vain(host):
        return Result(name, True, "enforcement plan", f"refused ({ended.exit}): {said}")
    # The operator may excuse it: then the receipt says so, and the other layers hold.
    excused = required[1]
    ended, answers, receipt = session(suite, host, ["--allow-degraded", excused])
    if receipt is None:
        fine = ended.exit in (125, 126) and bool(re.search(host.named, ended.errors, re.IGNORECASE))
        return Result(name, fine, "enforcement plan", f"refused: {said}; with the exception as well", why=str(ended))
    why = check_run(host, normal, answers, receipt, (excused,))
    return Result(name, not why, "enforcement plan", f"refused: {said}; excused it is reported", why=why)


def doctor(suite, host):
    """The layers that `remit doctor` calls enforced on such a host, or None when it says nothing."""
    done = subprocess.run(
        [*host.prefix, suite.binary, "doctor", "--format", "json"],
        env=suite.place.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    try:
        value = json.loads(done.stdout)
    except ValueError:
        return None
    layers = value.get("layers", value) if isinstance(value, dict) else value
    return {layer.get("layer", layer.get("name")): layer["state"] for layer in layers}


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
        said = doctor(suite, host)
        if result.stopped and host.layers and said is not None and said.get(host.layers[0]) == "enforced":
            result.stopped, result.why = False, f"`remit doctor` calls {host.layers[0]} enforced"
        results.append(result)
    return results
