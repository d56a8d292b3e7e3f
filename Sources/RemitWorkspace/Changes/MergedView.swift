// SPDX-License-Identifier: Apache-2.0

package import RemitKernel

/// What a session saw: its layer over the workspace, looked at from outside.
package struct MergedView {
    private let upper: CInt
    private let workspace: CInt

    package init(upper: CInt, workspace: CInt) {
        self.upper = upper
        self.workspace = workspace
    }

    /// Opens a path for reading, following no link.
    ///
    /// - Throws: ENOENT also where the layer says that something is gone.
    package func open(_ path: TreePath) throws(SystemCallError) -> DescriptorBox {
        var above = try? Self.reopen(upper)
        var below = try? Self.reopen(workspace)
        for (index, name) in path.names.enumerated() {
            let flags = index == path.names.count - 1 ? FileSystem.noFollow : FileSystem.directoryEntry
            let (covers, next) = try Self.look(above, name, flags)
            below =
                covers ? nil : below.flatMap { try? DescriptorBox(FileSystem.openEntry(name, in: $0.number, flags)) }
            above = next
        }
        guard let found = above ?? below else { throw SystemCallError("open `\(path)`", .notFound) }
        return found
    }

    package func exists(_ path: TreePath) -> Bool { (try? open(path)) != nil }

    /// Opens a path of one tree for reading, following no link.
    package static func open(_ path: TreePath, below directory: CInt) throws(SystemCallError) -> DescriptorBox {
        var current = try reopen(directory)
        for (index, name) in path.names.enumerated() {
            let flags = index == path.names.count - 1 ? FileSystem.noFollow : FileSystem.directoryEntry
            current = DescriptorBox(try FileSystem.openEntry(name, in: current.number, flags))
        }
        return current
    }

    private static func reopen(_ directory: CInt) throws(SystemCallError) -> DescriptorBox {
        DescriptorBox(try FileSystem.open(".", FileSystem.directoryEntry, in: directory))
    }

    /// The entry of the layer, and whether it takes the place of what is below.
    private static func look(
        _ directory: DescriptorBox?, _ name: EntryName, _ flags: CInt
    ) throws(SystemCallError) -> (covers: Bool, entry: DescriptorBox?) {
        guard let directory, let facts = try LayerReader.facts(name, in: directory.number) else { return (false, nil) }
        if facts.isWhiteout { return (true, nil) }
        let entry = DescriptorBox(try FileSystem.openEntry(name, in: directory.number, flags))
        guard facts.isDirectory else { return (true, entry) }
        return (try LayerAttributes(of: entry.number).isOpaque, entry)
    }
}
