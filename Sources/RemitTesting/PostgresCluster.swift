// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Glibc

/// A PostgreSQL server of its own on a Unix socket, run by an ordinary user.
package final class PostgresCluster {
    /// The directory of the data and of the socket.
    package let base: String

    private let programs: String
    private let user: String?

    package var socket: String { base + "/.s.PGSQL.5432" }
    private var data: String { base + "/data" }

    /// Where initdb, pg_ctl and psql are; nil when PostgreSQL is not installed.
    package static let programs: String? = {
        let root = "/usr/lib/postgresql"
        let versions = Files.names(in: root).sorted { (Int($0) ?? 0) > (Int($1) ?? 0) }
        return versions.map { "\(root)/\($0)/bin" }.first { Files.isExecutable($0 + "/initdb") }
    }()

    /// Makes a cluster whose superuser is `operator`, trusted on the socket, and starts it.
    ///
    /// - Throws: ``TestingError`` with what PostgreSQL said.
    package init() throws {
        guard let programs = Self.programs else { throw TestingError("PostgreSQL is not installed") }
        self.programs = programs
        user = unsafe geteuid() == 0 ? (getpwnam("postgres") == nil ? "nobody" : "postgres") : nil
        var template = Array("/tmp/rmtpg.XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else { throw TestingError("mkdtemp: \(errorText(errno))") }
        base = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        try Files.setMode(base, 0o755)
        if let user { try expect(Self.run("/bin/chown", [user, base])) }
        try expect(
            asUser("initdb", ["-D", data, "-U", "operator", "--auth=trust", "--no-sync", "--no-locale", "-E", "UTF8"]))
        let rules = "local all operator trust\nlocal all all scram-sha-256\n"
        try Data(rules.utf8).write(to: URL(filePath: data + "/pg_hba.conf"))
        try start()
    }

    /// Starts the server, and returns when it answers.
    package func start() throws {
        let options = "-c listen_addresses='' -c unix_socket_directories='\(base)' -c fsync=off -c max_connections=30"
        try expect(asUser("pg_ctl", ["-D", data, "-o", options, "-l", base + "/log", "-w", "-t", "20", "start"]))
    }

    /// Stops the server without asking anybody.
    package func stop() throws {
        try expect(asUser("pg_ctl", ["-D", data, "-m", "immediate", "-w", "stop"]))
    }

    /// Stops the server and removes everything.
    package func tearDown() {
        try? stop()
        _ = try? Self.run("/bin/rm", ["-rf", "--", base])
    }

    /// Runs SQL as the operator.
    ///
    /// - Returns: the rows as text, columns separated by `|`.
    @discardableResult
    package func query(_ sql: String) throws -> String {
        let (status, output) = try Self.run(
            programs + "/psql",
            ["-X", "-At", "-v", "ON_ERROR_STOP=1", "-h", base, "-U", "operator", "-c", sql, "postgres"])
        guard status == .exited(0) else { throw TestingError("psql: \(output)") }
        return output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// The roles that leases made.
    package func leaseRoles() throws -> [String] {
        try query("select rolname from pg_roles where rolname like 'remit\\_%'").split(separator: "\n").map(String.init)
    }

    /// How many connections are open in the name of such roles.
    package func leaseConnections() throws -> Int {
        Int(try query("select count(*) from pg_stat_activity where usename like 'remit\\_%'")) ?? -1
    }

    private func asUser(_ program: String, _ arguments: [String]) throws -> (Termination?, String) {
        let path = programs + "/" + program
        guard let user else { return try Self.run(path, arguments) }
        return try Self.run("/usr/bin/setpriv", ["--reuid", user, "--regid", user, "--clear-groups", path] + arguments)
    }

    private static func run(_ path: String, _ arguments: [String]) throws -> (Termination?, String) {
        var template = Array("/tmp/rmtout.XXXXXX".utf8CString)
        let descriptor = unsafe mkstemp(&template)
        guard descriptor >= 0 else { throw TestingError("mkstemp: \(errorText(errno))") }
        close(descriptor)
        let file = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer { try? FileManager.default.removeItem(atPath: file) }
        var program = Program(
            path, arguments, environment: ["PATH": "/usr/bin:/bin", "LC_ALL": "C", "HOME": "/nonexistent"])
        program.streams = [0: .nothing, 1: .write(file), 2: .same(1)]
        let status = try program.start().wait(within: .seconds(60))
        return (status, Files.text(file) ?? "")
    }

    private func expect(_ result: (Termination?, String)) throws {
        guard result.0 == .exited(0) else { throw TestingError("PostgreSQL: \(result.1)") }
    }
}
