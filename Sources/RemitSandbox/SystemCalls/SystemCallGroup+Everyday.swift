// SPDX-License-Identifier: Apache-2.0
// Groups about files, events, memory and the network.

extension SystemCallGroup {
    static let everyday: [SystemCallGroup] = [
        SystemCallGroup(
            "@default", "what every program needs to run and to end",
            """
            clock_getres clock_gettime clock_nanosleep execve exit exit_group futex futex_requeue futex_wait futex_waitv
            futex_wake get_robust_list get_thread_area getegid geteuid getgid getgroups getpgid getpgrp getpid getppid
            getrandom getresgid getresuid getrlimit getsid gettid gettimeofday getuid membarrier nanosleep pause
            prlimit64 restart_syscall rseq rt_sigreturn sched_getaffinity sched_yield set_robust_list set_thread_area
            set_tid_address time uprobe uretprobe
            """
        ),
        SystemCallGroup(
            "@basic-io", "reading and writing what is open",
            """
            close close_range dup dup2 dup3 lseek pread64 preadv preadv2 pwrite64 pwritev pwritev2 read readv write
            writev
            """
        ),
        SystemCallGroup(
            "@file-system", "files and directories by name",
            """
            access chdir chmod close creat faccessat faccessat2 fallocate fchdir fchmod fchmodat fchmodat2 fcntl
            fgetxattr file_getattr file_setattr flistxattr fremovexattr fsetxattr fstat fstatfs ftruncate futimesat
            getcwd getdents getdents64 getxattr getxattrat inotify_add_watch inotify_init inotify_init1 inotify_rm_watch
            lgetxattr link linkat listxattr listxattrat llistxattr lremovexattr lsetxattr lstat mkdir mkdirat mknod
            mknodat newfstatat open openat openat2 readlink readlinkat removexattr removexattrat rename renameat
            renameat2 rmdir setxattr setxattrat stat statfs statx symlink symlinkat truncate unlink unlinkat utime
            utimensat utimes
            """
        ),
        SystemCallGroup("@chown", "owners of files", "chown fchown fchownat lchown"),
        SystemCallGroup(
            "@copy", "moving bytes without reading them; Remit's own",
            "copy_file_range fadvise64 flock readahead sendfile splice tee vmsplice"
        ),
        SystemCallGroup("@sync", "writing to storage", "fdatasync fsync msync sync sync_file_range syncfs"),
        SystemCallGroup(
            "@aio", "asynchronous input and output",
            """
            io_cancel io_destroy io_getevents io_pgetevents io_setup io_submit io_uring_enter io_uring_register
            io_uring_setup
            """
        ),
        SystemCallGroup(
            "@io-event", "waiting for events",
            """
            epoll_create epoll_create1 epoll_ctl epoll_pwait epoll_pwait2 epoll_wait eventfd eventfd2 poll ppoll
            pselect6 select
            """
        ),
        SystemCallGroup(
            "@network-io", "sockets, local ones included",
            """
            accept accept4 bind connect getpeername getsockname getsockopt listen recvfrom recvmmsg recvmsg sendmmsg
            sendmsg sendto setsockopt shutdown socket socketpair
            """
        ),
        SystemCallGroup(
            "@ipc", "pipes, System V and POSIX message queues, semaphores and shared memory",
            """
            memfd_create mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedsend mq_unlink msgctl msgget msgrcv
            msgsnd pipe pipe2 process_vm_readv process_vm_writev semctl semget semop semtimedop shmat shmctl shmdt
            shmget
            """
        ),
        SystemCallGroup(
            "@memory", "a process's own memory; Remit's own",
            """
            brk madvise map_shadow_stack mincore mmap mprotect mremap mseal munmap remap_file_pages
            """
        ),
        SystemCallGroup("@memlock", "keeping memory from being swapped", "mlock mlock2 mlockall munlock munlockall"),
        SystemCallGroup("@pkey", "memory protection keys", "pkey_alloc pkey_free pkey_mprotect"),
    ]
}
