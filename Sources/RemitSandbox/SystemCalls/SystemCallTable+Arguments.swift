// SPDX-License-Identifier: Apache-2.0
// Calls of which only the arguments can say whether they are allowed. Arguments of 32 bits are tested by their lower
// half alone: the kernel cuts the upper one off, and a filter that looked at it could be walked around.

package import RemitKernel

extension SystemCallTable {
    /// A rule about arguments, and the reason for it.
    package struct ArgumentRule: Hashable, Sendable {
        package let rule: SystemCallRule
        package let why: String
        /// A refusal that is reported and counted where that is possible.
        let isCounted: Bool

        var policyLine: SystemCallPolicy.Line { .init(rule: rule, source: .arguments(why)) }
    }

    /// The built-in rules about arguments. For any arguments, those that hold have the same action.
    package static let argumentRules: [ArgumentRule] =
        sockets + clones + controls + processControls + personalities + modes + nodes + renames

    /// What happens to these calls when no rule of theirs holds: what the kernel says to what it does not know, which
    /// programs are made for. Other calls get `ENOSYS`.
    static let argumentFallbacks: [ArgumentRule] = [
        rule("ioctl", .refuse(.notTerminal), "no device here knows a request that is on no list"),
        rule("prctl", .refuse(.invalidArgument), "an option that is on no list is none"),
        rule("socket", .refuse(.addressFamily), "sockets are local, TCP, UDP or routing questions"),
        rule("socketpair", .refuse(.addressFamily), "pairs of sockets are local"),
        rule("personality", .refuse(.notPermitted), "only the personas that programs ask for"),
    ]

    private typealias Condition = SystemCallRule.Condition

    private static func rule(
        _ name: String, _ action: SystemCallAction, _ why: String, when conditions: [Condition] = [],
        isCounted: Bool = false
    ) -> ArgumentRule {
        ArgumentRule(rule: SystemCallRule(name, action, when: conditions), why: why, isCounted: isCounted)
    }

    /// One rule for each of these constants.
    private static func rules(
        _ name: String, _ argument: UInt32, _ action: SystemCallAction, _ why: String, _ constants: String
    ) -> [ArgumentRule] {
        SystemCallGroup.words(constants).compactMap { constant in
            SystemCallConstants.byName[constant].map { value in
                rule(name, action, "\(constant): \(why)", when: [Condition(argument: argument, value: value)])
            }
        }
    }

    /// Local sockets of any kind; internet sockets only as plain TCP and UDP, for MPTCP, SCTP and raw sockets pass by
    /// other layers; netlink only for routes. Every other family does not exist.
    private static let sockets: [ArgumentRule] = {
        let kind: UInt32 = 0xffff_ffff & ~0x80800  // without SOCK_CLOEXEC and SOCK_NONBLOCK
        var rules = [
            rule("socket", .allow, "local sockets", when: [Condition(argument: 0, value: 1)]),
            rule("socketpair", .allow, "pairs of local sockets", when: [Condition(argument: 0, value: 1)]),
            rule(
                "socket", .allow, "questions about routes and interfaces",
                when: [Condition(argument: 0, value: 16), Condition(argument: 2, value: 0)]),
        ]
        func internet(
            _ family: UInt32, _ type: UInt32, _ transport: UInt32?, _ action: SystemCallAction, _ why: String
        ) {
            var conditions = [Condition(argument: 0, value: family), Condition(argument: 1, mask: kind, value: type)]
            if let transport { conditions.append(Condition(argument: 2, value: transport)) }
            rules.append(rule("socket", action, why, when: conditions))
        }
        for family: UInt32 in [2, 10] {
            for transport: UInt32 in [0, 6] { internet(family, 1, transport, .allow, "TCP") }
            for transport: UInt32 in [0, 17] { internet(family, 2, transport, .allow, "UDP") }
            // Each with the error of a kernel without it, for programs to fall back.
            internet(family, 1, 262, .refuse(.protocolNotSupported), "MPTCP passes by rules about TCP")
            internet(family, 1, 132, .refuse(.protocolNotSupported), "SCTP passes by rules about TCP")
            internet(family, 2, 136, .refuse(.protocolNotSupported), "UDP-Lite is not needed")
            internet(family, 2, family == 2 ? 1 : 58, .refuse(.denied), "ping sockets")
            internet(family, 3, nil, .refuse(.notPermitted), "raw sockets")
            internet(family, 5, nil, .refuse(.socketType), "SCTP passes by rules about TCP")
            internet(family, 6, nil, .refuse(.socketType), "DCCP is not needed")
        }
        for transport: UInt32 in 1...22 {
            rules.append(
                rule(
                    "socket", .refuse(.protocolNotSupported), "netlink is for routes only",
                    when: [Condition(argument: 0, value: 16), Condition(argument: 2, value: transport)]))
        }
        for name in ["socket", "socketpair"] {
            let open: [UInt32] = name == "socket" ? [1, 2, 10, 16] : [1]
            for family: UInt32 in 0..<64 where !open.contains(family) {
                rules.append(
                    rule(
                        name, .refuse(.addressFamily), "no socket of family \(family)",
                        when: [Condition(argument: 0, value: family)]))
            }
        }
        return rules
    }()

    /// Threads and processes, but no namespace.
    private static let clones: [ArgumentRule] = {
        let namespaces = SystemCallConstants.clone.filter { $0.0.hasPrefix("CLONE_NEW") }
        let all = namespaces.reduce(0) { $0 | $1.1 }
        return [
            rule("clone", .allow, "threads and processes", when: [Condition(argument: 0, mask: all, value: 0)])
        ]
            + namespaces.map { name, flag in
                rule(
                    "clone", .refuse(.notPermitted), "\(name): no namespace can be made",
                    when: [Condition(argument: 0, mask: flag, value: flag)], isCounted: true)
            }
    }()

    /// Terminal, descriptor, file and interface questions. Not what types into other terminals, changes a file's flags,
    /// answers for a supervisor, or makes devices.
    private static let controls: [ArgumentRule] =
        rules(
            "ioctl", 1, .allow, "a terminal's own settings",
            """
            TCGETS TCSETS TCSETSW TCSETSF TCGETA TCSETA TCSETAW TCSETAF TCSBRK TCXONC TCFLSH TIOCEXCL TIOCNXCL TIOCSCTTY
            TIOCGPGRP TIOCSPGRP TIOCOUTQ TIOCGWINSZ TIOCSWINSZ TIOCPKT TIOCNOTTY TIOCGETD TCSBRKP TIOCGSID TCGETS2
            TCSETS2 TCSETSW2 TCSETSF2 TIOCGPTN TIOCSPTLCK TIOCGDEV TIOCSIG TIOCGPKT TIOCGPTLCK TIOCGEXCL TIOCGPTPEER
            """
        )
        + rules(
            "ioctl", 1, .allow, "about a descriptor",
            "FIGETBSZ FIONREAD FIONBIO FIONCLEX FIOCLEX FIOASYNC FIOQSIZE RNDGETENTCNT"
        )
        + rules(
            "ioctl", 1, .allow, "about a file",
            """
            FICLONE FICLONERANGE FIDEDUPERANGE FS_IOC_GETFLAGS FS_IOC_GETVERSION FS_IOC_FIEMAP FS_IOC_FSGETXATTR
            """
        )
        + rules(
            "ioctl", 1, .allow, "about a network interface",
            """
            SIOCATMARK SIOCGIFNAME SIOCGIFCONF SIOCGIFFLAGS SIOCGIFADDR SIOCGIFDSTADDR SIOCGIFBRDADDR SIOCGIFNETMASK
            SIOCGIFMETRIC SIOCGIFMTU SIOCGIFHWADDR SIOCGIFINDEX SIOCGIFTXQLEN
            """
        )
        + rules(
            "ioctl", 1, .refuse(.notPermitted), "types into a terminal, or takes one over",
            "TIOCSTI TIOCLINUX TIOCCONS TIOCSETD TIOCVHANGUP"
        )
        + rules(
            "ioctl", 1, .refuse(.notPermitted), "outlives the session in a file or its file system",
            "FS_IOC_SETFLAGS FS_IOC32_SETFLAGS FS_IOC_SETVERSION FS_IOC_FSSETXATTR FIFREEZE"
        )
        + rules(
            "ioctl", 1, .refuse(.notPermitted), "is for supervisors, or makes devices",
            """
            SECCOMP_IOCTL_NOTIF_RECV SECCOMP_IOCTL_NOTIF_SEND SECCOMP_IOCTL_NOTIF_ID_VALID SECCOMP_IOCTL_NOTIF_ADDFD
            SECCOMP_IOCTL_NOTIF_SET_FLAGS TUNSETIFF KVM_CREATE_VM LOOP_SET_FD FUSE_DEV_IOC_CLONE
            """
        )

    private static let processControls: [ArgumentRule] =
        rules(
            "prctl", 0, .allow, "a process's own",
            """
            PR_SET_PDEATHSIG PR_GET_PDEATHSIG PR_GET_DUMPABLE PR_SET_DUMPABLE PR_GET_KEEPCAPS PR_GET_TIMING
            PR_SET_TIMING PR_SET_NAME PR_GET_NAME PR_GET_ENDIAN PR_GET_SECCOMP PR_CAPBSET_READ PR_GET_TSC
            PR_GET_SECUREBITS PR_SET_TIMERSLACK PR_GET_TIMERSLACK PR_MCE_KILL_GET PR_SET_CHILD_SUBREAPER
            PR_GET_CHILD_SUBREAPER PR_SET_NO_NEW_PRIVS PR_GET_NO_NEW_PRIVS PR_GET_TID_ADDRESS PR_SET_THP_DISABLE
            PR_GET_THP_DISABLE PR_GET_FP_MODE PR_SVE_SET_VL PR_SVE_GET_VL PR_GET_SPECULATION_CTRL
            PR_SET_SPECULATION_CTRL PR_PAC_RESET_KEYS PR_SET_TAGGED_ADDR_CTRL PR_GET_TAGGED_ADDR_CTRL
            PR_GET_IO_FLUSHER PR_PAC_SET_ENABLED_KEYS PR_PAC_GET_ENABLED_KEYS PR_SET_MDWE PR_GET_MDWE PR_GET_AUXV
            PR_SET_VMA
            """
        )
        + rules(
            "prctl", 0, .refuse(.notPermitted), "gives power, or hides",
            """
            PR_SET_KEEPCAPS PR_SET_SECCOMP PR_CAPBSET_DROP PR_SET_TSC PR_SET_SECUREBITS PR_SET_MM PR_SET_PTRACER
            """
        )
        // libcap asks at every start which there are. The second argument is 64 bits wide in the kernel as well, which
        // knows none of these with a bit in the upper half.
        + [(1, "IS_SET"), (3, "LOWER"), (4, "CLEAR_ALL")].map { (operation: UInt32, name) in
            rule(
                "prctl", .allow, "PR_CAP_AMBIENT_\(name): asks, or gives up",
                when: [Condition(argument: 0, value: 47), Condition(argument: 1, value: operation)])
        }
        + [
            rule(
                "prctl", .refuse(.notPermitted), "PR_CAP_AMBIENT_RAISE: gives power",
                when: [Condition(argument: 0, value: 47), Condition(argument: 1, value: 2)])
        ]

    /// The personas programs ask for; not the ones that switch randomisation off.
    private static let personalities: [ArgumentRule] =
        [0, 8, 0x20000, 0x20008, 0xffff_ffff].map { (persona: UInt32) in
            rule(
                "personality", .allow, "a persona that changes names only",
                when: [Condition(argument: 0, value: persona)])
        }
        + rules(
            "personality", 0, .refuse(.notPermitted), "takes protection of memory away",
            "ADDR_NO_RANDOMIZE READ_IMPLIES_EXEC"
        )
}
