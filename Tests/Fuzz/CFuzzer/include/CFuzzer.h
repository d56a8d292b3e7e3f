// SPDX-License-Identifier: Apache-2.0
// libFuzzer's driver, for programs that have a `main` of their own.

#ifndef CFUZZER_H
#define CFUZZER_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerRunDriver(int *count, char ***values, int (*test)(const uint8_t *bytes, size_t count));

#endif
