// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import RemitTesting
import Testing

extension CLI {
    /// Leases on a real PostgreSQL server.
    @Suite(
        .enabled(if: PostgresCluster.programs != nil, "no PostgreSQL server (postgresql)"),
        .enabled(if: hasPostgresProvider, "no remit-provider-postgres beside the binary")
    )
    struct PostgresTests {
        func configure(_ place: Playground, _ server: PostgresCluster) throws {
            try server.query(
                "create table orders(id int, total numeric); insert into orders values (1, 10), (2, 32);"
                    + "create table salaries(name text); create role reporting nologin; grant select on orders to reporting"
            )
            try place.configure(
                """
                sockets:
                  orders-postgres: {path: \(server.socket), target: /run/remit/sockets/.s.PGSQL.5432}
                providers:
                  orders:
                    kind: postgres
                    settings:
                      connection: "host=\(server.base) user=operator dbname=postgres connect_timeout=2"
                      grants: [{schema: public, tables: [orders], privileges: [SELECT]}]
                      roles: [reporting]
                      clientConnection: {host: /run/remit/sockets, dbname: postgres}
                    timeLimit: 5s
                    maximumTTL: 5m

                """
            )
        }

        private func task(
            _ place: Playground, _ script: String, scope: String = "{tables: [orders], privileges: [SELECT]}"
        ) throws -> String {
            let psql = (PostgresCluster.programs ?? "") + "/psql"
            return try place.boundedTask(
                "PSQL='\(psql) -X -At'; URL=$(cat $REMIT_CREDENTIALS/orders-db); \(script)",
                credentials:
                    "credentials: [{name: orders-db, provider: orders, scope: \(scope), ttl: 2m}]\nsockets: [orders-postgres]"
            )
        }

        /// A session whose agent sits in an open connection.
        func startHolding(_ place: Playground) throws -> (command: RunningCommand, session: String) {
            let script =
                "echo $URL >url.part; mv url.part url; echo x >report.json; "
                + "$PSQL \"$URL\" -c 'select sum(total) from orders; select pg_sleep(600)' & sleep \(place.marker)"
            let command = try place.start(["run", "-f", try task(place, script), "--status-fd", "3"])
            try command.waitForEvent("started")
            #expect(eventually(within: .seconds(5)) { Files.exists(place.workspace + "/url") })
            return (command, try command.session())
        }

        @Test func `the agent has what the task asked for and no more, and afterwards nothing`() throws {
            let place = try Playground()
            let server = try PostgresCluster()
            defer {
                place.tearDown()
                server.tearDown()
            }
            try configure(place, server)
            let script =
                "$PSQL \"$URL\" -c 'select sum(total) from orders'; $PSQL \"$URL\" -c 'select * from salaries' && echo leaked; "
                + "$PSQL \"$URL\" -c 'delete from orders' && echo deleted; $PSQL \"$URL\" -c 'create role x' && echo created; "
                + "$PSQL \"$URL\" -c 'set role reporting' && echo became; echo $URL >url; echo x >report.json"
            let result = try place.remit("run", "-f", try task(place, script), "--status-fd", "3")
            #expect(result.exit == 0 && result.text == "42\n", "\(result)")
            #expect(try server.leaseRoles() == [])
            let session = try #require(result.session)
            let lease = try place.receipt(session)["leases"][0]
            #expect(lease["state"].text == "revoked" && lease["verifiedBy"].text == "probe", "\(lease)")
            let password = try #require(
                Files.text(place.workspace + "/url")?.split(separator: ":")[2].split(separator: "@").first)
            let leaks = Files.all(below: place.state).filter { (Files.bytes($0) ?? []).containsText(String(password)) }
            #expect(leaks.isEmpty)
        }

        @Test func `the supervisor killed: no process in a second, no role in five, and the books are right`() throws {
            let place = try Playground()
            let server = try PostgresCluster()
            defer {
                place.tearDown()
                server.tearDown()
            }
            try configure(place, server)
            let (command, session) = try startHolding(place)
            #expect(try eventually(within: .seconds(5)) { try server.leaseConnections() == 1 })
            command.signal(SIGKILL)
            _ = command.finish()
            #expect(eventually(within: .seconds(1)) { place.agents.isEmpty }, "\(place.agents)")
            #expect(
                try eventually(within: .seconds(5)) { try server.leaseRoles() == [] }, "\(try? server.leaseRoles())")
            #expect(try server.leaseConnections() == 0)
            #expect(
                try eventually(within: .seconds(5)) { try place.listed(session)["reason"].text == "supervisor-lost" })
            #expect(eventually(within: .seconds(5)) { ProcessTable.processes(marked: session).isEmpty })
            #expect(try place.remit("journal", "verify", session).exit == 0)
            #expect(try place.receipt(session)["leases"][0]["state"].text == "revoked")
        }

        @Test func `the server gone: the agent is dead at once, the lease is open until the server is back`() throws {
            let place = try Playground()
            let server = try PostgresCluster()
            defer {
                place.tearDown()
                server.tearDown()
            }
            try configure(place, server)
            let (command, session) = try startHolding(place)
            try server.stop()
            let began = ContinuousClock.now
            command.signal(SIGTERM)
            try command.waitForEvent("dead", within: .seconds(2))
            #expect(place.agents.isEmpty, "\(place.agents)")
            #expect(began.duration(to: .now) < Duration.seconds(2).patient)
            let result = command.finish(within: .seconds(60))
            #expect(result.exit != nil, "\(result)")
            let open = try place.inspect(session)
            #expect(open["leases"][0]["state"].text == "revoking", "\(open)")
            try server.start()
            #expect(try server.leaseRoles().count == 1)
            let reap = try place.remit(["reap"], within: .seconds(30))
            #expect(reap.exit == 0, "\(reap)")
            #expect(try server.leaseRoles() == [])
            let lease = try place.receipt(session)["leases"][0]
            #expect(lease["state"].text == "revoked" && lease["verifiedBy"].text == "probe", "\(lease)")
            #expect(try place.receipt(session)["reason"].text == "killed")
            #expect(try place.remit("journal", "verify", session).exit == 0)
            #expect(try place.remit("receipt", "verify", session).exit == 0)
        }

        @Test func `a connection that took another role is cut`() throws {
            let place = try Playground()
            let server = try PostgresCluster()
            defer {
                place.tearDown()
                server.tearDown()
            }
            try configure(place, server)
            let script = "echo $URL >url.part; mv url.part url; echo x >report.json; sleep \(place.marker)"
            let file = try task(place, script, scope: "{tables: [orders], privileges: [SELECT], roles: [reporting]}")
            let command = try place.start(["run", "-f", file, "--status-fd", "3"])
            try command.waitForEvent("started")
            #expect(eventually(within: .seconds(5)) { Files.exists(place.workspace + "/url") })
            // The credential got out: an accomplice on the host uses it, and no kill of the session's reaches that.
            let url = (Files.text(place.workspace + "/url") ?? "").trimmingCharacters(in: .whitespacesAndNewlines)
                .replacing("%2Frun%2Fremit%2Fsockets", with: server.base.replacing("/", with: "%2F"))
            var accomplice = Program(
                (PostgresCluster.programs ?? "") + "/psql",
                [
                    "-X", "-At", url, "-c", "set role reporting", "-c", "select current_user", "-c",
                    "select pg_sleep(600)",
                ],
                environment: ["HOME": place.home]
            )
            accomplice.streams[1] = .write(place.base + "/accomplice")
            accomplice.streams[2] = .same(1)
            let child = try accomplice.start()
            defer {
                child.signal(SIGKILL)
                _ = child.wait(within: .seconds(1))
            }
            let isIn = eventually(within: .seconds(5)) {
                Files.text(place.base + "/accomplice")?.contains("reporting") == true
            }
            #expect(isIn, "\(Files.text(place.base + "/accomplice") ?? "nothing")")
            command.signal(SIGTERM)
            let result = command.finish(within: .seconds(20))
            #expect(result.exit != nil, "\(result)")
            #expect(child.wait(within: .seconds(2)).map { $0 != .exited(0) } == true, "the connection is cut")
            #expect(try server.leaseRoles() == [] && server.leaseConnections() == 0)
            let session = try command.session()
            #expect(try place.receipt(session)["leases"][0]["state"].text == "revoked")
        }

        @Test(arguments: [
            "{tables: [salaries], privileges: [SELECT]}", "{tables: [orders], privileges: [DELETE]}",
            "{tables: [orders], privileges: [\"SELECT on salaries to public; --\"]}",
            "{tables: [\"orders; drop table orders\"], privileges: [SELECT]}", "{roles: [operator]}",
            "{databases: [x]}",
        ])
        func `what the operator does not grant is refused before the agent starts`(scope: String) throws {
            let place = try Playground()
            let server = try PostgresCluster()
            defer {
                place.tearDown()
                server.tearDown()
            }
            try configure(place, server)
            let result = try place.remit("run", "-f", try task(place, "echo started", scope: scope))
            #expect(result.exit == 125 || result.exit == 126, "\(result)")
            #expect(!result.text.contains("started"), "\(result)")
            #expect(try server.leaseRoles() == [])
            #expect(try server.query("select count(*) from orders") == "2")
        }
    }
}

/// Whether the program for PostgreSQL is where the binary looks for it.
let hasPostgresProvider: Bool = {
    let directory = URL(filePath: Playground.binary).deletingLastPathComponent().path
    return Files.isExecutable(directory + "/remit-provider-postgres")
        || Files.isExecutable(directory + "/../libexec/remit/remit-provider-postgres")
}()
