// SPDX-License-Identifier: Apache-2.0
// The layers of one session on disk, from their making to their end.

internal import RemitJournal
package import RemitKernel
internal import RemitSandbox
internal import RemitTask
package import RemitWorkspace

/// What lies over the workspace of one session.
package struct SessionLayers: Sendable {
    package let session: String
    private let directories: Directories

    package init(_ session: String, _ directories: Directories) {
        self.session = session
        self.directories = directories
    }

    /// Whether there is something that nobody has applied or discarded yet.
    package var exist: Bool { FileSystem.exists(directories.layers(session)) }

    /// The session's directory without links, which a state directory may be reached by.
    private func directory() throws(SystemCallError) -> String { try FileSystem.resolved(directories.session(session)) }

    /// Makes them, empty, and notes what the workspace is.
    func make(over workspace: ApprovedWorkspace, for identity: AgentIdentity) throws(SystemCallError) {
        try FileSystem.makeDirectories(directories.session(session))
        let place = "\(try directory())/layers"
        try FileSystem.makeDirectory(place, mode: 0o700)
        let root = try FileSystem.openDirectory(workspace.path)
        let facts = try FileSystem.facts(of: root.number)
        guard facts.inode == workspace.facts.inode, facts.device == workspace.facts.device else {
            throw SystemCallError("open `\(workspace.path)` again", .notFound)
        }
        try LayerDirectories.make(in: place, for: identity, mode: facts.permissions)
        try BaseSnapshot.record(root.number, to: directories.base(session))
    }

    /// Opens the layer that took the agent's writes.
    package func openUpper() throws(SystemCallError) -> DescriptorBox {
        DescriptorBox(try FileSystem.openDirectory("\(try directory())/layers/\(WorkspaceLayers.upper)"))
    }

    /// What the workspace was, of some paths.
    package func base(of paths: [TreePath]) -> BaseSnapshot? {
        BaseSnapshot(path: directories.base(session), of: paths)
    }

    /// Removes all there is. What cannot be removed stays, and is found again.
    @discardableResult
    package func remove() -> Bool {
        let path = directories.layers(session)
        if FileSystem.exists(path) {
            do {
                let parent = try FileSystem.openDirectory(try directory())
                try FileSystem.removeEntryTree(Array("layers".utf8), in: parent.number)
            } catch {
                return false
            }
        }
        FileSystem.remove(directories.base(session))
        return true
    }

    /// After the end: what the verify command wrote goes, and everything when there is nothing to review.
    func tidy(_ history: SessionHistory) {
        guard let changes = history.changes else { return }
        if changes.isEmpty {
            remove()
        } else if let layers = try? FileSystem.openDirectory("\(try directory())/layers") {
            try? FileSystem.removeEntryTree(Array(WorkspaceLayers.verification.utf8), in: layers.number)
        }
    }
}

/// What a session left in its layer, read once after its last process was gone.
struct LayeredChanges {
    private let result: Result<ChangeSet, any Error>
    private let upper: DescriptorBox?
    private let workspace: DescriptorBox?
    /// For the journal and the receipt.
    let summary: ReceiptChanges

    /// Nothing was left, or nobody could read it.
    static var unreadable: LayeredChanges { LayeredChanges(SystemCallError("read the layer", .notFound)) }

    private init(_ error: any Error) {
        result = .failure(error)
        (upper, workspace) = (nil, nil)
        summary = ReceiptChanges(problem: "\(error)")
    }

    private init(_ changes: ChangeSet, upper: DescriptorBox, workspace: DescriptorBox) {
        let layer = changes.layer
        let counts = changes.counts
        result = .success(changes)
        self.upper = upper
        self.workspace = workspace
        summary = ReceiptChanges(
            added: counts[.added] ?? 0,
            modified: (counts[.modified] ?? 0) + (counts[.mode] ?? 0) + (counts[.attributes] ?? 0)
                + (counts[.type] ?? 0),
            deleted: counts[.deleted] ?? 0, bytes: Int(layer.bytes), unread: layer.unread, digest: layer.digest)
    }

    /// Reads the layer; why it cannot be read is a part of the ``summary``.
    static func read(_ layers: SessionLayers, workspace path: String) -> LayeredChanges {
        do {
            let upper = try layers.openUpper()
            let workspace = DescriptorBox(try FileSystem.openDirectory(path))
            let changes = try ChangeSet(
                upper: upper.number, workspace: workspace.number, reserved: Importer.reservedName(layers.session))
            return LayeredChanges(changes, upper: upper, workspace: workspace)
        } catch {
            return LayeredChanges(error)
        }
    }

    /// The paths that were made, changed or removed.
    func paths() throws -> [String] {
        try result.get().changes.map { String(decoding: $0.path.bytes, as: UTF8.self) }
    }

    /// Opens a path as the session saw it.
    func open(_ path: String) throws(SystemCallError) -> DescriptorBox {
        guard let upper, let workspace else { throw SystemCallError("read the layer", .notFound) }
        return try MergedView(upper: upper.number, workspace: workspace.number)
            .open(TreePath(bytes: Array(path.utf8)))
    }
}

extension Supervisor {
    /// Before anything is launched: what takes the agent's writes.
    func makeLayers() throws(SessionError) {
        guard let workspace = admitted.sandbox.workspace, workspace.mode == .overlay else { return }
        do {
            try SessionLayers(session, directories).make(over: workspace, for: admitted.plan.identity)
        } catch {
            SessionLayers(session, directories).remove()
            FileSystem.removeDirectory(directories.session(session))
            throw SessionError(.failed, "cannot make the layers of the workspace: \(error)")
        }
    }

    /// After the last process is gone, and before anything else looks at the workspace.
    func recordChanges() -> LayeredChanges? {
        guard let workspace = admitted.sandbox.workspace, workspace.mode == .overlay else { return nil }
        let left = LayeredChanges.read(SessionLayers(session, directories), workspace: workspace.path)
        record(ReceiptChanges.recordType, left.summary.json)
        return left
    }
}
