// SPDX-License-Identifier: Apache-2.0

/// A policy as the authorizer uses it.
struct CompiledPolicy: Sendable {
    let id: CedarString
    let effect: Effect
    let principal: ScopeConstraint
    let action: ActionConstraint
    let resource: ScopeConstraint
    /// The conditions, constants computed; each must have the value of its `expected`.
    let conditions: [(body: Expression, expected: Bool)]

    init(_ policy: Policy) {
        id = policy.id
        effect = policy.effect
        principal = policy.scope.principal
        action = policy.scope.action
        resource = policy.scope.resource
        conditions = policy.conditions.map { ($0.body.folded, $0.kind == .when) }
    }

    /// Whether the policy applies.
    ///
    /// - Throws: where a condition can't be evaluated.
    func isSatisfied(_ evaluator: borrowing Evaluator) throws(EvaluationError) -> Bool {
        guard matches(evaluator) else { return false }
        for condition in conditions where try evaluator.bool(condition.body) != condition.expected {
            return false
        }
        return true
    }

    /// Whether the request is within the scope; this can't fail.
    private func matches(_ evaluator: borrowing Evaluator) -> Bool {
        principal.matches(evaluator.request.principal, evaluator)
            && resource.matches(evaluator.request.resource, evaluator)
            && action.matches(evaluator.request.action, evaluator)
    }
}

extension ScopeConstraint {
    /// Whether `entity` is one of those meant; an open slot means none.
    fileprivate func matches(_ entity: EntityUID, _ evaluator: borrowing Evaluator) -> Bool {
        switch self {
        case .any: true
        case .equal(.entity(let other)): entity == other
        case .in(.entity(let ancestor)): evaluator.isMember(entity, of: ancestor)
        case .is(let type): entity.type == type
        case .isIn(let type, .entity(let ancestor)):
            entity.type == type && evaluator.isMember(entity, of: ancestor)
        case .equal(.slot), .in(.slot), .isIn(_, .slot): false
        }
    }
}

extension ActionConstraint {
    /// Whether `action` is one of those meant.
    fileprivate func matches(_ action: EntityUID, _ evaluator: borrowing Evaluator) -> Bool {
        switch self {
        case .any: true
        case .equal(let other): action == other
        case .in(let group): evaluator.isMember(action, of: group)
        case .inAny(let groups): groups.contains { evaluator.isMember(action, of: $0) }
        }
    }
}
