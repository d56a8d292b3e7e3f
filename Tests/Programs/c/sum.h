// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <stdint.h>

/// The sum of 1 to `last`, computed by `threads` threads; 0 when a thread cannot be made.
uint64_t sum_with_threads(unsigned threads, uint64_t last);
