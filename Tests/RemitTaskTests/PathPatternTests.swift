// SPDX-License-Identifier: Apache-2.0

import RemitTask
import Testing

@Suite struct PathPatternTests {
    @Test(arguments: [
        ("src/**", "src/a", true), ("src/**", "src/a/b/c", true), ("src/**", "src", true), ("src/**", "srcs/a", false),
        ("**", "a/b", true), ("**/x", "x", true), ("**/x", "a/b/x", true), ("a/**/z", "a/z", true),
        ("a/**/z", "a/b/c/z", true), ("a/**/z", "a/b/c", false), ("tests/*.py", "tests/a.py", true),
        ("tests/*.py", "tests/x/a.py", false), ("*.py", ".py", true), ("?.py", "é.py", true), ("?.py", "ab.py", false),
        ("a", "a/b", false), ("A", "a", false), ("*", "a", true), ("*", "a/b", false), ("**/a/**/b", "x/a/y/a/b", true),
    ])
    func `a pattern matches whole paths by segments`(pattern: String, path: String, expected: Bool) throws {
        #expect(try #require(PathPattern(pattern)).matches(path) == expected)
    }

    @Test(arguments: ["", "/a", "../a", "a/../b", "./a", "a//b", "a/", "a**", "[ab]", "a\\b"])
    func `what is no pattern is refused`(text: String) {
        #expect(PathPattern(text) == nil)
    }

    @Test func `a hostile path cannot make matching slow`() throws {
        let pattern = try #require(PathPattern((0..<20).map { _ in "**/a*a*a*a*a*b" }.joined(separator: "/")))
        let path = (0..<500).map { _ in String(repeating: "a", count: 200) }.joined(separator: "/")
        var matches = true
        let time = ContinuousClock().measure { matches = pattern.matches(path) }
        #expect(!matches)
        #expect(time < .seconds(5))
    }
}
