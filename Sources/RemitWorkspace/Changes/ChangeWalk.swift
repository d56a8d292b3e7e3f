// SPDX-License-Identifier: Apache-2.0

internal import RemitKernel
internal import RemitTask

/// Walks a layer and what is below it side by side, once: what it finds is compared, and goes into the layer's digest.
struct ChangeWalk {
    /// Deeper trees are told of, and not gone into: every level holds two descriptors.
    static let depthLimit = 200

    private(set) var changes: [Change] = []
    private var hasher = LayerHasher()
    private let reserved: EntryName
    /// What is below cannot be compared with anything, and is no change of its own.
    private var isBlind = false

    /// What the layer comes to, after the walk.
    var layer: LayerDigest { hasher.finish() }

    init(reserved: EntryName) { self.reserved = reserved }

    /// Walks all of it.
    mutating func walk(upper: CInt, workspace: CInt) throws {
        let attributes = try LayerAttributes(of: upper)
        hasher.addRoot(attributes)
        try merge(upper: upper, lower: workspace, path: .root, isOpaque: attributes.isOpaque)
    }

    /// - Parameters:
    ///   - lower: nil where nothing is below.
    ///   - isOpaque: what is below and has no entry in the layer is gone.
    private mutating func merge(upper: CInt, lower: CInt?, path: TreePath, isOpaque: Bool) throws {
        let names = try FileSystem.entries(of: upper)
        for name in names {
            try visit(name, upper: upper, lower: lower, path: path.appending(name))
        }
        guard isOpaque, let lower else { return }
        let kept = Set(names)
        for name in try FileSystem.entries(of: lower) where !kept.contains(name) {
            try remove(name, from: lower, path: path.appending(name))
        }
    }

    private mutating func visit(_ name: EntryName, upper: CInt, lower: CInt?, path: TreePath) throws {
        let facts = try FileSystem.facts(ofEntry: name, in: upper)
        if facts.isWhiteout {
            try hasher.add(path, facts)
            if let lower { try remove(name, from: lower, path: path) }
            return
        }
        let after = try LayerReader.node(name, facts, in: upper)
        var before: Node?
        if let lower, let found = try LayerReader.facts(name, in: lower) {
            before = try LayerReader.node(name, found, in: lower)
        }
        var concerns = Self.concerns(about: after, at: path)
        if name.starts(with: reserved) {
            concerns.append(Concern(.refused, "reserved-name", "the name is remit's own while a change is applied"))
        }
        switch after.kind {
        case .directory:
            try visitDirectory(
                name, facts, upper: upper, lower: lower, path: path, before: before, after: after, concerns: concerns)
        case .file:
            try visitFile(
                name, facts, upper: upper, lower: lower, path: path, before: before, after: after, concerns: concerns)
        default:
            try hasher.add(path, facts, target: after.target)
            if before?.kind == after.kind, after.kind == .link, before?.target == after.target { return }
            let kind: Change.Kind = before.map { $0.kind == after.kind ? .modified : .type } ?? .added
            try replace(name, lower: lower, path: path, before: before)
            try add(Change(path, kind, before: before, after: after, concerns: concerns))
        }
    }

    private mutating func visitDirectory(
        _ name: EntryName, _ facts: FileSystem.Facts, upper: CInt, lower: CInt?, path: TreePath, before: Node?,
        after: Node, concerns: [Concern]
    ) throws {
        var concerns = concerns
        guard path.depth <= Self.depthLimit else {
            try hasher.add(path, facts)
            concerns.append(Concern(.refused, "too-deep", "it is more than \(Self.depthLimit) directories deep"))
            return try add(
                Change(path, before == nil ? .added : .modified, before: before, after: after, concerns: concerns))
        }
        try LayerReader.withEntry(name, facts, in: upper, isOurs: true) { entry in
            let attributes = try LayerAttributes(of: entry)
            try hasher.add(path, facts, attributes, entry: entry)
            concerns += Self.concerns(about: attributes)
            concerns += try Self.unapplied(attributes, of: entry, name, in: before?.kind == .directory ? lower : nil)
            guard let before, before.kind == .directory, let lower else {
                try add(Change(path, before == nil ? .added : .type, before: before, after: after, concerns: concerns))
                return try merge(upper: entry, lower: nil, path: path, isOpaque: false)
            }
            // Set-id bits of directories are inherited and never brought along.
            let isSameMode = (before.mode ^ after.mode) & 0o1777 == 0
            if !isSameMode || !concerns.isEmpty {
                let isOther = !isSameMode || concerns.contains { $0.rule != Concern.unappliedRule }
                let kind: Change.Kind = isOther ? .mode : .attributes
                try add(Change(path, kind, before: before, after: after, concerns: concerns))
            }
            let below: OwnedDescriptor
            do throws(SystemCallError) {
                below = try FileSystem.openEntry(name, in: lower, FileSystem.directoryEntry)
            } catch {
                // A mount, or a directory of somebody else's: what is below cannot be compared.
                let why = Concern(.refused, "unreadable", "the workspace's own cannot be read: \(error.errno)")
                try add(Change(path, .modified, before: before, after: after, concerns: concerns + [why]))
                return try addBlindly(entry, path)
            }
            try merge(upper: entry, lower: below.number, path: path, isOpaque: attributes.isOpaque)
        }
    }

    private mutating func visitFile(
        _ name: EntryName, _ facts: FileSystem.Facts, upper: CInt, lower: CInt?, path: TreePath, before: Node?,
        after: Node, concerns: [Concern]
    ) throws {
        var concerns = concerns
        var hasSameContents = false
        try LayerReader.withEntry(name, facts, in: upper, isOurs: true) { entry in
            let attributes = try LayerAttributes(of: entry)
            try hasher.add(path, facts, attributes, entry: entry)
            concerns += Self.concerns(about: attributes)
            concerns += try Self.unapplied(attributes, of: entry, name, in: before?.kind == .file ? lower : nil)
            if let before, before.kind == .file, before.size == after.size, let lower {
                hasSameContents = Self.isSame(entry, name, in: lower, size: after.size)
            }
        }
        guard let before else { return try add(Change(path, .added, before: nil, after: after, concerns: concerns)) }
        guard before.kind == .file else {
            try replace(name, lower: lower, path: path, before: before)
            return try add(Change(path, .type, before: before, after: after, concerns: concerns))
        }
        if !hasSameContents {
            try add(Change(path, .modified, before: before, after: after, concerns: concerns))
        } else if before.mode != after.mode {
            try add(Change(path, .mode, before: before, after: after, concerns: concerns))
        } else if concerns.contains(where: { $0.rule == "overlay-attribute" }) {
            try add(Change(path, .modified, before: before, after: after, concerns: concerns))
        } else if concerns.contains(where: { $0.rule == Concern.unappliedRule }) {
            try add(Change(path, .attributes, before: before, after: after, concerns: concerns))
        }
    }

    /// Adds a directory's contents to the digest, and nothing to the changes.
    private mutating func addBlindly(_ directory: CInt, _ path: TreePath) throws {
        let wasBlind = isBlind
        isBlind = true
        defer { isBlind = wasBlind }
        try merge(upper: directory, lower: nil, path: path, isOpaque: false)
    }

    /// What goes with a directory that something else takes the place of.
    private mutating func replace(_ name: EntryName, lower: CInt?, path: TreePath, before: Node?) throws {
        guard before?.kind == .directory, let lower else { return }
        try removeContents(name, from: lower, path: path)
    }

    private mutating func remove(_ name: EntryName, from lower: CInt, path: TreePath) throws {
        guard let facts = try LayerReader.facts(name, in: lower) else { return }
        let before = try LayerReader.node(name, facts, in: lower)
        try add(Change(path, .deleted, before: before, after: nil))
        if before.kind == .directory { try removeContents(name, from: lower, path: path) }
    }

    private mutating func removeContents(_ name: EntryName, from lower: CInt, path: TreePath) throws {
        guard path.depth <= Self.depthLimit else { return }
        let directory: OwnedDescriptor
        do { directory = try FileSystem.openEntry(name, in: lower, FileSystem.directoryEntry) } catch {
            // What cannot be read is not listed, and its directory will not be empty.
            if error.errno == .denied || error.errno.code == 18 { return }
            throw error
        }
        for name in try FileSystem.entries(of: directory.number) {
            try remove(name, from: directory.number, path: path.appending(name))
        }
    }

    private mutating func add(_ change: Change) throws(SystemCallError) {
        if isBlind { return }
        changes.append(change)
        if changes.count > ChangeSet.limit { throw SystemCallError("list the changes", Errno(code: 27)) }
    }

    /// Contents above this are taken for different without a look.
    private static let comparisonLimit: Int64 = 1 << 30

    private static func isSame(_ entry: CInt, _ name: EntryName, in lower: CInt, size: Int64) -> Bool {
        guard size <= comparisonLimit, let other = try? FileSystem.openEntry(name, in: lower) else { return false }
        return (try? FileSystem.hasSameContents(entry, other.number)) ?? false
    }

    private static func concerns(about attributes: LayerAttributes) -> [Concern] {
        attributes.tricks.map {
            Concern(.refused, "overlay-attribute", "it has the attribute `\($0)`, which would make overlayfs see more")
        }
    }

    /// Attributes that the session set and that stay behind: whoever reviews the change is told.
    private static func unapplied(
        _ attributes: LayerAttributes, of entry: CInt, _ name: EntryName, in lower: CInt?
    ) throws(SystemCallError) -> [Concern] {
        guard !attributes.own.isEmpty else { return [] }
        var names: [String]
        if let lower, let other = try? FileSystem.openEntry(name, in: lower) {
            names = try attributes.set(on: entry, unlike: other.number)
        } else {
            names = try attributes.set(on: entry, unlike: nil)
        }
        guard !names.isEmpty else { return [] }
        // A file holds as many as fit into 64 KiB of names.
        let more = names.count > 4 ? " and \(names.count - 4) more" : ""
        names = names.prefix(4).map { "`\(Excerpt.of($0, limit: 64))`" }
        return [
            Concern(
                .noted, Concern.unappliedRule,
                "it has the attributes \(names.joined(separator: ", "))\(more), which are not brought along")
        ]
    }

    /// What speaks against something by what it is.
    private static func concerns(about node: Node, at path: TreePath) -> [Concern] {
        switch node.kind {
        case .device: return [Concern(.refused, "device", "it is a device")]
        case .fifo: return [Concern(.refused, "fifo", "it is a named pipe")]
        case .socket: return [Concern(.refused, "socket", "it is a socket")]
        case .link: return LinkTarget.concern(node.target ?? [], at: path).map { [$0] } ?? []
        case .directory: return []
        case .file:
            var found: [Concern] = []
            if node.mode & 0o6000 != 0 {
                found.append(Concern(.refused, "set-id", "it would run as its owner or group (mode \(node.modeText))"))
            }
            if node.links > 1 {
                found.append(
                    Concern(.guarded, "hard-link", "it has \(node.links) names, which would become files of their own"))
            }
            return found
        }
    }
}

/// Whether a symbolic link may lead where it leads.
enum LinkTarget {
    /// A link stays in the workspace when it is relative, first climbs no further than the workspace, and never turns back
    /// after that: what is before a `..` in the middle may be a link itself, and nobody could say where that leads.
    static func concern(_ target: [UInt8], at path: TreePath) -> Concern? {
        if target.first == UInt8(ascii: "/") {
            return Concern(
                .refused, "absolute-link", "it links to `\(QuotedText.of(target))`, outside of the workspace")
        }
        let names = target.split(separator: UInt8(ascii: "/")).map(Array.init).filter { $0 != [0x2E] }
        let climbs = names.prefix { $0 == [0x2E, 0x2E] }.count
        if climbs > path.depth - 1 {
            return Concern(
                .refused, "escaping-link", "it links to `\(QuotedText.of(target))`, outside of the workspace")
        }
        if names.dropFirst(climbs).contains([0x2E, 0x2E]) {
            return Concern(
                .refused, "turning-link", "it links to `\(QuotedText.of(target))`, which turns back on its way")
        }
        return nil
    }

    /// Where a link that has no ``concern(_:at:)`` leads, if no further link is on the way.
    static func destination(_ target: [UInt8], at path: TreePath) -> TreePath {
        var names = path.parent.names
        for name in target.split(separator: UInt8(ascii: "/")).map(Array.init) where name != [0x2E] {
            if name == [0x2E, 0x2E] { names = Array(names.dropLast()) } else { names.append(name) }
        }
        return TreePath(names)
    }
}
