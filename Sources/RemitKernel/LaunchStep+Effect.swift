// SPDX-License-Identifier: Apache-2.0

internal import CLaunch
internal import CLinux

/// What a step leaves behind that can be seen from outside of the sandbox once the agent runs.
package enum LaunchEffect: Hashable, Sendable {
    /// The slot is a copy of a tree of the host; `device` and `inode` are the approved file's, when one was approved.
    case takes(Slot, recursive: Bool, device: UInt64, inode: UInt64)
    /// The slot is a new file system.
    case makes(Slot, type: String, MountAttributes)
    /// The slot is an overlay: what is in another slot shows through it.
    case covers(Slot, over: Slot, MountAttributes)
    /// The slot is a copy of what `from` is at that time, or of a file in it.
    case copies(Slot, from: Slot)
    case sets(Slot, MountAttributes, recursive: Bool)
    /// The slot is mounted at this absolute path.
    case mounts(Slot, at: String)
    /// The slot is mounted at `/`.
    case becomesRoot(Slot)
    /// A cgroup namespace of its own, later than the others.
    case ownsCgroupNamespace
    /// No supplementary group is left.
    case dropsGroups
    case limits(resource: Int32, value: UInt64)
    /// One more system-call filter.
    case filters
    /// A controlling terminal.
    case takesTerminal
}

extension LaunchStep {
    /// `nil` for a step of which nothing can be seen from outside.
    package var effect: LaunchEffect? {
        let isRecursive = flags & LAUNCH_RECURSIVE.rawValue != 0
        let attributes = MountAttributes(rawValue: a)
        switch (launch_operation(rawValue: operation), slot, path) {
        case (LAUNCH_CLONE_TREE, let slot?, _): return .takes(slot, recursive: isRecursive, device: a, inode: b)
        case (LAUNCH_FILESYSTEM, let slot?, let type?): return .makes(slot, type: type, attributes)
        case (LAUNCH_OVERLAY, let slot?, _): return others.last.map { .covers(slot, over: $0, attributes) }
        case (LAUNCH_REOPEN_TREE, let slot?, _): return from.map { .copies(slot, from: $0) }
        case (LAUNCH_ATTRIBUTES, let slot?, _): return .sets(slot, attributes, recursive: isRecursive)
        case (LAUNCH_MOVE, let slot?, let path?): return .mounts(slot, at: "/" + path)
        case (LAUNCH_PIVOT, _, _): return from.map(LaunchEffect.becomesRoot)
        case (LAUNCH_CGROUP_NAMESPACE, _, _): return .ownsCgroupNamespace
        case (LAUNCH_DROP_GROUPS, _, _): return .dropsGroups
        case (LAUNCH_RESOURCE_LIMIT, _, _): return .limits(resource: Int32(truncatingIfNeeded: a), value: hardLimit)
        case (LAUNCH_SECCOMP, _, _): return .filters
        case (LAUNCH_CONTROLLING_TERMINAL, _, _): return .takesTerminal
        default: return nil
        }
    }

    /// The second half of a `struct rlimit64`.
    private var hardLimit: UInt64 { data.dropFirst(8).reversed().reduce(0) { $0 << 8 | UInt64($1) } }
}
