// SPDX-License-Identifier: Apache-2.0
// What one system call costs: prints nanoseconds per getppid(2), the least of several batches.

#define _GNU_SOURCE
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

int main(void) {
    enum { BATCHES = 20, CALLS = 100000 };
    double least = 1e18;
    for (int batch = 0; batch < BATCHES; batch++) {
        double begin = now();
        for (int call = 0; call < CALLS; call++) syscall(SYS_getppid);
        double each = (now() - begin) / CALLS;
        if (each < least) least = each;
    }
    printf("%.1f\n", least);
    return 0;
}
