// SPDX-License-Identifier: Apache-2.0
// E28-E32, E36, E38, E40-E42: files of the host, by path, by descriptor, by link.

#include "probe.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

static int open_file(const char *path, int flags) {
    int file = open(path, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
    if (file < 0) { return errno; }
    close(file);
    return 0;
}

// Opening is not yet reading: through only when a byte came.
static int read_file(const char *path) {
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (file < 0) { return errno; }
    char byte;
    ssize_t count = read(file, &byte, 1);
    int result = count == 1 ? 0 : count < 0 ? errno : ENODATA;
    close(file);
    return result;
}

static int list_directory(const char *path) {
    DIR *directory = opendir(path);
    if (directory == NULL) { return errno; }
    closedir(directory);
    return 0;
}

static int connect_path(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int end = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (end < 0) { return errno; }
    int result = probe_result(connect(end, (struct sockaddr *)&address, sizeof address));
    close(end);
    return result;
}

// A file of the agent's own, in the workspace.
static int own_file(const char *path) {
    int file = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    if (file < 0) { return -1; }
    ssize_t written = write(file, "own\n", 4);
    close(file);
    return written == 4 ? 0 : -1;
}

// The canary's path with something before it and after it.
static const char *around_canary(const char *before, const char *after) {
    static char path[4096];
    const char *canary = probe_canary("REMIT_CANARY_FILE");
    if (canary == NULL) { return NULL; }
    snprintf(path, sizeof path, "%s%s%s", before, canary, after);
    return path;
}

#define NEEDS_CANARY "no REMIT_CANARY_FILE"
#define WITH_CANARY(before, after) \
    const char *path = around_canary(before, after); \
    if (path == NULL) { return probe_skip(NEEDS_CANARY); }

// MARK: E28, reading

static int secret_file(void) { WITH_CANARY("", "") return read_file(path); }
static int secret_directory(void) {
    char directory[4096];
    WITH_CANARY("", "")
    snprintf(directory, sizeof directory, "%s", path);
    *strrchr(directory, '/') = 0;
    return list_directory(directory);
}
static int shadow(void) { return read_file("/etc/shadow"); }
static int root_home(void) { return list_directory("/root"); }
static int machine_id(void) { return read_file("/etc/machine-id"); }
static int host_packages(void) { return list_directory("/var/lib/dpkg"); }
static int host_keys(void) { return list_directory("/etc/ssh"); }
static int host_private(void) { return list_directory("/etc/ssl/private"); }
static int host_boot(void) { return list_directory("/boot"); }
static int host_runtime(void) { return list_directory("/run/user"); }
static int docker_socket(void) { return connect_path("/var/run/docker.sock"); }
static int other_environment(void) {
    char path[64];
    long process = probe_canary_number("REMIT_CANARY_PID");
    if (process < 0) { return probe_skip("no REMIT_CANARY_PID"); }
    snprintf(path, sizeof path, "/proc/%ld/environ", process);
    return read_file(path);
}

// MARK: E29, E38, writing

static int write_usr(void) {
    int result = open_file("/usr/remit-probe.written", O_CREAT | O_WRONLY);
    if (result == 0) { unlink("/usr/remit-probe.written"); }
    return result;
}
static int write_etc(void) {
    int result = open_file("/etc/remit-probe.written", O_CREAT | O_WRONLY);
    if (result == 0) { unlink("/etc/remit-probe.written"); }
    return result;
}
static int write_root(void) {
    int result = open_file("/remit-probe.written", O_CREAT | O_WRONLY);
    if (result == 0) { unlink("/remit-probe.written"); }
    return result;
}
static int write_outside(void) { WITH_CANARY("", ".written") return open_file(path, O_CREAT | O_WRONLY); }
static int append_secret(void) { WITH_CANARY("", "") return open_file(path, O_WRONLY | O_APPEND); }
static int unlink_secret(void) {
    WITH_CANARY("", ".gone")
    // A file beside the secret, where one may make it: the secret is still needed.
    open_file(path, O_CREAT | O_WRONLY);
    return probe_result(unlink(path));
}

// Cut off where it ends already: as root of a guest it succeeds and harms nothing.
static int truncate_program(void) {
    struct stat facts;
    if (stat("/usr/lib/os-release", &facts) < 0) { return errno; }
    return probe_result(truncate("/usr/lib/os-release", facts.st_size));
}
static int chmod_program(void) { return probe_result(chmod("/usr/lib/os-release", 0644)); }
static int own_program(void) { return probe_result(chown("/usr/lib/os-release", getuid(), (gid_t)-1)); }
static int truncate_secret(void) { WITH_CANARY("", "") return open_file(path, O_RDONLY | O_TRUNC); }

// MARK: E30, E32, climbing

static int climb_parents(void) { WITH_CANARY("../../../../../../../../../../..", "") return read_file(path); }
static int climb_root(void) { WITH_CANARY("/../../..", "") return read_file(path); }
static int climb_own_cwd(void) { WITH_CANARY("/proc/self/cwd/../../../../../..", "") return read_file(path); }
static int climb_own_root(void) { WITH_CANARY("/proc/self/root", "") return read_file(path); }
static int climb_init_root(void) { WITH_CANARY("/proc/1/root", "") return read_file(path); }
static int climb_init_cwd(void) { WITH_CANARY("/proc/1/cwd/../../../../../..", "") return read_file(path); }
static int climb_descriptor(void) {
    WITH_CANARY("../../../../../../../../../../..", "")
    int directory = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) { return errno; }
    int file = openat(directory, path, O_RDONLY | O_CLOEXEC);
    int result = probe_result(file);
    close(directory);
    return result;
}

// MARK: E36, links and renames

static int link_secret(void) { WITH_CANARY("", "") return probe_result(link(path, "linked")); }
static int link_descriptor(void) {
    WITH_CANARY("", "")
    int file = open(path, O_PATH | O_CLOEXEC);
    if (file < 0) { return errno; }
    char name[64];
    snprintf(name, sizeof name, "/proc/self/fd/%d", file);
    return probe_result(linkat(AT_FDCWD, name, AT_FDCWD, "linked-by-descriptor", AT_SYMLINK_FOLLOW));
}
static int link_program(void) { return probe_result(link("/usr/lib/os-release", "linked-program")); }
static int symlink_secret(void) {
    WITH_CANARY("", "")
    if (symlink(path, "pointing") < 0 && errno != EEXIST) { return errno; }
    return read_file("pointing");
}
static int rename_out(void) {
    WITH_CANARY("", ".renamed")
    if (own_file("renamed") < 0) { return probe_skip("cannot write in the working directory"); }
    return probe_result(rename("renamed", path));
}
static int exchange(void) {
    WITH_CANARY("", ".exchanged")
    // Something of the host's to be exchanged, where one may make it.
    open_file(path, O_CREAT | O_WRONLY);
    if (own_file("exchanged") < 0) { return probe_skip("cannot write in the working directory"); }
    return probe_result(syscall(SYS_renameat2, AT_FDCWD, "exchanged", AT_FDCWD, path, RENAME_EXCHANGE));
}
static int whiteout_rename(void) {
    if (own_file("whitened") < 0) { return probe_skip("cannot write in the working directory"); }
    return probe_result(syscall(SYS_renameat2, AT_FDCWD, "whitened", AT_FDCWD, "renamed-away", RENAME_WHITEOUT));
}
static int whiteout_rename_high(void) {
    if (own_file("whitened-high") < 0) { return probe_skip("cannot write in the working directory"); }
    return probe_result(syscall(SYS_renameat2, AT_FDCWD, "whitened-high", AT_FDCWD, "renamed-away-high",
                                0x5500000000UL | RENAME_WHITEOUT));
}
static int whiteout_node(void) {
    unlink("whiteout");
    return probe_result(mknod("whiteout", S_IFCHR | 0600, makedev(0, 0)));
}

// MARK: E40, E41, devices

static int make_memory(void) { return probe_result(mknod("memory-device", S_IFCHR | 0600, makedev(1, 1))); }
static int make_null(void) { return probe_result(mknod("null-device", S_IFCHR | 0600, makedev(1, 3))); }
static int make_disk(void) { return probe_result(mknod("disk-device", S_IFBLK | 0600, makedev(8, 0))); }
static int fifo_outside(void) { WITH_CANARY("", ".fifo") return probe_result(mkfifo(path, 0600)); }
static int node_kernel_memory(void) { return open_file("/dev/mem", O_RDONLY); }
static int node_log(void) { return open_file("/dev/kmsg", O_WRONLY); }
static int node_fuse(void) { return open_file("/dev/fuse", O_RDWR); }
static int node_kvm(void) { return open_file("/dev/kvm", O_RDWR); }
static int node_vsock(void) { return open_file("/dev/vsock", O_RDONLY); }
static int node_tunnel(void) { return open_file("/dev/net/tun", O_RDWR); }
static int node_loop(void) { return open_file("/dev/loop-control", O_RDWR); }
static int node_console(void) { return open_file("/dev/tty1", O_RDWR); }
static int node_shared(void) {
    struct stat facts, temporary;
    // /dev/shm leads to the session's own /tmp: through only when it is a place of its own.
    if (stat("/dev/shm", &facts) < 0 || stat("/tmp", &temporary) < 0) { return errno; }
    return facts.st_dev == temporary.st_dev && facts.st_ino == temporary.st_ino ? ENOENT : 0;
}

// Any node that no list names.
static int node_unexpected(void) {
    static const char *const known[] = {"null", "zero", "full", "random", "urandom", "tty", "ptmx"};
    DIR *directory = opendir("/dev");
    if (directory == NULL) { return errno; }
    for (struct dirent *item; (item = readdir(directory)) != NULL;) {
        struct stat facts;
        if (fstatat(dirfd(directory), item->d_name, &facts, AT_SYMLINK_NOFOLLOW) < 0) { continue; }
        if (!S_ISCHR(facts.st_mode) && !S_ISBLK(facts.st_mode)) { continue; }
        int found = 0;
        for (size_t index = 0; index < PROBE_COUNT(known); index++) { found |= strcmp(known[index], item->d_name) == 0; }
        if (!found) { return 0; }
    }
    return ENOENT;
}

// MARK: E42, /proc

static int proc_trigger(void) { return open_file("/proc/sysrq-trigger", O_WRONLY); }
static int proc_core_pattern(void) { return open_file("/proc/sys/kernel/core_pattern", O_WRONLY); }
static int proc_modprobe(void) { return open_file("/proc/sys/kernel/modprobe", O_WRONLY); }
static int proc_settings(void) { return read_file("/proc/sys/kernel/core_pattern"); }
static int proc_formats(void) { return list_directory("/proc/sys/fs/binfmt_misc"); }
static int proc_memory(void) { return read_file("/proc/kcore"); }
static int proc_timers(void) { return read_file("/proc/timer_list"); }
static int proc_keys(void) { return list_directory("/proc/sys/kernel/keys"); }
static int proc_symbols(void) { return read_file("/proc/kallsyms"); }
static int proc_devices(void) { return read_file("/proc/devices"); }
static int proc_mounts_of_init(void) { return read_file("/proc/1/mountinfo"); }
static int init_memory(void) { return open_file("/proc/1/mem", O_RDWR); }
static int init_environment(void) { return open_file("/proc/1/environ", O_RDONLY); }
static int init_maps(void) { return open_file("/proc/1/maps", O_RDONLY); }
static int init_root(void) { return list_directory("/proc/1/root/"); }
static int init_descriptors(void) { return list_directory("/proc/1/fd"); }

#define HIDDEN "mounts:ENOENT"
#define OF_INIT "namespaces:ENOENT landlock:EACCES capabilities:EPERM"
#define NODE "mounts:ENOENT kernel:ENOENT,ENXIO"
#define READ_ONLY "mounts:EROFS landlock:EACCES capabilities:EPERM"

static const struct probe probes[] = {
    {"E28.secret-file", "read a file of the host that is open to everyone", HIDDEN, secret_file, PROBE_PORTABLE},
    {"E28.secret-directory", "list the directory of that file", HIDDEN, secret_directory, 0},
    {"E28.shadow", "read /etc/shadow", HIDDEN, shadow, PROBE_ROOT | PROBE_PORTABLE},
    {"E28.root-home", "list /root", HIDDEN, root_home, PROBE_ROOT | PROBE_PORTABLE},
    {"E28.machine-id", "read /etc/machine-id", HIDDEN " kernel:ENOENT,ENODATA", machine_id, PROBE_PORTABLE},
    {"E28.packages", "list /var/lib/dpkg", HIDDEN " kernel:ENOENT", host_packages, 0},
    {"E28.host-keys", "list /etc/ssh", HIDDEN " kernel:ENOENT", host_keys, PROBE_PORTABLE},
    {"E28.private-keys", "list /etc/ssl/private", HIDDEN " kernel:ENOENT", host_private, PROBE_ROOT},
    {"E28.boot", "list /boot", HIDDEN " kernel:ENOENT,EACCES", host_boot, 0},
    {"E28.runtime", "list /run/user", HIDDEN " kernel:ENOENT", host_runtime, 0},
    {"E28.docker", "connect to the container daemon's socket", HIDDEN " kernel:ENOENT,ECONNREFUSED,EACCES", docker_socket, PROBE_PORTABLE},
    {"E28.other-environment", "read the environment of a process of the host", "namespaces:ENOENT", other_environment, 0},

    {"E29.write-usr", "make a file in /usr", READ_ONLY, write_usr, PROBE_ROOT | PROBE_PORTABLE},
    {"E29.write-etc", "make a file in /etc", READ_ONLY, write_etc, PROBE_ROOT | PROBE_PORTABLE},
    {"E29.write-root", "make a file in /", READ_ONLY, write_root, PROBE_ROOT | PROBE_PORTABLE},
    {"E29.write-outside", "make a file in a directory of the host that is open to everyone", HIDDEN, write_outside, 0},
    {"E29.append-secret", "open a file of the host for writing", HIDDEN, append_secret, 0},
    {"E29.unlink-secret", "remove a file of the host", HIDDEN, unlink_secret, 0},

    {"E30.climb-parents", "reach a file of the host by ../ from the workspace", HIDDEN, climb_parents, PROBE_PORTABLE},
    {"E30.climb-root", "reach it by ../ from /", HIDDEN, climb_root, 0},
    {"E30.climb-own-cwd", "reach it by /proc/self/cwd/..", HIDDEN, climb_own_cwd, 0},
    {"E30.climb-own-root", "reach it by /proc/self/root", HIDDEN, climb_own_root, 0},
    {"E30.climb-init-root", "reach it by the root of process 1", OF_INIT, climb_init_root, 0},
    {"E30.climb-init-cwd", "reach it by the working directory of process 1", OF_INIT, climb_init_cwd, 0},
    {"E30.climb-descriptor", "reach it by openat(2) and a directory's descriptor", HIDDEN, climb_descriptor, 0},

    {"E36.link-secret", "hard-link a file of the host into the workspace", HIDDEN, link_secret, 0},
    {"E36.link-descriptor", "hard-link it by /proc/self/fd", HIDDEN, link_descriptor, 0},
    {"E36.link-program", "hard-link a read-only file into the workspace", "mounts:EXDEV landlock:EACCES kernel:EXDEV", link_program, PROBE_ROOT},
    {"E36.symlink-secret", "read a file of the host by a symbolic link", HIDDEN, symlink_secret, 0},
    {"E36.rename-out", "rename a file out of the workspace", HIDDEN, rename_out, 0},
    {"E36.exchange", "exchange a file with one of the host's", HIDDEN, exchange, 0},
    {"E36.whiteout-rename", "leave a whiteout device behind with RENAME_WHITEOUT", "seccomp:EPERM landlock:EACCES", whiteout_rename, PROBE_PORTABLE},
    {"E36.whiteout-rename-high", "the same with bits set that the kernel ignores", "seccomp:EPERM landlock:EACCES", whiteout_rename_high, 0},
    {"E36.whiteout-node", "make a whiteout device with mknod(2)", "landlock:EACCES capabilities:EPERM", whiteout_node, PROBE_PORTABLE},

    {"E38.open-truncate", "truncate a file of the host by opening it for reading", HIDDEN, truncate_secret, 0},
    {"E38.truncate-program", "truncate(2) a file of /usr", READ_ONLY, truncate_program, PROBE_ROOT},
    {"E38.chmod-program", "change the mode of a file of /usr", READ_ONLY, chmod_program, PROBE_ROOT},
    {"E38.chown-program", "change the owner of a file of /usr", READ_ONLY, own_program, PROBE_ROOT},

    {"E40.make-memory", "make a device node of the machine's memory", "capabilities:EPERM landlock:EACCES", make_memory, PROBE_ROOT | PROBE_PORTABLE},
    {"E40.make-null", "make a device node of /dev/null", "capabilities:EPERM landlock:EACCES", make_null, PROBE_ROOT},
    {"E40.make-disk", "make a device node of a disk", "capabilities:EPERM landlock:EACCES", make_disk, PROBE_ROOT},
    {"E40.fifo-outside", "make a named pipe in a directory of the host", HIDDEN, fifo_outside, 0},

    {"E41.memory", "open /dev/mem", NODE, node_kernel_memory, PROBE_ROOT},
    {"E41.log", "write to the kernel's log", NODE, node_log, PROBE_ROOT},
    {"E41.fuse", "open /dev/fuse", NODE, node_fuse, PROBE_ROOT},
    {"E41.kvm", "open /dev/kvm", NODE, node_kvm, PROBE_ROOT},
    {"E41.vsock", "open /dev/vsock", NODE, node_vsock, PROBE_ROOT},
    {"E41.tunnel", "open /dev/net/tun", NODE, node_tunnel, PROBE_ROOT},
    {"E41.loop", "open /dev/loop-control", NODE, node_loop, PROBE_ROOT},
    {"E41.console", "open the machine's console", NODE, node_console, PROBE_ROOT},
    {"E41.shared-memory", "find the host's /dev/shm", HIDDEN, node_shared, 0},
    {"E41.unexpected", "find any other device node in /dev", HIDDEN, node_unexpected, PROBE_PORTABLE},

    {"E42.sysrq", "open /proc/sysrq-trigger for writing", HIDDEN, proc_trigger, PROBE_ROOT | PROBE_PORTABLE},
    {"E42.core-pattern", "open kernel.core_pattern for writing", HIDDEN, proc_core_pattern, PROBE_ROOT | PROBE_PORTABLE},
    {"E42.modprobe", "open kernel.modprobe for writing", HIDDEN, proc_modprobe, PROBE_ROOT},
    {"E42.settings", "read a setting of the kernel", HIDDEN, proc_settings, 0},
    {"E42.formats", "list the binary formats of the kernel", HIDDEN " kernel:ENOENT", proc_formats, 0},
    {"E42.kernel-memory", "read /proc/kcore", HIDDEN " kernel:ENOENT", proc_memory, PROBE_ROOT | PROBE_PORTABLE},
    {"E42.timers", "read /proc/timer_list", HIDDEN " kernel:ENOENT", proc_timers, PROBE_ROOT},
    {"E42.keys", "list the settings of keyrings", HIDDEN, proc_keys, 0},
    {"E42.symbols", "read the kernel's symbols", HIDDEN " kernel:ENOENT", proc_symbols, 0},
    {"E42.devices", "read /proc/devices", HIDDEN, proc_devices, 0},
    {"E42.init-mounts", "read the mounts of process 1", OF_INIT, proc_mounts_of_init, 0},
    {"E42.init-memory", "open the memory of process 1", OF_INIT, init_memory, PROBE_PORTABLE},
    {"E42.init-environment", "open the environment of process 1", OF_INIT, init_environment, PROBE_PORTABLE},
    {"E42.init-maps", "open the memory map of process 1", OF_INIT, init_maps, 0},
    {"E42.init-root", "list the root of process 1", OF_INIT, init_root, PROBE_PORTABLE},
    {"E42.init-descriptors", "list the descriptors of process 1", OF_INIT, init_descriptors, PROBE_PORTABLE},
};
const struct probe_set files_probes = {probes, PROBE_COUNT(probes)};
