// SPDX-License-Identifier: Apache-2.0
// What a live session holds, as it was read from outside: facts without judgement.

/// Something that was read, or why it was not: nothing unread counts as fine.
package enum Reading<Value: Hashable & Sendable>: Hashable, Sendable {
    case value(Value)
    case unreadable(String)

    package var value: Value? { if case .value(let value) = self { value } else { nil } }

    package func map<Other>(_ change: (Value) -> Other) -> Reading<Other> {
        switch self {
        case .value(let value): .value(change(value))
        case .unreadable(let reason): .unreadable(reason)
        }
    }
}

/// A kind of namespace, by its name in `/proc/PID/ns`.
package enum Namespace: String, Hashable, Sendable, CaseIterable {
    case cgroup, ipc
    case mount = "mnt"
    case network = "net"
    case process = "pid"
    case time, user, uts
}

/// One thread.
package struct TaskPosture: Hashable, Sendable {
    package let task: Int32
    package var status: Reading<TaskStatus>
    /// The inode of each namespace.
    package var namespaces: [Namespace: Reading<UInt64>]
    /// The control group's path by controller; the unified hierarchy's is "".
    package var controlGroups: Reading<[String: String]>
}

/// One open descriptor.
package struct DescriptorPosture: Hashable, Sendable {
    package let number: Int32
    /// What `/proc/PID/fd` says: a path, or `kind:[inode]`.
    package var target: String
    /// The mount its file is on, by the number that mountinfo shows; `nil` when the kernel does not say.
    package var mount: Int?
    /// Of a socket: the inode of its network namespace.
    package var network: Reading<UInt64>?
    /// Of a pidfd: whether its process is in a pid namespace below the reader's, or gone.
    package var isInner: Bool?
}

/// One process of the session.
package struct ProcessPosture: Hashable, Sendable {
    /// Where it comes from.
    package enum Role: String, Hashable, Sendable {
        /// pid 1 of the sandbox.
        case first
        /// A descendant of it: the agent, and everything it started.
        case agent
        /// In a namespace or control group of the session's, but no descendant of its pid 1.
        case stranger
    }

    package let pid: Int32
    package var role: Role
    package var parent: Int32
    package var name: String
    package var tasks: [TaskPosture]
    package var mounts: Reading<[MountPosture]>
    /// Device and inode of what is mounted, for the mounts of which the plan names them.
    package var mounted: [String: Reading<MountedFile>]
    package var descriptors: Reading<[DescriptorPosture]>
    /// Hard limits by their name in `/proc/PID/limits`; `.max`: unlimited.
    package var limits: Reading<[String: UInt64]>
    /// The owner of its files in /proc: root's are those of a process that its user may not inspect.
    package var owner: Reading<UInt32>
    /// The controlling terminal's device number; 0: none.
    package var terminal: Reading<Int>
    package var interfaces: Reading<[String]>
    package var routes: Reading<Int>
}

/// A file by what stat(2) tells it apart by.
package struct MountedFile: Hashable, Sendable, CustomStringConvertible {
    package let device: UInt64
    package let inode: UInt64

    package init(device: UInt64, inode: UInt64) {
        self.device = device
        self.inode = inode
    }

    package var description: String { "inode \(inode) of device \(device)" }
}

/// What a live session holds.
package struct Posture: Hashable, Sendable {
    /// By number, pid 1 of the sandbox first.
    package var processes: [ProcessPosture]
    /// The files of the session's control groups in which limits are written, by path.
    package var limitFiles: [String: Reading<String>]
    /// The mount of every memfd of this host; `nil` when it could not be found out.
    package var memoryMount: Int?
    /// Processes that ended while they were read.
    package var gone: Int
    /// The last look found nothing new; `false` when the session made processes faster than they could be read.
    package var isSettled: Bool
}
