// SPDX-License-Identifier: Apache-2.0
// The order of the steps is the design: these tests hold it.

import Glibc
import RemitKernel
import RemitTask
import Testing

@testable import RemitSandbox

@Suite struct SandboxPlanTests {
    let scratch: Scratch
    let workspace: ApprovedWorkspace

    init() throws {
        scratch = try Scratch()
        workspace = try ApprovedWorkspace(path: try scratch.directory("project"), mode: .write)
    }

    private func text(_ plan: SandboxPlan) -> String {
        let lines = plan.launch.setup.map { "set-up: \($0)" } + plan.launch.agent.map { "agent:  \($0)" }
        return lines.map { line in
            let short = line.replacing(workspace.path, with: "WORKSPACE")
            return short.contains("system-call filter") ? "agent:  load the system-call filter" : short
        }.joined(separator: "\n") + "\n"
    }

    @Test func `the plan of an ordinary user reads as it always did`() throws {
        let request = Made.request(
            workspace: workspace, limits: Limits(memory: ByteCount("1GiB"), processes: 32), credentials: true)
        let plan = try Made.plan(request, host: .made(isRoot: false, controllers: [], cgroupParent: nil))
        try Golden.compare(text(plan), with: "plan-user.golden.txt")
    }

    @Test func `in a scope the cgroup namespace comes after the move, elsewhere with the clone`() throws {
        let request = Made.request(limits: Limits(memory: ByteCount("1GiB"), processes: 32))
        let scoped = try Made.plan(request, host: .scope(["memory", "pids"])).launch
        #expect(scoped.setup[1].description == "wait for the id maps")
        #expect(scoped.setup[2].description == "a cgroup namespace of its own")
        #expect(scoped.namespaces & 0x0200_0000 == 0)
        let direct = try Made.plan(request, host: .made()).launch
        #expect(!direct.setup.contains { $0.description.contains("cgroup namespace") })
        #expect(direct.namespaces == scoped.namespaces | 0x0200_0000)
    }

    @Test func `the plan of root with a terminal reads as it always did`() throws {
        let request = Made.request(
            workspace: workspace, limits: Limits(openFiles: 64, fileSize: ByteCount("1MiB")), terminal: true)
        let plan = try Made.plan(request, host: .made())
        try Golden.compare(text(plan), with: "plan-root.golden.txt")
        #expect(plan.trees.map(\.path) == [workspace.path])
    }

    @Test(arguments: [true, false])
    func `files of proc are held on to before everything but processes goes`(isRoot: Bool) throws {
        var profile = Made.profile
        profile.filesystem.processes = .statistics
        let setup = try Made.plan(Made.request(profile: profile), host: .made(isRoot: isRoot)).launch.setup
        let texts = setup.map(\.description)
        #expect(texts.contains("make a proc (hidepid=ptraceable) for proc"))
        let first = try #require(texts.firstIndex(of: "mount proc on `/proc`"))
        #expect(
            Array(texts[(first + 1)...].prefix(16))
                == ["cpuinfo", "loadavg", "meminfo", "stat", "uptime"].flatMap { file in
                    [
                        "open `\(file)` of proc a second time", "make /proc/\(file) read-only",
                        "mount /proc/\(file) on `/proc/\(file)`",
                    ]
                } + ["narrow proc to subset=pid"])
    }

    @Test(arguments: [
        (false, false, false, 7), (true, false, true, 7), (false, true, true, 7), (true, true, false, 7),
        (false, false, true, 1),
    ])
    func `the order holds in every variant`(_ isRoot: Bool, _ terminal: Bool, _ credentials: Bool, _ abi: Int) throws {
        let request = Made.request(workspace: workspace, terminal: terminal, credentials: credentials)
        let plan = try Made.plan(request, host: .made(isRoot: isRoot, landlock: abi))
        let setup = plan.launch.setup.map(\.description)
        func first(_ prefix: String) throws -> Int {
            try #require(setup.firstIndex { $0.hasPrefix(prefix) }, "\(prefix)")
        }
        func last(_ prefix: String) throws -> Int {
            try #require(setup.lastIndex { $0.hasPrefix(prefix) }, "\(prefix)")
        }

        #expect(setup[0] == "die with the supervisor")
        #expect(setup[1] == "wait for the id maps")
        #expect(setup.contains("drop supplementary groups") == isRoot)
        // Nothing is taken from the host after a path of it was covered, and nothing propagates back.
        #expect(try first("make every mount private") < first("take `"))
        #expect(try last("take `") < first("attach root"))
        // Attributes go onto detached trees: before they are attached.
        #expect(try last("make /usr ") < first("mount /usr "))
        #expect(try last("make /workspace ") < first("mount /workspace "))
        // Mount points are made in the fresh root only, before anything covers it.
        #expect(try last("make `/") < first("mount "))
        #expect(try last("write `/") < first("mount "))
        #expect(try last("link `/") < first("mount "))
        #expect(try last("mount ") < first("leave the host's root"))
        #expect(try first("make root read-only") < first("leave the host's root"))
        // Authority goes in this order, after the last mount.
        let order = [
            "leave the host's root", "close the user-namespace door", "drop every capability", "set no_new_privs",
            "make a Landlock ruleset", "enforce Landlock",
        ]
        let indices = try order.map { try first($0) }
        #expect(indices == indices.sorted())
        #expect(indices.last == setup.count - 1)
        // The death signal is forgotten when credentials change.
        #expect(try last("die with the supervisor") > first("drop every capability"))
        // Nothing after the pivot makes or takes a mount.
        let after = setup[try first("leave the host's root")...]
        #expect(
            !after.contains {
                $0.hasPrefix("mount ") || $0.hasPrefix("take `") || $0.hasPrefix("make a tmpfs")
                    || $0.hasPrefix("attach")
            })
    }

    @Test(arguments: [true, false])
    func `the filter comes last, and only its listener, the proof and the program after it`(_ reports: Bool) throws {
        let plan = try Made.plan(Made.request(workspace: workspace), host: .made(canReportCalls: reports))
        let agent = plan.launch.agent.map(\.description)
        let filter = try #require(agent.firstIndex { $0.hasPrefix("load the system-call filter") })
        #expect(agent[filter - 1] == "wait for the supervisor's word")
        #expect(
            agent[(filter + 1)...].map { String($0.prefix(5)) }
                == (reports ? ["hand ", "prove", "execu"] : ["prove", "execu"])
        )
        #expect(agent[0] == "die with the supervisor")
        #expect(try #require(agent.firstIndex(of: "keep only the standard streams")) < filter)
        #expect(agent.contains("limit core to 0"))
    }

    @Test func `a read-only workspace is bound read-only`() throws {
        let reading = try ApprovedWorkspace(path: workspace.path, mode: .read)
        let steps = try Made.plan(Made.request(workspace: reading), host: .made()).launch.setup.map(\.description)
        #expect(steps.contains("make /workspace read-only,nosuid,nodev"))
        let writing = try Made.plan(Made.request(workspace: workspace), host: .made()).launch.setup.map(\.description)
        #expect(writing.contains("make /workspace nosuid,nodev"))
    }

    @Test func `everything but the workspace and the private directories is read-only`() throws {
        let plan = try Made.plan(Made.request(workspace: workspace), host: .made())
        let attributes = plan.launch.setup.map(\.description).filter { $0.hasPrefix("make /") && $0.contains("nosuid") }
        let writable = attributes.filter { !$0.contains("read-only") && !$0.hasPrefix("make /dev/") }
        #expect(writable == ["make /workspace nosuid,nodev"])
    }

    @Test func `two things cannot be in one place`() throws {
        var profile = Made.profile
        profile.filesystem.binds.append(Bind(source: "/usr/share", target: "/workspace"))
        #expect { try Made.plan(Made.request(profile: profile, workspace: workspace), host: .made()) } throws: {
            "\($0)" == "two things want to be `/workspace` inside the sandbox"
        }
    }

    @Test func `a required source that is missing is named, an optional one left out`() throws {
        var profile = Made.profile
        profile.filesystem.binds.append(Bind(source: "/nonexistent", required: false))
        _ = try Made.plan(Made.request(profile: profile), host: .made())
        profile.filesystem.binds.append(Bind(source: "/nonexistent/too"))
        #expect { try Made.plan(Made.request(profile: profile), host: .made()) } throws: {
            "\($0)" == "cannot use `/nonexistent/too` of the host: no such file or directory"
        }
    }

    @Test func `no program is no plan`() {
        for command in [[], [""]] {
            #expect(throws: SandboxError.self) { try Made.plan(Made.request(command), host: .made()) }
        }
    }

    @Test func `an empty PATH finds nothing, and says so`() throws {
        var request = Made.request(["true"])
        request.environment["PATH"] = ""
        let plan = try? Made.plan(request, host: .made())
        // Refused here, or by the step itself: never a step that runs nothing.
        #expect(plan == nil || plan?.launch.agent.last?.description.hasPrefix("execute") == true)
    }

    @Test func `a wrong rule of the profile is no plan`() {
        var profile = Made.profile
        profile.systemCalls.allow = ["mount"]
        #expect { try Made.plan(Made.request(profile: profile), host: .made()) } throws: {
            ($0 as? SandboxError)?.description == "system call `mount` cannot be allowed by a profile"
        }
    }

    @Test func `memory is limited by the process where no group does it`() throws {
        let limits = Limits(memory: ByteCount("1GiB"))
        let alone = try Made.plan(Made.request(limits: limits), host: .made(isRoot: false, cgroupParent: nil))
        #expect(alone.launch.agent.map(\.description).contains("limit data to 1073741824"))
        let grouped = try Made.plan(Made.request(limits: limits), host: .made())
        #expect(!grouped.launch.agent.map(\.description).contains("limit data to 1073741824"))
        #expect(grouped.cgroupLimits.memory == 1 << 30)
    }
}
