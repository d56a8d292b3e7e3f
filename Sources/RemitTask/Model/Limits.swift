// SPDX-License-Identifier: Apache-2.0

/// Resource limits: what a profile sets as defaults and ceilings, and what a task may lower.
package struct Limits: Hashable, Sendable, Codable {
    /// Memory of the whole session.
    package var memory: ByteCount?
    /// Processes and threads of the whole session.
    package var processes: Int?
    /// Number of CPUs, in steps of a thousandth: `1.5`.
    package var cpu: Double?
    /// Open descriptors of one process, as in `RLIMIT_NOFILE` of `getrlimit(2)`.
    package var openFiles: Int?
    /// Size of one file that a process writes, as in `RLIMIT_FSIZE` of `getrlimit(2)`.
    package var fileSize: ByteCount?
    /// What the session reads from and writes to the disk of its workspace.
    package var io: TransferLimits?
    /// What happens when the session runs into a limit; nothing leaves it to the kernel, and the session goes on.
    package var whenReached: LimitAction?

    /// Makes limits; what is left out is not limited.
    package init(
        memory: ByteCount? = nil, processes: Int? = nil, cpu: Double? = nil, openFiles: Int? = nil,
        fileSize: ByteCount? = nil, io: TransferLimits? = nil, whenReached: LimitAction? = nil
    ) {
        self.memory = memory
        self.processes = processes
        self.cpu = cpu
        self.openFiles = openFiles
        self.fileSize = fileSize
        self.io = io
        self.whenReached = whenReached
    }

    /// Whether nothing is limited.
    package var isEmpty: Bool { self == Limits() }

    /// These limits with whatever the task lowers, and every attempt to raise one, which is left at its ceiling.
    package func lowered(by task: Limits) -> (limits: Limits, violations: [LimitViolation]) {
        var violations: [LimitViolation] = []
        func least<Value: Comparable>(_ name: String, _ ceiling: Value?, _ asked: Value?) -> Value? {
            guard let ceiling, let asked else { return asked ?? ceiling }
            if asked > ceiling {
                violations.append(LimitViolation(limit: name, asked: "\(asked)", ceiling: "\(ceiling)"))
            }
            return min(asked, ceiling)
        }
        let limits = Limits(
            memory: least("memory", memory, task.memory),
            processes: least("processes", processes, task.processes),
            cpu: least("cpu", cpu, task.cpu),
            openFiles: least("openFiles", openFiles, task.openFiles),
            fileSize: least("fileSize", fileSize, task.fileSize),
            io: TransferLimits(
                read: least("io.read", io?.read, task.io?.read), write: least("io.write", io?.write, task.io?.write)
            ).orNothing,
            whenReached: least("whenReached", whenReached, task.whenReached)
        )
        return (limits, violations)
    }
}

/// Bytes per second, by direction.
package struct TransferLimits: Hashable, Sendable, Codable {
    /// Bytes read per second.
    package var read: ByteCount?
    /// Bytes written per second.
    package var write: ByteCount?

    /// Makes limits; what is left out is not limited.
    package init(read: ByteCount? = nil, write: ByteCount? = nil) {
        self.read = read
        self.write = write
    }

    /// These limits, or nothing when they limit nothing.
    var orNothing: TransferLimits? { read == nil && write == nil ? nil : self }
}

extension TransferLimits: CustomStringConvertible {
    /// `read 8MiB, write 4MiB`
    package var description: String {
        [read.map { "read \($0)" }, write.map { "write \($0)" }].compactMap { $0 }.joined(separator: ", ")
    }
}

/// What happens to a session that runs into a limit of memory or processes.
package enum LimitAction: String, Hashable, Sendable, Codable, CaseIterable, Comparable {
    /// It ends, for its budget is used up.
    case end
    /// It goes on: the kernel refuses the process, or ends the one that took too much.
    case `continue`

    /// The stricter one first: a task may not go on where its profile ends.
    package static func < (left: LimitAction, right: LimitAction) -> Bool { left == .end && right == .continue }
}

/// A limit that a task asked to be higher than its profile allows.
package struct LimitViolation: Hashable, Sendable, CustomStringConvertible {
    /// The key of the limit: `memory`.
    package let limit: String
    /// What the task asked for.
    package let asked: String
    /// What the profile allows at most.
    package let ceiling: String

    /// One sentence: ``limit `memory` of `8GiB` is above the profile's `4GiB` ``.
    package var description: String { "limit `\(limit)` of `\(asked)` is above the profile's `\(ceiling)`" }
}
