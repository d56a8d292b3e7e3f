// SPDX-License-Identifier: Apache-2.0

/// A JSON document of the kind that is hashed and signed: no fractions, no duplicate members, one byte form.
///
/// Numbers are 64-bit integers only. Fractions have many spellings and lose precision on the way through other
/// languages, so a caller who has one writes it as a string or in a smaller unit.
package enum JSONValue: Hashable, Sendable {
    /// `null`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// An integer of 64 bits.
    case integer(Int)
    /// A string.
    case string(String)
    /// An array.
    case array([JSONValue])
    /// An object; names that differ only by Unicode normalisation are the same name.
    case object([String: JSONValue])
}

extension JSONValue {
    /// How deep arrays and objects may nest, in values to be read and in values to be written.
    package static let depthLimit = 32

    /// The string, or `null` where there is none.
    package static func optional(_ string: String?) -> JSONValue {
        string.map(JSONValue.string) ?? .null
    }

    /// The integer, or `null` where there is none.
    package static func optional(_ integer: Int?) -> JSONValue {
        integer.map(JSONValue.integer) ?? .null
    }

    /// The strings as an array.
    package static func strings(_ strings: some Sequence<String>) -> JSONValue {
        .array(strings.map(JSONValue.string))
    }

    /// The member of that name; nil when this is no object or has no such member.
    package subscript(_ name: String) -> JSONValue? {
        if case .object(let members) = self { members[name] } else { nil }
    }

    /// The text, when this is a string.
    package var text: String? {
        if case .string(let string) = self { string } else { nil }
    }

    /// The number, when this is an integer.
    package var number: Int? {
        if case .integer(let integer) = self { integer } else { nil }
    }

    /// The truth value, when this is one.
    package var flag: Bool? {
        if case .bool(let bool) = self { bool } else { nil }
    }

    /// The elements, when this is an array.
    package var elements: [JSONValue]? {
        if case .array(let elements) = self { elements } else { nil }
    }

    /// The members, when this is an object.
    package var members: [String: JSONValue]? {
        if case .object(let members) = self { members } else { nil }
    }

    /// What kind of value this is, for messages.
    package var kind: String {
        switch self {
        case .null: "null"
        case .bool: "a truth value"
        case .integer: "an integer"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
    package init(stringLiteral value: String) { self = .string(value) }
    package init(integerLiteral value: Int) { self = .integer(value) }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    package init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    package init(dictionaryLiteral elements: (String, JSONValue)...) {
        self = .object(Dictionary(elements, uniquingKeysWith: { _, last in last }))
    }
    package init(nilLiteral: ()) { self = .null }
}
