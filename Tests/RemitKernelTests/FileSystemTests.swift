// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import RemitKernel
import Testing

@Suite struct FileSystemTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func directory() throws -> OwnedDescriptor { try FileSystem.open(scratch.path, O_RDONLY | O_DIRECTORY) }

    private func put(_ text: String, at name: String) throws {
        try FileSystem.replace(scratch.file(name), with: Array(text.utf8), mode: 0o600)
    }

    @Test(arguments: ["../etc/passwd", "a/../../x", "/etc/passwd", ".."])
    func `nothing outside the directory can be opened beneath it`(_ path: String) throws {
        try FileSystem.makeDirectories(scratch.file("a"))
        let directory = try directory()
        #expect { _ = try FileSystem.openBeneath(path, in: directory.number) } throws: {
            ($0 as? SystemCallError)?.errno == Errno(code: EXDEV)
        }
    }

    @Test func `no symbolic link is followed beneath a directory, at the end or in the middle`() throws {
        try FileSystem.makeDirectories(scratch.file("real"))
        try put("x", at: "real/file")
        symlink("real", scratch.file("link"))
        symlink("real/file", scratch.file("last"))
        symlink("/proc/self/cwd", scratch.file("magic"))
        let directory = try directory()
        for path in ["link/file", "link", "last", "magic", "magic/x"] {
            #expect(throws: SystemCallError.self, "\(path)") {
                _ = try FileSystem.openBeneath(path, in: directory.number)
            }
        }
        let file = try FileSystem.openBeneath("real/file", in: directory.number, O_RDONLY)
        #expect(try FileSystem.readAll(file.number, limit: 10, name: "file") == Array("x".utf8))
    }

    @Test func `a replaced file is whole, has the mode asked for, and leaves nothing beside it`() throws {
        let path = scratch.file("target")
        try put("old", at: "target")
        let before = try FileSystem.open(path)
        try FileSystem.replace(path, with: Array("new".utf8), mode: 0o640)
        #expect(try FileSystem.read(path, limit: 100) == Array("new".utf8))
        #expect(try FileSystem.readAll(before.number, limit: 100, name: "old") == Array("old".utf8))
        #expect(try FileSystem.facts(at: path).permissions == 0o640)
        #expect(try FileSystem.names(in: scratch.path) == ["target"])
    }

    @Test func `readers of a file being replaced see one version or the other`() async throws {
        let path = scratch.file("busy")
        let versions = [[UInt8](repeating: 1, count: 70_000), [UInt8](repeating: 2, count: 50_000)]
        try FileSystem.replace(path, with: versions[0], mode: 0o600)
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for round in 0..<30 { try? FileSystem.replace(path, with: versions[round % 2], mode: 0o600) }
            }
            group.addTask {
                for _ in 0..<100 {
                    let seen = try? FileSystem.read(path, limit: 1 << 20)
                    #expect(seen == versions[0] || seen == versions[1])
                }
            }
        }
    }

    @Test func `a failed replacement leaves the old file and no temporary one`() throws {
        try FileSystem.makeDirectories(scratch.file("full"))
        try put("x", at: "full/x")
        // A directory cannot be replaced by a file.
        #expect(throws: SystemCallError.self) {
            try FileSystem.replace(scratch.file("full"), with: [1], mode: 0o600)
        }
        #expect(try FileSystem.names(in: scratch.path) == ["full"])
    }

    @Test func `a file above the limit is not read`() throws {
        try put("0123456789", at: "file")
        #expect(try FileSystem.read(scratch.file("file"), limit: 10).count == 10)
        #expect { try FileSystem.read(scratch.file("file"), limit: 9) } throws: {
            ($0 as? SystemCallError)?.errno == Errno(code: EFBIG)
        }
    }

    @Test func `names come sorted, without dots, and again on the same descriptor`() throws {
        for name in ["b", "a", ".hidden", "ä"] { try put("", at: name) }
        let directory = try directory()
        for _ in 0..<2 {
            #expect(try FileSystem.names(of: directory.number, name: "scratch") == [".hidden", "a", "b", "ä"])
        }
    }

    @Test func `a name that is not UTF-8 is an error, not a repaired name`() throws {
        let name: [CChar] = [CChar(bitPattern: 0xff), CChar(bitPattern: 0xfe), 0]
        let directory = try directory()
        try #require(mkdirat(directory.number, name, 0o700) == 0)
        #expect { try FileSystem.names(of: directory.number, name: "scratch") } throws: {
            ($0 as? SystemCallError)?.errno == Errno(code: EILSEQ)
        }
    }

    @Test func `directories are made with their parents, and private`() throws {
        let path = scratch.file("a/b/c")
        try FileSystem.makeDirectories(path)
        try FileSystem.makeDirectories(path)
        for part in ["a", "a/b", "a/b/c"] {
            #expect(try FileSystem.facts(at: scratch.file(part)).permissions == 0o700)
        }
        try put("", at: "file")
        #expect(throws: SystemCallError.self) { try FileSystem.makeDirectories(scratch.file("file/below")) }
    }

    @Test(arguments: [("/a/b", "/a"), ("/a", "/"), ("a", "."), ("a/b", "a"), ("/", "/")])
    func `the parent of a path is by its text`(_ path: String, _ parent: String) {
        #expect(FileSystem.parent(of: path) == parent)
    }

    @Test func `facts of a link are the link's own`() throws {
        symlink("/etc/passwd", scratch.file("link"))
        #expect(try FileSystem.facts(at: scratch.file("link")).isSymbolicLink)
        let directory = try directory()
        #expect(try FileSystem.linkTarget("link", in: directory.number) == "/etc/passwd")
    }

    @Test func `a lock is held by one, and free when its holder lets go`() throws {
        let path = scratch.file("lock")
        guard let first = try FileLock.take(path) else {
            Issue.record("nobody holds it, and yet it is not to be had")
            return
        }
        #expect(try isTaken(path))
        first.release()
        #expect(try !isTaken(path))
        symlink("lock", scratch.file("link"))
        #expect(throws: SystemCallError.self) { _ = try FileLock.take(scratch.file("link")) }
    }

    private func isTaken(_ path: String) throws -> Bool {
        switch try FileLock.take(path) {
        case .some: false
        case .none: true
        }
    }

    @Test(arguments: [1, 99, 100, 101, 350])
    func `a tree is removed however deep it is, and what its links lead to stays`(_ depth: Int) throws {
        try put("kept", at: "outside")
        try FileSystem.makeDirectories(scratch.file("tree"))
        var directory = DescriptorBox(try FileSystem.open(scratch.file("tree"), O_RDONLY | O_DIRECTORY))
        for level in 1...depth {
            let name: EntryName = [0xFF, 0x0A, UInt8(ascii: "d")]
            try FileSystem.makeLinkEntry(Array("link".utf8), to: Array(scratch.path.utf8), in: directory.number)
            try FileSystem.makeDirectoryEntry(name, in: directory.number, mode: 0o700)
            let next = DescriptorBox(try FileSystem.openEntry(name, in: directory.number, FileSystem.directoryEntry))
            if level % 7 == 0 { try FileSystem.setMode(of: directory.number, 0) }
            directory = next
        }
        try FileSystem.removeTree(scratch.file("tree"))
        #expect(try FileSystem.names(in: scratch.path) == ["outside"])
        #expect(throws: SystemCallError.self) { try FileSystem.removeTree(scratch.file("tree")) }
    }
}
