// SPDX-License-Identifier: Apache-2.0

import Foundation
import RemitKernel
import RemitLeases
import Testing

@Suite(
    .serialized,
    .enabled(if: PostgresServer.obstacle == nil, Comment(rawValue: PostgresServer.obstacle ?? ""))
)
struct PostgresProviderTests {
    let server: PostgresServer
    let provider: PostgresProvider
    let handle = "remit_" + Random.identifier(20)

    init() throws {
        signal(SIGPIPE, SIG_IGN)
        server = try PostgresServer.shared.get()
        provider = PostgresProvider(server)
    }

    @Test func `an issued role reads what it was granted and nothing else`() throws {
        let uri = try provider.issue(handle)
        #expect(try server.psql(uri, "SELECT total FROM orders").output == "42\n")
        #expect(try server.psql(uri, "SELECT * FROM salaries").errors.contains("permission denied for table salaries"))
        #expect(try server.psql(uri, "INSERT INTO orders VALUES (2)").errors.contains("permission denied"))
        #expect(try server.psql(uri, "CREATE ROLE x").errors.contains("permission denied"))
        #expect(
            try server.sql("SELECT shobj_description(oid, 'pg_authid') FROM pg_roles WHERE rolname = '\(handle)'")
                == "remit lease session=s1 task=fix-orders owner=alice@example.com")
        #expect(try server.sql("SELECT rolconnlimit FROM pg_roles WHERE rolname = '\(handle)'") == "3")
        #expect(try provider.finding(handle) == "present")
        #expect(try provider.outcome(provider.request(.revoke, handle)) == "ok")
        #expect(try provider.finding(handle) == "gone")
        #expect(try server.psql(uri, "SELECT 1").errors.contains("password authentication failed"))
    }

    @Test func `the password never reaches the server's log`() throws {
        try server.sql("ALTER SYSTEM SET log_statement = 'all'; SELECT pg_reload_conf()")
        usleep(200_000)
        let uri = try provider.issue(handle)
        let password = try #require(uri.split(separator: ":").last?.split(separator: "@").first.map(String.init))
        try server.sql("ALTER SYSTEM RESET log_statement; SELECT pg_reload_conf()")
        #expect(password.utf8.count == 43)
        #expect(server.log.contains("CREATE ROLE \"\(handle)\""))
        #expect(server.log.contains("SCRAM-SHA-256$"))
        #expect(!server.log.contains(password))
        #expect(try provider.outcome(provider.request(.revoke, handle)) == "ok")
    }

    @Test func `a session that did SET ROLE is cut at revoke`() throws {
        let uri = try provider.issue(handle, roles: [PostgresServer.group])
        let session = try OpenSession(uri)
        #expect(session.ask("SET ROLE \(PostgresServer.group); SELECT id FROM salaries;") == "7")
        #expect(try provider.outcome(provider.request(.revoke, handle)) == "ok")
        #expect(session.ask("SELECT id FROM salaries;") == nil)
        #expect(session.close().contains("terminating connection due to administrator command"))
        #expect(try provider.finding(handle) == "gone")
    }

    @Test func `an agent cannot hold up its own revocation with locks`() throws {
        let uri = try provider.issue(handle, privileges: ["SELECT", "INSERT"], roles: [PostgresServer.group])
        let session = try OpenSession(uri)
        let locks = "SELECT count(pg_advisory_lock(i)) FROM generate_series(0, 1000) i"
        let hash = "SELECT pg_advisory_lock(hashtextextended('\(handle)', 0)) IS NOT NULL"
        #expect(session.ask("BEGIN; LOCK TABLE orders IN ROW EXCLUSIVE MODE; \(hash);") == "t")
        #expect(session.ask("\(locks);") == "1001")
        let began = ContinuousClock.now
        #expect(try provider.outcome(provider.request(.revoke, handle)) == "ok")
        #expect(began.duration(to: .now) < .seconds(2))
        #expect(try provider.finding(handle) == "gone")
        _ = session.close()
    }

    @Test func `revoking twice and revoking what never was are both fine`() throws {
        _ = try provider.issue(handle)
        for _ in 0..<3 { #expect(try provider.outcome(provider.request(.revoke, handle)) == "ok") }
        #expect(try provider.outcome(provider.request(.revoke, "remit_neverissued0000")) == "ok")
        #expect(try provider.finding("remit_neverissued0000") == "gone")
    }

    @Test func `a renewal moves the expiry, and one after the revocation is gone`() throws {
        _ = try provider.issue(handle)
        let query = "SELECT rolvaliduntil > now() + interval '9 minutes' FROM pg_roles WHERE rolname = '\(handle)'"
        #expect(try server.sql(query) == "f")
        #expect(try provider.outcome(provider.request(.renew, handle, lasting: 600)) == "ok")
        #expect(try server.sql(query) == "t")
        #expect(try provider.outcome(provider.request(.revoke, handle)) == "ok")
        #expect(try provider.outcome(provider.request(.renew, handle)).hasPrefix("gone: "))
    }

    @Test func `what a role made is dropped with it, here and in other databases`() throws {
        let uri = try provider.issue(handle, roles: [PostgresServer.group])
        #expect(
            try server.psql(uri, "CREATE TABLE work.mine (id int); GRANT SELECT ON work.mine TO public").status == 0)
        try server.sql(
            "CREATE TABLE public.theirs (id int); ALTER TABLE theirs OWNER TO \"\(handle)\"", database: "other")
        #expect(try provider.outcome(provider.request(.revoke, handle)) == "ok")
        #expect(try server.sql("SELECT to_regclass('work.mine') IS NULL") == "t")
        #expect(try server.sql("SELECT to_regclass('theirs') IS NULL", database: "other") == "t")
        #expect(try provider.finding(handle) == "gone")
    }

    @Test func `what others built on is kept and the role goes all the same`() throws {
        let uri = try provider.issue(handle, roles: [PostgresServer.group])
        #expect(try server.psql(uri, "CREATE TABLE work.base (id int)").status == 0)
        try server.sql("CREATE VIEW work.built AS SELECT * FROM work.base")
        #expect(try provider.outcome(provider.request(.revoke, handle)) == "ok")
        #expect(try server.sql("SELECT count(*) FROM work.built") == "0")
        #expect(try provider.finding(handle) == "gone")
        try server.sql("DROP TABLE work.base CASCADE")
    }

    @Test func `a prepared transaction is rolled back`() throws {
        var admin = provider
        admin.connection = "host=\(server.folder) dbname=postgres user=\(PostgresServer.superuser)"
        let uri = try admin.issue(handle, privileges: ["INSERT"])
        #expect(try server.psql(uri, "BEGIN; INSERT INTO orders VALUES (9); PREPARE TRANSACTION 'p''1'").status == 0)
        #expect(try admin.outcome(admin.request(.revoke, handle)) == "ok")
        #expect(try server.sql("SELECT count(*) FROM pg_prepared_xacts") == "0")
        #expect(try admin.finding(handle) == "gone")
    }

    @Test(arguments: [
        ("salaries", "SELECT", "permanent: table `salaries` is not allowed"),
        ("orders", "SELECT", "permanent: table `orders` is in several schemas; write `schema.table`"),
        ("sales.orders", "INSERT", "permanent: `INSERT` on `sales.orders` is not allowed"),
        ("public.orders", "DELETE", "permanent: `DELETE` on `public.orders` is not allowed"),
        ("public.orders", "ALL", "permanent: `ALL` is not a privilege on tables"),
        (
            "orders\"; DROP TABLE orders; --", "SELECT",
            "permanent: table `orders\"; DROP TABLE orders; --` is not allowed"
        ),
        (
            "public.orders", "SELECT ON orders TO x; --",
            "permanent: `SELECT ON orders TO x; --` is not a privilege on tables"
        ),
    ])
    func `what the operator did not allow is refused by name`(table: String, privilege: String, outcome: String) throws
    {
        #expect(
            try provider.outcome(provider.request(.issue, handle, tables: [table], privileges: [privilege])) == outcome)
        #expect(try provider.finding(handle) == "gone")
    }

    @Test func `a role the operator did not allow is refused`() throws {
        let request = try provider.request(.issue, handle, roles: ["pg_read_all_data"])
        #expect(try provider.outcome(request) == "permanent: membership in `pg_read_all_data` is not allowed")
    }

    @Test func `a table with a hostile name is quoted`() throws {
        let uri = try provider.issue(handle, tables: [#"Odd "name" ü"#])
        #expect(try server.psql(uri, #"SELECT count(*) FROM "Odd ""name"" ü""#).output == "0\n")
        #expect(try provider.outcome(provider.request(.revoke, handle)) == "ok")
    }

    @Test func `a name beyond 63 bytes is refused, not cut off`() throws {
        var long = provider
        let name = "orders" + String(repeating: "x", count: 60)
        long.grants = [PostgresProvider.grant("public", [name], ["SELECT"])]
        let outcome = try long.outcome(long.request(.issue, handle, tables: [name]))
        #expect(outcome.hasPrefix("permanent: `orders") && outcome.hasSuffix("cannot be a name"))
        #expect(try provider.finding(handle) == "gone")
    }

    @Test func `only the granted columns can be read`() throws {
        var narrow = provider
        narrow.grants = [PostgresProvider.grant("public", ["orders"], ["SELECT"], columns: ["id", "total"])]
        let uri = try narrow.issue(handle)
        #expect(try server.psql(uri, "SELECT id, total FROM orders").output == "1|42\n")
        #expect(try server.psql(uri, "SELECT note FROM orders").errors.contains("permission denied"))
        #expect(try provider.outcome(provider.request(.revoke, handle)) == "ok")
    }

    @Test func `a privilege that the operator's role may not grant fails instead of warning`() throws {
        var beyond = provider
        beyond.grants = [PostgresProvider.grant("public", ["locked"], ["SELECT"])]
        let outcome = try beyond.outcome(beyond.request(.issue, handle, tables: ["locked"]))
        #expect(outcome.hasPrefix("permanent: "))
        #expect(try provider.finding(handle) == "gone")
    }

    @Test(arguments: [
        "postgres", "remit_", "remit_short", "remit_UPPERCASE0000", "remit_\"; DROP ROLE boot; --",
        "remit_ünicode00000",
        "remit_" + String(repeating: "a", count: 58), "keymaster", "remit_a b c d e f g h",
    ])
    func `a handle that is not ours is refused`(handle: String) throws {
        for operation in [ProviderRequest.Operation.issue, .renew, .revoke, .probe] {
            #expect(try provider.outcome(provider.request(operation, handle)).hasSuffix("is not the name of a lease"))
        }
    }

    @Test func `the longest handle is one role`() throws {
        let long = "remit_" + String(repeating: "a", count: 57)
        _ = try provider.issue(long)
        #expect(try server.sql("SELECT count(*) FROM pg_roles WHERE rolname = '\(long)'") == "1")
        #expect(try provider.outcome(provider.request(.revoke, long)) == "ok")
    }

    @Test func `a role with such a name that is not a lease is left alone`() throws {
        try server.sql("CREATE ROLE remit_somebodyelse LOGIN")
        let outcome = try provider.outcome(provider.request(.revoke, "remit_somebodyelse"))
        #expect(outcome == "permanent: role `remit_somebodyelse` is not one of Remit's leases")
        #expect(try server.sql("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'remit_somebodyelse'") == "t")
        #expect(try provider.call(provider.request(.list, "remit_"))["handles"] == .list([]))
        try server.sql("DROP ROLE remit_somebodyelse")
    }

    @Test func `the sweep lists our roles`() throws {
        _ = try provider.issue(handle)
        #expect(try provider.call(provider.request(.list, "remit_"))["handles"] == .list([.string(handle)]))
        #expect(try provider.outcome(provider.request(.revoke, handle)) == "ok")
    }

    @Test func `issuing twice under one name does not make the lease void`() throws {
        _ = try provider.issue(handle)
        #expect(try provider.outcome(provider.request(.issue, handle)).hasPrefix("transient: "))
        #expect(try provider.outcome(provider.request(.revoke, handle)) == "ok")
    }

    @Test func `a wrong password of the operator's role is our own refused access`() throws {
        var wrong = provider
        wrong.connection = "host=\(server.folder) dbname=postgres user=keymaster password=wrong-password"
        let outcome = try wrong.outcome(wrong.request(.issue, handle))
        #expect(outcome.hasPrefix("auth: cannot connect"))
        #expect(!outcome.contains("wrong-password"))
        wrong.connection = "host=\(server.folder) dbname=postgres user=keymaster"
        #expect(try wrong.outcome(wrong.request(.probe, handle)).hasPrefix("auth: "))
    }

    @Test func `a broken connection string is permanent and not repeated`() throws {
        var wrong = provider
        wrong.connection = "host=x password='p4ss-not-closed"
        #expect(
            try wrong.outcome(wrong.request(.issue, handle)) == "permanent: `connection` is not a connection string")
    }

    @Test func `a missing database is permanent and a missing server transient`() throws {
        var wrong = provider
        wrong.connection = provider.connection.replacingOccurrences(of: "dbname=postgres", with: "dbname=nosuch")
        #expect(try wrong.outcome(wrong.request(.issue, handle)).hasPrefix("permanent: "))
        wrong.connection = "host=/nonexistent user=x"
        #expect(try wrong.outcome(wrong.request(.issue, handle)).hasPrefix("transient: "))
    }

    @Test func `a mistyped setting is refused`() throws {
        let request = try provider.request(.issue, handle).replacingOccurrences(
            of: "connectionLimit", with: "conectionLimit")
        #expect(try provider.outcome(request) == "permanent: the settings have an unknown key `conectionLimit`")
    }

    @Test(arguments: ["", "[]", "{", #"{"protocol":"remit-provider/v1","operation":"explode"}"#])
    func `what is not a request is refused`(request: String) throws {
        #expect(try provider.outcome(request).hasPrefix("permanent: "))
    }

    @Test func `a stopped server is transient and the revocation succeeds after it returns`() throws {
        _ = try provider.issue(handle)
        try server.stop()
        #expect(try provider.outcome(provider.request(.revoke, handle)).hasPrefix("transient: "))
        #expect(try provider.outcome(provider.request(.probe, handle)).hasPrefix("transient: "))
        try server.start()
        #expect(try provider.finding(handle) == "present")
        #expect(try provider.outcome(provider.request(.revoke, handle)) == "ok")
        #expect(try provider.finding(handle) == "gone")
    }

    @Test func `a program killed while issuing leaves nothing after revoke and probe`() throws {
        var present = 0
        // As long as one takes here and now, and half as long again: both ends are hit, however busy the machine is.
        let begin = ContinuousClock.now
        _ = try provider.issue(handle)
        let window = UInt32(max(1000, (ContinuousClock.now - begin) * 1.5 / .microseconds(1)))
        #expect(try provider.outcome(provider.request(.revoke, handle)) == "ok")
        for _ in 0..<50 {
            let handle = "remit_" + Random.identifier(20)
            let (process, pipes) = try Programs.start([PostgresProvider.program ?? ""])
            try pipes[0].fileHandleForWriting.write(contentsOf: Data(provider.request(.issue, handle).utf8))
            try pipes[0].fileHandleForWriting.close()
            usleep(UInt32.random(in: 0...window))
            kill(process.processIdentifier, SIGKILL)
            if try provider.finding(handle) == "present" { present += 1 }
            #expect(try provider.outcome(provider.request(.revoke, handle)) == "ok")
            #expect(try provider.finding(handle) == "gone")
            process.waitUntilExit()
        }
        #expect(try server.sql("SELECT count(*) FROM pg_roles WHERE rolname LIKE 'remit%'") == "0")
        // Were it always one or never, the moments would not have been random.
        #expect(present > 0 && present < 50, "present \(present) of 50 times")
    }

    @Test func `revoking waits for an issue that has not committed`() throws {
        let creator = try OpenSession("host=\(server.folder) user=boot dbname=postgres")
        let create = "CREATE ROLE \"\(handle)\" LOGIN; COMMENT ON ROLE \"\(handle)\" IS 'remit lease x'"
        #expect(creator.ask("BEGIN; \(create); SELECT 1;") == "1")
        let (revoke, pipes) = try Programs.start([PostgresProvider.program ?? ""])
        try pipes[0].fileHandleForWriting.write(contentsOf: Data(provider.request(.revoke, handle).utf8))
        try pipes[0].fileHandleForWriting.close()
        usleep(500_000)
        #expect(revoke.isRunning)
        #expect(creator.ask("COMMIT; SELECT 2;") == "2")
        revoke.waitUntilExit()
        #expect(try provider.finding(handle) == "gone")
        _ = creator.close()
    }

    @Test func `told to stop, it cancels at the server and says so`() throws {
        let creator = try OpenSession("host=\(server.folder) user=boot dbname=postgres")
        #expect(creator.ask("BEGIN; CREATE ROLE \"\(handle)\"; SELECT 1;") == "1")
        let (issue, pipes) = try Programs.start([PostgresProvider.program ?? ""])
        try pipes[0].fileHandleForWriting.write(contentsOf: Data(provider.request(.issue, handle).utf8))
        try pipes[0].fileHandleForWriting.close()
        usleep(500_000)
        #expect(issue.isRunning)
        kill(issue.processIdentifier, SIGTERM)
        let output = String(decoding: pipes[1].fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        issue.waitUntilExit()
        #expect(output.contains("told to stop") && output.contains(#""class":"transient""#))
        #expect(try server.sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'") == "0")
        #expect(creator.ask("ROLLBACK; SELECT 2;") == "2")
        _ = creator.close()
    }

    @Test func `issues and revocations at the same time do not fail each other`() async throws {
        let provider = provider
        let handles = (0..<12).map { _ in "remit_" + Random.identifier(20) }
        let issue = try handles.map { try provider.request(.issue, $0) }
        let revoke = try handles.map { try provider.request(.revoke, $0) }
        try await withThrowingTaskGroup(of: String.self) { group in
            for (issue, revoke) in zip(issue, revoke) {
                group.addTask { try provider.outcome(issue) + ", " + provider.outcome(revoke) }
            }
            for try await outcome in group { #expect(outcome == "ok, ok") }
        }
        #expect(try server.sql("SELECT count(*) FROM pg_roles WHERE rolname LIKE 'remit%'") == "0")
    }
}
