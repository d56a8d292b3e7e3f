// SPDX-License-Identifier: Apache-2.0
// Groups about processes, signals, timers and what they may ask of the scheduler.

extension SystemCallGroup {
    static let processes: [SystemCallGroup] = [
        SystemCallGroup(
            "@process", "starting, ending and controlling processes; namespaces",
            """
            arch_prctl capget clone clone3 execveat fork getrusage kill pidfd_open pidfd_send_signal prctl
            rt_sigqueueinfo rt_tgsigqueueinfo setns tgkill times tkill unshare vfork wait4 waitid
            """
        ),
        SystemCallGroup(
            "@signal", "handling signals",
            """
            rt_sigaction rt_sigpending rt_sigprocmask rt_sigsuspend rt_sigtimedwait sigaltstack signalfd signalfd4
            """
        ),
        SystemCallGroup(
            "@timer", "doing something at a time",
            """
            alarm getitimer setitimer timer_create timer_delete timer_getoverrun timer_gettime timer_settime
            timerfd_create timerfd_gettime timerfd_settime times
            """
        ),
        SystemCallGroup(
            "@resources", "limits, priorities and where memory lies",
            """
            ioprio_set mbind migrate_pages move_pages sched_setaffinity sched_setattr sched_setparam sched_setscheduler
            set_mempolicy set_mempolicy_home_node setpriority setrlimit
            """
        ),
        SystemCallGroup(
            "@setuid", "changing users and groups",
            "setgid setgroups setregid setresgid setresuid setreuid setuid"
        ),
        SystemCallGroup(
            "@sandbox", "confining oneself further",
            "landlock_add_rule landlock_create_ruleset landlock_restrict_self seccomp"
        ),
        SystemCallGroup(
            "@inspection", "asking the scheduler and the kernel; Remit's own",
            """
            get_mempolicy getcpu getpriority ioprio_get sched_get_priority_max sched_get_priority_min sched_getattr
            sched_getparam sched_getscheduler sched_rr_get_interval sysinfo uname
            """
        ),
    ]
}
