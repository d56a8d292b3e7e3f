// SPDX-License-Identifier: Apache-2.0
// Calls whose refusal is the supervisor's answer, made under every circumstance that could make the answer another.

#include "acts.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

struct tally {
    volatile long refused, succeeded, other;
};

static struct tally *tally;

static void count_answer(long result, int code) {
    if (result >= 0) {
        __sync_fetch_and_add(&tally->succeeded, 1);
    } else if (code == EPERM) {
        __sync_fetch_and_add(&tally->refused, 1);
    } else {
        __sync_fetch_and_add(&tally->other, 1);
    }
}

static int print_tally(void) {
    printf("{\"refused\":%ld,\"succeeded\":%ld,\"other\":%ld}\n", tally->refused, tally->succeeded, tally->other);
    fflush(stdout);
    return 0;
}

static void refused_call(void) {
    long result = syscall(SYS_unshare, CLONE_NEWUSER);
    count_answer(result, errno);
}

// refuse COUNT: so many refused calls.
static int refuse(int count, char **arguments) {
    for (long left = count > 0 ? atol(arguments[0]) : 1; left > 0; left--) { refused_call(); }
    return print_tally();
}

static volatile long interruptions;
static void interrupted(int number) {
    (void)number;
    interruptions++;
}

// storm COUNT: the same, while a signal comes 10000 times a second.
static int storm(int count, char **arguments) {
    struct sigaction action = {.sa_handler = interrupted, .sa_flags = SA_RESTART};
    sigaction(SIGURG, &action, NULL);
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGURG};
    timer_t timer;
    struct itimerspec often = {{0, 100000}, {0, 100000}};
    if (timer_create(CLOCK_MONOTONIC, &event, &timer) < 0 || timer_settime(timer, 0, &often, NULL) < 0) { return 71; }
    for (long left = count > 0 ? atol(arguments[0]) : 1; left > 0; left--) {
        refused_call();
        act_pause(500);
    }
    struct itimerspec never = {{0, 0}, {0, 0}};
    timer_settime(timer, 0, &never, NULL);
    fprintf(stderr, "%ld interruptions\n", interruptions);
    return interruptions > 0 ? print_tally() : 70;
}

static pthread_barrier_t barrier;
static void *refused_thread(void *argument) {
    pthread_barrier_wait(&barrier);
    refused_call();
    return argument;
}

// crowd COUNT: that many threads make one at the same moment.
static int crowd(int count, char **arguments) {
    long wanted = count > 0 ? atol(arguments[0]) : 1;
    pthread_t *all = calloc((size_t)wanted, sizeof *all);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 65536);
    pthread_barrier_init(&barrier, NULL, (unsigned)wanted);
    for (long index = 0; index < wanted; index++) {
        // The barrier would wait for ever for one that is missing.
        if (pthread_create(&all[index], &attributes, refused_thread, NULL) != 0) { _exit(71); }
    }
    for (long index = 0; index < wanted; index++) { pthread_join(all[index], NULL); }
    return print_tally();
}

// die COUNT SEED: children that are killed while the supervisor has their call, their numbers then used by others.
static int die(int count, char **arguments) {
    if (count < 2) { return 64; }
    uint64_t state = strtoull(arguments[1], NULL, 10) | 1;
    for (long left = atol(arguments[0]); left > 0; left--) {
        pid_t child = fork();
        if (child == 0) {
            refused_call();
            _exit(0);
        }
        act_pause((long)(act_random(&state) % 300));
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
    }
    return print_tally();
}

static char path[4096] = "benign/././";
static volatile int flipping = 1, started;
static void *flip_path(void *shared) {
    char *target = shared;
    while (flipping) {
        memcpy(target, "benign/././", 12);
        memcpy(target, "/usr/local/", 12);
    }
    return NULL;
}

// flip COUNT: names a mount point that another thread keeps changing; memory that is shared otherwise the same way.
static int flip(int count, char **arguments) {
    long wanted = count > 0 ? atol(arguments[0]) : 1;
    mkdir("benign", 0700);
    int memory = (int)syscall(SYS_memfd_create, "flip", 0);
    if (memory < 0 || ftruncate(memory, 4096) < 0) { return 71; }
    char *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
    strcpy(shared, "benign/././");
    pthread_t thread;
    if (pthread_create(&thread, NULL, flip_path, path) != 0) { return 71; }
    pid_t other = fork();
    if (other == 0) { flip_path(shared); }
    for (long index = 0; index < wanted; index++) {
        long result = mount("none", index & 1 ? shared : path, "tmpfs", 0, NULL);
        count_answer(result, errno);
    }
    kill(other, SIGKILL);
    flipping = 0;
    return print_tally();
}

// flip-open COUNT: opens a path that another thread keeps changing between a file of its own and SECRET.
struct pair {
    const char *benign, *secret;
    char *target;
};
static void *flip_between(void *argument) {
    struct pair *pair = argument;
    started = 1;
    while (flipping) {
        strcpy(pair->target, pair->benign);
        strcpy(pair->target, pair->secret);
    }
    return NULL;
}
static int flip_open(int count, char **arguments) {
    if (count < 2) { return 64; }
    static char target[4096];
    struct pair pair = {"benign-file", arguments[1], target};
    close(open(pair.benign, O_CREAT | O_WRONLY, 0600));
    strcpy(target, pair.benign);

    pthread_t thread;
    if (pthread_create(&thread, NULL, flip_between, &pair) != 0) { return 71; }
    while (!started) { act_pause(100); }
    long won = 0, opened = 0, refused = 0;
    for (long left = atol(arguments[0]); left > 0; left--) {
        int file = open(target, O_RDONLY | O_CLOEXEC);
        if (file < 0) {
            refused++;
            continue;
        }
        char room[16];
        // The benign file is empty; the secret is not.
        if (read(file, room, sizeof room) > 0) { won++; } else { opened++; }
        close(file);
    }
    flipping = 0;
    printf("{\"won\":%ld,\"opened\":%ld,\"refused\":%ld}\n", won, opened, refused);
    return 0;
}

// pointers: refused calls whose arguments are no memory, too long, or not text.
static int pointers(int count, char **arguments) {
    (void)count;
    (void)arguments;
    static char large[70000];
    memset(large, 'x', sizeof large - 1);
    char *last = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(last + 4096, 4096, PROT_NONE);
    memset(last, 'y', 4096);
    const void *all[] = {NULL, (void *)8, (void *)~0UL, (void *)0xffff888000000000UL, (void *)0x00007ffffffff000UL,
                         large, "", "\xff\xfe\x80", "/proc/self/mem", last + 4095, last + 4096, "a\nb\033[2J"};
    for (size_t index = 0; index < PROBE_COUNT(all); index++) {
        long result = syscall(SYS_mount, all[index], all[(index + 1) % PROBE_COUNT(all)], all[index], ~0UL, all[index]);
        count_answer(result, errno);
        result = syscall(SYS_pivot_root, all[index], all[index]);
        count_answer(result, errno);
        result = syscall(SYS_process_vm_readv, getpid(), all[index], ~0UL, all[index], 65535UL, ~0UL);
        count_answer(result, errno);
    }
    return print_tally();
}

// full COUNT: refused calls with every descriptor taken.
static int full(int count, char **arguments) {
    struct rlimit limit = {256, 256};
    setrlimit(RLIMIT_NOFILE, &limit);
    while (open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0) {}
    if (errno != EMFILE) { return 71; }
    return refuse(count, arguments);
}

// wait-then COUNT: says that it is ready, waits for a line, makes the calls, says how they ended.
static int wait_then(int count, char **arguments) {
    puts("{\"ready\":true}");
    fflush(stdout);
    while (access("go", F_OK) != 0) { act_pause(1000); }
    puts("{\"going\":true}");
    fflush(stdout);
    return refuse(count, arguments);
}

static const struct act acts[] = {
    {"refuse", refuse}, {"storm", storm},         {"crowd", crowd},       {"die", die},   {"flip", flip},
    {"full", full},     {"flip-open", flip_open}, {"pointers", pointers}, {"wait-then", wait_then},
};

__attribute__((constructor)) static void share_tally(void) {
    tally = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

const struct act_set notified_acts = {acts, PROBE_COUNT(acts)};
