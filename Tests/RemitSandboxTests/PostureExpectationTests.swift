// SPDX-License-Identifier: Apache-2.0
// The expectation is the plan's own: each of its values comes from a step.

import RemitKernel
import RemitTask
import Testing

@testable import RemitSandbox

@Suite struct PostureExpectationTests {
    static let surroundings = PostureSurroundings(namespaces: [.mount: 3, .time: 8], groups: [4, 27], filters: 2)

    let scratch: Scratch
    let workspace: ApprovedWorkspace

    init() throws {
        scratch = try Scratch()
        workspace = try ApprovedWorkspace(path: try scratch.directory("project"), mode: .read)
    }

    private func expectation(_ request: SandboxRequest, _ host: HostSupport) throws -> PostureExpectation {
        PostureExpectation(
            try Made.plan(request, host: host), session: request.session,
            first: ProcessIdentity(pid: 7, startTicks: 1), cgroup: nil, surroundings: Self.surroundings)
    }

    @Test(arguments: [true, false])
    func `mounts, limits and identity are those of the steps`(isRoot: Bool) throws {
        let limits = Limits(openFiles: 64, fileSize: ByteCount("1MiB"))
        let request = Made.request(workspace: workspace, limits: limits, credentials: true)
        let expected = try expectation(request, .made(isRoot: isRoot))
        let mounts = Dictionary(uniqueKeysWithValues: expected.mounts.map { ($0.target, $0) })
        #expect(
            Set(mounts.keys).isSuperset(of: [
                "/", "/usr", "/tmp", "/home/agent", "/proc", "/dev/pts", "/dev/null", "/workspace",
                "/run/remit/credentials",
            ]))
        #expect(mounts["/"]?.type == "tmpfs" && mounts["/"]?.attributes == [.readOnly, .noSetUser, .noDevices])
        #expect(
            mounts["/usr"]?.attributes == [.readOnly, .noSetUser, .noDevices] && mounts["/usr"]?.isRecursive == true)
        #expect(
            mounts["/dev/null"]?.attributes == [.noSetUser, .noExecute] && mounts["/dev/null"]?.isRecursive == false)
        #expect(mounts["/workspace"]?.attributes == [.readOnly, .noSetUser, .noDevices])
        #expect(
            mounts["/workspace"]?.file
                == MountedFile(device: workspace.facts.device, inode: workspace.facts.inode))
        #expect(
            mounts["/run/remit/credentials"]?.attributes == [.readOnly, .noSetUser, .noDevices, .noExecute])
        #expect(mounts["/proc"]?.type == "proc" && mounts["/dev/pts"]?.type == "devpts")
        #expect(expected.limits["Max open files"] == 64 && expected.limits["Max file size"] == 1 << 20)
        #expect(expected.limits["Max core file size"] == 0)
        #expect(expected.groups == (isRoot ? [] : [4, 27]))
        #expect(expected.filters == 3 && !expected.hasTerminal && expected.cgroup == nil)
        #expect(expected.ownNamespaces == Set(Namespace.allCases).subtracting([.time]))
        #expect(expected.hostNamespaces == Self.surroundings.namespaces)
    }

    @Test func `a terminal is expected where one is planned`() throws {
        #expect(try expectation(Made.request(terminal: true), .made()).hasTerminal)
    }

    @Test func `without control groups the limit of memory is the process's own`() throws {
        let request = Made.request(limits: Limits(memory: ByteCount("1GiB")))
        let expected = try expectation(request, .made(isRoot: false, controllers: [], cgroupParent: nil))
        #expect(expected.limits["Max data size"] == 1 << 30)
    }

    @Test func `this very process is not what a session is`() throws {
        let surroundings = try PostureSurroundings.current()
        #expect(surroundings.namespaces.count == Namespace.allCases.count || surroundings.namespaces[.time] == nil)
        let own = try #require(ProcessIdentity(pid: CurrentProcess.pid))
        var expected = try expectation(Made.request(), .made(isRoot: false))
        expected.first = own
        expected.hostNamespaces = surroundings.namespaces
        let posture = try PostureReader(expected).read()
        let comparison = PostureComparison(posture, with: expected)
        let differing = Set(comparison.differences.map(\.what))
        #expect(differing.contains { $0.hasPrefix("descriptor ") }, "\(differing)")
        // An unconfined process, read for real: every kind that it cannot have is found missing.
        #expect(
            differing.isSuperset(of: [
                "no_new_privs", "seccomp", "seccomp filters", "namespace mnt", "namespace pid", "namespace user",
                "namespace net", "mount /workspace", "mount /usr", "inspectable by its user",
            ]), "\(differing)")
    }
}
