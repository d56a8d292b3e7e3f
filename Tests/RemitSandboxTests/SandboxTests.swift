// SPDX-License-Identifier: Apache-2.0
// Whole sandboxes, built and ended; what an agent sees inside is for the command's own tests.

import Glibc
import RemitTask
import Testing

@testable import RemitKernel
@testable import RemitSandbox

enum Machine {
    static let host = HostSupport.probe()

    static let canBuild: Bool =
        EnforcementPlan(profile: Made.profile, limits: Limits(), host: host, excused: []).refusals.isEmpty

    static let hasProcessLimit: Bool =
        host.isRoot && host.cgroupParent != nil && host.cgroups.controllers["pids"] != nil
}

@Suite(.enabled(if: Machine.canBuild, "needs user namespaces"), .serialized)
struct SandboxTests {
    /// What a sandbox said, as words.
    private final class Log {
        var events: [String] = []
        var sandbox: Sandbox?

        func hear(_ event: SandboxEvent) {
            switch event {
            case .ready: events.append("ready")
            case .proved: events.append("proved")
            case .started: events.append("started")
            case .failed(let failure): events.append("failed \(failure.isExecution) \(failure.errno)")
            case .agentEnded(let status): events.append("ended \(status.exitCode)")
            case .refused(let call): events.append("refused \(call)")
            case .observed(let seen): events.append("observed \(seen.call)")
            case .initEnded: events.append("init ended")
            case .emptied: events.append("emptied")
            }
        }

        var isOver: Bool { sandbox?.hasEnded ?? false }
    }

    private func start(
        _ command: [String], on loop: EventLoop, limits: Limits = Limits(), workspace: ApprovedWorkspace? = nil
    ) throws -> Log {
        let request = Made.request(command, workspace: workspace, limits: limits)
        let plan = try Made.plan(request, host: Machine.host)
        let log = Log()
        log.sandbox = try Sandbox.start(
            plan, session: request.session, host: Machine.host, usesTerminal: false, traced: false, on: loop
        ) { log.hear($0) }
        return log
    }

    private func run(_ loop: EventLoop, until finished: () -> Bool) throws {
        var isLate = false
        let timer = loop.schedule(after: .seconds(20)) { isLate = true }
        try loop.run { finished() || isLate }
        loop.cancel(timer)
        #expect(!isLate, "it took longer than 20 seconds")
    }

    private func finish(_ log: Log, _ loop: EventLoop) throws {
        log.sandbox?.kill()
        try run(loop) { log.isOver }
        #expect(log.sandbox?.close() == true)
    }

    @Test func `a program runs when it is let go, and its end is the end`() throws {
        let loop = try EventLoop()
        let log = try start(["sh", "-c", "exit 3"], on: loop)
        try run(loop) { log.events.contains("ready") }
        #expect(log.events == ["ready"])
        try log.sandbox?.release(secrets: [])
        try run(loop) { log.isOver }
        #expect(log.events.filter { $0 != "emptied" } == ["ready", "proved", "started", "ended 3", "init ended"])
        #expect(log.sandbox?.close() == true)
    }

    @Test func `a program that is not there is told before the end of its process`() throws {
        for _ in 0..<5 {
            let loop = try EventLoop()
            let log = try start(["no-such-program-anywhere"], on: loop)
            try run(loop) { log.events.contains("ready") }
            try log.sandbox?.release(secrets: [])
            // The supervisor is slow: everything is in the pipes before it looks.
            usleep(100_000)
            try run(loop) { log.isOver }
            let failure = try #require(log.events.firstIndex { $0.hasPrefix("failed") })
            #expect(log.events[failure] == "failed true no such file or directory")
            #expect(!log.events[..<failure].contains { $0.hasPrefix("ended") || $0 == "started" }, "\(log.events)")
            #expect(log.sandbox?.close() == true)
        }
    }

    @Test func `nothing of the agent runs before it is let go`() throws {
        let scratch = try Scratch()
        let path = try scratch.directory("project")
        chmod(path, 0o777)
        let loop = try EventLoop()
        let log = try start(
            ["sh", "-c", "echo > /workspace/ran"], on: loop, workspace: try ApprovedWorkspace(path: path, mode: .write)
        )
        try run(loop) { log.events.contains("ready") }
        usleep(50_000)
        try finish(log, loop)
        #expect(!log.events.contains("started"))
        #expect(try FileSystem.names(in: path).isEmpty)
    }

    @Test func `a kill ends daemons, stopped and stubborn processes`() throws {
        let loop = try EventLoop()
        let log = try start(
            [
                "sh", "-c",
                "trap '' TERM HUP INT; (setsid sh -c 'sleep 60 & sleep 60' &); sleep 60 & kill -STOP $!; sleep 60",
            ], on: loop
        )
        try run(loop) { log.events.contains("ready") }
        try log.sandbox?.release(secrets: [])
        try run(loop) { log.events.contains("started") }
        usleep(100_000)
        let pid = try #require(log.sandbox?.initPID)
        #expect(!ProcessIdentity.children(of: pid).isEmpty)
        try finish(log, loop)
        #expect(log.events.contains("init ended"))
    }

    @Test(.enabled(if: Machine.host.canReportCalls, "needs seccomp user notification"))
    func `a forbidden call is refused and counted, a harmless one only refused`() throws {
        let loop = try EventLoop()
        let log = try start(["sh", "-c", "unshare -U true 2>/dev/null; unshare -n true 2>/dev/null; exit 0"], on: loop)
        try run(loop) { log.events.contains("ready") }
        try log.sandbox?.release(secrets: [])
        try run(loop) { log.isOver }
        #expect(log.events.filter { $0 == "refused unshare" }.count == 2)
        #expect(log.events.contains("ended 0"))
        #expect(log.sandbox?.close() == true)
    }

    @Test(.enabled(if: Machine.host.isRoot && Machine.host.cgroupParent != nil, "needs root and a control group"))
    func `an idle sandbox does not wake its supervisor`() throws {
        let loop = try EventLoop()
        let log = try start(["sleep", "60"], on: loop)
        try run(loop) { log.events.contains("ready") }
        try log.sandbox?.release(secrets: [])
        try run(loop) { log.events.contains("started") }
        var turns = 0
        var over = false
        loop.schedule(after: .milliseconds(200)) { over = true }
        try loop.run {
            turns += 1
            return over
        }
        #expect(turns < 20, "\(turns) turns in 200 ms")
        try finish(log, loop)
    }

    @Test(.enabled(if: Machine.hasProcessLimit, "needs the pids controller"))
    func `a limit that cannot be written is no session`() throws {
        let request = Made.request(["true"], limits: Limits(processes: 8))
        let plan = try Made.plan(request, host: Machine.host)
        let broken = HostSupport.made(
            isRoot: true, unified: Machine.host.cgroups.unified, cgroupParent: Machine.host.cgroupParent)
        let nowhere = HostSupport(
            isRoot: true, kernel: broken.kernel, landlock: broken.landlock,
            cgroups: CgroupHierarchies(
                unified: Machine.host.cgroups.unified, controllers: ["pids": "/nonexistent"], own: [:]),
            cgroupParent: broken.cgroupParent, hasCgroupKill: true, delegable: [], usesScope: false,
            scopeObstacle: nil, canReportCalls: true, userNamespaceLimit: 9, userNamespaceObstacle: nil
        )
        let loop = try EventLoop()
        #expect(throws: SandboxError.self) {
            _ = try Sandbox.start(
                plan, session: request.session, host: nowhere, usesTerminal: false, traced: false, on: loop
            ) { _ in }
        }
        #expect(!FileSystem.exists("\(Machine.host.cgroupParent ?? "")/\(request.session)"))
    }

    @Test(.enabled(if: Machine.hasProcessLimit, "needs the pids controller"))
    func `the agent's own process is in the groups that limit it`() throws {
        let loop = try EventLoop()
        let log = try start(["sleep", "60"], on: loop, limits: Limits(processes: 8))
        try run(loop) { log.events.contains("ready") }
        let pid = try #require(log.sandbox?.initPID)
        for process in [pid] + ProcessIdentity.children(of: pid) {
            let groups = String(decoding: try FileSystem.read("/proc/\(process)/cgroup", limit: 4096), as: UTF8.self)
            #expect(
                groups.split(separator: "\n").contains { $0.contains("pids") && $0.contains("remit-") }, "\(groups)")
        }
        try finish(log, loop)
    }

    @Test(.enabled(if: Machine.host.isRoot, "needs root"))
    func `a workspace swapped after its approval is refused`() throws {
        let scratch = try Scratch()
        let path = try scratch.directory("project")
        let approved = try ApprovedWorkspace(path: path, mode: .write)
        rename(path, "\(scratch.path)/before")
        _ = try scratch.directory("project")
        let loop = try EventLoop()
        #expect { _ = try start(["true"], on: loop, workspace: approved) } throws: { "\($0)".contains("stale") }
    }
}
