// SPDX-License-Identifier: Apache-2.0

/// Something that validation or analysis has to say about a policy, an entity or a request.
public struct Finding: Hashable, Sendable {
    /// How bad it is.
    public enum Severity: String, Hashable, Sendable, CaseIterable {
        /// It doesn't pass.
        case error
        /// It passes, but is likely a mistake.
        case warning
    }

    /// What kind of thing it is; the raw values are stable names for programs.
    public enum Rule: String, Hashable, Sendable, CaseIterable {
        /// An entity type that the schema doesn't declare.
        case unrecognizedEntityType = "unrecognized-entity-type"
        /// An action that the schema doesn't declare.
        case unrecognizedAction = "unrecognized-action"
        /// An id that an enumerated entity type doesn't list.
        case invalidEnumEntity = "invalid-enum-entity"
        /// A scope that no action with its principals and resources satisfies.
        case inapplicableScope = "inapplicable-scope"
        /// An operand of a type that its operator doesn't take.
        case unexpectedType = "unexpected-type"
        /// Operands or elements whose types don't go together.
        case incompatibleTypes = "incompatible-types"
        /// An attribute that the schema doesn't declare.
        case attributeNotFound = "attribute-not-found"
        /// An optional attribute used where nothing makes sure that it is there.
        case unsafeOptionalAttribute = "unsafe-optional-attribute"
        /// A tag used where nothing makes sure that it is there.
        case unsafeTag = "unsafe-tag"
        /// A tag of an entity type without tags.
        case noTags = "no-tags"
        /// `[]`, whose type can't be told.
        case emptySet = "empty-set"
        /// A function called with too many or too few arguments.
        case wrongArgumentCount = "wrong-argument-count"
        /// A constructor of an extension called with a text that it refuses.
        case malformedArgument = "malformed-argument"
        /// A constructor of an extension called with something that isn't a literal.
        case nonLiteralArgument = "non-literal-argument"
        /// More entities are looked up one through the other than the level allows.
        case levelExceeded = "level-exceeded"
        /// An entity is looked up that the request doesn't lead to.
        case literalDereference = "literal-dereference"
        /// A policy that no valid request satisfies.
        case impossiblePolicy = "impossible-policy"
        /// More to check than is bearable.
        case tooLarge = "too-large"
        /// An entity that the schema doesn't allow.
        case nonconformingEntity = "nonconforming-entity"
        /// A request that the schema doesn't allow.
        case nonconformingRequest = "nonconforming-request"
        /// A policy that another one makes superfluous.
        case shadowedPolicy = "shadowed-policy"
        /// A clause that fails whenever it is evaluated.
        case failingCondition = "failing-condition"
        /// A clause that holds whenever it is evaluated.
        case constantCondition = "constant-condition"
    }

    /// How bad it is.
    public var severity: Severity
    /// What kind of thing it is.
    public var rule: Rule
    /// The id of the policy it is about; nil for entities and requests.
    public var policy: CedarString?
    /// What it is, and where.
    public var diagnostic: Diagnostic

    /// Something about a policy, an entity or a request.
    public init(_ severity: Severity, _ rule: Rule, policy: CedarString? = nil, _ diagnostic: Diagnostic) {
        self.severity = severity
        self.rule = rule
        self.policy = policy
        self.diagnostic = diagnostic
    }
}

extension Finding: CustomStringConvertible {
    /// The finding on one line: `error: policies.cedar:1:9: …`.
    public var description: String { "\(severity.rawValue): \(diagnostic)" }
}
