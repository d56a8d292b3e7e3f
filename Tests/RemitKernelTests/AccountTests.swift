// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing

@testable import RemitKernel

@Suite struct AccountTests {
    @Test func `the entry of root is the host's own`() throws {
        let root = try #require(Account(of: 0))
        #expect(root.name == "root" && root.home.hasPrefix("/"))
    }

    @Test func `a user that no file has is nobody, and no reason to load anything`() {
        #expect(Account(of: 4_000_000_000) == nil)
        #expect(Account(of: 0, in: "/nonexistent") == nil)
    }

    @Test(arguments: [
        ("alice:x:1000:1000:Alice,,,:/home/alice:/bin/sh", true), ("alice:x:1000:1000::/home/alice:", true),
        ("# alice:x:1000:1000::/home/alice", false), ("alice:x:1000:1000:/home/alice:/bin/sh", false),
        (":x:1000:1000::/home/alice:/bin/sh", false), ("alice:x:-1:1000::/home/alice:/bin/sh", false),
        ("alice:x:+1:1000::/home/alice:/bin/sh", false), ("alice:x:4294967296:1000::/home/alice:/bin/sh", false),
        ("alice:x:1000:1000::home/alice:/bin/sh", false), ("alice:x:1000:1000::/home/alice:/bin/sh:more", false),
        ("+::::::", false), ("", false),
    ])
    func `a line is an entry or is passed over`(line: String, isEntry: Bool) {
        #expect((Account(line: Array(line.utf8)) != nil) == isEntry)
    }

    @Test func `bytes that are no text are passed over`() {
        #expect(Account(line: Array("al".utf8) + [0xff] + Array("ce:x:1:1::/:/bin/sh".utf8)) == nil)
    }
}
