// SPDX-License-Identifier: Apache-2.0

import RemitKernel
import RemitTask
import Testing

@testable import RemitSandbox

@Suite struct ObservationTests {
    /// Arguments that some rule looks at, and some that none does.
    private func probes(_ policy: SystemCallPolicy) -> [[UInt64]] {
        var probes: Set<[UInt64]> = [Array(repeating: 0, count: 6), Array(repeating: .max, count: 6)]
        for line in policy.lines {
            var arguments: [UInt64] = Array(repeating: 0, count: 6)
            for condition in line.rule.conditions { arguments[Int(condition.argument)] = condition.value }
            probes.insert(arguments)
            probes.insert(arguments.map { $0 | 0x1_0000_0000 })
        }
        return Array(probes)
    }

    private static let changes = [
        ProfileSystemCalls(), ProfileSystemCalls(deny: ["@aio", "@sandbox", "memfd_create"]),
        ProfileSystemCalls(allow: ["sync"], deny: ["@file-system", "@network-io", "execve"]),
        ProfileSystemCalls(deny: ["openat", "stat", "sendmsg"]),
    ]

    /// What is reported to be looked at is what was allowed, and nothing else changes for anybody.
    @Test(arguments: changes) func `no rule becomes weaker by being observed`(_ changes: ProfileSystemCalls) throws {
        let policy = try SystemCallPolicy(changes, notify: true)
        // What is loaded: one program, or two where the profile takes away what the launch needs.
        let plain = try policy.stages.map { try FilterProgram(try $0.compiled()) }
        let observed = try policy.observed.stages.map { try FilterProgram(try $0.compiled()) }
        #expect(plain.count == observed.count)
        let names = policy.observable
        #expect(names.contains("execve") != changes.deny.contains("execve"))
        let probes = probes(policy)
        for number in UInt32(0)...UInt32(SystemCallNumbers.highest + 2) {
            let name = SystemCallNumbers.name(of: Int32(number)) ?? ""
            for arguments in probes {
                let call = FilterProgram.Call(number, arguments)
                for (index, programs) in zip(plain, observed).enumerated() {
                    let (before, after) = (programs.0.verdict(call), programs.1.verdict(call))
                    switch (before, names.contains(name)) {
                    // The second filter has nobody to report to.
                    case (.allow, true): #expect(after == (index == 0 ? .notify : .allow), "\(name) \(arguments)")
                    // A report of an observed call says by itself that the call is allowed.
                    case (.notify, true): Issue.record("\(name) is reported, and observed")
                    default: #expect(before == after, "\(name) \(arguments)")
                    }
                }
            }
        }
        let foreign = FilterProgram.Call(59, [], architecture: 0x4000_0003)
        #expect(observed.allSatisfy { $0.verdict(foreign) == .killProcess })
    }

    @Test func `a profile that denies what the launch needs is observed in both of its filters`() throws {
        let policy = try SystemCallPolicy(ProfileSystemCalls(deny: ["stat", "newfstatat", "sendmsg"]), notify: true)
        let stages = policy.observed.stages
        #expect(stages.count == 2)
        let programs = try stages.map { try FilterProgram(try $0.compiled()) }
        for name in ["stat", "newfstatat", "sendmsg"] {
            let number = UInt32(try #require(SystemCallNumbers.number(of: name)))
            #expect(programs[1].verdict(FilterProgram.Call(number)) == .error(1), "\(name)")
        }
        // The listener is sent while nobody answers yet.
        for name in ["sendmsg", "sendto", "write", "read", "close", "exit_group"] {
            let number = UInt32(try #require(SystemCallNumbers.number(of: name)))
            #expect(programs[0].verdict(FilterProgram.Call(number)) == .allow, "\(name)")
        }
    }

    @Test func `every call with a path has its place, and hot calls are not observed`() throws {
        for (name, shapes) in ObservedCalls.shapes {
            #expect(SystemCallNumbers.isKnown(name), "\(name)")
            for shape in shapes {
                for index in [shape.directory, shape.path, shape.flags, shape.mode].compactMap({ $0 }) {
                    #expect((0...5).contains(index), "\(name)")
                }
            }
        }
        let observable = try SystemCallPolicy(ProfileSystemCalls(), notify: true).observable
        let hot = ["read", "write", "futex", "mmap", "munmap", "epoll_wait", "clock_gettime", "rt_sigaction", "close"]
        #expect(observable.isDisjoint(with: hot), "\(observable)")
    }

    @Test func `memory of others is read as far as it is there`() throws {
        let text = Array(String(repeating: "x", count: 5000).utf8) + [0]
        let own = CurrentProcess.pid
        text.withUnsafeBytes { buffer in
            let address = UInt64(UInt(bitPattern: buffer.baseAddress))
            // Longer than a path can be.
            #expect(CallerView.text(of: own, at: address) == nil)
            #expect(CallerView.text(of: own, at: address + 4990) == String(repeating: "x", count: 10))
            #expect(CallerView.bytes(of: own, at: address, count: 3) == [120, 120, 120])
        }
        #expect(CallerView.text(of: own, at: 0) == nil)
        #expect(CallerView.text(of: own, at: 8) == nil)
        #expect(CallerView.text(of: own, at: .max - 3) == nil)
        #expect(CallerView.base(of: own, directory: 9_999) == nil)
        let glance = HostGlance(home: "/home/u")
        #expect(glance.has("/etc/passwd") && glance.has("/proc/version") && !glance.has("/etc/no-such"))
        // Neither another file system nor a place that nobody knows is looked into.
        #expect(!glance.has("/dev/pts/ptmx") && !glance.has("/net/host/x") && !glance.has("/"))
    }
}
