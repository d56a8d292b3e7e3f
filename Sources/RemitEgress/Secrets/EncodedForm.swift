// SPDX-License-Identifier: Apache-2.0

/// A way in which a value may stand in a stream of bytes.
///
/// Of Base 64 only the characters that the value alone determines are looked for, one pattern for each of the three
/// places that its first byte may have in a group of three; what stands before and after it does not matter. Letter case,
/// the URL-safe alphabet, percent and backslash escapes and line breaks are no forms of their own: see ``Fold`` and
/// ``EscapeReader``.
package enum EncodedForm: Hashable, Sendable {
    /// The bytes themselves.
    case plain
    /// Base 64 (RFC 4648 §4, §5) with `alignment` bytes, 0 to 2, before the value in its first group.
    case base64(alignment: Int)
    /// Two hexadecimal digits a byte.
    case hexadecimal

    static let all: [EncodedForm] = [
        .plain, .base64(alignment: 0), .base64(alignment: 1), .base64(alignment: 2), .hexadecimal,
    ]

    /// What stands in the stream for `value`, in the standard alphabet and lower-case digits.
    func encode(_ value: [UInt8]) -> [UInt8] {
        switch self {
        case .plain: return value
        case .hexadecimal:
            return value.flatMap { [Self.digits[Int($0 >> 4)], Self.digits[Int($0 & 15)]] }
        case .base64(let alignment):
            // Characters that hold bits of a byte before the value are left out, and so is an incomplete last one.
            let characters = Base64.encode([UInt8](repeating: 0, count: alignment) + value, padded: false)
            let first = (alignment * 8 + 5) / 6
            let complete = (alignment + value.count) * 8 / 6
            return first < complete ? Array(characters[first..<complete]) : []
        }
    }

    static let digits = Array("0123456789abcdef".utf8)
}
