// SPDX-License-Identifier: Apache-2.0
// What a workspace looked like, so that what an agent changed can be said. Every step goes through descriptors and
// follows no link: the tree belongs to the agent.

internal import CLinux
internal import Glibc
package import RemitKernel

/// Every path of a workspace with what tells a change: the kernel sets ctime, and no agent can set it back.
package struct WorkspaceSnapshot: Sendable {
    private struct Entry: Hashable, Sendable {
        let inode: UInt64
        let mode: UInt32
        let size: Int64
        let changed: Int64
    }

    /// The most paths that are looked at; a larger workspace cannot be judged.
    package static let limit = 500_000

    private var entries: [String: Entry] = [:]

    /// - Throws: ``SystemCallError``; more than ``limit`` paths are EFBIG.
    package init(of path: String) throws(SystemCallError) {
        let root = try FileSystem.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
        try add(directory: root.number, prefix: "", depth: 0)
    }

    private mutating func add(directory: CInt, prefix: String, depth: Int) throws(SystemCallError) {
        guard depth < 256 else { throw SystemCallError("look through `\(prefix)`", .symbolicLinkLoop) }
        for name in try FileSystem.names(of: directory, name: prefix) {
            let path = prefix.isEmpty ? name : "\(prefix)/\(name)"
            // Whatever vanishes while we look was changed, and its absence says so.
            guard let facts = try? FileSystem.facts(at: name, in: directory) else { continue }
            entries[path] = Entry(
                inode: facts.inode,
                mode: facts.mode,
                size: facts.isDirectory ? 0 : facts.size,
                changed: facts.isDirectory ? 0 : facts.changed
            )
            if entries.count > Self.limit { throw SystemCallError("look through the workspace", Errno(code: EFBIG)) }
            guard facts.isDirectory else { continue }
            do {
                let child = try FileSystem.openBeneath(name, in: directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
                try add(directory: child.number, prefix: path, depth: depth + 1)
            } catch {
                // An unreadable directory is there, and its contents are nobody's to judge.
                guard error.errno == .denied || error.errno == .notFound || error.errno == .notDirectory else {
                    throw error
                }
            }
        }
    }

    /// The paths that were made, changed or removed between this snapshot and a later one, sorted.
    package func changes(to later: WorkspaceSnapshot) -> [String] {
        var paths = Set(later.entries.filter { entries[$0.key] != $0.value }.keys)
        paths.formUnion(entries.keys.filter { later.entries[$0] == nil })
        return paths.sorted()
    }
}
