// SPDX-License-Identifier: Apache-2.0

extension ScopeConstraint {
    /// Whether all that satisfies `other` satisfies this, whatever the entities are.
    func covers(_ other: ScopeConstraint) -> Bool {
        switch (self, other) {
        case (.any, _): true
        case (.equal(let mine), .equal(let theirs)): mine == theirs
        // Whatever is equal to an entity is in it.
        case (.in(let mine), .equal(let theirs)), (.in(let mine), .in(let theirs)),
            (.in(let mine), .isIn(_, let theirs)):
            mine == theirs
        case (.is(let type), .is(let theirs)), (.is(let type), .isIn(let theirs, _)): type == theirs
        case (.is(let type), .equal(.entity(let uid))): type == uid.type
        case (.isIn(let type, let mine), .isIn(let theirs, let container)): type == theirs && mine == container
        case (.isIn(let type, let mine), .equal(.entity(let uid))): type == uid.type && mine == .entity(uid)
        default: false
        }
    }
}

extension ActionConstraint {
    /// Whether all actions that satisfy `other` satisfy this, where `groups` gives the groups that a schema knows an
    /// action to be in.
    func covers(_ other: ActionConstraint, groups: (EntityUID) -> Set<EntityUID>) -> Bool {
        switch (self, other) {
        case (.any, _): true
        case (_, .any): false
        case (.equal(let mine), .equal(let theirs)): mine == theirs
        case (.equal, _): false
        default:
            other.members.allSatisfy { member in
                members.contains { $0 == member || groups(member).contains($0) }
            }
        }
    }

    private var members: [EntityUID] {
        switch self {
        case .any: []
        case .equal(let uid), .in(let uid): [uid]
        case .inAny(let uids): uids
        }
    }
}
