// SPDX-License-Identifier: Apache-2.0
// What the drivers' helpers share.

#ifndef REMIT_PROBE_ACTS_H
#define REMIT_PROBE_ACTS_H

#include "probe.h"

struct act_set {
    const struct act *acts;
    size_t count;
};

extern const struct act_set general_acts, call_acts, lifetime_acts, notified_acts, passed_acts, without_acts, swap_acts;

void act_pause(long microseconds);

// Each of the 64 signals is ignored, or again does what it does by default; also the two the C library keeps for itself.
void act_ignore_signals(int ignored);

// The next number; the state is the seed first, and must not be 0.
uint64_t act_random(uint64_t *state);

#endif
