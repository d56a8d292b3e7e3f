// SPDX-License-Identifier: Apache-2.0

package import RemitKernel

/// Which user of the host the agent's processes are. Inside they are always uid and gid 1000, and never root outside.
package struct AgentIdentity: Hashable, Sendable {
    /// The user and group inside the sandbox.
    package static let inside: UInt32 = 1000

    package let user: UInt32
    package let group: UInt32
    /// The workspace belongs to someone else than `user`: its owner is mapped onto the agent by an id-mapped mount.
    package let mappedOwner: Owner?

    package struct Owner: Hashable, Sendable {
        package let user: UInt32
        package let group: UInt32
    }

    /// A user of systemd's dynamic range, the same for the same name.
    package static func unassigned(for name: String) -> UInt32 {
        let first: UInt32 = 61_184
        let count: UInt32 = 4_336
        return first + name.utf8.reduce(5381) { ($0 &* 33) ^ UInt32($1) } % count
    }

    /// An ordinary caller is the agent itself. Root hands over to the workspace's owner, or, where that is root or
    /// there is none, to a user of systemd's dynamic range that no account has and no other session is likely to get.
    package init(session: String, workspace: FileSystem.Facts?) {
        guard CurrentProcess.isRoot else {
            user = CurrentProcess.userID
            group = CurrentProcess.groupID
            mappedOwner = nil
            return
        }
        if let workspace, workspace.owner != 0, workspace.group != 0 {
            user = workspace.owner
            group = workspace.group
            mappedOwner = nil
            return
        }
        let number = Self.unassigned(for: session)
        user = number
        group = number
        mappedOwner = workspace.map { Owner(user: $0.owner, group: $0.group) }
    }

    /// Why nobody can be this user here; `nil` when somebody can. In a user namespace that is not the host's own, root has
    /// only the identifiers that were mapped into it.
    package var obstacle: String? {
        let missing: String
        if !IdentifierMap.ownUsers().contains(user) {
            missing = "user \(user)"
        } else if !IdentifierMap.ownGroups().contains(group) {
            missing = "group \(group)"
        } else {
            return nil
        }
        return "there is no \(missing) in this user namespace for the agent to run as: run Remit outside of it as an "
            + "ordinary user, or map a range into it (newuidmap(1))"
    }
}
