// SPDX-License-Identifier: Apache-2.0
// Task, profile and host become a launch plan; `PlanBuilder` lays out its steps.

package import RemitKernel
internal import RemitTask

/// A launch plan, and what the supervisor must do around it.
package struct SandboxPlan: Sendable {
    package let launch: LaunchPlan
    package let identity: AgentIdentity
    package let enforcement: EnforcementPlan
    /// What root takes from the host itself, because the agent's user may not be able to reach it by name.
    package let trees: [HostTree]
    package let cgroupLimits: CgroupLimits
    /// The profile of a session that is observed.
    let observed: Profile?

    /// A tree of the host that the supervisor clones, and the slot it goes to.
    package struct HostTree: Hashable, Sendable {
        package let path: String
        /// The file that was approved; `nil` for a directory of our own.
        package let facts: FileSystem.Facts?
        package let slot: Slot
        package let owner: AgentIdentity.Owner?
    }

    /// The option of `/proc` that leaves processes in it and takes everything else out.
    static let processesOnly = "subset=pid"

    /// Where things are inside.
    package enum Path {
        package static let workspace = "workspace"
        package static let home = "home/agent"
        package static let credentials = "run/remit/credentials"
        package static let sockets = "run/remit/sockets"
        /// What the agent may read about its session.
        package static let description = "run/remit/session.json"
        /// What the session trusts besides the host's authorities.
        package static let trust = "run/remit/trust"
        /// What every host has in `/proc` and no session.
        static let hostVersion = "/proc/version"
        /// An empty file with mode 0444 in the root, where Landlock allows to list and nothing else: whoever opens it
        /// is not under Landlock.
        package static let sealed = ".sealed"
    }

    /// - Throws: ``SandboxError`` when the agent's user does not exist here, a source of the profile is missing, two
    ///   things want the same place, or the system-call rules are wrong.
    package init(
        _ request: SandboxRequest,
        host: HostSupport,
        enforcement: EnforcementPlan,
        cache: FilterCache
    ) throws(SandboxError) {
        self.enforcement = enforcement
        observed = request.isObserved ? request.profile : nil
        identity = AgentIdentity(session: request.agent ?? request.session, workspace: request.workspace?.facts)
        if let obstacle = identity.obstacle { throw SandboxError(obstacle) }
        cgroupLimits = CgroupLimits(
            memory: request.limits.memory?.bytes,
            processes: request.limits.processes,
            cpu: request.limits.cpu,
            io: request.limits.io.flatMap { io in
                request.workspace?.disk.map {
                    CgroupLimits.TransferLimit(device: $0, read: io.read?.bytes, write: io.write?.bytes)
                }
            },
            endsTogether: request.limits.whenReached == .end
        )
        var builder = PlanBuilder(
            request: request, host: host, enforcement: enforcement, identity: identity, cache: cache)
        try builder.build()
        trees = builder.trees
        launch = LaunchPlan(
            setup: builder.setup,
            agent: builder.agent,
            arguments: request.command,
            environment: request.environment.map { "\($0.key)=\($0.value)" }.sorted(),
            // NEWUSER, NEWNS, NEWPID, NEWNET, NEWIPC, NEWUTS, NEWCGROUP
            namespaces: 0x1000_0000 | 0x0002_0000 | 0x2000_0000 | 0x4000_0000 | 0x0800_0000 | 0x0400_0000
                | (host.usesScope ? 0 : 0x0200_0000),
            lingers: host.usesScope
        )
    }
}
