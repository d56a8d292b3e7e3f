// SPDX-License-Identifier: Apache-2.0
// pid 1 of the sandbox. It holds no authority: no capabilities, five system calls, two descriptors that matter.

#include "launch.h"

#include <linux/audit.h>

#define ALLOW(number) \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (number), 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static int confine_init(void) {
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
#if defined(__x86_64__)
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
#elif defined(__aarch64__)
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_AARCH64, 1, 0),
#else
#error "no audit architecture for this machine"
#endif
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        ALLOW(__NR_ppoll),
        ALLOW(__NR_read),
        ALLOW(__NR_wait4),
        ALLOW(__NR_write),
        ALLOW(__NR_exit_group),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
    };
    struct sock_fprog program = {.len = sizeof filter / sizeof *filter, .filter = filter};
    return linux_seccomp(SECCOMP_SET_MODE_FILTER, 0, &program);
}

void launch_become_init(const struct launch_plan *plan, pid_t agent) {
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_SETMASK, &child, NULL);
    int children = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    if (children < 0) { _exit(125); }
    // Everything else goes, standard streams included: the agent's end must be the end of its pipes.
    int keep[3] = {plan->status, plan->life, children};
    for (int left = 0; left < 2; left++) {
        for (int right = left + 1; right < 3; right++) {
            if (keep[right] < keep[left]) {
                int swap = keep[left];
                keep[left] = keep[right];
                keep[right] = swap;
            }
        }
    }
    if (launch_close_others(keep, 3) < 0 || linux_close_range(0, 2, 0) < 0) { _exit(125); }
    if (confine_init() < 0) { _exit(125); }

    struct pollfd sources[2] = {{.fd = children, .events = POLLIN}, {.fd = plan->life, .events = POLLIN}};
    for (;;) {
        if (syscall(SYS_ppoll, sources, 2, NULL, NULL, 0) < 0 && errno != EINTR) { _exit(125); }
        // The supervisor never writes here: anything at all means that it is gone.
        if (sources[1].revents != 0) { syscall(SYS_exit_group, 0); }
        struct signalfd_siginfo information;
        while (read(children, &information, sizeof information) > 0) {}
        for (;;) {
            int status = 0;
            pid_t ended = (pid_t)syscall(SYS_wait4, -1, &status, WNOHANG, NULL);
            if (ended <= 0) { break; }
            if (ended == agent) {
                if (write(plan->status, &status, sizeof status) < 0) { syscall(SYS_exit_group, 125); }
                // A group that empties may be removed by whoever delegated it, before the supervisor has read from it
                // what the session used: it closes `life` when it has.
                if (plan->lingers) { continue; }
                // With pid 1 the kernel kills whatever the agent left behind.
                syscall(SYS_exit_group, 0);
            }
        }
    }
}
