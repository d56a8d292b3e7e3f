// SPDX-License-Identifier: Apache-2.0

import Foundation
import RemitTesting
import Testing

extension CLI {
    /// Under a real pseudo-terminal.
    @Suite(.enabled(if: Files.isExecutable("/usr/bin/python3"), "no python3 to drive a pseudo-terminal"))
    struct TerminalTests {
        private enum Step {
            case expect(String), send(String), resize(Int, Int), signal(Int), pause(Double)

            var json: String {
                switch self {
                case .expect(let text): "[\"expect\",\(quoted(text))]"
                case .send(let text):
                    "[\"send\",\(quoted(text).replacing("\u{3}", with: "\\u0003").replacing("\u{4}", with: "\\u0004").replacing("\u{1a}", with: "\\u001a"))]"
                case .resize(let rows, let columns): "[\"resize\",\(rows),\(columns)]"
                case .signal(let number): "[\"signal\",\(number)]"
                case .pause(let seconds): "[\"pause\",\(seconds)]"
                }
            }
        }

        private func run(_ place: Playground, _ arguments: [String], _ steps: [Step]) throws -> JSON {
            let json = "[" + steps.map(\.json).joined(separator: ",") + "]"
            let words = ["/usr/bin/python3", resourcePath("terminal.py"), json, Playground.binary] + arguments
            let result = try place.shell("exec " + words.map(shellQuoted).joined(separator: " "), within: .seconds(20))
            #expect(result.exit == 0, "\(result)")
            return try result.json()
        }

        @Test func `a terminal outside is a terminal inside, of its own`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let end = try run(
                place, ["run", "--", "sh", "-c", "tty; test -t 0 -a -t 1 -a -t 2 && echo all; stty size; exit 3"], [])
            let output = end["output"].text ?? ""
            #expect(output.contains("/dev/pts/0") && output.contains("all") && output.contains("24 80"), "\(end)")
            #expect(end["exit"].integer == 3 && end["restored"].bool == true, "\(end)")
        }

        @Test func `without a terminal there is none inside, and asking for one is an error`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let plain = try place.remit("run", "--", "sh", "-c", "tty; ls /dev/tty /dev/pts")
            #expect(plain.text.hasPrefix("not a tty\n") && !plain.text.contains("0\n"), "\(plain)")
            let asked = try place.remit("run", "--tty", "--", "echo", "started")
            #expect(asked.exit == 64 && !asked.text.contains("started"), "\(asked)")
            let refused = try run(place, ["run", "--no-tty", "--", "tty"], [])
            #expect(refused["output"].text?.contains("not a tty") == true && refused["exit"].integer == 1, "\(refused)")
        }

        @Test func `the window's size is passed on when it changes`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let script = "trap 'stty size; exit 0' WINCH; echo ready; while :; do sleep 0.05; done"
            let end = try run(
                place, ["run", "--", "sh", "-c", script], [.expect("ready"), .resize(41, 123), .expect("41 123")])
            #expect(end["failed"] == .null && end["exit"].integer == 0 && end["restored"].bool == true, "\(end)")
        }

        @Test func `Ctrl-C is the agent's`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let script = "trap 'echo interrupted; exit 5' INT; echo ready; while :; do sleep 0.05; done"
            let end = try run(
                place, ["run", "--", "sh", "-c", script], [.expect("ready"), .send("\u{3}"), .expect("interrupted")])
            #expect(end["failed"] == .null && end["exit"].integer == 5 && end["restored"].bool == true, "\(end)")
        }

        @Test func `typed lines arrive, are echoed once, and Ctrl-D ends them`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let end = try run(
                place, ["run", "--", "sh", "-c", "echo ready; tr a-z A-Z; echo over"],
                [.expect("ready"), .send("hello\n"), .expect("HELLO"), .send("\u{4}"), .expect("over")]
            )
            let output = end["output"].text ?? ""
            #expect(output.components(separatedBy: "hello").count == 2, "\(end)")
            #expect(end["failed"] == .null && end["exit"].integer == 0, "\(end)")
        }

        @Test func `the mode is restored when the deadline ends the session`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let script = "stty raw -echo; echo ready; setsid -f sleep \(place.marker); sleep \(place.marker)"
            let end = try run(
                place, ["run", "--deadline", "\(patience)s", "--", "sh", "-c", script], [.expect("ready")])
            #expect(end["exit"].integer == 124 && end["restored"].bool == true, "\(end)")
            #expect(end["wasRaw"].bool == true, "it was raw meanwhile: \(end)")
            #expect(end["output"].text?.contains("remit: session ") == true, "\(end)")
            #expect(place.agents.isEmpty)
        }

        @Test(arguments: [15, 1])
        func `the mode is restored when a signal ends the session`(signal: Int) throws {
            let place = try Playground()
            defer { place.tearDown() }
            let end = try run(
                place, ["run", "--", "sh", "-c", "echo ready; sleep \(place.marker)"],
                [.expect("ready"), .signal(signal)])
            #expect(end["restored"].bool == true && end["timedOut"].bool == false, "\(end)")
            #expect(place.agents.isEmpty)
        }

        @Test func `a terminal that goes away ends the session`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let words = ["run", "--", "sh", "-c", "trap '' HUP TERM; echo ready; sleep \(place.marker)"]
            let script =
                "import os,pty,sys,time\npid, fd = pty.fork()\n"
                + "if pid == 0: os.execv(sys.argv[1], sys.argv[1:])\n"
                + "seen = b''\nwhile b'ready' not in seen: seen += os.read(fd, 4096)\nos.close(fd)\n"
                + "end = time.monotonic() + 5\n"
                + "while time.monotonic() < end:\n if os.waitpid(pid, os.WNOHANG)[0]: print('ended'); break\n time.sleep(0.01)\n"
                + "else:\n print('still there'); os.kill(pid, 9); os.waitpid(pid, 0)"
            let command = (["/usr/bin/python3", "-c", script, Playground.binary] + words).map(shellQuoted).joined(
                separator: " ")
            let result = try place.shell(command)
            #expect(result.text == "ended\n", "\(result)")
            #expect(eventually(within: .seconds(2)) { place.agents.isEmpty }, "\(place.agents)")
        }

        @Test func `nothing can be typed into the caller's terminal`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let script = """
                import fcntl, termios
                for request in (termios.TIOCSTI, 0x541c):
                    for fd in (0, 1, 2):
                        try: fcntl.ioctl(fd, request, b'X')
                        except OSError as e: print('refused', e.errno)
                        else: print('TYPED')
                """
            let end = try run(place, ["run", "--", "python3", "-c", script], [])
            let output = end["output"].text ?? ""
            #expect(!output.contains("TYPED") && output.components(separatedBy: "refused 1").count == 7, "\(end)")
        }

        @Test func `a log on a terminal has its colours, and nothing else that a terminal obeys`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let octal = #"\033]52;c;ZXZpbA==\007\033[21t\033[2J\302\2332Jover\rwritten \033[31mred\033[0m\033"#
            let ran = try place.remit("run", "--status-fd", "3", "--", "printf", octal)
            let session = try #require(ran.session, "\(ran)")
            let shown = try run(place, ["logs", session], [])["output"].text ?? ""
            #expect(shown.contains("written \u{1b}[31mred\u{1b}[0m"), "\(shown.debugDescription)")
            let rest = shown.replacing("\u{1b}[31m", with: "").replacing("\u{1b}[0m", with: "")
            #expect(
                !rest.unicodeScalars.contains { $0.value < 32 || (127..<160).contains($0.value) },
                "\(rest.debugDescription)")
            // To anything else it is written as it was.
            #expect(try place.remit("logs", session).output == ran.output)
        }

        /// Writes the clipboard, asks for the title, draws, and says that it is over.
        private static let acting =
            #"printf '\033]52;c;ZXZpbA==\007\033[21t\033[31mred\033[0m\033[?25l\302\2332J over'"#

        @Test(arguments: [["--tty"], ["--no-tty"]])
        func `of what an agent writes a terminal gets what draws`(kind: [String]) throws {
            let place = try Playground()
            defer { place.tearDown() }
            let end = try run(place, ["run"] + kind + ["--", "sh", "-c", "\(Self.acting); \(Self.acting) >&2"], [])
            let output = end["output"].text ?? ""
            let drawn = "\u{1b}[31mred\u{1b}[0m\u{1b}[?25l\u{FFFD}2J over"
            #expect(output.hasPrefix(drawn + drawn), "\(output.debugDescription)")
            // The cursor was hidden, and is shown again.
            #expect(output.dropFirst(2 * drawn.count).contains("\u{1b}[?25h"), "\(output.debugDescription)")
            #expect(end["exit"].integer == 0 && end["restored"].bool == true, "\(end)")
        }

        @Test func `a terminal gets everything where that is wanted, and what is none always does`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let all = try run(place, ["run", "--terminal-escapes", "all", "--", "sh", "-c", Self.acting], [])
            #expect(all["output"].text?.contains("\u{1b}]52;c;ZXZpbA==\u{7}\u{1b}[21t") == true, "\(all)")
            let piped = try place.remit("run", "--", "sh", "-c", Self.acting)
            #expect(piped.text.hasPrefix("\u{1b}]52;c;ZXZpbA==\u{7}\u{1b}[21t"), "\(piped)")
        }

        @Test func `what a program asks its terminal is answered where any answer is the same`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let script =
                #"stty raw -echo; printf '\033[>c\033[c\033[5n'; head -c 13 >/tmp/answer; stty cooked; cat -v /tmp/answer"#
            let end = try run(place, ["run", "--", "sh", "-c", script], [])
            #expect(end["output"].text?.contains("^[[?62;22c^[[0n") == true, "\(end)")
        }

        @Test func `Ctrl-Z stops a job of a shell inside, and nothing that nobody could continue`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let alone = try run(
                place, ["run", "--", "sh", "-c", "echo ready; read line; echo still $line"],
                [.expect("ready"), .send("\u{1a}"), .pause(0.3), .send("here\n"), .expect("still here")])
            #expect(alone["failed"] == .null && alone["exit"].integer == 0, "\(alone)")
            guard Files.isExecutable("/bin/bash") else { return }
            let job = try run(
                place, ["run", "--", "bash", "--norc", "--noprofile", "-i"],
                [
                    // What is typed is echoed, but for the quotes that come to nothing.
                    .send("sh -c 'echo run''ning; exec cat'\n"), .expect("running"), .send("\u{1a}"),
                    .expect("Stopped"), .expect("cat'"), .send("fg\n"), .expect("cat'"),
                    // The shell names the job before it gives it the terminal: only what it answers says that it has it.
                    .send("again\n"), .expect("again"), .expect("again"), .send("\u{3}"), .expect("^C"), .expect("$ "),
                    .send("exit 6\n"),
                ])
            #expect(job["failed"] == .null && job["exit"].integer == 6 && job["restored"].bool == true, "\(job)")
        }

        @Test func `a large paste and a large answer do not lock up`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let script =
                "stty -icanon -echo; echo ready; head -c 20000 | wc -c; head -c 3000000 /dev/zero | tr '\\0' x; echo; echo over"
            let end = try run(
                place, ["run", "--", "sh", "-c", script],
                [.expect("ready")] + (0..<20).map { _ in .send(String(repeating: "a", count: 1000)) } + [
                    .expect("20000"), .expect("over"),
                ]
            )
            #expect(end["failed"] == .null && end["exit"].integer == 0, "\(end["failed"]) \(end["exit"])")
        }
    }
}
