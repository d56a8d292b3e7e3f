// SPDX-License-Identifier: Apache-2.0

/// Checks that a policy names only entity types, actions and ids that the schema declares.
struct NameChecker {
    private let schema: ValidationSchema
    private(set) var issues: [Typechecker.Issue] = []

    init(_ schema: ValidationSchema) {
        self.schema = schema
    }

    /// Checks every name in a policy, those in parts that are never evaluated included.
    mutating func check(_ policy: LoweredPolicy) {
        for node in policy.nodes {
            switch node.form {
            case .literal(.entity(let uid)): check(uid, at: node.span)
            case .is(_, let type, _): check(type, at: node.span)
            default: break
            }
        }
    }

    /// Checks one entity.
    mutating func check(_ uid: EntityUID, at span: SourceSpan) {
        check(uid.type, at: span)
        if uid.type.isAction {
            if schema.schema.actions[uid] == nil {
                report(.unrecognizedAction, "unrecognized action `\(uid)`", at: span)
            }
        } else if let message = schema.schema.unlistedID(of: uid) {
            report(.invalidEnumEntity, message, at: span)
        }
    }

    private mutating func check(_ type: Name, at span: SourceSpan) {
        if !schema.isKnown(type) {
            report(.unrecognizedEntityType, "unrecognized entity type `\(type)`", at: span)
        }
    }

    private mutating func report(_ rule: Finding.Rule, _ message: String, at span: SourceSpan) {
        issues.append(Typechecker.Issue(rule: rule, message: message, span: span))
    }
}

extension Schema {
    /// What is wrong with the id of an entity whose type lists its ids; nil where nothing is.
    func unlistedID(of uid: EntityUID) -> String? {
        guard let ids = listedIDs[uid.type], !ids.contains(uid.id) else { return nil }
        return "entity `\(uid)` is of an enumerated entity type, but `\(uid.id.literal)` is not declared as a valid id"
    }
}
