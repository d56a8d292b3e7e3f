// SPDX-License-Identifier: Apache-2.0

/// One JSON value with the place where it was read.
///
/// Strings and keys are UTF-8 bytes, not `String`: Cedar tells apart what Unicode's canonical equivalence calls equal.
/// Members keep the order of the text, and no key occurs twice.
public struct JSONValue: Sendable {
    /// What a value is.
    public enum Kind: Sendable {
        /// `null`.
        case null
        /// `true` or `false`.
        case bool(Bool)
        /// A number without fraction and exponent that fits into 64 bits.
        case integer(Int64)
        /// Any other number, as written: `1.0`, `1e2`, `-0`, or an integer of more than 64 bits.
        case number([UInt8])
        /// A string, as well-formed UTF-8.
        case string([UInt8])
        /// An array.
        case array([JSONValue])
        /// An object.
        case object([JSONMember])
    }

    /// What the value is.
    public var kind: Kind

    /// The bytes of the text that the value takes, from its first to behind its last; empty when it was not read.
    public var range: Range<Int>

    /// A value read from `range` of a text, or made without one.
    public init(_ kind: Kind, range: Range<Int> = 0..<0) {
        self.kind = kind
        self.range = range
    }
}

/// One member of a JSON object.
public struct JSONMember: Sendable {
    /// The key, as well-formed UTF-8.
    public var key: [UInt8]

    /// The bytes of the text that the key takes, quotes included; empty when it was not read.
    public var keyRange: Range<Int>

    /// What the key stands for.
    public var value: JSONValue

    /// A member read from a text, or made without one.
    public init(key: [UInt8], keyRange: Range<Int> = 0..<0, value: JSONValue) {
        self.key = key
        self.keyRange = keyRange
        self.value = value
    }
}

extension JSONValue {
    /// A string.
    public static func string(_ text: String) -> JSONValue { JSONValue(.string(Array(text.utf8))) }

    /// A string of UTF-8 bytes.
    public static func string(_ bytes: [UInt8]) -> JSONValue { JSONValue(.string(bytes)) }

    /// A boolean.
    public static func bool(_ value: Bool) -> JSONValue { JSONValue(.bool(value)) }

    /// An integer.
    public static func integer(_ value: Int64) -> JSONValue { JSONValue(.integer(value)) }

    /// An array.
    public static func array(_ elements: [JSONValue]) -> JSONValue { JSONValue(.array(elements)) }

    /// An object of members in this order, whose keys must differ.
    public static func object(_ members: [(String, JSONValue)]) -> JSONValue {
        JSONValue(.object(members.map { JSONMember(key: Array($0.0.utf8), value: $0.1) }))
    }

    /// The bytes, when this is a string.
    public var bytes: [UInt8]? {
        guard case .string(let bytes) = kind else { return nil }
        return bytes
    }

    /// The elements, when this is an array.
    public var elements: [JSONValue]? {
        guard case .array(let elements) = kind else { return nil }
        return elements
    }

    /// The members, when this is an object.
    public var members: [JSONMember]? {
        guard case .object(let members) = kind else { return nil }
        return members
    }

    /// The boolean, when this is one.
    public var bool: Bool? {
        guard case .bool(let value) = kind else { return nil }
        return value
    }

    /// The value of the member called `key`, when this is an object that has one.
    public subscript(key: String) -> JSONValue? {
        members?.first { $0.key.elementsEqual(key.utf8) }?.value
    }

    /// The kind with its article, as errors name it: `a string`.
    public var kindName: String {
        switch kind {
        case .null: "`null`"
        case .bool: "a boolean"
        case .integer: "an integer"
        case .number: "a number that is no 64-bit integer"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}
