// SPDX-License-Identifier: Apache-2.0

/// A policy as the authorizer uses it, once its scope matches.
struct CompiledPolicy: Sendable {
    let id: CedarString
    let effect: Effect
    /// The conditions, constants computed; each must have the value of its `expected`.
    let conditions: [(body: Expression, expected: Bool)]

    init(_ policy: Policy) {
        id = policy.id
        effect = policy.effect
        conditions = policy.conditions.map { ($0.body.folded, $0.kind == .when) }
    }

    /// Whether all conditions hold, asked in order until one doesn't.
    ///
    /// - Throws: where one that is asked can't be evaluated.
    func isSatisfied(_ evaluator: borrowing Evaluator) throws(EvaluationError) -> Bool {
        for condition in conditions where try evaluator.bool(condition.body) != condition.expected {
            return false
        }
        return true
    }
}
