// SPDX-License-Identifier: Apache-2.0

/// How the end of a body is found (RFC 9112 §6.3).
package enum HTTPBodyFraming: Sendable, Equatable {
    /// There is none.
    case none
    /// So many bytes, one or more.
    case length(UInt64)
    /// In chunks, the last of which is empty.
    case chunked
    /// To the end of the connection; only a response's.
    case untilClose

    /// The bytes that were announced; nil when nobody knows.
    package var length: UInt64? {
        switch self {
        case .none: 0
        case .length(let length): length
        case .chunked, .untilClose: nil
        }
    }

    /// What the fields of an HTTP/1 message say of its body; nil when they say nothing.
    ///
    /// - Throws: ``FramingError`` where two readers could understand them differently: more than one length, a length and
    ///   an encoding, an encoding that is not exactly `chunked`, or names that some readers take for these.
    init?(_ fields: HeaderFields, isHTTP10: Bool) throws(FramingError) {
        var length: UInt64?
        var isChunked = false
        for field in fields.fields {
            if field.name.isSameFieldName(as: "content-length") {
                guard length == nil else { throw .repeatedLength }
                length = try Self.length(field.value)
            } else if field.name.isSameFieldName(as: "transfer-encoding") {
                guard !isChunked, !isHTTP10, field.value.lowercasedASCII == "chunked" else {
                    throw .unsupportedEncoding
                }
                isChunked = true
            }
        }
        guard length == nil || !isChunked else { throw .lengthAndEncoding }
        if isChunked {
            self = .chunked
        } else if let length {
            self = length == 0 ? .none : .length(length)
        } else {
            return nil
        }
    }

    /// A length in its one spelling: digits, no sign, no list, no leading zero.
    static func length(_ text: String) throws(FramingError) -> UInt64 {
        let digits = text.utf8
        guard (1...18).contains(digits.count), digits.allSatisfy({ (0x30...0x39).contains($0) }),
            digits.count == 1 || digits.first != 0x30, let length = UInt64(text)
        else { throw .invalidLength }
        return length
    }
}
