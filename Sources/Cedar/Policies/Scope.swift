// SPDX-License-Identifier: Apache-2.0

/// Which requests a policy is about, as the part in parentheses says.
public struct Scope: Sendable {
    /// Which principals.
    public var principal: ScopeConstraint
    /// Which actions.
    public var action: ActionConstraint
    /// Which resources.
    public var resource: ScopeConstraint
    /// Where each of the three stands.
    public var spans: Spans

    /// Where the parts of a scope stand.
    public struct Spans: Sendable {
        /// The principal with its constraint.
        public var principal: SourceSpan = .none
        /// The action with its constraint.
        public var action: SourceSpan = .none
        /// The resource with its constraint.
        public var resource: SourceSpan = .none

        /// Nowhere.
        public init() {}
    }

    /// The scope of the given constraints.
    public init(
        principal: ScopeConstraint = .any, action: ActionConstraint = .any, resource: ScopeConstraint = .any,
        spans: Spans = Spans()
    ) {
        self.principal = principal
        self.action = action
        self.resource = resource
        self.spans = spans
    }
}

/// Which principals or resources a policy is about.
public enum ScopeConstraint: Hashable, Sendable {
    /// All.
    case any
    /// `== x`
    case equal(EntityReference)
    /// `in x`
    case `in`(EntityReference)
    /// `is T`
    case `is`(Name)
    /// `is T in x`
    case isIn(Name, EntityReference)
}

/// Which actions a policy is about.
public enum ActionConstraint: Hashable, Sendable {
    /// All.
    case any
    /// `== x`
    case equal(EntityUID)
    /// `in x`
    case `in`(EntityUID)
    /// `in [x, y, …]`; the empty list is allowed and matches nothing.
    case inAny([EntityUID])
}

/// An entity in a scope, or the slot that will be one.
public enum EntityReference: Hashable, Sendable {
    /// The entity itself.
    case entity(EntityUID)
    /// A slot of a template.
    case slot(Slot)
}
