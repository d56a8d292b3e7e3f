// SPDX-License-Identifier: Apache-2.0

/// Checks policies, entities and requests against a schema, as strictly as the reference engine does.
///
/// A policy without errors, evaluated for a valid request on valid entities, fails only for arithmetic overflow and for
/// entities that are missing.
public struct Validator: Sendable {
    /// How many expressions are checked at most for one policy, over all kinds of requests, unless something else is
    /// asked for: a schema of a few kilobytes can allow more kinds than there is time for.
    public static let stepLimit = 20_000_000

    /// The schema.
    public let schema: Schema
    let types: ValidationSchema
    private let stepLimit: Int

    /// A validator of what `schema` allows, which gives a policy up after `stepLimit` expressions.
    public init(_ schema: Schema, stepLimit: Int = Validator.stepLimit) {
        self.schema = schema
        self.stepLimit = stepLimit
        types = ValidationSchema(schema)
    }

    // MARK: Policies

    /// Checks policies and templates.
    ///
    /// - Parameter level: How many entities may be looked up one through the other; nil for any number. Only policies
    ///   without other errors are checked for it.
    /// - Returns: What there is to say, in the order of the policies; they pass where none of it is an error.
    public func validate(_ policies: PolicySet, level: Int? = nil) -> [Finding] {
        var findings: [Finding] = []
        for policy in policies.policies {
            findings +=
                policy.isLinked ? validate(link: policy) : validate(policy.template, id: policy.id, level: level)
        }
        for template in policies.templates {
            findings += validate(template.template, id: template.id, level: level)
        }
        return findings
    }

    /// Checks one policy or template, which findings call `id`.
    /// - Returns: What there is to say; it passes where none of it is an error.
    public func validate(_ template: Template, id: CedarString, level: Int? = nil) -> [Finding] {
        let policy = LoweredPolicy(template)
        var report = PolicyReport(id: id, source: template.source)
        var names = NameChecker(types)
        names.check(policy)
        report.add(names.issues)
        let matcher = ScopeMatcher(template.scope, types)
        if !matcher.isApplicable { report.add(inapplicable(at: template.span)) }
        var levels: [Typechecker.Issue] = []
        var isPossible = false
        let isComplete = forEachEnvironment(policy) { checker, truth in
            report.add(checker.issues)
            if truth != .never { isPossible = true }
            if let level, checker.issues.isEmpty {
                var checker = LevelChecker(checker, limit: level)
                checker.check()
                levels += checker.issues
            }
            return true
        }
        if !isComplete {
            let message = "there are too many kinds of requests to check this policy for"
            report.add([Typechecker.Issue(rule: .tooLarge, message: message, span: template.span)])
        }
        if report.findings.isEmpty { report.add(levels) }
        if !isPossible {
            let message = "policy is impossible: the policy expression evaluates to false for all valid requests"
            report.warn(Typechecker.Issue(rule: .impossiblePolicy, message: message, span: template.span))
        }
        return report.findings
    }

    // MARK: Entities and requests

    /// Checks that entities are as the schema declares them.
    /// - Returns: An error for each that isn't, in the order of the entities.
    public func validate(entities: some Sequence<Entity>) -> [Finding] {
        entities.compactMap { entity in
            schema.nonconformance(of: entity).map { Finding(.error, .nonconformingEntity, $0) }
        }
    }

    /// Checks that a request is one that the schema allows.
    /// - Returns: An error where it isn't.
    public func validate(request: Request) -> [Finding] {
        schema.nonconformance(of: request).map { [Finding(.error, .nonconformingRequest, $0)] } ?? []
    }

    // MARK: Parts

    private func validate(link policy: Policy) -> [Finding] {
        var report = PolicyReport(id: policy.id, source: nil)
        var names = NameChecker(types)
        for (_, uid) in policy.values.sorted(by: { $0.key < $1.key }) { names.check(uid, at: .none) }
        report.add(names.issues)
        if !ScopeMatcher(policy.scope, types).isApplicable { report.add(inapplicable(at: .none)) }
        return report.findings
    }

    private func inapplicable(at span: SourceSpan) -> [Typechecker.Issue] {
        let message = "unable to find an applicable action given the policy scope constraints"
        return [Typechecker.Issue(rule: .inapplicableScope, message: message, span: span)]
    }

    /// Checks the types of a policy for every kind of request, until `body` returns false.
    /// - Returns: False where there were too many kinds.
    func forEachEnvironment(
        _ policy: LoweredPolicy, _ body: (Typechecker, ExpressionType.Truth) -> Bool
    ) -> Bool {
        let matcher = ScopeMatcher(policy.template.scope, types)
        var steps = 0
        for action in types.actions {
            for principal in action.principals.sorted() {
                for resource in action.resources.sorted() {
                    for slots in matcher.slots(principal: principal, resource: resource) {
                        let environment = RequestEnvironment(
                            principal: principal, action: action.uid, resource: resource, slots: slots)
                        var checker = Typechecker(policy, environment, types)
                        let truth = checker.check()
                        // What a checker needs for each expression costs something, too, also for those not reached.
                        steps += checker.steps + policy.nodes.count / 8 + 1
                        guard steps <= stepLimit else { return false }
                        guard body(checker, truth) else { return true }
                    }
                }
            }
        }
        return true
    }
}
