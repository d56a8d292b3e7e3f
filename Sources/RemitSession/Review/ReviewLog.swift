// SPDX-License-Identifier: Apache-2.0
// What became of a change after its session: a journal of its own beside the sealed one, hash-chained and signed like it.

internal import RemitJournal
internal import RemitKernel

/// How far the review of a session's change is.
package enum ReviewState: String, Sendable {
    /// The session's workspace has no layer, or nothing was left in it.
    case none
    /// Nobody has decided.
    case pending
    /// Some paths were brought into the workspace, others wait.
    case partly = "partly-applied"
    case applied
    case discarded
}

/// Writes down what somebody does with a change; while it is open nobody else can.
final class ReviewLog {
    private let writer: JournalWriter

    /// - Throws: ``SessionError`` when another apply or discard is under way, or the change was dealt with.
    init(of session: String, in directories: Directories, changes: ReceiptChanges?) throws(SessionError) {
        do {
            let key = try HostKey.loadOrCreate(directory: directories.keys)
            let path = directories.review(session)
            if FileSystem.exists(path) {
                let (reopened, torn) = try JournalWriter.reopen(at: path, session: session, key: key)
                writer = reopened
                // Whoever made it may have been killed before its first record was whole.
                guard writer.count == (torn == nil ? 0 : 1) else { return }
            } else {
                writer = try JournalWriter.create(at: path, session: session, key: key)
            }
            let receipt = try FileSystem.read(directories.receipt(session), limit: Receipt.sizeLimit)
            try writer.append(
                "review.opened",
                ["receipt": .string(Digest.of(receipt)), "changes": .optional(changes?.digest)], durable: true)
        } catch JournalError.inUse(_) {
            throw SessionError(.failed, "somebody else is applying or discarding the change of session `\(session)`")
        } catch JournalError.sealed(_) {
            throw SessionError(.usage, "the change of session `\(session)` was dealt with: see `remit inspect`")
        } catch let error as SystemCallError where error.errno == .exists {
            throw SessionError(.failed, "somebody else is applying or discarding the change of session `\(session)`")
        } catch {
            throw SessionError(.failed, "cannot write the record of the review: \(error)")
        }
    }

    func record(_ type: String, _ body: JSONValue, durable: Bool = false) throws(SessionError) {
        do { try writer.append(type, body, durable: durable) } catch {
            throw SessionError(.failed, "cannot write the record of the review: \(error)")
        }
    }

    /// Paths, as many to a record as it holds.
    func record(_ type: String, paths: [JSONValue]) throws(SessionError) {
        var part: [JSONValue] = []
        var size = 0
        for path in paths {
            let length = path.canonicalBytes.count
            if size + length > 32_768, !part.isEmpty {
                try record(type, ["paths": .array(part)])
                (part, size) = ([], 0)
            }
            part.append(path)
            size += length
        }
        if !part.isEmpty { try record(type, ["paths": .array(part)]) }
    }

    /// Makes everything durable, under a signature.
    func checkpoint() throws(SessionError) {
        do { try writer.checkpoint() } catch {
            throw SessionError(.failed, "cannot write the record of the review: \(error)")
        }
    }

    /// Ends it: nothing is left to decide.
    func seal() throws(SessionError) {
        do { _ = try writer.seal() } catch {
            throw SessionError(.failed, "cannot write the record of the review: \(error)")
        }
    }
}

extension SessionStore {
    /// How far the review of a session's change is.
    package func review(_ session: String, _ history: SessionHistory) -> ReviewState {
        guard let changes = history.changes, !changes.isEmpty else { return .none }
        let exists = SessionLayers(session, directories).exist
        guard FileSystem.exists(directories.review(session)), let key = try? publicKey(),
            let reader = try? JournalReader(path: directories.review(session), key: key, session: session)
        else { return .pending }
        let types = Set(reader.records.map(\.type))
        if exists { return types.contains("review.applied") ? .partly : .pending }
        return types.contains("review.discarding") ? .discarded : .applied
    }
}
