// SPDX-License-Identifier: Apache-2.0
// What a probe is: one forbidden act, really tried, and how to see which layer stopped it.

#ifndef REMIT_PROBE_H
#define REMIT_PROBE_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

// Fit for `remit doctor --prove`: fast, harmless, needs no canary.
#define PROBE_PORTABLE 1u
// Being killed by SIGSYS is how it is stopped.
#define PROBE_DIES 2u
// Done by real root outside of any sandbox it changes the machine: unconfined only in a throw-away guest.
#define PROBE_GLOBAL 4u
// Root of a user namespace may not do it either: that it can succeed only a guest can show.
#define PROBE_ROOT 8u

// What an attempt returns when the canary it needs is not there.
#define PROBE_SKIPPED (-1)

struct probe {
    const char *name;     // catalogue entry, dot, act: "E01.unshare-user"
    const char *attempt;  // what is tried, one sentence, no full stop
    // Which errno is whose: "seccomp:EPERM,ENOSYS userns-door:ENOSPC"; the first match names the layer. `kernel:` lists
    // what a kernel without such a feature answers, unconfined too.
    const char *layers;
    int (*attempt_it)(void);  // 0: it got through; a positive errno: it did not; in a process of its own
    unsigned flags;
};

// A helper of a driver that needs more than one attempt: `remit-probe --act NAME ARGUMENTS…`.
struct act {
    const char *name;
    int (*run)(int count, char **arguments);  // the exit status
};

// One set for each source file.
struct probe_set {
    const struct probe *probes;
    size_t count;
};

#define PROBE_COUNT(array) (sizeof(array) / sizeof *(array))

extern const struct probe_set namespaces_probes, identity_probes, abi_probes, filter_probes, processes_probes, terminal_probes;
extern const struct probe_set files_probes, mounts_probes, network_probes, resources_probes;

// Ends an attempt that cannot be made, saying why.
int probe_skip(const char *why);

// A canary's value from the environment, or null.
const char *probe_canary(const char *name);

// A canary that is a number (a port, a process), or -1.
long probe_canary_number(const char *name);

// The errno of a call that failed with a negative result, 0 of one that did not.
static inline int probe_result(long result) { return result < 0 ? (errno != 0 ? errno : EIO) : 0; }

#endif
