// SPDX-License-Identifier: Apache-2.0
// Every step of a launch plan as one function: 0, or -1 with errno.

#include "launch.h"

#include <linux/netlink.h>
#include <linux/securebits.h>
#include <net/if.h>
#include <netinet/in.h>

int launch_close_slot(int *slot) {
    if (*slot >= 0) { close(*slot); }
    *slot = -1;
    return 0;
}

int launch_keep_in(int *slot, int descriptor) {
    if (descriptor < 0) { return -1; }
    launch_close_slot(slot);
    *slot = descriptor;
    return 0;
}

static int write_all(int descriptor, const void *data, size_t length) {
    const char *next = data;
    while (length > 0) {
        ssize_t written = write(descriptor, next, length);
        if (written < 0 && errno == EINTR) { continue; }
        if (written < 0) { return -1; }
        next += written;
        length -= (size_t)written;
    }
    return 0;
}

static int write_path(const char *path, const void *data, size_t length) {
    int descriptor = open(path, O_WRONLY | O_CLOEXEC);
    if (descriptor < 0) { return -1; }
    int result = write_all(descriptor, data, length);
    int saved = errno;
    close(descriptor);
    errno = saved;
    return result;
}

static int bring_up_loopback(void) {
    int probe = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (probe < 0) { return -1; }
    struct ifreq request;
    memset(&request, 0, sizeof request);
    memcpy(request.ifr_name, "lo", 3);
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    int result = ioctl(probe, SIOCSIFFLAGS, &request);
    int saved = errno;
    close(probe);
    errno = saved;
    return result;
}

// The kernel works a request off before sendto(2) returns: every answer is there already, and a missing one is a failure.
static int ask_netlink(const struct launch_step *step) {
    int family = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, (int)step->a);
    if (family < 0) { return -1; }
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    int code = 0;
    if (sendto(family, step->data, step->length, 0, (struct sockaddr *)&kernel, sizeof kernel) < 0) { code = errno; }
    for (uint64_t granted = 0; code == 0 && granted < step->b;) {
        union {
            struct nlmsghdr header;
            char space[4096];
        } answer;
        ssize_t received = recv(family, &answer, sizeof answer, MSG_DONTWAIT);
        if (received < 0 && errno == EINTR) { continue; }
        if (received < 0) { code = errno == EAGAIN ? EPROTO : errno; }
        unsigned int left = received > 0 ? (unsigned int)received : 0;
        for (struct nlmsghdr *part = &answer.header; code == 0 && NLMSG_OK(part, left); part = NLMSG_NEXT(part, left)) {
            if (part->nlmsg_type != NLMSG_ERROR || part->nlmsg_len < NLMSG_LENGTH(sizeof(struct nlmsgerr))) { continue; }
            code = -((const struct nlmsgerr *)NLMSG_DATA(part))->error;
            granted++;
        }
    }
    close(family);
    errno = code;
    return code == 0 ? 0 : -1;
}

static int request_netlink(const struct launch_step *step, int *slot, int *from) {
    if (ask_netlink(step) == 0) { return 0; }
    if ((step->flags & LAUNCH_OPTIONAL) == 0) { return -1; }
    launch_close_slot(slot);
    return launch_close_slot(from);
}

static int listen_at(const struct launch_step *step, int *slot, int from) {
    if (from >= 0) { return 0; }
    const struct sockaddr *address = step->data;
    int alone = 1;
    int backlog = 1024;
    int listener = socket(address->sa_family, (int)step->a | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener >= 0 &&
        ((address->sa_family == AF_INET6 &&
          setsockopt(listener, IPPROTO_IPV6, IPV6_V6ONLY, &alone, sizeof alone) < 0) ||
         bind(listener, address, (socklen_t)step->length) < 0 || (step->a == SOCK_STREAM && listen(listener, backlog) < 0))) {
        int saved = errno;
        close(listener);
        listener = -1;
        errno = saved;
    }
    if (listener < 0 && (step->flags & LAUNCH_OPTIONAL) && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL)) {
        return launch_close_slot(slot);
    }
    return launch_keep_in(slot, listener);
}

// The path was resolved and approved by the supervisor; here it is opened again without following a single
// symlink, and device and inode must be the approved ones: a swap in between is refused, not followed.
static int clone_tree(const struct launch_step *step, int *slot) {
    int source = linux_openat2(AT_FDCWD, step->path, O_PATH | O_CLOEXEC | O_NOFOLLOW, 0,
                               RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
    if (source < 0) {
        if ((step->flags & LAUNCH_OPTIONAL) && (errno == ENOENT || errno == ENOTDIR)) {
            *slot = -1;
            return 0;
        }
        return -1;
    }
    struct stat facts;
    if (fstat(source, &facts) < 0) { return -1; }
    if ((step->a | step->b) != 0 && (facts.st_dev != step->a || facts.st_ino != step->b)) {
        errno = ESTALE;
        return -1;
    }
    unsigned int flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH;
    if (step->flags & LAUNCH_RECURSIVE) { flags |= AT_RECURSIVE; }
    int tree = linux_open_tree(source, "", flags);
    int saved = errno;
    close(source);
    errno = saved;
    return launch_keep_in(slot, tree);
}

// Says every option of the step's data to a context of a file system.
static int set_options(const struct launch_step *step, int filesystem) {
    const char *option = step->data;
    const char *end = option + step->length;
    while (option < end) {
        char key[32];
        size_t length = strlen(option);
        const char *equals = memchr(option, '=', length);
        size_t name = equals ? (size_t)(equals - option) : length;
        if (name >= sizeof key) {
            errno = EINVAL;
            return -1;
        }
        memcpy(key, option, name);
        key[name] = 0;
        int result = equals ? linux_fsconfig(filesystem, FSCONFIG_SET_STRING, key, equals + 1)
                            : linux_fsconfig(filesystem, FSCONFIG_SET_FLAG, key, NULL);
        if (result < 0) { return -1; }
        option += length + 1;
    }
    return 0;
}

static int make_filesystem(const struct launch_step *step, int *slot) {
    int filesystem = linux_fsopen(step->path);
    if (filesystem < 0 || set_options(step, filesystem) < 0) { return -1; }
    if (linux_fsconfig(filesystem, FSCONFIG_CMD_CREATE, NULL, NULL) < 0) { return -1; }
    int mount = linux_fsmount(filesystem, (unsigned int)step->a);
    int saved = errno;
    close(filesystem);
    errno = saved;
    return launch_keep_in(slot, mount);
}

static int reconfigure(const struct launch_step *step, int mount) {
    int filesystem = linux_fspick(mount);
    if (filesystem < 0 || set_options(step, filesystem) < 0) { return -1; }
    if (linux_fsconfig(filesystem, FSCONFIG_CMD_RECONFIGURE, NULL, NULL) < 0) { return -1; }
    return close(filesystem);
}

int launch_open_beneath(int directory, const char *path) {
    return linux_openat2(directory, path, O_PATH | O_CLOEXEC | O_NOFOLLOW, 0,
                         RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
}

int launch_attach(int mount, int directory, const char *path) {
    int point = launch_open_beneath(directory, path);
    if (point < 0) { return -1; }
    int result = linux_move_mount(mount, "", point, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
    int saved = errno;
    close(point);
    errno = saved;
    return result;
}

static int create_file(const struct launch_step *step, int directory) {
    int file = openat(directory, step->path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, (mode_t)step->a);
    if (file < 0) { return -1; }
    int result = write_all(file, step->data, step->length);
    int saved = errno;
    close(file);
    errno = saved;
    return result;
}

static int pivot(int root) {
    if (fchdir(root) < 0 || linux_pivot_root(".", ".") < 0) { return -1; }
    // The old root is now mounted on top of the new one; "." still names it.
    if (umount2(".", MNT_DETACH) < 0) { return -1; }
    return chdir("/");
}

// A nested user namespace would give the agent capabilities over new mounts and networks, the source of most
// kernel escapes. One more namespace is allowed, taken by us, and then none: the refusal is checked, not assumed.
static int close_user_namespaces(const struct launch_step *step, int limit) {
    if (write_all(limit, "1", 1) < 0) { return -1; }
    if (unshare(CLONE_NEWUSER) < 0) { return -1; }
    // An undumpable process's files in /proc belong to root. Dumpable for two writes, before there is any secret.
    if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0) { return -1; }
    if (write_path("/proc/self/setgroups", "deny", 4) < 0) { return -1; }
    const char *users = step->data;
    size_t length = strlen(users);
    if (write_path("/proc/self/uid_map", users, length) < 0) { return -1; }
    if (write_path("/proc/self/gid_map", step->path, strlen(step->path)) < 0) { return -1; }
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) { return -1; }
    if (unshare(CLONE_NEWUSER) == 0) {
        errno = ENOTRECOVERABLE;
        return -1;
    }
    return 0;
}

static int drop_capabilities(void) {
    const unsigned long bits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
                               SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
                               SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
    if (prctl(PR_SET_SECUREBITS, bits, 0, 0, 0) < 0) { return -1; }
    for (unsigned long capability = 0; capability < 64; capability++) {
        if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0) {
            if (errno == EINVAL && capability > CAP_SYS_RESOURCE) { break; }
            return -1;
        }
    }
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0) { return -1; }
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    struct __user_cap_data_struct none[2];
    memset(none, 0, sizeof none);
    return (int)syscall(SYS_capset, &header, none);
}

static int landlock_path(const struct launch_step *step, int ruleset) {
    int path = open(step->path, O_PATH | O_CLOEXEC | O_NOFOLLOW);
    if (path < 0) { return (step->flags & LAUNCH_OPTIONAL) && errno == ENOENT ? 0 : -1; }
    struct stat facts;
    if (fstat(path, &facts) < 0) { return -1; }
    uint64_t access = S_ISDIR(facts.st_mode) ? step->a : step->b;
    int result = access == 0 ? 0 : linux_landlock_add_path(ruleset, path, access);
    int saved = errno;
    close(path);
    errno = saved;
    return result;
}

static int open_terminal(int *slave, int *master) {
    int pair = open("/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (pair < 0) { return -1; }
    int unlock = 0;
    if (ioctl(pair, TIOCSPTLCK, &unlock) < 0) { return -1; }
    int other = ioctl(pair, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (other < 0) { return -1; }
    *master = pair;
    *slave = other;
    return 0;
}

// A working directory outside the new root shows as "(unreachable)…" (CVE-2024-21626): refused.
static int change_directory(const char *path) {
    char buffer[4096];
    if (chdir(path) < 0) { return -1; }
    long length = syscall(SYS_getcwd, buffer, sizeof buffer);
    if (length < 0) { return -1; }
    if (buffer[0] != '/') {
        errno = EXDEV;
        return -1;
    }
    return 0;
}

static int default_signals(void) {
    // The kernel's own structure, all zero: SIG_DFL. glibc's call keeps its hands over signals 32 and 33.
    const unsigned long plain[4] = {0, 0, 0, 0};
    for (int number = 1; number < 65; number++) {
        if (number != SIGKILL && number != SIGSTOP) { syscall(SYS_rt_sigaction, number, plain, NULL, 8); }
    }
    sigset_t none;
    sigemptyset(&none);
    return sigprocmask(SIG_SETMASK, &none, NULL);
}

static int execute(const struct launch_plan *plan, const struct launch_step *step) {
    int denied = 0;
    if (step->data == NULL) {
        errno = ENOENT;
        return -1;
    }
    for (const char *const *candidate = step->data; *candidate != NULL; candidate++) {
        execve(*candidate, plan->arguments, plan->environment);
        if (errno == EACCES) { denied = 1; }
        if (errno != ENOENT && errno != ENOTDIR && errno != EACCES) { return -1; }
    }
    errno = denied ? EACCES : ENOENT;
    return -1;
}

int launch_run_step(const struct launch_plan *plan, const struct launch_step *step) {
    int none = -1;
    int *slot = step->slot >= 0 ? &plan->slots[step->slot] : &none;
    int *from = step->from >= 0 ? &plan->slots[step->from] : &none;
    struct linux_mount_attr attributes = {.attr_set = step->a, .attr_clr = step->b};
    switch ((enum launch_operation)step->operation) {
    case LAUNCH_DEATH_SIGNAL: return prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    case LAUNCH_AWAIT_MAPPING: return launch_await(plan, LAUNCH_MAPPED);
    case LAUNCH_CGROUP_NAMESPACE: return (int)syscall(SYS_unshare, CLONE_NEWCGROUP);
    case LAUNCH_DROP_GROUPS: return (int)syscall(SYS_setgroups, 0, NULL);
    case LAUNCH_SET_IDS:
        if (syscall(SYS_setresgid, step->b, step->b, step->b) < 0) { return -1; }
        return (int)syscall(SYS_setresuid, step->a, step->a, step->a);
    case LAUNCH_NEW_SESSION: return setsid() < 0 ? -1 : 0;
    case LAUNCH_KEYRING: return syscall(SYS_keyctl, 1 /* JOIN_SESSION_KEYRING */, NULL, 0, 0, 0) < 0 && errno != ENOSYS ? -1 : 0;
    case LAUNCH_HOSTNAME: return sethostname(step->path, strlen(step->path));
    case LAUNCH_LOOPBACK: return bring_up_loopback();
    case LAUNCH_NETLINK: return request_netlink(step, slot, from);
    case LAUNCH_LISTEN: return listen_at(step, slot, *from);
    case LAUNCH_PRIVATE_MOUNTS: return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
    case LAUNCH_CLONE_TREE: return clone_tree(step, slot);
    case LAUNCH_REOPEN_TREE:
        return launch_keep_in(slot, linux_open_tree(*from, step->path == NULL ? "" : step->path,
                                             OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW));
    case LAUNCH_FILESYSTEM: return make_filesystem(step, slot);
    case LAUNCH_RECONFIGURE: return reconfigure(step, *slot);
    case LAUNCH_OVERLAY: return launch_overlay(plan, step, slot, *from);
    case LAUNCH_OPEN_HOST: return launch_keep_in(slot, open(step->path, (int)step->a | O_CLOEXEC));
    case LAUNCH_ATTACH_ROOT:
        if (linux_move_mount(*slot, "", AT_FDCWD, step->path, MOVE_MOUNT_F_EMPTY_PATH) < 0) { return -1; }
        return launch_keep_in(slot, open(step->path, O_PATH | O_CLOEXEC | O_DIRECTORY));
    case LAUNCH_ATTRIBUTES:
        if (*slot < 0 && (step->flags & LAUNCH_OPTIONAL)) { return 0; }
        return linux_mount_setattr(*slot, "", AT_EMPTY_PATH | ((step->flags & LAUNCH_RECURSIVE) ? AT_RECURSIVE : 0), &attributes);
    case LAUNCH_MOVE:
        if (*slot < 0 && (step->flags & LAUNCH_OPTIONAL)) { return 0; }
        return launch_attach(*slot, *from, step->path);
    case LAUNCH_OPEN_BENEATH: return launch_keep_in(slot, launch_open_beneath(*from, step->path));
    case LAUNCH_DIRECTORY: return mkdirat(*from, step->path, (mode_t)step->a) < 0 && errno != EEXIST ? -1 : 0;
    case LAUNCH_LINK: return symlinkat(step->data, *from, step->path);
    case LAUNCH_FILE: return create_file(step, *from);
    case LAUNCH_PIVOT: return pivot(*from);
    case LAUNCH_CLOSE_USERNS: return close_user_namespaces(step, *slot);
    case LAUNCH_DROP_CAPABILITIES: return drop_capabilities();
    case LAUNCH_NO_NEW_PRIVILEGES: return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    case LAUNCH_LANDLOCK_RULESET: return launch_keep_in(slot, linux_landlock_create_ruleset(step->data, step->length, 0));
    case LAUNCH_LANDLOCK_PATH: return landlock_path(step, *slot);
    case LAUNCH_LANDLOCK_ENFORCE: return linux_landlock_restrict_self(*slot, (uint32_t)step->a);
    case LAUNCH_TERMINAL: return open_terminal(slot, from);
    case LAUNCH_SEND:
        if (*slot < 0 && (step->flags & LAUNCH_OPTIONAL)) { return 0; }
        return launch_send_descriptor(plan, *slot, (int)step->a);
    case LAUNCH_CONTROLLING_TERMINAL: return ioctl(*slot, TIOCSCTTY, 0);
    case LAUNCH_RESOURCE_LIMIT: return (int)syscall(SYS_prlimit64, 0, step->a, step->data, NULL);
    case LAUNCH_UMASK: umask((mode_t)step->a); return 0;
    case LAUNCH_DEFAULT_SIGNALS: return default_signals();
    case LAUNCH_DIRECTORY_CHANGE: return change_directory(step->path);
    case LAUNCH_DUPLICATE: return dup2(*slot, (int)step->a) < 0 ? -1 : 0;
    case LAUNCH_READY: return launch_ready(plan);
    case LAUNCH_CLOSE_ON_EXEC: return linux_close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
    case LAUNCH_SECCOMP: {
        if (step->length / sizeof(struct sock_filter) > BPF_MAXINSNS) {
            errno = E2BIG;
            return -1;
        }
        struct sock_fprog program = {
            .len = (unsigned short)(step->length / sizeof(struct sock_filter)), .filter = (struct sock_filter *)step->data};
        int listener = linux_seccomp(SECCOMP_SET_MODE_FILTER, (unsigned int)step->a, &program);
        return step->a & SECCOMP_FILTER_FLAG_NEW_LISTENER ? launch_keep_in(slot, listener) : listener;
    }
    case LAUNCH_PROVE: return launch_prove(plan, step);
    case LAUNCH_EXECUTE: return execute(plan, step);
    }
    errno = ENOSYS;
    return -1;
}
