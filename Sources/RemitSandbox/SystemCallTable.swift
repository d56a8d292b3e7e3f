// SPDX-License-Identifier: Apache-2.0
// The built-in system-call policy: what programs need, what is refused by name, and what no profile can open.
// An allowlist; a call that is on no list does not exist (ENOSYS), so that glibc and runtimes fall back.

package import RemitKernel
package import RemitTask

/// The built-in system-call policy, and how a profile changes it.
package enum SystemCallTable {
    /// The filter for a profile.
    ///
    /// - Parameter notify: refused calls are reported to the supervisor, which refuses and counts them.
    /// - Throws: ``SandboxError`` for a name this machine does not have, or one that no profile may allow.
    package static func filter(
        for changes: ProfileSystemCalls,
        notify: Bool
    ) throws(SandboxError) -> SystemCallFilter {
        try check(changes)
        let denied = Set(changes.deny)
        let refusal: SystemCallAction = notify ? .notify : .refuse(.notPermitted)
        var rules: [SystemCallRule] = []
        let allowed = Set(plain).union(changes.allow).subtracting(denied)
        rules += allowed.sorted().filter(exists).map { SystemCallRule($0, .allow) }
        rules += forbidden.union(denied).sorted().filter(exists).map {
            SystemCallRule($0, harmless.contains($0) ? .refuse(.notPermitted) : refusal)
        }
        rules += (sockets + clones(refusal) + controls + processControls + personalities + modes)
            .filter { !denied.contains($0.name) }
        return SystemCallFilter(rules: rules, fallback: .refuse(.notImplemented))
    }

    /// Looks whether a profile's changes are ones it may make.
    ///
    /// - Throws: ``SandboxError`` for a name this machine does not have, or one that no profile may allow.
    static func check(_ changes: ProfileSystemCalls) throws(SandboxError) {
        for name in changes.allow + changes.deny where SystemCallFilter.number(of: name) == nil {
            throw SandboxError("unknown system call `\(name)` in the profile")
        }
        for name in changes.allow where forbidden.contains(name) || conditional.contains(name) {
            throw SandboxError(
                "system call `\(name)` cannot be allowed by a profile",
                hint: "it is part of the floor that holds in every session"
            )
        }
    }

    private static func exists(_ name: String) -> Bool { SystemCallFilter.number(of: name) != nil }

    /// Calls whose arguments decide; see the rules below.
    private static let conditional: Set<String> = [
        "socket", "socketpair", "clone", "clone3", "ioctl", "prctl", "personality", "open", "openat", "openat2",
        "creat",
        "chmod", "fchmod", "fchmodat", "fchmodat2", "mknod", "mknodat",
        // Operations through a ring pass no filter at all.
        "io_uring_setup", "io_uring_enter", "io_uring_register",
    ]

    /// Known and refused in every session, whatever a profile says.
    package static let forbidden: Set<String> = Set(
        words(
            """
            acct add_key adjtimex bpf chroot clock_adjtime clock_settime delete_module fanotify_init fanotify_mark
            finit_module fsconfig fsmount fsopen fspick init_module ioperm iopl kcmp kexec_file_load kexec_load keyctl
            lookup_dcookie mbind migrate_pages modify_ldt mount mount_setattr move_mount move_pages name_to_handle_at
            nfsservctl open_by_handle_at open_tree perf_event_open pidfd_getfd pivot_root process_madvise
            process_vm_readv process_vm_writev ptrace quotactl quotactl_fd reboot request_key seccomp set_mempolicy
            setdomainname sethostname setns settimeofday stime swapoff swapon syslog umount umount2 unshare userfaultfd
            vhangup vmsplice
            """
        )
    )

    /// Refused, but no reason to suspect anyone: runtimes and libraries try them to see what there is.
    private static let harmless: Set<String> = Set(
        words(
            """
            adjtimex clock_adjtime kcmp lookup_dcookie mbind migrate_pages move_pages name_to_handle_at
            perf_event_open process_madvise seccomp set_mempolicy syslog vhangup vmsplice
            """
        )
    )

    /// Allowed whatever their arguments: the kernel then needs no filter run at all for them.
    private static let plain = words(
        """
        accept accept4 access alarm arch_prctl bind brk capget capset chdir chown clock_getres clock_gettime
        clock_nanosleep close close_range connect copy_file_range dup dup2 dup3 epoll_create epoll_create1
        epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2 execve execveat exit
        exit_group faccessat faccessat2 fadvise64 fallocate fchdir fchown fchownat fcntl
        fdatasync fgetxattr flistxattr flock fork fremovexattr fsetxattr fstat fstatfs fsync ftruncate futex futex_waitv
        futimesat get_mempolicy get_robust_list get_thread_area getcpu getcwd getdents getdents64 getegid geteuid getgid
        getgroups getitimer getpeername getpgid getpgrp getpid getppid getpriority getrandom getresgid getresuid
        getrlimit getrusage getsid getsockname getsockopt gettid gettimeofday getuid getxattr inotify_add_watch
        inotify_init inotify_init1 inotify_rm_watch io_cancel io_destroy io_getevents io_pgetevents io_setup io_submit
        ioprio_get ioprio_set kill landlock_add_rule landlock_create_ruleset landlock_restrict_self lchown lgetxattr
        link linkat listen listxattr llistxattr lremovexattr lseek lsetxattr lstat madvise membarrier memfd_create
        mincore mkdir mkdirat mlock mlock2 mlockall mmap mprotect mremap msgctl msgget msgrcv msgsnd msync
        munlock munlockall munmap nanosleep newfstatat pause pidfd_open pidfd_send_signal pipe pipe2
        pkey_alloc pkey_free pkey_mprotect poll ppoll pread64 preadv preadv2 prlimit64 pselect6 pwrite64 pwritev
        pwritev2 read readahead readlink readlinkat readv recvfrom recvmmsg recvmsg remap_file_pages removexattr rename
        renameat renameat2 restart_syscall rmdir rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo
        rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_tgsigqueueinfo sched_get_priority_max sched_get_priority_min
        sched_getaffinity sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval sched_setaffinity
        sched_setattr sched_setparam sched_setscheduler sched_yield select semctl semget semop semtimedop sendfile
        sendmmsg sendmsg sendto set_robust_list set_thread_area set_tid_address setfsgid setfsuid setgid setgroups
        setitimer setpgid setpriority setregid setresgid setresuid setreuid setrlimit setsid setsockopt setuid setxattr
        shmat shmctl shmdt shmget shutdown sigaltstack signalfd signalfd4 splice stat statfs statx symlink symlinkat
        sync sync_file_range syncfs sysinfo tee tgkill time timer_create timer_delete timer_getoverrun timer_gettime
        timer_settime timerfd_create timerfd_gettime timerfd_settime times tkill truncate umask uname unlink unlinkat
        utime utimensat utimes vfork wait4 waitid write writev
        """
    )

    /// Local sockets of any kind; internet sockets only as plain TCP and UDP, for MPTCP, SCTP and raw sockets pass by
    /// other layers; netlink only for routes. Every other family does not exist.
    private static let sockets: [SystemCallRule] = {
        let kind: UInt64 = 0xffff_ffff & ~0x80800  // without SOCK_CLOEXEC and SOCK_NONBLOCK
        var rules = [
            SystemCallRule("socket", .allow, when: [.init(argument: 0, value: 1)]),
            SystemCallRule("socket", .allow, when: [.init(argument: 0, value: 16), .init(argument: 2, value: 0)]),
            SystemCallRule("socketpair", .allow, when: [.init(argument: 0, value: 1)]),
        ]
        for family: UInt64 in [2, 10] {
            for (type, transport): (UInt64, UInt64) in [(1, 0), (1, 6), (2, 0), (2, 17)] {
                rules.append(
                    SystemCallRule(
                        "socket", .allow,
                        when: [
                            .init(argument: 0, value: family), .init(argument: 1, mask: kind, value: type),
                            .init(argument: 2, value: transport),
                        ]
                    )
                )
            }
        }
        for family: UInt64 in 0..<64 where ![1, 2, 10, 16].contains(family) {
            rules.append(
                SystemCallRule("socket", .refuse(.addressFamily), when: [.init(argument: 0, value: family)])
            )
        }
        for family: UInt64 in 0..<64 where family != 1 {
            rules.append(
                SystemCallRule("socketpair", .refuse(.addressFamily), when: [.init(argument: 0, value: family)])
            )
        }
        return rules
    }()

    /// Threads and processes, but no namespace. clone3 has its flags in memory, where a filter cannot see them: it
    /// stays on no list, and glibc falls back to clone.
    private static func clones(_ refusal: SystemCallAction) -> [SystemCallRule] {
        let namespaces: [UInt64] = [
            0x0000_0080, 0x0002_0000, 0x0200_0000, 0x0400_0000, 0x0800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000,
        ]
        let all = namespaces.reduce(0, |)
        return [SystemCallRule("clone", .allow, when: [.init(argument: 0, mask: all, value: 0)])]
            + namespaces.map { SystemCallRule("clone", refusal, when: [.init(argument: 0, mask: $0, value: $0)]) }
    }

    /// Terminal, descriptor and interface questions. Not TIOCSTI and TIOCLINUX, which type into other terminals.
    private static let controls: [SystemCallRule] = {
        let allowed: [UInt64] = [
            0x5401, 0x5402, 0x5403, 0x5404, 0x5409, 0x540a, 0x540b, 0x540c, 0x540d, 0x540e, 0x540f, 0x5410, 0x5411,
            0x5413, 0x5414, 0x541b, 0x5420, 0x5421, 0x5422, 0x5425, 0x5429, 0x5441, 0x5450, 0x5451, 0x5452, 0x5460,
            0x8004_5430, 0x4004_5431, 0x802c_542a, 0x402c_542b, 0x402c_542c, 0x402c_542d, 0x4004_9409, 0x4020_940d,
            0xc018_9436, 0x8008_6601, 0x8912, 0x8913, 0x8915, 0x8919, 0x891b, 0x8921, 0x8927, 0x8933, 0x8942, 0x0002,
        ]
        let refused: [UInt64] = [0x5412, 0x541c, 0x541d, 0x5423]
        return allowed.map { SystemCallRule("ioctl", .allow, when: [.init(argument: 1, value: $0)]) }
            + refused.map {
                SystemCallRule("ioctl", .refuse(.notPermitted), when: [.init(argument: 1, value: $0)])
            }
    }()

    private static let processControls: [SystemCallRule] = {
        // PDEATHSIG, DUMPABLE, KEEPCAPS get, TIMING, NAME, ENDIAN, TSC get, TIMERSLACK, MCE_KILL get, CHILD_SUBREAPER,
        // NO_NEW_PRIVS, TID_ADDRESS, THP, FP_MODE get, CAP_AMBIENT is answered by capability checks, speculation,
        // SVE, tagged addresses, IO_FLUSHER get, MDWE, VMA names.
        let allowed: [UInt64] = [
            1, 2, 3, 4, 7, 13, 14, 15, 16, 19, 21, 23, 25, 27, 29, 30, 34, 36, 37, 38, 39, 40, 41, 42, 46, 51, 52, 53,
            56,
            58, 65, 66, 0x53_564d_41,
        ]
        // SET_KEEPCAPS, SET_SECCOMP, CAPBSET_DROP, SET_TSC, SET_SECUREBITS, SET_MM, CAP_AMBIENT, SET_PTRACER
        let refused: [UInt64] = [8, 22, 24, 26, 28, 35, 47, 0x5961_6d61]
        return allowed.map { SystemCallRule("prctl", .allow, when: [.init(argument: 0, value: $0)]) }
            + refused.map {
                SystemCallRule("prctl", .refuse(.notPermitted), when: [.init(argument: 0, value: $0)])
            }
    }()

    /// Files, but none with a set-user-id or set-group-id bit: in a workspace that belongs to root or to the caller,
    /// such a file would be a door left open on the host. openat2 has its mode in memory: it stays on no list.
    private static let modes: [SystemCallRule] = {
        let setID: [UInt64] = [0o4000, 0o2000]
        let creating: [UInt64] = [0o100, 0o20000000]  // O_CREAT and O_TMPFILE: only then is there a mode
        var rules: [SystemCallRule] = []
        for (name, mode): (String, UInt32) in [
            ("chmod", 1), ("fchmod", 1), ("fchmodat", 2), ("fchmodat2", 2), ("creat", 1), ("mknod", 1), ("mknodat", 2),
        ] {
            rules.append(SystemCallRule(name, .allow, when: [.init(argument: mode, mask: 0o6000, value: 0)]))
            rules += setID.map {
                SystemCallRule(name, .refuse(.notPermitted), when: [.init(argument: mode, mask: $0, value: $0)])
            }
        }
        for (name, flags): (String, UInt32) in [("open", 1), ("openat", 2)] {
            let any = creating.reduce(0, |)
            rules.append(SystemCallRule(name, .allow, when: [.init(argument: flags, mask: any, value: 0)]))
            for flag in creating {
                let creates = SystemCallRule.Condition(argument: flags, mask: flag, value: flag)
                rules.append(
                    SystemCallRule(name, .allow, when: [creates, .init(argument: flags + 1, mask: 0o6000, value: 0)])
                )
                rules += setID.map {
                    SystemCallRule(
                        name, .refuse(.notPermitted),
                        when: [creates, .init(argument: flags + 1, mask: $0, value: $0)]
                    )
                }
            }
        }
        return rules
    }()

    /// The personalities programs ask for; not the ones that switch randomisation off.
    private static let personalities: [SystemCallRule] = {
        let allowed: [UInt64] = [0, 8, 0x20000, 0x20008, 0xffff_ffff]
        let refused: [UInt64] = [0x0004_0000, 0x0040_0000]
        return allowed.map { SystemCallRule("personality", .allow, when: [.init(argument: 0, value: $0)]) }
            + refused.map {
                SystemCallRule("personality", .refuse(.notPermitted), when: [.init(argument: 0, value: $0)])
            }
    }()

    private static func words(_ text: String) -> [String] {
        text.split(whereSeparator: \.isWhitespace).map(String.init)
    }
}
