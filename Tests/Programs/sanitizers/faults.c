// SPDX-License-Identifier: Apache-2.0
// Does the fault that it is asked for, or none.
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static int shared;

static void *add(void *argument) {
    for (int round = 0; round < 1000; round++) shared++;
    return argument;
}

static int race(void) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, add, NULL) != 0) return 64;
    add(NULL);
    return pthread_join(thread, NULL);
}

static int use_after_free(void) {
    char *volatile text = calloc(1, 16);
    free(text);
    return text[8];
}

int main(int count, char **arguments) {
    if (count != 2) return 64;
    volatile int large = INT_MAX;
    if (strcmp(arguments[1], "race") == 0) return race();
    if (strcmp(arguments[1], "use-after-free") == 0) return use_after_free();
    if (strcmp(arguments[1], "overflow") == 0) large += count;
    return large == 0;
}
