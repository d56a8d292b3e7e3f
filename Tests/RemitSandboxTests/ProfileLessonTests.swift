// SPDX-License-Identifier: Apache-2.0

import RemitKernel
import RemitTask
import Testing

@testable import RemitSandbox

@Suite struct ProfileLessonTests {
    private static let base = Profile(
        name: "base",
        filesystem: ProfileFilesystem(
            binds: [Bind(source: "/usr")], links: ["/bin": "usr/bin"], temporary: ByteCount("64MiB")),
        etc: ProfileEtc(copy: ["/etc/alternatives", "/etc/fonts", "/etc/ssl/certs"]),
        environment: ProfileEnvironment(allow: ["LC_*", "TERM"], set: ["PATH": "/usr/bin"]),
        limits: Limits(memory: ByteCount("1GiB")), requiredLayers: [.namespaces, .seccomp])

    private static let seen: Profile = {
        var profile = base
        profile.filesystem.binds.append(Bind(source: "/opt", required: false))
        profile.etc.copy += ["/etc/gitconfig", "/etc/maven"]
        return profile
    }()

    private func lesson(
        base: Profile = Self.base, _ observations: [Observation], links: Set<String> = [], refused: Set<String> = [],
        hosts: Set<ProfileLesson.ReachedHost> = []
    ) -> ProfileLesson {
        ProfileLesson(
            base: base, seen: Self.seen,
            evidence: .init(observations: observations, links: links, hosts: hosts, refusedCalls: refused),
            home: "/home/u")
    }

    private func read(
        _ path: String, _ act: ObservedAct = .read, _ outcome: Observation.Outcome = .allowed
    ) -> Observation {
        Observation(act, call: act == .execute ? "execve" : "openat", path: path, outcome: outcome)
    }

    private func learned(_ lesson: ProfileLesson, _ command: [String] = ["make"]) throws -> Profile {
        let text = lesson.yaml(.init(name: "learned", command: command, failure: nil))
        return try ProfileCatalogue().resolve(ProfileLayer.decode(bytes: Array(text.utf8), file: "learned.yaml"))
    }

    @Test func `what was used is there, whole directories rather than files, and nothing else`() throws {
        let lesson = lesson(
            [
                read("/usr/bin/make", .execute), read("/opt/tool/bin/t", .execute), read("/opt/data/x"),
                read("/etc/fonts/a.conf"), read("/etc/fonts/b.conf"), read("/etc/gitconfig", .look), read("/etc"),
                read("/workspace/x", .make), read("/tmp/y", .make),
            ], links: ["/etc/alternatives/cc", "/bin"])
        let profile = try learned(lesson)
        #expect(profile.etc.copy == ["/etc/alternatives", "/etc/fonts", "/etc/gitconfig"])
        #expect(profile.filesystem.binds.map(\.target).sorted() == ["/opt/data", "/opt/tool", "/usr"])
        #expect(profile.filesystem.binds.first { $0.target == "/opt/data" }?.execute == false)
        #expect(profile.filesystem.binds.first { $0.target == "/opt/tool" }?.execute == true)
        #expect(profile.filesystem.links == Self.base.filesystem.links && profile.environment == Self.base.environment)
        #expect(profile.limits == Self.base.limits && profile.requiredLayers == Self.base.requiredLayers)
        #expect(profile.network.allow == [])
    }

    @Test func `groups of calls that were not made are taken away, and those that were are not`() throws {
        let calls = ["socket", "mlock", "setpriority"].map {
            Observation(.call, call: $0, path: nil, outcome: .allowed)
        }
        let profile = try learned(lesson(calls, refused: ["landlock_restrict_self"]))
        #expect(profile.systemCalls.deny == ["@aio", "@chown", "@pkey", "@setuid", "@timer", "memfd_create"])
        _ = try SystemCallPolicy(profile.systemCalls, origins: profile.origins, notify: true)
        let none = try learned(lesson([]))
        #expect(none.systemCalls.deny.contains("@network-io") && none.systemCalls.deny.contains("@memlock"))
        _ = try SystemCallPolicy(none.systemCalls, notify: true)
    }

    @Test func `the floor is not learned, whatever was seen`() throws {
        let paths = [
            "/etc/shadow", "/etc/ssl/private/k", "/etc/ssh/sshd_config", "/home/u/.ssh/id_rsa", "/run/docker.sock",
        ]
        var seen = Self.seen
        seen.etc.copy += ["/etc/shadow", "/etc/ssh"]
        let lesson = ProfileLesson(
            base: Self.base, seen: seen,
            evidence: .init(observations: paths.map { read($0) } + paths.map { read($0, .look, .hidden) }),
            home: "/home/u")
        let profile = try learned(lesson)
        #expect(profile.etc.copy == [] && profile.filesystem.binds.map(\.target) == ["/usr"])
        #expect(lesson.hidden.allSatisfy { $0.reason != nil }, "\(lesson.hidden)")
    }

    @Test func `nothing that a command is called, opens or looks for becomes a line of the profile`() throws {
        let hostile = "x\n  binds: [/etc]\n# \u{1b}[2J\"'\\ `"
        let lesson = lesson([
            read("/etc/fonts/\(hostile)"), read("/opt/\(hostile)/x", .execute), read("/usr/bin/\(hostile)", .execute),
            read("/etc/\(hostile)", .look, .hidden), read("/nowhere/\(hostile)", .look, .absent),
            Observation(
                .read, call: "openat", path: "/workspace/\(hostile)", outcome: .denied,
                opinions: [Opinion("permissions", .denies, hostile)]),
        ])
        let text = lesson.yaml(.init(name: "learned", command: [hostile, hostile], failure: hostile))
        #expect(!text.contains("\u{1b}"))
        #expect(text.split(separator: "\n").allSatisfy { !$0.hasPrefix("  binds: [/etc]") })
        // A path with a line break can be bound by no profile, and one that is refused is no profile.
        let plain = self.lesson([read("/opt/a \"b\" #c/x", .execute)])
        #expect(try learned(plain, [hostile]).filesystem.binds.map(\.target).contains("/opt/a \"b\" #c"))
    }

    @Test func `statistics are learned where the base shows them and the run read them`() throws {
        var base = Self.base
        base.filesystem.processes = .statistics
        let looks = [read("/proc/stat"), read("/proc", .look)]
        #expect(try learned(lesson(base: base, looks)).filesystem.processes == .statistics)
        #expect(try learned(lesson(base: base, [read("/proc", .look)])).filesystem.processes == .minimal)
        #expect(try learned(lesson([read("/proc/stat", .read, .hidden)])).filesystem.processes == .minimal)
    }

    @Test func `branches that were not taken are told`() {
        let lesson = lesson([
            read("/usr/bin/strip", .look), read("/usr/bin/ld", .look), read("/usr/bin/ld", .execute),
            read("/etc/none.conf", .look, .absent), read("/usr/lib/a/libx.so", .look, .absent),
            read("/usr/lib/libx.so"),
            read("/workspace/gone", .look, .absent), read("/proc/meminfo", .read, .hidden),
        ])
        #expect(lesson.unrun == ["/usr/bin/strip"] && lesson.absent == ["/etc/none.conf"])
        #expect(lesson.hidden.map(\.path) == ["/proc/meminfo"])
        let text = lesson.yaml(.init(name: "x", command: ["x"], failure: "exit status 3"))
        #expect(text.contains("did not succeed (exit status 3)") && text.contains("#     /usr/bin/strip"))
    }

    @Test func `what is shown to learn from holds nothing of the floor`() throws {
        let school = try ProfileSchool(base: Self.base, binds: [], home: "/home/u")
        let layer = try ProfileLayer.decode(
            bytes: Array(school.text.replacing("extends: base\n", with: "").utf8), file: "learning.yaml")
        let profile = try ProfileCatalogue().resolve(layer)
        for path in profile.etc.copy + profile.filesystem.binds.map(\.source) {
            #expect(!SecretPlaces.isTouched(by: path, home: "/home/u"), "\(path)")
        }
        for path in ["/", "/etc", "/home/u", "/root", "/home/u/.ssh", "/run"] {
            #expect(throws: SandboxError.self) { try ProfileSchool(base: Self.base, binds: [path], home: "/home/u") }
        }
    }
}
