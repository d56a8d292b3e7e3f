// SPDX-License-Identifier: Apache-2.0
// The loop that runs a plan, and the conversation with the supervisor.

#include "launch.h"

uint64_t launch_now(void) {
    struct timespec time = linux_clock(CLOCK_MONOTONIC);
    return (uint64_t)time.tv_sec * 1000000000ULL + (uint64_t)time.tv_nsec;
}

void launch_say(const struct launch_plan *plan, uint32_t kind, uint32_t phase, uint32_t index, int code) {
    struct launch_message message = {.kind = kind, .phase = phase, .index = index, .code = code};
    ssize_t sent;
    do {
        sent = send(plan->control, &message, sizeof message, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    // A profile may have taken send(2) away by now: write(2) says the same.
    if (sent < 0 && errno == EPERM && write(plan->control, &message, sizeof message) < 0) { return; }
}

int launch_await(const struct launch_plan *plan, char command) {
    char received = 0;
    ssize_t count;
    do {
        count = recv(plan->control, &received, 1, 0);
    } while (count < 0 && errno == EINTR);
    if (count == 1 && received == command) { return 0; }
    if (count >= 0) { errno = EPIPE; }
    return -1;
}

int launch_ready(const struct launch_plan *plan) {
    launch_say(plan, LAUNCH_IS_READY, 1, 0, 0);
    ssize_t count;
    do {
        count = recv(plan->control, plan->extra, plan->extra_capacity, MSG_TRUNC);
    } while (count < 0 && errno == EINTR);
    if (count < 0) { return -1; }
    if (count < 1 || plan->extra[0] != LAUNCH_GO) {
        errno = EPIPE;
        return -1;
    }
    if ((size_t)count > plan->extra_capacity || plan->extra[count - 1] != (count == 1 ? LAUNCH_GO : 0)) {
        errno = E2BIG;
        return -1;
    }
    size_t entry = plan->environment_count;
    for (ssize_t offset = 1; offset < count; offset += (ssize_t)strlen(plan->extra + offset) + 1) {
        if (entry + 1 >= plan->environment_capacity) {
            errno = E2BIG;
            return -1;
        }
        plan->environment[entry++] = plan->extra + offset;
    }
    plan->environment[entry] = NULL;
    return 0;
}

int launch_send_descriptor(const struct launch_plan *plan, int descriptor, int tag) {
    struct launch_message message = {.kind = LAUNCH_DESCRIPTOR, .code = tag};
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control;
    memset(&control, 0, sizeof control);
    struct iovec part = {.iov_base = &message, .iov_len = sizeof message};
    struct msghdr envelope = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    struct cmsghdr *item = CMSG_FIRSTHDR(&envelope);
    item->cmsg_level = SOL_SOCKET;
    item->cmsg_type = SCM_RIGHTS;
    item->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(item), &descriptor, sizeof(int));
    return sendmsg(plan->control, &envelope, MSG_NOSIGNAL) < 0 ? -1 : 0;
}

int launch_close_others(const int *keep, size_t count) {
    unsigned int first = 3;
    for (size_t index = 0; index < count; index++) {
        unsigned int kept = (unsigned int)keep[index];
        if (keep[index] < 3) { continue; }
        if (kept > first && linux_close_range(first, kept - 1, 0) < 0) { return -1; }
        first = kept + 1;
    }
    return linux_close_range(first, ~0U, 0);
}

static void run_steps(const struct launch_plan *plan, uint32_t phase, const struct launch_step *steps, size_t count) {
    uint64_t *trace = NULL;
    size_t room = 0;
    if (plan->trace != NULL) {
        trace = phase == 0 ? plan->trace->setup : plan->trace->agent;
        room = phase == 0 ? sizeof plan->trace->setup / sizeof *trace : sizeof plan->trace->agent / sizeof *trace;
    }
    for (size_t index = 0; index < count; index++) {
        if (launch_run_step(plan, &steps[index]) < 0) {
            launch_say(plan, LAUNCH_FAILED, phase, (uint32_t)index, errno);
            _exit(125);
        }
        if (index < room) { trace[index] = launch_now(); }
    }
}

__attribute__((noreturn)) static void run_plan(const struct launch_plan *plan) {
    if (plan->trace != NULL) { plan->trace->started = launch_now(); }
    // 0 is whoever writes. Moving somebody else would cost milliseconds: there the kernel waits for an RCU grace period.
    for (size_t index = 0; index < plan->group_count; index++) {
        if (write(plan->groups[index], "0", 1) != 1) {
            launch_say(plan, LAUNCH_FAILED, 2, (uint32_t)index, errno);
            _exit(125);
        }
    }
    // A descriptor too many would be the agent's: without close_range(2) nothing starts.
    if (launch_close_others(plan->keep, plan->keep_count) < 0) {
        launch_say(plan, LAUNCH_FAILED, 0, 0, errno);
        _exit(125);
    }
    run_steps(plan, 0, plan->setup, plan->setup_count);
    if (plan->agent == NULL) { _exit(125); }
    // A raw clone: glibc's fork would take its own locks, which a thread of the supervisor may have held.
    pid_t agent = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
    if (agent < 0) {
        launch_say(plan, LAUNCH_FAILED, 0, (uint32_t)plan->setup_count, errno);
        _exit(125);
    }
    if (agent == 0) {
        run_steps(plan, 1, plan->agent, plan->agent_count);
        _exit(125);
    }
    launch_become_init(plan, agent);
}

pid_t launch_clone(struct clone_args *arguments, const struct launch_plan *plan) {
    sigset_t all, previous;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &previous);
    long pid = linux_clone3(arguments, sizeof *arguments);
    if (pid == 0) { run_plan(plan); }
    int saved = errno;
    sigprocmask(SIG_SETMASK, &previous, NULL);
    errno = saved;
    return (pid_t)pid;
}
