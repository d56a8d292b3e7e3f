// SPDX-License-Identifier: Apache-2.0

extension Entities {
    /// The entities as JSON, `[{"uid": …, "attrs": …, "parents": …}, …]`, in the order of their identities.
    public var json: JSONValue { .array(all.map(\.json)) }
}

extension Entity {
    /// The entity as JSON, `{"uid": …, "attrs": …, "parents": …, "tags": …}`, tags only where there are some.
    public var json: JSONValue {
        var members: [(String, JSONValue)] = [
            ("uid", .entity(uid)), ("attrs", attributes.json),
            ("parents", .array(parents.sorted().map(JSONValue.entity))),
        ]
        if !tags.isEmpty { members.append(("tags", tags.json)) }
        return .object(members)
    }
}

extension CedarRecord {
    /// The attributes as JSON, each value with the escapes it needs to be read without a schema.
    public var json: JSONValue {
        JSONValue(.object(fields.map { JSONMember(key: $0.name, value: $0.value.json) }))
    }
}

extension Value {
    /// The value as JSON, with the escapes it needs to be read without a schema.
    ///
    /// A record that looks like an escape, with the one attribute `__entity`, `__extn` or `__expr`, has no other JSON than
    /// what is read as the escape.
    public var json: JSONValue {
        switch self {
        case .bool(let value): .bool(value)
        case .long(let value): .integer(value)
        case .string(let value): .string(value)
        case .entity(let value): .object([("__entity", .entity(value))])
        case .set(let set): .array(set.elements.map(\.json))
        case .record(let record): record.json
        case .decimal(let value): .call("decimal", ("arg", .string(value.description)))
        case .ip(let value): .call("ip", ("arg", .string(value.description)))
        case .duration(let value): .call("duration", ("arg", .string(value.description)))
        case .datetime(let value):
            if let text = value.literal {
                .call("datetime", ("arg", .string(text)))
            } else {
                .call(
                    "offset",
                    (
                        "args",
                        .array([
                            Value.datetime(CedarDatetime(milliseconds: 0)).json,
                            Value.duration(CedarDuration(milliseconds: value.milliseconds)).json,
                        ])
                    ))
            }
        }
    }
}

extension JSONValue {
    /// A string of the language.
    static func string(_ text: CedarString) -> JSONValue { .string(Array(text.utf8)) }

    /// The identity of an entity, without escape.
    static func entity(_ uid: EntityUID) -> JSONValue {
        .object([("type", .string(uid.type.text)), ("id", .string(uid.id))])
    }

    /// The escape of a call of an extension function.
    fileprivate static func call(_ function: String, _ argument: (String, JSONValue)) -> JSONValue {
        .object([("__extn", .object([("fn", .string(function)), argument]))])
    }
}
