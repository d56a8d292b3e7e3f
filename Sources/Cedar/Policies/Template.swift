// SPDX-License-Identifier: Apache-2.0

/// The body of a policy: all that is written, slots possibly still open.
///
/// One with slots is a template in the narrow sense, which takes effect through links only; one without is a policy's.
public final class Template: Sendable {
    /// The annotations in the order they are written, each key once.
    public let annotations: [Annotation]
    /// What it does where it applies.
    public let effect: Effect
    /// Which requests it is about.
    public let scope: Scope
    /// The `when` and `unless` clauses in order; all must hold.
    public let conditions: [Condition]
    /// The slots of the scope.
    public let slots: Set<Slot>
    /// Where it stands, annotations included; ``SourceSpan/none`` for what wasn't parsed from text.
    public let span: SourceSpan
    /// What it was parsed from, to show its spans; nil for what wasn't parsed from text.
    public let source: SourceText?

    /// A body of the given parts.
    public init(
        annotations: [Annotation] = [], effect: Effect, scope: Scope, conditions: [Condition] = [],
        span: SourceSpan = .none, source: SourceText? = nil
    ) {
        self.annotations = annotations
        self.effect = effect
        self.scope = scope
        self.conditions = conditions
        self.span = span
        self.source = source
        slots = scope.slots
    }

    /// The value of the annotation `key`: "" where it has none, nil where it isn't there.
    public func annotation(_ key: CedarString) -> CedarString? {
        annotations.first { $0.key == key }?.value
    }
}

/// What a policy does where it applies.
public enum Effect: String, Hashable, Sendable, CaseIterable {
    /// Allows, unless something forbids.
    case permit
    /// Denies, whatever permits.
    case forbid
}

/// `@key("value")` before a policy. It never affects evaluation.
public struct Annotation: Hashable, Sendable {
    /// The key, an identifier or keyword.
    public let key: CedarString
    /// The value, or nil where only the key is written, which reads as "".
    public let writtenValue: CedarString?
    /// Where it stands, the `@` included.
    public let span: SourceSpan

    /// The annotation `key` with `value`.
    public init(key: CedarString, value: CedarString?, span: SourceSpan = .none) {
        self.key = key
        writtenValue = value
        self.span = span
    }

    /// The value, "" where none is written.
    public var value: CedarString { writtenValue ?? "" }
}

/// A `when` or `unless` clause.
public struct Condition: Sendable {
    /// The two kinds of clauses.
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        /// The expression must be true.
        case when
        /// The expression must be false.
        case unless
    }

    /// Which of the two.
    public let kind: Kind
    /// What is asked.
    public let body: Expression
    /// Where the clause stands, keyword and braces included.
    public let span: SourceSpan

    /// The clause of `kind` asking `body`.
    public init(_ kind: Kind, _ body: Expression, span: SourceSpan = .none) {
        self.kind = kind
        self.body = body
        self.span = span
    }
}

extension Scope {
    /// The slots that are open.
    public var slots: Set<Slot> {
        var slots: Set<Slot> = []
        for constraint in [principal, resource] {
            if case .slot(let slot) = constraint.reference { slots.insert(slot) }
        }
        return slots
    }
}

extension ScopeConstraint {
    /// The entity or slot of the constraint, where it has one.
    public var reference: EntityReference? {
        switch self {
        case .any, .is: nil
        case .equal(let reference), .in(let reference), .isIn(_, let reference): reference
        }
    }
}
