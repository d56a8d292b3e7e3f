// SPDX-License-Identifier: Apache-2.0

/// Reads entities from JSON, guided by a schema where there is one.
struct EntityReader {
    private let schema: (any EntitySchema)?
    private var values: ValueReader

    init(_ source: SourceText, schema: (any EntitySchema)?) {
        self.schema = schema
        values = ValueReader(source)
    }

    /// Reads an array of entities.
    ///
    /// - Throws: the first thing wrong, with its place.
    mutating func entities(_ json: JSONValue) throws(Diagnostic) -> [Entity] {
        guard case .array(let elements) = json.kind else {
            throw values.error("expected an array of entities, found \(json.kindName)", at: json)
        }
        var entities: [Entity] = []
        entities.reserveCapacity(elements.count)
        for element in elements { entities.append(try entity(element)) }
        return entities
    }

    private mutating func entity(_ json: JSONValue) throws(Diagnostic) -> Entity {
        guard case .object = json.kind else {
            throw values.error("expected an entity, found \(json.kindName)", at: json)
        }
        let uid = try values.uid(try field("uid", of: json))
        let isAction = uid.type.base == "Action"
        var shape: EntityShape?
        if let schema, !isAction {
            guard let declared = schema.shape(of: uid.type) else {
                throw values.error(
                    "entity `\(uid)` has type `\(uid.type)` which is not declared in the schema", at: json)
            }
            shape = declared
        }
        let attributes = try self.attributes(of: uid, try field("attrs", of: json), shape)
        let tags = try json["tags"].map { (json) throws(Diagnostic) in try self.tags(of: uid, json, shape) }
        let parents = try self.parents(of: uid, try field("parents", of: json))
        let entity = Entity(uid, parents: parents, attributes: attributes, tags: tags ?? CedarRecord())
        if let problem = schema?.nonconformance(of: entity) {
            throw values.error(problem.message, at: json)
        }
        return entity
    }

    private func field(_ name: String, of json: JSONValue) throws(Diagnostic) -> JSONValue {
        guard let value = json[name] else { throw values.error("missing field `\(name)`", at: json) }
        return value
    }

    private mutating func attributes(
        of uid: EntityUID, _ json: JSONValue, _ shape: EntityShape?
    ) throws(Diagnostic) -> CedarRecord {
        guard case .object(let members) = json.kind else {
            throw values.error("expected an object of attributes, found \(json.kindName)", at: json)
        }
        return try values.record(members, shape?.attributes, at: json, of: "`\(uid)`")
    }

    private mutating func tags(
        of uid: EntityUID, _ json: JSONValue, _ shape: EntityShape?
    ) throws(Diagnostic) -> CedarRecord {
        guard case .object(let members) = json.kind else {
            throw values.error("expected an object of tags, found \(json.kindName)", at: json)
        }
        if let shape, shape.tags == nil, let first = members.first {
            throw values.error("no tags should exist on `\(uid)` according to the schema", at: first.value)
        }
        return try values.dictionary(members, shape?.tags)
    }

    private mutating func parents(of uid: EntityUID, _ json: JSONValue) throws(Diagnostic) -> Set<EntityUID> {
        guard case .array(let elements) = json.kind else {
            throw values.error("expected an array of parents, found \(json.kindName)", at: json)
        }
        var parents: Set<EntityUID> = []
        for element in elements {
            let parent = try values.uid(element)
            if uid.type.base == "Action", parent.type.base != "Action" {
                throw values.error("action `\(uid)` has a non-action parent `\(parent)`", at: element)
            }
            parents.insert(parent)
        }
        return parents
    }
}

extension Entities {
    /// Reads entities from JSON, `[{"uid": …, "attrs": …, "parents": …, "tags": …}, …]`.
    ///
    /// With a schema, its actions are added, values may leave out what their type says already, and every entity must
    /// conform.
    ///
    /// - Throws: what is wrong, with its place; see also ``init(_:)``.
    public init(json text: String, schema: (any EntitySchema)? = nil) throws(Diagnostic) {
        try self.init(json: SourceText(text), schema: schema)
    }

    /// Reads entities from JSON, `[{"uid": …, "attrs": …, "parents": …, "tags": …}, …]`.
    ///
    /// With a schema, its actions are added, values may leave out what their type says already, and every entity must
    /// conform.
    ///
    /// - Throws: what is wrong, with its place; see also ``init(_:)``.
    public init(json source: SourceText, schema: (any EntitySchema)? = nil) throws(Diagnostic) {
        try self.init(try JSONReader.read(source), in: source, schema: schema)
    }

    /// Reads entities from a JSON value that was read from `source`.
    ///
    /// - Throws: what is wrong, with its place; see also ``init(_:)``.
    public init(
        _ json: JSONValue, in source: SourceText, schema: (any EntitySchema)? = nil
    ) throws(Diagnostic) {
        var reader = EntityReader(source, schema: schema)
        var entities = try reader.entities(json)
        if let schema {
            // What the schema says about an action is the whole of it; an entity that conforms says no more.
            let actions = schema.actionEntities
            let known = Set(actions.map(\.uid))
            entities.removeAll { known.contains($0.uid) }
            entities.append(contentsOf: actions)
        }
        try self.init(entities)
    }
}

extension CedarRecord {
    /// Reads the context of a request from a JSON object, guided by what `schema` says about `action`.
    ///
    /// - Throws: what is wrong, with its place; also where the schema doesn't have the action.
    public init(
        json source: SourceText, schema: (any EntitySchema)? = nil, action: EntityUID? = nil
    ) throws(Diagnostic) {
        try self.init(try JSONReader.read(source), in: source, schema: schema, action: action)
    }

    /// Reads the context of a request from a JSON value that was read from `source`, guided by what `schema` says about
    /// `action`.
    ///
    /// - Throws: what is wrong, with its place; also where the schema doesn't have the action.
    public init(
        _ json: JSONValue, in source: SourceText, schema: (any EntitySchema)? = nil, action: EntityUID? = nil
    ) throws(Diagnostic) {
        var expected: CedarType?
        if let schema, let action {
            guard let type = schema.contextType(of: action) else {
                throw Diagnostic("action `\(action)` does not exist in the supplied schema")
            }
            expected = .record(type)
        }
        var reader = ValueReader(source)
        guard case .record(let record) = try reader.value(json, expected) else {
            throw reader.error("context must be a record, found \(json.kindName)", at: json)
        }
        self = record
    }
}

extension JSONReader {
    /// Reads the one value of `source`.
    ///
    /// - Throws: what is wrong with the text, and where.
    static func read(_ source: SourceText, limits: Limits = Limits()) throws(Diagnostic) -> JSONValue {
        do throws(JSONError) {
            return try read(source.bytes, limits: limits)
        } catch {
            throw Diagnostic(error.description, at: SourceSpan(start: error.offset, end: error.offset + 1), in: source)
        }
    }
}
