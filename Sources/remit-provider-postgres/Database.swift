// SPDX-License-Identifier: Apache-2.0
// libpq, asynchronously: every wait can be ended by a signal or by the deadline, and then cancels what the server
// is doing. See "Asynchronous Command Processing" in PostgreSQL's manual.

internal import CPostgres
internal import Glibc

/// A connection to the server.
@safe
final class Database {
    private let connection: OpaquePointer
    private let signals: Signals
    private let deadline: ContinuousClock.Instant

    /// Connects as the operator's role.
    ///
    /// - Parameter database: another database than the connection string says.
    /// - Throws: ``Failure`` when the server cannot be reached, refuses us, or only follows another one.
    init(
        _ conninfo: String,
        database: String? = nil,
        signals: Signals,
        deadline: ContinuousClock.Instant
    ) throws(Failure) {
        try Self.check(conninfo)
        self.signals = signals
        self.deadline = deadline
        var settings = [("dbname", conninfo)]
        // Of several only the first dbname is read as a connection string, and the last one holds.
        if let database { settings.append(("dbname", database)) }
        settings += [("fallback_application_name", "remit-provider-postgres"), ("client_encoding", "UTF8")]
        guard let started = unsafe Self.start(settings) else { throw Failure(.transient, "out of memory") }
        unsafe connection = started
        // Verbose errors hold the SQLSTATE, which is the only way to have it while connecting.
        _ = unsafe PQsetErrorVerbosity(connection, PQERRORS_VERBOSE)
        unsafe PQsetNoticeProcessor(connection, { _, _ in }, nil)
        try connect()
        try prepare()
    }

    deinit { unsafe PQfinish(connection) }

    /// libpq's own complaint may quote the string, password included, so it is not repeated.
    private static func check(_ conninfo: String) throws(Failure) {
        var complaint: UnsafeMutablePointer<CChar>?
        let options = unsafe PQconninfoParse(conninfo, &complaint)
        defer {
            unsafe PQconninfoFree(options)
            unsafe PQfreemem(complaint)
        }
        if unsafe options == nil { throw Failure(.permanent, "`connection` is not a connection string") }
    }

    private static func start(_ settings: [(String, String)]) -> OpaquePointer? {
        let keys = unsafe settings.map { unsafe strdup($0.0) }
        let values = unsafe settings.map { unsafe strdup($0.1) }
        defer {
            for index in settings.indices {
                unsafe free(keys[index])
                unsafe free(values[index])
            }
        }
        let keyList = unsafe keys.map { unsafe UnsafePointer($0) } + [nil]
        let valueList = unsafe values.map { unsafe UnsafePointer($0) } + [nil]
        return unsafe PQconnectStartParams(keyList, valueList, 1)
    }

    private func connect() throws(Failure) {
        var state = PGRES_POLLING_WRITING
        while state != PGRES_POLLING_OK {
            let socket = unsafe PQsocket(connection)
            guard state != PGRES_POLLING_FAILED, socket >= 0 else { throw connectionFailure() }
            try wait(socket, writing: state == PGRES_POLLING_WRITING)
            state = unsafe PQconnectPoll(connection)
        }
    }

    private func connectionFailure() -> Failure {
        let text = errorMessage
        if let state = Self.state(in: text) {
            return Failure(SQLState.kind(state), "cannot connect: \(Self.line(text))", state: state)
        }
        // The server asked for a password and there was none to give.
        if unsafe PQconnectionNeedsPassword(connection) == 1 {
            return Failure(.auth, "cannot connect: the server asks for a password")
        }
        return Failure(.transient, "cannot connect: \(Self.line(text))")
    }

    private func prepare() throws(Failure) {
        let settings = [
            ("statement_timeout", "6s"), ("lock_timeout", "3s"), ("idle_in_transaction_session_timeout", "10s"),
            // What is answered must survive a crash of the server.
            ("synchronous_commit", "on"),
            // Nobody's functions but the server's own (CVE-2018-1058).
            ("search_path", "pg_catalog, pg_temp"),
        ]
        for (name, value) in settings { try run("SELECT set_config($1, $2, false)", [name, value]) }
        if try run("SELECT pg_is_in_recovery()").first?.first == "t" {
            throw Failure(.transient, "the server only follows another one", state: "25006")
        }
    }

    // MARK: Statements

    /// Runs one statement; the rows as text, null as nil.
    @discardableResult
    func run(_ statement: String, _ parameters: [String] = []) throws(Failure) -> [[String?]] {
        let values = unsafe parameters.map { unsafe strdup($0) }
        defer { for index in parameters.indices { unsafe free(values[index]) } }
        let list = unsafe values.map { unsafe UnsafePointer($0) }
        let sent = unsafe PQsendQueryParams(
            connection, statement, CInt(parameters.count), nil, list, nil, nil, 0
        )
        guard sent == 1 else { throw Failure(.transient, "the connection is lost: \(Self.line(errorMessage))") }
        var rows: [[String?]] = []
        var failure: Failure?
        while true {
            while unsafe PQisBusy(connection) == 1 {
                try wait(unsafe PQsocket(connection), writing: false)
                guard unsafe PQconsumeInput(connection) == 1 else {
                    throw Failure(.transient, "the connection is lost: \(Self.line(errorMessage))")
                }
            }
            guard let result = unsafe PQgetResult(connection) else { break }
            defer { unsafe PQclear(result) }
            switch unsafe PQresultStatus(result) {
            case PGRES_TUPLES_OK: unsafe rows += Self.rows(result)
            case PGRES_COMMAND_OK, PGRES_EMPTY_QUERY: break
            default: unsafe failure = failure ?? self.failure(result)
            }
        }
        if let failure { throw failure }
        return rows
    }

    /// Runs `body` in a transaction, and again when it collides with another session's.
    func transaction(_ body: () throws(Failure) -> Void) throws(Failure) {
        for attempt in 0... {
            do {
                try run("BEGIN")
                try body()
                try run("COMMIT")
                return
            } catch {
                _ = try? run("ROLLBACK")
                guard error.isCollision, attempt < 12 else { throw error }
                try pause(.milliseconds(Int.random(in: 1...(10 * (attempt + 1)))))
            }
        }
    }

    /// Waits, unless told to stop.
    func pause(_ duration: Duration) throws(Failure) {
        let end = min(ContinuousClock.now.advanced(by: duration), deadline)
        // No descriptor becomes ready, so only a signal or the time ends this.
        switch signals.wait(for: -1, writing: false, until: end) {
        case .stopped: throw Failure(.transient, "told to stop")
        case .ready: break
        case .late: if end == deadline { throw Failure(.transient, "out of time") }
        }
    }

    private func wait(_ socket: CInt, writing: Bool) throws(Failure) {
        switch signals.wait(for: socket, writing: writing, until: deadline) {
        case .ready: return
        case .stopped:
            cancel()
            throw Failure(.transient, "told to stop")
        case .late:
            cancel()
            throw Failure(.transient, "out of time: the server does not answer")
        }
    }

    private func cancel() {
        guard let request = unsafe PQgetCancel(connection) else { return }
        var message = [CChar](repeating: 0, count: 256)
        _ = unsafe PQcancel(request, &message, 256)
        unsafe PQfreeCancel(request)
    }

    // MARK: Quoting

    /// A name, quoted for use in a statement.
    func identifier(_ name: String) throws(Failure) -> String {
        try plain(name)
        guard let quoted = unsafe PQescapeIdentifier(connection, name, name.utf8.count) else { throw unquotable(name) }
        defer { unsafe PQfreemem(quoted) }
        return unsafe String(cString: quoted)
    }

    /// A string, quoted for use in a statement.
    func literal(_ text: String) throws(Failure) -> String {
        guard !text.utf8.contains(0), let quoted = unsafe PQescapeLiteral(connection, text, text.utf8.count)
        else { throw unquotable(text) }
        defer { unsafe PQfreemem(quoted) }
        return unsafe String(cString: quoted)
    }

    /// The verifier of a password, computed here so that the server never sees the password, nor its log.
    func verifier(of password: String, for role: String) throws(Failure) -> String {
        guard let verifier = unsafe PQencryptPasswordConn(connection, password, role, "scram-sha-256") else {
            throw Failure(.permanent, "cannot compute a SCRAM verifier: \(Self.line(errorMessage))")
        }
        defer { unsafe PQfreemem(verifier) }
        return unsafe String(cString: verifier)
    }

    /// The server cuts names off at 63 bytes, which would name another object.
    private func plain(_ name: String) throws(Failure) {
        let count = name.utf8.count
        guard (1...63).contains(count), !name.utf8.contains(0) else { throw unquotable(name) }
    }

    private func unquotable(_ text: String) -> Failure {
        Failure(.permanent, "`\(Self.line(String(text.prefix(70))))` cannot be a name")
    }

    // MARK: What libpq says

    var host: String? { unsafe Self.text(PQhost(connection)) }
    var port: String? { unsafe Self.text(PQport(connection)) }
    var name: String? { unsafe Self.text(PQdb(connection)) }

    private var errorMessage: String { unsafe Self.text(PQerrorMessage(connection)) ?? "" }

    private static func text(_ text: UnsafePointer<CChar>?) -> String? {
        guard let text = unsafe text, unsafe text.pointee != 0 else { return nil }
        return unsafe String(cString: text)
    }

    private static func text(_ text: UnsafeMutablePointer<CChar>?) -> String? {
        unsafe Self.text(UnsafePointer(text))
    }

    private static func rows(_ result: OpaquePointer) -> [[String?]] {
        let columns = unsafe PQnfields(result)
        return unsafe (0..<PQntuples(result)).map { row in
            (0..<columns).map { column in
                if unsafe PQgetisnull(result, row, column) == 1 { return nil }
                return unsafe String(cString: PQgetvalue(result, row, column))
            }
        }
    }

    private func failure(_ result: OpaquePointer) -> Failure {
        // PG_DIAG_SQLSTATE and PG_DIAG_MESSAGE_PRIMARY of postgres_ext.h.
        let state = unsafe Self.text(PQresultErrorField(result, CInt(UInt8(ascii: "C"))))
        let message = unsafe Self.text(PQresultErrorField(result, CInt(UInt8(ascii: "M"))))
        guard let state, let message else {
            return Failure(.transient, "the connection is lost: \(Self.line(errorMessage))")
        }
        return Failure(SQLState.kind(state), Self.line(message), state: state)
    }

    /// The code in a verbose message: `FATAL:  28P01: password authentication failed …`.
    private static func state(in message: String) -> String? {
        for word in message.split(whereSeparator: \.isWhitespace) {
            let code = word.utf8.dropLast()
            guard word.hasSuffix(":"), code.count == 5, code.first.map({ (0x30...0x39).contains($0) }) == true else {
                continue
            }
            if code.allSatisfy({ (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) }) {
                return String(word.dropLast())
            }
        }
        return nil
    }

    private static func line(_ text: String) -> String {
        let first = text.split(whereSeparator: \.isNewline).first.map(String.init) ?? text
        return String(first.map { $0.isASCII && ($0.asciiValue ?? 0) < 0x20 ? " " : $0 }.prefix(240))
    }
}
