// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import RemitTesting
import Testing

extension CLI {
    /// What must be true after the agent has ended.
    @Suite struct OutcomeTests {
        private func run(
            _ place: Playground, _ script: String, outcome: String, credentials: String = ""
        ) throws -> (result: CommandResult, outcome: JSON) {
            let task = try place.boundedTask(script, credentials: credentials, more: "outcome: \(outcome)")
            let result = try place.remit("run", "-f", task, "--status-fd", "3")
            guard let session = result.session else { throw TestingError("no session: \(result)") }
            return (result, try place.receipt(session)["outcome"])
        }

        @Test func `changes where they may be are met, elsewhere not`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            try place.write("x", to: place.workspace + "/src/a.py")
            try place.write("x", to: place.workspace + "/README")
            let met = try run(
                place, "echo y >src/a.py; echo z >src/new.py; mkdir src/d; echo >src/d/e",
                outcome: "{changed: [\"src/**\"]}")
            #expect(met.result.exit == 0 && met.outcome["state"].text == "met", "\(met)")
            for script in [
                "echo y >README", "echo y >new", "rm README", "mkdir empty", "mv src/a.py a.py", "chmod 700 README",
                "ln -s /etc/passwd link", "rm README; echo x >README; echo yy >>README", "mkfifo pipe", "touch 'a\nb'",
                "printf X >README",
            ] {
                try place.write("x", to: place.workspace + "/src/a.py")
                try place.write("x", to: place.workspace + "/README")
                let violated = try run(place, script, outcome: "{changed: [\"src/**\"]}")
                #expect(violated.result.exit == 121, "\(script): \(violated)")
                #expect(violated.outcome["state"].text == "not-met", "\(script): \(violated)")
                for name in try FileManager.default.contentsOfDirectory(atPath: place.workspace) where name != "src" {
                    try FileManager.default.removeItem(atPath: "\(place.workspace)/\(name)")
                }
            }
        }

        @Test func `a change that keeps size and time is still a change`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            try place.write("x", to: place.workspace + "/README")
            let script = "touch -r README /tmp/stamp; printf y >README; touch -r /tmp/stamp README"
            let violated = try run(place, script, outcome: "{changed: [\"src/**\"]}")
            #expect(violated.result.exit == 121, "\(violated)")
        }

        @Test func `missing artifacts give 121, and one line says so`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let missing = try run(place, "true", outcome: "{artifacts: [report.json]}")
            #expect(missing.result.exit == 121, "\(missing)")
            #expect(missing.result.errorLines.count == 1 && missing.result.errors.contains("report.json"), "\(missing)")
            let there = try run(place, "echo '{}' >report.json", outcome: "{artifacts: [report.json]}")
            #expect(there.result.exit == 0, "\(there)")
            let artifact = there.outcome["artifacts"][0]
            #expect(artifact["path"].text == "report.json")
            #expect(
                artifact["sha256"].text == "ca3d163bab055381827226140568f3bef7eaac187cebd76878e0b63e9e442356",
                "\(there)")
        }

        @Test(arguments: [
            "ln -s /etc/passwd report.json", "mkfifo report.json", "mkdir report.json",
            "ln -s ../secret.txt report.json", "mkdir d; ln -s /etc/hostname d/x; ln -s d/x report.json",
            "python3 -c \"import socket; socket.socket(socket.AF_UNIX).bind('report.json')\"",
        ])
        func `an artifact is a regular file of the workspace or nothing`(script: String) throws {
            let place = try Playground()
            defer { place.tearDown() }
            let result = try run(place, script, outcome: "{artifacts: [report.json]}")
            #expect(result.result.exit == 121, "\(script): \(result)")
            #expect(result.outcome["artifacts"].list == [], "\(script): \(result)")
        }

        @Test func `an artifact behind a planted link is not followed out of the workspace`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            try Files.link(place.workspace + "/out", to: place.base)
            let result = try run(place, "true", outcome: "{artifacts: [out/secret.txt]}")
            #expect(result.result.exit == 121, "\(result)")
            #expect(result.outcome["artifacts"].list == [], "\(result)")
        }

        @Test func `a gigantic sparse artifact does not hold up the end`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let result = try run(
                place, "truncate -s 1T report.json || echo x >report.json", outcome: "{artifacts: [report.json]}")
            #expect(result.result.exit != nil, "\(result)")
            #expect(result.result.elapsed < .seconds(12).patient, "\(result)")
        }

        @Test func `a workspace made to be hard to walk is walked`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let script = """
                import os
                for i in range(600):
                    os.mkdir('d' * 200); os.chdir('d' * 200)
                os.chdir('/workspace')
                os.mkdir('closed'); open('closed/x', 'w').close(); os.chmod('closed', 0)
                open(b'\\xff\\xfe\\n', 'w').close()
                os.symlink('loop', 'loop')
                """
            let result = try run(place, "python3 -c \(shellQuoted(script)); true", outcome: "{changed: [\"src/**\"]}")
            #expect(result.result.exit == 121, "\(result)")
            #expect(result.result.elapsed < .seconds(12).patient, "\(result)")
        }

        @Test func `a failing agent keeps its own status`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let result = try run(place, "exit 5", outcome: "{artifacts: [report.json]}")
            #expect(result.result.exit == 5, "\(result)")
            #expect(["not-met", "not-evaluated"].contains(result.outcome["state"].text ?? ""), "\(result)")
        }

        @Test func `the verify command decides`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let good = try run(place, "echo 42 >answer", outcome: "{verify: [grep, -q, \"42\", answer]}")
            #expect(good.result.exit == 0 && good.outcome["state"].text == "met", "\(good)")
            let bad = try run(place, "echo 41 >answer", outcome: "{verify: [grep, -q, \"42\", answer]}")
            #expect(bad.result.exit == 121 && bad.outcome["state"].text == "not-met", "\(bad)")
            #expect(bad.result.errorLines.count == 1, "\(bad)")
            let absent = try run(place, "true", outcome: "{verify: [no-such-program]}")
            #expect(absent.result.exit == 121, "\(absent)")
            let killed = try run(place, "true", outcome: "{verify: [sh, -c, \"kill -9 $$\"]}")
            #expect(killed.result.exit == 121, "\(killed)")
        }

        @Test func `the verify command has the agent's confinement and none of its credentials`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let token =
                "credentials: [{name: token, provider: session-token, scope: {audience: https://a.example}, ttl: \(minute), expose: env, variable: TOKEN}]"
            let script = "test -n \"$TOKEN\" && test -r /run/remit/credentials || exit 9; echo x >/tmp/left; true"
            let verify =
                "env >verify.env; id -u >verify.uid; ls -A /run/remit/credentials >verify.credentials 2>/dev/null; "
                + "ls -A /tmp >verify.tmp; cat \(place.base)/secret.txt >verify.secret; "
                + "python3 -c 'import ctypes; c=ctypes.CDLL(None, use_errno=True); c.unshare(0x10000000); print(ctypes.get_errno())' >verify.unshare; true"
            let result = try run(place, script, outcome: "{verify: \(flow(["sh", "-c", verify]))}", credentials: token)
            #expect(result.result.exit == 0, "\(result)")
            func said(_ name: String) -> String { Files.text("\(place.workspace)/verify.\(name)") ?? "(missing)" }
            #expect(!said("env").contains("TOKEN") && !said("env").contains("eyJ"), "\(said("env"))")
            #expect(said("credentials") == "")
            #expect(said("uid") == "1000\n" && said("unshare") == "1\n" && said("secret") == "")
        }

        @Test func `a verify command that never ends meets the task's deadline`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let task = try place.task(
                """
                name: endless
                deadline: 2s
                workspace: {path: \(quoted(place.workspace)), mode: write}
                command: ["true"]
                outcome: {verify: [sleep, \(quoted(place.marker))]}

                """
            )
            let result = try place.remit("run", "-f", task)
            #expect([121, 124].contains(result.exit), "\(result)")
            #expect(result.elapsed < .seconds(8).patient, "\(result)")
            #expect(place.agents.isEmpty)
        }

        @Test func `a background child cannot change the workspace while the outcome is checked`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let script = "setsid -f sh -c 'while :; do date +%N >late-\(place.marker); done'; sleep 0.1"
            let result = try run(place, script, outcome: "{changed: [\"late-*\"], verify: [pgrep, -f, late]}")
            #expect(result.result.exit == 121, "`pgrep` must find nothing, itself apart: \(result)")
            let path = place.workspace + "/late-\(place.marker)"
            let before = Files.text(path)
            pause(.milliseconds(50))
            #expect(Files.text(path) == before)
        }
    }
}

/// Text in single quotes for sh(1).
func shellQuoted(_ text: String) -> String { "'" + text.replacing("'", with: "'\\''") + "'" }
