// SPDX-License-Identifier: Apache-2.0
// The path of a request as every server understands it. What two servers could read differently is refused, not repaired:
// what is compared with the rules must be what the server acts on.

/// Why a request's path cannot be compared with rules.
package enum RequestPathError: String, Error, Hashable, Sendable {
    /// It does not begin with `/`.
    case relative
    /// Longer than 8,192 bytes.
    case tooLong
    /// A byte that no path has: a control, a space, `\`, `?`, `#`, or one beyond ASCII.
    case forbidden
    /// `%` without two hexadecimal digits.
    case escape
    /// An encoded `/`, `\`, NUL or control, which some servers decode before they split the path and others after.
    case encodedSeparator
    /// An encoded `%` before two hexadecimal digits, which some servers decode once more.
    case doubleEncoding
    /// ASCII in more bytes than it takes (`%c0%ae` for a dot), which careless decoders of UTF-8 accept.
    case overlong
    /// `.` or `..`, also encoded or with parameters.
    case dotSegment
    /// An empty segment before the last, which some servers leave out.
    case emptySegment
}

extension RequestPathError: CustomStringConvertible {
    /// What is wrong, to follow the word "path".
    package var description: String {
        switch self {
        case .relative: "does not begin with `/`"
        case .tooLong: "is longer than 8192 bytes"
        case .forbidden: "has a byte that no path has"
        case .escape: "has a `%` that encodes nothing"
        case .encodedSeparator: "has an encoded separator or control"
        case .doubleEncoding: "is encoded twice"
        case .overlong: "has a character in more bytes than it takes"
        case .dotSegment: "has a `.` or `..` segment"
        case .emptySegment: "has an empty segment"
        }
    }
}

/// The path of a request, decoded and without anything that servers read differently.
package struct RequestPath: Hashable, Sendable {
    /// The decoded segments; the last one is empty where the path ends in `/`.
    let segments: [[UInt8]]

    /// Reads the path of an origin-form target (RFC 9112 section 3.2.1) without its query.
    ///
    /// - Throws: ``RequestPathError``
    package init(_ raw: some Collection<UInt8>) throws(RequestPathError) {
        guard raw.first == UInt8(ascii: "/") else { throw .relative }
        guard raw.count <= 8192 else { throw .tooLong }
        var segments: [[UInt8]] = []
        let parts = raw.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated() {
            if part.isEmpty, index < parts.count - 1 { throw .emptySegment }
            let segment = try Self.decoded(part)
            guard !Self.isOverlong(segment) else { throw .overlong }
            // `/..;x=1/` is `/../` to servers that take parameters off first.
            let name = segment.prefix { $0 != UInt8(ascii: ";") }
            if name.elementsEqual(".".utf8) || name.elementsEqual("..".utf8) { throw .dotSegment }
            segments.append(segment)
        }
        self.segments = segments
    }

    /// The target of a request without its query and fragment: what may be recorded.
    package static func withoutQuery(_ target: String) -> Substring {
        target.prefix { $0 != "?" && $0 != "#" }
    }

    private static func decoded(_ part: some Collection<UInt8>) throws(RequestPathError) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(part.count)
        let bytes = Array(part)
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            switch byte {
            case UInt8(ascii: "%"):
                guard let value = escape(in: bytes, at: index) else { throw .escape }
                if value < 0x20 || value == 0x7F || value == UInt8(ascii: "/") || value == UInt8(ascii: "\\") {
                    throw .encodedSeparator
                }
                if value == UInt8(ascii: "%"), isHex(bytes, index + 3), isHex(bytes, index + 4) {
                    throw .doubleEncoding
                }
                result.append(value)
                index += 3
            case 0x00...0x20, 0x7F...0xFF, UInt8(ascii: "\\"), UInt8(ascii: "?"), UInt8(ascii: "#"):
                throw .forbidden
            default:
                result.append(byte)
                index += 1
            }
        }
        return result
    }

    /// What follows decides for the leading bytes of three and four; a leading byte of two has no other use.
    private static func isOverlong(_ segment: [UInt8]) -> Bool {
        segment.indices.contains { index in
            let next = index + 1 < segment.count ? segment[index + 1] : 0
            return switch segment[index] {
            case 0xC0, 0xC1: true
            case 0xE0: (0x80..<0xA0).contains(next)
            case 0xF0: (0x80..<0x90).contains(next)
            default: false
            }
        }
    }

    private static func isHex(_ bytes: [UInt8], _ index: Int) -> Bool {
        index < bytes.count && Character(Unicode.Scalar(bytes[index])).isHexDigit
    }

    private static func escape(in bytes: [UInt8], at index: Int) -> UInt8? {
        guard isHex(bytes, index + 1), isHex(bytes, index + 2) else { return nil }
        return UInt8(String(decoding: bytes[(index + 1)...(index + 2)], as: UTF8.self), radix: 16)
    }
}
