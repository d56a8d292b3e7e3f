// SPDX-License-Identifier: Apache-2.0

/// Decodes the escapes of string literals and of the patterns of `like`.
///
/// `\n`, `\r`, `\t`, `\\`, `\0`, `\'`, `\"`, `\xHH` up to 7F and `\u{…}` of one to six digits; in patterns also `\*`. As
/// in the reference engine, `\x2a` and `\u{2a}` are stars like any other in a pattern: wildcards.
enum StringLiteral {
    /// The text a string token stands for.
    ///
    /// - Throws: at the first escape that isn't one.
    static func text(of token: Token, in source: SourceText) throws(Diagnostic) -> CedarString {
        let inner = source.bytes[token.span.start..<token.span.end].dropFirst().dropLast()
        if !inner.contains(where: { $0 == UInt8(ascii: "\\") || $0 == UInt8(ascii: "\r") }) {
            return CedarString(String(decoding: inner, as: UTF8.self))
        }
        let elements = try decode(token, in: source, isPattern: false)
        var text = ""
        for case .character(let scalar) in elements { text.unicodeScalars.append(scalar) }
        return CedarString(text)
    }

    /// The pattern a string token stands for, where `*` matches any text and `\*` a star.
    ///
    /// - Throws: at the first escape that isn't one.
    static func pattern(of token: Token, in source: SourceText) throws(Diagnostic) -> Pattern {
        Pattern(try decode(token, in: source, isPattern: true))
    }

    private static func decode(
        _ token: Token, in source: SourceText, isPattern: Bool
    ) throws(Diagnostic) -> [Pattern.Element] {
        let start = token.span.start + 1
        let end = max(start, min(token.span.end - 1, source.bytes.count))
        let bytes = source.bytes[start..<end]
        var elements: [Pattern.Element] = []
        elements.reserveCapacity(bytes.count)
        var scalars = String(decoding: bytes, as: UTF8.self).unicodeScalars[...]
        var offset = start
        while let scalar = scalars.popFirst() {
            let from = offset
            offset += UTF8.width(scalar)
            switch scalar {
            case "\\":
                let before = scalars
                if isPattern, scalars.first == "*" {
                    scalars.removeFirst()
                    offset += 1
                    elements.append(.character("*"))
                    continue
                }
                guard let decoded = escape(&scalars) else {
                    let width = before.first.map { UTF8.width($0) } ?? 0
                    let span = SourceSpan(start: from, end: offset + width)
                    throw Diagnostic(
                        "the input `\(source.text(of: span))` is not a valid escape", at: span, in: source)
                }
                offset += before.utf8Count - scalars.utf8Count
                elements.append(isPattern && decoded == "*" ? .wildcard : .character(decoded))
            case "*" where isPattern:
                elements.append(.wildcard)
            case "\r":
                let span = SourceSpan(start: from, end: offset)
                throw Diagnostic("a carriage return must be written as `\\r`", at: span, in: source)
            default:
                elements.append(.character(scalar))
            }
        }
        return elements
    }

    /// The scalar of the escape whose backslash has been read; nil where it isn't one.
    private static func escape(_ scalars: inout Substring.UnicodeScalarView) -> Unicode.Scalar? {
        switch scalars.popFirst() {
        case "n": return "\n"
        case "r": return "\r"
        case "t": return "\t"
        case "\\": return "\\"
        case "0": return "\0"
        case "'": return "'"
        case "\"": return "\""
        case "x":
            guard let high = digit(&scalars), let low = digit(&scalars), high < 8 else { return nil }
            return Unicode.Scalar(high << 4 | low)
        case "u":
            return scalars.popFirst() == "{" ? braced(&scalars) : nil
        default: return nil
        }
    }

    /// One to six hexadecimal digits, `_` allowed between and after them, and `}`.
    private static func braced(_ scalars: inout Substring.UnicodeScalarView) -> Unicode.Scalar? {
        guard var value = digit(&scalars).map(UInt32.init) else { return nil }
        var count = 1
        while let scalar = scalars.first {
            if scalar == "}" {
                scalars.removeFirst()
                return Unicode.Scalar(value)
            }
            if scalar == "_" {
                scalars.removeFirst()
                continue
            }
            guard let digit = digit(&scalars), count < 6 else { return nil }
            value = value << 4 | UInt32(digit)
            count += 1
        }
        return nil
    }

    private static func digit(_ scalars: inout Substring.UnicodeScalarView) -> UInt8? {
        guard let scalar = scalars.first, scalar.isASCII, let digit = HexDigit.value(of: UInt8(scalar.value)) else {
            return nil
        }
        scalars.removeFirst()
        return digit
    }
}

extension Substring.UnicodeScalarView {
    /// The number of UTF-8 bytes.
    fileprivate var utf8Count: Int { Substring(self).utf8.count }
}
