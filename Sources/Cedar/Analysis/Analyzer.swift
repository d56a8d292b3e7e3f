// SPDX-License-Identifier: Apache-2.0

/// Finds policies that are likely not what their author meant, by looking at their text. It needs no schema, and says nothing
/// that a ``Validator`` says; all but the last of what it says is so, whatever the request and the entities are:
///
/// - a clause that fails, is true or is false whenever it is evaluated
/// - a policy whose clauses contradict each other: `x == 1` and `x == 2`, `x is A` and `x is B`, `c` and `!c`
/// - a policy that another one makes superfluous, or void: the other's scope is at least as wide, part by part, and every
///   clause of the other, split at `&&`, is one of this one's, word for word. A permit that is covered by a permit, or a
///   forbid by a forbid, makes no difference; a permit that is covered by a forbid never permits
/// - without a schema: an attribute that is used where nothing makes sure that it is there, though another condition of
///   the set asks whether it is
///
/// What it doesn't say may still be so: two policies of the same meaning in other words are different to it. For that,
/// there is ``Prover``.
public struct Analyzer: Sendable {
    /// How many pairs of policies are compared at most.
    private static let pairLimit = 4_000_000

    private let schema: Schema?

    /// An analyzer that takes the hierarchy of actions, which widens what a scope covers, from a schema.
    public init(schema: Schema? = nil) {
        self.schema = schema
    }

    /// Looks at policies and templates.
    /// - Returns: What there is to say, all of it warnings.
    public func analyze(_ policies: PolicySet) -> [Finding] {
        var findings: [Finding] = []
        var table = ShapeTable()
        var requirements: [Requirements] = []
        for policy in policies.policies {
            let required = Requirements(policy, shapes: &table)
            requirements.append(required)
            if policy.isLinked { continue }
            findings += analyze(policy.template, id: policy.id, contradiction: required.contradiction)
        }
        for template in policies.templates {
            findings += analyze(template.template, id: template.id, contradiction: nil)
        }
        if schema == nil { findings += unguarded(policies) }
        return findings + coverage(requirements)
    }

    // MARK: Clauses

    private func analyze(_ template: Template, id: CedarString, contradiction: SourceSpan?) -> [Finding] {
        var report = PolicyReport(id: id, source: template.source)
        for condition in template.conditions {
            let body = condition.body
            func warn(_ rule: Finding.Rule, _ message: String, at span: SourceSpan) {
                report.warn(Typechecker.Issue(rule: rule, message: message, span: span))
            }
            switch body.outcome {
            case .fails(let error):
                warn(.failingCondition, "the condition fails whenever it is evaluated: \(error)", at: error.span)
            case .value(.bool(let value)) where value == (condition.kind == .when):
                warn(.constantCondition, "the condition is always \(value), and may as well be left out", at: body.span)
            case .value(.bool(let value)):
                warn(.impossiblePolicy, "the policy never applies: the condition is always \(value)", at: body.span)
            case let outcome:
                guard let kind = outcome.kind, kind != .bool else { break }
                let error = EvaluationError(.type(expected: ["bool"], actual: kind.rawValue), at: body.span)
                warn(.failingCondition, "the condition fails whenever it is evaluated: \(error)", at: body.span)
            }
        }
        if let contradiction {
            let message = "the policy never applies: this contradicts what it requires before"
            report.warn(Typechecker.Issue(rule: .impossiblePolicy, message: message, span: contradiction))
        }
        return report.findings
    }

    // MARK: Guards

    private func unguarded(_ policies: PolicySet) -> [Finding] {
        let bodies =
            policies.policies.filter { !$0.isLinked }.map { (id: $0.id, template: $0.template) }
            + policies.templates.map { (id: $0.id, template: $0.template) }
        let lowered = bodies.map { (id: $0.id, policy: LoweredPolicy($0.template)) }
        var checker = GuardChecker()
        for (_, policy) in lowered { checker.learn(policy) }
        return lowered.flatMap { id, policy in
            var report = PolicyReport(id: id, source: policy.template.source)
            for (attribute, span) in checker.unguarded(policy) {
                let message = "`\(attribute)` is used without asking whether it is there, as is done elsewhere"
                report.warn(Typechecker.Issue(rule: .unsafeOptionalAttribute, message: message, span: span))
            }
            return report.findings
        }
    }

    // MARK: Coverage

    private func coverage(_ requirements: [Requirements]) -> [Finding] {
        var findings: [Finding] = []
        guard requirements.count * requirements.count <= Self.pairLimit else {
            let message = "there are too many policies to look for superfluous ones"
            return [Finding(.warning, .tooLarge, Diagnostic(message))]
        }
        for (index, covered) in requirements.enumerated() where covered.contradiction == nil {
            let other = requirements.enumerated().first { other, covering in
                guard other != index, covers(covering, covered) else { return false }
                if covering.policy.effect == covered.policy.effect {
                    // Of two that cover each other, the first stays.
                    return other < index || !covers(covered, covering)
                }
                return covering.policy.effect == .forbid
            }
            if let (_, covering) = other { findings.append(finding(covered.policy, coveredBy: covering.policy)) }
        }
        return findings
    }

    private func covers(_ covering: Requirements, _ covered: Requirements) -> Bool {
        covering.shapes.isSubset(of: covered.shapes)
            && covering.policy.scope.principal.covers(covered.policy.scope.principal)
            && covering.policy.scope.resource.covers(covered.policy.scope.resource)
            && covering.policy.scope.action.covers(covered.policy.scope.action) { action in
                schema?.actions[action]?.ancestors ?? []
            }
    }

    private func finding(_ covered: Policy, coveredBy covering: Policy) -> Finding {
        let message =
            covering.effect == covered.effect
            ? "the policy makes no difference: `\(covering.id)` \(covering.effect.rawValue)s all that it \(covered.effect.rawValue)s"
            : "the policy never permits anything: `\(covering.id)` forbids all that it permits"
        var report = PolicyReport(id: covered.id, source: covered.template.source)
        report.warn(Typechecker.Issue(rule: .shadowedPolicy, message: message, span: covered.template.span))
        return report.findings[0]
    }
}
