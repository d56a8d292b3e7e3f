// SPDX-License-Identifier: Apache-2.0
// The sessions of this user on this host, read from their journals.

package import RemitJournal
internal import RemitKernel
package import RemitLeases

/// One session as its journal and the kernel show it.
package struct SessionRecord: Sendable {
    package enum State: String, Sendable {
        /// Its supervisor lives.
        case running
        /// Over, and nothing is left to do.
        case ended
        /// Over, but a credential is not verified gone yet: `remit reap` goes on.
        case revoking
        /// Its supervisor is gone and nobody has cleaned up yet.
        case lost
    }

    package let session: String
    package let state: State
    package let history: SessionHistory
    package let leases: [Lease]
    package let verdict: JournalVerdict
    /// What became of what it left over its workspace.
    package let review: ReviewState

    /// The reason as far as it is known; a lost session's is that its supervisor is lost.
    package var reason: EndReason? { history.reason ?? (state == .lost ? .supervisorLost : nil) }
}

/// Finds sessions by identifier.
package struct SessionStore: Sendable {
    package let directories: Directories

    package init(_ directories: Directories) { self.directories = directories }

    /// Every session's identifier, sorted; empty where there has been none.
    package var identifiers: [String] {
        ((try? FileSystem.names(in: directories.sessions)) ?? []).filter(Self.isIdentifier)
    }

    /// The sessions that are not finished, sorted.
    package var unfinished: [String] {
        ((try? FileSystem.names(in: directories.unfinished)) ?? []).filter(Self.isIdentifier)
    }

    /// What a session is called: 16 characters of base 32. Nothing else is ever made into a path.
    package static func isIdentifier(_ text: String) -> Bool {
        text.utf8.count == 16 && isPrefix(text)
    }

    private static func isPrefix(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { "0123456789abcdefghjkmnpqrstvwxyz".utf8.contains($0) }
    }

    /// The one session whose identifier begins with `prefix`.
    ///
    /// - Throws: ``SessionError`` of kind usage when there is none, or more than one.
    package func resolve(_ prefix: String) throws(SessionError) -> String {
        guard Self.isPrefix(prefix), prefix.utf8.count <= 16 else {
            throw SessionError(.usage, "`\(Self.printable(prefix))` is not a session", hint: "see `remit ps -a`")
        }
        let matches = identifiers.filter { $0.hasPrefix(prefix) }
        if matches.count == 1 { return matches[0] }
        throw matches.isEmpty
            ? SessionError(.usage, "no session `\(prefix)`", hint: "see `remit ps -a`")
            : SessionError(
                .usage,
                "session `\(prefix)` is ambiguous: " + matches.prefix(4).map { "`\($0)`" }.joined(separator: ", "),
                hint: "write more of it"
            )
    }

    private static func printable(_ text: String) -> String {
        String(
            text.unicodeScalars.prefix(40).map { $0.isASCII && $0.value > 32 && $0.value < 127 ? Character($0) : "?" })
    }

    /// The key that this host signs with.
    package func publicKey() throws(SessionError) -> HostPublicKey {
        do { return try HostKey.loadPublicKey(directory: directories.keys) } catch {
            throw SessionError(.failed, "\(error)", hint: "the key is made by the first `remit run`")
        }
    }

    /// Reads one session.
    ///
    /// - Throws: ``SessionError`` when its journal cannot be read at all.
    package func record(_ session: String) throws(SessionError) -> SessionRecord {
        let reader: JournalReader
        do {
            reader = try JournalReader(path: directories.journal(session), key: try publicKey(), session: session)
        } catch let error as SessionError {
            throw error
        } catch {
            throw SessionError(.failed, "cannot read the journal: \(error)")
        }
        let history = SessionHistory(reader.records)
        let leases = (try? LeaseLedger(journal: reader.records))?.leases ?? []
        return SessionRecord(
            session: session,
            state: state(session, history, leases),
            history: history,
            leases: leases,
            verdict: reader.verdict,
            review: review(session, history)
        )
    }

    private func state(_ session: String, _ history: SessionHistory, _ leases: [Lease]) -> SessionRecord.State {
        if history.sealed != nil { return .ended }
        if isSupervised(history) { return .running }
        if history.lastProcessDead != nil, leases.contains(where: { !$0.state.isTerminal }) { return .revoking }
        return .lost
    }

    private func isSupervised(_ history: SessionHistory) -> Bool {
        guard history.bootIdentifier == BootInstant.bootIdentifier, let supervisor = history.supervisor else {
            return false
        }
        return ProcessIdentity(pid: supervisor.pid) == supervisor
    }
}
