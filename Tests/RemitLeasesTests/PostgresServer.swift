// SPDX-License-Identifier: Apache-2.0
// A private PostgreSQL cluster in a temporary folder, reachable only through its socket.

import Foundation
import Synchronization

/// A program's ending.
struct Ended {
    let status: Int32
    let output: String
    let errors: String
}

/// Runs programs to their end.
enum Programs {
    @discardableResult
    static func run(
        _ arguments: [String],
        environment: [String: String] = [:],
        input: String = ""
    ) throws -> Ended {
        let (process, pipes) = try start(arguments, environment: environment)
        try pipes[0].fileHandleForWriting.write(contentsOf: Data(input.utf8))
        try pipes[0].fileHandleForWriting.close()
        let output = pipes[1].fileHandleForReading.readDataToEndOfFile()
        let errors = pipes[2].fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return Ended(
            status: process.terminationStatus, output: String(decoding: output, as: UTF8.self),
            errors: String(decoding: errors, as: UTF8.self)
        )
    }

    static func start(_ arguments: [String], environment: [String: String] = [:]) throws -> (Process, [Pipe]) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: arguments[0])
        process.arguments = Array(arguments.dropFirst())
        process.environment = environment
        let pipes = [Pipe(), Pipe(), Pipe()]
        (process.standardInput, process.standardOutput, process.standardError) = (pipes[0], pipes[1], pipes[2])
        try process.run()
        return (process, pipes)
    }
}

/// The cluster that all tests of one run share; it is stopped and removed when the run ends.
final class PostgresServer: Sendable {
    static let programs = "/usr/lib/postgresql/15/bin"
    /// The superuser, trusted; the operator's role with CREATEROLE and a password; a group that leases may join.
    static let superuser = "boot", operatorRole = "keymaster", operatorPassword = "pw-of-keymaster", group = "ro_orders"

    let folder: String

    /// Why there can be no server here; nil when there can.
    static let obstacle: String? = {
        guard FileManager.default.isExecutableFile(atPath: programs + "/postgres") else {
            return "PostgreSQL 15 is not installed (\(programs))"
        }
        guard PostgresProvider.program != nil else { return "remit-provider-postgres is not built" }
        if geteuid() == 0, (try? Programs.run(["/usr/bin/getent", "passwd", "postgres"]))?.status != 0 {
            return "there is no user `postgres` to run the server as"
        }
        return nil
    }()

    static let shared: Result<PostgresServer, any Error> = Result { try PostgresServer() }

    private init() throws {
        folder = "/tmp/remit-postgres-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        if geteuid() == 0 { try Programs.run(["/bin/chown", "postgres", folder]) }
        serverToRemove.withLock { [folder] in $0 = folder }
        atexit { PostgresServer.remove() }
        try asServer(["initdb", "-D", data, "-A", "trust", "--no-sync", "-U", Self.superuser])
        let rules = "local all \(Self.superuser) trust\nlocal all all scram-sha-256\n"
        try write(rules, to: data + "/pg_hba.conf")
        try start()
        try sql(
            """
            CREATE ROLE \(Self.operatorRole) LOGIN CREATEROLE PASSWORD '\(Self.operatorPassword)';
            CREATE ROLE \(Self.group) NOLOGIN; GRANT \(Self.group) TO \(Self.operatorRole) WITH ADMIN OPTION;
            CREATE TABLE orders (id int, total int, note text); INSERT INTO orders VALUES (1, 42, 'hello');
            CREATE TABLE salaries (id int); INSERT INTO salaries VALUES (7);
            CREATE TABLE "Odd ""name"" ü" (id int);
            CREATE SCHEMA sales; CREATE TABLE sales.orders (id int);
            GRANT USAGE ON SCHEMA public, sales TO \(Self.operatorRole) WITH GRANT OPTION;
            GRANT ALL ON ALL TABLES IN SCHEMA public, sales TO \(Self.operatorRole) WITH GRANT OPTION;
            CREATE SCHEMA work; GRANT ALL ON SCHEMA work TO \(Self.group); GRANT SELECT ON salaries TO \(Self.group);
            CREATE TABLE locked (id int);
            CREATE DATABASE other;
            """
        )
    }

    var data: String { folder + "/data" }

    func start() throws {
        let options = "-k \(folder) -c listen_addresses='' -c fsync=off -c max_prepared_transactions=5"
        try asServer(["pg_ctl", "-D", data, "-w", "-l", folder + "/log", "-o", options, "start"])
    }

    func stop() throws { try asServer(["pg_ctl", "-D", data, "-w", "-m", "fast", "stop"]) }

    var log: String { (try? String(contentsOfFile: folder + "/log", encoding: .utf8)) ?? "" }

    /// Runs statements as the superuser; rows as lines, columns divided by `|`.
    @discardableResult
    func sql(_ statements: String, database: String = "postgres") throws -> String {
        let ended = try psql("host=\(folder) user=\(Self.superuser) dbname=\(database)", statements)
        guard ended.status == 0 else { throw ServerError(text: ended.errors) }
        return ended.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    func psql(_ connection: String, _ statements: String) throws -> Ended {
        try Programs.run(Self.psqlArguments(connection), input: statements)
    }

    static func psqlArguments(_ connection: String) -> [String] {
        ["\(programs)/psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", connection]
    }

    private func asServer(_ arguments: [String]) throws {
        var line = ["\(Self.programs)/\(arguments[0])"] + arguments.dropFirst()
        if geteuid() == 0 { line = ["/usr/sbin/runuser", "-u", "postgres", "--"] + line }
        // pg_ctl leaves the server behind, which must not hold what Process waits for: our pipes and its own socket.
        let quoted = line.map { "'" + $0.replacingOccurrences(of: "'", with: "'\\''") + "'" }.joined(separator: " ")
        let output = folder + "/output"
        let closing = "for f in /proc/self/fd/*; do n=${f##*/}; [ $n -gt 2 ] && eval \"exec $n>&-\"; done"
        let command = "cd /; ( \(closing); exec \(quoted) > \(output) 2>&1 < /dev/null )"
        let ended = try Programs.run(["/bin/bash", "-c", command], environment: ["PATH": "/usr/bin:/bin:/usr/sbin"])
        let said = (try? String(contentsOfFile: output, encoding: .utf8)) ?? ""
        guard ended.status == 0 else { throw ServerError(text: said + ended.errors) }
    }

    private func write(_ text: String, to path: String) throws {
        let file = FileHandle(forWritingAtPath: path)
        try file?.truncate(atOffset: 0)
        try file?.write(contentsOf: Data(text.utf8))
        try file?.close()
    }

    private static func remove() {
        guard let folder = serverToRemove.withLock({ $0 }) else { return }
        let first = (try? String(contentsOfFile: folder + "/data/postmaster.pid", encoding: .utf8))?.split(
            separator: "\n"
        ).first
        if let pid = first.flatMap({ pid_t($0) }) {
            kill(pid, SIGQUIT)
            for _ in 0..<100 where kill(pid, 0) == 0 { usleep(20_000) }
        }
        try? FileManager.default.removeItem(atPath: folder)
    }
}

private let serverToRemove = Mutex<String?>(nil)

struct ServerError: Error, CustomStringConvertible {
    let text: String
    var description: String { text }
}
