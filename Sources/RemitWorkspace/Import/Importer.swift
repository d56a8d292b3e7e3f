// SPDX-License-Identifier: Apache-2.0
// Brings changes into a workspace. Between any two calls somebody else may change the workspace, another agent even: so
// every step goes through the descriptor of a directory that was reached without a link, and looks at what it displaced.

package import RemitKernel

/// What became of one change.
package struct ImportResult: Hashable, Sendable {
    package enum State: Hashable, Sendable {
        case applied
        /// Not asked for.
        case left
        case refused(String)
        case failed(String)
    }

    package let change: Change
    package let state: State

    /// It was asked for and is not there.
    package var isMissing: Bool {
        switch state {
        case .applied, .left: false
        case .refused, .failed: true
        }
    }
}

/// Brings the changes of one session into its workspace, one path at a time: each is there whole, or not at all, and what
/// was interrupted can be done again.
package struct Importer {
    let upper: CInt
    let workspace: CInt
    let temporary: TemporaryNames
    private let unlinked = UnlinkedFiles()
    /// Whose files the workspace's are.
    let owner: (user: UInt32, group: UInt32)

    /// - Parameters:
    ///   - upper: the session's layer, open.
    ///   - workspace: open, and looked at: it is the one that the session was about.
    ///   - session: its identifier, part of the names of what is not finished.
    /// - Throws: ``SystemCallError`` when the workspace cannot be looked at.
    package init(upper: CInt, workspace: CInt, session: String) throws(SystemCallError) {
        self.upper = upper
        self.workspace = workspace
        temporary = TemporaryNames(session)
        let facts = try FileSystem.facts(of: workspace)
        owner = (facts.owner, facts.group)
    }

    /// What an interrupted import may have left, and what no change may be called.
    package static func reservedName(_ session: String) -> EntryName { TemporaryNames(session).prefix }

    /// Does what was decided. Removals come first, then everything else from the top down, links last.
    ///
    /// - Returns: a result for every change, in the order of their paths.
    package func apply(_ changes: [Change], _ decisions: [ImportSelection.Decision]) throws -> [ImportResult] {
        try sweep()
        var states = decisions.map { decision -> ImportResult.State in
            switch decision {
            case .bring: .failed("it was not reached")
            case .leave: .left
            case .refuse(let reason): .refused(reason)
            }
        }
        let chosen = changes.indices.filter { decisions[$0] == .bring }
        let removals = chosen.filter { changes[$0].kind == .deleted }.reversed()
        let links = chosen.filter { changes[$0].kind != .deleted && changes[$0].after?.kind == .link }
        let others = chosen.filter { changes[$0].kind != .deleted && changes[$0].after?.kind != .link }
        for index in Array(removals) + others + links {
            do {
                try bring(changes[index])
                states[index] = .applied
            } catch let conflict as ImportConflict {
                states[index] = .refused(conflict.reason)
            } catch {
                states[index] = .failed("\(error)")
            }
        }
        // A directory gets its mode when all that is to be in it is there.
        for index in others.reversed()
        where changes[index].after?.kind == .directory && states[index] == .applied
            && changes[index].kind != .attributes
        {
            do { try setDirectoryMode(changes[index]) } catch { states[index] = .failed("\(error)") }
        }
        try flush(Set(chosen.map { changes[$0].path.parent }))
        return zip(changes, states).map { ImportResult(change: $0, state: $1) }
    }

    private func bring(_ change: Change) throws {
        switch (change.kind, change.after?.kind) {
        case (.deleted, _): try remove(change)
        case (.mode, .directory), (.attributes, _): try check(change)
        case (.mode, _): try setMode(change)
        case (_, .directory): try makeDirectory(change)
        case (_, .link): try makeLink(change)
        case (_, .file): try makeFile(change)
        default: throw ImportConflict("it is nothing that can be brought along")
        }
    }

    // MARK: the workspace

    /// Calls `body` with a directory of the workspace, as its owner; one that its owner may not write is opened for that
    /// long.
    func withDirectory<Result>(_ path: TreePath, _ body: (CInt) throws -> Result) throws -> Result {
        try CurrentProcess.asOwner(user: owner.user, group: owner.group) {
            let directory = DescriptorBox(try FileSystem.open(".", FileSystem.directoryEntry, in: workspace))
            var current = directory
            for name in path.names {
                current = DescriptorBox(try FileSystem.openEntry(name, in: current.number, FileSystem.directoryEntry))
            }
            let facts = try FileSystem.facts(of: current.number)
            let isClosed = facts.permissions & 0o300 != 0o300 && facts.owner == owner.user
            if isClosed { try FileSystem.setMode(of: current.number, facts.permissions | 0o700) }
            defer { if isClosed { try? FileSystem.setMode(of: current.number, facts.permissions) } }
            return try body(current.number)
        }
    }

    /// What the change was compared with is still there.
    private func check(_ change: Change, in directory: CInt) throws {
        let found = try LayerReader.facts(change.path.name, in: directory).map { Node($0) }
        guard isSame(found, change.before, isDisplaced: false) else { throw ImportConflict.changed }
    }

    private func check(_ change: Change) throws {
        try withDirectory(change.path.parent) { try check(change, in: $0) }
    }

    /// - Parameter isDisplaced: it was renamed since, which its ctime tells as well.
    private func isSame(_ found: Node?, _ expected: Node?, isDisplaced: Bool) -> Bool {
        guard let found, let expected else { return found == nil && expected == nil }
        guard found.kind == expected.kind, found.stamp.inode == expected.stamp.inode else { return false }
        // A directory changes with what is in it.
        if found.kind == .directory { return true }
        return found.size == expected.size && found.mode == expected.mode
            && found.stamp.modified == expected.stamp.modified
            && (isDisplaced || found.stamp.changed == expected.stamp.changed || unlinked.contain(found))
    }

    private func remove(_ change: Change) throws {
        try withDirectory(change.path.parent) { directory in
            // Gone is gone, whoever did it.
            guard let found = try LayerReader.facts(change.path.name, in: directory) else { return }
            guard isSame(Node(found), change.before, isDisplaced: false) else { throw ImportConflict.changed }
            try unlinked.remove(change.path.name, found, in: directory)
        }
    }

    private func setMode(_ change: Change) throws {
        guard let mode = change.after?.mode else { return }
        try withDirectory(change.path.parent) { directory in
            try check(change, in: directory)
            try FileSystem.setMode(ofEntry: change.path.name, in: directory, mode & 0o777)
        }
    }

    private func setDirectoryMode(_ change: Change) throws {
        guard let mode = change.after?.mode else { return }
        try withDirectory(change.path.parent) { directory in
            let entry = try FileSystem.openEntry(change.path.name, in: directory, FileSystem.directoryEntry)
            // Set-id bits of a directory are those it has here.
            let own = try FileSystem.facts(of: entry.number).permissions & 0o6000
            try FileSystem.setMode(of: entry.number, mode & 0o1777 | own)
        }
    }

    private func makeDirectory(_ change: Change) throws {
        try withDirectory(change.path.parent) { directory in
            if change.before == nil {
                if let found = try LayerReader.facts(change.path.name, in: directory) {
                    // Made by an import that was interrupted, or by somebody else just now.
                    guard found.isDirectory else { throw ImportConflict.changed }
                    return
                }
                return try FileSystem.makeDirectoryEntry(change.path.name, in: directory, mode: 0o700)
            }
            let name = temporary.next()
            try FileSystem.makeDirectoryEntry(name, in: directory, mode: 0o700)
            try place(name, change, in: directory, isDirectory: true)
        }
    }

    private func makeLink(_ change: Change) throws {
        guard let target = change.after?.target else { return }
        let destination = LinkTarget.destination(target, at: change.path).bytes
        try withDirectory(change.path.parent) { directory in
            if !destination.isEmpty, try FileSystem.leadsOut(destination, of: workspace) {
                throw ImportConflict("through other links it leads out of the workspace")
            }
            let name = temporary.next()
            try FileSystem.makeLinkEntry(name, to: target, in: directory)
            try place(name, change, in: directory, isDirectory: false)
        }
    }

    private func makeFile(_ change: Change) throws {
        guard let after = change.after else { return }
        let source = try openLayer(change.path)
        try withDirectory(change.path.parent) { directory in
            let name = temporary.next()
            let file = try FileSystem.createEntry(name, in: directory)
            do {
                try FileSystem.copyContents(of: source.number, to: file.number)
                if change.before?.kind == .file {
                    try keepAttributes(of: change.path.name, in: directory, on: file.number)
                }
                try FileSystem.setMode(of: file.number, after.mode & 0o777)
                try FileSystem.flush(file.number)
            } catch {
                try? FileSystem.removeEntry(name, in: directory, isDirectory: false)
                throw error
            }
            try place(name, change, in: directory, isDirectory: false)
        }
    }

    /// Access control lists and attributes of the user's stay with a file whose contents change.
    private func keepAttributes(of name: EntryName, in directory: CInt, on file: CInt) throws(SystemCallError) {
        guard let old = try? FileSystem.openEntry(name, in: directory) else { return }
        for attribute in try FileSystem.attributeNames(of: old.number) {
            let text = String(decoding: attribute, as: UTF8.self)
            guard text.hasPrefix("user.") && !text.hasPrefix("user.overlay.") || text == "system.posix_acl_access",
                let value = try FileSystem.attribute(attribute, of: old.number)
            else { continue }
            try FileSystem.setAttribute(attribute, value, of: file)
        }
    }

    // MARK: putting something in its place

    /// Gives what is finished its name. What had the name before is looked at once it is out of the way, and put back when
    /// it is not what was expected.
    private func place(_ name: EntryName, _ change: Change, in directory: CInt, isDirectory: Bool) throws {
        do {
            guard let before = change.before else {
                try rename(name, change.path.name, in: directory, .onlyIfFree)
                return
            }
            try check(change, in: directory)
            try rename(name, change.path.name, in: directory, .exchanging)
            // Nothing under the temporary name: the file system could only replace, and did.
            guard let displaced = try LayerReader.facts(name, in: directory) else { return }
            do {
                guard isSame(Node(displaced), before, isDisplaced: true) else { throw ImportConflict.changed }
                try unlinked.remove(name, displaced, in: directory)
            } catch {
                try FileSystem.renameEntry(name, in: directory, to: change.path.name, in: directory, .exchanging)
                throw error
            }
        } catch {
            try? FileSystem.removeEntry(name, in: directory, isDirectory: isDirectory)
            if let failure = error as? SystemCallError, failure.errno == .exists || failure.errno.code == 39 {
                throw ImportConflict.changed
            }
            throw error
        }
    }

    /// A file system without these kinds of rename(2) gets the plain one, after a look.
    private func rename(
        _ name: EntryName, _ other: EntryName, in directory: CInt, _ renaming: FileSystem.Renaming
    ) throws {
        do { try FileSystem.renameEntry(name, in: directory, to: other, in: directory, renaming) } catch {
            guard error.errno == .invalidArgument || error.errno == .notImplemented else { throw error }
            if renaming == .onlyIfFree, try LayerReader.facts(other, in: directory) != nil {
                throw ImportConflict.changed
            }
            try FileSystem.renameEntry(name, in: directory, to: other, in: directory, .replacing)
        }
    }

    // MARK: the layer

    /// Opens a file of the layer.
    private func openLayer(_ path: TreePath) throws -> DescriptorBox {
        func descend(_ directory: CInt, _ names: ArraySlice<EntryName>) throws -> DescriptorBox {
            guard let name = names.first else { throw SystemCallError("open `\(path)`", .notFound) }
            let facts = try FileSystem.facts(ofEntry: name, in: directory)
            return try LayerReader.withEntry(name, facts, in: directory, isOurs: true) { entry in
                if names.count > 1 { return try descend(entry, names.dropFirst()) }
                guard facts.isRegular else { throw SystemCallError("open `\(path)`", .notFound) }
                return DescriptorBox(try FileSystem.openEntry(name, in: directory, FileSystem.noFollow))
            }
        }
        return try descend(upper, path.names[...])
    }

    // MARK: what an interrupted import left

    /// Takes away what has one of our temporary names, in every directory that the layer has as well.
    private func sweep() throws {
        func visit(_ directory: CInt, _ path: TreePath) throws {
            try? withDirectory(path) { directory in
                for name in try FileSystem.entries(of: directory) where name.starts(with: temporary.prefix) {
                    let facts = try FileSystem.facts(ofEntry: name, in: directory)
                    try? FileSystem.removeEntry(name, in: directory, isDirectory: facts.isDirectory)
                }
            }
            guard path.depth < ChangeWalk.depthLimit else { return }
            for name in try FileSystem.entries(of: directory) {
                let facts = try FileSystem.facts(ofEntry: name, in: directory)
                guard facts.isDirectory else { continue }
                try LayerReader.withEntry(name, facts, in: directory, isOurs: true) {
                    try visit($0, path.appending(name))
                }
            }
        }
        try visit(upper, .root)
    }

    private func flush(_ directories: Set<TreePath>) throws {
        for path in directories.sorted() {
            do { try withDirectory(path) { try FileSystem.flush($0) } } catch let error as SystemCallError {
                // Gone again, or never made.
                let known: [Errno] = [.notFound, .notDirectory, .symbolicLinkLoop, .denied]
                if !known.contains(error.errno) { throw error }
            }
        }
    }
}

/// The workspace is not what the change was compared with.
struct ImportConflict: Error, Hashable {
    let reason: String

    init(_ reason: String) { self.reason = reason }

    static let changed = ImportConflict("it is being changed in the workspace")
}

/// Files of which this import has taken one name away: under their others the kernel has changed the time that tells of
/// changes, and that was nobody else.
private final class UnlinkedFiles {
    /// The time after it, by inode.
    private var times: [UInt64: Int64] = [:]

    /// Removes an entry that was looked at.
    func remove(_ name: EntryName, _ facts: FileSystem.Facts, in directory: CInt) throws(SystemCallError) {
        // One that may not be read is left to whoever repeats the import.
        let file =
            facts.isRegular && facts.links > 1
            ? try? DescriptorBox(FileSystem.openEntry(name, in: directory)) : nil
        let seen = file.flatMap { try? FileSystem.facts(of: $0.number) }
        try FileSystem.removeEntry(name, in: directory, isDirectory: facts.isDirectory)
        guard seen == facts, let after = file.flatMap({ try? FileSystem.facts(of: $0.number) }) else { return }
        times[after.inode] = after.changed
    }

    /// Whether the last that happened to a file is what was done here.
    func contain(_ node: Node) -> Bool { times[node.stamp.inode] == node.stamp.changed }
}

/// Names of what is not finished yet.
final class TemporaryNames {
    let prefix: EntryName
    private var count = 0

    init(_ session: String) { prefix = Array(".remit-\(session)-".utf8) }

    func next() -> EntryName {
        count += 1
        return prefix + Array("\(count)".utf8)
    }
}
