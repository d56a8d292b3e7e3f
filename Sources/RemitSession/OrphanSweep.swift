// SPDX-License-Identifier: Apache-2.0
// Credentials that nothing here accounts for: what is left at a provider when a journal is lost.

internal import RemitJournal
package import RemitKernel
internal import RemitLeases
package import RemitTask

/// A credential that a provider has though no session holds it.
package struct Orphan: Sendable {
    package let provider: String
    /// Its name at the provider.
    package let handle: String
    /// The session that had it, whose journal says that it is gone; nil where no journal here tells of it: that was
    /// lost, or the session is another user's or another host's.
    package let session: String?
}

/// Looks for orphans at the providers that the operator has configured, and ends those that are named.
package final class OrphanSweep {
    private let store: SessionStore
    private let providers: [any Provider]
    private let owner: String
    private let loop: EventLoop

    /// - Parameter owner: who asks, for the provider's own records.
    /// - Throws: ``SystemCallError`` where this process may not have one descriptor more.
    package init(_ directories: Directories, _ configuration: Configuration, owner: String) throws(SystemCallError) {
        loop = try EventLoop()
        store = SessionStore(directories)
        self.owner = owner
        // The others' credentials live in a supervisor, and end with it.
        let lasting = configuration.providers.filter { $0.value.kind == .command || $0.value.kind == .postgres }
        providers = Providers.make(Set(lasting.keys), from: configuration, desk: ClosedDesk(), loop: loop)
    }

    /// The configured providers whose credentials outlast a supervisor, sorted.
    package var names: [String] { providers.map(\.instance) }

    /// The names of all that a provider says it has of ours, orphans or not.
    ///
    /// - Throws: ``LeaseFailure`` when it cannot be asked.
    package func handles(at name: String) throws -> [String] {
        guard case .listed(let handles) = try ask(.list, LeaseRequest.handlePrefix, of: name) else {
            throw LeaseFailure(.permanent, "it does not list its credentials", isDefinite: true)
        }
        if let other = handles.first(where: { !LeaseRequest.isHandle($0) }) {
            throw LeaseFailure(.permanent, "it lists `\(other)`, which is not the name of a lease", isDefinite: true)
        }
        return handles.sorted()
    }

    /// Those of a provider's that no session of this user holds, in the order of the providers.
    ///
    /// - Parameter found: what each provider has. Journals are read afterwards, once for all of them: what was issued
    ///   meanwhile had been recorded before.
    /// - Throws: ``SessionError`` when the journal of a session that is not finished cannot be read, whose credentials
    ///   would be taken for orphans.
    package func orphans(among found: [(provider: String, handles: [String])]) throws -> [Orphan] {
        let leases = try recordedLeases()
        return found.flatMap { provider, handles in
            handles.compactMap { handle in
                let recorded = leases[Key(provider: provider, handle: handle)]
                if let recorded, !recorded.hasEnded { return nil }
                return Orphan(provider: provider, handle: handle, session: recorded?.session)
            }
        }
    }

    /// Revokes a credential and looks whether it is gone.
    ///
    /// - Throws: ``LeaseFailure`` when it is not, or nobody can say.
    package func end(_ orphan: Orphan) throws {
        do { _ = try ask(.revoke, orphan.handle, of: orphan.provider) } catch let failure as LeaseFailure {
            if failure.kind != .gone { throw failure }
        }
        switch try ask(.probe, orphan.handle, of: orphan.provider) {
        case .probed(.gone): return
        case .probed(.present): throw LeaseFailure(.transient, "it is still there", isDefinite: true)
        default: throw LeaseFailure(.permanent, "nobody can say whether it is gone", isDefinite: true)
        }
    }

    private func ask(_ operation: ProviderRequest.Operation, _ handle: String, of name: String) throws -> ProviderReply
    {
        guard let provider = providers.first(where: { $0.instance == name }) else {
            throw LeaseFailure(.permanent, "no provider `\(name)` is configured", isDefinite: true)
        }
        let request = ProviderRequest(
            operation: operation, instance: name, handle: handle, session: "", task: "", owner: owner, epoch: 0
        )
        var reply: ProviderReply?
        provider.begin(request) { reply = $0 }
        try loop.run { reply != nil }
        switch reply {
        case .failed(let failure): throw failure
        case .timedOut, nil:
            throw LeaseFailure(.transient, "it did not answer within \(provider.timeLimit)", isDefinite: false)
        case .some(let reply): return reply
        }
    }

    private struct Key: Hashable {
        let provider: String
        let handle: String
    }

    /// What the journals say of every credential that was ever asked for.
    private func recordedLeases() throws -> [Key: (session: String, hasEnded: Bool)] {
        let unfinished = Set(store.unfinished)
        var found: [Key: (session: String, hasEnded: Bool)] = [:]
        for session in store.identifiers {
            do {
                let record = try store.record(session)
                if record.verdict.state == .corrupt { throw SessionError(.failed, "its journal was changed") }
                for lease in record.leases {
                    found[Key(provider: lease.provider, handle: lease.handle)] = (session, lease.state.isTerminal)
                }
            } catch  where unfinished.contains(session) {
                throw SessionError(.failed, "what session `\(session)` holds is not known: \(error)")
            } catch {}
        }
        return found
    }
}
