// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import RemitTesting
import Testing

extension CLI {
    /// `remit profile test` and `diff`, and what profiles say of workspaces and installations.
    @Suite struct ProfileTestingTests {
        /// Writes a profile, given without its first lines.
        private func profile(_ place: Playground, _ text: String, name: String = "own") throws -> String {
            let path = "\(place.scratch)/\(name).yaml"
            try place.write("apiVersion: remit/v1\nkind: Profile\nname: \(name)\n\(text)", to: path)
            return path
        }

        /// A playground whose temporary directory is its own, to be found empty afterwards.
        private func playground() throws -> Playground {
            let place = try Playground()
            place.environment["TMPDIR"] = place.base + "/tmp"
            try FileManager.default.createDirectory(atPath: place.base + "/tmp", withIntermediateDirectories: true)
            chmod(place.base, 0o755)
            return place
        }

        private func left(_ place: Playground) -> [String] {
            ((try? FileManager.default.contentsOfDirectory(atPath: place.base + "/tmp")) ?? []) + place.sessions
        }

        @Test func `what holds passes, with the layer that decided, and nothing is left`() throws {
            let place = try playground()
            defer { place.tearDown() }
            let file = try profile(
                place,
                """
                extends: default
                tests:
                  - {name: works, run: "cat file; exit 3", files: {file: hello}, exit: 3, prints: hello}
                  - {name: reads, run: cat /etc/shadow, refused: {by: mounts, saying: No such file or directory}}
                  - {name: traces, run: chroot /tmp true, refused: {by: seccomp, call: chroot}}
                  - {name: asks, run: "true", task: {limits: {memory: 1TiB}}, refused: {by: admission, exit: 126}}
                  - {name: sees, run: tty, tty: true, prints: /dev/pts/}
                  - {name: inherits, run: printenv SECRET, environment: {SECRET: x}, refused: {by: environment}}
                  - name: sinks too deep for any path
                    run: perl -e 'for (1..4000) { mkdir "dddd" or die $!; chdir "dddd" }' && echo deep
                    requires: [perl]
                    prints: deep
                  - {name: absent, run: no-such-program, requires: [no-such-program]}

                """)
            let result = try place.remit(
                "profile", "test", "--format", "json", "--filter", "s", file, within: .seconds(60))
            let profile = try result.json()["profiles"].list?.first ?? .null
            let tests = profile["tests"].list ?? []
            func test(_ name: String) -> JSON { tests.first { $0["name"].text == name } ?? .null }
            #expect(result.exit == 0 && profile["failed"].integer == 0, "\(result)")
            for (name, layer) in [
                ("reads", "mounts"), ("traces", "seccomp"), ("asks", "admission"), ("inherits", "environment"),
            ] {
                #expect(test(name)["layer"].text == layer, "\(test(name))")
            }
            #expect(test("sees")["result"].text == "passed" && test("works")["result"].text == "passed")
            #expect(test("absent")["result"].text == "skipped")
            #expect(test("absent")["why"].text?.contains("no `no-such-program` in its sessions") == true)
            // Those of its parents, too.
            #expect(tests.contains { $0["origin"].text?.hasPrefix("base:") == true })
            #expect(left(place) == [], "\(left(place))")
        }

        @Test func `what does not hold fails, and a report says so in a document that nothing breaks`() throws {
            let place = try playground()
            defer { place.tearDown() }
            let file = try profile(
                place,
                """
                extends: default
                tests:
                  - {name: "mine <&\\"'>]]>", run: "printf '\\\\033[2J]]></failure>\\\\001<'; exit 1"}
                  - {name: "mine: no layer", run: exit 7, refused: {by: landlock}}
                  - {name: "mine: open", run: cat /etc/passwd, refused: {by: mounts}}
                  - {name: "mine: other layer", run: mkdir /usr/x, refused: {by: seccomp}}
                  - {name: "mine: late", run: sleep 60, deadline: 300ms, refused: {by: mounts}}

                """)
            let report = place.base + "/report.xml"
            let result = try place.remit(
                "profile", "test", "--junit", report, "--filter", "mine", file, within: .seconds(60))
            #expect(result.exit == 1 && result.text.contains("0 passed, 5 failed, 0 skipped"), "\(result)")
            #expect(!result.text.contains("\u{1B}"))
            for reason in [
                "it must work, and ended with status 1", "nothing says which layer did", "and it succeeded",
                "what speaks is for mounts (Read-only file system)", "ran into its deadline",
            ] { #expect(result.text.contains(reason), "\(reason): \(result)") }
            let xml = try String(contentsOfFile: report, encoding: .utf8)
            #expect(xml.contains("name=\"mine &lt;&amp;&quot;&apos;&gt;]]&gt;\"") && xml.hasSuffix("</testsuites>\n"))
            #expect(xml.contains("\u{FFFD}[2J]]&gt;&lt;/failure&gt;\u{FFFD}&lt;"), "\(xml)")
            #expect(xml.unicodeScalars.allSatisfy { $0 == "\n" || $0.value >= 32 })
            let parsed = try place.shell(
                "python3 -c 'import sys, xml.dom.minidom as m; print(len(m.parse(sys.argv[1]).getElementsByTagName(\"failure\")))' \(report)"
            )
            #expect(parsed.text == "5\n" || parsed.exit == 127, "\(parsed)")
            #expect(left(place) == [], "\(left(place))")
        }

        @Test func `what cannot be tested is an error, and nothing is started`() throws {
            let place = try playground()
            defer { place.tearDown() }
            let good = try profile(place, "tests: [{run: a}]\n", name: "good")
            let cases: [([String], String)] = [
                (["nothing"], "unknown profile `nothing`"),
                ([place.scratch + "/absent.yaml"], "no such file"),
                ([try profile(place, "tests: [{run: a, rnu: b}]\n")], "unknown key `rnu`"),
                ([try profile(place, "extends: absent\n", name: "orphan")], "unknown profile `absent`"),
                ([try profile(place, "filesystem: {binds: [/usr]}\n", name: "bare")], "has no tests"),
                ([good, "--filter", "zzz"], "no test's name holds `zzz`"),
                ([good, "--junit", place.scratch + "/absent/report.xml"], "is not a directory"),
                (["/dev/null"], "not a regular file"),
                ([], "Missing expected argument"),
            ]
            for (arguments, reason) in cases {
                let result = try place.remit(["profile", "test"] + arguments)
                #expect(result.exit == 64 && result.output.isEmpty, "\(arguments): \(result)")
                #expect(result.errors.contains(reason), "\(arguments): \(result)")
            }
            #expect(left(place) == [])
        }

        @Test(arguments: [SIGINT, SIGTERM, SIGKILL])
        func `whoever ends it early finds nothing left`(_ signal: Int32) throws {
            let place = try playground()
            defer { place.tearDown() }
            let file = try profile(
                place, "extends: default\ntests:\n  - {name: waits, run: \"sleep \(place.marker)\"}\n")
            let command = try place.start(["profile", "test", "--filter", "waits", file], status: false)
            #expect(eventually(within: .seconds(20)) { !place.agents.isEmpty }, "\(command.errors)")
            command.signal(signal)
            let result = command.finish(within: .seconds(20))
            #expect(result.termination != nil && (signal == SIGKILL || result.exit == 128 + signal), "\(result)")
            #expect(eventually(within: .seconds(30)) { place.agents.isEmpty && left(place).isEmpty }, "\(left(place))")
        }

        @Test func `a sweep removes what is left of tests, and nothing else`() throws {
            let place = try playground()
            defer { place.tearDown() }
            for name in ["other", "remit-profile-short"] {
                let path = "\(place.base)/tmp/\(name)"
                try place.write("keep", to: path + "/file")
                let result = try place.remit("profile", "sweep", path)
                #expect(result.exit == 1 && FileManager.default.fileExists(atPath: path + "/file"), "\(result)")
            }
            try place.write("remove", to: "\(place.base)/tmp/remit-profile-abcdefgh/1/file")
            #expect(try place.remit("profile", "sweep", "\(place.base)/tmp/remit-profile-abcdefgh").exit == 0)
            #expect(Set(left(place)) == ["other", "remit-profile-short"])
        }

        @Test func `what a file extends is looked for beside it`() throws {
            let place = try playground()
            defer { place.tearDown() }
            _ = try profile(place, "extends: base\nenvironment: {set: {MINE: parent}}\n", name: "parent")
            let file = try profile(
                place, "extends: parent\ntests: [{name: mine, run: echo $MINE, prints: parent}]\n", name: "child")
            let result = try place.remit("profile", "test", "--filter", "mine", file, within: .seconds(30))
            #expect(result.exit == 0, "\(result)")
        }

        @Test func `a profile with a workspace to read gives no task more`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let lesser = try place.remit(
                "run", "--profile", "read-only-review", "--workspace", place.workspace, "--", "mkdir", "new")
            #expect(lesser.exit == 1 && lesser.errors.contains("Read-only file system"), "\(lesser)")
            let task = try place.task(
                """
                name: review
                profile: read-only-review
                workspace: {path: \(quoted(place.workspace)), mode: write}
                command: [mkdir, new]

                """)
            let refused = try place.remit("run", "-f", task)
            #expect(refused.exit == 126 && refused.errors.contains("workspace mode `write` is above"), "\(refused)")
            #expect(try FileManager.default.contentsOfDirectory(atPath: place.workspace).isEmpty)
        }

        @Test func `a layer is assumed missing for a plan, and never for a session`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let plan = try place.remit("run", "--dry-run", "--assume-missing", "landlock", "--", "true")
            #expect(plan.exit == 126 && plan.errors.contains("required layer `landlock`"), "\(plan)")
            let session = try place.remit("run", "--assume-missing", "landlock", "--", "echo", "started")
            #expect(session.exit == 64 && session.output.isEmpty, "\(session)")
        }

        @Test func `an installation outside of what is bound is found by the caller's search path`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            chmod(place.base, 0o755)
            let tool = place.scratch + "/tool-1/bin/some-tool"
            try place.write("#!/bin/sh\necho \"I am $0\"\n", to: tool)
            chmod(tool, 0o755)
            try place.write(
                """
                apiVersion: remit/v1
                kind: Profile
                name: tools
                extends: default
                filesystem: {installations: {some-tool: /opt/tool}}
                environment: {set: {PATH: "/opt/tool/bin:/usr/bin:/bin"}}

                """, to: place.base + "/config/profiles/tools.yaml")
            place.environment["PATH"] = place.scratch + "/tool-1/bin:/usr/bin:/bin"
            let found = try place.remit("run", "--profile", "tools", "--", "some-tool")
            #expect(found.text == "I am /opt/tool/bin/some-tool\n", "\(found)")
            place.environment["PATH"] = "/usr/bin:/bin"
            let absent = try place.remit("run", "--profile", "tools", "--", "some-tool")
            #expect(absent.exit == 127, "\(absent)")
        }

        @Test func `two profiles are compared from the agent's side`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let same = try place.remit("profile", "diff", "default", "default", "--exit-code")
            #expect(same.exit == 0 && same.text.contains("let an agent do the same"), "\(same)")
            let file = try profile(
                place, "extends: default\nfilesystem: {binds: [{source: /opt, mode: write}]}\nlimits: {processes: 8}\n")
            let table = try place.remit("profile", "diff", "default", file)
            #expect(table.exit == 0 && table.text.contains("3 gained, 1 lost, 0 changed"), "\(table)")
            let marked = try place.remit("profile", "diff", "default", file, "--exit-code", "--format", "json")
            let changes = try marked.json()["changes"].list ?? []
            #expect(marked.exit == 1 && changes.count == 4, "\(marked)")
            let limit = changes.first { $0["what"].text == "limit" } ?? .null
            #expect(limit["change"].text == "lost" && limit["of"].text == "processes", "\(limit)")
            #expect(limit["before"].text == "512" && limit["origin"].text == "own:6", "\(limit)")
            #expect(try place.remit("profile", "diff", "default", "absent").exit == 64)
            #expect(try place.remit("profile", "diff", "default", "/dev/null").exit == 64)
        }
    }
}
