// SPDX-License-Identifier: Apache-2.0
// System calls and constants that Glibc's Swift module lacks: variadic calls, calls without a libc wrapper,
// and macros Swift cannot import. Each returns what the kernel returns through libc: -1 and errno on failure.
// Swift reads this header with the same feature macros as its Glibc module (no _GNU_SOURCE), or the two disagree.

#ifndef CLINUX_H
#define CLINUX_H

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/magic.h>

#include <linux/openat2.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "CLinuxSockets.h"

#ifndef O_PATH
#define O_PATH 010000000
#endif

// Newer than Debian 12's headers; numbers are the kernel's ABI and never change.
#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (1ULL << 13)
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif
#ifndef LANDLOCK_ACCESS_FS_IOCTL_DEV
#define LANDLOCK_ACCESS_FS_IOCTL_DEV (1ULL << 15)
#endif

/// The ruleset attribute of Landlock ABI 6 (24 bytes); older kernels take a prefix.
struct linux_landlock_ruleset_attr {
    uint64_t handled_access_fs;
    uint64_t handled_access_net;
    uint64_t scoped;
};

/// The argument of mount_setattr(2).
struct linux_mount_attr {
    uint64_t attr_set;
    uint64_t attr_clr;
    uint64_t propagation;
    uint64_t userns_fd;
};

static inline long linux_clone3(struct clone_args *arguments, size_t size) {
    return syscall(SYS_clone3, arguments, size);
}

static inline int linux_pidfd_open(pid_t pid, unsigned int flags) {
    return (int)syscall(SYS_pidfd_open, pid, flags);
}

static inline int linux_pidfd_getfd(int pidfd, int descriptor) {
    return (int)syscall(SYS_pidfd_getfd, pidfd, descriptor, 0);
}

/// SIOCGSKNS: a descriptor of the network namespace that a socket belongs to, close-on-exec.
static inline int linux_socket_namespace(int socket) { return ioctl(socket, 0x894C, NULL); }

static inline int linux_pidfd_send_signal(int pidfd, int signal) {
    return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0);
}

static inline int linux_openat2(int directory, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve) {
    struct open_how how = {.flags = flags, .mode = mode, .resolve = resolve};
    return (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
}

static inline int linux_open_tree(int directory, const char *path, unsigned int flags) {
    return (int)syscall(SYS_open_tree, directory, path, flags);
}

static inline int linux_move_mount(int from, const char *from_path, int to, const char *to_path, unsigned int flags) {
    return (int)syscall(SYS_move_mount, from, from_path, to, to_path, flags);
}

static inline int linux_mount_setattr(int directory, const char *path, unsigned int flags,
                                      struct linux_mount_attr *attributes) {
    return (int)syscall(SYS_mount_setattr, directory, path, flags, attributes, sizeof *attributes);
}

static inline int linux_fsopen(const char *type) { return (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC); }

static inline int linux_fsconfig(int filesystem, unsigned int command, const char *key, const char *value) {
    return (int)syscall(SYS_fsconfig, filesystem, command, key, value, 0);
}

/// A context to change the options of the file system behind a mount with.
static inline int linux_fspick(int mount) {
    return (int)syscall(SYS_fspick, mount, "", FSPICK_CLOEXEC | FSPICK_EMPTY_PATH);
}

static inline int linux_fsmount(int filesystem, unsigned int attributes) {
    return (int)syscall(SYS_fsmount, filesystem, FSMOUNT_CLOEXEC, attributes);
}

static inline int linux_pivot_root(const char *new_root, const char *put_old) {
    return (int)syscall(SYS_pivot_root, new_root, put_old);
}

/// Asks that this thread be let run sooner, for less time at a go (sched_setattr(2), `sched_runtime` of an ordinary
/// thread, since Linux 6.12; ignored before). Threads and processes that it starts do not. -1 = errno.
int linux_shorten_slice(uint64_t nanoseconds);

static inline int linux_close_range(unsigned int first, unsigned int last, unsigned int flags) {
    return (int)syscall(SYS_close_range, first, last, flags);
}

static inline int linux_landlock_create_ruleset(const struct linux_landlock_ruleset_attr *attributes, size_t size,
                                                uint32_t flags) {
    return (int)syscall(SYS_landlock_create_ruleset, attributes, size, flags);
}

static inline int linux_landlock_add_path(int ruleset, int parent, uint64_t access) {
    struct landlock_path_beneath_attr rule = {.allowed_access = access, .parent_fd = parent};
    return (int)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
}

static inline int linux_landlock_restrict_self(int ruleset, uint32_t flags) {
    return (int)syscall(SYS_landlock_restrict_self, ruleset, flags);
}

static inline int linux_seccomp(unsigned int operation, unsigned int flags, void *arguments) {
    return (int)syscall(SYS_seccomp, operation, flags, arguments);
}

static inline int linux_ioctl(int descriptor, unsigned long request, void *argument) {
    return ioctl(descriptor, request, argument);
}

/// Our end of a new terminal, see pts(4).
static inline int linux_open_terminal(void) {
    int locked = 0;
    int descriptor = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (descriptor < 0 || ioctl(descriptor, TIOCSPTLCK, &locked) == 0) { return descriptor; }
    int saved = errno;
    close(descriptor);
    errno = saved;
    return -1;
}

/// The other end of a terminal, by our end and not by a name: /dev/pts may be another one's here.
static inline int linux_terminal_peer(int descriptor) {
    return ioctl(descriptor, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
}

static inline int linux_prctl(int option, unsigned long argument) { return prctl(option, argument, 0, 0, 0); }

static inline int linux_memfd_create(const char *name, unsigned int flags) {
    return (int)syscall(SYS_memfd_create, name, flags);
}

/// setfsgid(2) and setfsuid(2) of the calling thread.
void linux_set_filesystem_ids(uid_t user, gid_t group);

/// Becomes another user and group of all three kinds, without supplementary groups. -1 = errno.
int linux_become(uid_t user, gid_t group);

/// eventfd(2), close-on-exec, never waiting.
int linux_event_counter(void);

/// pipe2(2).
int linux_pipe(int descriptors[2], int flags);

/// strerror(3) into a buffer of the caller's.
const char *linux_error_text(int code, char *buffer, size_t size);

static inline int linux_renameat2(int from, const char *name, int to, const char *other, unsigned int flags) {
    return (int)syscall(SYS_renameat2, from, name, to, other, flags);
}

static inline int linux_openat(int directory, const char *path, int flags, mode_t mode) {
    return openat(directory, path, flags, mode);
}

/// The exit code a shell would show for a wait status: the code itself, or 128 plus the signal.
static inline int linux_wait_exited(int status) { return WIFEXITED(status); }
static inline int linux_wait_code(int status) { return WEXITSTATUS(status); }
static inline int linux_wait_signal(int status) { return WIFSIGNALED(status) ? WTERMSIG(status) : 0; }

static inline struct timespec linux_clock(clockid_t clock) {
    struct timespec now = {0, 0};
    clock_gettime(clock, &now);
    return now;
}

/// One descriptor that is ready, by the serial it was registered with.
struct linux_event {
    uint64_t serial;
    uint32_t ready;
};

static inline int linux_epoll_control(int poll, int operation, int descriptor, uint32_t interest, uint64_t serial) {
    struct epoll_event event = {.events = interest, .data = {.u64 = serial}};
    return epoll_ctl(poll, operation, descriptor, &event);
}

/// Waits for at most 64 events. The count, or -1 and errno.
int linux_epoll_wait(int poll, struct linux_event *events, int milliseconds);

/// A system call that a filter reported: who, which, and the cookie to answer with.
struct linux_notification {
    uint64_t cookie;
    uint32_t process;
    int32_t call;
    uint64_t arguments[6];
};

/// Takes one report from a seccomp listener. -1 = errno; ENOENT when there is none, or its caller died in between.
int linux_notification_receive(int listener, struct linux_notification *notification);

/// Answers a report: the call goes on. -1 = errno.
int linux_notification_continue(int listener, uint64_t cookie);

/// 0 while the caller of a report waits for its answer. -1 = errno.
int linux_notification_pending(int listener, uint64_t cookie);

/// Reads another process's memory, up to the first page that is not there. The count, or -1 and errno.
ssize_t linux_read_memory(pid_t process, uint64_t address, void *buffer, size_t size);

/// Answers a report: the call fails with `code`. -1 = errno.
int linux_notification_refuse(int listener, uint64_t cookie, int code);

/// Receives one message and at most one descriptor (-1 when none came). 0 = end of stream, -1 = errno.
/// Without `wait`, EAGAIN says that there is none yet.
ssize_t linux_receive(int socket, void *buffer, size_t capacity, int wait, int *descriptor);

/// Binds a listening stream socket to a path that must not exist, mode 0600. -1 = errno.
int linux_listen_unix(const char *path, int backlog);

/// Connects a stream socket to a path. -1 = errno.
int linux_connect_unix(const char *path);

/// A socket that waits to be touched: type SOCK_STREAM or SOCK_DGRAM on a free port of 127.0.0.1. -1 = errno.
int linux_canary_port(int type, uint16_t *port);

/// The same for a stream socket: bound to a path, mode 0666, or with `abstract` to that abstract name.
int linux_canary_unix(const char *name, int abstract);

/// Connects to such a socket, or sends it a byte. -1 = errno.
int linux_canary_touch(int canary);

/// Whether anybody did since the last time this was asked: 1, 0, or -1 = errno.
int linux_canary_touched(int canary);

/// An inotify(7) descriptor that becomes readable when the file is opened, read, changed or moved. -1 = errno.
int linux_watch_file(const char *path);

/// Makes user, mount and pid namespaces for a process that then mounts, and ends. 0, or the step that was refused and its
/// error: 1 the namespaces, 2 to change how mounts propagate, 3 to mount a new /proc.
int linux_probe_namespaces(int *code);

/// The peer's user id as the kernel recorded it at connect(2). -1 = errno.
int linux_peer_uid(int socket, uid_t *uid);

/// The same with its process id, in our pid namespace: 0 when it is in none of ours. -1 = errno.
int linux_peer(int socket, uid_t *uid, pid_t *pid);

/// The terminal's next state for relaying a pseudo-terminal byte by byte.
static inline void linux_make_raw(struct termios *state) { cfmakeraw(state); }

#endif
