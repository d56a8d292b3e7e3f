// SPDX-License-Identifier: Apache-2.0
// Helpers of the drivers, started with `remit-probe --act NAME`.

#include "probe.h"

extern const struct act probe_acts[];
extern const size_t probe_acts_count;

static int nothing(int count, char **arguments) {
    (void)count;
    (void)arguments;
    return 0;
}

const struct act probe_acts[] = {
    {"nothing", nothing},
};
const size_t probe_acts_count = PROBE_COUNT(probe_acts);
