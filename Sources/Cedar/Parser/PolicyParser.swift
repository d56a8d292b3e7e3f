// SPDX-License-Identifier: Apache-2.0

/// Reads policies from text, by recursive descent with one token of lookahead.
///
/// How deep it goes and how high trees get is bounded by ``SyntaxLimits``; it stops at the first error.
struct PolicyParser {
    let source: SourceText
    let limits: SyntaxLimits
    private var lexer: Lexer
    /// The token to be read next.
    private(set) var token: Token
    /// The end of the token read last.
    private(set) var end = 0
    private var depth = 0

    /// Comments seen so far, where they are kept.
    var comments: [SourceSpan] { lexer.comments }

    init(_ source: SourceText, limits: SyntaxLimits, keepingComments: Bool = false) throws(Diagnostic) {
        guard source.bytes.count <= limits.bytes else {
            throw Diagnostic("text is longer than \(limits.bytes) bytes")
        }
        self.source = source
        self.limits = limits
        lexer = Lexer(source, keepingComments: keepingComments)
        token = try lexer.next()
    }

    /// Whether there is nothing left to read.
    var isAtEnd: Bool { token.kind == .end }

    /// Reads the next token, whatever it is.
    @discardableResult
    mutating func advance() throws(Diagnostic) -> Token {
        let read = token
        end = read.span.end
        token = try lexer.next()
        return read
    }

    /// Reads the next token where it is of `kind`.
    mutating func skip(_ kind: Token.Kind) throws(Diagnostic) -> Bool {
        guard token.kind == kind else { return false }
        try advance()
        return true
    }

    /// Reads the next token, which must be of `kind`, written `expected`.
    @discardableResult
    mutating func expect(_ kind: Token.Kind, _ expected: String) throws(Diagnostic) -> Token {
        guard token.kind == kind else { throw unexpected("expected \(expected)") }
        return try advance()
    }

    /// The text of a token.
    func text(of token: Token) -> CedarString {
        CedarString(source.text(of: token.span))
    }

    /// Whether the next token is the word `word`.
    func isNext(_ word: String) -> Bool {
        token.kind == .identifier && source.bytes[token.span.start..<token.span.end].elementsEqual(word.utf8)
    }

    /// Reads the next token where it is the word `word`.
    mutating func skip(word: String) throws(Diagnostic) -> Bool {
        guard isNext(word) else { return false }
        try advance()
        return true
    }

    /// The span from `start` to the end of the token read last.
    func span(from start: Int) -> SourceSpan {
        SourceSpan(start: start, end: end)
    }

    /// What is wrong at `span`.
    func error(_ message: String, at span: SourceSpan, hint: String? = nil) -> Diagnostic {
        Diagnostic(message, at: span, in: source, hint: hint)
    }

    /// The next token can't stand where it is; `expectation` says what could.
    func unexpected(_ expectation: String) -> Diagnostic {
        if isAtEnd { return error("unexpected end of input: \(expectation)", at: token.span) }
        return error("unexpected token `\(shortened(token.span))`: \(expectation)", at: token.span)
    }

    /// The text at `span` as messages quote it: escaped where it doesn't print, and cut where it is long.
    func shortened(_ span: SourceSpan) -> String {
        let limit = 40
        let scalars = source.text(of: SourceSpan(start: span.start, end: min(span.end, span.start + 4 * limit)))
            .unicodeScalars
        var shown = ""
        for scalar in scalars.prefix(limit) {
            if scalar == "\"" || scalar == "\\" {
                shown.unicodeScalars.append(scalar)
            } else {
                shown.appendEscaped(scalar)
            }
        }
        return scalars.count > limit || span.end > span.start + 4 * limit ? shown + "…" : shown
    }

    /// Goes one level deeper for as long as `body` reads.
    mutating func nested<Result>(
        _ body: (inout PolicyParser) throws(Diagnostic) -> Result
    ) throws(Diagnostic) -> Result {
        guard depth < limits.nesting else {
            throw error("nested more than \(limits.nesting) levels deep", at: token.span)
        }
        depth += 1
        defer { depth -= 1 }
        return try body(&self)
    }

    /// Reads `item`s separated by commas, one allowed after the last, up to and with a token of kind `close`.
    mutating func list(
        upTo close: Token.Kind, _ written: String, _ item: (inout PolicyParser) throws(Diagnostic) -> Void
    ) throws(Diagnostic) {
        while try !skip(close) {
            try item(&self)
            if try skip(.comma) { continue }
            try expect(close, "`,` or \(written)")
            return
        }
    }

    /// Reads an identifier that isn't reserved; `what` it names is for errors.
    mutating func identifier(_ what: String) throws(Diagnostic) -> CedarString {
        guard token.kind == .identifier else { throw unexpected("expected \(what)") }
        let word = text(of: token)
        try checkUnreserved(word, at: token.span)
        try advance()
        return word
    }

    /// Reads a name; `what` it names is for errors.
    mutating func name(_ what: String) throws(Diagnostic) -> Name {
        var path = [try identifier(what)]
        while try skip(.path) {
            path.append(try identifier("an identifier"))
        }
        return Name(path: path)
    }

    /// Refuses words that can't be names.
    func checkUnreserved(_ word: CedarString, at span: SourceSpan) throws(Diagnostic) {
        guard Identifier.isReserved(word) else { return }
        if word == "__cedar" {
            throw error("the name `__cedar` is reserved", at: span)
        }
        throw error("this identifier is reserved and cannot be used: `\(word)`", at: span)
    }
}
