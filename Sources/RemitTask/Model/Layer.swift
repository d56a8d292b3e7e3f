// SPDX-License-Identifier: Apache-2.0

/// A layer of confinement that a profile can require and a host may lack.
package enum Layer: String, Hashable, Sendable, Codable, CaseIterable, Comparable {
    /// Mount, process, network, IPC, UTS, cgroup and user namespaces, as in `namespaces(7)`.
    case namespaces
    /// A root of its own, built from read-only binds.
    case mounts
    /// No further user namespaces can be made inside.
    case usernsDoor = "userns-door"
    /// No capabilities, and no way to gain any, as in `capabilities(7)`.
    case capabilities
    /// File system rules of `landlock(7)`.
    case landlock
    /// Landlock's right to shorten files: without it read-only mounts and file modes alone hold truncate(2).
    case landlockTruncate = "landlock-truncate"
    /// Landlock's scopes for signals and abstract sockets.
    case landlockScopes = "landlock-scopes"
    /// The system call filter of `seccomp(2)`.
    case seccomp
    /// Membership of a cgroup, and `cgroup.kill`, as in `cgroups(7)`.
    case cgroup
    /// The memory limit, enforced for the whole session.
    case memoryLimit = "limits.memory"
    /// The process limit, enforced for the whole session.
    case processLimit = "limits.processes"
    /// The CPU limit, enforced for the whole session.
    case cpuLimit = "limits.cpu"
    /// The limit of what is read from and written to the workspace's disk, enforced for the whole session.
    case ioLimit = "limits.io"
    /// The process that ends the session when the supervisor is gone.
    case `guard`
    /// The session's gate, through which alone it reaches anything; only of a session that may.
    case egress
    /// The layer that takes what a session writes to its workspace until somebody applies it; only of a session that has one.
    case overlay

    /// In the order of declaration, which is the order of a report.
    package static func < (left: Layer, right: Layer) -> Bool {
        (allCases.firstIndex(of: left) ?? 0) < (allCases.firstIndex(of: right) ?? 0)
    }
}
