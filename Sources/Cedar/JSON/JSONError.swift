// SPDX-License-Identifier: Apache-2.0

/// Why a text is not the JSON that Cedar reads.
public struct JSONError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What is wrong.
    public enum Reason: Equatable, Sendable {
        /// The text ends within a value.
        case unexpectedEnd
        /// There is a byte that cannot stand here.
        case unexpectedByte(UInt8)
        /// The text goes on behind its value.
        case trailingText
        /// A number is written in a way that JSON does not know, such as `01` or `1.`.
        case malformedNumber
        /// An escape is unknown, or is a surrogate without its other half.
        case malformedEscape
        /// A control character is not escaped.
        case controlCharacter
        /// The bytes of a string are not UTF-8.
        case malformedUTF8
        /// An object has a key twice.
        case duplicateKey([UInt8])
        /// Values are nested too deeply.
        case tooDeep(limit: Int)
        /// The text is too long.
        case tooLong(limit: Int)
    }

    /// What is wrong.
    public let reason: Reason

    /// The byte at which it is wrong.
    public let offset: Int

    /// An error at a byte of the text.
    public init(_ reason: Reason, at offset: Int) {
        self.reason = reason
        self.offset = offset
    }

    /// The error in one line, without its place.
    public var description: String {
        switch reason {
        case .unexpectedEnd: "unexpected end of JSON"
        case .unexpectedByte(let byte):
            if (0x21..<0x7f).contains(byte) {
                "unexpected `\(Unicode.Scalar(byte))` in JSON"
            } else {
                "unexpected byte 0x\(String(byte, radix: 16)) in JSON"
            }
        case .trailingText: "unexpected text after the JSON value"
        case .malformedNumber: "malformed JSON number"
        case .malformedEscape: "malformed escape in a JSON string"
        case .controlCharacter: "control character in a JSON string"
        case .malformedUTF8: "malformed UTF-8 in a JSON string"
        case .duplicateKey(let key): "duplicate key `\(String(decoding: key, as: UTF8.self))`"
        case .tooDeep(let limit): "JSON is nested more than \(limit) deep"
        case .tooLong(let limit): "JSON is longer than \(limit) bytes"
        }
    }
}
