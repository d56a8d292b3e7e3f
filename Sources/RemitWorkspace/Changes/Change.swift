// SPDX-License-Identifier: Apache-2.0

/// One path that a session left otherwise than the workspace has it now.
package struct Change: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable, CaseIterable {
        case added
        /// Other contents, or another target of a link; perhaps another mode as well.
        case modified
        case deleted
        /// Another mode only.
        case mode
        /// Other extended attributes or access lists only, none of which is brought along.
        case attributes
        /// Something of another kind, a link where a file was.
        case type
    }

    package var path: TreePath
    package var kind: Kind
    /// What the workspace has.
    package var before: Node?
    /// What the session left.
    package var after: Node?
    /// What speaks against bringing it into the workspace, or deserves a look.
    package var concerns: [Concern] = []

    package init(_ path: TreePath, _ kind: Kind, before: Node?, after: Node?, concerns: [Concern] = []) {
        self.path = path
        self.kind = kind
        self.before = before
        self.after = after
        self.concerns = concerns
    }

    /// The letter that git(1) has for it; a change of mode or attributes only is an `M` as well.
    package var letter: String {
        switch kind {
        case .added: "A"
        case .modified, .mode, .attributes: "M"
        case .deleted: "D"
        case .type: "T"
        }
    }

    /// What of it stays behind even when it is applied; nil when nothing does.
    package var remainder: String? { concerns.first { $0.rule == Concern.unappliedRule }?.reason }

    /// Whether the path was or is a directory.
    package var isDirectory: Bool { (after ?? before)?.kind == .directory }
}

/// Something about a change that whoever applies it should know.
package struct Concern: Hashable, Sendable {
    package enum Weight: String, Hashable, Sendable, Comparable {
        /// To be seen, no more.
        case noted
        /// The host may execute it without being asked to: it has to be named, or forced.
        case flagged
        /// It has to be forced.
        case guarded
        /// It is never brought along.
        case refused

        package static func < (left: Weight, right: Weight) -> Bool { left.rank < right.rank }

        private var rank: Int {
            switch self {
            case .noted: 0
            case .flagged: 1
            case .guarded: 2
            case .refused: 3
            }
        }
    }

    package let weight: Weight
    /// A word for machines, such as `git-hook`.
    package let rule: String
    /// Why, for people: lower case, no full stop.
    package let reason: String

    /// The word for attributes that are not brought along.
    static let unappliedRule = "attributes"

    package init(_ weight: Weight, _ rule: String, _ reason: String) {
        self.weight = weight
        self.rule = rule
        self.reason = reason
    }
}

extension Change {
    /// The heaviest of its concerns; nil when there is none.
    package var weight: Concern.Weight? { concerns.map(\.weight).max() }
}
