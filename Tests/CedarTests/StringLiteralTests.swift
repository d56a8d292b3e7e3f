// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Cedar

struct StringLiteralTests {
    private func token(_ literal: String) throws -> (Token, SourceText) {
        let source = SourceText(literal)
        var lexer = Lexer(source)
        return (try lexer.next(), source)
    }

    private func text(_ literal: String) throws -> CedarString {
        let (token, source) = try token(literal)
        return try StringLiteral.text(of: token, in: source)
    }

    private func pattern(_ literal: String) throws -> Pattern {
        let (token, source) = try token(literal)
        return try StringLiteral.pattern(of: token, in: source)
    }

    @Test func `escapes stand for characters`() throws {
        #expect(try text(#""a\n\r\t\\\0\'\"\x7f\u{1F600}\u{0041_}é""#) == "a\n\r\t\\\0'\"\u{7F}😀Aé")
        #expect(try text("\"a\nb\"") == "a\nb")
    }

    @Test(arguments: [
        #""\*""#, #""\a""#, #""\xff""#, #""\x1""#, #""\u{}""#, #""\u{_41}""#, #""\u{1234567}""#, #""\u{d800}""#,
        #""\u{110000}""#, #""\u41""#, #""\u{41""#, "\"a\rb\"",
    ])
    func `other escapes are refused`(literal: String) {
        #expect(throws: Diagnostic.self) { try text(literal) }
    }

    @Test func `the place of a bad escape is exact`() throws {
        let error = #expect(throws: Diagnostic.self) { try text(#""é\n\q""#) }
        #expect(error?.message == #"the input `\q` is not a valid escape"#)
        #expect(error?.span == SourceSpan(start: 5, end: 7))
    }

    @Test func `a star in a pattern is a wildcard unless it is escaped`() throws {
        #expect(try pattern(#""a\*b""#).matches("a*b"))
        #expect(try !pattern(#""a\*b""#).matches("axb"))
        #expect(try pattern(#""a*b""#).matches("axb"))
        #expect(try pattern(#""\u{2a}""#).matches("anything"))
        #expect(try pattern("\"a*b\"").matches("a\nb"))
        #expect(try pattern("\"\"").matches(""))
        #expect(try !pattern("\"\"").matches("a"))
        #expect(try pattern("\"**a**\"").matches("a"))
        #expect(try pattern("\"*ab*ab\"").matches("xababab"))
        #expect(try !pattern("\"*ab*abc\"").matches("xababab"))
        #expect(try !pattern("\"e\"").matches("e\u{301}"))
    }

    @Test func `a hostile pattern takes no exponential time`() {
        let parts: [Pattern.Element] = Array(repeating: [.wildcard, .character("a")], count: 200).flatMap(\.self)
        let pattern = Pattern(parts + [.character("b")])
        #expect(!pattern.matches(CedarString(String(repeating: "a", count: 5_000))))
    }
}
