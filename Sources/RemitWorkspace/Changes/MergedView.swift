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
        do {
            guard !path.names.isEmpty else { return try Self.reopen(upper) }
            return try Self.descend(path.names[...], above: upper, below: workspace)
        } catch let error as SystemCallError {
            throw error
        } catch {
            throw SystemCallError("open `\(path)`", .notFound)
        }
    }

    /// Whether there is something by that path, a link that leads nowhere included.
    package func exists(_ path: TreePath) -> Bool {
        do throws(SystemCallError) { _ = try open(path) } catch { return error.errno == .symbolicLinkLoop }
        return true
    }

    /// - Parameters:
    ///   - above: a directory of the layer; what its owner may not read is opened all the same, or an agent could hide
    ///     from the review what the host then finds by its name.
    ///   - below: the workspace's directory, where that shows through.
    private static func descend(
        _ names: ArraySlice<EntryName>, above: CInt?, below: CInt?
    ) throws -> DescriptorBox {
        guard let name = names.first else { throw SystemCallError("open nothing", .notFound) }
        let rest = names.dropFirst()
        let flags = rest.isEmpty ? FileSystem.noFollow : FileSystem.directoryEntry
        guard let above, let facts = try LayerReader.facts(name, in: above) else {
            guard let below else { throw SystemCallError("open `\(QuotedText.of(name))`", .notFound) }
            let entry = DescriptorBox(try FileSystem.openEntry(name, in: below, flags))
            return rest.isEmpty ? entry : try descend(rest, above: nil, below: entry.number)
        }
        if facts.isWhiteout { throw SystemCallError("open `\(QuotedText.of(name))`", .notFound) }
        return try LayerReader.withEntry(name, facts, in: above, isOurs: true) { entry in
            if rest.isEmpty { return DescriptorBox(try FileSystem.openEntry(name, in: above, flags)) }
            let next = below.flatMap { try? DescriptorBox(FileSystem.openEntry(name, in: $0, flags)) }
            let isHidden = try next != nil && LayerAttributes(of: entry).isOpaque
            return try descend(rest, above: entry, below: isHidden ? nil : next?.number)
        }
    }

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
}
