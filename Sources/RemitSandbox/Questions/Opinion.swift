// SPDX-License-Identifier: Apache-2.0
// "May it?", answered layer by layer: what each says, and the line that made it say so.

internal import RemitTask

/// What one layer says to a question.
package struct Opinion: Hashable, Sendable {
    /// Whether the layer would let it happen.
    package enum Say: String, Hashable, Sendable {
        case allows
        case denies
        /// It is not there on this host, or has nothing to say about this.
        case silent
    }

    /// The layer: `mounts`, `permissions`, `landlock`, `seccomp`, `program`, `egress`, `environment`.
    package let layer: String
    package let say: Say
    /// Why, in one clause.
    package let detail: String
    /// The line that decides; nothing where none does.
    package let line: DecidingLine?

    package init(_ layer: String, _ say: Say, _ detail: String, line: DecidingLine? = nil) {
        self.layer = layer
        self.say = say
        self.detail = detail
        self.line = line
    }
}

/// Where the line stands that decides.
package enum DecidingLine: Hashable, Sendable {
    /// A value of the resolved profile, by its path there: `filesystem.binds./usr`.
    case profile(String)
    /// A value of the task, by its path in the file: `workspace.mode`.
    case task(String)
    /// A rule about the network, by the label that says where it was written.
    case rule(String)
    /// No file: what every session has.
    case builtIn(String)

    /// The path of a value of the profile or the task, as a journal keeps it; nothing for other lines.
    package var path: String? {
        switch self {
        case .profile(let path): "profile:\(path)"
        case .task(let path): "task:\(path)"
        case .rule, .builtIn: nil
        }
    }

    /// Reads what ``path`` wrote.
    package init?(path: String) {
        let parts = path.split(separator: ":", maxSplits: 1).map(String.init)
        guard parts.count == 2 else { return nil }
        switch parts[0] {
        case "profile": self = .profile(parts[1])
        case "task": self = .task(parts[1])
        default: return nil
        }
    }
}

/// The answer to one question: what every layer that has a say in it says.
package struct Answer: Hashable, Sendable {
    /// What was asked about, as it was asked.
    package let subject: String
    /// What it came to: the path with links resolved, the canonical name of a host.
    package let resolved: String?
    package let opinions: [Opinion]

    package init(_ subject: String, resolved: String?, _ opinions: [Opinion]) {
        self.subject = subject
        self.resolved = resolved
        self.opinions = opinions
    }

    package var isAllowed: Bool { opinions.allSatisfy { $0.say != .denies } }

    /// The layer that decides: the first that denies, or else the first that names a line.
    package var decisive: Opinion? {
        opinions.first { $0.say == .denies } ?? opinions.first { $0.say == .allows && $0.line != nil }
            ?? opinions.first { $0.say == .allows }
    }
}

/// What somebody wants to do with a path.
package enum PathAccess: String, Hashable, Sendable, CaseIterable {
    case read
    case write
    case execute
}
