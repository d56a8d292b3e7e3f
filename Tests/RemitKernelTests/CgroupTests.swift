// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing

@testable import RemitKernel

@Suite struct CgroupHierarchyTests {
    @Test func `a hybrid host has the controllers in version 1, and a unified tree beside them`() {
        let hierarchies = CgroupHierarchies(
            mountinfo: """
                22 27 0:21 / /proc rw,relatime - proc proc rw
                30 27 0:26 / /sys/fs/cgroup ro,nosuid shared:9 - tmpfs tmpfs ro,mode=755
                31 30 0:27 / /sys/fs/cgroup/unified rw shared:10 master:2 - cgroup2 cgroup2 rw,nsdelegate
                32 30 0:28 / /sys/fs/cgroup/cpu,cpuacct rw shared:11 - cgroup cgroup rw,cpu,cpuacct
                33 30 0:29 / /sys/fs/cgroup/pids rw - cgroup none rw,pids
                34 27 0:30 / /mnt/a\\040-\\040b rw - ext4 /dev/sda rw

                """,
            cgroup: "4:pids:/user.slice\n3:cpu,cpuacct:/a:b\n1:name=systemd:/\n0::/init.scope\n")
        #expect(hierarchies.unified == "/sys/fs/cgroup/unified")
        #expect(hierarchies.isHybrid)
        #expect(
            hierarchies.controllers == ["cpu": "/sys/fs/cgroup/cpu,cpuacct", "pids": "/sys/fs/cgroup/pids"])
        #expect(hierarchies.own["pids"] == "/user.slice" && hierarchies.own["cpu"] == "/a:b")
        #expect(hierarchies.own[""] == "/init.scope")
    }

    @Test(arguments: [
        "", "\n", "31 30 0:27 / /sys/fs/cgroup rw", "31 30 0:27 / /sys/fs/cgroup rw - cgroup2",
        "31 30 0:27 / - rw cgroup2 cgroup2 rw", "31 30 0:27 / /x rw shared:1 cgroup2 cgroup2 rw",
    ])
    func `a line that is cut short is no hierarchy`(_ text: String) {
        let hierarchies = CgroupHierarchies(mountinfo: text, cgroup: text)
        #expect(hierarchies.unified == nil && hierarchies.controllers.isEmpty)
    }
}

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
        let child = try Child.launch(plan, descriptors: [:], cgroup: group)
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

    @Test func `a child and its children are in every group of the session, whatever version it has`() throws {
        let group = try make(CgroupLimits(memory: 64 << 20, processes: 9))
        let output = try pipe()
        let plan = LaunchPlan(
            setup: [
                .deathSignal, .awaitMapping, .defaultSignals, .duplicate("out", as: 1), .closeOnExec,
                .execute(["/bin/sh"]),
            ],
            arguments: ["sh", "-c", "cat /proc/$$/cgroup; cat /proc/self/cgroup; :"],
            environment: ["PATH=/usr/bin:/bin"]
        )
        let child = try Child.launch(plan, descriptors: ["out": output.write.number], cgroup: group)
        try child.mapped()
        #expect(child.waitForEnd()?.exitCode == 0)
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = read(output.read.number, &bytes, bytes.count)
        let lines = String(decoding: bytes[..<max(0, count)], as: UTF8.self).split(separator: "\n")
        let own = lines.filter { $0.hasSuffix("/\(name)") }
        let versionOne = lines.filter { $0.hasSuffix("/remit-\(name)") }
        #expect(own.count == 2 && versionOne.count == 2 * group.controllerPaths.count, "\(lines)")
        #expect(becomesEmpty(group))
        #expect(group.remove())
    }

    @Test func `a child that cannot enter a group runs nothing, and says so`() throws {
        let scratch = try Scratch()
        // Writing there fails as it would in a group that takes nobody.
        symlink("/dev/full", scratch.file("tasks"))
        let real = try make()
        defer { real.remove() }
        let group = SessionCgroup(
            path: real.path, controllerPaths: ["pids": scratch.path], enforced: [],
            directory: DescriptorBox(try FileSystem.open(real.path, O_DIRECTORY))
        )
        let plan = LaunchPlan(
            setup: [.deathSignal, .execute(["/usr/bin/touch"])], arguments: ["touch", scratch.file("ran")],
            environment: []
        )
        let child = try Child.launch(plan, descriptors: [:], cgroup: group)
        guard case .failed(let failure) = try child.receive() else {
            child.finish()
            throw SystemCallError("hear of a failure", .noDevice)
        }
        #expect(failure.step == "enter the control groups" && failure.errno == Errno(code: ENOSPC))
        #expect(!failure.isExecution)
        #expect(child.waitForEnd()?.exitCode == 125)
        #expect(!FileSystem.exists(scratch.file("ran")))
        FileSystem.remove(scratch.file("tasks"))
        #expect(throws: SystemCallError.self) { _ = try Child.launch(plan, descriptors: [:], cgroup: group) }
        #expect(becomesEmpty(real))
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
