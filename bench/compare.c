// SPDX-License-Identifier: Apache-2.0
// Times whole processes against each other in one interleaved run, so that a busy machine is busy for all of them.
//
//     compare [-n RUNS] [-w WARM-UPS] NAME COMMAND... [::: NAME COMMAND...]...
//
// Prints a Markdown table: median, minimum and 95th percentile of the time from before vfork(2) to after wait4(2), the
// processor time the children took, and the ratio of each median to that of the first command. A command that ends with
// anything but 0 is shown as failed, and the exit status is then 1.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_COMMANDS = 16 };

struct command {
    const char *name;
    char **arguments;
    double *milliseconds;
    double cpu;
    int status;
};

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static double seconds(struct timeval value) { return (double)value.tv_sec + (double)value.tv_usec / 1e6; }

// Runs a command to its end. Its descriptors are /dev/null, so that nobody's terminal is part of the measurement.
static double run(struct command *command, int null) {
    struct rusage usage;
    int status = 0;
    double begin = now();
    pid_t child = vfork();
    if (child == 0) {
        dup2(null, 0);
        dup2(null, 1);
        dup2(null, 2);
        execvp(command->arguments[0], command->arguments);
        _exit(127);
    }
    if (child < 0 || wait4(child, &status, 0, &usage) != child) {
        perror("compare");
        exit(1);
    }
    double took = now() - begin;
    command->cpu += (seconds(usage.ru_utime) + seconds(usage.ru_stime)) * 1e3;
    if (status != 0) command->status = status;
    return took;
}

static int ascending(const void *left, const void *right) {
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static double quantile(const double *sorted, int count, double part) {
    int index = (int)(part * (count - 1) + 0.5);
    return sorted[index];
}

static double median(const double *sorted, int count) {
    return count % 2 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2;
}

int main(int count, char **values) {
    int runs = 100, warmups = 5, option;
    while ((option = getopt(count, values, "+n:w:")) != -1) {
        if (option == 'n') runs = atoi(optarg);
        else if (option == 'w') warmups = atoi(optarg);
        else return 64;
    }
    struct command commands[MAX_COMMANDS] = {0};
    int commandCount = 0;
    for (int index = optind; index < count;) {
        if (commandCount == MAX_COMMANDS || index + 1 >= count) break;
        struct command *command = &commands[commandCount++];
        command->name = values[index++];
        command->arguments = &values[index];
        while (index < count && strcmp(values[index], ":::") != 0) index++;
        values[index++] = NULL;
    }
    if (commandCount == 0 || runs < 1) {
        fprintf(stderr, "usage: compare [-n RUNS] [-w WARM-UPS] NAME COMMAND... [::: NAME COMMAND...]...\n");
        return 64;
    }
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0) {
        perror("compare: /dev/null");
        return 1;
    }
    for (int index = 0; index < commandCount; index++) {
        commands[index].milliseconds = calloc((size_t)runs, sizeof(double));
        for (int round = 0; round < warmups && commands[index].status == 0; round++) run(&commands[index], null);
        commands[index].cpu = 0;
    }
    for (int round = 0; round < runs; round++) {
        // The order turns, so that none always follows the same neighbour.
        for (int turn = 0; turn < commandCount; turn++) {
            struct command *command = &commands[(round + turn) % commandCount];
            if (command->status == 0) command->milliseconds[round] = run(command, null);
        }
    }
    printf("| command | median ms | min ms | p95 ms | CPU ms | ratio |\n|---|---:|---:|---:|---:|---:|\n");
    int failed = 0;
    double baseline = 0;
    for (int index = 0; index < commandCount; index++) {
        struct command *command = &commands[index];
        if (command->status != 0) {
            int isExit = WIFEXITED(command->status);
            printf("| %s | failed: %s %d | | | | |\n", command->name, isExit ? "status" : "signal",
                   isExit ? WEXITSTATUS(command->status) : WTERMSIG(command->status));
            failed = 1;
            continue;
        }
        qsort(command->milliseconds, (size_t)runs, sizeof(double), ascending);
        double middle = median(command->milliseconds, runs);
        if (index == 0) baseline = middle;
        printf("| %s | %.2f | %.2f | %.2f | %.2f | ", command->name, middle, command->milliseconds[0],
               quantile(command->milliseconds, runs, 0.95), command->cpu / runs);
        if (baseline > 0) printf("%.2f |\n", middle / baseline);
        else printf("- |\n");
    }
    return failed;
}
