// SPDX-License-Identifier: Apache-2.0
// Groups of what changes the machine, or looks into others: most of it is on the floor.

internal import RemitKernel

extension SystemCallGroup {
    static let privileged: [SystemCallGroup] = [
        SystemCallGroup("@clock", "setting the clock", "adjtimex clock_adjtime clock_settime settimeofday"),
        SystemCallGroup("@cpu-emulation", "emulating processors", "modify_ldt"),
        SystemCallGroup(
            "@debug", "tracing and measuring other processes",
            "lookup_dcookie perf_event_open pidfd_getfd ptrace"
        ),
        SystemCallGroup("@keyring", "the kernel's keyrings", "add_key keyctl request_key"),
        SystemCallGroup("@module", "kernel modules", "delete_module finit_module init_module"),
        SystemCallGroup(
            "@mount", "mounts and the root directory",
            """
            chroot fsconfig fsmount fsopen fspick listmount mount mount_setattr move_mount open_tree open_tree_attr
            pivot_root statmount umount umount2
            """
        ),
        SystemCallGroup("@raw-io", "input and output ports", "ioperm iopl"),
        SystemCallGroup("@reboot", "restarting, and starting another kernel", "kexec_file_load kexec_load reboot"),
        SystemCallGroup("@swap", "swap space", "swapoff swapon"),
        SystemCallGroup(
            "@obsolete", "what is unusual, obsolete or was never implemented",
            """
            _sysctl afs_syscall create_module epoll_ctl_old epoll_wait_old get_kernel_syms getpmsg nfsservctl putpmsg
            query_module security sysfs tuxcall uselib ustat vserver
            """
        ),
    ]

    /// Groups that need others.
    static let composed: [SystemCallGroup] = [
        SystemCallGroup(
            "@privileged", "what takes the superuser's capabilities",
            """
            @chown @clock @module @raw-io @reboot @swap _sysctl acct bpf capset chroot fanotify_init fanotify_mark
            nfsservctl open_by_handle_at pivot_root quotactl quotactl_fd setdomainname setfsuid setgroups sethostname
            setresuid setreuid setuid vhangup
            """
        ),
        SystemCallGroup(
            "@system-service", "what an ordinary program does",
            """
            @aio @basic-io @chown @default @file-system @io-event @ipc @keyring @memlock @network-io @process @resources
            @setuid @signal @sync @timer brk capget capset copy_file_range fadvise64 flock get_mempolicy getcpu
            getpriority getrandom ioctl ioprio_get kcmp madvise mmap mprotect mremap munmap name_to_handle_at
            personality readahead remap_file_pages sched_get_priority_max sched_get_priority_min sched_getaffinity
            sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval sched_yield sendfile setfsgid setfsuid
            setpgid setsid splice sysinfo tee umask uname userfaultfd vmsplice
            """
        ),
        SystemCallGroup(
            "@built-in", "what the built-in table is made of; the floor is taken out of it; Remit's own",
            "@system-service @copy @inspection @memory @pkey @sandbox"
        ),
        SystemCallGroup(
            "@floor", "what is refused in every session, whatever a profile says; Remit's own",
            """
            @clock @cpu-emulation @debug @keyring @module @mount @raw-io @reboot @swap acct bpf fanotify_init
            fanotify_mark file_setattr kcmp lsm_set_self_attr mbind migrate_pages move_pages name_to_handle_at
            nfsservctl open_by_handle_at process_madvise process_vm_readv process_vm_writev quotactl quotactl_fd seccomp
            set_mempolicy set_mempolicy_home_node setdomainname sethostname setns syslog unshare userfaultfd vhangup
            vmsplice
            """
        ),
        SystemCallGroup(
            "@known", "every call that this machine has a name for", SystemCallNumbers.names.joined(separator: " ")
        ),
    ]
}
