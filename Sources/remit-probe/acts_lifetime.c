// SPDX-License-Identifier: Apache-2.0
// Processes that will not go: daemons, bombs, zombies, and those that hold others.

#include "acts.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static void ignore_everything(void) {
    act_ignore_signals(1);
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
}

__attribute__((noreturn)) static void stay(void) {
    for (;;) { pause(); }
}

// A process that has left its parent, its group and its session behind, twice; it says so with a byte.
static void daemonise(int report) {
    if (fork() != 0) { return; }
    setsid();
    pid_t parent = getpid();
    if (fork() != 0) { _exit(0); }
    setsid();
    ignore_everything();
    prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
    // The parent is on its way out; whoever adopts us, it is not that one.
    while (getppid() == parent) { act_pause(100); }
    if (write(report, "x", 1) < 0) { _exit(1); }
    stay();
}

// survive COUNT MARK: so many daemons that ignore every signal, and itself.
static int survive(int count, char **arguments) {
    if (count < 2) { return 64; }
    signal(SIGCHLD, SIG_IGN);
    int ends[2];
    if (pipe(ends) < 0) { return 71; }
    for (int left = atoi(arguments[0]); left > 0; left--) { daemonise(ends[1]); }
    char byte;
    for (int left = atoi(arguments[0]); left > 0; left--) {
        if (read(ends[0], &byte, 1) != 1) { return 71; }
    }
    puts("{\"surviving\":true}");
    fflush(stdout);
    ignore_everything();
    stay();
}

// bomb MARK: forks until it cannot, and then goes on trying; one child in four does the same.
static int bomb(int count, char **arguments) {
    (void)count;
    (void)arguments;
    ignore_everything();
    puts("{\"bomb\":true}");
    fflush(stdout);
    uint64_t state = (uint64_t)getpid();
    for (;;) {
        pid_t child = fork();
        if (child == 0) {
            state = (uint64_t)getpid() * 0x9E3779B97F4A7C15ULL | 1;
            setsid();
            if ((act_random(&state) & 3) != 0) { stay(); }
        } else if (child < 0) {
            act_pause(200);
        }
    }
}

// zombies COUNT: so many orphans that end at once; process 1 has to collect every one.
static int zombies(int count, char **arguments) {
    long wanted = count > 0 ? atol(arguments[0]) : 0, made = 0, refused = 0;
    while (made < wanted) {
        pid_t child = fork();
        if (child < 0) {
            refused++;
            act_pause(1000);
            continue;
        }
        if (child == 0) {
            // The orphan: process 1 becomes its parent.
            pid_t orphan = vfork();
            if (orphan == 0) { _exit(0); }
            _exit(orphan < 0);
        }
        int status = 0;
        waitpid(child, &status, 0);
        made++;
    }
    // Were they not collected, there would be no room for these.
    act_pause(100000);
    int room = 0;
    for (; room < 64; room++) {
        pid_t child = fork();
        if (child == 0) { stay(); }
        if (child < 0) { break; }
    }
    printf("{\"zombies\":%ld,\"refused\":%ld,\"room\":%d}\n", made, refused, room);
    fflush(stdout);
    return 0;
}

static int hold_in_vfork(void *argument) {
    (void)argument;
    stay();
}

// hold KIND MARK: a process that is in the way of an end.
static int hold(int count, char **arguments) {
    if (count < 2) { return 64; }
    const char *kind = arguments[0];
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    printf("{\"holding\":\"%s\"}\n", kind);
    fflush(stdout);
    if (strcmp(kind, "clone-parent") == 0) {
        // A sibling instead of a child: its parent is process 1.
        long sibling = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, NULL, NULL, NULL, NULL);
        if (sibling < 0) { return 1; }
    } else if (strcmp(kind, "subreaper") == 0) {
        prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
        daemonise(STDERR_FILENO);
    } else if (strcmp(kind, "no-death-signal") == 0) {
        prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
        if (fork() == 0) { prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0); }
    } else if (strcmp(kind, "vfork") == 0) {
        static char stack[65536];
        clone(hold_in_vfork, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
    } else if (strcmp(kind, "stopped") == 0) {
        for (int left = 0; left < 8; left++) {
            if (fork() == 0) { raise(SIGSTOP); }
        }
        raise(SIGSTOP);
    } else if (strcmp(kind, "stop-storm") == 0) {
        pid_t victims[8];
        for (int index = 0; index < 8; index++) {
            victims[index] = fork();
            if (victims[index] == 0) { stay(); }
        }
        for (;;) {
            for (int index = 0; index < 8; index++) {
                kill(victims[index], SIGSTOP);
                kill(victims[index], SIGCONT);
            }
        }
    } else if (strcmp(kind, "busy") == 0) {
        // Everything by which a process gets more than its share of time, and then all of the time.
        struct sched_param parameter = {.sched_priority = 99};
        sched_setscheduler(0, SCHED_FIFO, &parameter);
        nice(-20);
        prctl(PR_SET_TIMERSLACK, 1000000000UL, 0, 0, 0);
        for (int left = 0; left < 8; left++) {
            if (fork() == 0) { break; }
        }
        for (;;) { __asm__ volatile("" ::: "memory"); }
    } else {
        return 64;
    }
    stay();
}

// kill-init: every signal to process 1, which ignores them; the answers, and whether there still is one.
static int kill_init(int count, char **arguments) {
    (void)count;
    (void)arguments;
    int sent = 0, refused = 0;
    for (int number = 1; number < 65; number++) {
        if (kill(1, number) == 0) { sent++; } else { refused++; }
    }
    act_pause(300000);
    printf("{\"sent\":%d,\"refused\":%d,\"answer\":\"%s\"}\n", sent, refused,
           kill(1, 0) == 0 || errno == EPERM ? "alive" : strerrorname_np(errno));
    return 0;
}

// kill-all: SIGKILL to everyone it can reach.
static int kill_all(int count, char **arguments) {
    (void)count;
    (void)arguments;
    if (fork() == 0) { stay(); }
    puts("{\"killing\":true}");
    fflush(stdout);
    kill(-1, SIGKILL);
    act_pause(100000);
    kill(0, SIGKILL);
    return 3;
}

static const struct act acts[] = {
    {"survive", survive}, {"bomb", bomb},           {"zombies", zombies},
    {"hold", hold},       {"kill-init", kill_init}, {"kill-all", kill_all},
};
const struct act_set lifetime_acts = {acts, PROBE_COUNT(acts)};
