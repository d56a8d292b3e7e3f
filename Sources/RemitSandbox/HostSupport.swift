// SPDX-License-Identifier: Apache-2.0

package import RemitKernel
package import RemitTask

/// What this host and this user can enforce; asked of the kernel, never assumed.
package struct HostSupport: Sendable {
    package let isRoot: Bool
    package let kernel: String
    package let landlock: LandlockSupport
    package let cgroups: CgroupHierarchies
    /// Where a session's control group would be made; `nil`: nowhere.
    package let cgroupParent: String?
    package let hasCgroupKill: Bool
    /// The controllers whose limits a session's group of version 2 can have.
    package let delegable: Set<String>
    /// The user's systemd makes the session's group, as a scope.
    package let usesScope: Bool
    /// Why the user's systemd makes none; `nil` when it was not needed.
    package let scopeObstacle: String?
    /// Refused system calls can be reported to the supervisor.
    package let canReportCalls: Bool
    /// `user.max_user_namespaces` of this namespace.
    package let userNamespaceLimit: Int
    /// A sysctl that forbids ordinary users their user namespaces, as `name=value`.
    package let userNamespaceObstacle: String?
    /// What a layer is made with and this host does not have, or something around us refuses.
    package var obstacles: [Layer: String] = [:]
    /// What Landlock refuses is recorded by the kernel, and this process may read it.
    package var auditsLandlock = false

    /// Asks the kernel, which takes well under a millisecond, and for an ordinary user the user's systemd.
    package static func probe() -> HostSupport {
        let cgroups = CgroupHierarchies.probe()
        let own = SessionCgroup.parent(in: cgroups)
        var manager: UserManagerSupport?
        var scopeObstacle: String?
        if let unified = cgroups.unified, !CurrentProcess.isRoot {
            do throws(UserManagerError) {
                let connection = try UserManager(runtimeDirectory: UserManager.runtimeDirectory)
                manager = try connection.support(unified: unified)
            } catch {
                scopeObstacle = error.description
            }
        }
        let parent = manager?.group ?? own
        let landlock = LandlockSupport.probe()
        return HostSupport(
            isRoot: CurrentProcess.isRoot,
            kernel: text("/proc/sys/kernel/osrelease") ?? "unknown",
            landlock: landlock,
            cgroups: cgroups,
            cgroupParent: parent,
            hasCgroupKill: manager?.hasKill ?? parent.map(Self.hasKill) ?? false,
            delegable: manager?.controllers ?? own.map { own in
                // Of our own directory nothing is known before it is there; the root above it hands down to it.
                SessionCgroup.delegable(below: CurrentProcess.isRoot ? FileSystem.parent(of: own) : own)
            } ?? [],
            usesScope: manager != nil,
            scopeObstacle: scopeObstacle,
            canReportCalls: SystemCallListener.isSupported(),
            userNamespaceLimit: text("/proc/sys/user/max_user_namespaces").flatMap { Int($0) } ?? 0,
            userNamespaceObstacle: CurrentProcess.isRoot ? nil : obstacle(),
            obstacles: callObstacles(),
            auditsLandlock: CurrentProcess.isRoot && landlock.abi >= 7 && AuditLog.isOn
        )
    }

    private static func callObstacles() -> [Layer: String] {
        var found: [Layer: String] = [:]
        found[.namespaces] = LaunchCalls.missingForNamespaces().map { $0 + NamespaceProbe.filterHint }
        found[.mounts] = LaunchCalls.missingForMounts().map { $0 + NamespaceProbe.filterHint }
        found[.seccomp] = LaunchCalls.filterObstacle()
        return found
    }

    /// The same host after the namespaces of a sandbox were made on trial: what refuses them may show in nothing else.
    package func tried() -> HostSupport {
        // What has a sysctl or a missing call to its name is named by that.
        guard userNamespaceObstacle == nil, userNamespaceLimit >= 2 else { return self }
        var host = self
        if let (step, reason) = NamespaceProbe.refusal() {
            let layer: Layer = step == .namespaces ? .namespaces : .mounts
            host.obstacles[layer] = obstacles[layer] ?? reason
        } else {
            let nobody = AgentIdentity(session: "probe", workspace: nil).obstacle
            host.obstacles[.namespaces] = obstacles[.namespaces] ?? nobody
        }
        return host
    }

    /// The same host after the user's systemd refused what it seemed to offer.
    package func withoutScope(_ obstacle: String) -> HostSupport {
        HostSupport(
            isRoot: isRoot, kernel: kernel, landlock: landlock, cgroups: cgroups, cgroupParent: nil,
            hasCgroupKill: false, delegable: [], usesScope: false, scopeObstacle: obstacle,
            canReportCalls: canReportCalls, userNamespaceLimit: userNamespaceLimit,
            userNamespaceObstacle: userNamespaceObstacle, obstacles: obstacles, auditsLandlock: auditsLandlock
        )
    }

    /// Whether a session's group can hold a limit of this controller.
    func canLimit(_ controller: String) -> Bool {
        guard cgroupParent != nil else { return false }
        guard isRoot, cgroups.isHybrid else { return delegable.contains(controller) }
        return CgroupHierarchies.versionOne(controller).map { cgroups.controllers[$0] != nil } ?? false
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
        if text("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == "1",
            // Who has a profile of their own is not restricted by it; the installed program's allows user namespaces.
            NamespaceProbe.profile?.hasPrefix("unconfined") ?? true
        {
            return "kernel.apparmor_restrict_unprivileged_userns=1; load the profile that is installed with remit: "
                + "`apparmor_parser -r PREFIX/share/remit/apparmor/remit`"
        }
        return nil
    }

    private static func text(_ path: String) -> String? {
        (try? FileSystem.read(path, limit: 4096)).map {
            String(decoding: $0, as: UTF8.self).split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
        }
    }
}
