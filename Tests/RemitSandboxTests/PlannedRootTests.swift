// SPDX-License-Identifier: Apache-2.0

import Foundation
import RemitKernel
import RemitNetwork
import RemitTask
import Testing

@testable import RemitSandbox

@Suite struct PlannedRootTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func root(
        _ filesystem: ProfileFilesystem, landlock: Int = 7, etc: ProfileEtc = ProfileEtc()
    ) throws
        -> PlannedRoot
    {
        let workspace = try ApprovedWorkspace(path: try scratch.directory("project"), mode: .read)
        var request = Made.request(workspace: workspace)
        request.profile.filesystem = filesystem
        request.profile.etc = etc
        let host = HostSupport.made(isRoot: false, landlock: landlock)
        return PlannedRoot(
            try Made.plan(request, host: host), profile: request.profile, landlock: host.landlock)
    }

    private func says(_ answer: Answer) -> [String] { answer.opinions.map { "\($0.layer) \($0.say.rawValue)" } }

    @Test func `a nested bind hides what it lies on, and a link leads out of neither`() throws {
        let outer = try scratch.directory("outer")
        let inner = try scratch.directory("inner")
        try FileSystem.makeDirectories("\(outer)/nested")
        for (path, text) in [("\(outer)/nested/hidden", "1"), ("\(inner)/seen", "2"), ("\(outer)/plain", "3")] {
            try text.write(toFile: path, atomically: false, encoding: .utf8)
        }
        try FileManager.default.createSymbolicLink(atPath: "\(inner)/out", withDestinationPath: "\(outer)/plain")
        try FileManager.default.createSymbolicLink(atPath: "\(inner)/in", withDestinationPath: "../plain")
        let root = try root(
            ProfileFilesystem(binds: [
                Bind(source: "/usr"), Bind(source: outer, target: "/data"),
                Bind(source: inner, target: "/data/nested", execute: false),
            ]))
        #expect(root.resolve("/data/nested/hidden").node == .missing)
        #expect(root.resolve("/data/nested/seen").node == .file)
        #expect(root.resolve("/data/nested/../nested/./in").path == "/data/plain")
        // The path of the host is none inside.
        #expect(root.answer("/data/nested/out", to: .read).isAllowed == false)
        #expect(root.answer("/data/nested/seen", to: .execute).decisive?.detail.contains("noexec") == true)
        #expect(root.line(of: "/data/nested/seen") == .profile("filesystem.binds./data/nested"))
        #expect(root.line(of: "/data/plain") == .profile("filesystem.binds./data"))
    }

    @Test func `each layer answers for itself`() throws {
        let root = try root(ProfileFilesystem(binds: [Bind(source: "/usr")], links: ["/bin": "usr/bin"]))
        let write = root.answer("/usr/bin/env", to: .write)
        #expect(says(write).first == "mounts denies" && says(write).last == "landlock denies", "\(write)")
        #expect(
            says(root.answer("/bin/env", to: .execute)) == ["mounts allows", "permissions allows", "landlock allows"])
        #expect(root.answer("/workspace/x", to: .write).decisive?.line == .task("workspace.mode"))
        #expect(root.answer("/tmp/x", to: .write).isAllowed)
        #expect(root.answer("/dev/null", to: .write).isAllowed)
        #expect(root.answer("/proc/1/status", to: .read).opinions.contains { $0.say == .silent })
        #expect(!root.answer("/proc/meminfo", to: .read).isAllowed)
        // What Landlock alone closes: there is a file, and no rule for it.
        #expect(says(root.answer("/.sealed", to: .read)) == ["mounts allows", "permissions allows", "landlock denies"])
        let without = try self.root(ProfileFilesystem(binds: [Bind(source: "/usr")]), landlock: 0)
        #expect(says(without.answer("/usr/bin/env", to: .read)).last == "landlock silent")
    }

    @Test func `statistics are read by everybody, written by nobody, and the line that shows them is told`() throws {
        let root = try root(ProfileFilesystem(binds: [Bind(source: "/usr")], processes: .statistics))
        for file in ["cpuinfo", "loadavg", "meminfo", "stat", "uptime"] {
            let path = "/proc/\(file)"
            #expect(root.resolve(path).node == .file && root.line(of: path) == .profile("filesystem.processes"))
            #expect(
                says(root.answer(path, to: .read)) == ["mounts allows", "permissions allows", "landlock allows"])
            #expect(
                says(root.answer(path, to: .write)) == ["mounts denies", "permissions denies", "landlock denies"])
            #expect(!root.answer(path, to: .execute).isAllowed)
        }
        for path in ["/proc/interrupts", "/proc/version", "/proc/sys/kernel/osrelease", "/proc/stat/x", "/proc/statx"] {
            #expect(!root.answer(path, to: .read).isAllowed, "\(path)")
        }
        #expect(root.answer("/proc/1/status", to: .read).opinions.contains { $0.say == .silent })
    }

    @Test func `modes are those of the first class that fits`() {
        let groups: Set<UInt32> = [5, 6]
        for (mode, owner, group, bits, expected): (UInt32, UInt32, UInt32, UInt32, Bool) in [
            (0o644, 1, 5, 4, true), (0o044, 1, 5, 4, false), (0o604, 2, 6, 4, false), (0o604, 2, 7, 4, true),
            (0o640, 2, 6, 4, true), (0o750, 2, 5, 5, true), (0o751, 2, 9, 5, false), (0o200, 1, 1, 2, true),
        ] {
            let own = PlannedRoot.Ownership(mode: mode, owner: owner, group: group)
            #expect(own.lets(bits, user: 1, groups: groups) == expected, "\(own)")
        }
    }

    @Test func `a directory that may not be passed closes what lies in it`() throws {
        let closed = try scratch.directory("closed")
        try FileSystem.makeDirectories("\(closed)/locked/inner", mode: 0o755)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: "\(closed)/locked")
        defer { try? FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: "\(closed)/locked") }
        let root = try root(ProfileFilesystem(binds: [Bind(source: "/usr"), Bind(source: closed, target: "/c")]))
        let answer = root.answer("/c/locked/inner", to: .read)
        #expect(!answer.isAllowed, "\(answer)")
    }

    @Test(arguments: [
        ("#!/bin/sh\n", "script(\"/bin/sh\")"), ("#! /usr/bin/env python3\n", "script(\"/usr/bin/env\")"),
        ("#!\n", "unknown"), ("#!", "unknown"), ("echo\n", "unknown"), ("", "unknown"), ("\u{7f}ELF", "unknown"),
    ])
    func `the first bytes of a file say how it is run`(_ text: String, _ kind: String) {
        #expect("\(PlannedRoot.kind(of: Array(text.utf8)))" == kind)
    }

    @Test func `a program names its loader, and cut or foreign headers lead nowhere`() throws {
        let file = try FileSystem.open("/usr/bin/env")
        let bytes = try FileSystem.readStart(file.number, count: 4096, name: "env")
        guard case .native(let loader?) = PlannedRoot.kind(of: bytes) else {
            return #expect(Bool(false), "\(PlannedRoot.kind(of: bytes))")
        }
        #expect(loader.hasPrefix("/lib"))
        var foreign = bytes
        foreign[18] = 3
        #expect(PlannedRoot.kind(of: foreign) == .foreign)
        // Whatever is cut off or overwritten, nothing is read from beyond the end.
        for index in 0..<160 {
            for value: UInt8 in [0, 0x7f, 0xff] {
                var other = bytes
                other[index] = value
                _ = PlannedRoot.kind(of: other)
                _ = PlannedRoot.kind(of: Array(other.prefix(index)))
            }
        }
    }

    @Test func `a host is read as a name, an address or a URL`() throws {
        for (text, resolved): (String, String) in [
            ("Example.COM", "example.com:443"), ("example.com:8443", "example.com:8443"), ("::1", "[::1]:443"),
            ("http://a.b/c?d", "a.b:80"), ("https://[2001:db8::1]:9/x", "[2001:db8::1]:9"),
            ("10.0.0.1", "10.0.0.1:443"),
        ] {
            #expect(try NetworkQuestion(text, method: nil).answer(by: .none).resolved == resolved)
        }
        for text in ["", "a b", "a/b", "ftp://a/", "https://", "https:///x", "a:0", "http://u@h/", "0x7f.1"] {
            #expect(throws: NetworkQuestion.Refusal.self) { try NetworkQuestion(text, method: nil) }
        }
        let rule = EgressRule(
            label: "r", host: .exact(try HostName("a.b")), http: HTTPRule(methods: ["GET"], paths: [], maxBody: nil))
        let policy = EgressPolicy(layers: [EgressLayer(name: "the task", rules: [rule])])
        #expect(try NetworkQuestion("https://a.b/", method: nil).answer(by: policy).isAllowed)
        #expect(try !NetworkQuestion("https://a.b/", method: "PUT").answer(by: policy).isAllowed)
        #expect(try !NetworkQuestion("http://a.b/", method: nil).answer(by: policy).isAllowed)
    }
}
