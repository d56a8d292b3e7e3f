// SPDX-License-Identifier: Apache-2.0

internal import RemitJournal
internal import RemitKernel
internal import RemitTask
package import RemitWorkspace

/// The change of a session that is over, open for somebody to look at and decide on.
package struct SessionReview {
    package let record: SessionRecord
    package let workspace: String

    private let directories: Directories
    private let upper: DescriptorBox
    private let root: DescriptorBox

    /// - Throws: ``SessionError`` when there is no change to look at, or it is not what the session left.
    package init(_ record: SessionRecord, in directories: Directories) throws(SessionError) {
        self.record = record
        self.directories = directories
        let history = record.history
        let session = record.session
        guard history.workspaceMode == WorkspaceMode.overlay.rawValue, let workspace = history.workspace else {
            throw SessionError(
                .usage, "session `\(session)` has no change to review",
                hint: "only a workspace of mode `overlay` keeps its changes apart")
        }
        self.workspace = workspace
        try Self.checkState(record)
        let layers = SessionLayers(session, directories)
        guard layers.exist else {
            let state = SessionStore(directories).review(session, history)
            throw SessionError(
                .usage,
                state == .none
                    ? "session `\(session)` changed nothing"
                    : "the change of session `\(session)` was \(state.rawValue) already")
        }
        do {
            upper = try layers.openUpper()
            root = DescriptorBox(try FileSystem.openDirectory(workspace))
        } catch {
            throw SessionError(.failed, "cannot read the change of session `\(session)`: \(error)")
        }
    }

    /// Sorted by path, with everything that speaks against them.
    ///
    /// - Throws: ``SessionError`` when the layer cannot be read, or is not what the session left.
    package func changes() throws(SessionError) -> [Change] {
        try Self.changes(record.history, SessionLayers(record.session, directories), upper.number, root.number)
    }

    private static func checkState(_ record: SessionRecord) throws(SessionError) {
        switch record.state {
        case .ended: return
        case .running: throw SessionError(.failed, "session `\(record.session)` is still running")
        case .lost:
            throw SessionError(
                .failed, "session `\(record.session)` is not finished: its supervisor is gone",
                hint: "run `remit reap`")
        case .revoking:
            throw SessionError(
                .failed, "session `\(record.session)` is not finished: a credential is not verified gone",
                hint: "run `remit reap`")
        }
    }

    private static func changes(
        _ history: SessionHistory, _ layers: SessionLayers, _ upper: CInt, _ root: CInt
    ) throws(SessionError) -> [Change] {
        do {
            var set = try ChangeSet(
                upper: upper, workspace: root, reserved: Importer.reservedName(layers.session))
            if let sealed = history.changes?.digest, set.layer.digest != sealed {
                throw SessionError(
                    .failed, "the change of session `\(layers.session)` is not what the session left",
                    hint: "somebody has changed its layer since; `remit discard \(layers.session)` removes it")
            }
            set.judgeExecution(in: MergedView(upper: upper, workspace: root))
            set.judge(allowed: history.allowedChanges.map { $0.compactMap { PathPattern($0) } })
            let base = layers.base(of: set.changes.map(\.path))
            if let base, base.root != (try FileSystem.facts(of: root)).inode {
                throw SessionError(
                    .failed, "`\(history.workspace ?? "")` is another directory than the session worked in",
                    hint: "put it back, or see `remit diff \(layers.session) --format patch` from before it was moved")
            }
            set.judge(since: base)
            return set.changes
        } catch let error as SessionError {
            throw error
        } catch {
            throw SessionError(.failed, "cannot read the change of session `\(layers.session)`: \(error)")
        }
    }

    /// The change as a patch for git(1), one path after the other.
    package func writePatch(_ changes: [Change], _ write: ([UInt8]) -> Void) {
        let writer = PatchWriter(upper: upper.number, workspace: root.number)
        for change in changes {
            let patch = writer.patch(of: change)
            if !patch.isEmpty { write(patch) }
        }
    }

    /// The session's end is a reason not to want what it did.
    private var exceededScope: Bool { [.scope, .strikes].contains(record.history.reason) }

    /// Brings what was selected into the workspace, and records that.
    ///
    /// - Throws: ``SessionError`` when nothing was done.
    package func apply(_ selection: ImportSelection) throws(SessionError) -> [ImportResult] {
        if exceededScope, !selection.isForced {
            throw SessionError(
                .refused, "session `\(record.session)` was ended for exceeding its scope",
                hint: "look at `remit diff \(record.session)`; `--force` applies it all the same")
        }
        let log = try ReviewLog(of: record.session, in: directories, changes: record.history.changes)
        // Only now: whoever held the record before us may have applied some of it.
        let current = try changes()
        if let name = selection.unmatched(current).first {
            throw SessionError(.usage, "no change matches `\(name)`", hint: "see `remit diff \(record.session)`")
        }
        let decisions = selection.decisions(on: current)
        try log.record(
            "review.applying", ["force": .bool(selection.isForced), "names": .strings(selection.names)], durable: true)
        let results: [ImportResult]
        do {
            let importer = try Importer(upper: upper.number, workspace: root.number, session: record.session)
            results = try importer.apply(current, decisions)
        } catch {
            throw SessionError(.failed, "cannot apply the change: \(error)", hint: "it can be applied again")
        }
        try write(results, log)
        return results
    }

    private func write(_ results: [ImportResult], _ log: ReviewLog) throws(SessionError) {
        var brought: [JSONValue] = []
        var kept: [JSONValue] = []
        for result in results {
            let path = JSONValue.string(result.change.path.description)
            switch result.state {
            case .applied: brought.append(path)
            case .left: continue
            case .refused(let reason), .failed(let reason):
                kept.append(["path": path, "reason": .string(reason)])
            }
        }
        try log.record("review.brought", paths: brought)
        try log.record("review.kept", paths: kept)
        let isWhole = results.allSatisfy { $0.state == .applied }
        try log.record(
            "review.applied",
            ["applied": .integer(brought.count), "refused": .integer(kept.count), "whole": .bool(isWhole)])
        try log.checkpoint()
        guard isWhole else { return }
        SessionLayers(record.session, directories).remove()
        try log.seal()
    }

    /// Removes a session's change for good, and records that.
    ///
    /// - Throws: ``SessionError`` when there is none, or it cannot be removed.
    package static func discard(_ record: SessionRecord, in directories: Directories) throws(SessionError) {
        let layers = SessionLayers(record.session, directories)
        try checkState(record)
        guard layers.exist else {
            let state = SessionStore(directories).review(record.session, record.history)
            throw SessionError(
                .usage,
                state == .none
                    ? "session `\(record.session)` has no change to discard"
                    : "the change of session `\(record.session)` was \(state.rawValue) already")
        }
        let log = try ReviewLog(of: record.session, in: directories, changes: record.history.changes)
        try log.record("review.discarding", [:], durable: true)
        guard layers.remove() else {
            throw SessionError(.failed, "cannot remove all of `\(directories.layers(record.session))`")
        }
        try log.record("review.discarded", [:])
        try log.seal()
    }
}
