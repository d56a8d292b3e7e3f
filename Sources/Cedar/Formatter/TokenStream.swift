// SPDX-License-Identifier: Apache-2.0

/// The tokens of a text that is known to parse, with the comments around them.
struct TokenStream {
    private let source: SourceText
    private let tokens: [Token]
    /// The comments before each token, the end included, and whether each begins on the line of the token before it.
    private var comments: [[(text: String, isTrailing: Bool)]]
    private var index = 0

    /// - Throws: where a character begins no token.
    init(_ source: SourceText) throws(Diagnostic) {
        self.source = source
        var lexer = Lexer(source, keepingComments: true)
        var tokens: [Token] = []
        var comments: [[(text: String, isTrailing: Bool)]] = []
        var known = 0
        while tokens.last?.kind != .end {
            let token = try lexer.next()
            let end = tokens.last?.span.end
            comments.append(
                lexer.comments[known...].map { span in
                    let between = source.bytes[(end ?? 0)..<span.start]
                    let isTrailing = end != nil && !between.contains { $0 == 0x0A || $0 == 0x0D }
                    return (TokenStream.trimmed(source.text(of: span)), isTrailing)
                })
            known = lexer.comments.count
            tokens.append(token)
        }
        self.tokens = tokens
        self.comments = comments
    }

    private static func trimmed(_ comment: String) -> String {
        var scalars = Substring(comment).unicodeScalars
        while let last = scalars.last, last.properties.isWhitespace { scalars.removeLast() }
        return String(scalars)
    }

    /// Whether there are comments.
    var hasComments: Bool { comments.contains { !$0.isEmpty } }

    /// The kind of the token to be read next.
    var kind: Token.Kind { tokens[min(index, tokens.count - 1)].kind }

    /// The kind of the token behind the one to be read next.
    var kindAfterNext: Token.Kind { tokens[min(index + 1, tokens.count - 1)].kind }

    /// The text of the token to be read next.
    var text: String { source.text(of: tokens[min(index, tokens.count - 1)].span) }

    /// Whether the token to be read next is the word `word`.
    func isNext(_ word: String) -> Bool { kind == .identifier && text == word }

    /// Reads a token: its text between the comments around it, those on lines before it and the one behind it.
    mutating func next() -> Document {
        let leading = leadingComments()
        let text = Document.text(text)
        advance()
        let parts = leading + [text] + trailingComments()
        return parts.count == 1 ? text : .sequence(parts)
    }

    /// Reads a token that isn't to be written; its comments.
    mutating func drop() -> Document {
        let leading = leadingComments()
        advance()
        return .sequence(leading + trailingComments())
    }

    /// Reads the comments before the token to be read next that don't belong to the one before it.
    mutating func leadingComments() -> [Document] {
        let position = min(index, tokens.count - 1)
        let leading = comments[position].drop(while: \.isTrailing)
        comments[position].removeLast(leading.count)
        return leading.map { Document.comment($0.text) }
    }

    private func trailingComments() -> [Document] {
        comments[min(index, tokens.count - 1)].prefix(while: \.isTrailing).map { Document.comment($0.text) }
    }

    private mutating func advance() {
        index = min(index + 1, tokens.count - 1)
    }
}
