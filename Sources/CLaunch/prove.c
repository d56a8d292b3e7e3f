// SPDX-License-Identifier: Apache-2.0
// The proof: the agent's own process, in the finished sandbox and under its last layer, attempts what the sandbox
// exists to refuse. Every call here has arguments with which an unconfined caller would succeed. It asks the kernel
// and reads no plan: a layer that is there on paper only does not pass.

#include "launch.h"

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sys/ptrace.h>

enum verdict { HELD, THROUGH, UNKNOWN };

static enum verdict refused(long result) { return result < 0 ? HELD : THROUGH; }

static enum verdict all(enum verdict left, enum verdict right) {
    if (left == THROUGH || right == THROUGH) { return THROUGH; }
    return left == HELD && right == HELD ? HELD : UNKNOWN;
}

static enum verdict authority(void) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    struct __user_cap_data_struct sets[2];
    memset(sets, 0, sizeof sets);
    int privileges = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
    // A profile may take either call away: then nothing is known, and nothing is claimed.
    if (privileges < 0 || syscall(SYS_capget, &header, sets) < 0) { return UNKNOWN; }
    for (int half = 0; half < 2; half++) {
        if ((sets[half].effective | sets[half].permitted | sets[half].inheritable) != 0) { return THROUGH; }
    }
    return privileges == 1 ? HELD : THROUGH;
}

static enum verdict identity(uid_t agent) {
    uid_t real, effective, saved;
    if (syscall(SYS_getresuid, &real, &effective, &saved) == 0 &&
        (real != agent || effective != agent || saved != agent)) {
        return THROUGH;
    }
    return all(refused(syscall(SYS_setresgid, 0, 0, 0)), refused(syscall(SYS_setresuid, 0, 0, 0)));
}

static enum verdict filter(void) {
    int mode = prctl(PR_GET_SECCOMP, 0, 0, 0, 0);
    if (mode < 0) { return UNKNOWN; }
    return mode == SECCOMP_MODE_FILTER ? HELD : THROUGH;
}

// The filter ends such a caller, so a child makes the call. Memory is shared as vfork(2) shares it: nothing is
// copied for the sake of one instruction.
static enum verdict foreign_call(void) {
#if defined(__x86_64__)
    pid_t child = vfork();
    if (child < 0) { return UNKNOWN; }
    if (child == 0) {
        int number = 20;  // getpid(2) of i386
        __asm__ volatile("int $0x80" : "+a"(number) : : "memory", "cc", "r8", "r9", "r10", "r11");
        _exit(0);
    }
    int status = 0;
    while (syscall(SYS_wait4, child, &status, 0, NULL) < 0) {
        if (errno != EINTR) { return UNKNOWN; }
    }
    return WIFSIGNALED(status) ? HELD : THROUGH;
#else
    return UNKNOWN;
#endif
}

// By the old interface and by the new one, which deny lists have forgotten before (CVE-2021-41133).
static enum verdict mounting(void) {
    return all(refused(mount("proof", "/tmp", "tmpfs", MS_NOSUID, NULL)), refused(linux_fsopen("tmpfs")));
}

static enum verdict user_namespace(void) {
    if (unshare(CLONE_NEWUSER) == 0) { return THROUGH; }
    long child = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL);
    if (child == 0) { _exit(0); }
    return refused(child);
}

static enum verdict socket_of(int family, int type, int protocol) {
    return refused(socket(family, type | SOCK_CLOEXEC, protocol));
}

static enum verdict sockets(void) {
    enum verdict families = all(all(socket_of(AF_PACKET, SOCK_RAW, 0), socket_of(AF_VSOCK, SOCK_STREAM, 0)),
                                all(socket_of(38 /* AF_ALG */, SOCK_SEQPACKET, 0), socket_of(AF_KEY, SOCK_RAW, 2)));
    enum verdict protocols = all(all(socket_of(AF_INET, SOCK_RAW, IPPROTO_ICMP),
                                     socket_of(AF_INET, SOCK_STREAM, 262 /* IPPROTO_MPTCP */)),
                                 socket_of(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER));
    return all(families, protocols);
}

static enum verdict open_to_read(const char *path) { return refused(open(path, O_RDONLY | O_CLOEXEC)); }

// A file that everybody may read, by its mode and by its mount: only Landlock can refuse. A file that is not there
// proves nothing.
static enum verdict sealed_file(const char *path) {
    struct stat facts;
    if (stat(path, &facts) < 0 || !S_ISREG(facts.st_mode)) { return THROUGH; }
    return open_to_read(path);
}

static enum verdict make_in(const char *directory) {
    int parent = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (parent < 0) { return HELD; }
    long result = mkdirat(parent, ".remit-proof", 0700);
    if (result == 0) { unlinkat(parent, ".remit-proof", AT_REMOVEDIR); }
    close(parent);
    return refused(result);
}

static enum verdict for_each(const struct launch_step *step, char kind, enum verdict (*attempt)(const char *)) {
    enum verdict result = HELD;
    const char *end = (const char *)step->data + step->length;
    for (const char *entry = step->data; entry < end; entry += strlen(entry) + 1) {
        if (entry[0] == kind) { result = all(result, attempt(entry + 1)); }
    }
    return result;
}

static enum verdict read_outside(const struct launch_step *step) {
    enum verdict init = all(open_to_read("/proc/1/mem"), open_to_read("/proc/1/environ"));
    return all(init, for_each(step, 'r', open_to_read));
}

union address {
    struct sockaddr any;
    struct sockaddr_in four;
    struct sockaddr_in6 six;
};

// Connecting a datagram socket sends nothing: it asks whether there is a route, and `source` is how it would be taken.
static int route_to(const char *text, union address *to, union address *source) {
    memset(to, 0, sizeof *to);
    memset(source, 0xFF, sizeof *source);
    to->any.sa_family = strchr(text, ':') == NULL ? AF_INET : AF_INET6;
    void *bytes = to->any.sa_family == AF_INET ? (void *)&to->four.sin_addr : (void *)&to->six.sin6_addr;
    // The port is at the same place in both.
    to->four.sin_port = htons(80);
    if (inet_pton(to->any.sa_family, text, bytes) != 1) { return 0; }
    int probe = socket(to->any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (probe < 0) { return -1; }
    socklen_t length = sizeof *source;
    int result = connect(probe, &to->any, to->any.sa_family == AF_INET ? sizeof to->four : sizeof to->six);
    if (result == 0) { result = getsockname(probe, &source->any, &length); }
    close(probe);
    return result;
}

static enum verdict no_route_to(const char *text) {
    union address to, source;
    return refused(route_to(text, &to, &source));
}

// Where a route ends in the namespace itself, the kernel answers with the address asked for, or with its loopback's.
static enum verdict leads_back(const char *text) {
    union address to, source;
    if (route_to(text, &to, &source) < 0) { return HELD; }
    if (to.any.sa_family == AF_INET) {
        return source.four.sin_addr.s_addr == to.four.sin_addr.s_addr ? HELD : THROUGH;
    }
    return IN6_IS_ADDR_LOOPBACK(&source.six.sin6_addr) || IN6_ARE_ADDR_EQUAL(&source.six.sin6_addr, &to.six.sin6_addr)
               ? HELD
               : THROUGH;
}

static enum verdict attempt(enum launch_probe probe, const struct launch_step *step) {
    switch (probe) {
    case LAUNCH_PROBE_AUTHORITY: return authority();
    case LAUNCH_PROBE_IDENTITY: return identity((uid_t)step->b);
    case LAUNCH_PROBE_FILTER: return filter();
    case LAUNCH_PROBE_FOREIGN_CALL: return foreign_call();
    case LAUNCH_PROBE_MOUNT: return mounting();
    case LAUNCH_PROBE_USER_NAMESPACE: return user_namespace();
    case LAUNCH_PROBE_TRACE: return refused(ptrace(PTRACE_SEIZE, 1, NULL, NULL));
    case LAUNCH_PROBE_SOCKET: return sockets();
    case LAUNCH_PROBE_LANDLOCK: return for_each(step, 's', sealed_file);
    case LAUNCH_PROBE_READ_OUTSIDE: return read_outside(step);
    case LAUNCH_PROBE_WRITE_OUTSIDE: return for_each(step, 'w', make_in);
    case LAUNCH_PROBE_REACH: return all(for_each(step, 'a', no_route_to), for_each(step, 'l', leads_back));
    case LAUNCH_PROBES: break;
    }
    return UNKNOWN;
}

int launch_prove(const struct launch_plan *plan, const struct launch_step *step) {
    uint64_t started = launch_now();
    uint32_t held = 0;
    for (uint32_t probe = 0; probe < LAUNCH_PROBES; probe++) {
        if ((step->a & (1ULL << probe)) == 0) { continue; }
        enum verdict verdict = attempt((enum launch_probe)probe, step);
        if (verdict == THROUGH) {
            launch_say(plan, LAUNCH_BREACHED, 1, probe, 0);
            _exit(125);
        }
        if (verdict == HELD) { held |= 1U << probe; }
    }
    uint64_t taken = launch_now() - started;
    launch_say(plan, LAUNCH_PROVED, 1, held, taken > INT32_MAX ? INT32_MAX : (int)taken);
    return 0;
}
