// SPDX-License-Identifier: Apache-2.0
// E86-E89: other processes' memory, control groups, limits, and settings of the whole machine.

#include "probe.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/ioprio.h>
#include <linux/reboot.h>
#include <linux/sched.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

#define WITH_PROCESS(canary) \
    pid_t process = (pid_t)probe_canary_number(canary); \
    if (process < 0) { return probe_skip("no " canary); }

// MARK: E86

static int trace(pid_t process) {
    long result = ptrace(PTRACE_ATTACH, process, NULL, NULL);
    if (result < 0) { return errno; }
    waitpid(process, NULL, __WALL);
    ptrace(PTRACE_DETACH, process, NULL, NULL);
    return 0;
}
// The first page of the stack's map, or the usual place of a program's first page.
static uintptr_t readable_address(pid_t process) {
    char path[64], line[512];
    unsigned long long address = 0x400000;
    snprintf(path, sizeof path, "/proc/%d/maps", process);
    FILE *maps = fopen(path, "re");
    if (maps == NULL) { return (uintptr_t)address; }
    if (fgets(line, sizeof line, maps) != NULL) { address = strtoull(line, NULL, 16); }
    fclose(maps);
    return (uintptr_t)address;
}
static int read_memory(pid_t process) {
    char byte;
    struct iovec here = {.iov_base = &byte, .iov_len = 1};
    struct iovec there = {.iov_base = (void *)readable_address(process), .iov_len = 1};
    return probe_result(process_vm_readv(process, &here, 1, &there, 1, 0));
}
static int open_memory(pid_t process) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/mem", process);
    int file = open(path, O_RDWR | O_CLOEXEC);
    int result = probe_result(file);
    if (file >= 0) { close(file); }
    return result;
}
static int open_process(pid_t process) {
    int descriptor = (int)syscall(SYS_pidfd_open, process, 0);
    int result = probe_result(descriptor);
    if (descriptor >= 0) { close(descriptor); }
    return result;
}
static int trace_other(void) { WITH_PROCESS("REMIT_CANARY_PID") return trace(process); }
static int read_other(void) { WITH_PROCESS("REMIT_CANARY_PID") return read_memory(process); }
static int open_other(void) { WITH_PROCESS("REMIT_CANARY_PID") return open_memory(process); }
static int find_other(void) { WITH_PROCESS("REMIT_CANARY_PID") return open_process(process); }
static int limit_other(void) {
    WITH_PROCESS("REMIT_CANARY_PID")
    struct rlimit limit;
    return probe_result(prlimit(process, RLIMIT_NOFILE, NULL, &limit));
}
static int trace_supervisor(void) { WITH_PROCESS("REMIT_CANARY_SUPERVISOR") return trace(process); }
static int read_supervisor(void) { WITH_PROCESS("REMIT_CANARY_SUPERVISOR") return read_memory(process); }
static int open_supervisor(void) { WITH_PROCESS("REMIT_CANARY_SUPERVISOR") return open_memory(process); }
static int trace_init(void) { return trace(1); }
static int read_init(void) { return read_memory(1); }
static int steal_descriptor(void) {
    WITH_PROCESS("REMIT_CANARY_PID")
    int owner = (int)syscall(SYS_pidfd_open, process, 0);
    // Where it is not to be found, one's own parent: refused for the call, not for the process.
    if (owner < 0) { owner = (int)syscall(SYS_pidfd_open, getppid(), 0); }
    if (owner < 0) { return errno; }
    return probe_result(syscall(SYS_pidfd_getfd, owner, 0, 0));
}

// MARK: E87

static int group_mount(const char *type, const char *options) {
    mkdir("groups", 0700);
    int result = probe_result(mount("none", "groups", type, 0, options));
    if (result == 0) { umount2("groups", MNT_DETACH); }
    return result;
}
static int mount_groups(void) { return group_mount("cgroup2", NULL); }
static int mount_old_groups(void) { return group_mount("cgroup", "pids"); }
static int open_first(const char *const *paths, size_t count) {
    int result = ENOENT;
    for (size_t index = 0; index < count; index++) {
        int file = open(paths[index], O_WRONLY | O_CLOEXEC);
        if (file >= 0) {
            close(file);
            return 0;
        }
        if (errno != ENOENT) { result = errno; }
    }
    return result;
}
static int release_agent(void) {
    static const char *const paths[] = {
        "/sys/fs/cgroup/pids/release_agent", "/sys/fs/cgroup/memory/release_agent", "/sys/fs/cgroup/systemd/release_agent"};
    return open_first(paths, PROBE_COUNT(paths));
}
static int leave_group(void) {
    static const char *const paths[] = {
        "/sys/fs/cgroup/cgroup.procs", "/sys/fs/cgroup/unified/cgroup.procs", "/sys/fs/cgroup/pids/cgroup.procs"};
    return open_first(paths, PROBE_COUNT(paths));
}
static int list_groups(void) {
    DIR *directory = opendir("/sys/fs/cgroup");
    if (directory == NULL) { return errno; }
    closedir(directory);
    return 0;
}

// MARK: E88

static int raise_limit(int which) {
    struct rlimit limit;
    if (getrlimit(which, &limit) < 0) { return errno; }
    if (limit.rlim_max == RLIM_INFINITY) { return probe_skip("the limit is none already"); }
    limit.rlim_max += 1;
    return probe_result(setrlimit(which, &limit));
}
static int raise_files(void) { return raise_limit(RLIMIT_NOFILE); }
static int raise_locked(void) { return raise_limit(RLIMIT_MEMLOCK); }
static int raise_core(void) { return raise_limit(RLIMIT_CORE); }
static int schedule(int policy) {
    struct sched_param parameters = {.sched_priority = 1};
    return probe_result(sched_setscheduler(0, policy, &parameters));
}
static int schedule_first(void) { return schedule(SCHED_FIFO); }
static int schedule_round(void) { return schedule(SCHED_RR | 0x40000000); }
static int schedule_deadline(void) {
    struct {
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime, deadline, period;
    } attributes = {.size = 48, .policy = 6, .runtime = 10000000, .deadline = 30000000, .period = 30000000};
    return probe_result(syscall(SYS_sched_setattr, 0, &attributes, 0));
}
static int more_priority(void) { return probe_result(setpriority(PRIO_PROCESS, 0, -20)); }
static int first_disk(void) {
    return probe_result(syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_RT, 0)));
}
static int lock_memory(size_t size) {
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) { return errno; }
    int result = probe_result(mlock(memory, size));
    munmap(memory, size);
    return result;
}
static int lock_little(void) { return lock_memory(1 << 20); }
static int lock_much(void) { return lock_memory(1UL << 30); }
static int lock_later(void) {
    if (mlockall(MCL_FUTURE) < 0) { return errno; }
    void *memory = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int result = memory == MAP_FAILED ? errno : 0;
    munlockall();
    return result;
}

// MARK: E89

static int host_name(void) { return probe_result(sethostname("escaped", 7)); }
static int domain_name(void) { return probe_result(setdomainname("escaped", 7)); }
// To what it is already, so that a guest's does not jump.
static int set_time(void) {
    struct timeval now;
    gettimeofday(&now, NULL);
    return probe_result(settimeofday(&now, NULL));
}
static int set_clock(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return probe_result(clock_settime(CLOCK_REALTIME, &now));
}
static int adjust_clock(void) {
    struct timex change = {.modes = ADJ_TICK, .tick = 10000};
    return probe_result(adjtimex(&change));
}
// Only whether Ctrl-Alt-Del reboots at once: the same permission as to reboot.
static int restart(void) {
    return probe_result(syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_CAD_OFF, NULL));
}
static int swap_file(void) {
    char page[4096] = {0};
    const uint32_t header[3] = {1, 15, 0};
    int file = open("swapped", O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0) { return errno; }
    memcpy(page + 1024, header, sizeof header);
    memcpy(page + sizeof page - 10, "SWAPSPACE2", 10);
    for (int index = 0; index < 16; index++) {
        if (write(file, page, sizeof page) < 0) { return errno; }
        memset(page, 0, sizeof page);
    }
    close(file);
    int result = probe_result(swapon("swapped", 0));
    if (result == 0) { swapoff("swapped"); }
    // Not every file system can hold swap: the kernel did look at the file.
    return result == EINVAL ? 0 : result;
}
static int accounting(void) { return probe_result(acct(NULL)); }
static int load_kernel(void) { return probe_result(syscall(SYS_kexec_load, 0UL, 0UL, NULL, 0UL)); }
// Neither is a module: as root the loader looks at it and says so, which is far enough.
static int load_module(void) {
    static char nothing[64];
    int result = probe_result(syscall(SYS_init_module, nothing, sizeof nothing, ""));
    return result == ENOEXEC ? 0 : result;
}
static int load_module_file(void) {
    int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (file < 0) { return errno; }
    int result = probe_result(syscall(SYS_finit_module, file, "", 0));
    return result == ENOEXEC ? 0 : result;
}
static int unload_module(void) {
    int result = probe_result(syscall(SYS_delete_module, "remit_no_such_module", O_NONBLOCK));
    return result == ENOENT ? 0 : result;
}
static int kernel_log(void) {
    char text[256];
    return probe_result(syscall(SYS_syslog, 3, text, sizeof text));
}
static int write_setting(void) {
    int file = open("/proc/sys/kernel/hostname", O_WRONLY | O_CLOEXEC);
    int result = probe_result(file);
    if (file >= 0) { close(file); }
    return result;
}

#define FILTER "seccomp:EPERM,ENOSYS"
#define PROCESS "namespaces:ENOENT,ESRCH landlock:EACCES,EPERM"

static const struct probe probes[] = {
    {"E86.trace", "attach a debugger to a process of the host", FILTER, trace_other, 0},
    {"E86.read", "read the memory of a process of the host with process_vm_readv(2)", FILTER, read_other, 0},
    {"E86.open", "open the memory of a process of the host", PROCESS, open_other, 0},
    {"E86.find", "get a descriptor of a process of the host", PROCESS, find_other, 0},
    {"E86.limit", "ask for the limits of a process of the host", PROCESS, limit_other, 0},
    {"E86.trace-supervisor", "attach a debugger to the supervisor", FILTER, trace_supervisor, 0},
    {"E86.read-supervisor", "read the memory of the supervisor", FILTER, read_supervisor, 0},
    {"E86.open-supervisor", "open the memory of the supervisor", PROCESS, open_supervisor, 0},
    {"E86.trace-init", "attach a debugger to process 1", FILTER, trace_init, PROBE_PORTABLE},
    {"E86.read-init", "read the memory of process 1", FILTER, read_init, PROBE_PORTABLE},
    {"E86.steal-descriptor", "take a descriptor out of another process", FILTER, steal_descriptor, 0},

    {"E87.mount-groups", "mount the control groups", FILTER, mount_groups, PROBE_PORTABLE},
    {"E87.mount-old-groups", "mount a controller of the first version", FILTER " kernel:ENODEV,EINVAL,EBUSY,EPERM,ENOENT", mount_old_groups, 0},
    {"E87.release-agent", "open a release_agent for writing", "mounts:ENOENT kernel:ENOENT", release_agent, PROBE_ROOT},
    {"E87.leave-group", "open another control group's process list for writing", "mounts:ENOENT", leave_group, PROBE_ROOT | PROBE_PORTABLE},
    {"E87.list-groups", "list the control groups", "mounts:ENOENT", list_groups, PROBE_PORTABLE},

    {"E88.raise-files", "raise the hard limit of open files", "capabilities:EPERM", raise_files, PROBE_ROOT | PROBE_PORTABLE},
    {"E88.raise-locked", "raise the hard limit of locked memory", "capabilities:EPERM", raise_locked, PROBE_ROOT},
    {"E88.raise-core", "raise the hard limit of core files", "capabilities:EPERM", raise_core, PROBE_ROOT},
    {"E88.first-in-first-out", "become a real-time process", "capabilities:EPERM", schedule_first, PROBE_ROOT | PROBE_PORTABLE},
    {"E88.round-robin", "become a real-time process that shares", "capabilities:EPERM", schedule_round, PROBE_ROOT},
    {"E88.deadline", "become a process with guaranteed time", "capabilities:EPERM", schedule_deadline, PROBE_ROOT},
    {"E88.priority", "raise one's own priority", "capabilities:EACCES,EPERM", more_priority, PROBE_ROOT},
    {"E88.disk-priority", "become first at the disk", "capabilities:EPERM", first_disk, PROBE_ROOT},
    {"E88.lock-little", "lock 1 MiB in memory", "limits.memory:ENOMEM,EAGAIN", lock_little, 0},
    {"E88.lock-much", "lock 1 GiB in memory", "limits.memory:ENOMEM,EAGAIN", lock_much, PROBE_ROOT},
    {"E88.lock-later", "lock whatever memory comes later", "limits.memory:EPERM,ENOMEM,EAGAIN", lock_later, PROBE_ROOT},

    {"E89.host-name", "change the host's name", FILTER, host_name, PROBE_PORTABLE},
    {"E89.domain-name", "change the domain's name", FILTER, domain_name, 0},
    {"E89.time", "set the time with settimeofday(2)", FILTER, set_time, PROBE_GLOBAL},
    {"E89.clock", "set the time with clock_settime(2)", FILTER, set_clock, PROBE_GLOBAL},
    {"E89.adjust", "change the clock's rate", FILTER, adjust_clock, PROBE_GLOBAL},
    {"E89.reboot", "decide how the machine reboots", FILTER, restart, PROBE_GLOBAL},
    {"E89.swap", "give the machine a swap file", FILTER, swap_file, PROBE_GLOBAL},
    {"E89.accounting", "switch process accounting off", FILTER " kernel:ENOSYS", accounting, PROBE_GLOBAL},
    {"E89.load-kernel", "replace the kernel with kexec_load(2)", FILTER " kernel:ENOSYS", load_kernel, PROBE_GLOBAL},
    {"E89.load-module", "load a kernel module from memory", FILTER " kernel:ENOSYS", load_module, PROBE_GLOBAL},
    {"E89.load-module-file", "load a kernel module from a file", FILTER " kernel:ENOSYS", load_module_file, PROBE_GLOBAL},
    {"E89.unload-module", "unload a kernel module", FILTER " kernel:ENOSYS", unload_module, PROBE_GLOBAL},
    {"E89.kernel-log", "read the kernel's log", FILTER, kernel_log, PROBE_ROOT},
    {"E89.setting", "open a setting of the kernel for writing", "mounts:ENOENT", write_setting, PROBE_ROOT | PROBE_PORTABLE},
};
const struct probe_set resources_probes = {probes, PROBE_COUNT(probes)};
