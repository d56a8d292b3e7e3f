// SPDX-License-Identifier: Apache-2.0
// Hosts, profiles and requests made up for a test.

import Foundation
import Glibc
import RemitTask

@testable import RemitKernel
@testable import RemitSandbox

/// A directory that is gone when the test is.
final class Scratch {
    let path: String

    init() throws {
        let made = "\(NSTemporaryDirectory())/remit-sandbox-\(Random.identifier(12))"
        try FileSystem.makeDirectories(made, mode: 0o755)
        path = try FileSystem.resolved(made)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func directory(_ name: String) throws -> String {
        try FileSystem.makeDirectories("\(path)/\(name)", mode: 0o755)
        return "\(path)/\(name)"
    }
}

extension HostSupport {
    /// A host that can do everything, as far as a plan can tell.
    static func made(
        isRoot: Bool = true,
        landlock: Int = 7,
        controllers: [String] = ["memory", "pids", "cpu", "blkio"],
        unified: String? = "/sys/fs/cgroup/unified",
        cgroupParent: String? = "/sys/fs/cgroup/unified/remit",
        hasCgroupKill: Bool = true,
        delegable: Set<String> = [],
        usesScope: Bool = false,
        scopeObstacle: String? = nil,
        canReportCalls: Bool = true,
        userNamespaceLimit: Int = 10_000,
        obstacle: String? = nil
    ) -> HostSupport {
        HostSupport(
            isRoot: isRoot,
            kernel: "6.18.0",
            landlock: LandlockSupport(abi: landlock, errata: 0),
            cgroups: CgroupHierarchies(
                unified: unified,
                controllers: Dictionary(uniqueKeysWithValues: controllers.map { ($0, "/sys/fs/cgroup/\($0)") }),
                own: [:]
            ),
            cgroupParent: cgroupParent,
            hasCgroupKill: hasCgroupKill,
            delegable: delegable,
            usesScope: usesScope,
            scopeObstacle: scopeObstacle,
            canReportCalls: canReportCalls,
            userNamespaceLimit: userNamespaceLimit,
            userNamespaceObstacle: obstacle
        )
    }
}

extension HostSupport {
    /// A stock host of today, used by an ordinary user: version 2, and a systemd that delegates these controllers.
    static func scope(_ controllers: Set<String>) -> HostSupport {
        let group = "/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service"
        return .made(
            isRoot: false, controllers: [], unified: "/sys/fs/cgroup", cgroupParent: group, delegable: controllers,
            usesScope: true
        )
    }
}

enum Made {
    /// A place that cannot be made: every plan compiles its filter.
    static let cache = FilterCache(directory: "/proc/no-cache")

    static let profile = Profile(
        name: "made",
        filesystem: ProfileFilesystem(
            binds: [Bind(source: "/usr")],
            links: ["/bin": "usr/bin", "/lib": "usr/lib", "/lib64": "usr/lib64", "/sbin": "usr/sbin"],
            temporary: ByteCount("1MiB"), home: ByteCount("2MiB")
        ),
        requiredLayers: [.namespaces, .mounts, .usernsDoor, .capabilities, .seccomp]
    )

    static func request(
        _ command: [String] = ["sh", "-c", "exit 0"],
        profile: Profile = Made.profile,
        workspace: ApprovedWorkspace? = nil,
        limits: Limits = Limits(),
        terminal: Bool = false,
        credentials: Bool = false
    ) -> SandboxRequest {
        SandboxRequest(
            session: "t\(Random.identifier(15))", profile: profile, command: command, workspace: workspace,
            environment: ["PATH": "/usr/bin:/bin"], limits: limits, sockets: [], terminal: terminal,
            credentials: credentials
        )
    }

    static func plan(_ request: SandboxRequest, host: HostSupport, excused: Set<Layer> = []) throws -> SandboxPlan {
        let enforcement = EnforcementPlan(
            profile: request.profile, limits: request.limits, host: host, excused: excused)
        return try SandboxPlan(request, host: host, enforcement: enforcement, cache: cache)
    }
}
