// SPDX-License-Identifier: Apache-2.0
#include "sum.h"
#include <pthread.h>
#include <stdlib.h>

struct part {
    pthread_t thread;
    uint64_t first, step, last, sum;
};

static void *run(void *argument) {
    struct part *part = argument;
    for (uint64_t number = part->first; number <= part->last; number += part->step) part->sum += number;
    return NULL;
}

uint64_t sum_with_threads(unsigned threads, uint64_t last) {
    struct part *parts = calloc(threads, sizeof *parts);
    if (parts == NULL) return 0;
    unsigned started = 0;
    for (; started < threads; started++) {
        parts[started] = (struct part){.first = started + 1, .step = threads, .last = last};
        if (pthread_create(&parts[started].thread, NULL, run, &parts[started]) != 0) break;
    }
    uint64_t sum = 0;
    for (unsigned index = 0; index < started; index++) {
        pthread_join(parts[index].thread, NULL);
        sum += parts[index].sum;
    }
    free(parts);
    return started == threads ? sum : 0;
}
