// SPDX-License-Identifier: Apache-2.0
// The few calls whose C shapes (control messages, sockaddr_un, epoll's union) or feature macros Swift cannot use.

#include <fcntl.h>
#include <sys/syscall.h>
#include <signal.h>
#include <sched.h>
#include <sys/wait.h>
#include <sys/mount.h>
#include "CLinux.h"

#include <grp.h>
#include <sys/fsuid.h>
#include <sys/uio.h>

ssize_t linux_receive(int socket, void *buffer, size_t capacity, int wait, int *descriptor) {
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec part = {.iov_base = buffer, .iov_len = capacity};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    *descriptor = -1;
    ssize_t count;
    do {
        count = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | (wait ? 0 : MSG_DONTWAIT));
    } while (count < 0 && errno == EINTR);
    if (count < 0) { return -1; }
    for (struct cmsghdr *item = CMSG_FIRSTHDR(&message); item != NULL; item = CMSG_NXTHDR(&message, item)) {
        if (item->cmsg_level == SOL_SOCKET && item->cmsg_type == SCM_RIGHTS) {
            memcpy(descriptor, CMSG_DATA(item), sizeof(int));
        }
    }
    return count;
}

int linux_epoll_wait(int poll, struct linux_event *events, int milliseconds) {
    struct epoll_event ready[64];
    int count = epoll_wait(poll, ready, 64, milliseconds);
    for (int index = 0; index < count; index++) {
        events[index].serial = ready[index].data.u64;
        events[index].ready = ready[index].events;
    }
    return count;
}

void linux_set_filesystem_ids(uid_t user, gid_t group) {
    // Towards another user the group goes first, back to root the user does: only root may change either.
    if (user != 0) {
        setfsgid(group);
        setfsuid(user);
    } else {
        setfsuid(user);
        setfsgid(group);
    }
}

int linux_become(uid_t user, gid_t group) {
    if (setgroups(0, NULL) < 0 || setresgid(group, group, group) < 0) { return -1; }
    return setresuid(user, user, user);
}

int linux_event_counter(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

int linux_pipe(int descriptors[2], int flags) { return pipe2(descriptors, flags); }

const char *linux_error_text(int code, char *buffer, size_t size) { return strerror_r(code, buffer, size); }

int linux_notification_receive(int listener, struct linux_notification *notification) {
    // Asked first: where nobody is left to report, Linux before 6.11 sleeps in the call below for ever.
    struct pollfd waiting = {.fd = listener, .events = POLLIN};
    if (poll(&waiting, 1, 0) < 0) { return -1; }
    if (!(waiting.revents & POLLIN)) {
        errno = ENOENT;
        return -1;
    }
    // The kernel's structure may be longer than the header's, and must be zero on the way in.
    union {
        struct seccomp_notif report;
        char room[256];
    } buffer;
    memset(&buffer, 0, sizeof buffer);
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &buffer) < 0) { return -1; }
    notification->cookie = buffer.report.id;
    notification->process = buffer.report.pid;
    notification->call = buffer.report.data.nr;
    memcpy(notification->arguments, buffer.report.data.args, sizeof notification->arguments);
    return 0;
}

static int notification_answer(int listener, uint64_t cookie, int error, uint32_t flags) {
    union {
        struct seccomp_notif_resp response;
        char room[256];
    } buffer;
    memset(&buffer, 0, sizeof buffer);
    buffer.response.id = cookie;
    buffer.response.error = error;
    buffer.response.flags = flags;
    return ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &buffer);
}

int linux_notification_refuse(int listener, uint64_t cookie, int code) {
    return notification_answer(listener, cookie, -code, 0);
}

int linux_notification_continue(int listener, uint64_t cookie) {
    return notification_answer(listener, cookie, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
}

int linux_notification_pending(int listener, uint64_t cookie) {
    return ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &cookie);
}

ssize_t linux_read_memory(pid_t process, uint64_t address, void *buffer, size_t size) {
    // In pieces that end where a page does: of a piece that is partly there, nothing is read.
    const size_t page = 4096;
    size_t done = 0;
    while (done < size) {
        size_t piece = page - (size_t)((address + done) % page);
        if (piece > size - done) { piece = size - done; }
        struct iovec own = {.iov_base = (char *)buffer + done, .iov_len = piece};
        struct iovec other = {.iov_base = (void *)(uintptr_t)(address + done), .iov_len = piece};
        ssize_t count = process_vm_readv(process, &own, 1, &other, 1, 0);
        if (count < 0) { return done > 0 ? (ssize_t)done : -1; }
        // A text ends before the next page is looked at.
        if (count < (ssize_t)piece || memchr(own.iov_base, 0, (size_t)count) != NULL) { return (ssize_t)done + count; }
        done += (size_t)count;
    }
    return (ssize_t)done;
}

static int unix_address(const char *path, struct sockaddr_un *address) {
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    if (strlen(path) >= sizeof address->sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(address->sun_path, path);
    return 0;
}

int linux_listen_unix(const char *path, int backlog) {
    struct sockaddr_un address;
    if (unix_address(path, &address) < 0) { return -1; }
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener < 0) { return -1; }
    mode_t previous = umask(0177);
    int bound = bind(listener, (struct sockaddr *)&address, sizeof address);
    umask(previous);
    if (bound < 0 || listen(listener, backlog) < 0) {
        int saved = errno;
        close(listener);
        errno = saved;
        return -1;
    }
    return listener;
}

int linux_connect_unix(const char *path) {
    struct sockaddr_un address;
    if (unix_address(path, &address) < 0) { return -1; }
    int stream = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (stream < 0) { return -1; }
    if (connect(stream, (struct sockaddr *)&address, sizeof address) < 0) {
        int saved = errno;
        close(stream);
        errno = saved;
        return -1;
    }
    return stream;
}

int linux_probe_namespaces(int *code) {
    int results[2];
    if (pipe2(results, O_CLOEXEC) < 0) { goto refused; }
    // Like fork(2): a copy of this process, which does nothing but system calls.
    pid_t child = (pid_t)syscall(SYS_clone, CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | SIGCHLD, NULL, NULL, NULL, NULL);
    if (child == 0) {
        int result[2] = {2, 0};
        if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0) {
            result[0] = 3;
            if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == 0) { result[0] = 0; }
        }
        if (result[0] != 0) { result[1] = errno; }
        if (write(results[1], result, sizeof result) != sizeof result) { _exit(1); }
        _exit(0);
    }
    if (child < 0) {
        int saved = errno;
        close(results[0]);
        close(results[1]);
        errno = saved;
        goto refused;
    }
    close(results[1]);
    int result[2] = {1, ECHILD};
    ssize_t count;
    do { count = read(results[0], result, sizeof result); } while (count < 0 && errno == EINTR);
    close(results[0]);
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {}
    *code = result[1];
    return result[0];
refused:
    *code = errno;
    return 1;
}

int linux_peer(int socket, uid_t *uid, pid_t *pid) {
    struct ucred credentials;
    socklen_t size = sizeof credentials;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0) { return -1; }
    *uid = credentials.uid;
    *pid = credentials.pid;
    return 0;
}

int linux_peer_uid(int socket, uid_t *uid) {
    pid_t pid;
    return linux_peer(socket, uid, &pid);
}

int linux_shorten_slice(uint64_t nanoseconds) {
    // glibc has had neither the structure nor the calls before 2.41.
    struct {
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime, deadline, period;
    } attributes = {0};
    if (syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) != 0) return -1;
    attributes.size = sizeof attributes;
    // SCHED_FLAG_RESET_ON_FORK: who is started from here on has the usual slice.
    attributes.flags = 1;
    attributes.runtime = nanoseconds;
    return (int)syscall(SYS_sched_setattr, 0, &attributes, 0);
}
