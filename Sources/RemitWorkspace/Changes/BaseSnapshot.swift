// SPDX-License-Identifier: Apache-2.0
// What a workspace was when a session began, so that what others changed meanwhile is not overwritten.

package import RemitKernel

/// The record of every path of a workspace: kind and mode, size, inode and ctime, which no program sets back.
package struct BaseSnapshot: Sendable {
    struct Entry: Hashable, Sendable {
        let mode: UInt32
        let size: Int64
        let inode: UInt64
        let changed: Int64
    }

    private var entries: [TreePath: Entry] = [:]

    /// The most paths that are recorded: a workspace beyond it is none for an overlay.
    package static let limit = 2_000_000

    private static let header = Array("remit-base-1".utf8) + [0]

    /// Records a workspace.
    ///
    /// - Parameters:
    ///   - workspace: open.
    ///   - path: a new file of ours: one entry after the other, each ended by NUL.
    /// - Throws: ``SystemCallError``; more than ``limit`` paths are EFBIG.
    package static func record(_ workspace: CInt, to path: String) throws(SystemCallError) {
        let file = try FileSystem.create(path)
        var writer = Writer(file: file.number, path: path)
        writer.add(.root, try FileSystem.facts(of: workspace))
        try writer.walk(workspace, .root)
        try writer.flush()
    }

    private struct Writer {
        let file: CInt
        let path: String
        var pending = header
        var count = 0

        mutating func add(_ path: TreePath, _ facts: FileSystem.Facts) {
            let isDirectory = facts.isDirectory
            let numbers =
                "\(facts.mode) \(isDirectory ? 0 : facts.size) \(facts.inode) \(isDirectory ? 0 : facts.changed) "
            pending += Array(numbers.utf8) + path.bytes + [0]
            count += 1
        }

        mutating func walk(_ directory: CInt, _ path: TreePath) throws(SystemCallError) {
            guard path.depth <= ChangeWalk.depthLimit else { return }
            for name in try FileSystem.entries(of: directory) {
                // What vanishes while we look was not there when the session began.
                guard let facts = try LayerReader.facts(name, in: directory) else { continue }
                let child = path.appending(name)
                add(child, facts)
                if count > limit { throw SystemCallError("record the workspace", Errno(code: 27)) }
                if pending.count > 1 << 16 { try flush() }
                guard facts.isDirectory else { continue }
                do {
                    let below = try FileSystem.openEntry(name, in: directory, FileSystem.directoryEntry)
                    try walk(below.number, child)
                } catch {
                    // What we cannot read we cannot change either; and what is mounted there is not in the workspace.
                    let known: [Errno] = [.denied, .notFound, .notDirectory, .symbolicLinkLoop, Errno(code: 18)]
                    if !known.contains(error.errno) { throw error }
                }
            }
        }

        mutating func flush() throws(SystemCallError) {
            try FileSystem.writeAll(file, pending, name: path)
            pending.removeAll(keepingCapacity: true)
        }
    }

    /// Reads what was recorded of some paths.
    ///
    /// - Returns: nil when the file is none of ours, or cut off.
    package init?(path: String, of wanted: [TreePath]) {
        guard let bytes = try? FileSystem.read(path, limit: 1 << 30), bytes.starts(with: Self.header),
            bytes.last == 0
        else { return nil }
        let wanted = Set(wanted)
        for line in bytes.dropFirst(Self.header.count).split(separator: 0) {
            let fields = line.split(separator: UInt8(ascii: " "), maxSplits: 4, omittingEmptySubsequences: false)
            guard fields.count == 5, let mode = Self.number(fields[0], as: UInt32.self),
                let size = Self.number(fields[1], as: Int64.self), let inode = Self.number(fields[2], as: UInt64.self),
                let changed = Self.number(fields[3], as: Int64.self)
            else { return nil }
            let path = TreePath(bytes: Array(fields[4]))
            if path == .root || wanted.contains(path) {
                entries[path] = Entry(mode: mode, size: size, inode: inode, changed: changed)
            }
        }
        guard entries[.root] != nil else { return nil }
    }

    private static func number<Value: FixedWidthInteger>(_ digits: ArraySlice<UInt8>, as: Value.Type) -> Value? {
        Value(String(decoding: digits, as: UTF8.self))
    }

    /// The inode of the workspace itself.
    package var root: UInt64? { entries[.root]?.inode }

    /// In what the workspace differs from what the change was made to; nil when in nothing.
    func conflict(with change: Change) -> String? {
        let base = entries[change.path]
        guard let base else {
            guard let before = change.before else { return nil }
            // A directory may be there for any reason, this change's own beginning among them.
            if before.kind == .directory, change.after?.kind == .directory { return nil }
            return "it has been made in the workspace since the session began"
        }
        guard let before = change.before else {
            return "it has been removed from the workspace since the session began"
        }
        let permissions = base.mode & 0o7777
        guard (base.mode & 0o170000 == 0o040000) == (before.kind == .directory) else {
            return "it has become something else in the workspace since the session began"
        }
        if before.kind == .directory {
            let known = [permissions, permissions | 0o700, change.after?.mode ?? permissions]
            return change.kind != .mode || known.contains(before.mode) ? nil : Self.changed
        }
        let isSame =
            base.inode == before.stamp.inode && base.changed == before.stamp.changed && base.size == before.size
            && permissions == before.mode
        return isSame ? nil : Self.changed
    }

    private static let changed = "it has been changed in the workspace since the session began"
}
