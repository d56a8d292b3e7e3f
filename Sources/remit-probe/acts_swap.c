// SPDX-License-Identifier: Apache-2.0
// The host-side opponents of a launch: a path that is one thing now and another thing a microsecond later.

#include "acts.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>

// swap A B: exchanges two paths for ever, with pauses of any length below a millisecond, until its parent ends.
static int swap(int count, char **arguments) {
    if (count != 2) { return 64; }
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    uint64_t state = (uint64_t)getpid() * 2654435761u + (uint64_t)time(NULL) + 1;
    for (;;) {
        if (syscall(SYS_renameat2, AT_FDCWD, arguments[0], AT_FDCWD, arguments[1], RENAME_EXCHANGE) < 0) { return 1; }
        uint64_t choice = act_random(&state);
        if (choice % 4 != 0) { act_pause((long)(choice / 4 % 1000)); }
    }
}

// through PATH ROUNDS: opens a path again and again as a careless launcher would, and prints how often it was which
// directory.
static int through(int count, char **arguments) {
    if (count != 2) { return 64; }
    uint64_t first = 0;
    int same = 0, other = 0, missing = 0;
    for (long round = strtol(arguments[1], NULL, 10); round > 0; round--) {
        struct stat facts;
        int directory = open(arguments[0], O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (directory < 0 || fstat(directory, &facts) < 0) {
            missing++;
        } else {
            if (first == 0) { first = facts.st_ino; }
            *(facts.st_ino == first ? &same : &other) += 1;
        }
        if (directory >= 0) { close(directory); }
        act_pause(100);
    }
    printf("{\"same\":%d,\"other\":%d,\"missing\":%d}\n", same, other, missing);
    return 0;
}

// descriptors: prints every descriptor from 0 to 1023 that is a directory, or leads to one, and what is above it.
static int descriptors(int count, char **arguments) {
    (void)count;
    (void)arguments;
    int found = 0;
    for (int number = 0; number < 1024; number++) {
        struct stat facts;
        if (fstatat(number, "..", &facts, 0) == 0) {
            printf("{\"directory\":%d}\n", number);
            found++;
        }
    }
    printf("{\"directories\":%d}\n", found);
    return found > 0;
}

static const struct act acts[] = {
    {"swap", swap},
    {"through", through},
    {"descriptors", descriptors},
};
const struct act_set swap_acts = {acts, PROBE_COUNT(acts)};
