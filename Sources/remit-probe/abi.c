// SPDX-License-Identifier: Apache-2.0
// E11-E13: system calls through the other doors of an x86-64 kernel, and numbers that are none.

#include "probe.h"

#include <linux/keyctl.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>

#if defined(__x86_64__)

static sigjmp_buf back;

static void return_from(int number) {
    (void)number;
    siglongjmp(back, 1);
}

// A call of the 32-bit table; a kernel without one answers with SIGSEGV.
static int compat(long number, long first, long second, long third) {
    signal(SIGSEGV, return_from);
    if (sigsetjmp(back, 1) != 0) { return ENOSYS; }
    long result;
    __asm__ volatile("int $0x80"
                     : "=a"(result)
                     : "a"(number), "b"(first), "c"(second), "d"(third), "S"(0L), "D"(0L)
                     : "memory", "r8", "r9", "r10", "r11");
    return result < 0 ? (int)-result : 0;
}

// Memory that 32-bit pointers reach.
static char *low_memory(void) {
    char *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

static int compat_getpid(void) { return compat(20, 0, 0, 0); }

static int compat_mount(void) {
    char *memory = low_memory();
    if (memory == NULL) { return probe_skip("no memory below 4 GiB"); }
    strcpy(memory, "tmpfs");
    strcpy(memory + 16, "/tmp");
    return compat(21, (long)(intptr_t)memory, (long)(intptr_t)(memory + 16), (long)(intptr_t)memory);
}

static int compat_socket(int family, int type, int protocol) {
    uint32_t *arguments = (uint32_t *)(void *)low_memory();
    if (arguments == NULL) { return probe_skip("no memory below 4 GiB"); }
    arguments[0] = (uint32_t)family;
    arguments[1] = (uint32_t)type;
    arguments[2] = (uint32_t)protocol;
    return compat(102, 1 /* SYS_SOCKET */, (long)(intptr_t)arguments, 0);
}

static int compat_alg(void) { return compat_socket(AF_ALG, SOCK_SEQPACKET, 0); }
static int compat_vsock(void) { return compat_socket(AF_VSOCK, SOCK_STREAM, 0); }
static int compat_packet(void) { return compat_socket(AF_PACKET, SOCK_RAW, 0); }
static int compat_unshare(void) { return compat(310, 0x10000000, 0, 0); }
static int compat_ptrace(void) { return compat(26, 0, 0, 0); }
static int compat_keyctl(void) { return compat(288, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 1); }

// Negative when the call failed, with errno set.
static int direct(long number, long first) {
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(first), "S"(0L), "d"(0L) : "memory", "rcx", "r11");
    return result < 0 ? (int)-result : 0;
}

#define X32 0x40000000L
static int x32_getpid(void) { return direct(39 | X32, 0); }
static int x32_unshare(void) { return direct(272 | X32, 0x10000000); }
static int x32_ptrace(void) { return direct(521 | X32, 0); }
static int number_minus_one(void) { return direct(-1, 0); }
static int number_largest(void) { return direct(0x7fffffff, 0); }
static int number_unused(void) { return direct(999, 0); }
static int number_far(void) { return direct(0x3fffffff, 0); }
static int number_low_int(void) { return direct((long)0x80000000UL, 0); }

#else
static int other(void) { return probe_skip("only x86-64 has other doors"); }
#define compat_getpid other
#define compat_mount other
#define compat_alg other
#define compat_vsock other
#define compat_packet other
#define compat_unshare other
#define compat_ptrace other
#define compat_keyctl other
#define x32_getpid other
#define x32_unshare other
#define x32_ptrace other
#define number_minus_one other
#define number_largest other
#define number_unused other
#define number_far other
#define number_low_int other
#endif

#define COMPAT "kernel:ENOSYS"
#define FAMILY "kernel:ENOSYS,EAFNOSUPPORT"
#define NONE "seccomp:ENOSYS kernel:ENOSYS"

static const struct probe probes[] = {
    {"E11.compat-getpid", "call getpid through the 32-bit door", COMPAT, compat_getpid, PROBE_DIES | PROBE_PORTABLE},
    {"E11.compat-mount", "mount through the 32-bit door", COMPAT, compat_mount, PROBE_DIES},
    {"E11.compat-alg", "make an AF_ALG socket through socketcall(2)", FAMILY, compat_alg, PROBE_DIES},
    {"E11.compat-vsock", "make an AF_VSOCK socket through socketcall(2)", FAMILY, compat_vsock, PROBE_DIES},
    {"E11.compat-packet", "make an AF_PACKET socket through socketcall(2)", FAMILY, compat_packet, PROBE_DIES},
    {"E11.compat-unshare", "make a user namespace through the 32-bit door", COMPAT, compat_unshare, PROBE_DIES},
    {"E11.compat-ptrace", "be traced through the 32-bit door", COMPAT, compat_ptrace, PROBE_DIES},
    {"E11.compat-keyctl", "find a keyring through the 32-bit door", COMPAT, compat_keyctl, PROBE_DIES},
    {"E12.x32-getpid", "call getpid with the x32 bit", COMPAT, x32_getpid, PROBE_DIES | PROBE_PORTABLE},
    {"E12.x32-unshare", "make a user namespace with the x32 bit", COMPAT, x32_unshare, PROBE_DIES},
    {"E12.x32-ptrace", "be traced with the x32 bit", COMPAT, x32_ptrace, PROBE_DIES},
    {"E13.number-minus-one", "make system call -1", NONE, number_minus_one, PROBE_DIES},
    {"E13.number-largest", "make system call 0x7fffffff", NONE, number_largest, PROBE_DIES},
    {"E13.number-unused", "make system call 999", NONE, number_unused, PROBE_PORTABLE},
    {"E13.number-far", "make system call 0x3fffffff", NONE, number_far, 0},
    {"E13.number-low-int", "make system call 0x80000000", NONE, number_low_int, PROBE_DIES},
};
const struct probe_set abi_probes = {probes, PROBE_COUNT(probes)};
