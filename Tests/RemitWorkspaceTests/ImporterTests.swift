// SPDX-License-Identifier: Apache-2.0

import Glibc
import RemitKernel
import Testing

@testable import RemitWorkspace

@Suite struct ImporterTests {
    private func states(_ results: [ImportResult]) -> [String] {
        results.map { result in
            switch result.state {
            case .applied: "applied \(result.change.path)"
            case .left: "left \(result.change.path)"
            case .refused(let reason): "refused \(result.change.path): \(reason)"
            case .failed(let reason): "failed \(result.change.path): \(reason)"
            }
        }
    }

    @Test func `a whole change is brought along, and then there is none`() throws {
        let ground = try Ground()
        for name in ["changed", "gone", "mode", "deep/a/b/c", "file-then-directory", "directory-then-file/x"] {
            try ground.put(name, at: "work/\(name)")
        }
        try ground.begin()
        try ground.put("new\n", at: "upper/changed", mode: 0o640)
        try ground.whiteout("gone")
        try ground.put("mode", at: "upper/mode", mode: 0o600)
        try ground.whiteout("deep/a")
        try ground.put("x", at: "upper/deep/made/here/f")
        try ground.put("x", at: "upper/file-then-directory/x")
        try ground.put("now a file", at: "upper/directory-then-file")
        symlink("deep/made", ground.path("upper/link"))
        try ground.setMode(of: "upper/deep/made", 0o500)
        let results = try ground.apply()
        #expect(results.allSatisfy { $0.state == .applied }, "\(states(results))")
        let expected = [
            "changed": "100640 \"new\\n\"", "mode": "100600 mode", "deep": "040755", "deep/made": "040500",
            "deep/made/here": "040755", "deep/made/here/f": "100644 x", "file-then-directory": "040755",
            "file-then-directory/x": "100644 x", "directory-then-file": "100644 now a file", "link": "120 deep/made",
        ]
        #expect(try ground.tree("work") == expected)
        #expect(try ground.changes().isEmpty)
        #expect(try ground.apply().isEmpty)
    }

    @Test func `a file of several names is brought along under each of them`() throws {
        let ground = try Ground()
        try ground.put("old", at: "work/gone")
        for name in ["changed", "d/changed", "kept"] {
            try FileSystem.makeDirectories(FileSystem.parent(of: ground.path("work/\(name)")), mode: 0o755)
            #expect(link(ground.path("work/gone"), ground.path("work/\(name)")) == 0)
        }
        #expect(link(ground.path("work/gone"), ground.path("outside/linked")) == 0)
        try ground.begin()
        try ground.whiteout("gone")
        for name in ["changed", "d/changed"] { try ground.put("new", at: "upper/\(name)") }
        let results = try ground.apply()
        #expect(results.count == 3 && results.allSatisfy { $0.state == .applied }, "\(states(results))")
        #expect(ground.text("work/changed") == "new" && ground.text("work/d/changed") == "new")
        #expect(ground.facts("work/gone") == nil && ground.text("work/kept") == "old")
        #expect(ground.text("outside/linked") == "old")
    }

    @Test func `what others have changed meanwhile stays as they left it`() throws {
        let ground = try Ground()
        for name in ["edited", "removed", "replaced", "kept", "d/gone", "d/other"] {
            try ground.put(name, at: "work/\(name)")
        }
        try ground.begin()
        for name in ["edited", "removed", "replaced", "kept", "both"] { try ground.put("agent", at: "upper/\(name)") }
        try ground.whiteout("d")
        // Same size, and the time set back: the kernel's own still tells.
        try ground.put("EDITED", at: "work/edited")
        FileSystem.remove(ground.path("work/removed"))
        FileSystem.remove(ground.path("work/replaced"))
        try FileSystem.makeDirectories(ground.path("work/replaced"), mode: 0o755)
        try ground.put("host", at: "work/both")
        try ground.put("host", at: "work/d/new")
        #expect(
            ground.listing(try ground.changes()) == [
                "M both conflict", "D d", "D d/gone", "D d/new conflict", "D d/other", "M edited conflict", "M kept",
                "A removed conflict", "T replaced conflict",
            ])
        let results = try ground.apply()
        #expect(
            results.filter { $0.state == .applied }.map(\.change.path.description) == ["d/gone", "d/other", "kept"])
        #expect(ground.text("work/edited") == "EDITED" && ground.text("work/both") == "host")
        #expect(ground.text("work/d/new") == "host" && ground.facts("work/removed") == nil)
        #expect(try ground.apply(force: true).allSatisfy { $0.state == .applied })
        #expect(ground.text("work/edited") == "agent" && ground.facts("work/d") == nil)
    }

    @Test func `without a record of what was there everything is a conflict`() throws {
        let ground = try Ground()
        try ground.put("x", at: "upper/new")
        try ground.put("cut off", at: "base")
        #expect(ground.listing(try ground.changes()) == ["A new conflict"])
    }

    @Test func `only what is asked for, with the directories that it needs`() throws {
        let ground = try Ground()
        for name in ["a/b/c", "a/b/d", "e", "Makefile", ".envrc", ".git/hooks/post-merge"] {
            try ground.put("x", at: "upper/\(name)")
        }
        #expect(states(try ground.apply("a/b/c")).contains("applied a/b") && ground.text("work/a/b/c") == "x")
        #expect(ground.facts("work/a/b/d") == nil && ground.facts("work/e") == nil)
        try ground.apply("a/")
        #expect(ground.text("work/a/b/d") == "x")
        // A pattern takes a flagged path in, and does not name it.
        #expect(
            try ground.apply("**").filter(\.isMissing).map(\.change.path.description) == [
                ".envrc", ".git/hooks/post-merge",
            ])
        #expect(ground.text("work/Makefile") == "x" && ground.facts("work/.envrc") == nil)
        #expect(try ground.apply(".envrc").allSatisfy { !$0.isMissing } && ground.text("work/.envrc") == "x")
        #expect(try ground.apply(force: true).allSatisfy { $0.state == .applied })
    }

    @Test func `what the outcome does not allow has to be forced`() throws {
        let ground = try Ground()
        try ground.put("x", at: "upper/src/a")
        try ground.put("x", at: "upper/b")
        #expect(ground.listing(try ground.changes(allowed: ["src/**"])) == ["A b outcome", "A src", "A src/a"])
        #expect(ground.listing(try ground.changes(allowed: [])) == ["A b outcome", "A src outcome", "A src/a outcome"])
    }

    @Test func `what is refused is not brought along by force either, nor what is in it`() throws {
        let ground = try Ground()
        mkfifo(ground.path("upper/pipe"), 0o644)
        symlink("/", ground.path("upper/root"))
        try ground.put("x", at: "upper/set-id", mode: 0o4755)
        try ground.put("x", at: "upper/d/inside")
        try ground.attribute("user.overlay.redirect", "/outside", of: "upper/d")
        // It leads out through a link of the host's own.
        symlink("../outside", ground.path("work/host-link"))
        symlink("host-link/secret", ground.path("upper/through"))
        let results = try ground.apply(force: true)
        #expect(results.count == 6 && results.allSatisfy { $0.isMissing }, "\(states(results))")
        #expect(try ground.tree("work") == ["host-link": "120 ../outside"])
    }

    @Test func `hard links become files of their own, when forced`() throws {
        let ground = try Ground()
        try ground.put("x", at: "upper/one")
        link(ground.path("upper/one"), ground.path("upper/two"))
        #expect(try ground.apply().allSatisfy(\.isMissing))
        #expect(try ground.apply(force: true).allSatisfy { $0.state == .applied })
        #expect(ground.facts("work/one")?.links == 1 && ground.text("work/two") == "x")
    }

    @Test func `a file that shares its contents with one outside is replaced, not written`() throws {
        let ground = try Ground()
        try ground.put("before", at: "work/shared")
        link(ground.path("work/shared"), ground.path("outside/shared"))
        try ground.put("after", at: "upper/shared")
        try ground.apply()
        #expect(ground.text("work/shared") == "after" && ground.text("outside/shared") == "before")
    }

    @Test func `links in the way are not followed, whoever put them there`() throws {
        let ground = try Ground()
        try ground.put("x", at: "work/d/f")
        try ground.begin()
        try ground.put("y", at: "upper/d/f")
        try ground.put("y", at: "upper/d/new")
        try ground.whiteout("d/gone")
        try ground.put("z", at: "outside/f")
        let changes = try ground.changes()
        let root = try FileSystem.openDirectory(ground.workspace)
        try FileSystem.removeEntryTree(Array("d".utf8), in: root.number)
        symlink("../outside", ground.path("work/d"))
        let above = try FileSystem.openDirectory(ground.upper)
        let below = try FileSystem.openDirectory(ground.workspace)
        let importer = try Importer(upper: above.number, workspace: below.number, session: Ground.session)
        let results = try importer.apply(changes, changes.map { _ in .bring })
        #expect(results.allSatisfy { $0.isMissing }, "\(states(results))")
        #expect(try ground.tree("outside") == ["f": "100644 z", "secret": "100644 \"secret\\n\""])
    }

    @Test func `what an interrupted import left is taken away, and what it began is finished`() throws {
        let ground = try Ground()
        try ground.begin()
        try ground.put("whole", at: "upper/d/file", mode: 0o640)
        try ground.setMode(of: "upper/d", 0o750)
        // A directory that has not its mode yet, half a file, and a directory that was to take a place.
        try FileSystem.makeDirectory(ground.path("work/d"), mode: 0o700)
        try ground.put("hal", at: "work/d/.remit-\(Ground.session)-3")
        try FileSystem.makeDirectory(ground.path("work/.remit-\(Ground.session)-4"), mode: 0o700)
        #expect(try ground.apply().allSatisfy { $0.state == .applied })
        #expect(try ground.tree("work") == ["d": "040750", "d/file": "100640 whole"])
    }

    @Test func `attributes of the user's stay with a file, holes stay holes`() throws {
        let ground = try Ground()
        try ground.put("x", at: "work/f")
        try ground.attribute("user.mine", "kept", of: "work/f")
        try ground.put("y", at: "upper/f")
        try ground.put("", at: "upper/sparse")
        truncate(ground.path("upper/sparse"), 1 << 33)
        try ground.apply()
        let file = try FileSystem.open(ground.path("work/f"))
        #expect(try FileSystem.attribute(Array("user.mine".utf8), of: file.number) == Array("kept".utf8))
        let sparse = try #require(ground.facts("work/sparse"))
        #expect(sparse.size == 1 << 33 && sparse.allocated < 1 << 20)
    }

    @Test(.enabled(if: getuid() == 0, "needs root")) func `as root, files are their workspace's owner's`() throws {
        let ground = try Ground()
        try FileSystem.setOwner(of: ground.workspace, user: 4321, group: 8765)
        try ground.put("x", at: "upper/d/f", mode: 0o600)
        symlink("d", ground.path("upper/l"))
        try FileSystem.setOwner(of: ground.path("upper/d/f"), user: 61_200, group: 61_200)
        #expect(try ground.apply().allSatisfy { $0.state == .applied })
        for name in ["d", "d/f", "l"] {
            let facts = try #require(ground.facts("work/\(name)"))
            #expect(facts.owner == 4321 && facts.group == 8765, "\(name)")
        }
    }

    @Test func `a tree of any depth, names and modes is removed, and nothing beside it`() throws {
        let ground = try Ground()
        var current = DescriptorBox(try FileSystem.openDirectory(ground.upper))
        for _ in 0..<700 {
            let name = EntryName(repeating: 0x64, count: 200)
            try FileSystem.makeDirectoryEntry(name, in: current.number, mode: 0o755)
            current = DescriptorBox(try FileSystem.openEntry(name, in: current.number, FileSystem.directoryEntry))
        }
        _ = try FileSystem.createEntry([0xFF, 0x0A], in: current.number)
        symlink("../outside", ground.path("upper/link"))
        try ground.put("x", at: "upper/closed/f")
        chmod(ground.path("upper/closed"), 0)
        try ground.whiteout("gone")
        let base = try FileSystem.openDirectory(ground.base)
        try FileSystem.removeEntryTree(Array("upper".utf8), in: base.number)
        #expect(
            try FileSystem.entries(of: base.number).map { String(decoding: $0, as: UTF8.self) } == ["outside", "work"])
        #expect(ground.text("outside/secret") == "secret\n")
    }
}
