// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Cedar

struct PolicyFormatterTests {
    @Test func `a policy that says nothing of its scope is one line`() throws {
        #expect(
            try PolicyFormatter.format("permit(principal,action,resource);")
                == "permit (principal, action, resource);\n")
        #expect(try PolicyFormatter.format("") == "")
        #expect(try PolicyFormatter.format("// nothing\n") == "// nothing\n")
    }

    @Test func `what doesn't fit is broken at the outermost place`() throws {
        let text = """
            @id("x")@b permit(principal == User::"a",action in[Action::"x",Action::"y",],resource is T in ?resource,)
            when{context has a.b&&context has "c d"&&principal.x["y z"].contains(1)&&!(-context.n+2*3-4<5)}
            unless{if context.a then[1,2,]==[]else{a:1,"b c":true,}=={}};
            forbid(principal,action,resource)when{true};
            """
        let expected = """
            @id("x")
            @b
            permit (
              principal == User::"a",
              action in [Action::"x", Action::"y"],
              resource is T in ?resource
            )
            when {
              context has a.b &&
              context has "c d" &&
              principal.x["y z"].contains(1) &&
              !(-context.n + 2 * 3 - 4 < 5)
            }
            unless { if context.a then [1, 2] == [] else { a: 1, "b c": true } == {} };

            forbid (principal, action, resource)
            when { true };

            """
        #expect(try PolicyFormatter.format(text) == expected)
    }

    @Test func `comments stay where they are`() throws {
        let text = """
            // file

            // before
            @id("x") // after id
            permit(principal, action, // actions
              resource) // scope
            // before when
            when { // open
              // leading
              true // x
              && // y
              [ 1, // one
                2 // two
                , // comma
              ].contains(/* */ 1) } // close
            ; // end
            // last
            """.replacing("/* */ ", with: "")
        let formatted = try PolicyFormatter.format(text)
        let expected = """
            // file
            // before
            @id("x") // after id
            permit (
              principal,
              action, // actions
              resource
            ) // scope
            // before when
            when { // open
              // leading
              true && // x // y
              [
                1, // one
                2 // two // comma
              ].contains(1)
            }; // close // end
            // last

            """
        #expect(formatted == expected)
        #expect(try PolicyFormatter.format(formatted) == formatted)
    }

    @Test func `a comment in an odd place is never code`() throws {
        let text =
            "permit(principal// a\n==// b\nU// c\n::// d\n\"x\"// e\n,action,resource)when{principal// f\n.// g\nx// h\n(// i\n)};"
        #expect(throws: Diagnostic.self) { try PolicyFormatter.format(text) }
        let valid = text.replacing("(// i\n)", with: "[\"y\"// i\n]")
        let formatted = try PolicyFormatter.format(valid)
        #expect(comments(of: formatted) == "abcdefghi".map { "// \($0)" })
        #expect(try json(formatted) == json(valid))
    }

    @Test func `a carriage return in a comment ends it`() throws {
        #expect(
            try PolicyFormatter.format("// a\rpermit(principal,action,resource);")
                == "// a\npermit (principal, action, resource);\n")
    }

    @Test func `invalid policies are refused with a place`() {
        let error = #expect(throws: Diagnostic.self) { try PolicyFormatter.format("permit(principal,action,resource)") }
        #expect(error?.position == SourcePosition(line: 1, column: 34))
    }

    @Test(Corpus.condition) func `formatting the corpus changes no policy and is stable`() throws {
        for folder in ["corpus", "multi", "tests/multi", "tests/ip", "tests/decimal", "tests/example_use_cases"] {
            for file in try Corpus.files(in: folder, suffix: ".cedar") {
                let source = try SourceText(utf8: Corpus.bytes("\(folder)/\(file)"))
                let formatted = try PolicyFormatter.format(source)
                #expect(
                    try json(formatted) == json(source.text(of: SourceSpan(start: 0, end: .max))), "\(folder)/\(file)")
                #expect(try PolicyFormatter.format(formatted) == formatted, "\(folder)/\(file)")
            }
        }
    }

    @Test func `comments anywhere are kept, change no policy and stay stable`() throws {
        let text = #"""
            @id("x") @b permit(principal == U::"a", action in [Action::"x", N::Action::"y"], resource is N::T in ?resource)
            when { context has a.b && -context.n + 2 * 3 < 5 || !principal["y z"].contains([1, 2]) } unless { (true) };
            forbid(principal, action, resource) when { if a::"b" is T in [x::"y"] then {a: 1, "b": ip("::1")} == {} else true };
            """#.replacing(#"is T in [x::"y"]"#, with: #"is T in x::"y""#)
        var lexer = Lexer(SourceText(text))
        var tokens: [String] = []
        while true {
            let token = try lexer.next()
            if token.kind == .end { break }
            tokens.append(lexer.source.text(of: token.span))
        }
        let plain = try json(text)
        var random = SplitMix(state: 3)
        for round in 0..<200 {
            var commented = ""
            var expected: [String] = []
            for token in tokens {
                commented += token
                guard random.next() % UInt64(2 + round / 10) == 0 else {
                    commented += " "
                    continue
                }
                expected.append("// \(expected.count)")
                commented += [" ", "\n", "\n\n"][Int(random.next() % 3)] + expected[expected.count - 1] + "\n"
            }
            let formatted = try PolicyFormatter.format(commented)
            #expect(try json(formatted) == plain)
            #expect(comments(of: formatted) == expected)
            #expect(try PolicyFormatter.format(formatted) == formatted, "\(formatted)")
        }
    }

    private func json(_ text: String) throws -> String {
        try JSONWriter.text(PolicySet(parsing: text).json())
    }

    private func comments(of text: String) -> [String] {
        text.split(separator: "\n").flatMap { line in
            line.split(separator: "//").dropFirst(line.hasPrefix("//") ? 0 : 1).map { "//" + $0 }
        }.map { $0.last == " " ? String($0.dropLast()) : $0 }
    }
}
