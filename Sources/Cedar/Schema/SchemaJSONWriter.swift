// SPDX-License-Identifier: Apache-2.0

/// Writes schemas in their JSON form.
enum SchemaJSONWriter {
    /// The JSON form of a schema.
    static func write(_ syntax: SchemaSyntax) -> JSONValue {
        object(
            syntax.namespaces.map { namespace in
                JSONMember(key: Array((namespace.name?.text ?? "").utf8), value: write(namespace))
            })
    }

    private static func write(_ namespace: SchemaSyntax.Namespace) -> JSONValue {
        var members: [(String, JSONValue)] = []
        if !namespace.commonTypes.isEmpty {
            members.append(
                ("commonTypes", named(namespace.commonTypes, \.name) { .object(type($0.type) + note($0.annotations)) }))
        }
        members.append(("entityTypes", named(namespace.entityTypes, \.name) { .object(entityType($0)) }))
        members.append(("actions", named(namespace.actions, \.name) { .object(action($0)) }))
        return .object(members + note(namespace.annotations))
    }

    private static func entityType(_ declaration: SchemaSyntax.EntityType) -> [(String, JSONValue)] {
        var members: [(String, JSONValue)] = []
        switch declaration.kind {
        case .standard(let parents, let shape, let tags):
            if !parents.isEmpty { members.append(("memberOfTypes", references(parents))) }
            if !shape.isEmptyRecord { members.append(("shape", .object(type(shape)))) }
            if let tags { members.append(("tags", .object(type(tags)))) }
        case .enumeration(let ids):
            members.append(("enum", .array(ids.map { .string($0.string) })))
        }
        return members + note(declaration.annotations)
    }

    private static func action(_ declaration: SchemaSyntax.Action) -> [(String, JSONValue)] {
        var members: [(String, JSONValue)] = []
        if let appliesTo = declaration.appliesTo {
            var parts: [(String, JSONValue)] = [
                ("principalTypes", references(appliesTo.principals)),
                ("resourceTypes", references(appliesTo.resources)),
            ]
            if !appliesTo.context.isEmptyRecord { parts.append(("context", .object(type(appliesTo.context)))) }
            members.append(("appliesTo", .object(parts)))
        }
        if !declaration.parents.isEmpty {
            let parents = declaration.parents.map { parent in
                let type: [(String, JSONValue)] = parent.type.map { [("type", .string($0.text.string))] } ?? []
                return JSONValue.object([("id", .string(parent.id.string))] + type)
            }
            members.append(("memberOf", .array(parents)))
        }
        return members + note(declaration.annotations)
    }

    private static func type(_ type: TypeSyntax) -> [(String, JSONValue)] {
        func named(_ kind: String, _ name: Name) -> [(String, JSONValue)] {
            [("type", .string(kind)), ("name", .string(name.text.string))]
        }
        switch type.kind {
        case .primitive(.bool): return [("type", .string("Boolean"))]
        case .primitive(let type): return [("type", .string(type.description))]
        case .set(let element): return [("type", .string("Set")), ("element", .object(self.type(element)))]
        case .record(let attributes):
            let attributes = self.named(attributes, \.name) { attribute in
                let required: [(String, JSONValue)] = attribute.isRequired ? [] : [("required", .bool(false))]
                return .object(self.type(attribute.type) + required + note(attribute.annotations))
            }
            return [("type", .string("Record")), ("attributes", attributes)]
        case .entity(let name): return named("Entity", name)
        case .entityOrCommon(let name): return named("EntityOrCommon", name)
        case .extension(let name): return named("Extension", name)
        case .common(let name): return [("type", .string(name.text.string))]
        }
    }

    private static func references(_ references: [SchemaSyntax.Reference]) -> JSONValue {
        .array(references.map { .string($0.name.text.string) })
    }

    private static func note(_ annotations: [Annotation]) -> [(String, JSONValue)] {
        if annotations.isEmpty { return [] }
        let members = annotations.map { annotation in
            let value = annotation.writtenValue.map { JSONValue.string($0.string) } ?? JSONValue(.null)
            return (annotation.key.string, value)
        }
        return [("annotations", .object(members))]
    }

    /// An object of declarations; of those of one name, which only attributes can have, the last counts.
    private static func named<Declaration>(
        _ declarations: [Declaration], _ name: (Declaration) -> CedarString, _ value: (Declaration) -> JSONValue
    ) -> JSONValue {
        var members: [JSONMember] = []
        var seen: Set<CedarString> = []
        for declaration in declarations.reversed() where seen.insert(name(declaration)).inserted {
            members.append(JSONMember(key: Array(name(declaration).utf8), value: value(declaration)))
        }
        return object(members.reversed())
    }

    private static func object(_ members: [JSONMember]) -> JSONValue { JSONValue(.object(members)) }
}

extension TypeSyntax {
    /// Whether the type is a record without attributes, which is what goes without saying.
    var isEmptyRecord: Bool {
        if case .record(let attributes) = kind { attributes.isEmpty } else { false }
    }
}
