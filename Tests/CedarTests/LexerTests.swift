// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Cedar

struct LexerTests {
    private func kinds(_ text: String) throws -> [Token.Kind] {
        var lexer = Lexer(SourceText(text))
        var kinds: [Token.Kind] = []
        while true {
            let token = try lexer.next()
            if token.kind == .end { return kinds }
            kinds.append(token.kind)
        }
    }

    private func failure(_ text: String) -> Diagnostic? {
        #expect(throws: Diagnostic.self) { try kinds(text) }
    }

    @Test func `signs are read as long as they go`() throws {
        let signs: [Token.Kind] = [
            .identifier, .path, .identifier, .colon, .identifier, .lessOrEqual, .less, .greater, .greaterOrEqual,
            .equal,
            .notEqual, .not, .or, .and,
        ]
        #expect(try kinds("a::b:c <=<>>===!=! ||&&") == signs)
        #expect(try kinds("?principal ?: ? x?") == [.slot, .question, .colon, .question, .identifier, .question])
        #expect(try kinds("1a -2") == [.number, .identifier, .minus, .number])
    }

    @Test func `white space of any script and comments separate`() throws {
        #expect(try kinds("a\u{A0}b\u{2028}c // d\re\n//f") == [.identifier, .identifier, .identifier, .identifier])
    }

    @Test func `comments are kept on demand`() throws {
        var lexer = Lexer(SourceText("// one\na // two"), keepingComments: true)
        while try lexer.next().kind != .end {}
        #expect(lexer.comments.map(lexer.source.text(of:)) == ["// one", "// two"])
    }

    @Test func `positions count lines and scalars`() throws {
        let source = SourceText("é\n  €x")
        #expect(source.position(of: 8) == SourcePosition(line: 2, column: 4))
        #expect(source.position(of: 1_000) == SourcePosition(line: 2, column: 5))
    }

    @Test func `what begins no token is shown with its place`() throws {
        let error = try #require(failure("a\n  €"))
        #expect(error.description == "2:3: invalid character `€`")
        #expect(error.rendered(in: SourceText("a\n  €")) == "2:3: invalid character `€`\n  2 |   €\n    |   ^")
        #expect(failure("\u{202E}")?.message == "invalid character `\\u{202e}`")
        #expect(failure("a | b")?.message == "invalid character `|`")
        #expect(failure("\"abc")?.message == "string literal has no end")
        #expect(failure("\"abc\\\"")?.message == "string literal has no end")
        #expect(failure("\"a\\\nb\"")?.message == "string literal has no end")
    }

    @Test func `a long line is cut around the span`() {
        let text = SourceText(String(repeating: "x ", count: 1_000) + "$ " + String(repeating: "y ", count: 1_000))
        let diagnostic = Diagnostic("odd", at: SourceSpan(start: 2_000, end: 2_001), in: text)
        let lines = diagnostic.rendered(in: text).split(separator: "\n").map { Array($0.unicodeScalars) }
        #expect(lines.count == 3)
        #expect(lines.allSatisfy { $0.count < 200 })
        #expect(lines[1].firstIndex(of: "$") == lines[2].firstIndex(of: "^"))
    }

    @Test func `text that is not UTF-8 is refused with its offset`() {
        let error = #expect(throws: Diagnostic.self) { try SourceText(utf8: [0x61, 0xC3, 0xA9, 0xFF]) }
        #expect(error?.span == SourceSpan(start: 3, end: 4))
    }
}
