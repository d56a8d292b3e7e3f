// SPDX-License-Identifier: Apache-2.0

import RemitKernel
import Testing

@testable import RemitWorkspace

@Suite struct TreePathTests {
    @Test func `a name that could mislead is shown with escapes`() {
        #expect(QuotedText.of(Array("src/a b.py".utf8)) == "src/a b.py")
        #expect(QuotedText.of(Array("naïve".utf8)) == "naïve")
        #expect(QuotedText.of(Array("a\nb\"c\\".utf8)) == #""a\nb\"c\\""#)
        #expect(QuotedText.of([0xFF, 0x41]) == #""\377A""#)
        #expect(QuotedText.of(Array("\u{1B}[2J".utf8)) == #""\033[2J""#)
        // RIGHT-TO-LEFT OVERRIDE turns `exe.txt` around.
        #expect(QuotedText.of(Array("a\u{202E}b".utf8)) == #""a\342\200\256b""#)
    }

    @Test func `a directory comes before what is in it, and both before its siblings`() {
        let paths = ["a", "a/b", "a/b/c", "a-b", "a.c"].map { TreePath(bytes: Array($0.utf8)) }
        #expect(paths.shuffled().sorted().map(\.description) == ["a", "a/b", "a/b/c", "a-b", "a.c"])
    }
}
