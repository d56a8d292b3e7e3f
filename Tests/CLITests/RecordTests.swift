// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import RemitTesting
import Testing

extension CLI {
    /// What can be asked about sessions, profiles and the host, for people and for programs.
    @Suite struct RecordTests {
        @Test func `ps lists the living, and with -a all`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            #expect(try place.remit("ps", "--format", "json").json() == .list([]))
            let ended = try place.remit(
                "run", "--status-fd", "3", "--owner", "bob@example.com", "--name", "short", "--", "sh", "-c", "exit 3")
            let over = try #require(ended.session, "\(ended)")
            let command = try place.start(["run", "--status-fd", "3", "--name", "long", "--", "sleep", place.marker])
            try command.waitForEvent("started")
            let session = try command.session()
            let living = try #require(try place.remit("ps", "--format", "json").json().list)
            #expect(
                living.count == 1 && living[0]["session"].text == session && living[0]["state"].text == "running",
                "\(living)")
            #expect(
                living[0]["task"].text == "long" && living[0]["ended"] == .null && living[0]["reason"] == .null,
                "\(living)")
            let all = try #require(try place.remit("ps", "-a", "--format", "json").json().list)
            #expect(all.count == 2)
            let line = try #require(all.first { $0["session"].text == over })
            #expect(
                line["state"].text == "ended" && line["reason"].text == "failed" && line["exit"].integer == 3, "\(line)"
            )
            #expect(line["owner"].text == "bob@example.com" && line["task"].text == "short", "\(line)")
            #expect(
                Set(line.members.map { Array($0.keys) } ?? []) == [
                    "session", "task", "owner", "state", "reason", "started", "ended", "exit", "change",
                ])
            for name in ["started", "ended"] { #expect(line[name].text?.hasSuffix("Z") == true, "\(line)") }
            let table = try place.remit("ps", "-a")
            let header = table.text.split(separator: "\n").first?.split(whereSeparator: \.isWhitespace).map(String.init)
            #expect(header == ["SESSION", "TASK", "OWNER", "STATE", "REASON", "CHANGE", "STARTED"], "\(table)")
            #expect(table.text.split(separator: "\n").count == 3, "\(table)")
            #expect(!table.text.contains("\u{1b}"))
            command.signal(SIGTERM)
            _ = command.finish()
            #expect(try place.remit("ps", "--format", "json").json() == .list([]))
        }

        @Test func `a session goes by any unique beginning of its id`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            // Enough sessions that two begin alike: there are 32 first characters.
            let ids = try (0..<34).map { _ in
                try #require(try place.remit("run", "--status-fd", "3", "--", "true").session)
            }
            #expect(Set(ids).count == ids.count)
            for id in ids {
                #expect(id.count == 16 && id.allSatisfy { "0123456789abcdefghjkmnpqrstvwxyz".contains($0) }, "\(id)")
            }
            let id = ids[0]
            var length = 1
            while ids.filter({ $0.hasPrefix(id.prefix(length)) }).count > 1 { length += 1 }
            let short = String(id.prefix(length))
            for arguments in [
                ["inspect", short], ["logs", short], ["journal", "verify", short], ["receipt", "verify", short],
                ["journal", "show", short], ["receipt", "show", short], ["inspect", id],
            ] {
                let result = try place.remit(arguments)
                #expect(result.exit == 0, "\(arguments): \(result)")
            }
            let common = try #require(Dictionary(grouping: ids) { $0.prefix(1) }.first { $0.value.count > 1 }?.key)
            let ambiguous = try place.remit("inspect", String(common))
            #expect(ambiguous.exit != 0 && ambiguous.errors.contains("`\(common)`"), "\(ambiguous)")
            #expect(ambiguous.errors.hasPrefix("error: "), "\(ambiguous)")
            for unknown in ["zzzzzzzzzzzzzzzz", "uuu", "", "../../etc", "*", id + "0", id.uppercased() + "x"] {
                for command in [["inspect"], ["logs"], ["kill"], ["journal", "verify"], ["receipt", "show"]] {
                    let result = try place.remit(command + [unknown])
                    #expect(
                        result.exit != 0 && result.exit != nil && !result.errors.isEmpty,
                        "\(command) `\(unknown)`: \(result)")
                }
            }
        }

        @Test func `inspect tells everything`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let task = try place.boundedTask(
                "echo x >report.json",
                credentials:
                    "credentials: [{name: token, provider: session-token, scope: {audience: https://a.example}, ttl: \(minute)}]"
            )
            let result = try place.remit("run", "-f", task, "--status-fd", "3")
            let session = try #require(result.session, "\(result)")
            let record = try place.inspect(session)
            #expect(record["task"].text == "fix-orders" && record["owner"].text == "alice@example.com")
            #expect(record["intent"].text?.hasPrefix("Fix the rounding") == true)
            #expect(record["leases"][0]["state"].text == "revoked")
            #expect(record["layers"].list?.isEmpty == false)
            #expect(record["planDigest"].text?.count == 64, "\(record)")
            let table = try place.remit("inspect", session)
            #expect(table.exit == 0 && table.text.contains("fix-orders"), "\(table)")
        }

        @Test func `the receipt is an in-toto statement with the task and the layers`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let run = try place.remit("run", "--status-fd", "3", "--intent", "Say nothing at all", "--", "true")
            let session = try #require(run.session, "\(run)")
            let statement = try place.remit("receipt", "show", session, "--format", "json").json()
            #expect(statement["_type"].text == "https://in-toto.io/Statement/v1", "\(statement)")
            #expect(statement["subject"].list?.isEmpty == false && statement["predicateType"].text?.isEmpty == false)
            let predicate = statement["predicate"]
            #expect(predicate["session"].text == session && predicate["intent"].text == "Say nothing at all")
            let layers = Dictionary(
                uniqueKeysWithValues: (predicate["layers"].list ?? []).map {
                    ($0["name"].text ?? "", $0["state"].text ?? "")
                }
            )
            for layer in ["namespaces", "mounts", "userns-door", "capabilities", "landlock", "seccomp", "guard"] {
                #expect(layers[layer] == "enforced", "\(layer): \(layers)")
            }
            let sealed = run.events.last
            #expect(
                sealed?["event"].text == "sealed" && sealed?["reason"].text == "completed"
                    && sealed?["exit"].integer == 0)
            #expect(sealed?["receipt"].text.map(Files.exists) == true, "\(run.events)")
            let envelope = try JSON.parse(try #require(Files.bytes(sealed?["receipt"].text ?? "")))
            #expect(
                envelope["payloadType"].text == "application/vnd.in-toto+json"
                    && envelope["signatures"].list?.count == 1, "\(envelope)")
        }

        @Test func `events come in their order, one JSON object a line`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let task = try place.boundedTask(
                "echo x >report.json",
                credentials:
                    "credentials: [{name: token, provider: session-token, scope: {audience: https://a.example}, ttl: \(minute)}]"
            )
            let command = try place.start(["run", "-f", task, "--status-fd", "3"])
            let result = command.finish()
            let names = result.events.compactMap { $0["event"].text }
            let steps = ["admitted", "launched", "started", "ending", "fenced", "dead", "revoked", "sealed"]
            #expect(names.filter(steps.contains) == steps, "\(result.events)")
            let states = result.events.filter { $0["event"].text == "lease" }.compactMap { $0["state"].text }
            #expect(states.contains("active") && states.last == "revoked", "\(result.events)")
            #expect((result.events.first { $0["event"].text == "launched" }?["pid"].integer ?? 0) > 1)
        }

        @Test func `the journal shows each step as it was written`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let run = try place.remit("run", "--status-fd", "3", "--", "true")
            let session = try #require(run.session, "\(run)")
            let show = try place.remit("journal", "show", session, "--format", "json")
            let lines = show.text.split(separator: "\n")
            let records = try lines.count > 1 ? lines.map { try JSON.parse(Array($0.utf8)) } : show.json().list ?? []
            #expect(records.count > 4 && records[0]["seq"].integer == 1, "\(show)")
            // A signed checkpoint may follow the seal.
            #expect(records.suffix(2).contains { $0["type"].text == "session.sealed" }, "\(show)")
            let table = try place.remit("journal", "show", session)
            #expect(table.exit == 0 && table.text.contains("session.sealed"), "\(table)")
        }

        @Test func `doctor says of each layer how it is enforced`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let doctor = try place.remit("doctor", "--format", "json")
            #expect(doctor.exit == 0, "\(doctor)")
            let text = "\(try doctor.json())"
            for layer in [
                "namespaces", "mounts", "userns-door", "capabilities", "landlock", "landlock-truncate",
                "landlock-scopes", "seccomp", "cgroup", "guard",
            ] {
                #expect(text.contains("\"\(layer)\""), "\(layer): \(text)")
            }
            let table = try place.remit("doctor")
            #expect(table.exit == 0 && table.text.contains("seccomp"), "\(table)")
            #expect(place.sessions.isEmpty)
        }

        @Test func `profiles are listed and shown with where each value comes from`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let list = try #require(try place.remit("profile", "list", "--format", "json").json().list)
            let names = list.compactMap { $0["name"].text }
            #expect(
                Set(names).isSuperset(of: ["base", "default", "coding", "strict"]) && names == names.sorted(), "\(list)"
            )
            let show = try place.remit("profile", "show", "coding", "--format", "json")
            #expect(show.exit == 0 && (try? show.json()) != nil, "\(show)")
            let table = try place.remit("profile", "show", "coding")
            for text in ["16GiB", "coding", "base"] { #expect(table.text.contains(text), "\(text): \(table)") }
            let unknown = try place.remit("profile", "show", "codding")
            #expect(
                unknown.exit != 0 && unknown.errors.contains("`codding`") && unknown.errors.contains("`coding`"),
                "\(unknown)")
            for odd in ["../base", "/etc/passwd", ""] {
                let result = try place.remit("profile", "show", odd)
                #expect(result.exit == 64 || result.exit == 126, "`\(odd)`: \(result)")
            }
        }

        @Test func `a profile of the operator's is found and can be run`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            try place.write(
                "apiVersion: remit/v1\nkind: Profile\nname: mine\ndescription: with a greeting\nextends: default\nenvironment: {set: {GREETING: hello}}\nlimits: {openFiles: 99}\n",
                to: place.base + "/config/profiles/mine.yaml"
            )
            let result = try place.remit("run", "--profile", "mine", "--", "sh", "-c", "echo $GREETING; ulimit -n")
            #expect(result.exit == 0 && result.text == "hello\n99\n", "\(result)")
        }

        @Test func `a dry run prints the plan and starts nothing`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            try place.provider([:])
            let task = try place.boundedTask("echo started", credentials: Playground.orders)
            let json = try place.remit("run", "-f", task, "--dry-run", "--format", "json")
            #expect(json.exit == 0, "\(json)")
            #expect(try json.json().members?.isEmpty == false)
            let table = try place.remit("run", "-f", task, "--dry-run")
            #expect(table.exit == 0 && table.text.contains("seccomp"), "\(table)")
            #expect(place.sessions.isEmpty && Files.names(in: place.providerStore).isEmpty)
            #expect(try place.providerRequests().isEmpty)
        }

        @Test func `check gives a verdict for each aspect`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let good = try place.boundedTask("true")
            let json = try place.remit("check", good, "--format", "json")
            #expect(json.exit == 0, "\(json)")
            let text = "\(try json.json())"
            for aspect in ["intent", "workspace", "outcome", "credentials", "network", "lifetime", "owner"] {
                #expect(text.contains(aspect), "\(text)")
            }
            let bad = try place.remit("check", try place.task("name: x\ncommand: [\"true\"]\n"))
            #expect(bad.exit == 126 && bad.text.contains("missing"), "\(bad)")
            #expect(place.sessions.isEmpty)
        }

        @Test func `quiet says nothing, and a task's command can come from the command line`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let quiet = try place.remit("run", "--quiet", "--deadline", "200ms", "--", "sleep", place.marker)
            #expect(quiet.exit == 124 && quiet.errors.isEmpty, "\(quiet)")
            let task = try place.task("name: x\n")
            let given = try place.remit("run", "-f", task, "--", "echo", "given")
            #expect(given.exit == 0 && given.text == "given\n", "\(given)")
            let none = try place.remit("run", "-f", task)
            #expect(none.exit == 64 || none.exit == 126, "\(none)")
        }

        @Test func `a workspace path is relative to the task file`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            try place.write(
                "apiVersion: remit/v1\nkind: Task\nname: x\nworkspace: {path: ./sub, mode: read}\ncommand: [cat, file]\n",
                to: place.base + "/project/task.yaml")
            try place.write("found\n", to: place.base + "/project/sub/file")
            let result = try place.remit("run", "-f", place.base + "/project/task.yaml")
            #expect(result.exit == 0 && result.text == "found\n", "\(result)")
        }

        @Test func `reap without anything to do says nothing`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let result = try place.remit("reap")
            #expect(result.exit == 0 && result.output.isEmpty && result.errors.isEmpty, "\(result)")
        }

        @Test func `a degraded layer must be named to start, and the receipt repeats it`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            try place.write(
                "apiVersion: remit/v1\nkind: Profile\nname: greedy\ndescription: needs what ordinary users rarely have\nextends: strict\n",
                to: place.base + "/config/profiles/greedy.yaml"
            )
            let plain = try place.remit("run", "--profile", "greedy", "--status-fd", "3", "--", "true")
            if plain.exit == 0 {
                let layers = try place.receipt(try #require(plain.session))["layers"].list ?? []
                #expect(layers.allSatisfy { $0["state"].text == "enforced" }, "\(layers)")
                return
            }
            #expect(plain.exit == 126 && plain.errors.hasPrefix("error: ") && place.sessions.isEmpty, "\(plain)")
            let missing = [
                "cgroup", "limits.memory", "limits.processes", "limits.cpu", "landlock-truncate", "landlock-scopes",
            ]
            let excuses = missing.flatMap { ["--allow-degraded", $0] }
            let excused = try place.remit(
                ["run", "--profile", "greedy", "--status-fd", "3"] + excuses + ["--", "true"])
            #expect(excused.exit == 0, "\(excused)")
            let receipt = try place.receipt(try #require(excused.session))
            #expect(Set(receipt["degradedAllowed"].list?.compactMap(\.text) ?? []) == Set(missing), "\(receipt)")
        }
    }
}
