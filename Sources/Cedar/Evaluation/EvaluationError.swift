// SPDX-License-Identifier: Apache-2.0

/// Why an expression has no value.
public struct EvaluationError: Error, Hashable, Sendable {
    /// What went wrong.
    public enum Reason: Hashable, Sendable {
        /// A value is of the wrong kind: one of `expected` was needed, `actual` is what it was.
        case type(expected: [String], actual: String)
        /// Data of an entity were asked for that there are none of.
        case missingEntity(EntityUID)
        /// A record doesn't have the attribute.
        case missingAttribute(CedarString)
        /// The entity doesn't have the attribute.
        case missingEntityAttribute(CedarString, of: EntityUID)
        /// The entity doesn't have the tag.
        case missingTag(CedarString, of: EntityUID)
        /// A result is not a 64-bit integer; with the operation and its operands.
        case overflow(String, [Int64])
        /// An extension function can't do anything with what it was given.
        case `extension`(ExtensionFunction, String)
        /// An extension function was given too few or too many arguments.
        case argumentCount(ExtensionFunction, Int)
    }

    /// What went wrong.
    public let reason: Reason
    /// Where, in the text of the policy; ``SourceSpan/none`` in one that wasn't parsed from text.
    public let span: SourceSpan

    /// What went wrong, and where.
    public init(_ reason: Reason, at span: SourceSpan) {
        self.reason = reason
        self.span = span
    }
}

extension EvaluationError: CustomStringConvertible {
    /// What went wrong, in one line.
    public var description: String {
        switch reason {
        case .type(let expected, let actual):
            expected.count == 1
                ? "type error: expected \(expected[0]), got \(actual)"
                : "type error: expected one of [\(expected.joined(separator: ", "))], got \(actual)"
        case .missingEntity(let uid): "entity `\(uid)` does not exist"
        case .missingAttribute(let name): "record does not have the attribute `\(shown(name))`"
        case .missingEntityAttribute(let name, let uid): "`\(uid)` does not have the attribute `\(shown(name))`"
        case .missingTag(let name, let uid): "`\(uid)` does not have the tag `\(shown(name))`"
        case .overflow(let operation, let operands):
            "integer overflow while attempting to \(operation) the value\(operands.count == 1 ? "" : "s") "
                + operands.map { "`\($0)`" }.joined(separator: " and ")
        case .extension(let function, let message):
            "error while evaluating `\(function.typeName)` extension function: \(message)"
        case .argumentCount(let function, let count):
            "wrong number of arguments provided to extension function `\(function.rawValue)`: expected "
                + "\(function.argumentCount), got \(count)"
        }
    }

    private func shown(_ name: CedarString) -> String {
        String(name.literal.dropFirst().dropLast())
    }
}

extension ExtensionFunction {
    /// The extension the function is of, as messages call it.
    fileprivate var typeName: String {
        switch self {
        case .decimal, .lessThan, .lessThanOrEqual, .greaterThan, .greaterThanOrEqual: "decimal"
        case .ip, .isIpv4, .isIpv6, .isLoopback, .isMulticast, .isInRange: "ipaddr"
        case .datetime, .offset, .durationSince, .toDate, .toTime: "datetime"
        case .duration, .toMilliseconds, .toSeconds, .toMinutes, .toHours, .toDays: "duration"
        }
    }
}
