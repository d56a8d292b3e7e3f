// SPDX-License-Identifier: Apache-2.0
// What runs between clone3(2) and execve(2): an array of steps prepared by Swift, run by one short loop.
// Everything here is async-signal-safe: no malloc, no stdio, no locks, and no decision about policy.

#ifndef CLAUNCH_H
#define CLAUNCH_H

#include <CLinux.h>

/// One thing to do. `slot` and `from` index the plan's table of descriptors.
enum launch_operation {
    LAUNCH_DEATH_SIGNAL,     ///< prctl(PR_SET_PDEATHSIG, SIGKILL)
    LAUNCH_AWAIT_MAPPING,    ///< wait until the supervisor wrote the id maps; end of stream = it died
    LAUNCH_CGROUP_NAMESPACE, ///< unshare(CLONE_NEWCGROUP): the group the supervisor has put us into is the root
    LAUNCH_DROP_GROUPS,      ///< setgroups(0, NULL)
    LAUNCH_SET_IDS,          ///< setresgid(b), setresuid(a)
    LAUNCH_NEW_SESSION,      ///< setsid(2)
    LAUNCH_KEYRING,          ///< keyctl(KEYCTL_JOIN_SESSION_KEYRING): the host's keyring is not inherited
    LAUNCH_HOSTNAME,         ///< sethostname(path)
    LAUNCH_LOOPBACK,         ///< bring `lo` up
    LAUNCH_NETLINK,          ///< send the requests in `data` to netlink family a, and hear that all b were granted; flag
                             ///< OPTIONAL: a refusal closes `slot` and `from` instead
    LAUNCH_LISTEN,           ///< slot = socket of type a at the address in `data`, listening if it is a stream; nothing
                             ///< to do when `from` is open; flag OPTIONAL: -1 on a host without that family
    LAUNCH_PRIVATE_MOUNTS,   ///< make every mount private: nothing propagates to the host
    LAUNCH_CLONE_TREE,       ///< slot = detached clone of the tree at `path` (absolute, no symlinks); a,b = its
                             ///< device and inode (0 = any); flag RECURSIVE; flag OPTIONAL leaves the slot at -1
    LAUNCH_REOPEN_TREE,      ///< slot = detached clone of the attached mount in `from`, or of the file `path` in it
    LAUNCH_FILESYSTEM,       ///< slot = new mount of type `path`, options in `data` (key=value, NUL separated),
                             ///< a = mount attributes
    LAUNCH_RECONFIGURE,      ///< the file system mounted in `slot` gets the options in `data`, as above
    LAUNCH_OVERLAY,          ///< slot = new overlay mount with attributes a: above the tree `others[1]`, a layer whose
                             ///< directories, beneath the tree `others[0]`, `data` names, NUL separated: upper, work, and
                             ///< perhaps another lower one on top of the tree; `from` = an attached directory with the
                             ///< empty directories `.layers` and `.below`, which are gone afterwards
    LAUNCH_OPEN_HOST,        ///< slot = open(path, a) in the old root
    LAUNCH_ATTACH_ROOT,      ///< mount `slot` at `path` of the old root, and look it up again from there
    LAUNCH_ATTRIBUTES,       ///< mount_setattr of `slot`: a = set, b = clear; flag RECURSIVE
    LAUNCH_MOVE,             ///< attach `slot` at `path` beneath `from`, following no symlink
    LAUNCH_OPEN_BENEATH,     ///< slot = O_PATH descriptor of `path` beneath `from`, following no symlink
    LAUNCH_DIRECTORY,        ///< mkdirat(from, path, a)
    LAUNCH_LINK,             ///< symlinkat(data, from, path)
    LAUNCH_FILE,             ///< create `path` beneath `from`, mode a, with `data`
    LAUNCH_PIVOT,            ///< make `from` the root and let go of the old one
    LAUNCH_CLOSE_USERNS,     ///< slot = user.max_user_namespaces; data = the id map line; verified
    LAUNCH_DROP_CAPABILITIES,///< bounding, ambient, effective, permitted, inheritable; securebits locked
    LAUNCH_NO_NEW_PRIVILEGES,
    LAUNCH_LANDLOCK_RULESET, ///< slot = ruleset with attributes in `data`
    LAUNCH_LANDLOCK_PATH,    ///< rule in `slot` for `path`: a = rights of a directory, b = rights of a file
    LAUNCH_LANDLOCK_ENFORCE, ///< the ruleset in `slot`: a = flags of landlock_restrict_self(2)
    LAUNCH_TERMINAL,         ///< slot = slave, from = master of a new terminal in the sandbox's own devpts
    LAUNCH_SEND,             ///< send descriptor `slot` to the supervisor with tag a; flag OPTIONAL: if there is one
    LAUNCH_CONTROLLING_TERMINAL,
    LAUNCH_RESOURCE_LIMIT,   ///< setrlimit(a) to `data`
    LAUNCH_UMASK,
    LAUNCH_DEFAULT_SIGNALS,  ///< every disposition default, nothing blocked
    LAUNCH_DIRECTORY_CHANGE, ///< chdir(path), and the result must lie inside the new root
    LAUNCH_DUPLICATE,        ///< dup2(slot, a)
    LAUNCH_READY,            ///< tell the supervisor, wait for its word and the environment
    LAUNCH_CLOSE_ON_EXEC,    ///< mark everything above standard error close-on-exec
    LAUNCH_SECCOMP,          ///< load the filter in `data` with flags a; with NEW_LISTENER, slot = its listener
    LAUNCH_PROVE,            ///< attempt what the finished sandbox must refuse: a = bits of the `launch_probe`s to run,
                             ///< b = the agent's uid; `data`: paths, NUL separated; in front of each, `r`: it must
                             ///< not open, `w`: nothing can be made in it, `s`: it is there, and Landlock closes it;
                             ///< addresses: `a`: no route leads to it, `l`: the route to it ends in the namespace
    LAUNCH_EXECUTE,          ///< execve the first of `data` (NULL-terminated paths) that exists, with `arguments`
};

enum launch_flag {
    LAUNCH_RECURSIVE = 1,
    LAUNCH_OPTIONAL = 2,
};

/// What is attempted as the agent, in the finished sandbox, before the agent's program runs.
enum launch_probe {
    LAUNCH_PROBE_AUTHORITY,      ///< hold a capability, or regain privilege by execve(2)
    LAUNCH_PROBE_IDENTITY,       ///< be, or become, somebody else
    LAUNCH_PROBE_FILTER,         ///< run without a system-call filter
    LAUNCH_PROBE_FOREIGN_CALL,   ///< make a system call of another architecture
    LAUNCH_PROBE_MOUNT,          ///< mount a file system
    LAUNCH_PROBE_USER_NAMESPACE, ///< make a user namespace
    LAUNCH_PROBE_TRACE,          ///< trace another process
    LAUNCH_PROBE_SOCKET,         ///< make a socket of a forbidden family, type or protocol
    LAUNCH_PROBE_LANDLOCK,       ///< read a file that only Landlock closes
    LAUNCH_PROBE_READ_OUTSIDE,   ///< look at what belongs to the supervisor
    LAUNCH_PROBE_WRITE_OUTSIDE,  ///< make something outside of the workspace
    LAUNCH_PROBE_REACH,          ///< find a way to any address
    LAUNCH_PROBES,               ///< how many there are
};

struct launch_step {
    uint32_t operation;
    uint32_t flags;
    int32_t slot;
    int32_t from;
    int32_t others[2];
    uint64_t a;
    uint64_t b;
    const char *path;
    const void *data;
    size_t length;
};

/// What the child writes to the control socket (SEQPACKET, one message each).
struct launch_message {
    uint32_t kind;
    uint32_t phase;   ///< 0 = set-up (init), 1 = the agent's own process, 2 = what comes before both
    uint32_t index;   ///< step; the bits of the probes held; the probe that got through
    int32_t code;     ///< errno; the tag of a descriptor; what the probes took in nanoseconds
};

enum launch_message_kind {
    LAUNCH_FAILED = 1,
    LAUNCH_DESCRIPTOR = 2,
    LAUNCH_IS_READY = 3,
    LAUNCH_PROVED = 4,
    LAUNCH_BREACHED = 5,
};

/// What the supervisor writes to the control socket: one byte, then for GO the extra environment.
enum launch_command {
    LAUNCH_MAPPED = 'M',
    LAUNCH_GO = 'G',
};

/// A page shared with the supervisor: when each step ended, CLOCK_MONOTONIC nanoseconds.
struct launch_trace {
    uint64_t started;
    uint64_t setup[256];
    uint64_t agent[64];
};

struct launch_plan {
    const struct launch_step *setup;
    size_t setup_count;
    const struct launch_step *agent;  ///< NULL: no init, the set-up steps end in LAUNCH_EXECUTE
    size_t agent_count;
    int *slots;                       ///< the table of descriptors, already holding those of the supervisor
    size_t slot_count;
    const int *keep;                  ///< descriptors that survive the first step, ascending
    size_t keep_count;
    const int *groups;                ///< open `tasks` files of version 1 control groups: entered before the first step
    size_t group_count;
    int control;
    int status;                       ///< init writes the agent's wait status here (an int)
    int life;                         ///< end of stream: the supervisor is gone
    int lingers;                      ///< init outlives the agent until `life` ends: somebody else removes our group
    struct launch_trace *trace;       ///< may be NULL
    char *const *arguments;
    char **environment;               ///< room for `environment_capacity` entries, NULL-terminated
    size_t environment_count;
    size_t environment_capacity;
    char *extra;                      ///< where the environment sent with LAUNCH_GO is received
    size_t extra_capacity;
};

/// Clones a child that runs the plan. `arguments` is the kernel's; its `pidfd` is filled in.
/// Returns the pid, or -1 with errno. Signals are blocked across the call and restored on every return.
pid_t launch_clone(struct clone_args *arguments, const struct launch_plan *plan);

/// What the guard needs; all descriptors -1 when there is none.
struct guard_plan {
    int life;           ///< a byte: all is well, leave. End of stream: the supervisor died
    int process;        ///< pidfd of the session's init
    int cgroup_kill;    ///< cgroup.kill of the session
    int executable;     ///< our own program
    const int *keep;    ///< the descriptors above, ascending
    size_t keep_count;
    char *const *arguments;    ///< of `remit reap`
    char *const *environment;
};

/// Starts the guard: it outlives a killed supervisor just long enough to end the session.
/// Returns its pid and sets `pidfd`, or -1 with errno.
pid_t guard_start(const struct guard_plan *plan, int *pidfd);

#endif
