// SPDX-License-Identifier: Apache-2.0

/// Reads values from JSON, guided by their types where those are known.
///
/// Recursion is bounded by the depth of JSON that ``JSONReader`` accepts.
struct ValueReader {
    private let source: SourceText
    /// One of each identity, so that those met again are recognised by address.
    private var uids: Set<EntityUID> = []

    init(_ source: SourceText) {
        self.source = source
    }

    /// What is wrong with `json`.
    func error(_ message: String, at json: JSONValue, hint: String? = nil) -> Diagnostic {
        Diagnostic(
            message, at: SourceSpan(start: json.range.lowerBound, end: json.range.upperBound), in: source, hint: hint)
    }

    /// Reads a value; without `expected`, entities and extension values are recognised by their escapes only.
    ///
    /// - Throws: where it isn't a value, or not of the type expected.
    mutating func value(_ json: JSONValue, _ expected: CedarType?) throws(Diagnostic) -> Value {
        switch expected {
        case .entity(let type):
            let uid = try uid(json)
            guard uid.type == type else { throw mismatch("`\(type)`", "`\(uid.type)`", at: json) }
            return .entity(uid)
        case .extension(let type):
            let value = try extensionValue(json, type)
            guard value.kind == type.rawValue else { throw mismatch(type.rawValue, value.kind, at: json) }
            return value
        case .set(let element):
            guard case .array(let elements) = json.kind else { throw mismatch("set", json.kindName, at: json) }
            return .set(try set(elements, element))
        case .record(let type):
            guard case .object(let members) = json.kind else { throw mismatch("record", json.kindName, at: json) }
            return .record(try record(members, type, at: json, of: "the record"))
        case .bool, .long, .string:
            let value = try plain(json)
            let kind = expected == .bool ? "bool" : expected == .long ? "long" : "string"
            guard value.kind == kind else { throw mismatch(kind, value.kind, at: json) }
            return value
        case nil:
            return try plain(json)
        }
    }

    private func mismatch(_ expected: String, _ actual: String, at json: JSONValue) -> Diagnostic {
        error("type mismatch: value was expected to have type \(expected), but it actually is \(actual)", at: json)
    }

    // MARK: Without a type

    private mutating func plain(_ json: JSONValue) throws(Diagnostic) -> Value {
        switch json.kind {
        case .null: throw error("found a `null`; JSON `null`s are not allowed in Cedar", at: json)
        case .bool(let value): return .bool(value)
        case .integer(let value): return .long(value)
        case .number: throw error("number is not a 64-bit integer", at: json, hint: "decimals are `__extn` values")
        case .string(let bytes): return .string(text(bytes))
        case .array(let elements): return .set(try set(elements, nil))
        case .object(let members):
            if members.count == 1, let escaped = try escape(members[0], at: json) { return escaped }
            return .record(try dictionary(members, nil))
        }
    }

    /// The value of an object whose one member is an escape; nil where it isn't one, but a record like any other.
    private mutating func escape(_ member: JSONMember, at json: JSONValue) throws(Diagnostic) -> Value? {
        switch text(member.key) {
        case "__entity":
            guard let (type, id) = typeAndID(member.value) else { return nil }
            return .entity(try uid(type, id, at: member.value))
        case "__extn":
            guard let (function, arguments) = call(member.value) else { return nil }
            return try apply(function, arguments, at: member.value)
        case "__expr":
            guard case .string = member.value.kind else { return nil }
            throw error("the `__expr` escape is no longer supported", at: json)
        default: return nil
        }
    }

    private mutating func set(_ elements: [JSONValue], _ type: CedarType?) throws(Diagnostic) -> CedarSet {
        var values: [Value] = []
        values.reserveCapacity(elements.count)
        for element in elements { values.append(try value(element, type)) }
        return CedarSet(values)
    }

    /// Reads members as attributes all of whose values are of `type`.
    mutating func dictionary(_ members: [JSONMember], _ type: CedarType?) throws(Diagnostic) -> CedarRecord {
        var fields: [CedarString: Value] = [:]
        for member in members { fields[text(member.key)] = try value(member.value, type) }
        return CedarRecord(fields)
    }

    // MARK: With a type

    /// Reads members as the attributes of `owner`, which are to be those of `type`, if given.
    mutating func record(
        _ members: [JSONMember], _ type: CedarRecordType?, at json: JSONValue, of owner: String
    ) throws(Diagnostic) -> CedarRecord {
        guard let type else { return try dictionary(members, nil) }
        var fields: [CedarString: Value] = [:]
        for member in members {
            let name = text(member.key)
            guard let attribute = type.attributes[name] else {
                throw error(
                    "attribute `\(name)` of \(owner) should not exist according to the schema", at: member.value)
            }
            fields[name] = try value(member.value, attribute.type)
        }
        for (name, attribute) in type.attributes where attribute.isRequired && fields[name] == nil {
            throw error("expected \(owner) to have an attribute `\(name)`, but it does not", at: json)
        }
        return CedarRecord(fields)
    }

    /// Reads a value of an extension type: an escape, the call alone, or only what the constructor is given.
    private mutating func extensionValue(_ json: JSONValue, _ type: ExtensionType) throws(Diagnostic) -> Value {
        if case .object(let members) = json.kind {
            let escaped = members.first { text($0.key) == "__extn" }?.value
            if let (function, arguments) = call(escaped ?? json) {
                return try apply(function, arguments, at: json)
            }
        }
        guard case .string(let bytes) = json.kind else { throw mismatch(type.rawValue, json.kindName, at: json) }
        return try apply(type.constructor, [.string(text(bytes))], at: json)
    }

    // MARK: Entities

    /// Reads a reference to an entity: `{"type": …, "id": …}`, or the same as `{"__entity": …}`.
    mutating func uid(_ json: JSONValue) throws(Diagnostic) -> EntityUID {
        if case .string = json["__expr"]?.kind {
            throw error("the `__expr` escape is no longer supported", at: json)
        }
        guard let (type, id) = json["__entity"].flatMap(typeAndID) ?? typeAndID(json) else {
            throw error("expected a literal entity reference, found \(json.kindName)", at: json)
        }
        return try uid(type, id, at: json)
    }

    private func typeAndID(_ json: JSONValue) -> (type: CedarString, id: CedarString)? {
        guard let type = json["type"]?.bytes, let id = json["id"]?.bytes else { return nil }
        return (text(type), text(id))
    }

    private mutating func uid(
        _ type: CedarString, _ id: CedarString, at json: JSONValue
    ) throws(Diagnostic) -> EntityUID {
        guard let name = Name(type.string) else {
            throw error("`\(type.literal.dropFirst().dropLast())` is not the name of an entity type", at: json)
        }
        return uids.insert(EntityUID(type: name, id: id)).memberAfterInsert
    }

    // MARK: Extension values

    /// The parts of `{"fn": …, "arg": …}` or `{"fn": …, "args": […]}`; nil where it is neither.
    private func call(_ json: JSONValue) -> (function: CedarString, arguments: [JSONValue])? {
        guard let function = json["fn"]?.bytes else { return nil }
        if let argument = json["arg"] { return (text(function), [argument]) }
        if let arguments = json["args"]?.elements { return (text(function), arguments) }
        return nil
    }

    private mutating func apply(
        _ name: CedarString, _ arguments: [JSONValue], at json: JSONValue
    ) throws(Diagnostic) -> Value {
        guard let function = ExtensionFunction(rawValue: name.string) else {
            throw error(
                "extension function `\(name.literal.dropFirst().dropLast())` does not exist", at: json)
        }
        guard arguments.count == function.argumentCount else {
            throw error(EvaluationError(.argumentCount(function, arguments.count), at: .none).description, at: json)
        }
        var values: [Value] = []
        for argument in arguments { values.append(try plain(argument)) }
        return try apply(function, values, at: json)
    }

    private func apply(
        _ function: ExtensionFunction, _ values: [Value], at json: JSONValue
    ) throws(Diagnostic) -> Value {
        do throws(EvaluationError) {
            return try function.apply(values[0], values.count > 1 ? values[1] : nil, at: .none)
        } catch {
            throw self.error(error.description, at: json)
        }
    }

    /// The text of bytes that ``JSONReader`` has checked.
    private func text(_ bytes: [UInt8]) -> CedarString {
        CedarString(String(decoding: bytes, as: UTF8.self))
    }
}

extension ExtensionType {
    /// The function that makes values of the type.
    var constructor: ExtensionFunction {
        switch self {
        case .decimal: .decimal
        case .ipaddr: .ip
        case .datetime: .datetime
        case .duration: .duration
        }
    }
}
