// SPDX-License-Identifier: Apache-2.0

import Foundation
import RemitTesting
import Testing

extension CLI {
    /// `remit why`: what a session may do, asked before there is one, and compared with what one then does.
    @Suite struct WhyTests {
        private func profile(_ place: Playground, _ rest: String, name: String = "web") throws -> String {
            let file = place.base + "/config/profiles/\(name).yaml"
            try place.write("apiVersion: remit/v1\nkind: Profile\nname: \(name)\nextends: default\n\(rest)", to: file)
            return file
        }

        private func why(_ place: Playground, _ arguments: String...) throws -> (result: CommandResult, answers: [JSON])
        {
            let result = try place.remit(["why", "--format", "json"] + arguments)
            return (result, (try? result.json().list) ?? [])
        }

        @Test func `a path is told with the layer and the line of the file`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            try place.write("text\n", to: place.base + "/tools/text")
            let file = try profile(
                place,
                """
                filesystem:
                  binds:
                    - /usr
                    - source: \(place.base)/tools
                      target: /opt/tools
                      execute: false

                """)
            let (result, answers) = try why(place, "--profile", "web", "path", "/opt/tools/text", "/etc/shadow")
            #expect(result.exit == 1 && answers.count == 2, "\(result)")
            #expect(answers[0]["allowed"].bool == true && answers[0]["because"]["layer"].text == "mounts")
            #expect(answers[0]["because"]["line"]["file"].text == file, "\(answers[0])")
            #expect(answers[0]["because"]["line"]["line"].integer == 8, "\(answers[0])")
            #expect(answers[1]["allowed"].bool == false && answers[1]["because"]["layer"].text == "mounts")
            let table = try place.remit("why", "--profile", "web", "exec", "/opt/tools/text")
            #expect(
                table.exit == 1 && table.text.contains("because  mounts: `/opt/tools` is mounted noexec"), "\(table)")
            #expect(table.text.contains("line     \(file):8"), "\(table)")
            let allowed = try place.remit("why", "--profile", "web", "path", "/usr/bin/env")
            #expect(allowed.exit == 0 && allowed.text.contains("verdict  allowed"), "\(allowed)")
        }

        @Test func `links are followed as they lead inside, and round about in none`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let links = [
                "shadow": "/etc/shadow", "up": "../../../../etc/hostname", "a": "b", "b": "a", "tool": "/bin/sh",
            ]
            for (name, target) in links {
                try FileManager.default.createSymbolicLink(
                    atPath: place.workspace + "/" + name, withDestinationPath: target)
            }
            let names = ["shadow", "up", "a", "tool"].map { "/workspace/" + $0 }
            let (result, answers) = try why(
                place, "path", names[0], names[1], names[2], names[3], "--workspace", place.workspace)
            #expect(
                result.exit == 1 && answers.map { $0["allowed"].bool } == [false, true, false, true], "\(result)")
            #expect(answers[0]["resolved"].text == "/etc/shadow" && answers[1]["resolved"].text == "/etc/hostname")
            #expect(answers[2]["because"]["detail"].text?.contains("circles") == true, "\(answers[2])")
        }

        @Test func `a profile may be a file from anywhere, and what it extends is looked for beside it`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let folder = place.freshPath("profiles")
            let (parent, child) = (folder + "/parent.yaml", folder + "/any-name.yaml")
            let head = "apiVersion: remit/v1\nkind: Profile\n"
            try place.write(
                head + "name: parent\nextends: default\nsystemCalls:\n  deny: [sync]\n", to: parent)
            // The name that it gives itself hides the built-in profile of that name, and the file's name is any.
            try place.write(
                head + "name: coding\nextends: parent\nenvironment:\n  set: {OWN: mine}\n", to: child)
            let (call, calls) = try why(place, "--profile", child, "syscall", "sync")
            #expect(call.exit == 1 && calls.first?["because"]["line"]["file"].text == parent, "\(call)")
            #expect(calls.first?["because"]["line"]["line"].integer == 6, "\(call)")
            let (variable, variables) = try why(place, "--profile", child, "env", "OWN")
            #expect(variable.exit == 0 && variables.first?["because"]["line"]["file"].text == child, "\(variable)")
            let shown = try place.remit("profile", "show", child, "--call", "sync")
            #expect(shown.exit == 0 && shown.text.contains(parent), "\(shown)")
            #expect(try why(place, "--profile", "coding", "syscall", "sync").result.exit == 0)
            for name in ["no-such", folder + "/no-such.yaml", "/dev/null", folder] {
                let refused = try why(place, "--profile", name, "env", "OWN").result
                #expect(refused.exit == 64 && refused.output.isEmpty, "\(name): \(refused)")
            }
        }

        @Test func `what is written to a workspace that is kept apart goes into a layer`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            try place.write("x\n", to: place.workspace + "/file")
            let asked = ["--workspace", place.workspace, "path", "/workspace/file", "/workspace/new", "--write"]
            let answers = try place.remit(["why", "--overlay", "--format", "json"] + asked)
            guard answers.exit != 126 else { return }
            #expect(answers.exit == 0, "\(answers)")
            for answer in try answers.json().list ?? [] {
                #expect(
                    answer["because"]["detail"].text?.contains("in a layer of the session's own until it is applied")
                        == true, "\(answer)")
            }
            let task = try place.task(
                "name: apart\nworkspace: {path: \(quoted(place.workspace)), mode: overlay}\ncommand: [\"true\"]\n")
            let file = try place.remit("why", "-f", task, "path", "/workspace/file", "--write")
            #expect(file.exit == 0 && file.text.contains("in a layer of the session's own"), "\(file)")
            for options in [["--overlay", "--read-only", "--workspace", "."], ["--overlay"], ["--self", "--overlay"]] {
                let refused = try place.remit(["why"] + options + ["path", "/tmp"])
                #expect(refused.exit == 64 && refused.output.isEmpty, "\(options): \(refused)")
            }
            #expect(try place.remit("ps", "-a", "--format", "json").json().list?.count == 0)
        }

        /// Nothing that is answered may differ from what then happens.
        @Test func `what is answered is what happens`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let work = place.workspace
            for (path, mode) in [
                ("open", 0o644), ("closed", 0o000), ("script", 0o755), ("lost", 0o755), ("data", 0o644),
            ] {
                let text = ["script": "#!/bin/sh\n", "lost": "#!/no/such/interpreter\n"][path] ?? "x\n"
                try place.write(text, to: work + "/" + path)
                try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: work + "/" + path)
            }
            try FileManager.default.createSymbolicLink(
                atPath: work + "/away", withDestinationPath: place.base + "/secret.txt")
            let paths = [
                "/workspace/open", "/workspace/closed", "/workspace/away", "/workspace/none", "/etc/shadow",
                "/etc/hosts",
                "/etc/passwd", "/usr/bin/env", "/bin/sh", "/tmp", "/tmp/new", "/home/agent/new", "/root",
                "/proc/version",
                "/proc/self/status", "/dev/null", "/dev/kmsg", "/run/remit/session.json", "/.sealed", "/usr/new",
                "/workspace/new", "/etc/new", "/sys", "/var/lib", place.home + "/.ssh/id_ed25519",
            ]
            let programs = ["/workspace/script", "/workspace/lost", "/workspace/data", "/usr/bin/env", "/etc/hosts"]
            let files = paths.filter { !["/tmp", "/root", "/sys", "/var/lib"].contains($0) }
            let script = """
                import os, subprocess, sys
                def opens(path, flags):
                    try:
                        os.close(os.open(path, flags | os.O_NONBLOCK, 0o600))
                        return "y"
                    except OSError:
                        return "n"
                def runs(path):
                    try:
                        subprocess.run([path, "true"], capture_output=True)
                        return "y"
                    except OSError:
                        return "n"
                paths, programs = sys.argv[1].split(","), sys.argv[2].split(",")
                print("".join(opens(p, os.O_RDONLY) for p in paths))
                print("".join(opens(p, os.O_WRONLY | os.O_CREAT) for p in sys.argv[3].split(",")))
                print("".join(runs(p) for p in programs))
                """
            let run = try place.remit(
                "run", "--workspace", work, "--", "python3", "-c", script, paths.joined(separator: ","),
                programs.joined(separator: ","), files.joined(separator: ","))
            #expect(run.exit == 0, "\(run)")
            // The run made one file that was not there before.
            try FileManager.default.removeItem(atPath: work + "/new")
            try? FileManager.default.removeItem(atPath: work + "/none")
            func asked(_ arguments: [String]) throws -> String {
                let result = try place.remit(["why", "--format", "json", "--workspace", work] + arguments)
                let answers = try result.json().list ?? []
                return answers.map { answer in
                    let isSilent = answer["layers"].list?.contains { $0["says"].text == "silent" } == true
                    return answer["allowed"].bool == true ? (isSilent ? "?" : "y") : "n"
                }.joined()
            }
            func compare(_ asked: String, _ happened: Substring, _ subjects: [String]) {
                #expect(asked.count == happened.count, "\(asked) \(happened)")
                for (subject, pair) in zip(subjects, zip(asked, happened)) {
                    #expect(pair.0 == pair.1 || pair.0 == "?", "\(subject): answered \(pair.0), happened \(pair.1)")
                }
            }
            let lines = run.text.split(separator: "\n")
            guard lines.count == 3 else { return #expect(Bool(false), "\(run)") }
            compare(try asked(["path"] + paths), lines[0], paths)
            compare(try asked(["path", "--write"] + files), lines[1], files)
            compare(try asked(["exec"] + programs), lines[2], programs)
        }

        @Test func `programs are looked for along PATH, and what they need with them`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            try place.write("#!/no/such/interpreter\n", to: place.workspace + "/lost")
            try FileManager.default.setAttributes(
                [.posixPermissions: 0o755], ofItemAtPath: place.workspace + "/lost")
            let (result, answers) = try why(
                place, "exec", "sh", "no-such-program", "/workspace/lost", "--workspace", place.workspace)
            #expect(result.exit == 1 && answers.map { $0["allowed"].bool } == [true, false, false], "\(result)")
            #expect(answers[0]["resolved"].text?.hasPrefix("/usr/bin/") == true, "\(answers[0])")
            #expect(answers[1]["because"]["line"]["value"].text == "environment.set.PATH", "\(answers[1])")
            #expect(answers[2]["because"]["detail"].text?.contains("/no/such/interpreter") == true, "\(answers[2])")
        }

        @Test func `a system call is answered by the filter, a variable by the profile`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let file = try profile(place, "systemCalls:\n  deny: [sync]\nenvironment:\n  allow: [\"AWS_*\"]\n")
            let (result, calls) = try why(place, "--profile", "web", "syscall", "sync", "read", "ptrace")
            #expect(result.exit == 1 && calls.map { $0["allowed"].bool } == [false, true, false], "\(result)")
            #expect(calls[0]["because"]["line"]["text"].text == "\(file):6", "\(calls[0])")
            let control = try place.remit("why", "syscall", "ioctl", "--argument", "1=TIOCSTI")
            #expect(control.exit == 1 && control.text.contains("seccomp: EPERM"), "\(control)")
            let (_, variables) = try why(place, "--profile", "web", "env", "AWS_PROFILE", "CANARY", "HOME", "TERM")
            #expect(variables.map { $0["allowed"].bool } == [true, false, true, true], "\(variables)")
            #expect(variables[0]["because"]["line"]["text"].text == "\(file):8", "\(variables[0])")
        }

        @Test func `a host is answered by the rules of the task, the profile and the configuration`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let profile = try profile(place, "network:\n  allow:\n    - host: \"*.example.com\"\n")
            let task = try place.task(
                """
                name: net
                profile: web
                network:
                  allow:
                    - host: api.example.com
                      http: {methods: [GET], paths: ["/v1/**"]}

                """)
            let questions = [
                "https://API.example.com/v1/x", "https://api.example.com/v2", "http://api.example.com/v1/x",
                "www.example.com", "169.254.169.254",
            ]
            let (result, answers) = try why(
                place, "--task", task, "host", questions[0], questions[1], questions[2], questions[3], questions[4])
            #expect(
                result.exit == 1 && answers.map { $0["allowed"].bool } == [true, false, false, false, false],
                "\(result)")
            #expect(answers[0]["resolved"].text == "api.example.com:443")
            #expect(answers[0]["because"]["line"]["text"].text == "\(task):7", "\(answers[0])")
            let posted = try place.remit("why", "-f", task, "host", "https://api.example.com/v1/x", "--method", "POST")
            #expect(posted.exit == 1 && posted.text.contains("request:"), "\(posted)")
            // Nobody asks for it: whether somebody could is said.
            let (_, none) = try why(place, "--profile", "web", "host", "a.example.com", "a.example.org")
            let could = none.map { $0["layers"].list?.last?["detail"].text ?? "" }
            #expect(could[0].contains("--allow-host a.example.com:443"), "\(none)")
            #expect(could[1].hasPrefix("no task may ask for it"), "\(none)")
            _ = profile
        }

        @Test(arguments: [
            ["path"], ["file", "/x"], ["path", ""], ["path", "/x", "--method", "GET"], ["exec", "sh", "--write"],
            ["syscall", "opne"], ["syscall", "read", "--argument", "9=1"], ["host", "a b"], ["host", "ftp://a.b/"],
            ["host", "a.b/c"], ["host", "a.b", "--method", "get it"], ["host", "a.b:99999"], ["env", "A=B"],
            ["path", "/x", "--profile", "no-such"], ["path", "/x", "--task", "/no/such.yaml"],
            ["path", "/x", "--workspace", "/no/such"], ["path", "/x", "--self", "--profile", "default"],
            ["path", "/x", "--self"], ["path", "/" + String(repeating: "x", count: 5000)],
        ])
        func `a question that cannot be understood is an error`(_ arguments: [String]) throws {
            let place = try Playground()
            defer { place.tearDown() }
            let result = try place.remit(["why"] + arguments)
            #expect(result.exit == 64 && result.output.isEmpty, "\(result)")
            #expect(result.errors.lowercased().hasPrefix("error: "), "\(result)")
        }

        @Test func `a session may ask about itself, and finds no secret in its description`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let described = try place.remit(
                "run", "--workspace", place.workspace, "--", "cat", "/run/remit/session.json")
            let description = try described.json()
            #expect(description["profile"].text == "default" && description["version"].integer == 1, "\(described)")
            #expect(description["workspace"]["mode"].text == "write")
            #expect(description["values"].list?.contains { $0["path"].text == "filesystem.binds./usr" } == true)
            #expect(!described.text.contains(place.canary) && !described.text.contains(place.home))
            let changed = try place.remit(
                "run", "--", "sh", "-c", "echo x > /run/remit/session.json; rm /run/remit/session.json")
            #expect(changed.exit != 0 && changed.errors.contains("Read-only"), "\(changed)")
            // The program itself is not there unless somebody brings it in, and then only one without libraries runs.
            try FileManager.default.copyItem(atPath: Playground.binary, toPath: place.workspace + "/remit")
            let script = """
                ./remit why --self --format json path /etc/shadow /usr/bin/env /.sealed /workspace/remit
                ./remit why --self --format json path --write /usr/new /tmp/new
                ./remit why --self --format json syscall ptrace read
                ./remit why --self --format json host example.com
                """
            let result = try place.remit("run", "--workspace", place.workspace, "--", "sh", "-c", script)
            if result.errors.contains("shared libraries") { return }
            let lines = result.text.split(separator: "\n").compactMap {
                try? JSONDecoder().decode(JSON.self, from: Data($0.utf8)).list
            }
            let verdicts = lines.map { $0.map { $0["allowed"].bool } }
            #expect(verdicts == [[false, true, false, true], [false, true], [false, true], [false]], "\(result)")
            let layers = lines.map { $0.map { $0["because"]["layer"].text } }
            #expect(layers.first == ["mounts", "mounts", "landlock", "mounts"], "\(result)")
            #expect(lines.first?[1]["because"]["line"]["text"].text == "built-in profile base:8", "\(result)")
        }
    }
}
