// SPDX-License-Identifier: Apache-2.0

import Foundation
import RemitTask
import Testing

@Suite struct ProfileTests {
    /// A catalogue over files made for one test.
    static func catalogue(_ files: [String: String]) throws -> (ProfileCatalogue, cleanUp: () -> Void) {
        let directory = NSTemporaryDirectory() + "remit-profiles-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        for (name, rest) in files {
            let text = "apiVersion: remit/v1\nkind: Profile\nname: \(name)\n" + rest
            try text.write(toFile: "\(directory)/\(name).yaml", atomically: false, encoding: .utf8)
        }
        return (ProfileCatalogue(directories: [directory]), { try? FileManager.default.removeItem(atPath: directory) })
    }

    @Test func `the built-in profiles are those of the repository`() throws {
        let directory = RepositoryFile.path("profiles")
        let files = try FileManager.default.contentsOfDirectory(atPath: directory).filter { $0.hasSuffix(".yaml") }
        #expect(files.sorted() == BuiltInProfiles.texts.map { $0.name + ".yaml" })
        for (name, text, tests) in BuiltInProfiles.texts {
            #expect(
                try String(contentsOfFile: "\(directory)/\(name).yaml", encoding: .utf8) == text + tests,
                "run scripts/embed-profiles")
        }
    }

    @Test func `every built-in profile resolves`() throws {
        let catalogue = ProfileCatalogue()
        #expect(
            catalogue.names().map(\.name) == [
                "base", "ci", "coding", "default", "jvm", "minimal", "node", "python", "read-only-review", "strict",
                "swift",
            ])
        #expect(catalogue.names().filter { $0.extends == nil }.map(\.name) == ["base"])
        #expect(catalogue.names().allSatisfy { $0.problem == nil && $0.description != nil && $0.file == nil })
        for summary in catalogue.names() { _ = try catalogue.resolve(summary.name) }
    }

    @Test func `the default profile is what sessions of most hosts can have`() throws {
        let profile = try ProfileCatalogue().resolve("default")
        #expect(profile.lineage == ["default", "base"])
        #expect(profile.filesystem.binds == [Bind(source: "/usr")])
        #expect(profile.filesystem.links["/lib64"] == "usr/lib64")
        #expect(
            profile.limits
                == Limits(memory: ByteCount(bytes: 4 << 30), processes: 512, openFiles: 4096)
        )
        #expect(
            profile.requiredLayers
                == [.namespaces, .mounts, .usernsDoor, .capabilities, .landlock, .seccomp, .guard]
        )
        let caller = ["TERM": "xterm", "LC_ALL": "C", "AWS_SECRET_ACCESS_KEY": "x", "LD_PRELOAD": "x", "PATH": "/evil"]
        #expect(
            profile.environment.variables(from: caller)
                == [
                    "TERM": "xterm", "LC_ALL": "C",
                    "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin",
                    "ASAN_OPTIONS": "detect_leaks=0", "LSAN_OPTIONS": "detect_leaks=0",
                ]
        )
    }

    @Test func `every value of a resolved profile has an origin`() throws {
        let (catalogue, cleanUp) = try Self.catalogue([
            "everything": Samples.profile.split(separator: "\n").dropFirst(3).joined(separator: "\n") + "\n"
        ])
        defer { cleanUp() }
        for name in BuiltInProfiles.texts.map(\.name) + ["everything"] {
            let profile = try catalogue.resolve(name)
            let entries = profile.explanation
            #expect(entries.allSatisfy { $0.origin != nil }, "\(entries.filter { $0.origin == nil })")
            #expect(Set(entries.map(\.path)) == Set(profile.origins.keys))
            #expect(entries.map(\.path) == entries.map(\.path).sorted())
        }
    }

    @Test func `origins name the profile and line that decided`() throws {
        let profile = try ProfileCatalogue().resolve("coding")
        for (path, name) in [
            ("limits.memory", "coding"), ("filesystem.binds./usr", "base"), ("etc.copy./etc/python3", "default"),
            ("layers.required.landlock", "default"), ("environment.set.PATH", "base"), ("description", "coding"),
        ] {
            let origin = try #require(profile.origins[path])
            #expect(origin.profile == name)
            let text = try #require(BuiltInProfiles.texts.first { $0.name == name }?.text)
            let line = text.split(separator: "\n", omittingEmptySubsequences: false)[origin.line - 1]
            let key = String(path.split(separator: ".").last ?? "").split(separator: "/").last ?? ""
            #expect(line.contains(key), "\(path): \(line)")
        }
    }

    @Test func `every key of a profile is decoded`() throws {
        let (catalogue, cleanUp) = try Self.catalogue([
            "everything": Samples.profile.split(separator: "\n").dropFirst(3).joined(separator: "\n") + "\n"
        ])
        defer { cleanUp() }
        let profile = try catalogue.resolve("everything")
        #expect(
            profile.filesystem.binds == [
                Bind(source: "/opt"),
                Bind(source: "/srv/tools", target: "/tools", mode: .write, execute: false, required: false),
                Bind(source: "/usr"),
            ]
        )
        #expect(profile.filesystem.links["/tool"] == "tools/bin")
        #expect(profile.filesystem.temporary == ByteCount(bytes: 1 << 30))
        #expect(profile.filesystem.home == ByteCount(bytes: 65536))
        #expect(profile.etc.copy.contains("/etc/hosts.allow"))
        #expect(profile.etc.files == ["hosts": "127.0.0.1 localhost\n"])
        #expect(profile.environment.allows("XDG_DATA_HOME"))
        #expect(!profile.environment.allows("XDG"))
        #expect(profile.environment.set["LANG"] == "C.UTF-8")
        #expect(profile.systemCalls == ProfileSystemCalls(allow: ["ptrace"], deny: ["io_uring_setup"]))
        #expect(profile.limits.cpu == 2)
        #expect(profile.requiredLayers.contains(.memoryLimit))
    }

    @Test func `a child decides over its parent, and lists are joined`() throws {
        let (catalogue, cleanUp) = try Self.catalogue([
            "parent": """
            filesystem: {binds: [/usr, /opt/a/b, /opt], links: {/bin: usr/bin, /x: y}}
            systemCalls: {allow: [ptrace, bpf], deny: [mount]}
            environment: {allow: [A], set: {X: 1, Y: 1}}
            limits: {memory: 1GiB, processes: 10}
            layers: {required: [seccomp]}

            """,
            "child": """
            extends: parent
            filesystem:
              binds: [{source: /opt/usr, target: /usr}, /x]
              links: {/opt: usr/opt}
            systemCalls: {allow: [mount], deny: [ptrace]}
            environment: {allow: [B, A], set: {Y: 2}}
            limits: {memory: 2GiB}
            layers: {required: [cgroup, seccomp]}

            """,
        ])
        defer { cleanUp() }
        let profile = try catalogue.resolve("child")
        #expect(profile.filesystem.binds.map(\.target) == ["/usr", "/x", "/opt/a/b"])
        #expect(profile.filesystem.binds.first?.source == "/opt/usr")
        #expect(profile.filesystem.links == ["/bin": "usr/bin", "/opt": "usr/opt"])
        #expect(profile.systemCalls == ProfileSystemCalls(allow: ["bpf", "mount"], deny: ["ptrace"]))
        #expect(profile.environment == ProfileEnvironment(allow: ["A", "B"], set: ["X": "1", "Y": "2"]))
        #expect(profile.limits == Limits(memory: ByteCount(bytes: 2 << 30), processes: 10))
        #expect(profile.requiredLayers == [.seccomp, .cgroup])
        #expect(profile.origins["systemCalls.deny.ptrace"] == Origin(profile: "child", line: 8))
        #expect(profile.origins["systemCalls.allow.ptrace"] == nil)
        #expect(profile.origins["environment.allow.A"] == Origin(profile: "parent", line: 6))
        #expect(profile.origins["layers.required.seccomp"]?.profile == "parent")
        #expect(profile.description == nil)
    }

    @Test func `a file of the operator's hides the built-in profile of that name`() throws {
        let (catalogue, cleanUp) = try Self.catalogue(["default": "description: ours\nextends: base\n"])
        defer { cleanUp() }
        #expect(try catalogue.resolve("default").description == "ours")
        #expect(try catalogue.resolve("coding").lineage == ["coding", "default", "base"])
        #expect(catalogue.names().first { $0.name == "default" }?.file?.hasSuffix("/default.yaml") == true)
    }

    @Test func `an unknown profile is refused where it was written, with a suggestion`() throws {
        let wanted = FileError(file: "task.yaml", line: 7, column: 10, message: "")
        let error = #expect(throws: FileError.self) { try ProfileCatalogue().resolve("codign", wanted: wanted) }
        #expect(error?.description == "task.yaml:7:10: unknown profile `codign`: did you mean `coding`?")
        let plain = #expect(throws: FileError.self) { try ProfileCatalogue().resolve("../../etc/passwd") }
        #expect(plain?.description.hasPrefix("unknown profile `../../etc/passwd`: known are `base`") == true)
    }

    @Test func `a chain of seventeen profiles is refused`() throws {
        var files: [String: String] = ["p0": ""]
        for index in 1..<17 { files["p\(index)"] = "extends: p\(index - 1)\n" }
        let (catalogue, cleanUp) = try Self.catalogue(files)
        defer { cleanUp() }
        #expect(try catalogue.resolve("p15").lineage.count == 16)
        let error = #expect(throws: FileError.self) { try catalogue.resolve("p16") }
        #expect(error?.message.hasSuffix("which is too long a chain") == true)
    }

    @Test func `a broken profile is listed with its problem`() throws {
        let (catalogue, cleanUp) = try Self.catalogue(["broken": "nonsense: 1\n"])
        defer { cleanUp() }
        let summary = try #require(catalogue.names().first { $0.name == "broken" })
        #expect(summary.problem?.contains("broken.yaml:4:1: unknown key `nonsense`") == true)
    }

    @Test func `the digest of a profile does not depend on where its values were written`() throws {
        let profile = try ProfileCatalogue().resolve("strict")
        var moved = profile
        moved.origins = [:]
        moved.lineage = ["strict"]
        #expect(profile.canonicalJSON() == moved.canonicalJSON())
        moved.limits.cpu = 2
        #expect(profile.canonicalJSON() != moved.canonicalJSON())
    }
}
