// SPDX-License-Identifier: Apache-2.0

/// A schema in the form that type checking asks it: the types of expressions, and who descends from whom.
struct ValidationSchema: Sendable {
    let schema: Schema
    private let attributes: [Name: [CedarString: ExpressionType.Attribute]]
    private let tags: [Name: ExpressionType]
    private let contexts: [EntityUID: [CedarString: ExpressionType.Attribute]]
    /// For every type of actions, the types of actions that contain some of them.
    private let actionTypes: [Name: Set<Name>]
    /// All entity types, in a fixed order.
    let entityTypes: [Name]
    /// All actions, in a fixed order.
    let actions: [ActionDefinition]

    init(_ schema: Schema) {
        self.schema = schema
        attributes = schema.entityTypes.mapValues { ExpressionType.attributes($0.attributes) }
        tags = schema.entityTypes.compactMapValues { $0.tags.map(ExpressionType.init) }
        contexts = schema.actions.mapValues { ExpressionType.attributes($0.context) }
        var actionTypes: [Name: Set<Name>] = [:]
        for action in schema.actions.values {
            actionTypes[action.uid.type, default: []].formUnion(action.ancestors.map(\.type))
        }
        self.actionTypes = actionTypes
        entityTypes = schema.entityTypes.keys.sorted()
        actions = schema.actions.values.sorted { $0.uid < $1.uid }
    }

    /// Whether there is such an entity type; types of actions always count.
    func isKnown(_ type: Name) -> Bool { type.isAction || schema.entityTypes[type] != nil }

    /// The attributes of an entity type; none where there is no such type.
    func attributes(of type: Name) -> [CedarString: ExpressionType.Attribute] { attributes[type] ?? [:] }

    /// The type of an entity type's tags, or nil where there are none.
    func tags(of type: Name) -> ExpressionType? { tags[type] }

    /// The attributes of an action's context.
    func context(of action: EntityUID) -> [CedarString: ExpressionType.Attribute] { contexts[action] ?? [:] }

    /// Whether an entity of type `type` may be in one of type `ancestor`.
    func may(_ type: Name, beIn ancestor: Name) -> Bool {
        type == ancestor || schema.entityTypes[type]?.ancestors.contains(ancestor) == true
            || actionTypes[type]?.contains(ancestor) == true
    }

    /// Whether `action` is in `group` or is it; nil where there is no such group.
    func isAction(_ action: EntityUID, in group: EntityUID) -> Bool? {
        guard schema.actions[group] != nil else { return nil }
        return action == group || schema.actions[action]?.ancestors.contains(group) == true
    }
}
