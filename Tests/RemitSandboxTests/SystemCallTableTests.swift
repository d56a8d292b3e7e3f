// SPDX-License-Identifier: Apache-2.0
// The system-call policy, decided by running the compiled filter: not what the table says, but what the kernel would do.

import Foundation
import RemitKernel
import RemitSandbox
import RemitTask
import Testing

@Suite(.enabled(if: BPF.nativeArchitecture == 0xc000_003e, "the numbers are those of x86_64"))
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
            #expect { try Self.filter(changes) } throws: { "\($0)" == "unknown system call `opne` in the profile" }
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
                "\(number) \(name): \(try filter.verdict(number: number)) / \(try quiet.verdict(number: number))")
        }
        try Golden.compare(lines.joined(separator: "\n") + "\n", with: "system-calls.golden.txt")
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
            #expect(try filter.verdict(number: number) == .error(38))
        }
    }

    @Test func `another architecture and x32 end the process`() throws {
        for number: UInt32 in [0, 1, 59, 101, 11] {
            #expect(try filter.verdict(number: number, architecture: 0x4000_0003) == .killProcess)  // i386
            #expect(try filter.verdict(number: number, architecture: 0) == .killProcess)
            #if arch(x86_64)
            #expect(try filter.verdict(number: number | 0x4000_0000) == .killProcess)
            #endif
        }
        // -1 is what a tracer makes of a call it cancels; libseccomp lets it through to the fallback.
        #expect(try filter.verdict(number: 0xffff_ffff) != .allow)
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
        // SECCOMP_IOCTL_NOTIF_RECV, TUNSETIFF, KVM_CREATE_VM, FS_IOC_SETFLAGS, LOOP_SET_FD
        for request: UInt64 in [0xc050_2100, 0x4004_54ca, 0xae01, 0x4008_6602, 0x4c00] {
            #expect(try filter.verdict("ioctl", 0, request) != .allow)
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
        #expect(try filter.verdict("prctl", 59) != .allow)  // SET_SYSCALL_USER_DISPATCH
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
            let verdict = try verdict(name, arguments)
            #expect(verdict == .error(1), "\(name) \(String(mode, radix: 8)): \(verdict)")
        }
        for mode: UInt64 in [0, 0o644, 0o1777] {
            #expect(try verdict(name, Array(repeating: 0, count: position) + [mode]) == .allow)
        }
    }

    private func verdict(_ name: String, _ arguments: [UInt64]) throws -> BPF.Verdict {
        let all = arguments + Array(repeating: 0, count: 6 - arguments.count)
        return try filter.verdict(name, all[0], all[1], all[2], all[3], all[4], all[5])
    }

    @Test func `opening is free, creating with a set-id bit is refused`() throws {
        let (create, temporary, truncate): (UInt64, UInt64, UInt64) = (0o100, 0o20200000, 0o1000)
        for (name, position) in [("open", 1), ("openat", 2)] {
            func verdict(_ flags: UInt64, _ mode: UInt64) throws -> BPF.Verdict {
                try self.verdict(name, Array(repeating: 0, count: position) + [flags, mode])
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
            let (loud, silent) = (try filter.verdict(number: number), try quiet.verdict(number: number))
            #expect(loud == silent || (loud == .notify && silent == .error(1)))
        }
    }

    @Test func `the filter is far below the kernel's limit`() { #expect(filter.count < 2048, "\(filter.count)") }
}
