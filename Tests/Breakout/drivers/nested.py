# SPDX-License-Identifier: Apache-2.0
"""E92: remit in remit, in bubblewrap, and in a container as docker makes it: it works, or says clearly why not."""

import json
import os
import shutil
import subprocess

from registry import Result, entry
from session import PATIENCE

# The system calls that docker's default profile refuses without CAP_SYS_ADMIN, of those a sandbox is made with.
DOCKER_REFUSES = [
    "mount",
    "umount2",
    "pivot_root",
    "unshare",
    "setns",
    "open_tree",
    "move_mount",
    "fsopen",
    "fsconfig",
    "fsmount",
    "fspick",
    "mount_setattr",
    "bpf",
    "perf_event_open",
    "keyctl",
    "add_key",
    "request_key",
    "userfaultfd",
    "ptrace",
]
NAMESPACE_FLAGS = 0x7E020000


def verdict(name, status, output, errors, layer, attempt):
    """Works: the inner agent wrote its line as uid 1000. Otherwise 125 or 126 and an error that names what failed."""
    works = status == 0 and "inside 1000" in output
    if status == 134 and "Swift runtime path" in errors and "inside" not in output:
        # Without /proc the runtime gives up before the first line of remit's own.
        return Result(
            name, True, layer, "aborts before it starts (134): the Swift runtime needs /proc", attempt=attempt
        )
    line = next((line for line in errors.splitlines() if line.startswith(("error:", "remit:"))), "")
    clear = status in (125, 126) and line and "inside" not in output
    return Result(
        name,
        bool(works or clear),
        layer,
        "works" if works else f"refused ({status}): {line[:140]}",
        attempt=attempt,
        why=f"status {status}, output {output[-200:]!r}, errors {errors[-300:]!r}",
    )


AGENT = "echo inside $(id -u)"


@entry("E92", "run inside itself")
def inside_remit(suite):
    workspace = suite.place.workspace(suite.binary)
    script = (
        "export REMIT_STATE_DIR=/tmp/state REMIT_RUNTIME_DIR=/tmp/run; "
        f"./{os.path.basename(suite.binary)} run -- sh -c '{AGENT}'; echo status $?"
    )
    ended = suite.place.run(["sh", "-c", script], workspace=workspace, options=["--memory", "2GiB"])
    output = ended.output
    status = int(output.rpartition("status ")[2].split()[0]) if "status " in output else ended.exit
    # No sandbox can be made in the sandbox: that is what its door is for.
    result = verdict("E92.remit", status, output, ended.errors, "userns-door", "run remit in a session of remit")
    if result.stopped and "inside 1000" in output:
        result.stopped, result.why = False, "a sandbox could be made inside the sandbox"
    return result


def directories(suite, name):
    base = f"{suite.base}/{name}"
    for directory in ("state", "run", "config", "work"):
        os.makedirs(f"{base}/{directory}", exist_ok=True)
    shutil.copy(suite.binary, f"{base}/remit")
    return base


@entry("E92", "run inside bubblewrap")
def inside_bubblewrap(suite):
    if shutil.which("bwrap") is None:
        return Result("E92.bubblewrap", False, skipped=True, why="bubblewrap is not installed")
    results = []
    base = directories(suite, "bwrap")
    common = [
        "bwrap",
        "--ro-bind",
        "/usr",
        "/usr",
        "--symlink",
        "usr/bin",
        "/bin",
        "--symlink",
        "usr/lib",
        "/lib",
        "--symlink",
        "usr/lib64",
        "/lib64",
        "--symlink",
        "usr/sbin",
        "/sbin",
        "--ro-bind",
        "/etc",
        "/etc",
        "--dev",
        "/dev",
        "--tmpfs",
        "/tmp",
        "--bind",
        base,
        "/base",
        "--setenv",
        "REMIT_STATE_DIR",
        "/base/state",
        "--setenv",
        "REMIT_RUNTIME_DIR",
        "/base/run",
        "--setenv",
        "REMIT_CONFIG_DIR",
        "/base/config",
        "--setenv",
        "HOME",
        "/base",
    ]
    for name, more in {
        "bubblewrap": ["--proc", "/proc"],
        "bubblewrap-unshared": ["--unshare-all", "--proc", "/proc"],
        "bubblewrap-user": ["--unshare-user", "--unshare-pid", "--proc", "/proc"],
        "bubblewrap-no-userns": ["--unshare-user", "--disable-userns", "--proc", "/proc"],
        "bubblewrap-no-proc": [],
    }.items():
        done = subprocess.run(
            [*common, *more, "--", "/base/remit", "run", "--workspace", "/base/work", "--", "sh", "-c", AGENT],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
            timeout=30 * PATIENCE,
            env={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin"},
            cwd="/",
        )
        result = verdict(
            f"E92.{name}",
            done.returncode,
            done.stdout,
            done.stderr,
            "enforcement plan",
            f"run remit in bubblewrap: {' '.join(more) or 'without /proc'}",
        )
        if done.stderr.startswith("bwrap:"):
            result = Result(
                f"E92.{name}", False, skipped=True, why=f"no such sandbox here: {done.stderr.strip()[:120]}"
            )
        results.append(result)
    return results


def bundle(suite, base):
    """A container as `docker run` makes it: capabilities, masked and read-only paths, the core of its filter."""
    kept = [
        "CAP_CHOWN",
        "CAP_DAC_OVERRIDE",
        "CAP_FSETID",
        "CAP_FOWNER",
        "CAP_MKNOD",
        "CAP_NET_RAW",
        "CAP_SETGID",
        "CAP_SETUID",
        "CAP_SETFCAP",
        "CAP_SETPCAP",
        "CAP_NET_BIND_SERVICE",
        "CAP_SYS_CHROOT",
        "CAP_KILL",
        "CAP_AUDIT_WRITE",
    ]
    mounts = [
        {"destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid", "noexec", "nodev"]},
        {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755"]},
        {
            "destination": "/dev/pts",
            "type": "devpts",
            "source": "devpts",
            "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666"],
        },
        {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=1777"]},
        {"destination": "/base", "type": "bind", "source": base, "options": ["rbind", "rw"]},
    ]
    mounts += [
        {"destination": path, "type": "bind", "source": path, "options": ["rbind", "ro"]} for path in ("/usr", "/etc")
    ]
    masked = ["/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware", "/proc/scsi"]
    filter_ = {
        "defaultAction": "SCMP_ACT_ALLOW",
        "architectures": ["SCMP_ARCH_X86_64"],
        "syscalls": [
            {"names": DOCKER_REFUSES, "action": "SCMP_ACT_ERRNO", "errnoRet": 1},
            {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38},
            {
                "names": ["clone"],
                "action": "SCMP_ACT_ERRNO",
                "errnoRet": 1,
                "args": [{"index": 0, "value": 0x10000000, "valueTwo": 0x10000000, "op": "SCMP_CMP_MASKED_EQ"}],
            },
        ],
    }
    return {
        "ociVersion": "1.0.2",
        "hostname": "breakout",
        "root": {"path": "rootfs", "readonly": False},
        "mounts": mounts,
        "process": {
            "terminal": False,
            "user": {"uid": 0, "gid": 0},
            "cwd": "/",
            "noNewPrivileges": False,
            "args": ["/base/remit", "run", "--workspace", "/base/work", "--", "sh", "-c", AGENT],
            "env": [
                "PATH=/usr/bin:/bin:/usr/sbin:/sbin",
                "HOME=/base",
                "REMIT_STATE_DIR=/base/state",
                "REMIT_RUNTIME_DIR=/base/run",
                "REMIT_CONFIG_DIR=/base/config",
            ],
            "capabilities": {name: kept for name in ("bounding", "effective", "permitted")},
        },
        "linux": {
            "namespaces": [{"type": kind} for kind in ("pid", "ipc", "uts", "mount", "network")],
            "maskedPaths": masked,
            "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
            "seccomp": filter_,
        },
    }


@entry("E92", "run inside a container with docker's default confinement")
def inside_container(suite):
    attempt = "run remit in a container with docker's default capabilities, masks and filter"
    if shutil.which("runc", path="/usr/sbin:/usr/bin:/sbin:/bin") is None or not suite.is_root:
        return Result(
            "E92.container",
            False,
            skipped=True,
            attempt=attempt,
            why="runc is not installed" if suite.is_root else "only root starts such a container here",
        )
    base = directories(suite, "container")
    place = f"{suite.base}/bundle"
    os.makedirs(f"{place}/rootfs", exist_ok=True)
    for name, target in {"bin": "usr/bin", "lib": "usr/lib", "lib64": "usr/lib64", "sbin": "usr/sbin"}.items():
        os.symlink(target, f"{place}/rootfs/{name}")
    results = []
    for name, change in {
        "container": lambda value: None,
        "container-unfiltered": lambda value: value["linux"].pop("seccomp"),
    }.items():
        value = bundle(suite, base)
        change(value)
        with open(f"{place}/config.json", "w", encoding="utf-8") as file:
            json.dump(value, file)
        done = subprocess.run(
            ["runc", "--root", f"{suite.base}/runc", "run", "--bundle", place, f"breakout-{os.getpid()}-{name}"],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
            timeout=60 * PATIENCE,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
            cwd=place,
        )
        result = verdict(f"E92.{name}", done.returncode, done.stdout, done.stderr, "enforcement plan", attempt)
        if "runc run failed" in done.stderr or "runc create failed" in done.stderr:
            result = Result(
                f"E92.{name}", False, skipped=True, attempt=attempt, why=f"runc: {done.stderr.strip()[-200:]}"
            )
        results.append(result)
    return results
