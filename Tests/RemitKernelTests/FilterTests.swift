// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing

@testable import RemitKernel

@Suite struct FilterTests {
    private func word(_ bytes: [UInt8], _ index: Int) -> UInt32 {
        (0..<4).reduce(0) { $0 | UInt32(bytes[index + $1]) << (8 * UInt32($1)) }
    }

    @Test func `an unknown name is an error, not a missing rule`() {
        let filter = SystemCallFilter(rules: [SystemCallRule("opne", .allow)], fallback: .refuse(.notImplemented))
        #expect { try filter.compiled() } throws: { "\($0)" == "unknown system call `opne`" }
        #expect(SystemCallFilter.number(of: "read") != nil)
        #expect(SystemCallFilter.number(of: "read\0x") == SystemCallFilter.number(of: "read"))
        #expect(SystemCallFilter.number(of: "") == nil)
    }

    @Test func `a program is whole instructions that begin with the architecture`() throws {
        let filter = SystemCallFilter(
            rules: [SystemCallRule("read", .allow), SystemCallRule("kill", .refuse(.notPermitted))],
            fallback: .refuse(.notImplemented)
        )
        let bytes = try filter.compiled()
        #expect(bytes.count % 8 == 0 && bytes.count > 32)
        // ld [4]: the architecture is looked at before anything else.
        #expect(bytes[0] == 0x20 && word(bytes, 4) == 4)
        #expect(bytes.count / 8 <= 4096)
    }

    @Test func `a rule that says what happens anyway is left out`() throws {
        let with = SystemCallFilter(
            rules: [SystemCallRule("read", .allow), SystemCallRule("kill", .refuse(.notImplemented))],
            fallback: .refuse(.notImplemented)
        )
        let without = SystemCallFilter(rules: [SystemCallRule("read", .allow)], fallback: .refuse(.notImplemented))
        #expect(try with.compiled() == without.compiled())
    }

    @Test func `a number has its name, and an unknown one still a word`() {
        #expect(SystemCallFilter.name(of: SystemCallFilter.number(of: "ptrace") ?? -1) == "ptrace")
        #expect(SystemCallFilter.name(of: 99_999) == "call 99999")
    }

    @Test(arguments: [
        (1, 8, 13), (2, 8, 14), (3, 8, 15), (4, 16, 15), (5, 16, 16), (6, 24, 16), (7, 24, 16), (42, 24, 16),
    ])
    func `the ruleset is as long as its Landlock ABI knows it`(_ abi: Int, _ size: Int, _ rights: Int) {
        let ruleset = LandlockRuleset(for: LandlockSupport(abi: abi, errata: 0))
        #expect(ruleset.attributeBytes.count == size)
        #expect(ruleset.handledFiles == (1 << UInt64(rights)) - 1)
        #expect(ruleset.abi == min(abi, LandlockRuleset.testedABI))
        #expect((ruleset.scopes != 0) == (abi >= 6))
    }

    @Test func `no right is given that is not handled`() {
        for abi in 1...7 {
            let ruleset = LandlockRuleset(for: LandlockSupport(abi: abi, errata: 0))
            for rights in [ruleset.read, ruleset.readExecute, ruleset.write, ruleset.list, ruleset.device] {
                #expect(rights & ~ruleset.handledFiles == 0)
                #expect(ruleset.ofFile(rights) & ~rights == 0)
            }
            // Nobody makes device nodes.
            #expect(ruleset.write & (1 << 6 | 1 << 11) == 0)
            #expect(ruleset.read & (1 << 0 | 1 << 1) == 0)
        }
    }

    @Test(.enabled(if: LandlockSupport.probe().abi > 0, "needs Landlock"))
    func `the kernel takes our ruleset`() throws {
        let support = LandlockSupport.probe()
        let plan = LaunchPlan(
            setup: [
                .deathSignal, .awaitMapping, .noNewPrivileges,
                .landlockRuleset(LandlockRuleset(for: support), into: "r"),
                .landlockPath(
                    "/usr", directory: LandlockRuleset(for: support).readExecute, file: 0, optional: false, in: "r"),
                .landlockEnforce("r"), .execute(["/nonexistent"]),
            ],
            arguments: ["x"], environment: []
        )
        let child = try Child.launch(plan, descriptors: [:])
        defer { child.finish() }
        try child.mapped()
        guard case .failed(let failure) = try child.receive() else { return missed("no report") }
        #expect(failure.isExecution, "\(failure)")
    }
}
