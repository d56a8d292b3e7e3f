// SPDX-License-Identifier: Apache-2.0
// A host that lacks something: a command under a filter by which some system calls do not exist.

#include "acts.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <sys/prctl.h>

struct missing {
    const char *name;
    int numbers[4];
    int code;
    unsigned argument;   // with `mask`: only calls whose argument has one of its bits
    uint32_t mask;
};

static const struct missing known[] = {
    {"landlock", {444, 445, 446}, ENOSYS, 0, 0},
    {"landlock-disabled", {444, 445, 446}, EOPNOTSUPP, 0, 0},
    {"landlock-forbidden", {444, 445, 446}, EPERM, 0, 0},
    {"seccomp", {317}, ENOSYS, 0, 0},
    {"seccomp-forbidden", {317}, EPERM, 0, 0},
    {"seccomp-listener", {317}, EINVAL, 1, SECCOMP_FILTER_FLAG_NEW_LISTENER},
    {"clone3", {435}, ENOSYS, 0, 0},
    {"clone3-forbidden", {435}, EPERM, 0, 0},
    {"close_range", {436}, ENOSYS, 0, 0},
    {"openat2", {437}, ENOSYS, 0, 0},
    {"pidfd", {434, 424}, ENOSYS, 0, 0},
    {"mount-api", {428, 429, 430}, ENOSYS, 0, 0},
    {"mount_setattr", {442}, ENOSYS, 0, 0},
    {"capabilities", {126}, EPERM, 0, 0},
    {"unshare", {272}, EPERM, 0, 0},
    // socket(2) of NETLINK_NETFILTER (12), and of no other protocol that anything here speaks.
    {"packet-filter", {41}, EPROTONOSUPPORT, 2, 8},
};

static size_t add(struct sock_filter *code, size_t length, const struct missing *what, int number) {
    struct sock_filter check[] = {
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)what->code),
    };
    struct sock_filter masked[] = {
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 4),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(offsetof(struct seccomp_data, args) + 8 * what->argument)),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, what->mask, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)what->code),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
    };
    size_t count = what->mask != 0 ? PROBE_COUNT(masked) : PROBE_COUNT(check);
    memcpy(code + length, what->mask != 0 ? masked : check, count * sizeof *code);
    return length + count;
}

// without WHAT[,WHAT…] COMMAND…: becomes the command, for which these do not exist.
static int without(int count, char **arguments) {
    if (count < 2) { return 64; }
    struct sock_filter code[256] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))};
    size_t length = 1;
    for (char *word = strtok(arguments[0], ","); word != NULL; word = strtok(NULL, ",")) {
        size_t index = 0;
        while (index < PROBE_COUNT(known) && strcmp(known[index].name, word) != 0) { index++; }
        if (index == PROBE_COUNT(known)) { return 64; }
        for (size_t number = 0; number < 4 && known[index].numbers[number] != 0; number++) {
            length = add(code, length, &known[index], known[index].numbers[number]);
        }
    }
    code[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = {.len = (unsigned short)length, .filter = code};
    // Root need not give up privileges for it, as a host that lacks something would not make it do either.
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0 &&
        (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)) {
        perror("seccomp");
        return 71;
    }
    execvp(arguments[1], arguments + 1);
    perror(arguments[1]);
    return 127;
}

static const struct act acts[] = {{"without", without}};
const struct act_set without_acts = {acts, PROBE_COUNT(acts)};
