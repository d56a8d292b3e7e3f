// SPDX-License-Identifier: Apache-2.0

internal import Cedar

/// One question in Cedar's usual JSON:
///
///     {"policies": …, "schema": …, "entities": […], "request": {"principal": …, "action": …, "resource": …, "context": {}}}
///
/// The parts of the request may stand at the top instead. Policies, schema, entities and context are given inline or by
/// path; an entity is `{"type": …, "id": …}`, the same inside `__entity`, or text, `User::"alice"`.
struct PolicyQuestion {
    let document: SourceText
    private let value: JSONValue

    /// - Throws: `Diagnostic` when it is no JSON object.
    init(_ document: SourceText) throws(Diagnostic) {
        self.document = document
        value = try PolicyMaterial(document).json()
        guard value.members != nil else { throw Diagnostic("expected an object, found \(value.kindName)") }
    }

    /// A member that is policies, a schema or entities; nil when there is none.
    ///
    /// - Throws: `Diagnostic` when it names a file that cannot be read.
    func material(_ key: String) throws(Diagnostic) -> PolicyMaterial? {
        guard let member = value[key], !member.isNull else { return nil }
        return try PolicyMaterial(member, in: document, called: key)
    }

    /// Whether there is something to decide.
    var hasRequest: Bool { request["action"] != nil }

    /// The request, with its context read by the schema's types where there is one.
    ///
    /// - Throws: `Diagnostic` when a part is missing or malformed.
    func request(schema: Schema?) throws(Diagnostic) -> Request {
        let action = try entity("action")
        var context = CedarRecord()
        if let member = request["context"], !member.isNull {
            let material = try PolicyMaterial(member, in: document, called: "context")
            context = try CedarRecord(material.json(), in: material.source, schema: schema, action: action)
        } else if let schema {
            context = try CedarRecord(json: SourceText("{}", name: "context"), schema: schema, action: action)
        }
        return Request(
            principal: try entity("principal"), action: action, resource: try entity("resource"), context: context
        )
    }

    /// A boolean of the request; nil when it says nothing.
    func flag(_ key: String) -> Bool? { (request[key] ?? value[key])?.bool }

    /// A text of the question; nil when it says nothing.
    func text(_ key: String) -> String? { value[key]?.bytes.map { String(decoding: $0, as: UTF8.self) } }

    private var request: JSONValue { value["request"] ?? value }

    private func entity(_ key: String) throws(Diagnostic) -> EntityUID {
        guard let member = request[key] else { throw Diagnostic("the request has no `\(key)`") }
        if let bytes = member.bytes { return try EntityUID(parsing: String(decoding: bytes, as: UTF8.self)) }
        let parts = member["__entity"] ?? member
        guard let type = parts["type"]?.bytes, let id = parts["id"]?.bytes else {
            throw Diagnostic("`\(key)` is neither `{\"type\": …, \"id\": …}` nor a text such as `User::\"alice\"`")
        }
        return EntityUID(
            type: try Self.name(String(decoding: type, as: UTF8.self)),
            id: CedarString(String(decoding: id, as: UTF8.self))
        )
    }

    private static func name(_ text: String) throws(Diagnostic) -> Name {
        guard let name = Name(text) else { throw Diagnostic("`\(text)` is not the name of an entity type") }
        return name
    }
}

extension JSONValue {
    fileprivate var isNull: Bool {
        if case .null = kind { return true }
        return false
    }
}
