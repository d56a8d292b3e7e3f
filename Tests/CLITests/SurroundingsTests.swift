// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import RemitTesting
import Testing

extension CLI {
    /// Odd callers, odd hosts, and people who interfere.
    @Suite struct SurroundingsTests {
        /// Runs `remit` after some Python that changes what a child inherits.
        private func run(_ place: Playground, _ change: String, _ arguments: [String]) throws -> CommandResult {
            let script = "import os, resource, signal, sys\n\(change)\nos.execv(sys.argv[1], sys.argv[1:])"
            let words = ["/usr/bin/python3", "-c", script, Playground.binary] + arguments
            return try place.shell("exec " + words.map(shellQuoted).joined(separator: " "), within: .seconds(8))
        }

        @Test(arguments: [
            "signal.signal(signal.SIGCHLD, signal.SIG_IGN)",
            "signal.signal(signal.SIGPIPE, signal.SIG_IGN)",
            "for s in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGALRM): signal.signal(s, signal.SIG_IGN)",
            "signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 32))",
        ])
        func `what a caller ignores or blocks changes nothing`(change: String) throws {
            let place = try Playground()
            defer { place.tearDown() }
            let ended = try run(
                place, change, ["run", "--", "sh", "-c", "grep -E '^Sig(Blk|Ign)' /proc/self/status; exit 7"])
            #expect(ended.exit == 7, "\(change): \(ended)")
            // Signals 32 and 33 are the C library's own; posix_spawn(3) ignores them for every child.
            let sets = ended.text.split(separator: "\n").compactMap { UInt64($0.suffix(16), radix: 16) }
            #expect(sets.count == 2 && sets.allSatisfy { $0 & 0x7fff_ffff == 0 }, "\(change): \(ended)")
            let late = try run(place, change, ["run", "--deadline", "500ms", "--", "sleep", place.marker])
            #expect(late.exit == 124 && place.agents.isEmpty, "\(change): \(late)")
        }

        @Test(.enabled(if: isRoot, "only root can give a directory away"))
        func `a workspace of a user that no file names is no trouble`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            // A static program that asks the name service for such a user loads foreign modules, and dies of it.
            #expect(chown(place.workspace, 3_000_000_001, 3_000_000_001) == 0)
            let result = try place.remit("run", "--workspace", place.workspace, "--", "sh", "-c", "id -u; echo x >made")
            #expect(result.exit == 0 && result.text == "1000\n", "\(result)")
            var facts = stat()
            #expect(stat(place.workspace + "/made", &facts) == 0 && facts.st_uid == 3_000_000_001)
        }

        @Test func `arguments that are not UTF-8 arrive as they are, or are refused`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let result = try place.shell("$REMIT run -- printf %s \"$(printf 'a\\377b')\"")
            #expect(result.output == [0x61, 0xff, 0x62] || result.exit == 64, "\(result.output) \(result)")
        }

        @Test func `very many and very long arguments are no trouble`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let many = try place.shell("$REMIT run -- sh -c 'echo $#' x $(seq 20000)", within: .seconds(10))
            #expect(many.exit == 0 && many.text == "20000\n", "\(many)")
            let long = try place.shell("$REMIT run -- sh -c 'echo ${#1}' x $(head -c 120000 /dev/zero | tr '\\0' a)")
            #expect(long.exit == 0 && long.text == "120000\n", "\(long)")
        }

        @Test(arguments: [0o000, 0o077, 0o777])
        func `the caller's umask opens nothing and closes nothing`(mask: Int) throws {
            let place = try Playground()
            defer { place.tearDown() }
            let result = try run(
                place, "os.umask(\(mask))", ["run", "--", "sh", "-c", "umask; echo x >/tmp/x && cat /tmp/x"])
            #expect(result.exit == 0 && result.text == "0022\nx\n", "\(String(mask, radix: 8)): \(result)")
            for path in Files.all(below: place.state) where !path.hasSuffix(".pub.pem") {
                #expect((Files.mode(path) ?? 0o777) & 0o077 == 0, "\(path): \(String(Files.mode(path) ?? 0, radix: 8))")
            }
        }

        @Test func `too few descriptors are an error, not half a session`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            for limit in [6, 8, 10, 12, 16, 20, 24, 28, 32] {
                let change = "resource.setrlimit(resource.RLIMIT_NOFILE, (\(limit), \(limit)))"
                let result = try run(
                    place, change, ["run", "--deadline", "\(4 * patience)s", "--", "sh", "-c", "echo hi"])
                #expect(
                    result.exit == 0 ? result.text == "hi\n" : result.exit == 125 || result.exit == 126,
                    "\(limit): \(result)")
                #expect(result.exit == 0 || !result.errors.isEmpty, "\(limit): \(result)")
            }
            #expect(try place.remit("reap").exit == 0)
            #expect(try place.remit("ps", "--format", "json").json() == .list([]))
        }

        @Test func `a full tmp is the agent's trouble alone`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let script = "head -c 600M /dev/zero >/tmp/x; echo $?; head -c 600M /dev/zero >~/x; echo $?; exit 3"
            let result = try place.remit("run", "--", "sh", "-c", script)
            #expect(result.exit == 3 && result.text == "1\n1\n", "\(result)")
            #expect(result.errors.contains("No space left on device"), "\(result)")
        }

        @Test func `init killed from outside ends the session in order`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let command = try place.start([
                "run", "--status-fd", "3", "--", "sh", "-c", "setsid -f sleep \(place.marker); sleep \(place.marker)",
            ])
            let pid = try #require(try command.waitForEvent("launched")["pid"].integer)
            try command.waitForEvent("started")
            #expect(eventually(within: .seconds(5)) { place.agents.count >= 2 })
            kill(Int32(pid), SIGKILL)
            let result = command.finish(within: .seconds(5))
            #expect(result.exit.map { $0 != 0 } == true && place.agents.isEmpty, "\(result)")
            let session = try command.session()
            #expect(try place.remit("journal", "verify", session).exit == 0)
            #expect(try place.receipt(session)["processesLeft"].integer == 0)
        }

        @Test func `the agent's main process killed from outside is the agent's end`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let command = try place.start(["run", "--status-fd", "3", "--", "sleep", place.marker])
            try command.waitForEvent("started")
            #expect(eventually(within: .seconds(5)) { place.agents.count == 1 })
            kill(try #require(place.agents.first?.pid), SIGKILL)
            #expect(command.finish(within: .seconds(5)).exit == 137)
        }

        @Test func `a supervisor that was stopped makes up for it at once`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let command = try place.start(
                ["run", "--status-fd", "3", "--deadline", "\(patience)s", "--", "sleep", place.marker])
            try command.waitForEvent("started")
            command.signal(SIGSTOP)
            pause(.milliseconds(1500).patient)
            command.signal(SIGCONT)
            let result = command.finish(within: .seconds(3))
            #expect(result.exit == 124 && place.agents.isEmpty, "\(result)")
        }

        @Test func `a stopped supervisor does not hang whoever asks`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let command = try place.start(["run", "--status-fd", "3", "--", "sleep", place.marker])
            try command.waitForEvent("started")
            let session = try command.session()
            command.signal(SIGSTOP)
            for arguments in [["ps"], ["inspect", session], ["reap"], ["journal", "verify", session]] {
                let result = try place.remit(arguments, within: .seconds(5))
                #expect(result.exit == 0, "\(arguments): \(result)")
            }
            #expect(place.agents.count == 1, "reap leaves it alone")
            command.signal(SIGCONT)
            command.signal(SIGTERM)
            #expect(command.finish(within: .seconds(5)).exit != nil)
        }

        @Test func `noise on the control socket stops nothing`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let command = try place.start(
                ["run", "--status-fd", "3", "--deadline", "\(3 * patience)s", "--", "sleep", place.marker])
            try command.waitForEvent("started")
            let socket = "\(place.runtime)/\(try command.session())/control.sock"
            let script = """
                import os, socket, sys
                noise = [b'', b'\\0' * 1000, b'GET', b'GET / HTTP/1.1\\r\\n', b'GET /../../etc/passwd HTTP/1.1\\r\\n\\r\\n',
                         b'POST /kill HTTP/1.1\\r\\nContent-Length: 99999999999999999999\\r\\n\\r\\n',
                         b'POST /kill HTTP/1.1\\r\\nContent-Length: 10\\r\\n\\r\\n{', b'POST /kill HTTP/1.1\\r\\nContent-Length: 3\\r\\n\\r\\n{{{',
                         b'POST /introspect HTTP/1.1\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\nffffffffffffffff\\r\\n',
                         b'A' * 200000, b'GET /session HTTP/1.1\\r\\n' + b'X: y\\r\\n' * 20000 + b'\\r\\n', os.urandom(5000)]
                open_ones = []
                for round in range(10):
                    for bytes in noise:
                        s = socket.socket(socket.AF_UNIX); s.settimeout(0.05)
                        try:
                            s.connect(sys.argv[1]); s.sendall(bytes)
                        except OSError: pass
                        open_ones.append(s)
                """
            let noise = try place.shell("/usr/bin/python3 -c \(shellQuoted(script)) \(socket)", within: .seconds(20))
            #expect(noise.exit == 0, "\(noise)")
            let result = command.finish(within: .seconds(6))
            #expect(result.exit == 124 && place.agents.isEmpty, "\(result)")
        }

        @Test func `a workspace that is swapped for a link while sessions start is never the wrong one`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            try place.write("right", to: place.base + "/swap/real/which")
            try Files.link(place.base + "/swap/wrong", to: place.home)
            let script = """
                import ctypes, os, sys
                libc = ctypes.CDLL(None); a, b = (os.path.join(sys.argv[1], n).encode() for n in ('real', 'wrong'))
                while True: libc.renameat2(-100, a, -100, b, 2)
                """
            let swapper = try Program("/usr/bin/python3", ["-c", script, place.base + "/swap"]).start()
            defer {
                swapper.signal(SIGKILL)
                _ = swapper.wait(within: .seconds(1))
            }
            var entered = 0
            for round in 0..<40 {
                let result = try place.remit(
                    "run", "--workspace", place.base + "/swap/real", "--", "sh", "-c", "ls -A; cat which .ssh/*")
                #expect(!result.text.contains("ssh") && !result.text.contains(place.canary), "\(result)")
                if result.exit == 1, result.text.contains("which\nright") { entered += 1 }
                if result.exit == 0 || result.exit == 1 { #expect(result.text.hasPrefix("which\n"), "\(result)") }
                if entered > 0, round >= rounds(40) { break }
            }
            #expect(entered > 0, "some of them entered the right one")
        }

        @Test func `a state directory of someone else's is not trusted`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            try Files.setMode(place.state, 0o777)
            try place.write("not a key", to: place.state + "/keys/host-key.pem")
            let result = try place.remit("run", "--status-fd", "3", "--", "echo", "started")
            // Either it is refused, or nothing is signed with what lay there.
            if result.exit == 0 {
                #expect(try place.remit("receipt", "verify", try #require(result.session)).exit == 0)
            } else {
                #expect(result.exit == 125 || result.exit == 126, "\(result)")
                #expect(!result.text.contains("started") && result.errors.hasPrefix("error: "), "\(result)")
            }
        }
    }
}
