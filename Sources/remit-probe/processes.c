// SPDX-License-Identifier: Apache-2.0
// E54-E59: signals to others, freezing, the clock, the out-of-memory score.

#include "probe.h"

#include <fcntl.h>
#include <linux/ioprio.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>

// SIGURG: what is not prepared for it is not disturbed by it, and a probe that gets through has hurt nobody.
static int signal_number(const char *canary) {
    long process = probe_canary_number(canary);
    return process <= 0 ? probe_skip("no such process is named") : probe_result(kill((pid_t)process, SIGURG));
}
static int signal_marked(void) { return signal_number("REMIT_CANARY_PID"); }
static int signal_supervisor(void) { return signal_number("REMIT_CANARY_SUPERVISOR"); }

static int signal_group(void) {
    long process = probe_canary_number("REMIT_CANARY_PID");
    return process <= 0 ? probe_skip("no such process is named") : probe_result(kill((pid_t)-process, SIGURG));
}

static int signal_thread(void) {
    long process = probe_canary_number("REMIT_CANARY_PID");
    if (process <= 0) { return probe_skip("no such process is named"); }
    return probe_result(syscall(SYS_tgkill, process, process, SIGURG));
}

static int queue_signal(void) {
    long process = probe_canary_number("REMIT_CANARY_PID");
    union sigval value = {.sival_int = 1};
    return process <= 0 ? probe_skip("no such process is named") : probe_result(sigqueue((pid_t)process, SIGURG, value));
}

static int open_marked(void) {
    long process = probe_canary_number("REMIT_CANARY_PID");
    if (process <= 0) { return probe_skip("no such process is named"); }
    return probe_result(syscall(SYS_pidfd_open, process, 0));
}

static int renice_marked(void) {
    long process = probe_canary_number("REMIT_CANARY_PID");
    if (process <= 0) { return probe_skip("no such process is named"); }
    return probe_result(setpriority(PRIO_PROCESS, (id_t)process, 1));
}

static int limit_marked(void) {
    long process = probe_canary_number("REMIT_CANARY_PID");
    struct rlimit limit;
    if (process <= 0) { return probe_skip("no such process is named"); }
    return probe_result(prlimit((pid_t)process, RLIMIT_CORE, NULL, &limit));
}

static int read_marked(void) {
    char path[64];
    long process = probe_canary_number("REMIT_CANARY_PID");
    if (process <= 0) { return probe_skip("no such process is named"); }
    snprintf(path, sizeof path, "/proc/%ld/environ", process);
    return probe_result(open(path, O_RDONLY | O_CLOEXEC));
}

// By any name under which a control group's file system is usually found.
static int write_group(const char *file) {
    const char *roots[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/cgroup"};
    int code = ENOENT;
    for (size_t index = 0; index < PROBE_COUNT(roots); index++) {
        char path[128];
        struct stat facts;
        // Unconfined it is enough that the door is there: a control run that froze its host would prove too much.
        snprintf(path, sizeof path, "%s/%s", roots[index], file);
        if (stat(path, &facts) == 0) { return 0; }
        if (errno != ENOENT) { code = errno; }
    }
    return code;
}
static int reach_groups(void) { return write_group("cgroup.procs"); }
static int list_groups(void) {
    return probe_result(open("/sys/fs/cgroup", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

static int set_clock(void) {
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    return probe_result(clock_settime(CLOCK_REALTIME, &time));
}
static int set_time(void) {
    struct timeval time;
    gettimeofday(&time, NULL);
    return probe_result(settimeofday(&time, NULL));
}
static int adjust_clock(void) {
    // ADJ_TICK with the tick that is: a change for the kernel, none for the clock.
    struct { unsigned modes; long rest[40]; } value;
    memset(&value, 0, sizeof value);
    value.modes = 0x4000;
    value.rest[10] = 10000;
    return probe_result(syscall(SYS_adjtimex, &value));
}
static int wake_alarm(void) {
    timer_t timer;
    return probe_result(timer_create(CLOCK_BOOTTIME_ALARM, NULL, &timer));
}
static int run_realtime(void) {
    struct sched_param parameter = {.sched_priority = 50};
    return probe_result(sched_setscheduler(0, SCHED_FIFO, &parameter));
}
static int run_nice(void) {
    errno = 0;
    return probe_result(setpriority(PRIO_PROCESS, 0, -20));
}
static int suspend(void) { return probe_result(open("/sys/power/state", O_WRONLY | O_CLOEXEC)); }

static int write_text(const char *path, const char *text) {
    int file = open(path, O_WRONLY | O_CLOEXEC);
    return file < 0 ? errno : probe_result(write(file, text, strlen(text)));
}
static int spare_from_memory(void) { return write_text("/proc/self/oom_score_adj", "-1000"); }
static int spare_from_memory_old(void) { return write_text("/proc/self/oom_adj", "-17"); }

static int raise_core_limit(void) {
    struct rlimit limit = {.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};
    return probe_result(setrlimit(RLIMIT_CORE, &limit));
}
static int soft_core_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_CORE, &limit) < 0) { return errno; }
    limit.rlim_cur = 1 << 20;
    return probe_result(setrlimit(RLIMIT_CORE, &limit));
}
static int redirect_cores(void) { return probe_result(open("/proc/sys/kernel/core_pattern", O_WRONLY | O_CLOEXEC)); }

#define OTHER "namespaces:ESRCH,EINVAL landlock-scopes:EPERM"
#define UNSEEN "mounts:ENOENT"

static const struct probe probes[] = {
    {"E55.signal-marked", "signal a process of the host by its number", OTHER, signal_marked, 0},
    {"E55.signal-group", "signal a process group of the host", OTHER, signal_group, 0},
    {"E55.signal-thread", "signal a thread of the host", OTHER, signal_thread, 0},
    {"E55.queue-signal", "queue a signal to a process of the host", OTHER, queue_signal, 0},
    {"E55.signal-supervisor", "signal the supervisor", OTHER, signal_supervisor, 0},
    {"E55.open-marked", "open a process of the host with pidfd_open(2)", OTHER, open_marked, 0},
    {"E55.renice-marked", "change the priority of a process of the host", OTHER, renice_marked, 0},
    {"E55.limit-marked", "read a limit of a process of the host", OTHER, limit_marked, 0},
    {"E55.read-marked", "read the environment of a process of the host", "namespaces:ENOENT landlock:EACCES", read_marked, 0},
    {"E56.reach-groups", "find a control group's files", UNSEEN, reach_groups, PROBE_ROOT},
    {"E56.list-groups", "list /sys/fs/cgroup", UNSEEN, list_groups, 0},
    {"E57.set-clock", "set the clock with clock_settime(2)", "seccomp:EPERM,ENOSYS", set_clock, PROBE_GLOBAL | PROBE_ROOT},
    {"E57.set-time", "set the clock with settimeofday(2)", "seccomp:EPERM,ENOSYS", set_time, PROBE_GLOBAL | PROBE_ROOT},
    {"E57.adjust-clock", "adjust the clock with adjtimex(2)", "seccomp:EPERM,ENOSYS", adjust_clock, PROBE_GLOBAL | PROBE_ROOT},
    {"E57.wake-alarm", "make an alarm that wakes the machine", "capabilities:EPERM kernel:EOPNOTSUPP,ENOTSUP,EINVAL", wake_alarm, PROBE_ROOT},
    {"E57.run-realtime", "run before everyone else with SCHED_FIFO", "capabilities:EPERM seccomp:ENOSYS", run_realtime, PROBE_ROOT},
    {"E57.run-nice", "run with priority -20", "capabilities:EPERM,EACCES", run_nice, PROBE_ROOT},
    {"E57.suspend", "suspend the machine", "mounts:ENOENT", suspend, PROBE_ROOT},
    {"E58.spare-from-memory", "be spared when memory runs out", "capabilities:EACCES,EPERM", spare_from_memory, PROBE_ROOT},
    {"E58.spare-from-memory-old", "the same by the older file", "capabilities:EACCES,EPERM mounts:ENOENT", spare_from_memory_old, PROBE_ROOT},
    {"E59.raise-core-limit", "allow core files of any size", "capabilities:EPERM", raise_core_limit, PROBE_ROOT},
    {"E59.soft-core-limit", "allow core files up to the hard limit", "capabilities:EPERM,EINVAL", soft_core_limit, PROBE_PORTABLE},
    {"E59.redirect-cores", "say where core files go", "mounts:ENOENT,EROFS", redirect_cores, PROBE_ROOT},
};
const struct probe_set processes_probes = {probes, PROBE_COUNT(probes)};
