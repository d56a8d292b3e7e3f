// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import RemitNetwork

@Suite struct RequestPathTests {
    static func pattern(_ text: String) throws -> RequestPathPattern {
        try #require(RequestPathPattern(text), "\(text)")
    }

    static func matches(_ pattern: String, _ path: String) throws -> Bool {
        try Self.pattern(pattern).matches(RequestPath(path.utf8))
    }

    @Test(
        arguments: [
            ("a", RequestPathError.relative), ("", .relative), ("*", .relative), ("http://a/b", .relative),
            ("/a/../b", .dotSegment), ("/a/.", .dotSegment), ("/%2e%2e/b", .dotSegment), ("/.%2E/b", .dotSegment),
            ("/..;x=1/b", .dotSegment), ("/a/.;/b", .dotSegment), ("//a", .emptySegment), ("/a//b", .emptySegment),
            ("/a%2fb", .encodedSeparator), ("/a%2Fb", .encodedSeparator), ("/a%5cb", .encodedSeparator),
            ("/a%00", .encodedSeparator), ("/a%0d%0a", .encodedSeparator), ("/a%7f", .encodedSeparator),
            ("/a%252fb", .doubleEncoding), ("/%252e%252e/", .doubleEncoding), ("/a%", .escape), ("/a%4", .escape),
            ("/a%zz", .escape), ("/a%+1", .escape), ("/a%u002f", .escape), ("/a\\b", .forbidden), ("/a b", .forbidden),
            ("/a?x", .forbidden), ("/a#x", .forbidden), ("/ü", .forbidden), ("/a\u{0}b", .forbidden),
            ("/a\tb", .forbidden), ("/%c0%ae%c0%ae/b", .overlong), ("/a%C1%9cb", .overlong),
            ("/%e0%80%ae/b", .overlong),
            ("/%f0%80%80%ae/b", .overlong),
        ] as [(String, RequestPathError)])
    func `a path that servers read differently is refused`(path: String, error: RequestPathError) {
        #expect(throws: error) { try RequestPath(path.utf8) }
    }

    @Test func `a path is bounded`() {
        #expect(throws: RequestPathError.tooLong) { try RequestPath(("/" + String(repeating: "a", count: 8192)).utf8) }
        #expect(throws: Never.self) { try RequestPath(("/" + String(repeating: "a", count: 8191)).utf8) }
    }

    @Test(arguments: [
        ("/", "/", true), ("/", "/a", false), ("/a", "/a", true), ("/a", "/a/", false), ("/a", "/%61", true),
        ("/a b", "/a%20b", true), ("/ü", "/%C3%BC", true), ("/€", "/%E2%82%AC", true), ("/*", "/a", true),
        ("/*", "/", true), ("/*", "/a/b", false),
        ("/a*c/d", "/abbc/d", true), ("/a*c/d", "/abb/d", false), ("/**", "/", true), ("/**", "/a/b/c", true),
        ("/a/**", "/a", true), ("/a/**", "/a/", true), ("/a/**", "/ab", false), ("/a/**/z", "/a/z", true),
        ("/a/**/z", "/a/b/c/z", true), ("/a/**/z", "/a/b/c", false),
        ("/**/git-upload-pack", "/x/y.git/git-upload-pack", true),
        ("/repos/acme/app/**", "/repos/acme/app2", false), ("/a%", "/a%25", false), ("/A", "/a", false),
        ("/100%25", "/100%25", false),
    ])
    func `a pattern matches decoded paths as a whole`(pattern: String, path: String, isMatch: Bool) throws {
        guard let pattern = RequestPathPattern(pattern) else {
            #expect(!isMatch)
            return
        }
        #expect(pattern.matches(try RequestPath(path.utf8)) == isMatch)
    }

    @Test(arguments: [
        "", "a", "*", "**", "//", "/a//b", "/a/../b", "/.", "/a**", "/**b", "/a?b", "/a#b", "/a%20b", "/a\\b",
    ])
    func `what is no pattern says so`(text: String) {
        #expect(RequestPathPattern(text) == nil)
    }

    @Test(arguments: [
        ("/**", "/a/*/b", true), ("/**", "/**", true), ("/a/**", "/a/b/**", true), ("/a/**", "/a", true),
        ("/a/*", "/a/b", true), ("/a/*", "/a/**", false), ("/a/*", "/a/x*y", true), ("/a/x*", "/a/x*y", true),
        ("/a/x*", "/a/*", false), ("/a/b", "/a/*", false), ("/**/z", "/a/**/z", true), ("/**/z", "/a/**", false),
        ("/a/**", "/**", false), ("/*", "/", true), ("/a/**/b/**", "/a/x/b/y", true), ("/a*b*", "/a*b", true),
        ("/a*", "/a**", false),
    ])
    func `a pattern covers another when every path of it matches`(wide: String, narrow: String, isCovered: Bool) throws
    {
        guard let narrow = RequestPathPattern(narrow) else {
            #expect(!isCovered)
            return
        }
        #expect(try Self.pattern(wide).covers(narrow) == isCovered)
    }

    @Test func `what a pattern covers, it also matches`() throws {
        var generator = SystemRandomNumberGenerator()
        func pattern() -> String {
            "/"
                + (0..<Int.random(in: 1...4, using: &generator)).map { _ in
                    ["a", "b", "*", "a*", "**"].randomElement(using: &generator) ?? "a"
                }.joined(separator: "/")
        }
        var covered = 0
        for _ in 0..<3000 {
            let (wide, narrow) = (try Self.pattern(pattern()), try Self.pattern(pattern()))
            guard wide.covers(narrow) else { continue }
            covered += 1
            for _ in 0..<20 {
                let path =
                    "/"
                    + (0..<Int.random(in: 1...5, using: &generator)).map { _ in
                        ["a", "b", "ab", "c"].randomElement(using: &generator) ?? "a"
                    }.joined(separator: "/")
                let read = try RequestPath(path.utf8)
                #expect(!narrow.matches(read) || wide.matches(read), "\(wide) \(narrow) \(path)")
            }
        }
        #expect(covered > 50)
    }

    @Test func `a hostile path costs no more than its length times the pattern's`() throws {
        let pattern = try Self.pattern("/" + Array(repeating: "**/a*a*a*b", count: 60).joined(separator: "/"))
        let path = try RequestPath(
            ("/" + Array(repeating: String(repeating: "a", count: 7), count: 1000).joined(separator: "/")).utf8)
        let time = ContinuousClock().measure { #expect(!pattern.matches(path)) }
        #expect(time < .seconds(20))
    }

    @Test func `queries are not part of what is recorded`() {
        #expect(RequestPath.withoutQuery("/a?token=x#y") == "/a")
        #expect(RequestPath.withoutQuery("/a#token") == "/a")
    }
}
