// SPDX-License-Identifier: Apache-2.0

/// Reads the JSON form of schemas, refusing every field that it doesn't know.
struct SchemaJSONReader {
    private let source: SourceText

    /// Reads a schema.
    /// - Throws: What is wrong with the JSON, or with the schema in it, and where.
    static func read(_ source: SourceText, limits: JSONReader.Limits) throws(Diagnostic) -> SchemaSyntax {
        let value: JSONValue
        do {
            value = try JSONReader.read(source.bytes, limits: limits)
        } catch {
            let span = SourceSpan(start: error.offset, end: error.offset + 1)
            throw Diagnostic("error parsing schema: \(error)", at: span, in: source)
        }
        return try SchemaJSONReader(source: source).schema(value)
    }

    private func schema(_ value: JSONValue) throws(Diagnostic) -> SchemaSyntax {
        var schema = SchemaSyntax()
        for member in try object(value) {
            var namespace = SchemaSyntax.Namespace(name: nil)
            if !member.key.isEmpty {
                namespace.name = try name(of: member, "namespace")
                namespace.span = span(member)
            }
            try read(member.value, into: &namespace)
            schema.namespaces.append(namespace)
        }
        return schema
    }

    private func read(_ value: JSONValue, into namespace: inout SchemaSyntax.Namespace) throws(Diagnostic) {
        let fields = try fields(
            value, required: ["entityTypes", "actions"], optional: ["commonTypes", "annotations"])
        if let annotations = fields["annotations"] {
            namespace.annotations = try self.annotations(annotations)
            guard namespace.name != nil || namespace.annotations.isEmpty else {
                throw error("annotations are not allowed on the empty namespace", annotations)
            }
        }
        if let commonTypes = fields["commonTypes"] {
            for member in try object(commonTypes) { namespace.commonTypes.append(try commonType(member)) }
        }
        if let entityTypes = fields["entityTypes"] {
            for member in try object(entityTypes) { namespace.entityTypes.append(try entityType(member)) }
        }
        if let actions = fields["actions"] {
            for member in try object(actions) { namespace.actions.append(try action(member)) }
        }
    }

    // MARK: Declarations

    private func commonType(_ member: JSONMember) throws(Diagnostic) -> SchemaSyntax.CommonType {
        let identifier = try identifier(of: member)
        var rest = try object(member.value)
        let annotations = try takeAnnotations(&rest)
        let type = try type(member.value, rest)
        return SchemaSyntax.CommonType(name: identifier, annotations: annotations, type: type, span: span(member))
    }

    private func entityType(_ member: JSONMember) throws(Diagnostic) -> SchemaSyntax.EntityType {
        let identifier = try identifier(of: member)
        let isEnumeration = member.value["enum"] != nil
        let fields = try fields(
            member.value, required: isEnumeration ? ["enum"] : [],
            optional: isEnumeration ? ["annotations"] : ["memberOfTypes", "shape", "tags", "annotations"])
        let annotations = try fields["annotations"].map(self.annotations) ?? []
        let kind: SchemaSyntax.EntityType.Kind
        if let ids = fields["enum"] {
            kind = .enumeration(try array(ids).map { id throws(Diagnostic) in try string(id) })
            if try array(ids).isEmpty { throw error("an enumerated entity type needs at least one id", ids) }
        } else {
            kind = .standard(
                parents: try fields["memberOfTypes"].map(references) ?? [],
                shape: try fields["shape"].map(type) ?? TypeSyntax(.record([])),
                tags: try fields["tags"].map(type))
        }
        return SchemaSyntax.EntityType(name: identifier, annotations: annotations, kind: kind, span: span(member))
    }

    private func action(_ member: JSONMember) throws(Diagnostic) -> SchemaSyntax.Action {
        let fields = try fields(
            member.value, required: [], optional: ["attributes", "appliesTo", "memberOf", "annotations"])
        if let attributes = fields["attributes"], !attributes.isNull {
            throw error("action attributes are not supported", attributes)
        }
        var action = SchemaSyntax.Action(name: CedarString(validated: member.key), span: span(member))
        if let annotations = fields["annotations"] { action.annotations = try self.annotations(annotations) }
        if let parents = fields["memberOf"], !parents.isNull {
            action.parents = try array(parents).map { parent throws(Diagnostic) in try actionReference(parent) }
        }
        if let appliesTo = fields["appliesTo"], !appliesTo.isNull { action.appliesTo = try self.appliesTo(appliesTo) }
        return action
    }

    private func actionReference(_ value: JSONValue) throws(Diagnostic) -> SchemaSyntax.ActionReference {
        let fields = try fields(value, required: ["id"], optional: ["type"])
        var reference = SchemaSyntax.ActionReference(type: nil, id: "", span: span(value))
        if let id = fields["id"] { reference.id = try string(id) }
        if let type = fields["type"], !type.isNull { reference.type = try name(type, "entity type") }
        return reference
    }

    private func appliesTo(_ value: JSONValue) throws(Diagnostic) -> SchemaSyntax.AppliesTo {
        let fields = try fields(value, required: ["principalTypes", "resourceTypes"], optional: ["context"])
        return SchemaSyntax.AppliesTo(
            principals: try fields["principalTypes"].map(references) ?? [],
            resources: try fields["resourceTypes"].map(references) ?? [],
            context: try fields["context"].map(type) ?? TypeSyntax(.record([])))
    }

    private func references(_ value: JSONValue) throws(Diagnostic) -> [SchemaSyntax.Reference] {
        try array(value).map { value throws(Diagnostic) in
            SchemaSyntax.Reference(name: try name(value, "entity type"), span: span(value))
        }
    }

    // MARK: Types

    private func type(_ value: JSONValue) throws(Diagnostic) -> TypeSyntax { try type(value, try object(value)) }

    /// The type of which `members` are the members of `value` that belong to the type.
    private func type(_ value: JSONValue, _ members: [JSONMember]) throws(Diagnostic) -> TypeSyntax {
        let object = JSONValue(.object(members), range: value.range)
        guard let keyword = object["type"] else { throw error("missing field `type`", value) }
        func fields(_ names: String..., optional: [String] = []) throws(Diagnostic) -> [String: JSONValue] {
            try self.fields(object, required: ["type"] + names, optional: optional)
        }
        let kind: TypeSyntax.Kind
        switch try string(keyword) {
        case "String":
            _ = try fields()
            kind = .primitive(.string)
        case "Long":
            _ = try fields()
            kind = .primitive(.long)
        case "Boolean":
            _ = try fields()
            kind = .primitive(.bool)
        case "Set":
            kind = .set(try type(try fields("element")["element"] ?? object))
        case "Record":
            let fields = try fields("attributes", optional: ["additionalAttributes"])
            if let open = fields["additionalAttributes"] {
                guard let open = open.bool else { throw expected("a boolean", open) }
                if open { throw error("records with additional attributes are not supported", value) }
            }
            kind = .record(try (try fields["attributes"].map(self.object) ?? []).map(attribute))
        case "Entity":
            kind = .entity(try name(try fields("name")["name"] ?? object, "entity type"))
        case "EntityOrCommon":
            kind = .entityOrCommon(try name(try fields("name")["name"] ?? object, "type"))
        case "Extension":
            let name = try name(try fields("name")["name"] ?? object, "extension type")
            guard name.isUnqualified else { throw error("invalid extension type `\(name)`", value) }
            kind = .extension(name)
        default:
            _ = try fields()
            kind = .common(try name(keyword, "common type"))
        }
        return TypeSyntax(kind, span: span(value))
    }

    private func attribute(_ member: JSONMember) throws(Diagnostic) -> TypeSyntax.Attribute {
        var rest = try object(member.value)
        let annotations = try takeAnnotations(&rest)
        var isRequired = true
        if let index = rest.firstIndex(where: { $0.key.elementsEqual("required".utf8) }) {
            guard let value = rest.remove(at: index).value.bool else { throw expected("a boolean", member.value) }
            isRequired = value
        }
        return TypeSyntax.Attribute(
            name: CedarString(validated: member.key), annotations: annotations, type: try type(member.value, rest),
            isRequired: isRequired, span: span(member))
    }

    // MARK: Annotations and names

    private func takeAnnotations(_ members: inout [JSONMember]) throws(Diagnostic) -> [Annotation] {
        guard let index = members.firstIndex(where: { $0.key.elementsEqual("annotations".utf8) }) else { return [] }
        return try annotations(members.remove(at: index).value)
    }

    private func annotations(_ value: JSONValue) throws(Diagnostic) -> [Annotation] {
        try object(value).map { member throws(Diagnostic) in
            let key = CedarString(validated: member.key)
            guard Identifier.isWellFormed(key) else { throw error("invalid id `\(key)`", at: span(member)) }
            let value = member.value.isNull ? nil : try string(member.value)
            return Annotation(key: key, value: value, span: span(member))
        }
    }

    private func identifier(of member: JSONMember) throws(Diagnostic) -> CedarString {
        let name = CedarString(validated: member.key)
        guard Identifier.isWellFormed(name), !Identifier.isReserved(name) || name == "__cedar" else {
            throw error("invalid id `\(name)`", at: span(member))
        }
        return name
    }

    private func name(of member: JSONMember, _ kind: String) throws(Diagnostic) -> Name {
        let text = CedarString(validated: member.key)
        guard let name = SchemaNames.name(text) else { throw error("invalid \(kind) `\(text)`", at: span(member)) }
        return name
    }

    private func name(_ value: JSONValue, _ kind: String) throws(Diagnostic) -> Name {
        let text = try string(value)
        guard let name = SchemaNames.name(text) else { throw error("invalid \(kind) `\(text)`", value) }
        return name
    }

    // MARK: JSON

    /// The members of an object by name, all of `required` among them and none that is in neither list.
    private func fields(
        _ value: JSONValue, required: [String], optional: [String]
    ) throws(Diagnostic) -> [String: JSONValue] {
        var fields: [String: JSONValue] = [:]
        for member in try object(value) {
            let key = String(decoding: member.key, as: UTF8.self)
            guard (required + optional).contains(where: { $0.utf8.elementsEqual(member.key) }) else {
                throw error("unknown field `\(key)`", at: span(member))
            }
            fields[key] = member.value
        }
        for name in required where fields[name] == nil { throw error("missing field `\(name)`", value) }
        return fields
    }

    private func object(_ value: JSONValue) throws(Diagnostic) -> [JSONMember] {
        guard let members = value.members else { throw expected("an object", value) }
        return members
    }

    private func array(_ value: JSONValue) throws(Diagnostic) -> [JSONValue] {
        guard let elements = value.elements else { throw expected("an array", value) }
        return elements
    }

    private func string(_ value: JSONValue) throws(Diagnostic) -> CedarString {
        guard let bytes = value.bytes else { throw expected("a string", value) }
        return CedarString(validated: bytes)
    }

    private func span(_ value: JSONValue) -> SourceSpan {
        SourceSpan(start: value.range.lowerBound, end: value.range.upperBound)
    }

    private func span(_ member: JSONMember) -> SourceSpan {
        SourceSpan(start: member.keyRange.lowerBound, end: member.keyRange.upperBound)
    }

    private func expected(_ what: String, _ value: JSONValue) -> Diagnostic {
        error("expected \(what), found \(value.kindName)", value)
    }

    private func error(_ message: String, _ value: JSONValue) -> Diagnostic { error(message, at: span(value)) }

    private func error(_ message: String, at span: SourceSpan) -> Diagnostic {
        Diagnostic("error parsing schema: \(message)", at: span, in: source)
    }
}

extension CedarString {
    /// The text of bytes that the JSON reader has found to be UTF-8.
    init(validated bytes: [UInt8]) {
        self.init(String(decoding: bytes, as: UTF8.self))
    }
}

extension JSONValue {
    /// Whether the value is `null`.
    var isNull: Bool {
        if case .null = kind { true } else { false }
    }
}
