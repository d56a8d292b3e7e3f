// SPDX-License-Identifier: Apache-2.0
// System calls through the other doors of an x86-64 kernel: a filter that looks at native numbers only lets them pass.
// `int80`: getpid through the 32-bit table. `x32`: getpid with the x32 bit. Exits with 0 when the call came through.

#include <string.h>

int main(int count, char **arguments) {
    long result = -1;
    if (count > 1 && strcmp(arguments[1], "int80") == 0) {
        __asm__ volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory", "r8", "r9", "r10", "r11");
    } else {
        __asm__ volatile("syscall" : "=a"(result) : "a"(39L | 0x40000000L) : "memory", "rcx", "r11");
    }
    return result > 0 ? 0 : 1;
}
