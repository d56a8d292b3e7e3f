// SPDX-License-Identifier: Apache-2.0
// The guard: waits for the supervisor's end, kills what it left, and hands the rest to `remit reap`.

#include "launch.h"

#include <linux/close_range.h>

static void redirect_standard_streams(void) {
    int nothing = open("/dev/null", O_RDWR);
    if (nothing < 0) { return; }
    dup2(nothing, 0);
    dup2(nothing, 1);
    dup2(nothing, 2);
    if (nothing > 2) { close(nothing); }
}

static void end_session(const struct guard_plan *plan) {
    if (plan->cgroup_kill >= 0) {
        while (write(plan->cgroup_kill, "1", 1) < 0 && errno == EINTR) {}
    }
    if (plan->process >= 0) {
        linux_pidfd_send_signal(plan->process, SIGKILL);
        struct pollfd gone = {.fd = plan->process, .events = POLLIN};
        while (poll(&gone, 1, 5000) < 0 && errno == EINTR) {}
    }
}

__attribute__((noreturn)) static void watch(const struct guard_plan *plan) {
    // A session of its own: a signal to the supervisor's process group does not reach it.
    setsid();
    struct sigaction ignore;
    memset(&ignore, 0, sizeof ignore);
    ignore.sa_handler = SIG_IGN;
    int ignored[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGUSR1, SIGUSR2, SIGTSTP, SIGTTIN, SIGTTOU};
    for (size_t index = 0; index < sizeof ignored / sizeof *ignored; index++) { sigaction(ignored[index], &ignore, NULL); }
    if (launch_close_others(plan->keep, plan->keep_count) < 0) { _exit(125); }
    redirect_standard_streams();
    if (chdir("/") < 0) { /* the reaper needs no directory of its own */ }

    char word = 0;
    ssize_t count;
    do {
        count = read(plan->life, &word, 1);
    } while (count < 0 && errno == EINTR);
    if (count == 1) { _exit(0); }

    end_session(plan);
    struct sigaction plain;
    memset(&plain, 0, sizeof plain);
    plain.sa_handler = SIG_DFL;
    for (size_t index = 0; index < sizeof ignored / sizeof *ignored; index++) { sigaction(ignored[index], &plain, NULL); }
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (plan->executable >= 0) {
        linux_close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
        syscall(SYS_execveat, plan->executable, "", plan->arguments, plan->environment, AT_EMPTY_PATH);
    }
    _exit(125);
}

pid_t guard_start(const struct guard_plan *plan, int *pidfd) {
    sigset_t all, previous;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &previous);
    struct clone_args arguments;
    memset(&arguments, 0, sizeof arguments);
    arguments.flags = CLONE_PIDFD;
    arguments.pidfd = (uint64_t)(uintptr_t)pidfd;
    arguments.exit_signal = SIGCHLD;
    long pid = linux_clone3(&arguments, sizeof arguments);
    if (pid == 0) { watch(plan); }
    int saved = errno;
    sigprocmask(SIG_SETMASK, &previous, NULL);
    errno = saved;
    return (pid_t)pid;
}
