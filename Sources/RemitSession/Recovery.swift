// SPDX-License-Identifier: Apache-2.0
// Reconcile: finishes sessions whose supervisor is gone. Run by the guard, at boot, by a timer, and by every run.

internal import RemitJournal
package import RemitKernel
internal import RemitLeases
package import RemitTask

/// What became of one session that was looked at.
package struct RecoveryReport: Sendable {
    package enum State: String, Sendable {
        /// Its supervisor lives; nothing was done.
        case running
        /// Finished: processes dead, credentials verified, receipt signed.
        case sealed
        /// Processes dead, a credential is still to be verified.
        case revoking
        /// Could not be finished; the detail says why.
        case failed
    }

    package let session: String
    package let state: State
    package let detail: String
}

/// Finishes one session.
package final class Recovery {
    private let session: String
    private let directories: Directories
    private let configuration: Configuration
    private let patience: Duration
    private let expiryPatience: Duration
    private let loop: EventLoop

    /// - Parameters:
    ///   - patience: how long to wait for providers.
    ///   - expiryPatience: how long to wait for credentials that nothing but their expiry ends.
    package init(
        _ session: String,
        directories: Directories,
        configuration: Configuration,
        patience: Duration,
        expiryPatience: Duration
    ) throws(SystemCallError) {
        self.session = session
        self.directories = directories
        self.configuration = configuration
        self.patience = patience
        self.expiryPatience = expiryPatience
        loop = try EventLoop()
    }

    /// Does what is left to do.
    package func run() -> RecoveryReport {
        let recorder: SessionRecorder
        do {
            recorder = try reopen()
        } catch let error as JournalError {
            switch error {
            case .inUse: return report(.running, "its supervisor lives")
            case .sealed: return remakeReceipt()
            default: return report(.failed, error.description)
            }
        } catch {
            return report(.failed, "\(error)")
        }
        // The agent is let go only after the first record: a journal without one is of a session that never began.
        if recorder.history.admitted == nil { return forget() }
        do {
            return try finish(recorder)
        } catch {
            return report(.failed, "\(error)")
        }
    }

    /// Whoever only looks whether a session is abandoned holds its journal for a moment, too.
    private func reopen() throws -> SessionRecorder {
        for _ in 0..<20 {
            do { return try SessionRecorder(reopening: session, in: directories) } catch JournalError.inUse(_) {
                ProcessIdentity.pause(milliseconds: 5)
            }
        }
        return try SessionRecorder(reopening: session, in: directories)
    }

    private func finish(_ recorder: SessionRecorder) throws -> RecoveryReport {
        var ledger = try LeaseLedger(journal: recorder.records)
        var epoch = max(recorder.history.epoch, ledger.epoch) + 1
        try recorder.record("session.adopted", ["epoch": .integer(epoch)], durable: true)
        if recorder.history.reason == nil {
            let reason: JSONValue = [
                "reason": .string(EndReason.supervisorLost.rawValue), "detail": "the supervisor died",
            ]
            try recorder.record("session.ending", reason)
        }
        if recorder.history.fenced == nil { try recorder.record("session.fenced") }
        if recorder.history.lastProcessDead == nil {
            var figures: ResourceFigures?
            guard let left = killAll(recorder.history, figures: &figures) else {
                try recorder.commit()
                return report(.failed, "processes of the session do not die")
            }
            if let figures {
                try recorder.record(JournalRecord.resourcesType, ReceiptResources(figures).json)
            }
            try recorder.record("session.dead", ["processes": left], durable: true)
        }
        try recordChanges(recorder)
        closeRuntime()
        let deadline = BootInstant.now.advanced(by: expiryPatience)
        var leases = try endLeases(ledger, epoch, recorder)
        while let moment = nextExpiry(leases), moment <= deadline, BootInstant.now < deadline {
            try wait(until: moment, recorder)
            ledger = try reread(recorder)
            // Taking leases up again is a new epoch, as if another process did it.
            epoch = max(epoch, ledger.epoch) + 1
            try recorder.record("session.adopted", ["epoch": .integer(epoch)])
            leases = try endLeases(ledger, epoch, recorder)
        }
        if recorder.history.revoked == nil { try recorder.record("session.revoked") }
        let open = leases.filter { !$0.state.isTerminal }
        guard open.isEmpty else {
            try recorder.commit()
            return report(.revoking, open.map { "\($0.name) is \($0.state.rawValue)" }.joined(separator: ", "))
        }
        try recorder.record("session.verified")
        _ = try recorder.seal(leases: leases)
        SessionLayers(session, directories).tidy(recorder.history)
        return report(.sealed, (recorder.history.reason ?? .supervisorLost).rawValue)
    }

    /// What the session left over its workspace is kept until somebody applies or discards it.
    private func recordChanges(_ recorder: SessionRecorder) throws {
        let history = recorder.history
        guard history.workspaceMode == WorkspaceMode.overlay.rawValue, history.changes == nil,
            let workspace = history.workspace
        else { return }
        let left = LayeredChanges.read(SessionLayers(session, directories), workspace: workspace)
        try recorder.record(ReceiptChanges.recordType, left.summary.json)
    }

    private func forget() -> RecoveryReport {
        SessionLayers(session, directories).remove()
        FileSystem.remove(directories.journal(session))
        FileSystem.removeDirectory(directories.session(session))
        FileSystem.remove("\(directories.unfinished)/\(session)")
        closeRuntime()
        return report(.sealed, "it had not begun")
    }

    /// The journal was closed, and its writer died before the receipt was there.
    private func remakeReceipt() -> RecoveryReport {
        guard !FileSystem.exists(directories.receipt(session)) else {
            return report(.sealed, "it was finished already")
        }
        do {
            let key = try HostKey.loadOrCreate(directory: directories.keys)
            let reader = try JournalReader(path: directories.journal(session), key: key.publicKey, session: session)
            let head = JournalHead(hash: reader.verdict.head, count: reader.verdict.count)
            let leases = try LeaseLedger(journal: reader.records).leases
            let receipt = try Receipt.seal(
                SessionHistory(reader.records).receipt(journal: head, leases: leases), key: key)
            try FileSystem.replace(directories.receipt(session), with: receipt, mode: 0o600)
            FileSystem.remove("\(directories.unfinished)/\(session)")
            closeRuntime()
            return report(.sealed, "its receipt was missing")
        } catch {
            return report(.failed, "\(error)")
        }
    }

    // MARK: processes

    /// Kills whatever the journal says the session had, and looks whether it is gone.
    ///
    /// - Returns: 0 when nothing is left, `null` when nothing is known to be left but nobody can say for sure, and nil
    ///   when something lives on.
    private func killAll(_ history: SessionHistory, figures: inout ResourceFigures?) -> JSONValue? {
        // Of another boot nothing lives.
        guard history.bootIdentifier == BootInstant.bootIdentifier else { return 0 }
        if let process = history.initProcess, !process.kill(waiting: .seconds(5)) { return nil }
        guard let path = history.cgroup, path.contains(session) else {
            // With pid 1 its namespace is gone; without a trace of either there is nothing to go by.
            return history.initProcess == nil ? .null : 0
        }
        guard let group = SessionCgroup.adopt(path: path, controllerPaths: history.controllers) else {
            return FileSystem.exists(path) ? nil : 0
        }
        try? group.kill()
        for _ in 0..<500 where group.isPopulated {
            ProcessIdentity.pause(milliseconds: 10)
            try? group.kill()
        }
        if !group.isPopulated { figures = group.figures }
        return !group.isPopulated && group.remove() ? 0 : nil
    }

    private func closeRuntime() {
        FileSystem.remove(directories.control(session))
        FileSystem.removeDirectory("\(directories.runtime)/\(session)")
    }

    // MARK: leases

    private func reread(_ recorder: SessionRecorder) throws -> LeaseLedger {
        try recorder.flush()
        let key = try HostKey.loadPublicKey(directory: directories.keys)
        let reader = try JournalReader(path: directories.journal(session), key: key, session: session)
        return try LeaseLedger(journal: reader.records)
    }

    /// Ends every open lease of the ledger; returns all of them as they are afterwards.
    private func endLeases(_ ledger: LeaseLedger, _ epoch: Int, _ recorder: SessionRecorder) throws -> [Lease] {
        guard !ledger.open.isEmpty else { return ledger.leases }
        let now = Stamp.now
        let configuration = try self.configuration(of: recorder.history)
        let keeper = LeaseKeeper(
            context: LeaseKeeper.Context(
                session: session, task: recorder.history.task, owner: recorder.history.owner, epoch: epoch,
                deadline: now
            ),
            providers: Providers.make(
                Set(ledger.open.map(\.provider)), from: configuration, desk: ClosedDesk(),
                secrets: ClosedSecretDesk(gate: recorder.history.gate), loop: loop
            ),
            loop: loop,
            hooks: LeaseKeeper.Hooks(
                journal: { record, durable in try recorder.record(record, durable: durable) },
                deliver: { _, _ in },
                withdraw: { _ in },
                alarm: { reason in recorder.alarm(reason) }
            )
        )
        var ended: [Lease]?
        keeper.adopt(ledger, epoch: epoch, patience: patience) { ended = $0 }
        try loop.run { ended != nil }
        let later = Dictionary((ended ?? []).map { ($0.identifier, $0) }) { $1 }
        return ledger.leases.map { later[$0.identifier] ?? $0 }
    }

    /// The providers are those of the configuration the session was admitted under, wherever we were started from.
    private func configuration(of history: SessionHistory) throws -> Configuration {
        guard let path = history.configuration else { return configuration }
        return try Configuration.load(path).value
    }

    /// When the last credential that only waits for its expiry has expired.
    private func nextExpiry(_ leases: [Lease]) -> BootInstant? {
        let waiting = leases.filter { $0.state == .expiredPending }
        guard !waiting.isEmpty else { return nil }
        let moments = waiting.compactMap { $0.latestExpiry?.wall }
        guard let last = moments.max() else { return nil }
        let rest = Duration.nanoseconds(max(0, last.nanoseconds - WallInstant.now.nanoseconds))
        // The lease machine allows for a provider's clock that runs late; so do we.
        return BootInstant.now.advanced(by: rest + LeasePolicy().skew + .milliseconds(200))
    }

    private func wait(until moment: BootInstant, _ recorder: SessionRecorder) throws {
        var isDue = false
        loop.schedule(at: moment) { isDue = true }
        try recorder.flush()
        try loop.run { isDue }
    }

    private func report(_ state: RecoveryReport.State, _ detail: String) -> RecoveryReport {
        RecoveryReport(session: session, state: state, detail: detail)
    }
}

/// Finishes every session that needs it.
package enum Reconciliation {
    /// Removes what a supervisor left that was killed before its journal began: nothing had been issued or run.
    private static func sweep(_ store: SessionStore) {
        let directories = store.directories
        // Nobody is between a control group or a directory and its journal while this is held.
        guard let lock = try? FileLock.take(directories.beginning) else { return }
        let others = [directories.runtime, directories.unfinished].flatMap { (try? FileSystem.names(in: $0)) ?? [] }
        for session in Set(store.identifiers + others.filter(SessionStore.isIdentifier)) {
            let path = directories.session(session)
            guard !FileSystem.exists(directories.journal(session)) else { continue }
            // Nothing of an agent has run: what there is of layers is as it was made.
            SessionLayers(session, directories).remove()
            // Only empty directories go: whatever else is there was not made by us.
            FileSystem.removeDirectory(path)
            FileSystem.remove("\(directories.unfinished)/\(session)")
            FileSystem.remove(directories.control(session))
            FileSystem.removeDirectory("\(directories.runtime)/\(session)")
        }
        SessionCgroup.removeEmpty(in: .probe()) { name in
            SessionStore.isIdentifier(name.hasSuffix("-verify") ? String(name.dropLast(7)) : name)
        }
        lock.release()
    }

    /// Finishes what is marked as unfinished and has no supervisor: what every start of a session does first.
    ///
    /// In a process of its own, for that needs the host's key, and this process is about to clone an agent's pid 1; and
    /// not for long, for a dead provider must not keep new sessions from starting.
    package static func runBeforeStart(_ directories: Directories, environment: [String: String]) {
        let hasAbandoned = SessionStore(directories).unfinished.contains { isAbandoned(directories.journal($0)) }
        guard hasAbandoned, let loop = try? EventLoop() else { return }
        var isOver = false
        Helper.run(
            [Providers.executable, "reap"], environment: environment, input: [], timeLimit: .seconds(3),
            outputLimit: 1 << 20, on: loop
        ) { _ in isOver = true }
        try? loop.run { isOver }
    }

    /// Nobody holds the journal's lock: its supervisor is gone.
    private static func isAbandoned(_ journal: String) -> Bool {
        // An empty one is about to be locked by the supervisor that has just made it.
        guard let facts = try? FileSystem.facts(at: journal), facts.size > 0,
            let lock = try? FileLock.take(journal, creating: false)
        else { return false }
        lock.release()
        return true
    }

    /// - Parameter sessions: the ones to look at; all by default.
    /// - Returns: a report for each session that is not simply over or alive.
    package static func run(
        directories: Directories,
        configuration: Configuration,
        sessions: [String]? = nil,
        patience: Duration = .seconds(10),
        expiryPatience: Duration = .zero
    ) -> [RecoveryReport] {
        let store = SessionStore(directories)
        defer { if sessions == nil { sweep(store) } }
        return (sessions ?? store.identifiers).compactMap { session in
            if sessions == nil, FileSystem.exists(directories.receipt(session)) { return nil }
            guard FileSystem.exists(directories.journal(session)) else {
                guard sessions != nil else { return nil }
                return RecoveryReport(session: session, state: .failed, detail: "it has no journal")
            }
            do {
                let report = try Recovery(
                    session, directories: directories, configuration: configuration, patience: patience,
                    expiryPatience: expiryPatience
                ).run()
                return sessions == nil && report.state == .running ? nil : report
            } catch {
                return RecoveryReport(session: session, state: .failed, detail: "\(error)")
            }
        }
    }
}
