// SPDX-License-Identifier: Apache-2.0

package import RemitKernel
internal import RemitTask

/// What this host and this user can enforce; asked of the kernel, never assumed.
package struct HostSupport: Sendable {
    package let isRoot: Bool
    package let kernel: String
    package let landlock: LandlockSupport
    package let cgroups: CgroupHierarchies
    /// Where a session's control group would be made; `nil`: nowhere.
    package let cgroupParent: String?
    package let hasCgroupKill: Bool
    /// Refused system calls can be reported to the supervisor.
    package let canReportCalls: Bool
    /// `user.max_user_namespaces` of this namespace.
    package let userNamespaceLimit: Int
    /// A sysctl that forbids ordinary users their user namespaces, as `name=value`.
    package let userNamespaceObstacle: String?

    /// Asks the kernel; takes well under a millisecond.
    package static func probe() -> HostSupport {
        let cgroups = CgroupHierarchies.probe()
        let parent = SessionCgroup.parent(in: cgroups)
        return HostSupport(
            isRoot: CurrentProcess.isRoot,
            kernel: text("/proc/sys/kernel/osrelease") ?? "unknown",
            landlock: .probe(),
            cgroups: cgroups,
            cgroupParent: parent,
            hasCgroupKill: parent.map(Self.hasKill) ?? false,
            canReportCalls: SystemCallListener.isSupported(),
            userNamespaceLimit: text("/proc/sys/user/max_user_namespaces").flatMap { Int($0) } ?? 0,
            userNamespaceObstacle: CurrentProcess.isRoot ? nil : obstacle()
        )
    }

    // The root group has no cgroup.kill; any other one shows whether the kernel does.
    private static func hasKill(_ parent: String) -> Bool {
        if FileSystem.exists("\(parent)/cgroup.kill") { return true }
        let siblings = (try? FileSystem.names(in: FileSystem.parent(of: parent))) ?? []
        return siblings.contains { FileSystem.exists("\(FileSystem.parent(of: parent))/\($0)/cgroup.kill") }
            || (FileSystem.exists(parent) == false && kernelAtLeast(5, 14))
    }

    private static func kernelAtLeast(_ major: Int, _ minor: Int) -> Bool {
        let parts = (text("/proc/sys/kernel/osrelease") ?? "").split(separator: ".").prefix(2).compactMap {
            Int($0.prefix { $0.isNumber })
        }
        return parts.count == 2 && (parts[0], parts[1]) >= (major, minor)
    }

    private static func obstacle() -> String? {
        if text("/proc/sys/kernel/unprivileged_userns_clone") == "0" { return "kernel.unprivileged_userns_clone=0" }
        if text("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == "1" {
            return "kernel.apparmor_restrict_unprivileged_userns=1"
        }
        return nil
    }

    private static func text(_ path: String) -> String? {
        (try? FileSystem.read(path, limit: 4096)).map {
            String(decoding: $0, as: UTF8.self).split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
        }
    }
}
