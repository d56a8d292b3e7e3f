// SPDX-License-Identifier: Apache-2.0

import Foundation
import RemitTesting
import Testing

extension CLI {
    /// `remit profile learn`: the profile that a command needs, and that the command then runs under.
    @Suite struct LearnTests {
        private func has(_ program: String) -> Bool {
            ["/usr/bin/", "/usr/local/bin/"].contains { FileManager.default.isExecutableFile(atPath: $0 + program) }
        }

        /// Learns a profile, runs the same command under it, and then what it must not allow.
        private func learn(_ place: Playground, _ command: [String]) throws -> String {
            let file = place.base + "/config/profiles/learned.yaml"
            let learned = try place.remit(
                ["profile", "learn", "--workspace", place.workspace, "--output", file, "--"] + command)
            #expect(learned.exit == 0 && learned.output.isEmpty, "\(learned)")
            #expect(learned.errors.contains("learned profile `learned`, against `coding`"), "\(learned)")
            let text = try String(contentsOfFile: file, encoding: .utf8)
            for name in try FileManager.default.contentsOfDirectory(atPath: place.workspace)
            where name.hasPrefix("made") {
                try FileManager.default.removeItem(atPath: place.workspace + "/" + name)
            }
            let again = try place.remit(
                ["run", "--profile", file, "--workspace", place.workspace, "--"] + command)
            #expect(again.exit == 0, "\(again)\n\(text)")
            let receipt = try place.remit("ps", "-a", "--format", "json").json().list?.last?["session"].text ?? ""
            #expect(try place.receipt(receipt)["denials"].list?.isEmpty ?? true, "\(text)")
            let tested = try place.remit("profile", "test", "learned", "--format", "json")
            #expect(tested.exit == 0, "\(tested)\n\(text)")
            for path in ["/etc/shadow", place.home + "/.ssh/id_ed25519", place.base + "/secret.txt", "/proc/1/environ"]
            {
                let secret = try place.remit("run", "--profile", "learned", "--", "cat", path)
                #expect(secret.exit != 0 && !secret.text.contains(place.canary), "\(secret)")
            }
            let closed = try place.remit("run", "--profile", "learned", "--allow-host", "example.com", "--", "true")
            #expect(closed.exit == 126, "\(closed)")
            return text
        }

        @Test func `the build of a C project runs under what it taught`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            guard has("cc"), has("make") else { return }
            let files = [
                "main.c":
                    "#include <stdio.h>\n#include \"add.h\"\nint main(void) { return printf(\"%d\\n\", add(1, 2)) != 2; }\n",
                "add.c": "#include \"add.h\"\nint add(int a, int b) { return a + b; }\n",
                "add.h": "int add(int a, int b);\n",
                "Makefile": """
                test: made-program
                \t./made-program
                made-program: made-main.o made-add.o
                \tcc -o $@ $^
                made-%.o: %.c add.h
                \tcc -c $< -o $@

                """,
            ]
            for (name, text) in files { try place.write(text, to: place.workspace + "/" + name) }
            let text = try learn(place, ["make"])
            #expect(
                text.contains("cc1") && text.contains("/etc/alternatives") && text.contains("\"@network-io\""),
                "\(text)")
            #expect(!text.contains("/etc/fonts") && text.contains("allow: []"))
        }

        @Test func `a Python test suite runs under what it taught`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            try place.write(
                """
                import subprocess, tempfile, unittest
                class Tests(unittest.TestCase):
                    def test_process(self):
                        self.assertEqual(subprocess.check_output(["sh", "-c", "echo hi"]), b"hi\\n")
                    def test_file(self):
                        with tempfile.NamedTemporaryFile() as file:
                            file.write(b"x")
                        open("made", "w").close()

                """, to: place.workspace + "/test_it.py")
            let text = try learn(place, ["python3", "-m", "unittest", "-q"])
            #expect(text.contains("python3"), "\(text)")
        }

        @Test func `a Node program runs under what it taught`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            guard has("node") else { return }
            try place.write(
                """
                const { execSync } = require("child_process");
                require("fs").writeFileSync("made.json", JSON.stringify({ said: execSync("echo hi").toString() }));

                """, to: place.workspace + "/program.js")
            let text = try learn(place, ["node", "program.js"])
            #expect(text.contains("run were: ") && text.contains("node"), "\(text)")
        }

        @Test func `a command that fails teaches what it did until then, and says so`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let result = try place.remit(
                "profile", "learn", "--workspace", place.workspace, "--", "sh", "-c",
                "echo said; cat /etc/shadow ~/.ssh/id_ed25519 /etc/no-such; exit 3")
            #expect(result.exit == 1 && result.text.hasPrefix("# Learned by"), "\(result)")
            #expect(result.errors.contains("said\n") && result.errors.contains("did not succeed"), "\(result)")
            #expect(result.text.contains("#     /etc/shadow: it holds the passwords"), "\(result)")
            #expect(result.text.contains("#     /etc/no-such\n"), "\(result)")
            #expect(result.text.contains("id_ed25519: it holds keys to other machines"), "\(result)")
            #expect(!result.text.contains("- /etc/shadow") && !result.text.contains(place.canary))
            // It is a profile all the same.
            try place.write(result.text, to: place.base + "/config/profiles/learned.yaml")
            let run = try place.remit("run", "--profile", "learned", "--", "sh", "-c", "echo runs")
            #expect(run.exit == 0 && run.text == "runs\n", "\(run)")
        }

        @Test func `a file is learned against as a name is, and what is learned apart changes nothing`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let base = place.freshPath("base.yaml")
            try place.write(
                """
                apiVersion: remit/v1
                kind: Profile
                name: own-base
                extends: coding
                environment:
                  set: {OWN: from-the-file}

                """, to: base)
            let command = ["sh", "-c", "test \"$OWN\" = from-the-file && echo new >made"]
            let learned = try place.remit(
                ["profile", "learn", "--base", base, "--overlay", "--workspace", place.workspace, "--"] + command)
            guard learned.exit != 126 else { return }
            #expect(learned.exit == 0 && learned.errors.contains("against `own-base`"), "\(learned)")
            #expect(learned.text.contains("OWN: from-the-file"), "\(learned)")
            #expect(!Files.exists(place.workspace + "/made"))
            #expect(learned.errors.contains("`remit diff "), "\(learned)")
            let session = try place.remit("ps", "-a", "--format", "json").json().list?.last?["session"].text ?? ""
            let applied = try place.remit("apply", session)
            #expect(applied.exit == 0 && Files.text(place.workspace + "/made") == "new\n", "\(applied)")
            let both = try place.remit("profile", "learn", "--overlay", "--read-only", "--", "true")
            #expect(both.exit == 64, "\(both)")
        }

        @Test func `what should not be shown, and what is not there, teaches nothing`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let file = place.base + "/there.yaml"
            try place.write("mine\n", to: file)
            for arguments in [
                ["--bind", "/"], ["--bind", place.home], ["--bind", place.home + "/.ssh"], ["--bind", "/etc/ssl"],
                ["--bind", "/no/such"], ["--base", "no-such"], ["--output", file], ["--name", "No Name"],
                ["--output", place.base + "/No Name.yaml"], ["--workspace", "/no/such"], ["--allow-host", "a b"],
            ] {
                let result = try place.remit(["profile", "learn"] + arguments + ["--", "true"])
                #expect(result.exit == 64 && result.output.isEmpty, "\(arguments): \(result)")
            }
            #expect(try place.remit("profile", "learn").exit == 64)
            let home = try place.remit("profile", "learn", "--workspace", place.home, "--", "true")
            #expect(home.exit == 126, "\(home)")
            #expect(try String(contentsOfFile: file, encoding: .utf8) == "mine\n")
            #expect(try place.remit("ps", "-a", "--format", "json").json().list?.count == 0)
        }
    }
}
