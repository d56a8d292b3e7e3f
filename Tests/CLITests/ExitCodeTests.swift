// SPDX-License-Identifier: Apache-2.0

import Glibc
import RemitTesting
import Testing

extension CLI {
    /// What `remit run` exits with, and the one line it says when the end is not the agent's own.
    @Suite struct ExitCodeTests {
        @Test func `the agent's own status is passed on, and nothing is said`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            for status: Int32 in [0, 1, 7, 120, 255] {
                let result = try place.remit("run", "--", "sh", "-c", "exit \(status)")
                #expect(result.exit == status, "\(result)")
                #expect(result.errors.isEmpty, "\(result)")
            }
        }

        @Test(arguments: [SIGTERM, SIGKILL, SIGSEGV, SIGINT, SIGHUP])
        func `an agent killed by a signal gives 128 and its number`(signal: Int32) throws {
            let place = try Playground()
            defer { place.tearDown() }
            let result = try place.remit("run", "--", "sh", "-c", "kill -\(signal) $$; sleep 5")
            #expect(result.exit == 128 + signal, "\(result)")
        }

        @Test func `a command that does not exist gives 127`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let result = try place.remit("run", "--", "no-such-program-\(place.marker)")
            #expect(result.exit == 127, "\(result)")
            #expect(result.errors.contains("no-such-program-\(place.marker)"), "\(result)")
            let absolute = try place.remit("run", "--", "/usr/bin/no-such-program")
            #expect(absolute.exit == 127, "\(absolute)")
        }

        @Test func `a command that cannot be executed gives 126`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            try place.write("not a program", to: place.workspace + "/data.txt")
            let result = try place.remit("run", "--workspace", place.workspace, "--", "./data.txt")
            #expect(result.exit == 126, "\(result)")
            #expect(result.errorLines.count >= 1, "\(result)")
            // Often, for the news of the failure races with the end of the sandbox.
            for _ in 0..<rounds(20) {
                let directory = try place.remit("run", "--", "/usr")
                #expect(directory.exit == 126 && directory.errors.contains("`/usr`"), "\(directory)")
            }
        }

        @Test func `a deadline gives 124 and says so in one line`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let result = try place.remit("run", "--deadline", "500ms", "--", "sleep", place.marker)
            #expect(result.exit == 124, "\(result)")
            #expect(result.elapsed < .seconds(4).patient, "\(result)")
            #expect(result.errorLines.count == 1, "\(result)")
            let line = result.errorLines.first ?? ""
            #expect(line.hasPrefix("remit: session "), "\(result)")
            #expect(line.hasSuffix(": ended: deadline (500ms)"), "\(result)")
            #expect(place.agents.isEmpty)
        }

        @Test func `an idle agent gives 124, and one that works or speaks does not`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let idle = try place.remit("run", "--idle", "500ms", "--", "sleep", place.marker)
            #expect(idle.exit == 124, "\(idle)")
            #expect(idle.errorLines.count == 1 && idle.errors.contains("ended: idle"), "\(idle)")
            #expect(idle.elapsed < .seconds(4).patient, "\(idle)")
            let words = "for i in 1 2 3 4 5 6; do echo $i; sleep \(0.4 * Double(patience)); done"
            let speaking = try place.remit("run", "--idle", "\(patience)s", "--", "sh", "-c", words)
            #expect(speaking.exit == 0, "\(speaking)")
            let script = "import time\nend = time.monotonic() + \(2 * patience)\nwhile time.monotonic() < end: pass"
            let working = try place.remit("run", "--idle", "\(patience)s", "--", "python3", "-c", script)
            #expect(working.exit == 0, "\(working)")
        }

        @Test(arguments: [
            ["run", "--deadlin", "2s", "--", "true"],
            ["run", "--deadline", "2", "--", "true"],
            ["run", "--deadline", "-1s", "--", "true"],
            ["run", "--memory", "lots", "--", "true"],
            ["run", "--processes", "0", "--", "true"],
            ["run", "--allow-degraded", "no-such-layer", "--", "true"],
            ["run", "--status-fd", "77", "--", "true"],
            ["run", "--owner", "a\u{1b}[31mb", "--", "true"],
            ["run"],
            ["run", "--"],
            ["run", "true"],
            ["no-such-command"],
            ["inspect"],
            ["check"],
            ["ps", "--format", "xml"],
        ])
        func `a mistake on the command line gives 64, and nothing starts`(arguments: [String]) throws {
            let place = try Playground()
            defer { place.tearDown() }
            let result = try place.remit(arguments)
            #expect(result.exit == 64, "\(arguments): \(result)")
            #expect(!result.errors.isEmpty, "\(arguments): \(result)")
            #expect(place.sessions.isEmpty, "\(arguments): \(place.sessions)")
        }

        @Test func `a mistyped option before the terminator never becomes the payload`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            for guess in ["--read-onyl", "--no-network", "-x", "--deadlines=2s"] {
                let result = try place.remit(
                    "run", "--workspace", place.workspace, guess, "--", "sh", "-c", "echo started; touch started"
                )
                #expect(result.exit == 64, "\(guess): \(result)")
                #expect(!result.text.contains("started"), "\(guess): \(result)")
            }
            let missing = try place.remit("run", "--workspace", place.workspace, "sh", "-c", "touch started")
            #expect(missing.exit == 64, "\(missing)")
            #expect(!Files.exists(place.workspace + "/started"))
        }

        @Test func `options after the terminator belong to the command`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let result = try place.remit("run", "--", "echo", "--deadline", "1ms", "--", "-f", "--help")
            #expect(result.exit == 0, "\(result)")
            #expect(result.text == "--deadline 1ms -- -f --help\n")
        }

        @Test func `arguments reach the command as they are`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let odd = ["", " ", "a b", "\n", "$HOME", "'\"", "ü🦊", "--", "*"]
            let script = "import json,sys; print(json.dumps(sys.argv[1:]))"
            let result = try place.remit(["run", "--", "python3", "-c", script] + odd)
            #expect(try result.json().list?.map(\.text) == odd, "\(result)")
        }

        @Test func `an unknown profile is refused before anything starts`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let result = try place.remit("run", "--profile", "defualt", "--", "true")
            #expect(result.exit == 126 || result.exit == 64, "\(result)")
            #expect(result.errors.contains("`defualt`") && result.errors.contains("`default`"), "\(result)")
            #expect(place.sessions.isEmpty)
        }

        @Test func `help and version go to standard output and exit with 0`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            for arguments in [["--help"], ["run", "--help"], ["--version"]] {
                let result = try place.remit(arguments)
                #expect(result.exit == 0 && !result.output.isEmpty && result.errors.isEmpty, "\(arguments): \(result)")
            }
        }

        @Test func `run is parsed alone, and helps and complains as one command of many`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            for arguments in [["run", "--help"], ["run", "--quiet", "-h", "--", "true"], ["help", "run"]] {
                let result = try place.remit(arguments)
                #expect(result.exit == 0 && result.text.contains("USAGE: remit run ["), "\(arguments): \(result)")
            }
            let mistyped = try place.remit("run", "--bogus", "--", "true")
            #expect(mistyped.exit == 64 && mistyped.errors.contains("Usage: remit run ["), "\(mistyped)")
            #expect(mistyped.errors.contains("See 'remit run --help' for more information."), "\(mistyped)")
            let plain = try place.remit("--version")
            let version = try place.remit("run", "--version")
            #expect(version.exit == 0 && version.text == plain.text, "\(version)")
            let script = try place.remit("run", "--generate-completion-script", "bash")
            let whole = try place.remit("--generate-completion-script", "bash")
            #expect(script.exit == 0 && script.output == whole.output)
            #expect(place.sessions.isEmpty)
        }

        @Test func `a state directory that cannot be made is an error, not a run without a journal`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            try place.write("a file", to: place.base + "/file")
            place.environment["REMIT_STATE_DIR"] = place.base + "/file/state"
            let result = try place.remit("run", "--", "echo", "started")
            #expect(result.exit == 125 || result.exit == 126, "\(result)")
            #expect(result.errors.hasPrefix("error: ") && !result.text.contains("started"), "\(result)")
        }
    }
}
