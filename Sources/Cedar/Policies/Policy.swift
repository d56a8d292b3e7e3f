// SPDX-License-Identifier: Apache-2.0

/// A policy that takes part in decisions: a body without slots, or a template whose slots a link has filled.
public struct Policy: Sendable {
    /// What the policy is called in responses; unique within a set.
    public let id: CedarString
    /// What is written; for a linked policy, the template's.
    public let template: Template
    /// What a template's slots are filled with; empty for a static policy.
    public let values: [Slot: EntityUID]
    /// The id of the template this is a link of; nil for a static policy.
    public let templateID: CedarString?
    /// The scope with all slots filled.
    public let scope: Scope

    /// A static policy.
    ///
    /// - Throws: where `template` has slots.
    public init(id: CedarString, _ template: Template) throws(Diagnostic) {
        if let slot = template.slots.min() {
            throw Diagnostic("policy `\(id)` is a template: slot `\(slot.rawValue)` is not linked")
        }
        self.init(id: id, template: template, values: [:], templateID: nil)
    }

    /// The policy `id` that `template` becomes when its slots are filled with `values`.
    ///
    /// - Throws: where a slot of the template has no value, or a value no slot.
    public init(
        id: CedarString, linking template: Template, named templateID: CedarString, values: [Slot: EntityUID]
    ) throws(Diagnostic) {
        for slot in template.slots.sorted() where values[slot] == nil {
            throw Diagnostic("link `\(id)` of template `\(templateID)` has no value for slot `\(slot.rawValue)`")
        }
        for slot in values.keys.sorted() where !template.slots.contains(slot) {
            throw Diagnostic("link `\(id)` fills slot `\(slot.rawValue)`, which template `\(templateID)` doesn't have")
        }
        self.init(id: id, template: template, values: values, templateID: templateID)
    }

    private init(id: CedarString, template: Template, values: [Slot: EntityUID], templateID: CedarString?) {
        self.id = id
        self.template = template
        self.values = values
        self.templateID = templateID
        var scope = template.scope
        scope.principal = scope.principal.filled(with: values)
        scope.resource = scope.resource.filled(with: values)
        self.scope = scope
    }

    /// Whether the policy is a link of a template.
    public var isLinked: Bool { templateID != nil }
    /// What it does where it applies.
    public var effect: Effect { template.effect }
    /// The annotations; for a linked policy, the template's.
    public var annotations: [Annotation] { template.annotations }
    /// The `when` and `unless` clauses.
    public var conditions: [Condition] { template.conditions }
}

extension ScopeConstraint {
    /// The constraint with its slot, if any, filled.
    func filled(with values: [Slot: EntityUID]) -> ScopeConstraint {
        guard case .slot(let slot) = reference, let value = values[slot] else { return self }
        return switch self {
        case .any, .is: self
        case .equal: .equal(.entity(value))
        case .in: .in(.entity(value))
        case .isIn(let type, _): .isIn(type, .entity(value))
        }
    }
}
