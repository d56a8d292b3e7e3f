// SPDX-License-Identifier: Apache-2.0
// Things of the host that no agent may touch, and that notice when one does.

#include "CLinux.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/inotify.h>

static int bound(int canary, const void *address, socklen_t length, int listens) {
    if (canary < 0) { return -1; }
    if (bind(canary, address, length) < 0 || (listens && listen(canary, 16) < 0)) {
        int saved = errno;
        close(canary);
        errno = saved;
        return -1;
    }
    return canary;
}

int linux_canary_port(int type, uint16_t *port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int canary = bound(socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), &address, sizeof address, type == SOCK_STREAM);
    if (canary < 0) { return -1; }
    socklen_t length = sizeof address;
    getsockname(canary, (struct sockaddr *)&address, &length);
    *port = ntohs(address.sin_port);
    return canary;
}

int linux_canary_unix(const char *name, int abstract) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(name);
    if (length + 2 > sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(address.sun_path + (abstract ? 1 : 0), name, length);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + 1);
    int canary = bound(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), &address, size, 1);
    // Permissions are not what may keep an agent away from it.
    if (canary >= 0 && !abstract && chmod(name, 0666) < 0) { return -1; }
    return canary;
}

int linux_canary_touch(int canary) {
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    int type = 0;
    socklen_t size = sizeof type;
    if (getsockname(canary, (struct sockaddr *)&address, &length) < 0) { return -1; }
    if (getsockopt(canary, SOL_SOCKET, SO_TYPE, &type, &size) < 0) { return -1; }
    int finger = socket(address.ss_family, type | SOCK_CLOEXEC, 0);
    if (finger < 0) { return -1; }
    int result = connect(finger, (struct sockaddr *)&address, length);
    if (result == 0 && type == SOCK_DGRAM) { result = send(finger, "x", 1, 0) == 1 ? 0 : -1; }
    int saved = errno;
    close(finger);
    errno = saved;
    return result;
}

int linux_canary_touched(int canary) {
    int touched = 0;
    for (;;) {
        char byte = 0;
        int visitor = accept4(canary, NULL, NULL, SOCK_CLOEXEC);
        if (visitor >= 0) {
            close(visitor);
            touched = 1;
        } else if (errno == EOPNOTSUPP) {
            if (recv(canary, &byte, 1, MSG_DONTWAIT) < 0) { return errno == EAGAIN ? touched : -1; }
            touched = 1;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            return errno == EAGAIN ? touched : -1;
        }
    }
}

int linux_watch_file(const char *path) {
    int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (watch < 0) { return -1; }
    uint32_t events = IN_ACCESS | IN_MODIFY | IN_ATTRIB | IN_OPEN | IN_DELETE_SELF | IN_MOVE_SELF;
    if (inotify_add_watch(watch, path, events) < 0) {
        int saved = errno;
        close(watch);
        errno = saved;
        return -1;
    }
    return watch;
}
