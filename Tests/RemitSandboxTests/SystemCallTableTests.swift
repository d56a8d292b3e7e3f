// SPDX-License-Identifier: Apache-2.0
// The system-call policy, decided by running the compiled filter: not what the table says, but what the kernel would do.

import Foundation
import RemitKernel
import RemitTask
import Testing

@testable import RemitSandbox

@Suite(.enabled(if: FilterProgram.nativeArchitecture == 0xc000_003e, "the numbers are those of x86_64"))
struct SystemCallTableTests {
    private static func filter(
        _ changes: ProfileSystemCalls = ProfileSystemCalls(), notify: Bool = true
    ) throws -> Filter {
        try Filter(try SystemCallTable.filter(for: changes, notify: notify))
    }

    let filter: Filter

    init() throws { filter = try Self.filter() }

    // MARK: what a profile may change

    @Test(arguments: SystemCallTable.forbidden.sorted())
    func `the floor cannot be opened by a profile`(_ name: String) {
        guard SystemCallFilter.number(of: name) != nil else { return }
        #expect(throws: SandboxError.self) { try Self.filter(ProfileSystemCalls(allow: [name])) }
    }

    @Test(arguments: [
        "socket", "socketpair", "clone", "clone3", "ioctl", "prctl", "personality", "open", "openat", "openat2",
        "chmod",
        "mknod", "io_uring_setup", "io_uring_enter", "io_uring_register",
    ])
    func `a call whose arguments decide cannot be allowed as a whole`(_ name: String) {
        #expect(throws: SandboxError.self) { try Self.filter(ProfileSystemCalls(allow: [name])) }
    }

    @Test func `an unknown name is refused, whether it is to be allowed or denied`() {
        for changes in [ProfileSystemCalls(allow: ["opne"]), ProfileSystemCalls(deny: ["opne"])] {
            #expect { try Self.filter(changes) } throws: {
                "\($0)" == "unknown system call `opne` in the profile: did you mean `open`?"
            }
        }
        #expect { try Self.filter(ProfileSystemCalls(deny: ["socketcall"])) } throws: {
            "\($0)" == "unknown system call `socketcall` in the profile: another architecture has it"
        }
    }

    @Test func `a profile can deny what the base allows, a conditional call included`() throws {
        let filter = try Self.filter(ProfileSystemCalls(deny: ["execve", "socket", "clone"]), notify: false)
        #expect(try filter.verdict("execve") == .error(1))
        #expect(try filter.verdict("socket", 1, 1, 0) == .error(1))
        #expect(try filter.verdict("clone", 0x11) == .error(1))
    }

    @Test func `a profile can allow what the base leaves out`() throws {
        #expect(try filter.verdict("sysfs") == .error(38))
        #expect(try Self.filter(ProfileSystemCalls(allow: ["sysfs"])).verdict("sysfs") == .allow)
    }

    // MARK: every number

    @Test func `every number is decided as the golden table says`() throws {
        let quiet = try Self.filter(notify: false)
        var lines = [
            "# number name: with a supervisor that counts / without; arguments all zero. REMIT_UPDATE_GOLDEN=1 rewrites this."
        ]
        for number: UInt32 in 0...600 {
            let name = SystemCallFilter.name(of: Int32(number))
            lines.append(
                "\(number) \(name): \(filter.verdict(number: number)) / \(quiet.verdict(number: number))")
        }
        try Golden.compare(lines.joined(separator: "\n") + "\n", with: "system-calls.golden.txt")
    }

    /// Arguments whose upper halves are set as well: the kernel cuts them off.
    private static let uppers: [UInt64] = [0, 1 << 32, 0x123 << 32, 0xffff_ffff << 32]

    /// Calls with the position of the argument that decides, and the values worth a line in the golden table.
    private static let questions: [(call: String, position: Int, values: [UInt64])] = {
        func words(_ named: [(String, UInt32)]) -> [UInt64] {
            Set(named.map { UInt64($0.1) } + (0..<80).map { $0 } + [0xffff_ffff, 0x8000_0000, 0x9999, 0xdead_beef])
                .sorted()
        }
        let bits: [UInt64] = (0..<32).map { 1 << $0 }
        let modes: [UInt64] = [0, 0o644, 0o1777, 0o4755, 0o2755, 0o6755, 0o100644, 0o104755, 0o020666, 0o060660]
        return [
            ("ioctl", 1, words(SystemCallConstants.ioctl)), ("prctl", 0, words(SystemCallConstants.prctl)),
            ("personality", 0, words(SystemCallConstants.personality) + bits + [0x20008, 0x44_0000]),
            ("clone", 0, bits + [0, 0x3d0f00, 0x0120_0011, 0x7c02_0011, 0x0000_0111]), ("socketpair", 0, Array(0..<70)),
            ("chmod", 1, modes), ("fchmod", 1, modes), ("fchmodat", 2, modes), ("fchmodat2", 2, modes),
            ("creat", 1, modes), ("mknod", 1, modes), ("mknodat", 2, modes), ("renameat2", 4, Array(0..<16)),
        ]
    }()

    @Test func `every argument that decides is decided as the golden table says, whatever its upper half`() throws {
        var lines = ["# call argument=value: what the filter says. REMIT_UPDATE_GOLDEN=1 rewrites this."]
        for (call, position, values) in Self.questions {
            let named = [
                "ioctl": SystemCallConstants.ioctl, "prctl": SystemCallConstants.prctl,
                "clone": SystemCallConstants.clone, "personality": SystemCallConstants.personality,
            ]
            let names = Dictionary(grouping: named[call] ?? [], by: { UInt64($0.1) })
            for value in values {
                let front = Array(repeating: UInt64(0), count: position)
                let verdicts = try Set(Self.uppers.map { try filter.verdict(call, front + [$0 | value]) })
                #expect(verdicts.count == 1, "\(call) \(value): \(verdicts)")
                let verdict = verdicts.map(\.description).sorted().joined(separator: " or ")
                let name = (names[value] ?? []).map { " \($0.0)" }.joined()
                lines.append("\(call) \(position)=0x\(String(value, radix: 16))\(name): \(verdict)")
            }
        }
        for family: UInt64 in 0..<70 {
            var answers: [String: [String]] = [:]
            for type: UInt64 in [1, 2, 3, 4, 5, 6, 10] {
                for transport: UInt64 in [0, 1, 6, 12, 17, 58, 132, 136, 255, 262] {
                    let verdicts = try Set(
                        Self.uppers.flatMap { upper in
                            try [0, 0x800, 0x80000, 0x80800].map {
                                try filter.verdict("socket", [upper | family, upper | type | $0, upper | transport])
                            }
                        })
                    #expect(verdicts.count == 1, "socket \(family) \(type) \(transport): \(verdicts)")
                    answers[verdicts.map(\.description).joined(), default: []].append("\(type)/\(transport)")
                }
            }
            for (verdict, pairs) in answers.sorted(by: { $0.key < $1.key }) {
                lines.append(
                    "socket family \(family): \(verdict)\(answers.count == 1 ? "" : ": " + pairs.joined(separator: " "))"
                )
            }
        }
        try Golden.compare(lines.joined(separator: "\n") + "\n", with: "arguments.golden.txt")
    }

    @Test func `what programs do all the time is allowed without a look at the arguments`() throws {
        for name in [
            "read", "write", "readv", "writev", "pread64", "pwrite64", "close", "fstat", "newfstatat", "lseek", "mmap",
            "mprotect", "munmap", "brk", "futex", "epoll_wait", "epoll_pwait", "poll", "ppoll", "select", "sendto",
            "sendmsg", "sendmmsg", "recvfrom", "recvmsg", "connect", "accept4", "clock_gettime", "getpid", "fcntl",
            "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "madvise", "sched_yield", "execve", "wait4", "exit_group",
        ] {
            let number = try #require(SystemCallFilter.number(of: name))
            #expect(filter.program.isAlwaysAllowed(UInt32(number)), "\(name)")
        }
        for name in SystemCallTable.plain {
            let number = try #require(SystemCallFilter.number(of: name))
            #expect(filter.program.isAlwaysAllowed(UInt32(number)), "\(name)")
        }
    }

    @Test func `a condition compares nothing but the lower half, by a mask`() throws {
        // The initialiser takes 32 bits, so this is all that can be written; what comes of it is asked of the program.
        for mask: UInt32 in [0, 1, 0xff, 0x8000_0000, 0xffff_ffff] {
            let value = 0xa5a5_a5a5 & mask
            let rule = SystemCallRule("ioctl", .allow, when: [.init(argument: 1, mask: mask, value: value)])
            let filter = try Filter(SystemCallFilter(rules: [rule], fallback: .refuse(.notPermitted)))
            for upper in Self.uppers {
                #expect(try filter.verdict("ioctl", 0, upper | UInt64(value)) == .allow)
                if mask != 0 { #expect(try filter.verdict("ioctl", 0, upper | UInt64(~value)) == .error(1)) }
            }
        }
        for rule in SystemCallTable.argumentRules.map(\.rule) {
            for condition in rule.conditions {
                #expect(condition.mask <= 0xffff_ffff && condition.value & ~condition.mask == 0, "\(rule)")
                #expect(condition.argument < 6, "\(rule)")
            }
        }
    }

    @Test func `rules about arguments that hold together have one action`() throws {
        for (name, rules) in Dictionary(grouping: SystemCallTable.argumentRules, by: \.rule.name) {
            for (index, one) in rules.enumerated() {
                for other in rules.dropFirst(index + 1) where one.rule.action != other.rule.action {
                    // They can hold together unless some argument would have to be two things.
                    let excluded = one.rule.conditions.contains { left in
                        other.rule.conditions.contains { right in
                            left.argument == right.argument
                                && left.value & right.mask != right.value & left.mask
                        }
                    }
                    #expect(excluded, "\(name): \(one.why) and \(other.why)")
                }
            }
        }
    }

    @Test func `nothing forbidden is ever allowed, whatever its first argument`() throws {
        for name in SystemCallTable.forbidden where SystemCallFilter.number(of: name) != nil {
            for argument: UInt64 in [0, 1, 0xffff_ffff, 1 << 40, .max] {
                let verdict = try filter.verdict(name, argument, argument, argument)
                #expect(verdict == .notify || verdict == .error(1), "\(name)(\(argument)): \(verdict)")
            }
        }
    }

    @Test func `what has no name yet does not exist`() throws {
        for number: UInt32 in [470, 500, 600, 1023, 100_000, 0x3fff_ffff] {
            #expect(filter.verdict(number: number) == .error(38))
        }
    }

    @Test func `another architecture and x32 end the process`() throws {
        for number: UInt32 in [0, 1, 59, 101, 11] {
            #expect(filter.verdict(number: number, architecture: 0x4000_0003) == .killProcess)  // i386
            #expect(filter.verdict(number: number, architecture: 0) == .killProcess)
            #if arch(x86_64)
            #expect(filter.verdict(number: number | 0x4000_0000) == .killProcess)
            #endif
        }
        // -1 is what a tracer makes of a call it cancels; libseccomp lets it through to the fallback.
        #expect(filter.verdict(number: 0xffff_ffff) != .allow)
    }

    // MARK: arguments

    @Test(arguments: [0x5412, 0x541c, 0x541d, 0x5423] as [UInt64])
    func `typing into a terminal is refused, high bits or not`(_ request: UInt64) throws {
        for high: UInt64 in [0, 1 << 32, 0x123 << 32, 0xffff_ffff << 32] {
            #expect(try filter.verdict("ioctl", 0, high | request) == .error(1))
        }
    }

    @Test func `an ioctl is allowed by name, and no other one`() throws {
        #expect(try filter.verdict("ioctl", 0, 0x5401) == .allow)
        #expect(try filter.verdict("ioctl", 0, 1 << 40 | 0x5401) == .allow, "the kernel truncates it to TCGETS as well")
        // SECCOMP_IOCTL_NOTIF_RECV, TUNSETIFF, KVM_CREATE_VM, FS_IOC_SETFLAGS, FS_IOC_FSSETXATTR, LOOP_SET_FD
        for request: UInt64 in [0xc050_2100, 0x4004_54ca, 0xae01, 0x4008_6602, 0x401c_5820, 0x4c00] {
            #expect(try filter.verdict("ioctl", 0, request) == .error(1))
        }
        // KDGKBTYPE, VT_GETMODE, BLKGETSIZE64, NS_GET_USERNS: not a terminal, says the filter, as a file would.
        for request: UInt64 in [0x4b33, 0x5601, 0x8008_1272, 0xb701, 0, 0xffff_ffff] {
            #expect(try filter.verdict("ioctl", 0, request) == .error(25))
        }
    }

    @Test func `only local and plain internet sockets can be made`() throws {
        for family: UInt64 in 0...64 {
            for type: UInt64 in 1...10 {
                for flags: UInt64 in [0, 0x80000, 0x800, 0x80800] {
                    for transport: UInt64 in [0, 1, 6, 17, 58, 132, 255, 262] {
                        let verdict = try filter.verdict("socket", family, type | flags, transport)
                        let isPlain =
                            (type == 1 && [0, 6].contains(transport)) || (type == 2 && [0, 17].contains(transport))
                        let expected =
                            family == 1 || (family == 16 && transport == 0) || ([2, 10].contains(family) && isPlain)
                        guard (verdict == .allow) != expected else { continue }
                        Issue.record("socket(\(family), \(type | flags), \(transport)) is \(verdict)")
                    }
                }
            }
        }
    }

    @Test(arguments: [3, 17, 21, 29, 30, 38, 40, 44, 45] as [UInt64])
    func `another family does not exist, high bits or not`(_ family: UInt64) throws {
        #expect(try filter.verdict("socket", family, 1, 0) == .error(97))
        #expect(try filter.verdict("socket", 1 << 32 | family, 1, 0) == .error(97))
        #expect(try filter.verdict("socketpair", family, 1, 0) == .error(97))
    }

    @Test(arguments: [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x1000_0000, 0x2000_0000, 0x4000_0000] as [UInt64])
    func `no clone makes a namespace, high bits or not`(_ flag: UInt64) throws {
        for other: UInt64 in [0, 0x11, 0x3d0f00, 1 << 40, 1 << 63] {
            #expect(try filter.verdict("clone", flag | other) == .notify)
        }
    }

    @Test func `threads and forks are allowed, clone3 does not exist`() throws {
        #expect(try filter.verdict("clone", 0x3d0f00) == .allow)
        #expect(try filter.verdict("clone", 0x0120_0011) == .allow)
        #expect(try filter.verdict("clone", 1 << 40 | 0x11) == .allow)
        #expect(try filter.verdict("clone3") == .error(38))
        #expect(try filter.verdict("vfork") == .allow)
    }

    @Test func `process controls that give power are refused`() throws {
        // SET_KEEPCAPS, SET_SECCOMP, CAPBSET_DROP, SET_SECUREBITS, SET_MM, CAP_AMBIENT, SET_PTRACER
        for option: UInt64 in [8, 22, 24, 28, 35, 47, 0x5961_6d61] {
            #expect(try filter.verdict("prctl", option) == .error(1))
            #expect(try filter.verdict("prctl", 1 << 33 | option) == .error(1))
        }
        for option: UInt64 in [1, 4, 15, 16, 38, 39] { #expect(try filter.verdict("prctl", option) == .allow) }
        // What a kernel without SET_SYSCALL_USER_DISPATCH says, and one that knows no such option.
        for option: UInt64 in [59, 1000, 1 << 40 | 59] { #expect(try filter.verdict("prctl", option) == .error(22)) }
    }

    @Test func `address randomisation cannot be switched off`() throws {
        for persona: UInt64 in [0x0004_0000, 0x0040_0000, 0x0044_0000, 0x0004_0008, 1 << 32 | 0x0004_0000] {
            #expect(try filter.verdict("personality", persona) != .allow)
        }
        #expect(try filter.verdict("personality", 0xffff_ffff) == .allow)
        #expect(try filter.verdict("personality", 0) == .allow)
    }

    @Test(arguments: [("chmod", 1), ("fchmod", 1), ("fchmodat", 2), ("creat", 1), ("mknod", 1), ("mknodat", 2)])
    func `no set-id bit can be set`(_ name: String, _ position: Int) throws {
        for mode: UInt64 in [0o4755, 0o2755, 0o6777, 0o4000, 1 << 40 | 0o4755] {
            let arguments: [UInt64] = Array(repeating: 0, count: position) + [mode]
            let verdict = try filter.verdict(name, arguments)
            #expect(verdict == .error(1), "\(name) \(String(mode, radix: 8)): \(verdict)")
        }
        for mode: UInt64 in [0, 0o644, 0o1777] {
            #expect(try filter.verdict(name, Array(repeating: 0, count: position) + [mode]) == .allow)
        }
    }

    @Test func `no device and no whiteout can be made`() throws {
        for (name, position) in [("mknod", 1), ("mknodat", 2)] {
            let front = Array(repeating: UInt64(0), count: position)
            for mode: UInt64 in [0o020000, 0o020666, 0o060660, 1 << 32 | 0o020000, 0o040755] {
                #expect(try filter.verdict(name, front + [mode]) == .error(1), "\(name) \(String(mode, radix: 8))")
            }
            for mode: UInt64 in [0o644, 0o100644, 0o010600, 0o140755] {
                #expect(try filter.verdict(name, front + [mode]) == .allow, "\(name) \(String(mode, radix: 8))")
            }
        }
        for flags: UInt64 in [4, 5, 1 << 40 | 4] {
            #expect(try filter.verdict("renameat2", 0, 0, 0, 0, flags) == .error(1))
        }
        for flags: UInt64 in [0, 1, 2] { #expect(try filter.verdict("renameat2", 0, 0, 0, 0, flags) == .allow) }
    }

    @Test func `opening is free, creating with a set-id bit is refused`() throws {
        let (create, temporary, truncate): (UInt64, UInt64, UInt64) = (0o100, 0o20200000, 0o1000)
        for (name, position) in [("open", 1), ("openat", 2)] {
            func verdict(_ flags: UInt64, _ mode: UInt64) throws -> FilterProgram.Verdict {
                try filter.verdict(name, Array(repeating: 0, count: position) + [flags, mode])
            }
            // Without O_CREAT the mode is whatever was in the register.
            for mode: UInt64 in [0, 0o4755, .max] {
                #expect(try verdict(0, mode) == .allow)
                #expect(try verdict(truncate | 2, mode) == .allow)
                #expect(try verdict(0o200000, mode) == .allow)  // O_DIRECTORY alone is not O_TMPFILE
            }
            for flags in [create, create | 0o200, temporary | 2, create | temporary, 1 << 40 | create] {
                #expect(try verdict(flags, 0o644) == .allow, "\(name) \(String(flags, radix: 8))")
                for mode: UInt64 in [0o4755, 0o2755, 0o6000, 1 << 33 | 0o4644] {
                    #expect(
                        try verdict(flags, mode) == .error(1),
                        "\(name) \(String(flags, radix: 8)) \(String(mode, radix: 8))")
                }
            }
        }
        #expect(try filter.verdict("openat2") == .error(38))
    }

    @Test func `without a supervisor that listens the same calls are refused by the kernel`() throws {
        let quiet = try Self.filter(notify: false)
        for number: UInt32 in 0...600 {
            let (loud, silent) = (filter.verdict(number: number), quiet.verdict(number: number))
            #expect(loud == silent || (loud == .notify && silent == .error(1)))
        }
    }

    @Test func `the filter is far below the kernel's limit`() { #expect(filter.count < 2048, "\(filter.count)") }
}
