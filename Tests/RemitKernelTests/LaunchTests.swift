// SPDX-License-Identifier: Apache-2.0

import Glibc
import RemitKernel
import Testing

@Suite struct LaunchTests {
    private func plan(_ steps: [LaunchStep], _ arguments: [String] = ["x"]) -> LaunchPlan {
        LaunchPlan(setup: [.deathSignal, .awaitMapping] + steps, arguments: arguments, environment: [])
    }

    private func failure(of steps: [LaunchStep], descriptors: [Slot: CInt] = [:]) throws -> LaunchFailure {
        let child = try Child.launch(plan(steps), descriptors: descriptors)
        try child.mapped()
        guard case .failed(let failure) = try child.receive() else {
            child.finish()
            throw SystemCallError("hear of a failure", .noDevice)
        }
        #expect(child.waitForEnd()?.exitCode == 125)
        return failure
    }

    @Test func `a step that fails is named, with its error`() throws {
        let failure = try failure(of: [.changeDirectory("/nonexistent"), .execute(["/bin/true"])])
        #expect(failure.description == "change to `/nonexistent`: no such file or directory")
        #expect(!failure.isExecution)
    }

    @Test func `a program that cannot be executed is told apart`() throws {
        let missing = try failure(of: [.execute(["/nonexistent", "/also/nonexistent"])])
        #expect(missing.isExecution && missing.errno == .notFound)
        let forbidden = try failure(of: [.execute(["/nonexistent", "/usr", "/also/nonexistent"])])
        #expect(forbidden.isExecution && forbidden.errno == .denied)
    }

    @Test func `a descriptor that was never given fails its step`() throws {
        let failure = try failure(of: [.duplicate("nothing", as: 0), .execute(["/bin/true"])])
        #expect(failure.step == "put nothing at descriptor 0" && failure.errno == Errno(code: EBADF))
    }

    @Test func `a source that was swapped is refused`() throws {
        let scratch = try Scratch()
        try FileSystem.makeDirectories(scratch.file("a"))
        try FileSystem.makeDirectories(scratch.file("b"))
        symlink("a", scratch.file("link"))
        let facts = try FileSystem.facts(at: scratch.file("b"))
        let swapped = try failure(of: [
            .cloneTree(scratch.file("a"), expecting: facts, recursive: false, optional: false, into: "t"),
            .execute(["/bin/true"]),
        ])
        #expect(swapped.errno == Errno(code: ESTALE))
        let linked = try failure(of: [
            .cloneTree(
                scratch.file("link"), expecting: try FileSystem.facts(at: scratch.file("a")), recursive: false,
                optional: false,
                into: "t"
            ),
            .execute(["/bin/true"]),
        ])
        // A link at the end is taken as itself, which is not what was approved.
        #expect(linked.errno == Errno(code: ESTALE))
        let through = try failure(of: [
            .cloneTree(scratch.file("link/x"), expecting: nil, recursive: false, optional: false, into: "t"),
            .execute(["/bin/true"]),
        ])
        #expect(through.errno == .symbolicLinkLoop)
    }

    @Test func `the end of the conversation means that the program runs`() throws {
        let child = try Child.launch(
            plan([.execute(["/nonexistent", "/bin/sh"])], ["sh", "-c", "exit 7"]), descriptors: [:])
        try child.mapped()
        guard case .ended = try child.receive() else { return missed("it said something") }
        #expect(child.waitForEnd()?.exitCode == 7)
    }

    @Test func `a supervisor that goes before the id maps takes the child along`() throws {
        let child = try Child.launch(plan([.execute(["/bin/true"])]), descriptors: [:])
        child.control.close()
        #expect(child.waitForEnd()?.exitCode == 125)
    }

    private func sessionPlan(_ script: String, environment: [String] = []) -> LaunchPlan {
        LaunchPlan(
            setup: [.deathSignal, .awaitMapping, .noNewPrivileges],
            agent: [.deathSignal, .newSession, .defaultSignals, .closeOnExec, .ready, .execute(["/bin/sh"])],
            arguments: ["sh", "-c", script], environment: environment
        )
    }

    @Test func `init reports how the agent ended, and ends`() throws {
        let script = #"test "$A" = 1 && test "$B" = 2 && exit 9"#
        let child = try Child.launch(sessionPlan(script, environment: ["A=1"]), descriptors: [:])
        try child.mapped()
        guard case .ready = try child.receive() else { return missed("it is not ready") }
        try child.go(extraEnvironment: ["B=2"])
        guard case .ended = try child.receive() else { return missed("it does not run") }
        #expect(child.waitForEnd()?.exitCode == 0)
        #expect(child.agentStatus()?.exitCode == 9)
        #expect(child.agentStatus() == nil)
    }

    @Test func `init reports the signal of the agent`() throws {
        let child = try Child.launch(sessionPlan("kill -KILL $$"), descriptors: [:])
        try child.mapped()
        _ = try child.receive()
        try child.go(extraEnvironment: [])
        #expect(child.waitForEnd() != nil)
        #expect(child.agentStatus()?.signal == SIGKILL)
    }

    @Test func `an agent that is not let go ends with the supervisor's end of the line`() throws {
        let child = try Child.launch(sessionPlan("exit 0"), descriptors: [:])
        try child.mapped()
        guard case .ready = try child.receive() else { return missed("it is not ready") }
        child.control.close()
        #expect(child.waitForEnd() != nil)
        #expect(child.agentStatus()?.exitCode == 125)
    }

    @Test func `init leaves when its life line is cut`() throws {
        let child = try Child.launch(sessionPlan("exit 0"), descriptors: [:])
        try child.mapped()
        guard case .ready = try child.receive() else { return missed("it is not ready") }
        child.life.close()
        #expect(child.waitForEnd() != nil)
        #expect(child.agentStatus() == nil)
    }

    @Test func `more environment than fits is refused, not cut`() throws {
        let child = try Child.launch(sessionPlan("exit 0"), descriptors: [:])
        try child.mapped()
        _ = try child.receive()
        try child.go(extraEnvironment: (0..<600).map { "N\($0)=1" })
        guard case .failed(let failure) = try child.receive() else { return missed("it runs") }
        #expect(failure.errno == Errno(code: E2BIG))
        #expect(child.waitForEnd() != nil)
    }

    @Test func `a traced launch says when each step ended, in order`() throws {
        let child = try Child.launch(
            plan([.newSession, .umask(0o77), .execute(["/bin/true"])]), descriptors: [:], traced: true)
        try child.mapped()
        _ = try child.receive()
        _ = child.waitForEnd()
        #expect(
            child.phases.map(\.step) == [
                "die with the supervisor", "wait for the id maps", "start a session", "set the umask to 077",
            ])
        #expect(child.phases.map(\.nanoseconds) == child.phases.map(\.nanoseconds).sorted())
    }

    @Test(.enabled(if: Host.hasUserNamespaces, "needs unprivileged user namespaces"))
    func `the user-namespace door is closed, or the launch fails`() throws {
        // No root of its own here: the limit of the new namespace is opened through the host's /proc.
        let map = "1000 1000 1\n"
        let plan = LaunchPlan(
            setup: [
                .deathSignal, .awaitMapping,
                .openHost("/proc/sys/user/max_user_namespaces", writable: true, into: "limit"),
                .closeUserNamespaces(limit: "limit", userMap: map, groupMap: map), .dropCapabilities, .deathSignal,
                .noNewPrivileges, .execute(["/bin/sh"]),
            ],
            arguments: ["sh", "-c", "! unshare -U true && grep -q 'CapBnd:.0*$' /proc/self/status"],
            environment: ["PATH=/usr/bin:/bin"], namespaces: 0x1000_0000
        )
        let child = try Child.launch(plan, descriptors: [:])
        defer { child.finish() }
        try IdentityMaps.write(
            process: child.pid, insideUser: 1000, insideGroup: 1000, outsideUser: CurrentProcess.userID,
            outsideGroup: CurrentProcess.groupID, keepSetGroups: false
        )
        try child.mapped()
        if case .failed(let failure) = try child.receive() { return missed("\(failure)") }
        var poller = pollfd(fd: child.process.number, events: Int16(POLLIN), revents: 0)
        #expect(poll(&poller, 1, 10_000) == 1)
        #expect(child.reap()?.exitCode == 0)
    }

    @Test func `a plan that does something else has other bytes`() {
        let base = LaunchPlan(setup: [.newSession], agent: [.ready], arguments: ["a"], environment: ["B=1"])
        var others: [LaunchPlan] = []
        for change in [
            { $0.setup = [] }, { $0.agent = [] }, { $0.arguments = ["b"] }, { $0.environment = [] },
            { $0.namespaces = 1 },
            { $0.setup = [.umask(0o22)] }, { $0.setup = [.changeDirectory("/")] },
        ] as [(inout LaunchPlan) -> Void] {
            var copy = base
            change(&copy)
            others.append(copy)
        }
        #expect(others.allSatisfy { $0.canonicalBytes != base.canonicalBytes })
        #expect(Set(others.map(\.canonicalBytes)).count == others.count)
    }

    @Test func `an argument is not mistaken for the environment`() {
        let argument = LaunchPlan(setup: [], arguments: ["env", "A=b"], environment: [])
        let variable = LaunchPlan(setup: [], arguments: ["env"], environment: ["A=b"])
        #expect(argument.canonicalBytes != variable.canonicalBytes)
    }

    @Test func `a step reads as what it does`() {
        #expect(
            LaunchStep.seccomp([UInt8](repeating: 0, count: 16), listener: nil).description
                == "load the system-call filter (2 instructions)")
        #expect(LaunchStep.resourceLimit(.core(0)).description == "limit core to 0")
        #expect(
            LaunchStep.attributes("/usr", set: [.readOnly, .noDevices], recursive: true).description
                == "make /usr read-only,nodev")
    }
}
