// SPDX-License-Identifier: Apache-2.0
#include "sum.h"
#include <stdio.h>
#include <stdlib.h>

int main(int count, char **arguments) {
    if (count != 3) return 64;
    unsigned threads = (unsigned)strtoul(arguments[1], NULL, 10);
    uint64_t sum = sum_with_threads(threads, strtoull(arguments[2], NULL, 10));
    printf("threads %u, sum %llu\n", threads, (unsigned long long)sum);
    return sum == 0;
}
