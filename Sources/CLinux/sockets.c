// SPDX-License-Identifier: Apache-2.0
// Internet sockets, descriptors that travel, and pipes between sockets.

#include "CLinux.h"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>

// <linux/netfilter_ipv4.h> disagrees with <netinet/in.h>; both numbers are the kernel's ABI.
enum { original_destination = 80 };

union socket_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static int imported(const union socket_address *from, struct linux_address *to) {
    memset(to, 0, sizeof *to);
    if (from->any.sa_family == AF_INET) {
        to->version = 4;
        memcpy(to->bytes, &from->v4.sin_addr, 4);
        to->port = ntohs(from->v4.sin_port);
        return 0;
    }
    if (from->any.sa_family != AF_INET6) {
        errno = EAFNOSUPPORT;
        return -1;
    }
    to->port = ntohs(from->v6.sin6_port);
    if (IN6_IS_ADDR_V4MAPPED(&from->v6.sin6_addr)) {
        to->version = 4;
        memcpy(to->bytes, from->v6.sin6_addr.s6_addr + 12, 4);
    } else {
        to->version = 6;
        memcpy(to->bytes, &from->v6.sin6_addr, 16);
    }
    return 0;
}

static socklen_t exported(const struct linux_address *from, union socket_address *to) {
    memset(to, 0, sizeof *to);
    if (from->version == 4) {
        to->v4.sin_family = AF_INET;
        memcpy(&to->v4.sin_addr, from->bytes, 4);
        to->v4.sin_port = htons(from->port);
        return sizeof to->v4;
    }
    to->v6.sin6_family = AF_INET6;
    memcpy(&to->v6.sin6_addr, from->bytes, 16);
    to->v6.sin6_port = htons(from->port);
    return sizeof to->v6;
}

static int failed(int socket) {
    int saved = errno;
    close(socket);
    errno = saved;
    return -1;
}

int linux_accept(int listener, struct linux_address *peer) {
    union socket_address address;
    socklen_t size = sizeof address;
    int socket = accept4(listener, &address.any, &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (socket < 0) { return -1; }
    return imported(&address, peer) < 0 ? failed(socket) : socket;
}

int linux_local_address(int socket, struct linux_address *address) {
    union socket_address own;
    socklen_t size = sizeof own;
    return getsockname(socket, &own.any, &size) < 0 ? -1 : imported(&own, address);
}

int linux_peer_address(int socket, struct linux_address *address) {
    union socket_address peer;
    socklen_t size = sizeof peer;
    return getpeername(socket, &peer.any, &size) < 0 ? -1 : imported(&peer, address);
}

int linux_original_destination(int socket, struct linux_address *address) {
    // Asked by the version that is on the wire: a socket of version 6 carries connections of version 4 too.
    struct linux_address own;
    if (linux_local_address(socket, &own) < 0) { return -1; }
    union socket_address meant;
    socklen_t size = own.version == 4 ? sizeof meant.v4 : sizeof meant.v6;
    int level = own.version == 4 ? IPPROTO_IP : IPPROTO_IPV6;
    return getsockopt(socket, level, original_destination, &meant, &size) < 0 ? -1 : imported(&meant, address);
}

static int bound(const struct linux_address *address, int type) {
    union socket_address own;
    socklen_t size = exported(address, &own);
    int made = socket(own.any.sa_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (made < 0) { return -1; }
    int one = 1;
    if (setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0) { return failed(made); }
    if (address->version == 6 && setsockopt(made, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one) < 0) {
        return failed(made);
    }
    return bind(made, &own.any, size) < 0 ? failed(made) : made;
}

int linux_listen(const struct linux_address *address, int backlog) {
    int listener = bound(address, SOCK_STREAM);
    if (listener < 0) { return -1; }
    return listen(listener, backlog) < 0 ? failed(listener) : listener;
}

int linux_bind_datagram(const struct linux_address *address) { return bound(address, SOCK_DGRAM); }

int linux_connect(const struct linux_address *address) {
    union socket_address peer;
    socklen_t size = exported(address, &peer);
    int stream = socket(peer.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (stream < 0) { return -1; }
    if (connect(stream, &peer.any, size) < 0 && errno != EINPROGRESS) { return failed(stream); }
    return stream;
}

int linux_socket_error(int socket) {
    int code = 0;
    return linux_get_option(socket, SOL_SOCKET, SO_ERROR, &code) < 0 ? errno : code;
}

int linux_set_option(int socket, int level, int option, int value) {
    return setsockopt(socket, level, option, &value, sizeof value);
}

int linux_get_option(int socket, int level, int option, int *value) {
    socklen_t size = sizeof *value;
    return getsockopt(socket, level, option, value, &size);
}

int linux_reset_on_close(int socket) {
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    return setsockopt(socket, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

int linux_abort(int socket) {
    const struct sockaddr nobody = {.sa_family = AF_UNSPEC};
    return connect(socket, &nobody, sizeof nobody);
}

int linux_unsent(int socket) {
    int count = 0;
    return ioctl(socket, SIOCOUTQNSD, &count) < 0 ? -1 : count;
}

ssize_t linux_receive_from(int socket, void *buffer, size_t capacity, struct linux_address *sender) {
    union socket_address address;
    socklen_t size = sizeof address;
    ssize_t count = recvfrom(socket, buffer, capacity, MSG_DONTWAIT | MSG_TRUNC, &address.any, &size);
    if (count < 0) { return -1; }
    return imported(&address, sender) < 0 ? -1 : count;
}

ssize_t linux_send_to(int socket, const void *buffer, size_t size, const struct linux_address *receiver) {
    union socket_address address;
    socklen_t length = exported(receiver, &address);
    return sendto(socket, buffer, size, MSG_DONTWAIT | MSG_NOSIGNAL, &address.any, length);
}

ssize_t linux_receive_descriptors(int socket, void *buffer, size_t capacity, int descriptors[LINUX_DESCRIPTORS_MAX],
                                  size_t *count) {
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(LINUX_DESCRIPTORS_MAX * sizeof(int))];
    } control;
    struct iovec part = {.iov_base = buffer, .iov_len = capacity};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    *count = 0;
    ssize_t received;
    do {
        received = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    } while (received < 0 && errno == EINTR);
    if (received < 0) { return -1; }
    for (struct cmsghdr *item = CMSG_FIRSTHDR(&message); item != NULL; item = CMSG_NXTHDR(&message, item)) {
        if (item->cmsg_level != SOL_SOCKET || item->cmsg_type != SCM_RIGHTS) { continue; }
        size_t here = (item->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t index = 0; index < here && *count < LINUX_DESCRIPTORS_MAX; index++) {
            memcpy(&descriptors[(*count)++], CMSG_DATA(item) + index * sizeof(int), sizeof(int));
        }
    }
    if (message.msg_flags & MSG_CTRUNC) {
        while (*count > 0) { close(descriptors[--*count]); }
        errno = EMSGSIZE;
        return -1;
    }
    return received;
}

ssize_t linux_send_descriptors(int socket, const void *buffer, size_t size, const int *descriptors, size_t count) {
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(LINUX_DESCRIPTORS_MAX * sizeof(int))];
    } control;
    struct iovec part = {.iov_base = (void *)buffer, .iov_len = size};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (count > LINUX_DESCRIPTORS_MAX) {
        errno = EMSGSIZE;
        return -1;
    }
    if (count > 0) {
        memset(&control, 0, sizeof control);
        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE(count * sizeof(int));
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(header), descriptors, count * sizeof(int));
    }
    ssize_t sent;
    do {
        sent = sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (sent < 0 && errno == EINTR);
    return sent;
}

ssize_t linux_splice(int from, int to, size_t size) {
    return splice(from, NULL, to, NULL, size, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
}

int linux_set_pipe_size(int pipe, int size) { return fcntl(pipe, F_SETPIPE_SZ, size); }
