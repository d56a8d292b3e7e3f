// SPDX-License-Identifier: Apache-2.0

/// Tells which kinds of requests a scope can be about, going by the schema alone.
struct ScopeMatcher {
    private let schema: ValidationSchema
    private let scope: Scope
    /// The actions of a list; nil for a list with one that isn't declared, of which nothing is known.
    private let listed: Set<EntityUID>?

    init(_ scope: Scope, _ schema: ValidationSchema) {
        self.schema = schema
        self.scope = scope
        if case .inAny(let uids) = scope.action, uids.allSatisfy({ schema.schema.actions[$0] != nil }) {
            listed = Set(uids)
        } else {
            listed = nil
        }
    }

    /// Whether there is an action with a principal and a resource that satisfy the scope.
    var isApplicable: Bool {
        schema.actions.contains { action in
            matches(action.uid) && action.principals.contains { matches($0, scope.principal) }
                && action.resources.contains { matches($0, scope.resource) }
        }
    }

    private func matches(_ action: EntityUID) -> Bool {
        switch scope.action {
        case .any: true
        case .equal(let uid): action == uid
        case .in(let group): schema.isAction(action, in: group) == true
        case .inAny:
            listed.map { $0.contains(action) || schema.schema.actions[action]?.ancestors.isDisjoint(with: $0) == false }
                ?? false
        }
    }

    private func matches(_ type: Name, _ constraint: ScopeConstraint) -> Bool {
        switch constraint {
        case .any, .equal(.slot), .in(.slot): true
        case .equal(.entity(let uid)): type == uid.type
        case .in(.entity(let uid)): isDescendant(type, of: uid.type)
        case .is(let expected), .isIn(let expected, .slot): type == expected
        case .isIn(let expected, .entity(let uid)): type == expected && isDescendant(type, of: uid.type)
        }
    }

    private func isDescendant(_ type: Name, of ancestor: Name) -> Bool {
        type == ancestor || schema.schema.entityTypes[type]?.ancestors.contains(ancestor) == true
    }

    /// The types that may fill the slots of a template when `principal` asks about `resource`; only those with which the
    /// scope can be satisfied.
    func slots(principal: Name, resource: Name) -> [[Slot: Name]] {
        var links: [[Slot: Name]] = [[:]]
        for (constraint, type) in [(scope.principal, principal), (scope.resource, resource)] {
            guard case .slot(let slot) = constraint.reference else { continue }
            var types = [type]
            if case .equal = constraint {
            } else {
                types += (schema.schema.entityTypes[type]?.ancestors ?? []).subtracting([type]).sorted()
            }
            links = links.flatMap { link in types.map { link.merging([slot: $0]) { _, new in new } } }
        }
        return links
    }
}
