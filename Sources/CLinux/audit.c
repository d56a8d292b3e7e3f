// SPDX-License-Identifier: Apache-2.0
// The kernel's audit log over netlink(7). It is read, and never changed.

#include "CLinux.h"

#include <arpa/inet.h>
#include <linux/audit.h>
#include <linux/netlink.h>

static int audit_socket(void) { return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_AUDIT); }

/// The next message of the kernel's own: others may send to a netlink socket as well.
static ssize_t kernel_message(int socket, void *buffer, size_t capacity) {
    for (;;) {
        struct sockaddr_nl sender = {0};
        socklen_t size = sizeof sender;
        ssize_t count = recvfrom(socket, buffer, capacity, MSG_DONTWAIT, (struct sockaddr *)&sender, &size);
        if (count < 0 && errno == EINTR) { continue; }
        if (count < 0) { return -1; }
        if (sender.nl_pid == 0 && (size_t)count >= sizeof(struct nlmsghdr)) { return count; }
    }
}

int linux_audit_is_on(void) {
    int audit = audit_socket();
    if (audit < 0) { return 0; }
    struct nlmsghdr request = {
        .nlmsg_len = sizeof request, .nlmsg_type = AUDIT_GET, .nlmsg_flags = NLM_F_REQUEST, .nlmsg_seq = 1};
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    int enabled = 0;
    if (sendto(audit, &request, sizeof request, 0, (struct sockaddr *)&kernel, sizeof kernel) == sizeof request) {
        // A thread of the kernel's answers; one that does not is no reason to wait for.
        struct pollfd answer = {.fd = audit, .events = POLLIN};
        union {
            struct nlmsghdr header;
            char bytes[512];
        } reply;
        if (poll(&answer, 1, 200) == 1) {
            ssize_t count = kernel_message(audit, &reply, sizeof reply);
            const struct audit_status *status = NLMSG_DATA(&reply.header);
            if (count >= (ssize_t)NLMSG_LENGTH(offsetof(struct audit_status, failure)) &&
                reply.header.nlmsg_type == AUDIT_GET) {
                enabled = status->enabled != 0;
            }
        }
    }
    close(audit);
    return enabled;
}

int linux_audit_listen(void) {
    int audit = audit_socket();
    if (audit < 0) { return -1; }
    // A busy host's other records must not wake us. Halfwords are loaded in network order, and written in the host's.
    struct sock_filter only[] = {
        BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_type)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(LINUX_AUDIT_LANDLOCK_ACCESS), 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(LINUX_AUDIT_LANDLOCK_DOMAIN), 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0xffffffff),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    struct sock_fprog program = {.len = sizeof only / sizeof *only, .filter = only};
    struct sockaddr_nl group = {.nl_family = AF_NETLINK, .nl_groups = 1u << (AUDIT_NLGRP_READLOG - 1)};
    if (setsockopt(audit, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) < 0 ||
        bind(audit, (struct sockaddr *)&group, sizeof group) < 0) {
        int saved = errno;
        close(audit);
        errno = saved;
        return -1;
    }
    return audit;
}

ssize_t linux_audit_next(int socket, uint16_t *type, void *text, size_t capacity) {
    union {
        struct nlmsghdr header;
        char bytes[10240];
    } message;
    ssize_t count = kernel_message(socket, &message, sizeof message);
    if (count < 0) { return -1; }
    size_t length = (size_t)count - NLMSG_HDRLEN;
    if (length > capacity) { length = capacity; }
    *type = message.header.nlmsg_type;
    memcpy(text, message.bytes + NLMSG_HDRLEN, length);
    return (ssize_t)length;
}
