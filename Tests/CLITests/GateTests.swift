// SPDX-License-Identifier: Apache-2.0
// What the supervisor makes of its gate, whatever that does: with a gate that goes wrong on purpose.

import Foundation
import Glibc
import RemitTesting
import Testing

extension CLI {
    @Suite struct GateTests {
        /// A playground in which the gate is Resources/gate.py.
        private struct Place {
            let playground: Playground
            let task: String
            private var programs: String { playground.base + "/bin" }

            static let key = "sk-ant-api03-abcdefghijklmnopqrstuvwxyz0123456789"

            init(_ mode: String, tripwire: String = "block", script: String) throws {
                playground = try Playground()
                try FileManager.default.createDirectory(
                    atPath: playground.base + "/bin", withIntermediateDirectories: true)
                try FileManager.default.copyItem(atPath: Playground.binary, toPath: playground.base + "/bin/remit")
                try FileManager.default.copyItem(
                    atPath: resourcePath("gate.py"), toPath: playground.base + "/bin/remit-egress")
                chmod(playground.base + "/bin/remit-egress", 0o755)
                playground.program = playground.base + "/bin/remit"
                try playground.write(mode, to: playground.base + "/bin/mode")
                playground.environment["REAL_KEY"] = Self.key
                try playground.configure(
                    """
                    providers:
                      api:
                        kind: secret
                        from: {env: REAL_KEY}
                        inject: {host: api.example.com, header: authorization}

                    """
                )
                try playground.write(Self.client, to: playground.workspace + "/say.py")
                task = try playground.boundedTask(
                    script,
                    credentials: "credentials: [{name: api, provider: api, expose: env, variable: API_KEY}]",
                    more: """
                        network: {allow: [{host: api.example.com}], tripwire: \(tripwire)}
                        outcome: {artifacts: [report.json]}
                        """
                )
            }

            private static let client = """
                import socket, sys
                s = socket.create_connection(("198.18.3.4", 443), 10)
                s.sendall(sys.argv[1].encode())
                print(s.recv(100).decode().strip() or "closed", flush=True)

                """

            func run(within limit: Duration = .seconds(40)) throws -> CommandResult {
                try playground.remit(["run", "-f", task, "--status-fd", "3"], within: limit)
            }

            func commands() throws -> [JSON] {
                try (Files.text(programs + "/commands") ?? "").split(separator: "\n").map {
                    try JSON.parse(Array($0.utf8))
                }
            }

            func records(_ result: CommandResult, _ type: String) throws -> [JSON] {
                let session = try #require(result.session)
                let text = try playground.remit("journal", "show", session, "--format", "json").text
                return try text.split(separator: "\n").map { try JSON.parse(Array($0.utf8)) }.filter {
                    $0["type"].text == type
                }
            }

            func expectGood(_ result: CommandResult) throws {
                let session = try #require(result.session)
                let journal = try playground.remit("journal", "verify", session)
                let receipt = try playground.remit("receipt", "verify", session)
                #expect(journal.exit == 0 && receipt.exit == 0, "\(journal) \(receipt)")
            }

            /// No process of the gate's is left.
            func expectNoGate() {
                #expect(eventually(within: .seconds(3)) { ProcessTable.processes(marked: programs).isEmpty })
            }
        }

        @Test func `the agent gets a placeholder, the gate the secret, and the receipt neither`() throws {
            let place = try Place("", script: "echo $API_KEY; python3 say.py x; echo {} > report.json")
            defer { place.playground.tearDown() }
            let result = try place.run()
            #expect(result.exit == 0, "\(result)")
            let lines = result.text.split(separator: "\n").map(String.init)
            let placeholder = try #require(lines.first)
            #expect(placeholder.hasPrefix("sk-ant-api03-") && placeholder.count == Place.key.count)
            #expect(placeholder != Place.key)
            #expect(["served by redirected", "served by 443"].contains(lines.last ?? ""), "\(lines)")
            let commands = try place.commands()
            // On a busy machine this gate may not be awake within the fence's two milliseconds, and is then killed for it.
            let isAsked = try place.records(result, "egress.fenced").first?["body"]["by"].text == "gate"
            let expected = ["configure", "listeners", "bind"] + (isAsked ? ["fence", "usage", "stop"] : [])
            #expect(commands.prefix(expected.count).map { $0["command"].text } == expected)
            let part = commands[2]["grant"]["parts"].list?.first ?? .null
            #expect(part["placeholder"].text == placeholder)
            try place.expectGood(result)
            let session = try #require(result.session)
            let lease = try place.playground.receipt(session)["leases"].list?.first ?? .null
            #expect(lease["state"].text == "withdrawn" && lease["exposure"].text == "placeholder", "\(lease)")
            #expect(lease["verifiedBy"].text == "probe", "\(lease)")
            let egress = try place.playground.receipt(session)["egress"]
            #expect(egress["hosts"]["ok.example"]["connections"].integer == 1, "\(egress)")
            if isAsked {
                let late = egress["hosts"]["late.example"]["connections"].integer
                #expect(late == 1, "what was said after the fence counts")
                #expect(egress["usage"]["cost"].integer == 70 && egress["cut"].integer == 3, "\(egress)")
            }
            let kept = try place.playground.shell("grep -rl \(Place.key) \(place.playground.state)")
            #expect(kept.text.isEmpty, "the real key is in \(kept.text)")
            let shown = try place.playground.shell("grep -rl \(placeholder) \(place.playground.state)/sessions")
            #expect(shown.text.isEmpty, "the placeholder is in \(shown.text)")
            place.expectNoGate()
        }

        @Test func `a gate that does not answer the fence is ended within milliseconds`() throws {
            let place = try Place("stubborn", script: "echo {} > report.json")
            defer { place.playground.tearDown() }
            let result = try place.run()
            #expect(result.exit == 0, "\(result)")
            let fence = try #require(place.records(result, "egress.fenced").first)["body"]
            #expect(fence["by"].text == "kill", "\(fence)")
            #expect(fence["microseconds"].integer ?? 0 >= 2000, "\(fence)")
            try place.expectGood(result)
            place.expectNoGate()
        }

        @Test func `one that says it stops and does not is ended, too`() throws {
            let place = try Place("lingering", script: "echo {} > report.json")
            defer { place.playground.tearDown() }
            let result = try place.run()
            #expect(result.exit == 0, "\(result)")
            #expect(try place.records(result, "egress.fenced").count == 1)
            place.expectNoGate()
        }

        @Test(arguments: ["crash", "noise", "endless"])
        func `without a gate nothing of the agent runs`(_ mode: String) throws {
            let place = try Place(mode, script: "echo ran > ran; echo {} > report.json")
            defer { place.playground.tearDown() }
            let result = try place.run()
            #expect(result.exit == 125, "\(result)")
            #expect(result.errors.contains("the egress gate is gone"), "\(result)")
            if mode == "crash" { #expect(result.errors.contains("it went wrong"), "\(result)") }
            #expect(!result.events.contains { $0["event"].text == "started" })
            #expect(Files.text(place.playground.workspace + "/ran") == nil)
            try place.expectGood(result)
            place.expectNoGate()
        }

        @Test(.timeLimit(.minutes(patience))) func `a gate that never gets ready is not waited for`() throws {
            let place = try Place("silent", script: "echo ran > ran")
            defer { place.playground.tearDown() }
            let result = try place.run()
            #expect(result.exit == 125 && result.errors.contains("was not ready within"), "\(result)")
            #expect(result.elapsed < .seconds(20).patient)
            place.expectNoGate()
        }

        @Test(arguments: ["die", "failed", "garbage"])
        func `a session whose gate fails ends`(_ word: String) throws {
            let place = try Place("", script: "python3 say.py \(word); sleep \(600)")
            defer { place.playground.tearDown() }
            let result = try place.run()
            #expect(result.exit == 125 && result.errors.contains("the egress gate is gone"), "\(result)")
            #expect(result.elapsed < .seconds(20).patient, "it does not wait for its deadline")
            let session = try #require(result.session)
            #expect(try place.playground.receipt(session)["processesLeft"].integer == 0)
            try place.expectGood(result)
            place.expectNoGate()
        }

        @Test func `a placeholder in the wrong place is recorded, and by policy the end`() throws {
            let script = "echo {} > report.json; python3 say.py trip"
            let mild = try Place("", script: script)
            defer { mild.playground.tearDown() }
            let result = try mild.run()
            #expect(result.exit == 0, "\(result)")
            #expect(result.events.contains { $0["event"].text == "tripwire" })
            let session = try #require(result.session)
            #expect(try mild.playground.receipt(session)["egress"]["tripwires"]["api"].integer == 1)
            let strict = try Place("", tripwire: "end", script: script)
            defer { strict.playground.tearDown() }
            let ended = try strict.run()
            #expect(ended.exit == 123 && ended.errors.contains("placeholder of `api`"), "\(ended)")
            #expect(try strict.playground.receipt(try #require(ended.session))["reason"].text == "scope")
        }

        @Test func `what a gate said before it had to be killed is heard`() throws {
            for (action, code) in [("block", 0), ("end", 123)] as [(String, Int32)] {
                let script = "echo {} > report.json; python3 say.py trip"
                let place = try Place("stubborn", tripwire: action, script: script)
                defer { place.playground.tearDown() }
                let result = try place.run()
                #expect(result.exit == code, "\(result)")
                #expect(result.events.contains { $0["event"].text == "tripwire" }, "\(result)")
                #expect(try place.records(result, "egress.fenced").first?["body"]["by"].text == "kill")
                let session = try #require(result.session)
                #expect(try place.playground.receipt(session)["egress"]["tripwires"]["api"].integer == 1)
                place.expectNoGate()
            }
        }

        @Test func `a budget warns, and used up it is the end`() throws {
            let place = try Place("", script: "python3 say.py budget; python3 say.py spent; sleep 600")
            defer { place.playground.tearDown() }
            let result = try place.run()
            #expect(result.exit == 122 && result.errors.contains("budget `requests` used up"), "\(result)")
            let warning = try #require(result.events.first { $0["event"].text == "budget" })
            #expect(warning["percent"].integer == 75 && warning["dimension"].text == "requests")
            #expect(try place.playground.receipt(try #require(result.session))["reason"].text == "budget")
        }

        @Test func `a flood of denials is a bounded journal that counts every one`() throws {
            let place = try Place("", script: "python3 say.py flood; echo {} > report.json")
            defer { place.playground.tearDown() }
            let result = try place.run()
            #expect(result.exit == 0, "\(result)")
            let records = try place.records(result, "egress.name")
            #expect(records.count < 4000, "\(records.count)")
            let counted = records.reduce(0) { $0 + ($1["body"]["count"].integer ?? 1) }
            #expect(counted == 20_000)
            let hosts = try place.playground.receipt(try #require(result.session))["egress"]["hosts"]
            guard case .object(let members) = hosts else { throw TestingError("no hosts: \(hosts)") }
            #expect(members.values.reduce(0) { $0 + ($1["denied"].integer ?? 0) } == 20_000)
            try place.expectGood(result)
        }

        @Test func `a supervisor that is killed takes its gate along, and reap withdraws the secret`() throws {
            let place = try Place("", script: "echo $API_KEY; sleep 600")
            defer { place.playground.tearDown() }
            let command = try place.playground.start(["run", "-f", place.task, "--status-fd", "3"])
            try command.waitForEvent("started")
            let session = try command.session()
            command.signal(SIGKILL)
            _ = command.finish()
            place.expectNoGate()
            #expect(
                try eventually(within: .seconds(20)) {
                    try place.playground.listed(session)["state"].text == "ended"
                })
            let receipt = try place.playground.receipt(session)
            #expect(receipt["reason"].text == "supervisor-lost", "\(receipt)")
            let lease = receipt["leases"].list?.first ?? .null
            #expect(lease["state"].text == "withdrawn" && lease["verifiedBy"].text == "probe", "\(lease)")
        }

        @Test func `a running session is narrowed, and never widened`() throws {
            let place = try Place("", script: "echo up; sleep 600")
            defer { place.playground.tearDown() }
            let command = try place.playground.start(["run", "-f", place.task, "--status-fd", "3"])
            try command.waitForEvent("started")
            let session = try command.session()
            #expect(try place.playground.remit("narrow", session).exit == 64)
            #expect(try place.playground.remit("narrow", session, "--deny-host", "127.1").exit == 64)
            let narrowed = try place.playground.remit("narrow", session, "--deny-host", "api.example.com")
            #expect(narrowed.exit == 0, "\(narrowed)")
            let only = try place.playground.remit("narrow", session, "--only-host", "other.example.com")
            #expect(only.exit == 0, "\(only)")
            let narrowings = try place.commands().filter { $0["command"].text == "narrow" }
            let policies = narrowings.map { $0["policy"].list ?? [] }
            #expect(policies.count == 2, "\(policies)")
            // Each is what is left of what was left: a layer that only denies, and one that allows a part.
            #expect(policies[0].map { $0["open"].bool } == [true])
            #expect(policies[1].map { $0["open"].bool } == [false])
            let rule = policies[0].first?["rules"].list?.first ?? .null
            #expect(rule["denial"].bool == true && rule["host"].text == "api.example.com", "\(rule)")
            command.signal(SIGTERM)
            _ = command.finish()
            #expect(try place.playground.remit("narrow", session, "--deny-host", "a.example").exit == 125)
        }

        @Test func `what was asked for is shown as a table, as JSON and as an HTTP archive`() throws {
            let script = "python3 say.py ask; getent hosts exfil.example; echo {} > report.json"
            let place = try Place("", script: script)
            defer { place.playground.tearDown() }
            let result = try place.run()
            #expect(result.exit == 0, "\(result)")
            let session = try #require(result.session)
            let table = try place.playground.remit("logs", "--egress", session)
            #expect(table.text.contains("exfil.example") && table.text.contains("deny"), "\(table)")
            let lines = try place.playground.remit("logs", "--egress", session, "--format", "json").text
            let records = try lines.split(separator: "\n").map { try JSON.parse(Array($0.utf8)) }
            #expect(records.contains { $0["kind"].text == "name" && $0["verdict"].text == "deny" }, "\(lines)")
            let archive = try place.playground.remit("logs", "--egress", session, "--format", "har").json()
            #expect(archive["log"]["creator"]["name"].text == "remit")
            #expect(HTTPArchiveShape.problems(of: archive) == [])
            // Only requests are entries, whatever became of them.
            let entries = archive["log"]["entries"].list ?? []
            #expect(
                entries.map { $0["request"]["url"].text ?? "" } == [
                    "https://ok.example/v1/messages", "https://[2001:db8::7]:8443/", "http://clear.example/",
                ])
            #expect(entries.map { $0["response"]["status"].integer } == [200, 403, 0])
            #expect(entries.map { $0["time"].integer } == [1234, 0, 0])
        }
    }
}
