// SPDX-License-Identifier: Apache-2.0
// Taking up the journal of a session whose supervisor is gone.

internal import Glibc
internal import RemitKernel

extension JournalWriter {
    /// Opens an existing journal to go on with it, after checking all of it.
    ///
    /// A torn last line was never acknowledged. It is kept beside the journal as `NAME.torn-OFFSET` (if there is room),
    /// cut off, and answered for by a `journal.recovered` record with its place, length and SHA-256.
    ///
    /// A journal cut off between its seal and the checkpoint that belongs to it goes on in the same way, with a
    /// `journal.recovered` record of zero bytes.
    ///
    /// - Returns: the writer, and what was cut off; nil when the last line was whole and no seal.
    /// - Throws: ``JournalError/inUse(path:)`` while another process writes it, ``JournalError/sealed(path:)``,
    ///   ``JournalError/corrupt(path:problem:)`` for damage anywhere before the tail, ``JournalError/unsafeFile`` for
    ///   a file of another owner, of a mode that lets others in, or of another kind.
    package static func reopen(
        at path: String, session: String, key: HostKey, clock: JournalClock = .system
    ) throws(JournalError) -> (writer: JournalWriter, dropped: TornTail?) {
        guard JournalRecord.isSession(session) else { throw .invalid("`\(session)` cannot name a session") }
        let file = try openLocked(path)
        let bytes: [UInt8]
        do {
            bytes = try FileCalls.contents(of: file, path, limit: JournalReader.sizeLimit)
        } catch {
            throw .system(error)
        }
        var lastType: String?
        let verdict = JournalVerifier(key: key.publicKey, session: session).scan(bytes) { lastType = $0.type }
        var dropped: TornTail?
        switch verdict.state {
        case .sealed: throw .sealed(path: path)
        case .corrupt:
            let problem = verdict.problems.first ?? JournalProblem(line: 1, offset: 0, reason: "damaged")
            throw .corrupt(path: path, problem: problem)
        case .unfinished:
            // A seal whose checkpoint never reached the disk is no seal; the record says that the journal goes on.
            if lastType == JournalRecord.sealedType {
                let nothing = Hex.sha256([])
                dropped = TornTail(line: verdict.count + 1, offset: bytes.count, count: 0, digest: nothing)
            }
        case .tornTail(let tail):
            // As far as that is possible: the digest is going to be in the journal anyhow.
            _ = try? FileCalls.place(Array(bytes[tail.offset...]), at: "\(path).torn-\(tail.offset)", mode: 0o600)
            do { try FileCalls.truncate(file, to: tail.offset, path) } catch { throw .system(error) }
            dropped = tail
        }
        let writer = JournalWriter(
            file: file, path: path, session: session, key: key, clock: clock, count: verdict.count,
            head: verdict.head
        )
        if let dropped { try writer.recordRecovery(dropped) }
        return (writer, dropped)
    }

    /// The journal's file, taken from everybody else.
    private static func openLocked(_ path: String) throws(JournalError) -> OwnedDescriptor {
        let objection: String?
        do throws(SystemCallError) {
            let file = try FileSystem.open(path, O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK)
            objection = PrivateFile.objection(to: try FileSystem.facts(of: file.number))
            if objection == nil {
                try FileCalls.lock(file, path)
                return file
            }
        } catch {
            throw error.errno == .again ? .inUse(path: path) : .system(error)
        }
        throw .unsafeFile(path: path, reason: objection ?? "")
    }
}
