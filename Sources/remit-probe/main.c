// SPDX-License-Identifier: Apache-2.0
// remit-probe: tries what no agent may do and says, one JSON line each, what stopped it.

#include "acts.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#define SECONDS 5

static const struct probe_set *const sets[] = {
    &namespaces_probes, &identity_probes, &abi_probes, &filter_probes, &processes_probes, &terminal_probes,
    &files_probes, &mounts_probes, &network_probes, &resources_probes,
};

static const struct act_set *const act_sets[] = {
    &general_acts, &call_acts, &lifetime_acts, &notified_acts, &passed_acts, &without_acts,
    &swap_acts,
};

// What the attempt's process tells this one; shared between them.
struct report {
    int finished;
    int code;
    uint64_t nanoseconds;
    char why[160];
};

static struct report *report;

int probe_skip(const char *why) {
    snprintf(report->why, sizeof report->why, "%s", why);
    return PROBE_SKIPPED;
}

const char *probe_canary(const char *name) {
    const char *value = getenv(name);
    return value != NULL && *value != 0 ? value : NULL;
}

long probe_canary_number(const char *name) {
    const char *value = probe_canary(name);
    return value != NULL ? strtol(value, NULL, 10) : -1;
}

static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000ULL + (uint64_t)time.tv_nsec;
}

static int matches(const char *item, size_t length, const char *text) {
    return strlen(text) == length && memcmp(item, text, length) == 0;
}

// Looks for an errno in a list of layers; with `only` in that layer alone. Its name goes to `layer`.
static int find_layer(const char *layers, const char *code, const char *only, char *layer, size_t room) {
    while (*layers != 0) {
        size_t entry = strcspn(layers, " ");
        size_t name = strcspn(layers, ":");
        const char *end = layers + entry;
        if (name < entry && (only == NULL || matches(layers, name, only))) {
            for (const char *next = layers + name + 1; next < end;) {
                size_t length = strcspn(next, ", ");
                if (matches(next, length, code)) {
                    snprintf(layer, room, "%.*s", (int)name, layers);
                    return 1;
                }
                next += length + 1;
            }
        }
        layers = end + strspn(end, " ");
    }
    return 0;
}

static void attempt(const struct probe *probe) {
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    uint64_t begun = now();
    errno = 0;
    report->code = probe->attempt_it();
    report->nanoseconds = now() - begun;
    report->finished = 1;
    _exit(0);
}

// How long an attempt may take, also on a machine that is so many times slower than usual.
static int limit(void) {
    const char *slower = getenv("REMIT_TEST_PATIENCE");
    int times = slower == NULL ? 1 : atoi(slower);
    return SECONDS * (times < 1 ? 1 : times);
}

// Waits for the process, at most so long; 0 when it had to be killed.
static int await(pid_t process, int *status) {
    uint64_t end = now() + (uint64_t)limit() * 1000000000ULL;
    const struct timespec pause = {.tv_nsec = 200000};
    for (;;) {
        pid_t ended = waitpid(process, status, WNOHANG);
        if (ended == process) { return 1; }
        if (ended < 0 && errno != EINTR) { return 0; }
        if (now() > end) {
            kill(process, SIGKILL);
            waitpid(process, status, 0);
            return 0;
        }
        nanosleep(&pause, NULL);
    }
}

// 0 when it was stopped (or may be skipped), 1 when not.
static int run(const struct probe *probe, int unconfined) {
    memset(report, 0, sizeof *report);
    fflush(stdout);
    pid_t process = fork();
    if (process < 0) {
        printf("{\"probe\":\"%s\",\"result\":\"unexpected\",\"why\":\"fork: %s\"}\n", probe->name, strerrorname_np(errno));
        return 1;
    }
    if (process == 0) { attempt(probe); }
    setpgid(process, process);
    int status = 0;
    int in_time = await(process, &status);
    kill(-process, SIGKILL);
    while (waitpid(-1, NULL, WNOHANG) > 0) {}

    const char *result = "unexpected", *code = NULL, *number = NULL;
    char layer[32] = "";
    if (!in_time) {
        snprintf(report->why, sizeof report->why, "not finished after %d seconds", limit());
    } else if (WIFSIGNALED(status)) {
        number = sigabbrev_np(WTERMSIG(status));
        int expected = (probe->flags & PROBE_DIES) && WTERMSIG(status) == SIGSYS && !unconfined;
        result = expected ? "stopped" : "killed";
        if (WTERMSIG(status) == SIGSYS) { snprintf(layer, sizeof layer, "seccomp"); }
    } else if (!report->finished) {
        snprintf(report->why, sizeof report->why, "ended with status %d before it had tried", WEXITSTATUS(status));
    } else if (report->code == PROBE_SKIPPED) {
        result = "skipped";
    } else if (report->code == 0) {
        result = "through";
    } else {
        code = strerrorname_np(report->code);
        if (code == NULL) { code = "?"; }
        // Unconfined only the kernel itself can have refused: the feature is not there.
        if (find_layer(probe->layers, code, unconfined ? "kernel" : NULL, layer, sizeof layer)) {
            result = strcmp(layer, "kernel") == 0 ? "absent" : "stopped";
        }
    }
    printf("{\"probe\":\"%s\",\"result\":\"%s\"", probe->name, result);
    if (code != NULL) { printf(",\"errno\":\"%s\"", code); }
    if (number != NULL) { printf(",\"signal\":\"SIG%s\"", number); }
    if (*layer != 0) { printf(",\"layer\":\"%s\"", layer); }
    if (report->why[0] != 0) { printf(",\"why\":\"%s\"", report->why); }
    printf(",\"microseconds\":%llu}\n", (unsigned long long)(report->nanoseconds / 1000));
    fflush(stdout);
    return strcmp(result, "stopped") != 0 && strcmp(result, "absent") != 0 && strcmp(result, "skipped") != 0;
}

static void describe(const struct probe *probe) {
    printf("{\"probe\":\"%s\",\"attempt\":\"%s\",\"layers\":\"%s\",\"portable\":%s,\"global\":%s,\"root\":%s}\n",
           probe->name, probe->attempt, probe->layers, probe->flags & PROBE_PORTABLE ? "true" : "false",
           probe->flags & PROBE_GLOBAL ? "true" : "false", probe->flags & PROBE_ROOT ? "true" : "false");
}

// "E01" names every probe of the entry, "E01.unshare-user" one.
static int is_named(const struct probe *probe, int count, char **names) {
    for (int index = 0; index < count; index++) {
        size_t length = strlen(names[index]);
        if (strncmp(probe->name, names[index], length) == 0 && (probe->name[length] == 0 || probe->name[length] == '.')) {
            return 1;
        }
    }
    return count == 0;
}

static int usage(void) {
    fputs("usage: remit-probe [--list] [--portable] [--unconfined] [NAME|ENTRY ...]\n"
          "       remit-probe --act NAME [ARGUMENT ...]\n", stderr);
    return 64;
}

static int perform(int count, char **arguments) {
    for (size_t set = 0; count > 0 && set < PROBE_COUNT(act_sets); set++) {
        for (size_t index = 0; index < act_sets[set]->count; index++) {
            const struct act *act = &act_sets[set]->acts[index];
            if (strcmp(act->name, arguments[0]) == 0) { return act->run(count - 1, arguments + 1); }
        }
    }
    return usage();
}

int main(int count, char **arguments) {
    int list = 0, portable = 0, unconfined = 0, first = 1;
    for (; first < count && strncmp(arguments[first], "--", 2) == 0; first++) {
        const char *option = arguments[first];
        if (strcmp(option, "--act") == 0) { return perform(count - first - 1, arguments + first + 1); }
        if (strcmp(option, "--list") == 0) {
            list = 1;
        } else if (strcmp(option, "--portable") == 0) {
            portable = 1;
        } else if (strcmp(option, "--unconfined") == 0) {
            unconfined = 1;
        } else {
            return usage();
        }
    }
    report = mmap(NULL, sizeof *report, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (report == MAP_FAILED) { return 71; }
    // What an attempt leaves behind comes to us, not to whoever runs us.
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    int failed = 0, found = 0;
    for (size_t set = 0; set < PROBE_COUNT(sets); set++) {
        for (size_t index = 0; index < sets[set]->count; index++) {
            const struct probe *probe = &sets[set]->probes[index];
            if ((portable && !(probe->flags & PROBE_PORTABLE)) || !is_named(probe, count - first, arguments + first)) {
                continue;
            }
            found = 1;
            if (list) {
                describe(probe);
            } else {
                failed |= run(probe, unconfined);
            }
        }
    }
    return found ? failed : usage();
}
