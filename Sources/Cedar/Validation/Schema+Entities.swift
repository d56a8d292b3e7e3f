// SPDX-License-Identifier: Apache-2.0

extension Schema: EntitySchema {
    /// What entities of `type` look like, or nil where there is no such type.
    public func shape(of type: Name) -> EntityShape? {
        entityTypes[type].map { EntityShape(attributes: $0.attributes, tags: $0.tags) }
    }

    /// The attributes of the context of `action`, or nil where there is no such action.
    public func contextType(of action: EntityUID) -> CedarRecordType? { actions[action]?.context }

    /// All actions and groups of actions, in a fixed order, with the groups they are directly in as parents.
    public var actionEntities: [Entity] {
        actions.values.sorted { $0.uid < $1.uid }.map { Entity($0.uid, parents: $0.parents) }
    }

    /// Why an entity is not as the schema declares it; nil where it is.
    public func nonconformance(of entity: Entity) -> Diagnostic? {
        if entity.uid.type.isAction { return nonconformance(ofAction: entity) }
        let uid = entity.uid
        guard let type = entityTypes[uid.type] else {
            return Diagnostic("entity `\(uid)` has type `\(uid.type)` which is not declared in the schema")
        }
        if let message = unlistedID(of: uid) { return Diagnostic(message) }
        for (name, attribute) in type.attributes.sorted
        where attribute.isRequired && entity.attributes[name] == nil {
            return Diagnostic("expected entity `\(uid)` to have attribute `\(name)`, but it does not")
        }
        for field in entity.attributes.fields {
            guard let attribute = type.attributes.attributes[field.name] else {
                let place = "attribute `\(field.name)` on `\(uid)`"
                return Diagnostic("\(place) should not exist according to the schema")
            }
            if let message = mismatch(of: field.value, with: attribute.type) {
                return Diagnostic("in attribute `\(field.name)` on `\(uid)`, \(message)")
            }
        }
        for field in entity.tags.fields {
            guard let tags = type.tags else {
                return Diagnostic(
                    "found a tag `\(field.name)` on `\(uid)`, but no tags should exist on `\(uid)` according to the schema"
                )
            }
            if let message = mismatch(of: field.value, with: tags) {
                return Diagnostic("in tag `\(field.name)` on `\(uid)`, \(message)")
            }
        }
        for parent in entity.parents.sorted() {
            guard type.ancestors.contains(parent.type) else {
                let rule = "is not allowed to have an ancestor of type `\(parent.type)` according to the schema"
                return Diagnostic("`\(uid)` \(rule)")
            }
            if let message = unlistedID(of: parent) { return Diagnostic(message) }
        }
        return nil
    }

    /// An action must be exactly what the schema makes of it, though it may name its ancestors as parents.
    private func nonconformance(ofAction entity: Entity) -> Diagnostic? {
        guard let action = actions[entity.uid] else {
            return Diagnostic(
                "found action entity `\(entity.uid)`, but it was not declared as an action in the schema")
        }
        var ancestors = entity.parents
        for parent in entity.parents { ancestors.formUnion(actions[parent]?.ancestors ?? []) }
        guard entity.attributes.isEmpty, entity.tags.isEmpty, ancestors == action.ancestors else {
            return Diagnostic("definition of action `\(entity.uid)` does not match its schema declaration")
        }
        return nil
    }
}

extension Schema {
    /// Why a request is not one that the schema allows; nil where it is.
    public func nonconformance(of request: Request) -> Diagnostic? {
        for (uid, role) in [(request.principal, "principal"), (request.resource, "resource")] {
            guard entityTypes[uid.type] != nil else {
                return Diagnostic("\(role) type `\(uid.type)` is not declared in the schema")
            }
            if let message = unlistedID(of: uid) { return Diagnostic(message) }
        }
        guard let action = actions[request.action] else {
            return Diagnostic("action `\(request.action)` does not exist in the supplied schema")
        }
        guard action.principals.contains(request.principal.type) else {
            return Diagnostic("principal type `\(request.principal.type)` is not valid for `\(action.uid)`")
        }
        guard action.resources.contains(request.resource.type) else {
            return Diagnostic("resource type `\(request.resource.type)` is not valid for `\(action.uid)`")
        }
        if let message = mismatch(of: .record(request.context), with: .record(action.context)) {
            return Diagnostic("context is not valid for `\(action.uid)`: \(message)")
        }
        return nil
    }

    /// Why a value is not of a type; nil where it is.
    private func mismatch(of value: Value, with type: CedarType) -> String? {
        switch (value, type) {
        case (.bool, .bool), (.long, .long), (.string, .string), (.decimal, .extension(.decimal)),
            (.ip, .extension(.ipaddr)), (.datetime, .extension(.datetime)), (.duration, .extension(.duration)):
            return nil
        case (.entity(let uid), .entity(let name)) where uid.type == name:
            return unlistedID(of: uid)
        case (.set(let set), .set(let element)):
            return set.elements.lazy.compactMap { mismatch(of: $0, with: element) }.first
        case (.record(let record), .record(let expected)):
            return mismatch(of: record, with: expected)
        default:
            return "type mismatch: value was expected to have type \(type), but it actually is `\(value)`"
        }
    }

    private func mismatch(of record: CedarRecord, with type: CedarRecordType) -> String? {
        for field in record.fields {
            guard let attribute = type.attributes[field.name] else {
                return "attribute `\(field.name)` should not exist according to the schema"
            }
            if let message = mismatch(of: field.value, with: attribute.type) {
                return "in attribute `\(field.name)`, \(message)"
            }
        }
        for (name, attribute) in type.sorted where attribute.isRequired && record[name] == nil {
            return "attribute `\(name)` is missing"
        }
        return nil
    }
}
