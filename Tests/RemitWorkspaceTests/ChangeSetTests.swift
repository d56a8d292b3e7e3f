// SPDX-License-Identifier: Apache-2.0

import Glibc
import RemitKernel
import Testing

@testable import RemitWorkspace

@Suite struct ChangeSetTests {
    @Test func `what a layer adds, changes, hides and leaves alone`() throws {
        let ground = try Ground()
        for name in ["same", "changed", "gone", "mode", "d/inner", "old/a", "old/b/c", "becomes-directory"] {
            try ground.put(name, at: "work/\(name)")
        }
        symlink("same", ground.path("work/link"))
        try ground.put("same", at: "upper/same")
        try ground.put("CHANGED", at: "upper/changed")
        try ground.whiteout("gone")
        try ground.put("mode", at: "upper/mode", mode: 0o600)
        try ground.put("new", at: "upper/d/new")
        symlink("changed", ground.path("upper/link"))
        // Removed and made anew: what was in it is gone.
        try ground.put("new", at: "upper/old/a")
        try ground.attribute("user.overlay.opaque", "y", of: "upper/old")
        try ground.put("x", at: "upper/becomes-directory/x")
        try ground.whiteout("never-was")
        #expect(
            ground.listing(try ground.changes()) == [
                "T becomes-directory", "A becomes-directory/x", "M changed", "A d/new", "D gone", "M link", "M mode",
                "M old/a", "D old/b", "D old/b/c",
            ])
    }

    @Test func `a directory in the place of a file and a file in the place of a directory take all with them`() throws {
        let ground = try Ground()
        try ground.put("x", at: "work/d/e/f")
        try ground.put("x", at: "upper/d")
        #expect(ground.listing(try ground.changes()) == ["T d", "D d/e", "D d/e/f"])
    }

    @Test func `what can never be brought along is said to be so`() throws {
        let ground = try Ground()
        try ground.put("x", at: "work/d/kept")
        mkfifo(ground.path("upper/pipe"), 0o644)
        try ground.put("x", at: "upper/set-user", mode: 0o4755)
        try ground.put("x", at: "upper/set-group", mode: 0o2755)
        symlink("/etc/passwd", ground.path("upper/absolute"))
        symlink("../outside/secret", ground.path("upper/climbs"))
        symlink("d/../../outside", ground.path("upper/turns"))
        symlink("./d/./kept", ground.path("upper/stays"))
        try ground.put("x", at: "upper/d/in")
        symlink("../stays", ground.path("upper/d/up"))
        try ground.put("x", at: "upper/twins")
        link(ground.path("upper/twins"), ground.path("upper/twice"))
        try ground.put("x", at: "upper/.remit-\(Ground.session)-7")
        #expect(
            ground.listing(try ground.changes()) == [
                "A .remit-\(Ground.session)-7 reserved-name", "A absolute absolute-link", "A climbs escaping-link",
                "A d/in", "A d/up", "A pipe fifo", "A set-group newly-executable set-id",
                "A set-user newly-executable set-id", "A stays", "A turns turning-link", "A twice hard-link",
                "A twins hard-link",
            ])
    }

    @Test(arguments: [
        ("user.overlay.redirect", "/outside"), ("user.overlay.metacopy", ""), ("user.overlay.whiteout", "y"),
        ("user.overlay.overlay.redirect", "../../outside"), ("user.overlay.opaque", "x"),
    ])
    func `attributes with which overlayfs could be made to see more are refused`(key: String, value: String) throws {
        let ground = try Ground()
        try ground.put("x", at: "work/d/f")
        try ground.put("y", at: "upper/d/f")
        try ground.attribute(key, value, of: "upper/d")
        try ground.attribute(key == "user.overlay.opaque" ? "user.overlay.redirect" : key, value, of: "upper/d/f")
        #expect(
            ground.listing(try ground.changes()) == ["M d overlay-attribute", "M d/f overlay-attribute"])
        #expect(try ground.apply(force: true).allSatisfy(\.isMissing))
        #expect(ground.text("work/d/f") == "x")
    }

    @Test func `attributes that stay behind are told of, those that were there before are not`() throws {
        let ground = try Ground()
        for name in ["work/same", "upper/same", "work/set", "upper/set", "work/other", "upper/other"] {
            try ground.put("x", at: name)
        }
        try ground.put("new", at: "upper/d/new")
        try ground.put("x", at: "work/e/f")
        try ground.put("x", at: "upper/e/f")
        for name in ["work/same", "upper/same", "work/other", "upper/set"] {
            try ground.attribute("user.kept", "1", of: name)
        }
        try ground.attribute("user.kept", "2", of: "upper/other")
        try ground.attribute("user.\u{1b}[2J\n", "", of: "upper/d/new")
        try ground.attribute("user.mark", "", of: "upper/e")
        let changes = try ground.changes()
        #expect(
            ground.listing(changes) == [
                "A d", "A d/new attributes", "M e attributes", "M other attributes", "M set attributes",
            ])
        #expect(changes.map(\.kind) == [.added, .added, .attributes, .attributes, .attributes])
        let hostile = changes.flatMap(\.concerns).map(\.reason)
        #expect(hostile.allSatisfy { !$0.contains("\u{1b}") && !$0.contains("\n") }, "\(hostile)")
        #expect(hostile.contains { $0.contains("`user.kept`, which are not brought along") }, "\(hostile)")
        _ = try ground.apply(force: false)
        #expect(ground.text("work/d/new") == "new" && ground.text("work/set") == "x")
        let file = try FileSystem.open(ground.path("work/d/new"), FileSystem.noFollow)
        #expect(try FileSystem.attributeNames(of: file.number).filter { $0.starts(with: "user.".utf8) }.isEmpty)
    }

    @Test func `names that are no text and trees that are too deep are told of`() throws {
        let ground = try Ground()
        let root = try FileSystem.openDirectory(ground.upper)
        for name in [[0xFF, 0xFE, 0x0A], Array("a\nb".utf8), Array("--force".utf8)] as [EntryName] {
            _ = try FileSystem.createEntry(name, in: root.number)
        }
        var current = DescriptorBox(root)
        for _ in 0..<260 {
            let name = EntryName(repeating: 0x64, count: 30)
            try FileSystem.makeDirectoryEntry(name, in: current.number, mode: 0o755)
            current = DescriptorBox(try FileSystem.openEntry(name, in: current.number, FileSystem.directoryEntry))
        }
        let listing = ground.listing(try ground.changes())
        #expect(listing.contains(#"A "a\nb""#) && listing.contains(#"A "\377\376\n""#) && listing.contains("A --force"))
        #expect(listing.count == 204 && listing.count { $0.hasSuffix("too-deep") } == 1, "\(listing.count)")
    }

    @Test func `modes that keep their owner out do not hide anything`() throws {
        let ground = try Ground()
        try ground.put("x", at: "upper/closed/file", mode: 0)
        try ground.setMode(of: "upper/closed", 0)
        #expect(ground.listing(try ground.changes()) == ["A closed", "A closed/file"])
        #expect(ground.facts("upper/closed")?.permissions == 0)
        try ground.apply()
        #expect(ground.facts("work/closed")?.permissions == 0)
        #expect(try ground.tree("work") == ["closed": "040000", "closed/file": "100000 x"])
    }

    @Test(arguments: [
        (".git/hooks/pre-commit", "git-hook"), (".git/config", "git-config"), (".git/modules/a/b/config", "git-config"),
        (".git/modules/a/hooks/post-checkout", "git-hook"), (".gitmodules", "git-config"),
        ("vendor/.git", "git-elsewhere"),
        (".GIT/Hooks/post-merge", "git-hook"), (".envrc", "environment"), ("sub/.envrc", "environment"),
        (".vscode/tasks.json", "editor"), (".idea/runConfigurations/a.xml", "editor"), (".vim/plugin/a.vim", "editor"),
        (".exrc", "editor"), ("p.code-workspace", "editor"), (".github/workflows/ci.yml", "ci"),
        (".gitlab-ci.yml", "ci"),
        (".git/rebase-merge/git-rebase-todo", "git-operation"), (".git/sequencer/todo", "git-operation"),
        ("Jenkinsfile", "ci"), (".husky/pre-push", "hook-manager"), (".npmrc", "package-manager"),
        (".claude/settings.json", "agent"), ("Makefile", "build"), ("web/package.json", "build"),
        ("GNUmakefile", "build"), ("x.mk", "build"),
    ])
    func `what the host would execute later is flagged`(path: String, rule: String) throws {
        let ground = try Ground()
        try ground.put("x", at: "upper/\(path)")
        let change = try #require(try ground.changes().last)
        #expect(change.concerns.map(\.rule) == [rule], "\(change)")
        #expect(change.weight == (rule == "build" ? .noted : .flagged))
    }

    @Test func `what looks like it and is not, is not flagged`() throws {
        let ground = try Ground()
        for name in [".git/objects/ab/cdef", ".git/refs/heads/main", "config", "hooks/x", "src/git/hooks.c", "envrc"] {
            try ground.put("x", at: "upper/\(name)")
        }
        let changes = try ground.changes()
        #expect(changes.allSatisfy { $0.concerns.isEmpty }, "\(ground.listing(changes))")
    }

    @Test func `scripts, programs, attributes of git and repositories in disguise are flagged`() throws {
        let ground = try Ground()
        try ground.put("#!/bin/sh\n", at: "work/old.sh", mode: 0o755)
        try ground.put("#!/bin/sh\nx\n", at: "upper/old.sh", mode: 0o755)
        try ground.put("#!/bin/sh\n", at: "upper/new.sh")
        try ground.put("x", at: "work/tool")
        try ground.put("x", at: "upper/tool", mode: 0o755)
        try ground.put("\u{7F}ELF", at: "upper/binary")
        try ground.put("* text=auto\n", at: "upper/plain/.gitattributes")
        try ground.put("*.c filter=run\n", at: "upper/driven/.gitattributes")
        // Beyond what is looked at there may be one.
        try ground.put(String(repeating: "# x\n", count: 20_000), at: "upper/padded/.gitattributes")
        for name in ["HEAD", "objects/x", "config", "hooks/post-update"] {
            try ground.put("x", at: "upper/store/\(name)")
        }
        let listing = ground.listing(try ground.changes()).filter { $0.split(separator: " ").count > 2 }
        #expect(
            listing == [
                "A binary program", "A driven/.gitattributes git-attributes", "A new.sh script", "M old.sh script",
                "A padded/.gitattributes git-attributes",
                "A store/HEAD git-nested", "A store/config git-nested", "A store/hooks/post-update git-nested",
                "A store/objects git-nested", "M tool newly-executable",
            ])
        #expect(try ground.changes().first { $0.path.description == "old.sh" }?.weight == .noted)
    }

    @Test(arguments: [
        (".git/hooks", "git-hook"), (".vscode", "editor"), (".github", "ci"), ("sub/.github/workflows", "ci"),
        (".git/objects/info", "git-elsewhere"), (".husky", "hook-manager"),
    ])
    func `a link in the place of a directory says what the host executes there`(path: String, rule: String) throws {
        let ground = try Ground()
        try ground.put("#!/bin/sh\n", at: "work/\(path)/kept", mode: 0o755)
        try ground.put("#!/bin/sh\n", at: "work/scripts/pre-commit", mode: 0o755)
        try FileSystem.makeDirectories(FileSystem.parent(of: ground.path("upper/\(path)")), mode: 0o755)
        let climbs = String(repeating: "../", count: path.split(separator: "/").count - 1)
        symlink("\(climbs)scripts", ground.path("upper/\(path)"))
        let change = try #require(try ground.changes().first { $0.path.description == path })
        #expect(change.kind == .type && change.concerns.map(\.rule) == [rule], "\(change)")
        #expect(change.weight == .flagged)
        try ground.apply()
        #expect(ground.facts("work/\(path)")?.isDirectory == true)
    }

    @Test func `what its owner may not read is looked into all the same`() throws {
        let ground = try Ground()
        for name in ["HEAD", "objects/x", "config"] { try ground.put("x", at: "upper/bare/\(name)") }
        try ground.put("#!/bin/sh\nevil\n", at: "upper/closed/run")
        try ground.put("#!/bin/sh\nevil\n", at: "upper/written", mode: 0o200)
        for name in ["bare", "closed"] { try ground.setMode(of: "upper/\(name)", 0o311) }
        let changes = try ground.changes()
        let listing = ground.listing(changes)
        for line in ["A bare/config git-nested", "A closed/run script", "A written script"] {
            #expect(listing.contains(line), "\(line): \(listing)")
        }
        let above = try FileSystem.openDirectory(ground.upper)
        let below = try FileSystem.openDirectory(ground.workspace)
        let writer = PatchWriter(upper: above.number, workspace: below.number)
        for path in ["closed/run", "written"] {
            let change = try #require(changes.first { $0.path.description == path })
            let patch = String(decoding: writer.patch(of: change), as: UTF8.self)
            #expect(patch.contains("+evil\n"), "\(patch)")
        }
        for (name, mode) in [("bare", 0o311), ("closed", 0o311), ("written", 0o200)] as [(String, UInt32)] {
            #expect(ground.facts("upper/\(name)")?.permissions == mode)
        }
    }

    @Test func `a repository that several sessions bring in by parts is flagged with the last of them`() throws {
        for last in ["HEAD", "objects/x", "config"] {
            let ground = try Ground()
            for name in ["HEAD", "objects/x", "config"] {
                try ground.put("x", at: "\(name == last ? "upper" : "work")/sub/\(name)")
            }
            let flagged = try ground.changes().filter { $0.concerns.contains { $0.rule == "git-nested" } }
            #expect(flagged.count == 1, "\(last)")
        }
    }

    @Test func `the digest of a layer is the same whatever the workspace is, and another for any other layer`() throws {
        let ground = try Ground()
        func layer() throws -> LayerDigest {
            let above = try FileSystem.openDirectory(ground.upper)
            let below = try FileSystem.openDirectory(ground.workspace)
            return try ChangeSet(upper: above.number, workspace: below.number, reserved: [0]).layer
        }
        try ground.put("x", at: "upper/d/e/f")
        try ground.put("y", at: "upper/d/closed/g")
        symlink("f", ground.path("upper/d/e/l"))
        try ground.whiteout("d/gone")
        let alone = try layer()
        try ground.put("x", at: "work/d/e/f")
        try ground.put("z", at: "work/d/closed/z")
        try ground.setMode(of: "work/d/closed", 0)
        try ground.put("x", at: "work/d/gone")
        #expect(try layer() == alone)
        var seen: Set = [alone.digest]
        try ground.put("z", at: "upper/d/closed/g")
        seen.insert(try layer().digest)
        try ground.setMode(of: "upper/d/e", 0o700)
        seen.insert(try layer().digest)
        try ground.attribute("user.overlay.opaque", "y", of: "upper/d/e")
        seen.insert(try layer().digest)
        FileSystem.remove(ground.path("upper/d/gone"))
        seen.insert(try layer().digest)
        FileSystem.remove(ground.path("upper/d/e/l"))
        symlink("g", ground.path("upper/d/e/l"))
        seen.insert(try layer().digest)
        #expect(seen.count == 6)
    }
}
