// SPDX-License-Identifier: Apache-2.0

import Glibc
import RemitTesting
import Testing

extension CLI {
    /// An operator's program as provider, from honest to hostile.
    @Suite struct CommandProviderTests {
        private func run(
            _ place: Playground, _ behaviour: [String: String], script: String = "echo started; echo x >report.json",
            timeLimit: Int = 2, hurriedAfter operation: String? = nil
        ) throws -> CommandResult {
            try place.provider(behaviour, timeLimit: timeLimit)
            let task = try place.boundedTask(script, credentials: Playground.orders)
            let command = try place.start(["run", "-f", task, "--status-fd", "3"])
            if let operation {
                // Whoever waits does not want to wait for all of the supervisor's patience.
                try command.waitForEvent("dead")
                let count = try eventually(within: .seconds(8)) {
                    try place.providerRequests().filter { $0["operation"].text == operation }.count > 0
                }
                #expect(count, "the provider was asked to \(operation)")
                pause(.milliseconds(300))
                command.signal(SIGTERM)
            }
            return command.finish(within: .seconds(40))
        }

        @Test func `an honest provider's credential is delivered, revoked and probed`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let script =
                "cat $REMIT_CREDENTIALS/orders >got; stat -c '%a %u' $REMIT_CREDENTIALS/orders >mode; echo x >report.json"
            let result = try run(place, [:], script: script)
            #expect(result.exit == 0, "\(result)")
            let session = try #require(result.session)
            let requests = try place.providerRequests()
            let handle = try #require(requests.first?["handle"].text)
            #expect(Files.text(place.workspace + "/got") == "\(place.secret)-\(handle)")
            #expect(Files.text(place.workspace + "/mode") == "400 1000\n")
            let lease = try place.receipt(session)["leases"][0]
            #expect(lease["state"].text == "revoked" && lease["exposure"].text == "file", "\(lease)")
            #expect(lease["handle"].text == handle && lease["verifiedBy"].text == "probe", "\(lease)")
            let operations = requests.compactMap { $0["operation"].text }
            #expect(operations.first == "issue" && operations.suffix(2) == ["revoke", "probe"], "\(operations)")
            #expect(Files.names(in: place.providerStore).isEmpty)
            for request in requests {
                #expect(
                    request["session"].text == session && request["owner"].text == "alice@example.com", "\(request)")
            }
            #expect(requests.first?["scope"]["tables"].list == [.string("orders")])
            // Nothing of the caller's environment; Python adds LC_CTYPE itself.
            let names = Set(requests.flatMap { $0["environment"].list?.compactMap(\.text) ?? [] })
            #expect(names.subtracting(["LC_CTYPE", "PATH"]).isEmpty, "\(names)")
        }

        @Test(arguments: [
            "refuse", "refuse-with-content", "garbage", "exit", "crash", "huge", "no-expiry", "forever", "hang",
            "hang-after", "transient",
        ])
        func `no credential, no agent`(behaviour: String) throws {
            let place = try Playground()
            defer { place.tearDown() }
            let result = try run(place, ["issue": behaviour])
            if behaviour == "forever", result.exit == 0 {
                // A provider that cannot be as short as asked may be accepted; then the receipt must not say otherwise.
                let expires = try place.receipt(try #require(result.session))["leases"][0]["expiresAt"].text ?? ""
                #expect(expires.hasPrefix("2099"), "\(expires)")
            } else {
                #expect(result.exit == 125 || result.exit == 126, "\(result)")
                #expect(
                    !result.text.contains("started") && !Files.exists(place.workspace + "/report.json"), "\(result)")
                #expect(result.events.allSatisfy { $0["event"].text != "started" }, "\(result.events)")
                #expect(!result.errors.contains(place.secret), "\(result)")
                #expect(result.errors.contains("orders"), "\(result)")
            }
            #expect(Files.names(in: place.providerStore).isEmpty, "\(behaviour): what may exist is revoked")
            let leaks = Files.all(below: place.state).filter { (Files.bytes($0) ?? []).containsText(place.secret) }
            #expect(leaks.isEmpty, "\(behaviour): the secret is kept")
        }

        @Test func `a lost answer is looked for by the name we chose`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let result = try run(place, ["issue": "hang-after"])
            #expect(result.exit == 125 || result.exit == 126, "\(result)")
            let requests = try place.providerRequests()
            let handles = Set(requests.compactMap { $0["handle"].text })
            #expect(handles.count == 1 && handles.first?.hasPrefix("remit_") == true, "\(requests)")
            #expect(requests.contains { $0["operation"].text == "revoke" }, "\(requests)")
            #expect(Files.names(in: place.providerStore).isEmpty)
            let session = try #require(result.session)
            let state = try place.inspect(session)["leases"][0]["state"].text ?? ""
            #expect(["void", "revoked"].contains(state), "\(state)")
        }

        @Test func `an acknowledged revocation is not believed while the probe sees the credential`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let result = try run(place, ["revoke": "lie"], hurriedAfter: "probe")
            let session = try #require(result.session, "\(result)")
            #expect(place.agents.isEmpty)
            #expect(Files.names(in: place.providerStore).count == 1)
            let lease = try place.inspect(session)["leases"][0]
            #expect(["revoking", "dead-letter"].contains(lease["state"].text ?? ""), "\(lease)")
            #expect(result.errors.contains("revok"), "whoever ran it is told: \(result)")
            // The provider is mended; reap finishes.
            try place.provider([:])
            let reap = try place.reap()
            #expect(reap.exit == 0, "\(reap)")
            #expect(Files.names(in: place.providerStore).isEmpty)
            #expect(try place.inspect(session)["leases"][0]["state"].text == "revoked")
            #expect(try place.remit("journal", "verify", session).exit == 0)
            #expect(try place.remit("receipt", "verify", session).exit == 0)
        }

        @Test(arguments: ["garbage", "exit", "crash", "transient", "hang"])
        func `a provider that fails to revoke does not keep the agent alive or the supervisor for ever`(
            behaviour: String
        ) throws {
            let place = try Playground()
            defer { place.tearDown() }
            // One of them with all the patience there is: it has an end.
            let result = try run(place, ["revoke": behaviour], hurriedAfter: behaviour == "transient" ? nil : "revoke")
            #expect(result.exit != nil, "\(result)")
            let session = try #require(result.session, "\(result)")
            let state = try place.inspect(session)["leases"][0]["state"].text ?? ""
            #expect(["revoking", "dead-letter"].contains(state), "\(behaviour): \(state)")
            try place.provider([:])
            #expect(try place.reap().exit == 0)
            #expect(try place.inspect(session)["leases"][0]["state"].text == "revoked")
        }

        @Test(arguments: ["garbage", "exit", "hang", "present", "impossible"])
        func `no probe, no verified end`(behaviour: String) throws {
            let place = try Playground()
            defer { place.tearDown() }
            let result = try run(place, ["probe": behaviour], hurriedAfter: behaviour == "impossible" ? nil : "probe")
            let session = try #require(result.session, "\(result)")
            let lease = try place.inspect(session)["leases"][0]
            #expect(lease["state"].text != "revoked", "\(behaviour): \(lease)")
            if behaviour == "impossible" { #expect(lease["state"].text == "expired-pending", "\(lease)") }
        }

        @Test func `a slow provider is waited for`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let result = try run(place, ["issue": "slow", "revoke": "slow", "probe": "slow"], timeLimit: 5)
            #expect(result.exit == 0, "\(result)")
            let session = try #require(result.session)
            #expect(try place.receipt(session)["leases"][0]["state"].text == "revoked")
        }

        @Test func `a provider that is not there is an error before anything starts`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            try place.configure("providers: {orders: {kind: command, command: [/no/such/provider]}}\n")
            let task = try place.boundedTask("echo started", credentials: Playground.orders)
            let result = try place.remit(["run", "-f", task], within: .seconds(40))
            #expect(result.exit == 125 || result.exit == 126, "\(result)")
            #expect(!result.text.contains("started") && result.errors.contains("/no/such/provider"), "\(result)")
        }

        @Test func `a provider nobody configured is refused, with a suggestion`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            try place.provider([:])
            let task = try place.boundedTask(
                "echo started",
                credentials: "credentials: [{name: a, provider: order, scope: {tables: [a]}, ttl: \(minute)}]"
            )
            let result = try place.remit("run", "-f", task)
            #expect(
                (result.exit == 64 || result.exit == 126) && result.errors.contains("`order`")
                    && result.errors.contains("`orders`"), "\(result)")
            #expect(place.sessions.isEmpty)
        }

        @Test func `a renewed lease goes on, one that cannot be renewed ends`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            try place.provider([:])
            let credentials = Playground.orders.replacing("ttl: \(minute)", with: "ttl: \(4 * patience)s")
            let task = try place.boundedTask("sleep \(5 * patience); echo x >report.json", credentials: credentials)
            let result = try place.remit("run", "-f", task)
            #expect(result.exit == 0, "\(result)")
            let operations = try place.providerRequests().compactMap { $0["operation"].text }
            #expect(operations.contains("renew"), "\(operations)")
        }

        @Test func `a supervisor killed while it waits for a provider leaves neither agent nor credential`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            try place.provider(["issue": "hang-after"], timeLimit: 20)
            let task = try place.boundedTask("echo started; sleep \(place.marker)", credentials: Playground.orders)
            let command = try place.start(["run", "-f", task, "--status-fd", "3"])
            #expect(eventually(within: .seconds(8)) { !Files.names(in: place.providerStore).isEmpty })
            let session = try command.session()
            try place.provider([:])
            command.signal(SIGKILL)
            let result = command.finish()
            #expect(!result.text.contains("started"))
            #expect(
                eventually(within: .seconds(8)) { Files.names(in: place.providerStore).isEmpty },
                "the credential is revoked by its name")
            let isOver = eventually(within: .seconds(8)) { ProcessTable.processes(marked: session).isEmpty }
            #expect(isOver && place.agents.isEmpty)
            let state = try place.inspect(session)["leases"][0]["state"].text ?? ""
            #expect(["void", "revoked"].contains(state), "\(state)")
            #expect(ProcessTable.processes(marked: place.providerMark).isEmpty, "the hanging program is gone as well")
        }

        @Test func `a process that the provider leaves behind does not hold up the session`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let result = try run(place, ["issue": "daemon"], timeLimit: 3)
            #expect(result.exit != nil, "\(result)")
            #expect(result.elapsed < .seconds(20).patient, "\(result)")
        }
    }
}

extension [UInt8] {
    /// Whether the bytes of a text occur in these.
    func containsText(_ text: String) -> Bool { firstRange(of: Array(text.utf8)) != nil }
}
