// SPDX-License-Identifier: Apache-2.0
// Helpers of the drivers, started with `remit-probe --act NAME`: what needs more than one attempt, or a driver outside.

#include "acts.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

void act_pause(long microseconds) {
    struct timespec time = {microseconds / 1000000, microseconds % 1000000 * 1000};
    nanosleep(&time, NULL);
}

void act_ignore_signals(int ignored) {
    // As the kernel has it; the C library's own refuses the numbers 32 and 33.
    struct {
        void (*handler)(int);
        unsigned long flags;
        void (*restorer)(void);
        uint64_t mask;
    } action = {.handler = ignored ? SIG_IGN : SIG_DFL};
    for (int number = 1; number < 65; number++) { syscall(SYS_rt_sigaction, number, &action, NULL, sizeof action.mask); }
}

uint64_t act_random(uint64_t *state) {
    // xorshift64*: reproducible by its seed.
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545F4914F6CDD1DULL;
}

static void *nothing(void *argument) { return argument; }

// threads: glibc must fall back to clone(2) where clone3(2) is none.
static int threads(int count, char **arguments) {
    (void)count;
    (void)arguments;
    for (int index = 0; index < 16; index++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, nothing, NULL) != 0 || pthread_join(thread, NULL) != 0) { return 1; }
    }
    puts("{\"threads\":16}");
    return 0;
}

static void print_identity(const char *process) {
    char path[64], line[256];
    snprintf(path, sizeof path, "/proc/%s/status", process);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        printf("{\"error\":\"%s\"}\n", strerrorname_np(errno));
        return;
    }
    printf("{");
    const char *comma = "";
    while (fgets(line, sizeof line, file) != NULL) {
        char *value = strchr(line, ':');
        if (value == NULL) { continue; }
        *value++ = 0;
        if (strcmp(line, "Uid") != 0 && strcmp(line, "Gid") != 0 && strncmp(line, "Cap", 3) != 0) { continue; }
        value[strcspn(value, "\n")] = 0;
        for (char *next = value; *next != 0; next++) {
            if (*next == '\t') { *next = ' '; }
        }
        printf("%s\"%s\":\"%s\"", comma, line, value + 1);
        comma = ",";
    }
    printf("}\n");
    fclose(file);
}

// identity: who this process is.
static int identity(int count, char **arguments) {
    (void)count;
    (void)arguments;
    print_identity("self");
    return 0;
}

// watch-exec PROGRAM: who the program is while it writes its help into a pipe that is full already.
static int watch_exec(int count, char **arguments) {
    int ends[2];
    if (count < 1 || pipe(ends) < 0) { return 64; }
    fcntl(ends[1], F_SETPIPE_SZ, 4096);
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    char room[4096] = "";
    while (write(ends[1], room, sizeof room) > 0) {}
    fcntl(ends[1], F_SETFL, 0);
    int report[2];
    if (pipe2(report, O_CLOEXEC) < 0) { return 71; }
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], 1);
        dup2(ends[1], 2);
        execl(arguments[0], arguments[0], "--help", (char *)NULL);
        char code = (char)errno;
        _exit(write(report[1], &code, 1) == 1 ? 127 : 126);
    }
    close(report[1]);
    char code = 0;
    if (read(report[0], &code, 1) == 1) {
        printf("{\"error\":\"%s\"}\n", strerrorname_np(code));
        return 0;
    }
    char name[16];
    snprintf(name, sizeof name, "%d", child);
    print_identity(name);
    kill(child, SIGKILL);
    return 0;
}

// eat MEBIBYTES: allocates and touches, and says how far it came.
static int eat(int count, char **arguments) {
    long size = count > 0 ? atol(arguments[0]) : 0;
    for (long done = 0; done < size; done++) {
        char *block = malloc(1 << 20);
        if (block == NULL) {
            printf("{\"refused\":%ld}\n", done);
            return 3;
        }
        memset(block, 1, 1 << 20);
    }
    printf("{\"eaten\":%ld}\n", size);
    return 0;
}

// crash: dumps core wherever it can.
static int crash(int count, char **arguments) {
    (void)count;
    (void)arguments;
    struct rlimit limit = {.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};
    setrlimit(RLIMIT_CORE, &limit);
    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    static volatile char secret[] = "core-canary";
    if (secret[0] == 0) { return 1; }
    abort();
}

// page: calls into the vsyscall page and the vdso. A kernel may have neither.
static int page(int count, char **arguments) {
    (void)count;
    (void)arguments;
#if defined(__x86_64__)
    struct timespec time;
    if (clock_gettime(CLOCK_MONOTONIC, &time) != 0) { return 1; }
    pid_t child = fork();
    if (child == 0) {
        long (*vsyscall_time)(long *) = (long (*)(long *))0xffffffffff600400UL;
        _exit(vsyscall_time(NULL) > 1000000 ? 0 : 1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    printf("{\"vdso\":true,\"vsyscall\":\"%s\"}\n",
           WIFSIGNALED(status) ? sigabbrev_np(WTERMSIG(status)) : WEXITSTATUS(status) == 0 ? "answers" : "refuses");
#else
    puts("{\"vdso\":true,\"vsyscall\":\"none\"}");
#endif
    return 0;
}

static const struct act acts[] = {
    {"threads", threads}, {"identity", identity}, {"watch-exec", watch_exec},
    {"eat", eat},         {"crash", crash},       {"page", page},
};
const struct act_set general_acts = {acts, PROBE_COUNT(acts)};
