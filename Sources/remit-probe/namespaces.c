// SPDX-License-Identifier: Apache-2.0
// E01-E10: namespaces, capabilities, identities, keys.

#include "probe.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

// A clone whose child, should there be one, leaves at once.
static int clone_with(unsigned long flags) {
    long child = syscall(SYS_clone, flags, NULL, NULL, NULL, NULL);
    if (child == 0) { _exit(0); }
    int result = probe_result(child);
    if (child > 0) { waitpid((pid_t)child, NULL, __WALL); }
    return result;
}

static int unshare_user(void) { return probe_result(unshare(CLONE_NEWUSER)); }
static int unshare_mounts(void) { return probe_result(unshare(CLONE_NEWNS)); }
static int unshare_network(void) { return probe_result(unshare(CLONE_NEWNET)); }
static int unshare_processes(void) { return probe_result(unshare(CLONE_NEWPID)); }
static int clone_user(void) { return clone_with(CLONE_NEWUSER | SIGCHLD); }

static const struct probe probes[] = {
    {"E01.unshare-user", "make a user namespace with unshare(2)", "seccomp:EPERM,ENOSYS userns-door:ENOSPC", unshare_user, PROBE_PORTABLE},
    {"E01.unshare-mounts", "make a mount namespace with unshare(2)", "seccomp:EPERM,ENOSYS", unshare_mounts, PROBE_PORTABLE},
    {"E01.unshare-network", "make a network namespace with unshare(2)", "seccomp:EPERM,ENOSYS", unshare_network, 0},
    {"E01.unshare-processes", "make a process namespace with unshare(2)", "seccomp:EPERM,ENOSYS", unshare_processes, 0},
    {"E02.clone-user", "make a user namespace with clone(2)", "seccomp:EPERM,ENOSYS userns-door:ENOSPC", clone_user, PROBE_PORTABLE},
};
const struct probe_set namespaces_probes = {probes, PROBE_COUNT(probes)};
