// SPDX-License-Identifier: Apache-2.0
// The one place where a session's history is written.

internal import Glibc
internal import RemitKernel

/// Writes a session's journal: records in memory first, then in one write and one `fdatasync` for a whole group.
///
/// A failed write or synchronisation is final. After a failed `fsync` the kernel may have thrown the data away and
/// marked the pages clean, so trying again would report success for a hole; the writer refuses everything instead, and
/// the session must end.
package final class JournalWriter {
    /// Where the journal is.
    package let path: String
    /// The session it belongs to.
    package let session: String
    /// How many records were appended, those not yet written included.
    package internal(set) var count: Int
    /// The hash of the last appended record; 64 zeros when there is none.
    package internal(set) var head: String
    /// Whether the journal has its seal.
    package private(set) var isSealed = false
    /// What made the writer refuse everything; nil while it works.
    package private(set) var failure: JournalError?

    private let file: OwnedDescriptor
    private let key: HostKey
    private let clock: JournalClock
    private var pending: [UInt8] = []
    private var isUnsynchronised = false
    /// Whether the file's name would survive a power failure. It is made to with the first commit, so that a session
    /// that has promised nothing yet does not wait for the disk at its start.
    private var isNameDurable: Bool

    /// Pending bytes beyond which an append writes without waiting for a commit.
    private static let bufferLimit = 64 << 10

    init(
        file: consuming OwnedDescriptor, path: String, session: String, key: HostKey, clock: JournalClock, count: Int,
        head: String, isNameDurable: Bool = true
    ) {
        self.isNameDurable = isNameDurable
        self.file = file
        self.path = path
        self.session = session
        self.key = key
        self.clock = clock
        self.count = count
        self.head = head
        pending.reserveCapacity(4096)
    }

    /// Starts the journal of a new session: a file of mode 0600 that must not exist, held under a lock.
    ///
    /// - Throws: when the session id cannot stand in a record, or the file cannot be made; ``JournalError/inUse(path:)`` when
    ///   another process was faster to write it.
    package static func create(
        at path: String, session: String, key: HostKey, clock: JournalClock = .system
    ) throws(JournalError) -> JournalWriter {
        guard JournalRecord.isSession(session) else { throw .invalid("`\(session)` cannot name a session") }
        do {
            let flags = O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW
            let file = try FileSystem.open(path, flags, mode: 0o600)
            try FileCalls.lock(file, path)
            return JournalWriter(
                file: file, path: path, session: session, key: key, clock: clock, count: 0,
                head: JournalRecord.origin, isNameDurable: false
            )
        } catch {
            // Somebody else opened it between its making and its lock.
            throw error.errno == .again ? .inUse(path: path) : .system(error)
        }
    }

    /// Appends a record; on return it is on disk if `durable`, otherwise with the next ``commit()``.
    ///
    /// - Returns: the record's sequence number.
    /// - Throws: when the record cannot be written, the journal is sealed, or an earlier write failed.
    @discardableResult
    package func append(
        _ type: String, _ body: JSONValue = [:], durable: Bool = false
    ) throws(JournalError) -> Int {
        let reservedTypes = [
            JournalRecord.checkpointType, JournalRecord.sealedType, JournalRecord.recoveredType,
        ]
        guard JournalRecord.isType(type), !reservedTypes.contains(type) else {
            throw .invalid("`\(type)` cannot be the type of a record")
        }
        try add(type, body, at: (clock.wall(), clock.boot()))
        if durable { try commit() } else if pending.count >= Self.bufferLimit { try flush() }
        return count
    }

    /// Appends a record whose body needs the journal's head and the time, as a checkpoint does.
    private func add(
        _ type: String, _ body: JSONValue, at time: (wall: WallInstant, boot: BootInstant)
    ) throws(JournalError) {
        try checkWritable()
        guard case .object = body else { throw .invalid("the body of a record is an object") }
        guard body.isWithinDepthLimit else { throw .invalid("the body of a record nests too deep") }
        let start = pending.count
        let hash = JournalRecord.appendLine(
            to: &pending, sequence: count + 1, time: time.wall, boot: time.boot, type: type, session: session,
            body: body, previous: head
        )
        guard pending.count - start - 1 <= JournalRecord.lineLimit else {
            pending.removeLast(pending.count - start)
            throw .invalid("the body of a record is too large")
        }
        count += 1
        head = hash
    }

    /// Hands what is pending to the kernel, so that it outlives this process but not a power failure.
    package func flush() throws(JournalError) {
        try checkUsable()
        guard !pending.isEmpty else { return }
        do {
            try FileSystem.writeAll(file.number, pending, name: path)
        } catch {
            throw fail(.system(error))
        }
        pending.removeAll(keepingCapacity: true)
        isUnsynchronised = true
    }

    /// Makes every appended record durable with one write and one `fdatasync(2)`.
    package func commit() throws(JournalError) {
        try flush()
        guard isUnsynchronised else { return }
        do {
            try FileCalls.synchroniseData(file, path)
            if !isNameDurable { try FileSystem.flushDirectory(of: path) }
        } catch {
            throw fail(.system(error))
        }
        isUnsynchronised = false
        isNameDurable = true
    }

    /// Appends a checkpoint signed by the host key and makes everything durable.
    package func checkpoint() throws(JournalError) {
        try addCheckpoint()
        try commit()
    }

    /// Ends the journal: `session.sealed`, then a checkpoint, then nothing any more.
    ///
    /// - Returns: the hash of the last record and the number of records, for the receipt.
    package func seal(_ body: JSONValue = [:]) throws(JournalError) -> JournalHead {
        try add(JournalRecord.sealedType, body, at: (clock.wall(), clock.boot()))
        try addCheckpoint()
        try commit()
        isSealed = true
        return JournalHead(hash: head, count: count)
    }

    private func addCheckpoint() throws(JournalError) {
        try checkWritable()
        let (wall, boot) = (clock.wall(), clock.boot())
        let checkpoint = Checkpoint(session: session, count: count, head: head, time: wall, boot: boot)
        let body: JSONValue
        do { body = try checkpoint.body(signedBy: key) } catch { throw fail(.signing("\(error)")) }
        try add(JournalRecord.checkpointType, body, at: (wall, boot))
    }

    /// Records, durably, what a crash left behind.
    func recordRecovery(_ tail: TornTail) throws(JournalError) {
        let body: JSONValue = [
            "bytes": .integer(tail.count), "line": .integer(tail.line), "offset": .integer(tail.offset),
            "sha256": .string(tail.digest),
        ]
        try add(JournalRecord.recoveredType, body, at: (clock.wall(), clock.boot()))
        try commit()
    }

    private func checkUsable() throws(JournalError) {
        if let failure { throw .stopped(cause: failure.description) }
    }

    private func checkWritable() throws(JournalError) {
        try checkUsable()
        if isSealed { throw .sealed(path: path) }
    }

    private func fail(_ error: JournalError) -> JournalError {
        failure = error
        return error
    }
}
