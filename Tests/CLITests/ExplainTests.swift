// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import RemitTesting
import Testing

extension CLI {
    /// `remit explain`: what a session was refused, by whom, and what would allow it.
    @Suite struct ExplainTests {
        private func explain(_ place: Playground, _ session: String) throws -> JSON {
            try place.remit("explain", session, "--format", "json").json()
        }

        private func lastSession(_ place: Playground) throws -> String {
            try place.remit("ps", "-a", "--format", "json").json().list?.last?["session"].text ?? ""
        }

        /// The denial of a subject.
        private func find(_ explanation: JSON, _ subject: String) -> JSON {
            explanation["denials"].list?.first { $0["subject"].text == subject } ?? .null
        }

        @Test func `more than ten different denials are named with the right layer and line`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let profile = place.base + "/config/profiles/web.yaml"
            try place.write(
                """
                apiVersion: remit/v1
                kind: Profile
                name: web
                extends: default
                filesystem:
                  binds:
                    - /usr
                    - {source: \(quoted(place.base + "/tools")), target: /opt/tools, execute: false}
                systemCalls:
                  deny: [sync]

                """, to: profile)
            try place.write("#!/bin/sh\n", to: place.base + "/tools/tool")
            // The agent's user takes what a profile binds, and as root's it is somebody else.
            try FileManager.default.setAttributes([.posixPermissions: 0o711], ofItemAtPath: place.base)
            try FileManager.default.setAttributes(
                [.posixPermissions: 0o755], ofItemAtPath: place.base + "/tools/tool")
            for (name, mode) in [("closed", 0o000), ("open", 0o644)] {
                try place.write("x\n", to: place.workspace + "/" + name)
                try FileManager.default.setAttributes(
                    [.posixPermissions: mode], ofItemAtPath: place.workspace + "/" + name)
            }
            let script = """
                import ctypes, os, socket, subprocess
                def attempt(what):
                    try:
                        what()
                        print("got through")
                    except Exception as error:
                        print(type(error).__name__)
                libc = ctypes.CDLL(None)
                libc.syscall(ctypes.c_long(101), ctypes.c_long(16), ctypes.c_long(1), 0, 0)
                os.sync()
                for path in ["/etc/shadow", "/home/agent/.ssh/id_ed25519", "/proc/version", "/.sealed", "/workspace/closed"]:
                    attempt(lambda: open(path))
                for path in ["/usr/new", "/etc/new", "/workspace/new"]:
                    attempt(lambda: open(path, "w"))
                attempt(lambda: os.remove("/workspace/open"))
                attempt(lambda: subprocess.run(["/opt/tools/tool"]))
                attempt(lambda: socket.getaddrinfo("evil.example.org", 443))
                """
            let run = try place.remit(
                "run", "--observe", "--profile", "web", "--workspace", place.workspace, "--read-only", "--allow-host",
                "api.example.com", "--", "python3", "-c", script)
            #expect(run.exit == 0 && !run.text.contains("got through"), "\(run)")
            let explanation = try explain(place, try lastSession(place))
            for (subject, layer, wisdom) in [
                ("ptrace", "seccomp", "never"), ("sync", "seccomp", "careful"), ("/etc/shadow", "mounts", "never"),
                ("/home/agent/.ssh/id_ed25519", "mounts", "never"), ("/proc/version", "mounts", "never"),
                ("/.sealed", "landlock", "never"), ("/workspace/closed", "permissions", "careful"),
                ("/usr/new", "mounts", "never"), ("/etc/new", "mounts", "never"), ("/workspace/new", "mounts", "fine"),
                ("/workspace/open", "mounts", "fine"), ("/opt/tools/tool", "mounts", "careful"),
                ("evil.example.org", "egress", "careful"), ("CANARY", "environment", "fine"),
            ] {
                let denial = find(explanation, subject)
                #expect(denial["layer"].text == layer, "\(subject): \(denial)")
                #expect(denial["remedy"]["wisdom"].text == wisdom, "\(subject): \(denial)")
            }
            #expect(find(explanation, "sync")["line"]["text"].text == "\(profile):10")
            #expect(find(explanation, "/opt/tools/tool")["line"]["text"].text == "\(profile):8")
            #expect(find(explanation, "/usr/new")["line"]["text"].text == "\(profile):7")
            #expect(find(explanation, "/workspace/new")["remedy"]["yaml"].text == "workspace: {mode: write}")
            #expect(
                find(explanation, "evil.example.org")["remedy"]["yaml"].text?.contains("{host: evil.example.org")
                    == true)
            #expect(find(explanation, "CANARY")["remedy"]["place"].text == profile)
            let table = try place.remit("explain", try lastSession(place), "--without-variables")
            #expect(table.exit == 0 && table.text.contains("/etc/shadow") && !table.text.contains("CANARY"), "\(table)")
            #expect(!table.text.contains(place.canary))
        }

        @Test func `without observation it says what it cannot see, and a name in the journal acts on nothing`() throws
        {
            let place = try Playground()
            defer { place.tearDown() }
            let run = try place.remit("run", "--", "sh", "-c", "cat /etc/shadow; true")
            #expect(run.exit == 0, "\(run)")
            let explanation = try explain(place, try lastSession(place))
            #expect(find(explanation, "/etc/shadow") == .null)
            #expect(explanation["unseen"].list?.contains { $0.text?.contains("--observe") == true } == true)
            let hostile = try place.remit(
                "run", "--observe", "--", "sh", "-c",
                "cat /sys/$(printf 'a\\033[2J') /etc/$(printf '\\033]0;x\\a') /sys/$(printf 'b\\342\\200\\256\\nforged')"
            )
            #expect(hostile.exit == 1, "\(hostile)")
            let table = try place.remit("explain", try lastSession(place))
            #expect(table.exit == 0 && !table.text.contains("\u{1b}"), "\(table)")
            #expect(!table.text.contains("\u{202e}") && !table.text.contains("\nforged"), "\(table)")
            let unknown = try place.remit("explain", "0000000000000000")
            #expect(unknown.exit == 64, "\(unknown)")
        }

        /// Whether auditing is on here is the administrator's affair: these tests switch it on nowhere.
        @Test func `what the kernel records of Landlock is told where it may be read, and by nobody else's session`()
            throws
        {
            let place = try Playground()
            defer { place.tearDown() }
            let script = "for n in 1 2 3; do cat /.sealed; echo 0 >/proc/self/oom_score_adj; done; true"
            let run = try place.remit("run", "--", "sh", "-c", script)
            #expect(run.exit == 0, "\(run)")
            let session = try lastSession(place)
            let explanation = try explain(place, session)
            let unseen = (explanation["unseen"].list ?? []).compactMap(\.text).joined(separator: "\n")
            let sealed = find(explanation, "/.sealed")
            if unseen.contains("closed by Landlock shows only") {
                #expect(sealed == .null, "\(explanation)")
                return
            }
            #expect(isRoot, "\(explanation)")
            #expect(sealed["layer"].text == "landlock" && sealed["count"].integer == 3, "\(explanation)")
            #expect(sealed["remedy"]["wisdom"].text == "never", "\(sealed)")
            let quiet = try place.remit("run", "--", "true")
            #expect(quiet.exit == 0)
            #expect(
                try explain(place, try lastSession(place))["denials"].list?.contains { $0["layer"].text == "landlock" }
                    == false)
        }

        /// Who is only observed gets what everybody gets.
        @Test func `an observed session is as confined and as able as any other`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let script = """
                import os, subprocess, threading
                seen = []
                def work(index):
                    for turn in range(50):
                        name = f"/tmp/{index}-{turn}"
                        open(name, "w").write("x")
                        os.rename(name, name + "-b")
                        os.stat(name + "-b")
                        os.unlink(name + "-b")
                    seen.append(subprocess.run(["/bin/sh", "-c", "echo $PPID"], capture_output=True).returncode)
                threads = [threading.Thread(target=work, args=(index,)) for index in range(4)]
                [thread.start() for thread in threads]
                [thread.join() for thread in threads]
                print(seen, os.listdir("/tmp"))
                import ctypes
                libc = ctypes.CDLL(None, use_errno=True)
                print(libc.unshare(0x10000000), ctypes.get_errno(), libc.ptrace(16, 1, 0, 0), ctypes.get_errno())
                """
            let results = try [["run"], ["run", "--observe"]].map {
                try place.remit($0 + ["--", "python3", "-c", script])
            }
            #expect(results[0].exit == 0 && results[0].text == results[1].text, "\(results)")
            #expect(results[0].text.hasSuffix("-1 1 -1 1\n"), "\(results[0])")
        }

        @Test func `an observed session does not outlive its supervisor`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let script = "sleep $0 & while :; do stat /tmp >/dev/null; done"
            let command = try place.start(
                ["run", "--observe", "--status-fd", "3", "--", "sh", "-c", script, place.marker])
            try command.waitForEvent("started")
            #expect(eventually(within: .seconds(10)) { place.agents.count >= 2 })
            command.signal(SIGKILL)
            _ = command.finish()
            #expect(eventually(within: .seconds(10)) { place.agents.isEmpty }, "\(place.agents)")
        }
    }
}
