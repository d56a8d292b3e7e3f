// SPDX-License-Identifier: Apache-2.0
// libpq, and the two calls of signalfd(2) that Glibc's Swift module lacks.

#ifndef CPOSTGRES_SHIM_H
#define CPOSTGRES_SHIM_H

#include <libpq-fe.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>

/// Turns SIGTERM, SIGINT and SIGHUP into something poll(2) can wait for. -1 = errno.
static inline int postgres_signal_descriptor(void) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    if (sigprocmask(SIG_BLOCK, &signals, NULL) == -1) return -1;
    return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

/// Keeps the password out of core dumps and away from ptrace(2). -1 = errno.
static inline int postgres_make_undumpable(void) { return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }

#endif
