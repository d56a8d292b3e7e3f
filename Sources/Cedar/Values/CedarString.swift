// SPDX-License-Identifier: Apache-2.0

/// A string of Cedar: equal, ordered and hashed by its UTF-8 bytes.
///
/// Swift's `String` compares by canonical equivalence, so that `"é" == "e\u{301}"`; for Cedar those two are different
/// strings, different attribute names and different entities. Whoever compares text on behalf of a policy uses this type.
public struct CedarString: Hashable, Comparable, Sendable {
    /// The same text as a Swift string. Its bytes are never normalised.
    public let string: String

    /// Takes the text as it is.
    public init(_ string: String) {
        self.string = string
    }

    /// The text of `bytes`, or nil where they aren't UTF-8.
    public init?(utf8 bytes: some Collection<UInt8>) {
        guard let string = String(validating: bytes, as: UTF8.self) else { return nil }
        self.string = string
    }

    /// The bytes that comparisons look at.
    public var utf8: String.UTF8View { string.utf8 }

    /// Whether both have the same bytes.
    public static func == (left: CedarString, right: CedarString) -> Bool {
        guard left.string.utf8.count == right.string.utf8.count else { return false }
        let left = left.string.utf8.span
        let right = right.string.utf8.span
        if left.isIdentical(to: right) { return true }
        for index in left.indices where left[index] != right[index] { return false }
        return true
    }

    /// Whether `left` comes first in the order of bytes.
    public static func < (left: CedarString, right: CedarString) -> Bool {
        let left = left.string.utf8.span
        let right = right.string.utf8.span
        for index in 0..<min(left.count, right.count) where left[index] != right[index] {
            return left[index] < right[index]
        }
        return left.count < right.count
    }

    /// Feeds the bytes, and a terminator no UTF-8 text contains, to `hasher`.
    public func hash(into hasher: inout Hasher) {
        unsafe string.utf8.span.bytes.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
        hasher.combine(0xFF as UInt8)
    }
}

extension CedarString: ExpressibleByStringLiteral {
    /// Takes the literal's text as it is.
    public init(stringLiteral value: String) {
        self.init(value)
    }
}

extension CedarString: CustomStringConvertible {
    /// The text itself, without quotes.
    public var description: String { string }

    /// The text as a Cedar string literal, quotes included: what doesn't print, or changes how other text prints, is
    /// escaped, so that it can't hide in a log.
    public var literal: String {
        var literal = "\""
        for scalar in string.unicodeScalars {
            literal.appendEscaped(scalar)
        }
        literal += "\""
        return literal
    }
}

extension String {
    /// Appends `scalar` as it is written inside a Cedar string literal.
    mutating func appendEscaped(_ scalar: Unicode.Scalar) {
        switch scalar {
        case "\"": self += "\\\""
        case "\\": self += "\\\\"
        case "\n": self += "\\n"
        case "\r": self += "\\r"
        case "\t": self += "\\t"
        case "\0": self += "\\0"
        case " "..."~": unicodeScalars.append(scalar)
        default:
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned, .surrogate,
                .nonspacingMark, .enclosingMark:
                self += "\\u{\(String(scalar.value, radix: 16))}"
            default:
                unicodeScalars.append(scalar)
            }
        }
    }
}
