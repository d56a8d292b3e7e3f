// SPDX-License-Identifier: Apache-2.0
// Names of argument values, as the kernel's headers spell them: for the built-in rules, and for questions about them.

/// Constants of the kernel's interface by name; the same on x86_64 and aarch64.
package enum SystemCallConstants {
    /// The value of an argument as people write it: a number in decimal, `0x` or `0o`, a name, or names and numbers
    /// joined by `|`; a minus sign gives the 64-bit complement.
    package static func value(_ text: String) -> UInt64? {
        let parts = text.split(separator: "|", omittingEmptySubsequences: false)
        guard !parts.isEmpty else { return nil }
        var result: UInt64 = 0
        for part in parts {
            guard let value = byName[String(part)].map(UInt64.init) ?? number(part) else { return nil }
            result |= value
        }
        return result
    }

    private static func number(_ text: Substring) -> UInt64? {
        // Not the sign that the standard library would take as well.
        guard let first = text.first, first.isNumber || first == "-" else { return nil }
        if text.hasPrefix("0x") { return text.dropFirst(2).first == "+" ? nil : UInt64(text.dropFirst(2), radix: 16) }
        if text.hasPrefix("0o") { return text.dropFirst(2).first == "+" ? nil : UInt64(text.dropFirst(2), radix: 8) }
        if first == "-" { return Int64(text).map { UInt64(bitPattern: $0) } }
        return UInt64(text)
    }

    /// Every name that can be asked for.
    package static let byName: [String: UInt32] = Dictionary(
        (ioctl + prctl + families + sockets + clone + personality + files).map { ($0.0, $0.1) },
        uniquingKeysWith: { first, _ in first }
    )

    /// Requests of ioctl(2).
    static let ioctl: [(String, UInt32)] = [
        ("FIGETBSZ", 0x2), ("TCGETS", 0x5401), ("TCSETS", 0x5402), ("TCSETSW", 0x5403), ("TCSETSF", 0x5404),
        ("TCGETA", 0x5405), ("TCSETA", 0x5406), ("TCSETAW", 0x5407), ("TCSETAF", 0x5408), ("TCSBRK", 0x5409),
        ("TCXONC", 0x540a), ("TCFLSH", 0x540b), ("TIOCEXCL", 0x540c), ("TIOCNXCL", 0x540d), ("TIOCSCTTY", 0x540e),
        ("TIOCGPGRP", 0x540f), ("TIOCSPGRP", 0x5410), ("TIOCOUTQ", 0x5411), ("TIOCSTI", 0x5412),
        ("TIOCGWINSZ", 0x5413), ("TIOCSWINSZ", 0x5414), ("TIOCMGET", 0x5415), ("FIONREAD", 0x541b),
        ("TIOCLINUX", 0x541c), ("TIOCCONS", 0x541d), ("TIOCPKT", 0x5420), ("FIONBIO", 0x5421), ("TIOCNOTTY", 0x5422),
        ("TIOCSETD", 0x5423), ("TIOCGETD", 0x5424), ("TCSBRKP", 0x5425), ("TIOCGSID", 0x5429),
        ("TCGETS2", 0x802c_542a), ("TCSETS2", 0x402c_542b), ("TCSETSW2", 0x402c_542c), ("TCSETSF2", 0x402c_542d),
        ("TIOCGPTN", 0x8004_5430), ("TIOCSPTLCK", 0x4004_5431), ("TIOCGDEV", 0x8004_5432), ("TIOCSIG", 0x4004_5436),
        ("TIOCVHANGUP", 0x5437), ("TIOCGPKT", 0x8004_5438), ("TIOCGPTLCK", 0x8004_5439), ("TIOCGEXCL", 0x8004_5440),
        ("TIOCGPTPEER", 0x5441), ("FIONCLEX", 0x5450), ("FIOCLEX", 0x5451), ("FIOASYNC", 0x5452), ("FIOQSIZE", 0x5460),
        ("FICLONE", 0x4004_9409), ("FICLONERANGE", 0x4020_940d), ("FIDEDUPERANGE", 0xc018_9436),
        ("FS_IOC_GETFLAGS", 0x8008_6601), ("FS_IOC_SETFLAGS", 0x4008_6602), ("FS_IOC32_SETFLAGS", 0x4004_6602),
        ("FS_IOC_GETVERSION", 0x8008_7601), ("FS_IOC_SETVERSION", 0x4008_7602), ("FS_IOC_FIEMAP", 0xc020_660b),
        ("FS_IOC_FSGETXATTR", 0x801c_581f), ("FS_IOC_FSSETXATTR", 0x401c_5820), ("FIFREEZE", 0xc004_5877),
        ("SIOCATMARK", 0x8905), ("SIOCGIFNAME", 0x8910), ("SIOCGIFCONF", 0x8912), ("SIOCGIFFLAGS", 0x8913),
        ("SIOCSIFFLAGS", 0x8914), ("SIOCGIFADDR", 0x8915), ("SIOCGIFDSTADDR", 0x8917), ("SIOCGIFBRDADDR", 0x8919),
        ("SIOCGIFNETMASK", 0x891b), ("SIOCGIFMETRIC", 0x891d), ("SIOCGIFMTU", 0x8921), ("SIOCGIFHWADDR", 0x8927),
        ("SIOCGIFINDEX", 0x8933), ("SIOCGIFTXQLEN", 0x8942), ("RNDGETENTCNT", 0x8004_5200),
        ("SECCOMP_IOCTL_NOTIF_RECV", 0xc050_2100), ("SECCOMP_IOCTL_NOTIF_SEND", 0xc018_2101),
        ("SECCOMP_IOCTL_NOTIF_ID_VALID", 0x4008_2102), ("SECCOMP_IOCTL_NOTIF_ADDFD", 0x4018_2103),
        ("SECCOMP_IOCTL_NOTIF_SET_FLAGS", 0x4008_2104), ("TUNSETIFF", 0x4004_54ca), ("KVM_CREATE_VM", 0xae01),
        ("LOOP_SET_FD", 0x4c00), ("FUSE_DEV_IOC_CLONE", 0x8004_e500), ("NS_GET_USERNS", 0xb701),
        ("NS_GET_PARENT", 0xb702),
    ]

    /// Options of prctl(2).
    static let prctl: [(String, UInt32)] = [
        ("PR_SET_PDEATHSIG", 1), ("PR_GET_PDEATHSIG", 2), ("PR_GET_DUMPABLE", 3), ("PR_SET_DUMPABLE", 4),
        ("PR_GET_KEEPCAPS", 7), ("PR_SET_KEEPCAPS", 8), ("PR_GET_TIMING", 13), ("PR_SET_TIMING", 14),
        ("PR_SET_NAME", 15), ("PR_GET_NAME", 16), ("PR_GET_ENDIAN", 19), ("PR_GET_SECCOMP", 21),
        ("PR_SET_SECCOMP", 22), ("PR_CAPBSET_READ", 23), ("PR_CAPBSET_DROP", 24), ("PR_GET_TSC", 25),
        ("PR_SET_TSC", 26), ("PR_GET_SECUREBITS", 27), ("PR_SET_SECUREBITS", 28), ("PR_SET_TIMERSLACK", 29),
        ("PR_GET_TIMERSLACK", 30), ("PR_MCE_KILL", 33), ("PR_MCE_KILL_GET", 34), ("PR_SET_MM", 35),
        ("PR_SET_CHILD_SUBREAPER", 36), ("PR_GET_CHILD_SUBREAPER", 37), ("PR_SET_NO_NEW_PRIVS", 38),
        ("PR_GET_NO_NEW_PRIVS", 39), ("PR_GET_TID_ADDRESS", 40), ("PR_SET_THP_DISABLE", 41),
        ("PR_GET_THP_DISABLE", 42), ("PR_GET_FP_MODE", 46), ("PR_CAP_AMBIENT", 47), ("PR_SVE_SET_VL", 50),
        ("PR_SVE_GET_VL", 51), ("PR_GET_SPECULATION_CTRL", 52), ("PR_SET_SPECULATION_CTRL", 53),
        ("PR_PAC_RESET_KEYS", 54), ("PR_SET_TAGGED_ADDR_CTRL", 55), ("PR_GET_TAGGED_ADDR_CTRL", 56),
        ("PR_SET_IO_FLUSHER", 57), ("PR_GET_IO_FLUSHER", 58), ("PR_SET_SYSCALL_USER_DISPATCH", 59),
        ("PR_PAC_SET_ENABLED_KEYS", 60), ("PR_PAC_GET_ENABLED_KEYS", 61), ("PR_SCHED_CORE", 62), ("PR_SET_MDWE", 65),
        ("PR_GET_MDWE", 66), ("PR_GET_AUXV", 0x4155_5856), ("PR_SET_VMA", 0x5356_4d41),
        ("PR_SET_PTRACER", 0x5961_6d61),
    ]

    /// Address families of socket(2).
    static let families: [(String, UInt32)] = [
        ("AF_UNSPEC", 0), ("AF_UNIX", 1), ("AF_INET", 2), ("AF_INET6", 10), ("AF_KEY", 15), ("AF_NETLINK", 16),
        ("AF_PACKET", 17), ("AF_RDS", 21), ("AF_CAN", 29), ("AF_TIPC", 30), ("AF_BLUETOOTH", 31), ("AF_ALG", 38),
        ("AF_NFC", 39), ("AF_VSOCK", 40), ("AF_KCM", 41), ("AF_QIPCRTR", 42), ("AF_SMC", 43), ("AF_XDP", 44),
    ]

    /// Types, flags and protocols of socket(2).
    static let sockets: [(String, UInt32)] = [
        ("SOCK_STREAM", 1), ("SOCK_DGRAM", 2), ("SOCK_RAW", 3), ("SOCK_SEQPACKET", 5), ("SOCK_DCCP", 6),
        ("SOCK_NONBLOCK", 0x800), ("SOCK_CLOEXEC", 0x80000), ("IPPROTO_IP", 0), ("IPPROTO_ICMP", 1),
        ("IPPROTO_TCP", 6), ("IPPROTO_UDP", 17), ("IPPROTO_ICMPV6", 58), ("IPPROTO_SCTP", 132),
        ("IPPROTO_UDPLITE", 136), ("IPPROTO_RAW", 255), ("IPPROTO_MPTCP", 262), ("NETLINK_ROUTE", 0),
    ]

    /// Flags of clone(2).
    static let clone: [(String, UInt32)] = [
        ("CLONE_NEWTIME", 0x80), ("CLONE_VM", 0x100), ("CLONE_FS", 0x200), ("CLONE_FILES", 0x400),
        ("CLONE_SIGHAND", 0x800), ("CLONE_PIDFD", 0x1000), ("CLONE_VFORK", 0x4000), ("CLONE_PARENT", 0x8000),
        ("CLONE_THREAD", 0x10000), ("CLONE_NEWNS", 0x20000), ("CLONE_SYSVSEM", 0x40000), ("CLONE_SETTLS", 0x80000),
        ("CLONE_UNTRACED", 0x80_0000), ("CLONE_NEWCGROUP", 0x200_0000), ("CLONE_NEWUTS", 0x400_0000),
        ("CLONE_NEWIPC", 0x800_0000), ("CLONE_NEWUSER", 0x1000_0000), ("CLONE_NEWPID", 0x2000_0000),
        ("CLONE_NEWNET", 0x4000_0000),
    ]

    /// Personas of personality(2).
    static let personality: [(String, UInt32)] = [
        ("PER_LINUX", 0), ("PER_LINUX32", 8), ("UNAME26", 0x20000), ("ADDR_NO_RANDOMIZE", 0x4_0000),
        ("READ_IMPLIES_EXEC", 0x40_0000),
    ]

    /// Flags and modes of files.
    static let files: [(String, UInt32)] = [
        ("O_CREAT", 0o100), ("O_TMPFILE", 0o20000000), ("S_ISUID", 0o4000), ("S_ISGID", 0o2000),
        ("S_IFIFO", 0o010000), ("S_IFCHR", 0o020000), ("S_IFDIR", 0o040000), ("S_IFBLK", 0o060000),
        ("S_IFREG", 0o100000), ("S_IFLNK", 0o120000), ("S_IFSOCK", 0o140000), ("RENAME_WHITEOUT", 4),
    ]
}
