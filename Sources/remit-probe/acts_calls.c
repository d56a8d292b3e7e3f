// SPDX-License-Identifier: Apache-2.0
// Every system call there is, one after the other, and any of them with anything.

#include "acts.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#define WAIT_MILLISECONDS 150

static uint64_t milliseconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

static long raw(long number, const uint64_t arguments[6]) {
    return syscall(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5]);
}

// One call with all its arguments -1, in a child; a call that does something regardless (exit, fork, pause) shows by
// how the child ends.
static void call_once(long number, volatile int *answer) {
    *answer = -1;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        setpgid(0, 0);
        const uint64_t arguments[6] = {~0ULL, ~0ULL, ~0ULL, ~0ULL, ~0ULL, ~0ULL};
        pid_t self = getpid();
        errno = 0;
        long result = raw(number, arguments);
        int code = result == -1 ? errno : 0;
        if (getpid() == self) { *answer = code; }
        _exit(0);
    }
    int status = 0;
    uint64_t end = milliseconds() + WAIT_MILLISECONDS;
    pid_t ended = 0;
    while ((ended = waitpid(child, &status, WNOHANG | WUNTRACED)) == 0 && milliseconds() < end) { usleep(100); }
    const char *text = *answer > 0 ? strerrorname_np(*answer) : *answer == 0 ? "ok" : NULL;
    if (text == NULL && *answer > 0) { text = "?"; }
    if (text == NULL) {
        text = ended == 0 ? "blocks" : WIFSIGNALED(status) ? sigabbrev_np(WTERMSIG(status)) : "ends";
    }
    printf("{\"call\":%ld,\"answer\":\"%s\"}\n", number, text);
    kill(-child, SIGKILL);
    kill(child, SIGKILL);
    while (waitpid(-1, NULL, ended == 0 ? 0 : WNOHANG) > 0) { ended = 1; }
}

// enumerate NUMBER…: makes each of these calls. The standard streams are not a call's to close.
static int enumerate(int count, char **arguments) {
    volatile int *answer = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    for (int index = 0; index < count; index++) { call_once(atol(arguments[index]), answer); }
    fflush(stdout);
    return 0;
}

// A value that is often something: a small number, a descriptor, a pointer into memory, a flag, an address far away.
static uint64_t any(uint64_t *state, char *memory, size_t size) {
    uint64_t value = act_random(state);
    switch (value >> 60) {
    case 0: case 1: return value & 7;
    case 2: case 3: return value & 0xff;
    case 4: case 5: case 6: case 7: return (uint64_t)(uintptr_t)memory + value % size;
    case 8: return ~0ULL;
    case 9: return 1ULL << (value & 63);
    case 10: return (1ULL << (value & 63)) | (1ULL << (value >> 8 & 63));
    case 11: return value & 0xffffffff;
    case 12: return 0xffff800000000000ULL | (value >> 20);
    case 13: return 0;
    default: return value;
    }
}

static void fuzz_until(uint64_t end, uint64_t seed, int count, char **avoided) {
    size_t size = 1 << 16;
    char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint64_t state = seed | 1;
    for (size_t index = 0; index < size; index += 8) {
        uint64_t value = act_random(&state);
        memcpy(memory + index, &value, 8);
    }
    strcpy(memory + 64, "/tmp/fuzz");
    strcpy(memory + 128, "/proc/self/mem");
    while (milliseconds() < end) {
        uint64_t draw = act_random(&state);
        // Now and then a number that is none.
        long number = (draw & 31) == 0 ? (long)(act_random(&state) & 0x3fffffff) : (long)((draw >> 8) % 480);
        int skip = 0;
        for (int index = 0; index < count && !skip; index++) { skip = atol(avoided[index]) == number; }
        if (skip) { continue; }
        uint64_t arguments[6];
        for (int index = 0; index < 6; index++) { arguments[index] = any(&state, memory, size); }
        raw(number, arguments);
    }
}

// fuzz MILLISECONDS SEED NUMBER…: any call but these with any arguments, in children that are replaced as they break.
static int fuzz(int count, char **arguments) {
    if (count < 2) { return 64; }
    uint64_t end = milliseconds() + strtoull(arguments[0], NULL, 10);
    uint64_t state = strtoull(arguments[1], NULL, 10) | 1;
    long broken = 0;
    int alive = 0;
    act_ignore_signals(1);
    signal(SIGCHLD, SIG_DFL);
    while (milliseconds() < end) {
        while (alive < 4) {
            uint64_t seed = act_random(&state);
            pid_t child = fork();
            if (child < 0) { break; }
            if (child == 0) {
                setsid();
                act_ignore_signals(0);
                int null = open("/dev/null", O_RDWR);
                for (int number = 0; number < 3; number++) { dup2(null, number); }
                // A child that blocks is replaced as well.
                alarm(1);
                fuzz_until(end, seed, count - 2, arguments + 2);
                _exit(0);
            }
            alive++;
        }
        while (waitpid(-1, NULL, WNOHANG) > 0) {
            alive -= alive > 0;
            broken++;
        }
        act_pause(2000);
    }
    printf("{\"broken\":%ld}\n", broken);
    fflush(stdout);
    return 0;
}

static const struct act acts[] = {{"enumerate", enumerate}, {"fuzz", fuzz}};
const struct act_set call_acts = {acts, PROBE_COUNT(acts)};
