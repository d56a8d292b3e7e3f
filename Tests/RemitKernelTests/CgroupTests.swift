// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing

@testable import RemitKernel

@Suite(.enabled(if: Host.hasCgroups, "needs root and a unified hierarchy with cgroup.kill")) struct CgroupTests {
    private let name = "kerneltest-\(Random.identifier(8))"

    private func make(_ limits: CgroupLimits = CgroupLimits()) throws -> SessionCgroup {
        try #require(try SessionCgroup.create(session: name, limits: limits, in: Host.cgroups))
    }

    private func launch(_ script: String, in group: SessionCgroup) throws -> Child {
        let plan = LaunchPlan(
            setup: [.deathSignal, .awaitMapping, .newSession, .defaultSignals, .closeOnExec, .execute(["/bin/sh"])],
            arguments: ["sh", "-c", script], environment: ["PATH=/usr/bin:/bin"]
        )
        let child = try Child.launch(plan, descriptors: [:], cgroup: group.descriptor)
        try group.adopt(process: child.pid)
        try child.mapped()
        guard case .ended = try child.receive() else { throw SystemCallError("start a shell", .notFound) }
        return child
    }

    private func becomesEmpty(_ group: SessionCgroup) -> Bool {
        for _ in 0..<500 {
            if !group.isPopulated { return true }
            usleep(10_000)
        }
        return false
    }

    @Test func `a new group is empty, and gone when it is removed`() throws {
        let group = try make()
        #expect(!group.isPopulated)
        #expect(FileSystem.exists(group.path))
        #expect(group.remove())
        #expect(!FileSystem.exists(group.path))
        #expect(!group.isPopulated)
    }

    @Test func `the same group is not made twice`() throws {
        let group = try make()
        defer { group.remove() }
        #expect(throws: SystemCallError.self) {
            _ = try SessionCgroup.create(session: name, limits: CgroupLimits(), in: Host.cgroups)
        }
        #expect(FileSystem.exists(group.path))
    }

    @Test(.enabled(if: Host.hasProcessLimit, "needs the pids controller"))
    func `one write kills a tree that forks, daemonises, stops and ignores signals`() throws {
        let group = try make(CgroupLimits(processes: 48))
        let child = try launch(
            "trap '' TERM HUP INT; (setsid sleep 60 &) ; sleep 60 & kill -STOP $!; while :; do sh -c 'sleep 1 & sleep 1' 2>/dev/null & sleep 0.02; done",
            in: group
        )
        #expect(group.isPopulated)

        usleep(300_000)
        try group.kill()
        #expect(child.waitForEnd() != nil)
        #expect(becomesEmpty(group))
        let again = SessionCgroup.adopt(path: group.path, controllerPaths: group.controllerPaths)
        #expect(again?.isPopulated == false)
        #expect(again?.remove() == true)
    }

    @Test func `a group with a process in it cannot be removed`() throws {
        let group = try make()
        let child = try launch("sleep 60", in: group)
        let adopted = try #require(SessionCgroup.adopt(path: group.path, controllerPaths: group.controllerPaths))
        #expect(!adopted.remove())
        try group.kill()
        _ = child.waitForEnd()
        #expect(becomesEmpty(group))
        #expect(group.remove())
    }

    @Test func `the event file speaks once for each change, and then is silent`() throws {
        let group = try make()
        let loop = try EventLoop()
        let events = try group.openEvents()
        var calls = 0
        let number = events.number
        let token = try loop.watch(number, for: .priority) { _ in
            calls += 1
            // Only a read of this very descriptor makes it silent again.
            lseek(number, 0, SEEK_SET)
            _ = try? FileSystem.readAll(number, limit: 4096, name: "events")
        }
        func turn() throws {
            var over = false
            loop.schedule(after: .milliseconds(100)) { over = true }
            try loop.run { over }
        }
        try turn()
        let quiet = calls
        let child = try launch("sleep 60", in: group)
        try turn()
        #expect(calls > quiet && calls <= quiet + 2)
        try group.kill()
        _ = child.waitForEnd()
        try turn()
        #expect(calls <= quiet + 4)
        loop.unwatch(token)
        #expect(becomesEmpty(group))
        #expect(group.remove())
    }

    @Test(.enabled(if: Host.hasProcessLimit, "needs the pids controller"))
    func `a limit that was written is said to be enforced, and holds`() throws {
        let group = try make(CgroupLimits(processes: 3))
        #expect(group.enforced.contains("pids"))
        let child = try launch("for i in 1 2 3 4 5 6; do sleep 5 & done; exit 0", in: group)
        _ = child.waitForEnd()
        #expect(group.limitsReached == ["processes"])
        try group.kill()
        #expect(becomesEmpty(group))
        #expect(group.remove())
    }

    @Test func `a limit that could not be written is not said to be enforced`() throws {
        let broken = CgroupHierarchies(
            unified: Host.cgroups.unified,
            controllers: ["memory": "/nonexistent", "pids": "/nonexistent", "cpu": "/nonexistent"],
            own: [:]
        )
        let group = try #require(
            try SessionCgroup.create(
                session: name, limits: CgroupLimits(memory: 1 << 30, processes: 9, cpu: 1), in: broken)
        )
        defer { group.remove() }
        #expect(group.enforced.isEmpty && group.controllerPaths.isEmpty)
    }
}
