// SPDX-License-Identifier: Apache-2.0

import Glibc
import RemitTesting
import Testing

extension CLI {
    /// Credentials that exist at a provider and that no session holds.
    @Suite struct OrphanTests {
        private let names = ["remit_00000000000000000001", "remit_00000000000000000002"]

        /// A provider with two credentials that nothing tells of, and one that is not ours.
        private func place(_ behaviour: [String: String] = [:]) throws -> Playground {
            let place = try Playground()
            try place.provider(behaviour)
            for name in names + ["another_00000000000000000003"] {
                try place.write("", to: "\(place.providerStore)/\(name)")
            }
            return place
        }

        @Test func `what no session holds is told, and ends when it is named`() throws {
            let place = try place()
            defer { place.tearDown() }
            let told = try place.remit("orphans", "--format", "json")
            #expect(told.exit == 1, "\(told)")
            #expect(try told.json().list?.compactMap { $0["name"].text } == names)
            #expect(try told.json()[0]["state"].text == "live" && told.json()[0]["session"] == .null)
            #expect(Files.names(in: place.providerStore).count == 3)

            let one = try place.remit("orphans", "--revoke", names[0], "--format", "json")
            #expect(one.exit == 1, "\(one)")
            #expect(try one.json().list?.compactMap { $0["state"].text } == ["revoked", "live"])
            #expect(try Set(place.providerRequests().suffix(2).compactMap { $0["handle"].text }) == [names[0]])

            let rest = try place.remit("orphans", "--revoke-all")
            #expect(rest.exit == 0 && rest.text.contains(names[1]) && rest.text.contains("revoked"), "\(rest)")
            #expect(Files.names(in: place.providerStore) == ["another_00000000000000000003"])
            let none = try place.remit("orphans")
            #expect(none.exit == 0 && none.text.isEmpty, "\(none)")
        }

        @Test func `a session's own is none while it runs, and told with its session if it is there afterwards`() throws
        {
            let place = try Playground()
            defer { place.tearDown() }
            try place.provider([:])
            let task = try place.boundedTask(
                "touch ready; until [ -e go ]; do sleep 0.1; done; echo x >report.json", credentials: Playground.orders)
            let command = try place.start(["run", "-f", task, "--status-fd", "3"])
            #expect(eventually(within: .seconds(10)) { Files.exists(place.workspace + "/ready") })
            let during = try place.remit("orphans", "--revoke-all")
            #expect(during.exit == 0 && during.text.isEmpty, "\(during)")
            let name = try #require(Files.names(in: place.providerStore).first)
            try place.write("", to: place.workspace + "/go")
            let result = command.finish()
            #expect(result.exit == 0, "\(result)")
            #expect(try place.remit("orphans").exit == 0)

            // Somebody restored the server from a backup.
            try place.write("", to: "\(place.providerStore)/\(name)")
            let after = try place.remit("orphans", "--format", "json")
            #expect(try after.exit == 1 && after.json()[0]["session"].text == result.session, "\(after)")
            #expect(try place.remit("orphans", "--revoke-all").exit == 0)
            #expect(Files.names(in: place.providerStore).isEmpty)
        }

        @Test func `a name that is not among them ends nothing`() throws {
            let place = try place()
            defer { place.tearDown() }
            for other in ["remit_00000000000000000009", "another_00000000000000000003", "../remit", ""] {
                let result = try place.remit("orphans", "--revoke", names[0], "--revoke", other)
                #expect(result.exit == 64 && result.errors.contains("is called `\(other)`"), "\(result)")
            }
            #expect(Files.names(in: place.providerStore).count == 3)
        }

        @Test(arguments: [
            (["list": "refuse"], "not for you"), (["list": "garbage"], "reply"), (["list": "exit"], "status 3"),
            (["list": "hang"], "did not answer"),
        ])
        func `a provider that cannot be asked is not taken for one without orphans`(
            _ behaviour: [String: String], _ reason: String
        ) throws {
            let place = try place(behaviour)
            defer { place.tearDown() }
            let result = try place.remit("orphans", "--revoke-all")
            #expect(result.exit == 125 && result.errors.contains(reason), "\(result)")
            #expect(!result.errors.contains(place.secret), "\(result)")
            #expect(Files.names(in: place.providerStore).count == 3)
        }

        @Test(arguments: [(["revoke": "lie"], "still there"), (["probe": "impossible"], "nobody can say")])
        func `what is not verified gone is not called gone`(_ behaviour: [String: String], _ reason: String) throws {
            let place = try place(behaviour)
            defer { place.tearDown() }
            let result = try place.remit("orphans", "--revoke-all")
            #expect(result.exit == 1 && result.text.contains("failed") && result.text.contains(reason), "\(result)")
        }

        @Test func `while an unfinished session's journal cannot be read, nothing is called an orphan`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            try place.provider([:])
            let task = try place.boundedTask("touch ready; sleep \(place.marker)", credentials: Playground.orders)
            let command = try place.start(["run", "-f", task, "--status-fd", "3"])
            #expect(eventually(within: .seconds(10)) { Files.exists(place.workspace + "/ready") })
            let journal = "\(place.sessionDirectory(try command.session()))/journal.jsonl"
            let bytes = try #require(Files.bytes(journal))
            var changed = bytes
            changed[bytes.count / 2] ^= 1
            try place.write(changed, to: journal)
            let result = try place.remit("orphans", "--revoke-all")
            #expect(result.exit == 125 && result.errors.contains("is not known"), "\(result)")
            #expect(Files.names(in: place.providerStore).count == 1)
            command.signal(SIGTERM)
            _ = command.finish()
        }

        @Test func `a provider without lasting credentials is not asked`() throws {
            let place = try place()
            defer { place.tearDown() }
            let result = try place.remit("orphans", "--provider", "session-token")
            #expect(result.exit == 64 && result.errors.contains("orders"), "\(result)")
        }
    }
}

extension CLI.PostgresTests {
    @Test func `a role whose session's records are lost is found, and its open connection ends with it`() throws {
        let place = try Playground()
        let server = try PostgresCluster()
        defer {
            place.tearDown()
            server.tearDown()
        }
        try configure(place, server)
        let (command, _) = try startHolding(place)
        #expect(try eventually(within: .seconds(5)) { try server.leaseConnections() == 1 })
        #expect(try place.remit("orphans").exit == 0)
        let role = try #require(try server.leaseRoles().first)

        // As if the state directory had been lost.
        place.environment["REMIT_STATE_DIR"] = place.base + "/empty"
        let told = try place.remit("orphans")
        #expect(told.exit == 1 && told.text.contains(role), "\(told)")
        #expect(try server.leaseConnections() == 1)
        let ended = try place.remit("orphans", "--revoke", role)
        #expect(ended.exit == 0 && ended.text.contains("revoked"), "\(ended)")
        #expect(try server.leaseRoles() == [] && server.leaseConnections() == 0)
        place.environment["REMIT_STATE_DIR"] = place.state
        command.signal(SIGTERM)
        _ = command.finish(within: .seconds(30))
    }
}
