// SPDX-License-Identifier: Apache-2.0
// Writes a session's journal and keeps the history it tells; both the supervisor and recovery write through it.

package import RemitJournal
internal import RemitKernel
package import RemitLeases

/// The journal of a session being written.
package final class SessionRecorder {
    package private(set) var history: SessionHistory
    /// What the journal held when it was reopened.
    package let records: [JournalRecord]
    private var alarms: Set<String> = []
    private let writer: JournalWriter
    private let directories: Directories
    private let key: HostKey

    /// Starts the journal of a new session.
    ///
    /// - Throws: ``SessionError`` when the session's directory, the journal or the host's key cannot be made.
    package init(creating session: String, in directories: Directories) throws(SessionError) {
        self.directories = directories
        do {
            key = try HostKey.loadOrCreate(directory: directories.keys)
            _ = try FileSystem.create("\(directories.unfinished)/\(session)")
            writer = try JournalWriter.create(at: directories.journal(session), session: session, key: key)
        } catch {
            throw SessionError(.failed, "cannot start the journal: \(error)")
        }
        records = []
        history = SessionHistory(session: session)
    }

    /// Goes on with the journal of a session whose supervisor is gone.
    ///
    /// - Throws: ``JournalError``, in particular `inUse` while its supervisor lives and `sealed` when all is done.
    package init(
        reopening session: String,
        in directories: Directories
    ) throws {
        self.directories = directories
        key = try HostKey.loadOrCreate(directory: directories.keys)
        let path = directories.journal(session)
        writer = try JournalWriter.reopen(at: path, session: session, key: key).writer
        records = try JournalReader(path: path, key: key.publicKey, session: session).records
        history = SessionHistory(records)
    }

    /// Appends a record; it reaches the disk with the next commit, or now if `durable`.
    package func record(_ type: String, _ body: JSONValue = [:], durable: Bool = false) throws(JournalError) {
        try writer.append(type, body, durable: durable)
        history.apply(type, body, at: .now)
    }

    package func record(_ lease: LeaseRecord, durable: Bool) throws(JournalError) {
        try writer.append(lease.event.rawValue, lease.journalBody, durable: durable)
    }

    /// Records that a person should know something; once, however often it is said.
    package func alarm(_ reason: String) {
        guard alarms.insert(reason).inserted else { return }
        // An alarm that cannot be recorded is not the end: what it is about has its own record.
        try? record("session.alarm", ["reason": .string(reason)])
    }

    /// Hands everything to the kernel: it then survives the death of this process, though not of the machine.
    package func flush() throws(JournalError) { try writer.flush() }

    package func commit() throws(JournalError) { try writer.commit() }

    /// Closes the journal and signs the receipt.
    ///
    /// - Returns: the receipt's path.
    package func seal(leases: [Lease]) throws -> String {
        let body: JSONValue = ["reason": .string((history.reason ?? .supervisorLost).rawValue)]
        history.apply(JournalRecord.sealedType, body, at: .now)
        let head = try writer.seal(body)
        let receipt = try Receipt.seal(history.receipt(journal: head, leases: leases), key: key)
        let path = directories.receipt(history.session)
        try FileSystem.replace(path, with: receipt, mode: 0o600)
        FileSystem.remove("\(directories.unfinished)/\(history.session)")
        return path
    }
}
