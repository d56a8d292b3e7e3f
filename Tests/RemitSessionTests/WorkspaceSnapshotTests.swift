// SPDX-License-Identifier: Apache-2.0

import Glibc
import RemitKernel
import RemitSession
import Testing

@Suite struct WorkspaceSnapshotTests {
    let scratch: Scratch

    init() throws {
        scratch = try Scratch()
        try scratch.put("one", at: "src/a.py")
        try scratch.put("two", at: "src/b.py")
        try scratch.put("three", at: "docs/deep/c.md")
    }

    private func changes(_ act: () throws -> Void) throws -> [String] {
        let before = try WorkspaceSnapshot(of: scratch.path)
        // The kernel's coarse clock must tick between the snapshot and the change, as between admission and agent.
        usleep(20_000)
        try act()
        return before.changes(to: try WorkspaceSnapshot(of: scratch.path))
    }

    @Test func `nothing done is nothing changed`() throws {
        #expect(try changes {} == [])
        #expect(try changes { _ = try FileSystem.read(scratch.file("src/a.py"), limit: 10) } == [])
    }

    @Test func `what was made, changed and removed is named`() throws {
        let found = try changes {
            try scratch.put("new", at: "src/new.py")
            try scratch.put("eno", at: "src/a.py")
            unlink(scratch.file("src/b.py"))
        }
        #expect(found == ["src/a.py", "src/b.py", "src/new.py"])
    }

    @Test func `a change of the same length with its time set back is seen`() throws {
        let path = scratch.file("src/a.py")
        let found = try changes {
            let file = try FileSystem.open(path, O_WRONLY)
            try FileSystem.writeAll(file.number, Array("eno".utf8), name: path)
            var times = [timespec(tv_sec: 1, tv_nsec: 0), timespec(tv_sec: 1, tv_nsec: 0)]
            #expect(futimens(file.number, &times) == 0)
        }
        #expect(found == ["src/a.py"])
    }

    @Test func `a mode, and a link to another place, are changes`() throws {
        symlink("a.py", scratch.file("src/link"))
        let found = try changes {
            chmod(scratch.file("src/b.py"), 0o755)
            unlink(scratch.file("src/link"))
            symlink("b.py", scratch.file("src/link"))
        }
        #expect(found == ["src/b.py", "src/link"])
    }

    @Test func `a renamed directory is all its paths, old and new`() throws {
        let found = try changes { rename(scratch.file("docs"), scratch.file("book")) }
        #expect(found == ["book", "book/deep", "book/deep/c.md", "docs", "docs/deep", "docs/deep/c.md"])
    }

    @Test func `a directory swapped for a link is not followed`() throws {
        let outside = try Scratch()
        try outside.put("outside", at: "deep/c.md")
        let found = try changes {
            rename(scratch.file("docs"), scratch.file("src/docs"))
            symlink(outside.path, scratch.file("docs"))
        }
        #expect(found.contains("docs") && found.contains("docs/deep/c.md") && found.contains("src/docs/deep/c.md"))
        let second = try WorkspaceSnapshot(of: scratch.path)
        try outside.put("changed", at: "deep/c.md")
        #expect(second.changes(to: try WorkspaceSnapshot(of: scratch.path)) == [])
    }

    @Test func `the workspace itself must not be a link`() throws {
        symlink(scratch.path, "\(scratch.path)-link")
        defer { unlink("\(scratch.path)-link") }
        #expect(throws: SystemCallError.self) { try WorkspaceSnapshot(of: "\(scratch.path)-link") }
    }

    @Test func `a directory that can no longer be read does not pass as unchanged`() throws {
        let found = try changes { chmod(scratch.file("docs/deep"), 0) }
        chmod(scratch.file("docs/deep"), 0o700)
        #expect(found.contains("docs/deep"))
    }

    @Test func `a file that cannot be named is never just left out`() throws {
        let before = try WorkspaceSnapshot(of: scratch.path)
        let directory = try FileSystem.open(scratch.path, O_RDONLY | O_DIRECTORY)
        let name: [CChar] = [CChar(bitPattern: 0xff), 0]
        try #require(mkdirat(directory.number, name, 0o700) == 0)
        defer { unlinkat(directory.number, name, AT_REMOVEDIR) }
        let found = (try? WorkspaceSnapshot(of: scratch.path)).map { before.changes(to: $0) }
        #expect(found != [], "a directory was made, and nothing says so")
    }

    @Test func `pipes, sockets and devices do not hold the snapshot up`() throws {
        let found = try changes { mkfifo(scratch.file("src/pipe"), 0o600) }
        #expect(found == ["src/pipe"])
    }

    @Test func `too deep a tree is an error, not a guess`() throws {
        var path = scratch.path
        for _ in 0..<260 {
            path += "/d"
            mkdir(path, 0o700)
        }
        #expect(throws: SystemCallError.self) { try WorkspaceSnapshot(of: scratch.path) }
    }
}
