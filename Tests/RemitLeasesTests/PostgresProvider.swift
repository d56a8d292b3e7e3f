// SPDX-License-Identifier: Apache-2.0

import Foundation
import RemitLeases

/// Calls of the built program against the private server.
struct PostgresProvider {
    let server: PostgresServer
    var connection: String
    var grants: [ProviderValue] = [
        Self.grant("public", ["orders", #"Odd "name" ü"#], ["SELECT", "INSERT"]),
        Self.grant("sales", ["orders"], ["SELECT"]),
    ]

    /// `REMIT_PROVIDER_POSTGRES`, or the program beside the tests.
    static let program: String? = {
        let tests = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent().path
        let bundle = CommandLine.arguments.firstIndex(of: "--test-bundle-path").map { CommandLine.arguments[$0 + 1] }
        let folders = [tests] + (bundle.map { [URL(fileURLWithPath: $0).deletingLastPathComponent().path] } ?? [])
        let candidates =
            [ProcessInfo.processInfo.environment["REMIT_PROVIDER_POSTGRES"]].compactMap { $0 }
            + folders.map { $0 + "/remit-provider-postgres" }
        return candidates.first { FileManager.default.isExecutableFile(atPath: $0) }
    }()

    init(_ server: PostgresServer) {
        self.server = server
        let (role, password) = (PostgresServer.operatorRole, PostgresServer.operatorPassword)
        connection = "host=\(server.folder) dbname=postgres user=\(role) password=\(password)"
    }

    static func grant(
        _ schema: String, _ tables: [String], _ privileges: [String], columns: [String]? = nil
    ) -> ProviderValue {
        var grant: [String: ProviderValue] = [
            "schema": .string(schema), "tables": .list(tables.map { .string($0) }),
            "privileges": .list(privileges.map { .string($0) }),
        ]
        grant["columns"] = columns.map { .list($0.map { .string($0) }) }
        return .map(grant)
    }

    var settings: ProviderValue {
        .map([
            "connection": .string(connection), "grants": .list(grants),
            "roles": .list([.string(PostgresServer.group)]), "connectionLimit": .integer(3),
        ])
    }

    func request(
        _ operation: ProviderRequest.Operation,
        _ handle: String,
        tables: [String] = ["public.orders"],
        privileges: [String] = ["SELECT"],
        roles: [String]? = nil,
        lasting seconds: TimeInterval = 120
    ) throws -> String {
        var scope: [String: ProviderValue] = [:]
        if !tables.isEmpty {
            scope["tables"] = .list(tables.map { .string($0) })
            scope["privileges"] = .list(privileges.map { .string($0) })
        }
        scope["roles"] = roles.map { .list($0.map { .string($0) }) }
        let end = Date().addingTimeInterval(seconds).formatted(.iso8601)
        let request = ProviderRequest(
            operation: operation, instance: "orders", settings: settings, handle: handle, session: "s1",
            task: "fix-orders", owner: "alice@example.com", scope: scope, notAfter: end, ttlSeconds: 120, epoch: 1
        )
        return String(decoding: try request.json(), as: UTF8.self)
    }

    /// The reply's fields.
    func call(_ request: String) throws -> [String: ProviderValue] {
        let ended = try Programs.run([Self.program ?? ""], input: request)
        guard ended.status == 0, case .map(let reply) = try ProviderValue.parse(Array(ended.output.utf8)) else {
            throw ServerError(text: "status \(ended.status): \(ended.output)\(ended.errors)")
        }
        return reply
    }

    func issue(
        _ handle: String, tables: [String] = ["public.orders"], privileges: [String] = ["SELECT"],
        roles: [String]? = nil
    ) throws -> String {
        let reply = try call(request(.issue, handle, tables: tables, privileges: privileges, roles: roles))
        guard let content = reply["content"]?.string else { throw ServerError(text: "\(reply)") }
        return content
    }

    /// `class: message` of a failed call, or `ok`.
    func outcome(_ request: String) throws -> String {
        let reply = try call(request)
        if reply["ok"] == .bool(true) { return "ok" }
        return "\(reply["class"]?.string ?? "?"): \(reply["message"]?.string ?? "?")"
    }

    func finding(_ handle: String) throws -> String {
        let reply = try call(request(.probe, handle))
        return reply["finding"]?.string ?? "\(reply)"
    }
}

/// A session that stays open, driven line by line.
final class OpenSession {
    private let process: Process
    private let pipes: [Pipe]

    init(_ uri: String) throws {
        (process, pipes) = try Programs.start(PostgresServer.psqlArguments(uri))
    }

    /// Sends a statement that returns one row, and waits for that row; nil when the session has ended.
    func ask(_ statement: String) -> String? {
        do {
            try pipes[0].fileHandleForWriting.write(contentsOf: Data((statement + "\n").utf8))
        } catch {
            return nil
        }
        var line: [UInt8] = []
        while let byte = try? pipes[1].fileHandleForReading.read(upToCount: 1), let first = byte.first {
            if first == UInt8(ascii: "\n") { return String(decoding: line, as: UTF8.self) }
            line.append(first)
        }
        return nil
    }

    /// Ends the input and returns what the session complained of.
    func close() -> String {
        try? pipes[0].fileHandleForWriting.close()
        let errors = pipes[2].fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return String(decoding: errors, as: UTF8.self)
    }
}
