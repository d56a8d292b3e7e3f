// SPDX-License-Identifier: Apache-2.0

/// A value of Cedar, as attributes hold them and expressions compute them.
///
/// `==` is Cedar's: structural, never an error, false between different kinds. `<` is a total order over all values that
/// keeps sets canonical; it isn't the language's `<`.
public enum Value: Hashable, Sendable {
    /// A truth value.
    case bool(Bool)
    /// A 64-bit integer.
    case long(Int64)
    /// A text.
    case string(CedarString)
    /// A reference to an entity, which need not exist.
    case entity(EntityUID)
    /// A set of values of any kinds.
    case set(CedarSet)
    /// Values by attribute name.
    case record(CedarRecord)
    /// A number with four digits after the point.
    case decimal(CedarDecimal)
    /// An address or a range of addresses.
    case ip(CedarIPAddress)
    /// A point in time.
    case datetime(CedarDatetime)
    /// A span of time.
    case duration(CedarDuration)
}

extension Value: Comparable {
    /// Whether `left` comes first in an arbitrary but fixed total order over all values.
    public static func < (left: Value, right: Value) -> Bool {
        switch (left, right) {
        case (.bool(let left), .bool(let right)): !left && right
        case (.long(let left), .long(let right)): left < right
        case (.string(let left), .string(let right)): left < right
        case (.entity(let left), .entity(let right)): left < right
        case (.set(let left), .set(let right)): left < right
        case (.record(let left), .record(let right)): left < right
        case (.decimal(let left), .decimal(let right)): left < right
        case (.ip(let left), .ip(let right)): left < right
        case (.datetime(let left), .datetime(let right)): left < right
        case (.duration(let left), .duration(let right)): left < right
        default: left.rank < right.rank
        }
    }

    private var rank: Int {
        switch self {
        case .bool: 0
        case .long: 1
        case .string: 2
        case .entity: 3
        case .set: 4
        case .record: 5
        case .decimal: 6
        case .ip: 7
        case .datetime: 8
        case .duration: 9
        }
    }
}

extension Value: CustomStringConvertible {
    /// The value as an expression of the language.
    public var description: String {
        switch self {
        case .bool(let value): value ? "true" : "false"
        case .long(let value): String(value)
        case .string(let value): value.literal
        case .entity(let value): value.description
        case .set(let value): value.description
        case .record(let value): value.description
        case .decimal(let value): "decimal(\"\(value)\")"
        case .ip(let value): "ip(\"\(value)\")"
        case .datetime(let value): "datetime(\"\(value)\")"
        case .duration(let value): "duration(\"\(value)\")"
        }
    }

    /// What kind of value this is, in the words of error messages: `long`, `set`, `ipaddr`, and for an entity
    /// (entity of type `T`).
    public var kind: String {
        switch self {
        case .bool: "bool"
        case .long: "long"
        case .string: "string"
        case .entity(let value): "(entity of type `\(value.type)`)"
        case .set: "set"
        case .record: "record"
        case .decimal: "decimal"
        case .ip: "ipaddr"
        case .datetime: "datetime"
        case .duration: "duration"
        }
    }
}
