// SPDX-License-Identifier: Apache-2.0

/// Reads policy or schema text token by token, skipping white space and `//` comments.
///
/// It keeps nothing of what it has read, so that the memory it takes doesn't depend on the length of the text.
public struct Lexer: Sendable {
    /// The text that is read.
    public let source: SourceText
    /// Where comments are, in order; empty unless they are kept.
    public private(set) var comments: [SourceSpan] = []

    private let keepsComments: Bool
    private var offset = 0

    /// Reads `source` from its beginning; with `keepingComments` the spans of comments are noted on the way.
    public init(_ source: SourceText, keepingComments: Bool = false) {
        self.source = source
        keepsComments = keepingComments
    }

    /// The next token; at the end of the text, ``Token/Kind/end`` again and again.
    ///
    /// - Throws: at a character that begins no token, and at a string without an end.
    public mutating func next() throws(Diagnostic) -> Token {
        skipBlank()
        let start = offset
        guard let byte = peek(0) else { return Token(kind: .end, span: SourceSpan(start: start, end: start)) }
        if Identifier.isStart(byte) {
            while let byte = peek(0), Identifier.isContinuation(byte) { offset += 1 }
            return token(.identifier, from: start)
        }
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"):
            while let byte = peek(0), (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { offset += 1 }
            return token(.number, from: start)
        case UInt8(ascii: "\""):
            try skipString()
            return token(.string, from: start)
        case UInt8(ascii: "?"):
            offset += 1
            guard let byte = peek(0), Identifier.isStart(byte) else { return token(.question, from: start) }
            while let byte = peek(0), Identifier.isContinuation(byte) { offset += 1 }
            return token(.slot, from: start)
        default:
            guard let (kind, length) = punctuation(byte, peek(1)) else { throw invalidCharacter() }
            offset += length
            return token(kind, from: start)
        }
    }

    private func peek(_ ahead: Int) -> UInt8? {
        let index = offset + ahead
        return index < source.bytes.count ? source.bytes[index] : nil
    }

    private func token(_ kind: Token.Kind, from start: Int) -> Token {
        Token(kind: kind, span: SourceSpan(start: start, end: offset))
    }

    private func punctuation(_ first: UInt8, _ second: UInt8?) -> (Token.Kind, Int)? {
        switch (first, second) {
        case (UInt8(ascii: "="), UInt8(ascii: "=")): (.equal, 2)
        case (UInt8(ascii: "!"), UInt8(ascii: "=")): (.notEqual, 2)
        case (UInt8(ascii: "<"), UInt8(ascii: "=")): (.lessOrEqual, 2)
        case (UInt8(ascii: ">"), UInt8(ascii: "=")): (.greaterOrEqual, 2)
        case (UInt8(ascii: "|"), UInt8(ascii: "|")): (.or, 2)
        case (UInt8(ascii: "&"), UInt8(ascii: "&")): (.and, 2)
        case (UInt8(ascii: ":"), UInt8(ascii: ":")): (.path, 2)
        case (UInt8(ascii: "@"), _): (.at, 1)
        case (UInt8(ascii: "."), _): (.dot, 1)
        case (UInt8(ascii: ","), _): (.comma, 1)
        case (UInt8(ascii: ";"), _): (.semicolon, 1)
        case (UInt8(ascii: ":"), _): (.colon, 1)
        case (UInt8(ascii: "("), _): (.openParenthesis, 1)
        case (UInt8(ascii: ")"), _): (.closeParenthesis, 1)
        case (UInt8(ascii: "{"), _): (.openBrace, 1)
        case (UInt8(ascii: "}"), _): (.closeBrace, 1)
        case (UInt8(ascii: "["), _): (.openBracket, 1)
        case (UInt8(ascii: "]"), _): (.closeBracket, 1)
        case (UInt8(ascii: "<"), _): (.less, 1)
        case (UInt8(ascii: ">"), _): (.greater, 1)
        case (UInt8(ascii: "+"), _): (.plus, 1)
        case (UInt8(ascii: "-"), _): (.minus, 1)
        case (UInt8(ascii: "*"), _): (.star, 1)
        case (UInt8(ascii: "/"), _): (.slash, 1)
        case (UInt8(ascii: "%"), _): (.percent, 1)
        case (UInt8(ascii: "!"), _): (.not, 1)
        case (UInt8(ascii: "="), _): (.assign, 1)
        default: nil
        }
    }

    private mutating func skipBlank() {
        while let byte = peek(0) {
            switch byte {
            case UInt8(ascii: " "), 0x09...0x0D:
                offset += 1
            case UInt8(ascii: "/") where peek(1) == UInt8(ascii: "/"):
                let start = offset
                while let byte = peek(0), byte != UInt8(ascii: "\n"), byte != UInt8(ascii: "\r") { offset += 1 }
                if keepsComments { comments.append(SourceSpan(start: start, end: offset)) }
            case 0x80...:
                let scalar = scalar(at: offset)
                guard scalar.properties.isWhitespace else { return }
                offset += UTF8.width(scalar)
            default:
                return
            }
        }
    }

    private mutating func skipString() throws(Diagnostic) {
        let start = offset
        offset += 1
        while let byte = peek(0) {
            offset += 1
            if byte == UInt8(ascii: "\"") { return }
            if byte == UInt8(ascii: "\\") {
                guard let escaped = peek(0), escaped != UInt8(ascii: "\n") else { break }
                offset += 1
            }
        }
        offset = start
        throw Diagnostic("string literal has no end", at: SourceSpan(start: start, end: start + 1), in: source)
    }

    private func invalidCharacter() -> Diagnostic {
        let scalar = scalar(at: offset)
        let span = SourceSpan(start: offset, end: offset + UTF8.width(scalar))
        var shown = ""
        shown.appendEscaped(scalar)
        return Diagnostic("invalid character `\(shown)`", at: span, in: source)
    }

    /// The scalar whose first byte is at `offset`; the text is valid UTF-8.
    private func scalar(at offset: Int) -> Unicode.Scalar {
        var decoder = UTF8()
        var iterator = source.bytes[offset...].makeIterator()
        if case .scalarValue(let scalar) = decoder.decode(&iterator) { return scalar }
        return "\u{FFFD}"
    }
}
