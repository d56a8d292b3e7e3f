// SPDX-License-Identifier: Apache-2.0

import Glibc
import RemitKernel
import Testing

@Suite struct ProcessTests {
    private func sleeper() throws -> Child {
        let plan = LaunchPlan(
            setup: [.deathSignal, .awaitMapping, .execute(["/bin/sleep"])], arguments: ["sleep", "60"], environment: []
        )
        let child = try Child.launch(plan, descriptors: [:])
        try child.mapped()
        guard case .ended = try child.receive() else { throw SystemCallError("start a sleeper", .notFound) }
        return child
    }

    private func canOpen(_ identity: ProcessIdentity) throws -> Bool {
        switch try identity.open() {
        case .some: true
        case .none: false
        }
    }

    @Test func `a process is told by its number and its start`() throws {
        let child = try sleeper()
        defer { child.finish() }
        let identity = try #require(ProcessIdentity(pid: child.pid))
        #expect(identity == ProcessIdentity(pid: child.pid))
        let opened = try canOpen(identity)
        #expect(opened)
    }

    @Test func `a later process with the same number is left alone`() throws {
        let child = try sleeper()
        defer { child.finish() }
        let identity = try #require(ProcessIdentity(pid: child.pid))
        let earlier = ProcessIdentity(pid: child.pid, startTicks: identity.startTicks &- 1)
        let opened = try canOpen(earlier)
        #expect(!opened)
        #expect(earlier.kill(waiting: .milliseconds(10)))
        #expect(kill(child.pid, 0) == 0)
        #expect(child.reap() == nil)
    }

    @Test func `killing waits for the end`() throws {
        let child = try sleeper()
        let identity = try #require(ProcessIdentity(pid: child.pid))
        #expect(identity.kill(waiting: .seconds(10)))
        #expect(child.reap()?.signal == SIGKILL)
        #expect(ProcessIdentity(pid: child.pid) != identity)
        #expect(identity.kill(waiting: .zero))
    }

    @Test func `a command name full of parentheses does not confuse`() throws {
        let scratch = try Scratch()
        let program = scratch.file("x) Z 1 (")
        symlink("/bin/sleep", program)
        let plan = LaunchPlan(
            setup: [.deathSignal, .awaitMapping, .execute([program])], arguments: ["sleep", "60"], environment: []
        )
        let child = try Child.launch(plan, descriptors: [:])
        defer { child.finish() }
        try child.mapped()
        _ = try child.receive()
        let own = try #require(ProcessIdentity(pid: getpid()))
        #expect(try #require(ProcessIdentity(pid: child.pid)).startTicks >= own.startTicks)
        #expect(ProcessIdentity.cpuTicks(child.pid) != nil)
    }

    @Test func `signalling a process that is gone is no error`() throws {
        let child = try sleeper()
        child.finish()
        try child.signal(SIGTERM)
        #expect(child.reap() == nil)
    }

    @Test func `the environment is read as pairs`() {
        setenv("REMIT_TEST_PAIR", "a=b=c", 1)
        #expect(CurrentProcess.environment["REMIT_TEST_PAIR"] == "a=b=c")
        unsetenv("REMIT_TEST_PAIR")
    }

    @Test(arguments: [(0, 0), (7 << 8, 7), (9, 137), (11 | 0x80, 139)] as [(CInt, CInt)])
    func `a wait status reads as a shell shows it`(_ raw: CInt, _ code: CInt) {
        #expect(WaitStatus(rawValue: raw).exitCode == code)
    }
}
