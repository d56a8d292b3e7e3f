// SPDX-License-Identifier: Apache-2.0
// A fork storm of a known size: starts N processes, each of which forks children without end, and says when all run.
//
//     storm N

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int count, char **values) {
    int wanted = count > 1 ? atoi(values[1]) : 200;
    int ready[2];
    if (pipe(ready) != 0) return 1;
    signal(SIGTERM, SIG_IGN);
    for (int index = 0; index < wanted; index++) {
        pid_t child = fork();
        if (child < 0) {
            perror("storm: fork");
            return 1;
        }
        if (child == 0) {
            setsid();
            close(ready[0]);
            if (write(ready[1], "x", 1) != 1) _exit(1);
            for (;;) {
                pid_t inner = fork();
                if (inner == 0) _exit(0);
                if (inner > 0) waitpid(inner, NULL, 0);
            }
        }
    }
    close(ready[1]);
    char byte;
    for (int index = 0; index < wanted; index++) {
        if (read(ready[0], &byte, 1) != 1) return 1;
    }
    puts("storming");
    fflush(stdout);
    for (;;) pause();
}
