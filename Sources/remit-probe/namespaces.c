// SPDX-License-Identifier: Apache-2.0
// E01-E04: namespaces made and entered.

#include "probe.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

// A clone whose child, should there be one, leaves at once.
static int clone_with(unsigned long flags) {
    long child = syscall(SYS_clone, flags, NULL, NULL, NULL, NULL);
    if (child == 0) { _exit(0); }
    int result = probe_result(child);
    if (child > 0) { waitpid((pid_t)child, NULL, __WALL); }
    return result;
}

static int clone3_with(uint64_t flags) {
    struct clone_args arguments = {.flags = flags, .exit_signal = SIGCHLD};
    long child = syscall(SYS_clone3, &arguments, sizeof arguments);
    if (child == 0) { _exit(0); }
    int result = probe_result(child);
    if (child > 0) { waitpid((pid_t)child, NULL, __WALL); }
    return result;
}

static int enter(const char *path, int kind) {
    int namespace = open(path, O_RDONLY | O_CLOEXEC);
    return namespace < 0 ? errno : probe_result(setns(namespace, kind));
}

#define HIGH (1UL << 40)

static int unshare_user(void) { return probe_result(unshare(CLONE_NEWUSER)); }
static int unshare_mounts(void) { return probe_result(unshare(CLONE_NEWNS)); }
static int unshare_network(void) { return probe_result(unshare(CLONE_NEWNET)); }
static int unshare_processes(void) { return probe_result(unshare(CLONE_NEWPID)); }
static int unshare_ipc(void) { return probe_result(unshare(CLONE_NEWIPC)); }
static int unshare_hostname(void) { return probe_result(unshare(CLONE_NEWUTS)); }
static int unshare_cgroup(void) { return probe_result(unshare(CLONE_NEWCGROUP)); }
static int unshare_time(void) { return probe_result(unshare(CLONE_NEWTIME)); }
static int unshare_user_high(void) { return probe_result(syscall(SYS_unshare, HIGH | CLONE_NEWUSER)); }
static int clone_user(void) { return clone_with(CLONE_NEWUSER | SIGCHLD); }
static int clone_user_high(void) { return clone_with(HIGH | CLONE_NEWUSER | SIGCHLD); }
static int clone_mounts(void) { return clone_with(CLONE_NEWNS | SIGCHLD); }
static int clone_network(void) { return clone_with(CLONE_NEWNET | SIGCHLD); }
static int clone_processes(void) { return clone_with(CLONE_NEWPID | SIGCHLD); }
static int clone_hostname_high(void) { return clone_with(HIGH | CLONE_NEWUTS | SIGCHLD); }
static int clone3_user(void) { return clone3_with(CLONE_NEWUSER); }
static int clone3_mounts(void) { return clone3_with(CLONE_NEWNS); }
static int clone3_plain(void) { return clone3_with(0); }
static int setns_own(void) { return enter("/proc/self/ns/uts", CLONE_NEWUTS); }
static int setns_init_mounts(void) { return enter("/proc/1/ns/mnt", CLONE_NEWNS); }
static int setns_init_network(void) { return enter("/proc/1/ns/net", CLONE_NEWNET); }

static int setns_pidfd(void) {
    int process = (int)syscall(SYS_pidfd_open, getpid(), 0);
    return process < 0 ? errno : probe_result(setns(process, CLONE_NEWUTS));
}

static int setns_parent_pidfd(void) {
    int process = (int)syscall(SYS_pidfd_open, 1, 0);
    return process < 0 ? errno : probe_result(setns(process, CLONE_NEWUTS | CLONE_NEWIPC));
}

#define REFUSED "seccomp:EPERM,ENOSYS"
#define DOOR "seccomp:EPERM,ENOSYS userns-door:ENOSPC"

static const struct probe probes[] = {
    {"E01.unshare-user", "make a user namespace with unshare(2)", DOOR, unshare_user, PROBE_PORTABLE},
    {"E01.unshare-user-high", "the same with a bit set that the kernel cuts off", "seccomp:EPERM,ENOSYS userns-door:ENOSPC kernel:EINVAL", unshare_user_high, 0},
    {"E01.unshare-mounts", "make a mount namespace with unshare(2)", REFUSED, unshare_mounts, PROBE_PORTABLE},
    {"E01.unshare-network", "make a network namespace with unshare(2)", REFUSED, unshare_network, 0},
    {"E01.unshare-processes", "make a process namespace with unshare(2)", REFUSED, unshare_processes, 0},
    {"E01.unshare-ipc", "make an IPC namespace with unshare(2)", REFUSED, unshare_ipc, 0},
    {"E01.unshare-hostname", "make a UTS namespace with unshare(2)", REFUSED, unshare_hostname, 0},
    {"E01.unshare-cgroup", "make a cgroup namespace with unshare(2)", REFUSED, unshare_cgroup, 0},
    {"E01.unshare-time", "make a time namespace with unshare(2)", "seccomp:EPERM,ENOSYS kernel:EINVAL", unshare_time, 0},
    {"E02.clone-user", "make a user namespace with clone(2)", DOOR, clone_user, PROBE_PORTABLE},
    {"E02.clone-user-high", "the same with bit 40 set, which the kernel cuts off", DOOR, clone_user_high, PROBE_PORTABLE},
    {"E02.clone-mounts", "make a mount namespace with clone(2)", REFUSED, clone_mounts, 0},
    {"E02.clone-network", "make a network namespace with clone(2)", REFUSED, clone_network, 0},
    {"E02.clone-processes", "make a process namespace with clone(2)", REFUSED, clone_processes, 0},
    {"E02.clone-hostname-high", "make a UTS namespace with clone(2) and bit 40", REFUSED, clone_hostname_high, 0},
    {"E03.clone3-user", "make a user namespace with clone3(2), whose flags no filter sees", "seccomp:ENOSYS userns-door:ENOSPC", clone3_user, PROBE_PORTABLE},
    {"E03.clone3-mounts", "make a mount namespace with clone3(2)", "seccomp:ENOSYS", clone3_mounts, 0},
    {"E03.clone3-plain", "make any process with clone3(2)", "seccomp:ENOSYS", clone3_plain, 0},
    {"E04.setns-own", "enter a namespace of its own with setns(2)", REFUSED, setns_own, PROBE_PORTABLE},
    {"E04.setns-init-mounts", "enter the mount namespace of process 1", "namespaces:ENOENT landlock:EACCES seccomp:EPERM,ENOSYS", setns_init_mounts, 0},
    {"E04.setns-init-network", "enter the network namespace of process 1", "namespaces:ENOENT landlock:EACCES seccomp:EPERM,ENOSYS", setns_init_network, 0},
    {"E04.setns-pidfd", "enter namespaces by a descriptor of itself", REFUSED, setns_pidfd, 0},
    {"E04.setns-init-pidfd", "enter namespaces by a descriptor of process 1", "seccomp:EPERM,ENOSYS namespaces:ESRCH", setns_parent_pidfd, 0},
};
const struct probe_set namespaces_probes = {probes, PROBE_COUNT(probes)};
