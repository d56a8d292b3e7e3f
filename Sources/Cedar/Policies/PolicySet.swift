// SPDX-License-Identifier: Apache-2.0

/// Policies that decide together, and the templates some of them are links of.
public struct PolicySet: Sendable {
    /// The policies that take part in decisions, static and linked, in the order they were added.
    public private(set) var policies: [Policy] = []
    /// The templates with slots, in the order they were added. They take part in no decision themselves.
    public private(set) var templates: [PolicyTemplate] = []

    /// A template in a set, and what links call it.
    public struct PolicyTemplate: Sendable {
        /// What links call it; unique among policies and templates.
        public let id: CedarString
        /// What is written.
        public let template: Template
    }

    /// The policies at the same positions, as the authorizer uses them.
    private(set) var compiled: [CompiledPolicy] = []
    /// Which of them match a request.
    private(set) var index = PolicyIndex()

    /// How high the expressions of policies may be.
    private let limits: SyntaxLimits
    private var positions: [CedarString: Position] = [:]

    private enum Position {
        case policy(Int)
        case template(Int)
    }

    /// A set without policies.
    public init(limits: SyntaxLimits = SyntaxLimits()) {
        self.limits = limits
    }

    /// Reads policies and templates from text.
    ///
    /// Their ids are `policy0`, `policy1` and so on, in order; where `idAnnotation` names an annotation, those that have it
    /// are called as it says instead.
    ///
    /// - Throws: the first error, with its place.
    public init(
        parsing text: String, idAnnotation: CedarString? = nil, limits: SyntaxLimits = SyntaxLimits()
    ) throws(Diagnostic) {
        try self.init(parsing: SourceText(text), idAnnotation: idAnnotation, limits: limits)
    }

    /// Reads policies and templates from `source`.
    ///
    /// Their ids are `policy0`, `policy1` and so on, in order; where `idAnnotation` names an annotation, those that have it
    /// are called as it says instead.
    ///
    /// - Throws: the first error, with its place.
    public init(
        parsing source: SourceText, idAnnotation: CedarString? = nil, limits: SyntaxLimits = SyntaxLimits()
    ) throws(Diagnostic) {
        self.init(limits: limits)
        var parser = try PolicyParser(source, limits: limits)
        for (index, template) in try parser.policies().enumerated() {
            let given = idAnnotation.flatMap { template.annotation($0) }
            do throws(Diagnostic) {
                try add(template, id: given ?? CedarString("policy\(index)"))
            } catch {
                throw Diagnostic(error.message, at: template.span, in: source)
            }
        }
    }

    /// The policy `id`, or nil where there is none.
    public func policy(_ id: CedarString) -> Policy? {
        guard case .policy(let index) = positions[id] else { return nil }
        return policies[index]
    }

    /// The template `id`, or nil where there is none.
    public func template(_ id: CedarString) -> Template? {
        guard case .template(let index) = positions[id] else { return nil }
        return templates[index].template
    }

    /// Adds a body: as a template where it has slots, as a static policy where it has none.
    ///
    /// - Throws: where the id is taken, or an expression is too high.
    public mutating func add(_ template: Template, id: CedarString) throws(Diagnostic) {
        if template.slots.isEmpty {
            try add(try Policy(id: id, template))
        } else {
            try check(template, id: id)
            positions[id] = .template(templates.count)
            templates.append(PolicyTemplate(id: id, template: template))
        }
    }

    /// Adds a policy.
    ///
    /// - Throws: where the id is taken, or an expression is too high.
    public mutating func add(_ policy: Policy) throws(Diagnostic) {
        try check(policy.template, id: policy.id)
        positions[policy.id] = .policy(policies.count)
        index.insert(policy.scope, at: policies.count)
        compiled.append(CompiledPolicy(policy))
        policies.append(policy)
    }

    /// Adds the policy `id` that the template `templateID` becomes when its slots are filled with `values`.
    ///
    /// - Throws: where there is no such template, the id is taken, or slots and values don't match.
    public mutating func link(
        _ templateID: CedarString, as id: CedarString, values: [Slot: EntityUID]
    ) throws(Diagnostic) {
        guard let template = template(templateID) else {
            throw Diagnostic("failed to link `\(id)`: there is no template `\(templateID)`")
        }
        try add(try Policy(id: id, linking: template, named: templateID, values: values))
    }

    private func check(_ template: Template, id: CedarString) throws(Diagnostic) {
        guard positions[id] == nil else { throw Diagnostic("duplicate policy or template id `\(id)`") }
        for condition in template.conditions where condition.body.height > limits.height {
            throw Diagnostic("policy `\(id)`: expression is more than \(limits.height) operations deep")
        }
    }
}
