// SPDX-License-Identifier: Apache-2.0

import RemitSandbox
import RemitTask
import Testing

@Suite struct ProfileDifferenceTests {
    private static let head = "apiVersion: remit/v1\nkind: Profile\nname: own\n"

    /// The differences of two profiles that are given without their first lines, one line each.
    private func lines(_ one: String, _ other: String) throws -> [String] {
        func profile(_ text: String) throws -> Profile {
            let layer = try ProfileLayer.decode(bytes: Array((Self.head + text).utf8), file: "own")
            return try ProfileCatalogue().resolve(layer)
        }
        return try ProfileDifference(from: profile(one), to: profile(other)).changes.map { change in
            "\(change.direction) \(change.aspect) \(change.subject): \(change.before ?? "-") > \(change.after ?? "-")"
        }
    }

    @Test(arguments: [
        ("", "filesystem: {binds: [/opt]}", ["gained read /opt: - > yes", "gained execute /opt: - > yes"]),
        (
            "filesystem: {binds: [/opt]}", "filesystem: {binds: [{source: /opt, mode: write, execute: false}]}",
            ["gained write /opt: - > yes", "lost execute /opt: yes > -"]
        ),
        // What another bind shows already is nothing new.
        ("filesystem: {binds: [/usr]}", "filesystem: {binds: [/usr, /usr/share]}", []),
        (
            "filesystem: {binds: [/usr]}", "filesystem: {binds: [/usr, {source: /opt, target: /usr/local}]}",
            ["changed path /usr/local: shows /usr/local > shows /opt"]
        ),
        ("", "etc: {copy: [/etc/motd]}", ["gained read /etc/motd: - > yes"]),
        ("filesystem: {workspace: read}", "", ["gained write /workspace: - > yes"]),
        (
            "", "filesystem: {installations: {swift: /opt/swift}}",
            [
                "gained read /opt/swift: - > the caller's installation of swift",
                "gained execute /opt/swift: - > the caller's installation of swift",
            ]
        ),
        (
            "filesystem: {processes: statistics}", "filesystem: {processes: minimal}",
            ["cpuinfo", "loadavg", "meminfo", "stat", "uptime"].map { "lost read /proc/\($0): yes > -" }
        ),
        ("filesystem: {links: {/a: b}}", "filesystem: {links: {/a: c}}", ["changed path /a: link to b > link to c"]),
        (
            "filesystem: {temporary: {size: 1MiB}}", "filesystem: {temporary: {size: 2MiB}}",
            ["gained volume /tmp: 1MiB > 2MiB"]
        ),
        ("environment: {allow: [A]}", "environment: {set: {A: x}}", ["lost variable A: the caller's > `x`"]),
        ("environment: {allow: [\"A*\"]}", "environment: {allow: [\"A*\", AB]}", []),
        ("environment: {set: {A: x}}", "environment: {allow: [A]}", ["gained variable A: `x` > the caller's"]),
        ("environment: {allow: [A]}", "", ["lost variable A: the caller's > -"]),
        (
            "limits: {memory: 1GiB, cpu: 2, whenReached: end}", "limits: {processes: 5, cpu: 1}",
            [
                "lost limit cpu: 2.0 > 1.0", "gained limit memory: 1GiB > no limit",
                "lost limit processes: no limit > 5", "gained limit whenReached: end > continue",
            ]
        ),
        ("network: {allow: []}", "", ["gained network any host: nothing > no bound"]),
        (
            "network: {allow: [a.example.com]}", "network: {allow: [b.example.com], deny: [c.example.com]}",
            [
                "lost network a.example.com: at most > -", "gained network b.example.com: - > at most",
                "lost network c.example.com: - > never",
            ]
        ),
        ("layers: {required: [landlock]}", "", ["gained withoutLayer landlock: refused > starts"]),
        (
            "", "systemCalls: {deny: [memfd_create]}",
            ["lost systemCall memfd_create: allowed > refused"]
        ),
        ("systemCalls: {deny: [ioctl]}", "", ["gained systemCall ioctl: refused > by its arguments"]),
    ])
    func `a difference is told from the agent's side`(one: String, other: String, expected: [String]) throws {
        #expect(try lines(one, other) == expected)
    }

    @Test func `of a profile and itself there is none, and the other way round is the opposite`() throws {
        let catalogue = ProfileCatalogue()
        let names = BuiltInProfiles.texts.map(\.name)
        for name in names {
            let profile = try catalogue.resolve(name)
            #expect(try ProfileDifference(from: profile, to: profile).changes.isEmpty)
            let base = try catalogue.resolve("base")
            let there = try ProfileDifference(from: base, to: profile).changes
            let back = try ProfileDifference(from: profile, to: base).changes
            #expect(there.count == back.count)
            let opposite = back.map { ($0.direction == .gained ? "lost" : "gained") + $0.subject }
            let directed = there.filter { $0.direction != .changed }.map { "\($0.direction)\($0.subject)" }
            #expect(directed == zip(back, opposite).filter { $0.0.direction != .changed }.map(\.1), "\(name)")
            #expect(there.allSatisfy { $0.origin != nil })
        }
    }

    @Test func `the calls of a group that a profile names are told together, with its line`() throws {
        let catalogue = ProfileCatalogue()
        let difference = try ProfileDifference(from: catalogue.resolve("base"), to: catalogue.resolve("minimal"))
        let group = try #require(difference.changes.first { $0.subject.hasPrefix("@aio: ") })
        #expect(group.subject.contains("io_submit") && group.direction == .lost && group.origin?.profile == "minimal")
    }
}
