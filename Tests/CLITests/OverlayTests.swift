// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import RemitTesting
import Testing

extension CLI {
    /// A workspace that stays as it is until somebody has looked at what a session left and applied it.
    @Suite struct OverlayTests {
        /// Runs a script over the playground's workspace.
        private func run(
            _ place: Playground, _ script: String, more: String = "", expecting status: Int32? = 0
        ) throws -> String {
            let task = try place.task(
                """
                name: change
                deadline: \(30 * patience)s
                workspace: {path: \(quoted(place.workspace)), mode: overlay}
                command: \(flow(["sh", "-c", script]))
                \(more)

                """
            )
            let result = try place.remit("run", "-f", task, "--status-fd", "3", within: .seconds(60))
            #expect(status == nil || result.exit == status, "\(result)")
            return try #require(result.session, "\(result)")
        }

        /// `M src/a.py`, and the rules of its concerns.
        private func diff(_ place: Playground, _ session: String) throws -> [String] {
            let result = try place.remit("diff", session, "--format", "json")
            #expect(result.exit == 0, "\(result)")
            return try (result.json()["changes"].list ?? []).map { change in
                let rules = (change["concerns"].list ?? []).compactMap { $0["rule"].text }.sorted()
                return ([change["change"].text ?? "", change["path"].text ?? ""] + rules).joined(separator: " ")
            }
        }

        /// What `find` says of every path: kind, mode, target; and the digests of all files.
        private func tree(_ place: Playground, _ path: String) throws -> String {
            let line =
                "cd \(shellQuoted(path)) && find . -path ./.git -prune -o -printf '%P %y %m %l\\n' | LC_ALL=C sort"
                + " && find . -path ./.git -prune -o -type f -print0 | LC_ALL=C sort -z | xargs -0r sha256sum"
            let result = try place.shell(line, within: .seconds(60))
            #expect(result.exit == 0, "\(result)")
            return result.text
        }

        private let edits = """
            echo after >changed; echo new >added; rm gone; mkdir -p made/here; echo x >made/here/f; chmod 600 mode;
            ln -s changed link; rm -r old; mkdir old; echo y >old/kept; rm kind; mkdir kind; echo z >kind/inner
            """

        private func prepare(_ place: Playground) throws {
            for name in ["changed", "gone", "mode", "old/lost", "kind", "untouched"] {
                try place.write("before\n", to: "\(place.workspace)/\(name)")
            }
        }

        @Test func `nothing changes until it is applied, and then exactly that`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            try prepare(place)
            let before = try tree(place, place.workspace)
            let session = try run(place, edits + "; cat changed untouched; stat -c %u changed added")
            #expect(try tree(place, place.workspace) == before)
            #expect(try place.listed(session)["change"].text == "pending")
            let receipt = try place.receipt(session)["changes"]
            #expect(receipt["added"].integer == 7 && receipt["modified"].integer == 3, "\(receipt)")
            #expect(receipt["deleted"].integer == 2 && receipt["digest"].text?.count == 64, "\(receipt)")
            #expect(
                try diff(place, session) == [
                    "added added", "modified changed", "deleted gone", "type kind", "added kind/inner", "added link",
                    "added made", "added made/here", "added made/here/f", "mode mode", "added old/kept",
                    "deleted old/lost",
                ])
            let applied = try place.remit("apply", session)
            #expect(applied.exit == 0, "\(applied)")
            let copy = try Playground()
            defer { copy.tearDown() }
            try prepare(copy)
            #expect(try copy.shell("cd \(copy.workspace) && umask 022 && \(edits)").exit == 0)
            #expect(try tree(place, place.workspace) == tree(copy, copy.workspace))
            for name in ["changed", "added", "made/here/f", "link"] {
                #expect(Files.owner("\(place.workspace)/\(name)") == Files.owner(place.workspace), "\(name)")
            }
            #expect(try place.listed(session)["change"].text == "applied")
            #expect(!Files.exists(place.sessionDirectory(session) + "/layers"))
            for command in ["diff", "apply", "discard"] {
                let again = try place.remit(command, session)
                #expect(again.exit == 64 && again.errors.contains("applied already"), "\(again)")
            }
            // What was done is under signature as well.
            let review = place.sessionDirectory(session) + "/review.jsonl"
            #expect(try place.remit("journal", "verify", review).exit == 0)
            #expect(try place.remit("receipt", "verify", session).exit == 0)
            #expect(try place.remit("journal", "verify", session).exit == 0)
        }

        @Test func `a discarded change leaves nothing behind`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            try prepare(place)
            let before = try tree(place, place.workspace)
            let session = try run(
                place, edits + "; mkdir -m 0 closed; python3 -c 'import os; open(b\"\\xff\\n\", \"w\")'")
            #expect(try place.remit("discard", session).exit == 0)
            #expect(try tree(place, place.workspace) == before)
            #expect(Files.names(in: place.sessionDirectory(session)).allSatisfy { $0 != "layers" && $0 != "base" })
            #expect(try place.listed(session)["change"].text == "discarded")
            let again = try place.remit("discard", session)
            #expect(again.exit == 64 && again.errors.contains("discarded already"), "\(again)")
        }

        @Test func `a session that changes nothing leaves nothing to review`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            try prepare(place)
            let session = try run(place, "touch changed; chmod 644 mode; cat gone >copy; rm copy")
            #expect(try place.listed(session)["change"].text == "none")
            #expect(!Files.exists(place.sessionDirectory(session) + "/layers"))
            #expect(try place.remit("diff", session).exit == 64)
        }

        @Test func `a session that is not over, or has no layer, has no change to review`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let running = try place.start([
                "run", "--overlay", "--status-fd", "3", "--workspace", place.workspace, "--", "sh", "-c",
                "echo x >f; echo ready; exec sleep \(place.marker)",
            ])
            try running.waitForOutput("ready")
            let session = try running.session()
            for command in ["diff", "apply", "discard"] {
                let early = try place.remit(command, session)
                #expect(early.exit == 125 && early.errors.contains("still running"), "\(early)")
            }
            running.signal(SIGTERM)
            _ = running.finish()
            #expect(try diff(place, session) == ["added f"])
            let plain = try place.remit(
                "run", "--status-fd", "3", "--workspace", place.workspace, "--", "touch", "written")
            let none = try place.remit("diff", try #require(plain.session))
            #expect(none.exit == 64 && none.errors.contains("overlay"), "\(none)")
        }

        @Test func `what is hostile is shown, and never applied`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            try place.write("x", to: place.workspace + "/plain")
            let script = """
                import os, socket
                os.mkfifo('pipe'); socket.socket(socket.AF_UNIX).bind('socket')
                os.symlink('/etc/passwd', 'absolute'); os.symlink('../../secret.txt', 'climbs')
                os.symlink('d/../../x', 'turns'); os.mkdir('d')
                for path in ['.git/hooks/pre-commit', '.git/config', '.envrc', '.vscode/tasks.json', 'run.sh']:
                    os.makedirs(os.path.dirname(path) or '.', exist_ok=True)
                    open(path, 'w').write('#!/bin/sh\\n' if path.endswith('.sh') else 'x')
                open('one', 'w').write('x'); os.link('one', 'two')
                open(b'\\xff', 'w').write('x'); open('new\\nline', 'w').write('x')
                try: os.setxattr('d', 'user.overlay.redirect', b'/outside')
                except OSError: pass
                for i in range(230):
                    os.mkdir('deep' * 20); os.chdir('deep' * 20)
                """
            let session = try run(place, "python3 -c \(shellQuoted(script))")
            let listing = try diff(place, session)
            for line in [
                "added .envrc environment", "added .git/config git-config", "added .git/hooks/pre-commit git-hook",
                "added .vscode/tasks.json editor", "added absolute absolute-link", "added climbs escaping-link",
                "added pipe fifo", "added run.sh script", "added socket socket",
                "added turns turning-link", "added one hard-link", "added two hard-link", #"added "new\nline""#,
                #"added "\377""#,
            ] {
                #expect(listing.contains(line), "\(line): \(listing.filter { !$0.contains("deep") })")
            }
            #expect(listing.count { $0.hasSuffix("too-deep") } == 1)
            let applied = try place.remit("apply", session)
            #expect(applied.exit == 1 && applied.text.contains("refused"), "\(applied)")
            #expect(!Files.exists(place.workspace + "/.envrc") && !Files.exists(place.workspace + "/run.sh"))
            let named = try place.remit("apply", session, "--paths", ".envrc", "run.sh")
            #expect(named.exit == 0 && Files.exists(place.workspace + "/.envrc"), "\(named)")
            let forced = try place.remit("apply", session, "--force")
            #expect(forced.exit == 1, "\(forced)")
            #expect(Files.text(place.workspace + "/.git/hooks/pre-commit") == "x")
            for name in ["pipe", "socket", "absolute", "climbs", "turns"] {
                #expect(!Files.exists("\(place.workspace)/\(name)"), "\(name)")
            }
            #expect(try place.listed(session)["change"].text == "partly-applied")
            #expect(try place.remit("discard", session).exit == 0)
        }

        @Test func `what others have changed since is kept, and the outcome's bounds as well`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            try prepare(place)
            let session = try run(
                place, "mkdir -p src; echo agent >changed; echo agent >src/mine; echo agent >elsewhere",
                more: "outcome: {changed: [\"src/**\", changed]}", expecting: 121)
            try place.write("host\n", to: place.workspace + "/changed")
            #expect(
                try diff(place, session) == [
                    "modified changed conflict", "added elsewhere outcome", "added src", "added src/mine",
                ])
            #expect(try place.remit("apply", session).exit == 1)
            #expect(Files.text(place.workspace + "/changed") == "host\n")
            #expect(Files.text(place.workspace + "/src/mine") == "agent\n")
            #expect(!Files.exists(place.workspace + "/elsewhere"))
            #expect(try place.remit("apply", session, "--force").exit == 0)
            #expect(Files.text(place.workspace + "/changed") == "agent\n")
        }

        @Test func `an apply says of modes and attributes what the diff says, in rows no path stretches`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            try prepare(place)
            let script = """
                import os
                os.chmod('mode', 0o750); open('.envrc', 'w').write('x')
                try: os.setxattr('changed', 'user.note', b'1'); print('set')
                except OSError: pass
                for i in range(20):
                    os.mkdir('deep' * 50); os.chdir('deep' * 50)
                """
            let task = try place.task(
                "name: c\nworkspace: {path: \(quoted(place.workspace)), mode: overlay}\n"
                    + "command: \(flow(["python3", "-c", script]))\n")
            let run = try place.remit("run", "-f", task, "--status-fd", "3")
            let session = try #require(run.session, "\(run)")
            let hasAttribute = run.text.contains("set")
            func row(_ result: CommandResult, _ path: String) -> String? {
                result.text.split(separator: "\n").map(String.init).first { $0.contains(" \(path)") }
            }
            let shown = try place.remit("diff", session)
            #expect(row(shown, "mode")?.hasPrefix("M       100644 → 100750") == true, "\(shown)")
            let flagged = try #require(row(shown, ".envrc"))
            #expect(flagged.contains("flagged: ") && flagged.count < 250, "\(flagged)")
            let applied = try place.remit("apply", session)
            #expect(applied.exit == 1 && row(applied, "mode")?.contains("100644 → 100750") == true, "\(applied)")
            guard hasAttribute else { return }
            for (result, word) in [(shown, "M "), (applied, "unchanged")] {
                let line = try #require(row(result, "changed"), "\(result)")
                #expect(line.hasPrefix(word) && line.contains("`user.note`, which are not brought along"), "\(line)")
            }
        }

        @Test func `a session that exceeded its scope is not applied without force`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let script =
                "echo x >written; exec python3 -c 'import ctypes; c = ctypes.CDLL(None); [c.unshare(0x10000000) for i in range(200)]'"
            let session = try run(place, script, expecting: 123)
            let refused = try place.remit("apply", session)
            #expect(refused.exit == 126 && refused.errors.contains("scope"), "\(refused)")
            #expect(!Files.exists(place.workspace + "/written"))
            #expect(try place.remit("apply", session, "--force").exit == 0)
            #expect(Files.text(place.workspace + "/written") == "x\n")
        }

        @Test func `the outcome and its verify command see what the session left, and leave no trace in it`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            try prepare(place)
            let session = try run(
                place, "echo 42 >answer; rm gone; rm -r old; mkdir old",
                more: """
                    outcome:
                      changed: [answer, gone, old/**]
                      artifacts: [answer, untouched]
                      verify: [sh, -c, "grep -q 42 answer && test ! -e gone && test ! -e old/lost && echo t >trace && echo t >>answer"]
                    """)
            let outcome = try place.receipt(session)["outcome"]
            #expect(outcome["state"].text == "met" && outcome["artifacts"].list?.count == 2, "\(outcome)")
            #expect(try diff(place, session) == ["added answer", "deleted gone", "deleted old/lost"])
            #expect(try place.remit("apply", session).exit == 0)
            #expect(Files.text(place.workspace + "/answer") == "42\n" && !Files.exists(place.workspace + "/trace"))
        }

        @Test func `what a killed supervisor's session left can be reviewed`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            try prepare(place)
            let before = try tree(place, place.workspace)
            let running = try place.start([
                "run", "--overlay", "--status-fd", "3", "--workspace", place.workspace, "--", "sh", "-c",
                "echo after >changed; rm gone; echo ready; exec sleep \(place.marker)",
            ])
            try running.waitForOutput("ready")
            let session = try running.session()
            running.signal(SIGKILL)
            _ = running.finish()
            #expect(
                eventually(within: .seconds(20)) { Files.exists(place.sessionDirectory(session) + "/receipt.json") })
            #expect(try tree(place, place.workspace) == before)
            #expect(try place.listed(session)["reason"].text == "supervisor-lost")
            #expect(try place.listed(session)["change"].text == "pending")
            #expect(try diff(place, session) == ["modified changed", "deleted gone"])
            #expect(try place.remit("apply", session).exit == 0)
            #expect(Files.text(place.workspace + "/changed") == "after\n")
            #expect(try place.remit("receipt", "verify", session).exit == 0)
        }

        @Test func `an apply that is killed can be repeated, and two at once exclude each other`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            try prepare(place)
            let script = "for i in $(seq 1500); do echo $i >file-$i; done; rm gone"
            let session = try run(place, script)
            for delay in [30, 60, 120] {
                let running = try place.start(["apply", session])
                pause(.milliseconds(delay))
                running.signal(SIGKILL)
                _ = running.finish()
            }
            let (one, other) = (try place.start(["apply", session]), try place.start(["apply", session]))
            let results = [one.finish(within: .seconds(60)), other.finish(within: .seconds(60))]
            #expect(results.contains { $0.exit == 0 }, "\(results)")
            #expect(results.allSatisfy { [0, 64, 125].contains($0.exit) }, "\(results)")
            let names = Files.names(in: place.workspace)
            #expect(names.count { $0.hasPrefix("file-") } == 1500 && !names.contains("gone"))
            #expect(!names.contains { $0.hasPrefix(".remit") })
            for number in [1, 777, 1500] {
                #expect(Files.text("\(place.workspace)/file-\(number)") == "\(number)\n")
            }
            let review = place.sessionDirectory(session) + "/review.jsonl"
            #expect(try place.remit("journal", "verify", review).exit == 0)
        }

        @Test func `a layer that somebody else has changed is not applied`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let session = try run(place, "echo x >file")
            try place.write("y", to: place.sessionDirectory(session) + "/layers/upper/file")
            let refused = try place.remit("apply", session, "--force")
            #expect(refused.exit == 125 && refused.errors.contains("not what the session left"), "\(refused)")
            #expect(!Files.exists(place.workspace + "/file"))
            #expect(try place.remit("discard", session).exit == 0)
        }

        @Test func `paths with characters that mount options know are no problem`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let odd = place.base + "/a,b:c\\d=e f"
            try place.write("before\n", to: odd + "/file")
            place.environment["REMIT_STATE_DIR"] = place.base + "/st,a:t\\e"
            let result = try place.remit(
                "run", "--overlay", "--status-fd", "3", "--workspace", odd, "--", "sh", "-c", "cat file; echo x >file")
            #expect(result.exit == 0 && result.text == "before\n", "\(result)")
            #expect(Files.text(odd + "/file") == "before\n")
            #expect(try place.remit("apply", try #require(result.session)).exit == 0)
            #expect(Files.text(odd + "/file") == "x\n")
        }

        @Test func `the layer itself is nowhere inside`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let result = try place.remit(
                "run", "--overlay", "--workspace", place.workspace, "--", "sh", "-c",
                "grep -c \(place.base) /proc/self/mountinfo; ls -A /; grep ' /workspace ' /proc/self/mountinfo")
            #expect(result.text.hasPrefix("0\n"), "\(result)")
            #expect(!result.text.contains(".layers") && !result.text.contains(".below"), "\(result)")
            #expect(result.text.contains(" overlay ") && result.text.contains("nosuid,nodev"), "\(result)")
        }

        @Test(.enabled(if: isRoot, "needs root to mount a file system without extended attributes"))
        func `a host without overlays refuses the task, and never binds its workspace writable instead`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let line = """
                unshare -m sh -c 'mkdir \(place.base)/ram && mount -t ramfs none \(place.base)/ram &&
                REMIT_STATE_DIR=\(place.base)/ram/state exec "$REMIT" "$@"' sh
                """
            let run = "run --allow-degraded overlay --overlay --workspace \(place.workspace) -- touch written"
            let refused = try place.shell("\(line) \(run)")
            #expect(refused.exit == 126 && refused.errors.contains("`overlay`"), "\(refused)")
            #expect(!Files.exists(place.workspace + "/written"))
            try FileManager.default.removeItem(atPath: place.base + "/ram")
            let doctor = try place.shell("\(line) doctor --format json")
            let layer = try doctor.json()["layers"].list?.first { $0["name"].text == "overlay" }
            #expect(layer?["state"].text == "missing" && doctor.exit == 0, "\(doctor)")
        }

        @Test func `doctor says whether a workspace can stay as it is`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let doctor = try place.remit("doctor", "--format", "json")
            let layer = try doctor.json()["layers"].list?.first { $0["name"].text == "overlay" }
            #expect(layer?["state"].text == "enforced", "\(doctor)")
            #expect(Files.names(in: place.state + "/sessions").isEmpty)
        }
    }
}
