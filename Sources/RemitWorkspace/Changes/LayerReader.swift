// SPDX-License-Identifier: Apache-2.0
// Reading what an agent wrote, after the last of its processes is gone. Every name is its choice, and every mode.

internal import RemitKernel

/// Opens entries of a layer, also those that their owner may not read.
enum LayerReader {
    /// Calls `body` with an entry that is open for reading.
    ///
    /// A mode that keeps its owner out is widened for the length of the call: the layer belongs to us, and nobody else
    /// is in it.
    static func withEntry<Result>(
        _ name: EntryName, _ facts: FileSystem.Facts, in directory: CInt, isOurs: Bool,
        _ body: (CInt) throws -> Result
    ) throws -> Result {
        let needed: UInt32 = facts.isDirectory ? 0o500 : 0o400
        let isClosed = isOurs && !CurrentProcess.isRoot && facts.permissions & needed != needed
        if isClosed { try FileSystem.setMode(ofEntry: name, in: directory, facts.permissions | needed) }
        defer { if isClosed { try? FileSystem.setMode(ofEntry: name, in: directory, facts.permissions) } }
        let entry = try FileSystem.openEntry(
            name, in: directory, facts.isDirectory ? FileSystem.directoryEntry : FileSystem.noFollow)
        let opened = try FileSystem.facts(of: entry.number)
        guard opened.inode == facts.inode, opened.mode & 0o170000 == facts.mode & 0o170000 else {
            throw SystemCallError("open `\(QuotedText.of(name))` again", .notFound)
        }
        return try body(entry.number)
    }

    /// The facts of an entry; nil where there is none.
    static func facts(_ name: EntryName, in directory: CInt) throws(SystemCallError) -> FileSystem.Facts? {
        do { return try FileSystem.facts(ofEntry: name, in: directory) } catch {
            if error.errno == .notFound || error.errno == .notDirectory { return nil }
            throw error
        }
    }

    static func node(
        _ name: EntryName, _ facts: FileSystem.Facts, in directory: CInt
    ) throws(SystemCallError) -> Node {
        Node(facts, target: facts.isSymbolicLink ? try FileSystem.target(ofEntry: name, in: directory) : nil)
    }
}

/// What the extended attributes of an entry of an upper layer say.
struct LayerAttributes {
    /// The directory hides what is below it.
    var isOpaque = false
    /// Attributes with which overlayfs could be made to see something else; no session of ours has it write them.
    var tricks: [String] = []
    /// Attributes of users' own and access lists, which say nothing to overlayfs and are not brought along.
    private(set) var own: [[UInt8]] = []

    init(of descriptor: CInt) throws(SystemCallError) {
        for name in try FileSystem.attributeNames(of: descriptor) {
            let text = String(decoding: name, as: UTF8.self)
            if Self.isOwn(text) { own.append(name) }
            guard text.hasPrefix("user.overlay.") || text.hasPrefix("trusted.overlay.") else { continue }
            switch text {
            case "user.overlay.opaque":
                if try FileSystem.attribute(name, of: descriptor) == [UInt8(ascii: "y")] {
                    isOpaque = true
                } else {
                    tricks.append(QuotedText.of(name))
                }
            case "user.overlay.origin", "user.overlay.impure", "user.overlay.uuid", "user.overlay.nlink",
                "user.overlay.upper":
                continue
            default: tricks.append(QuotedText.of(name))
            }
        }
    }

    private static func isOwn(_ name: String) -> Bool {
        (name.hasPrefix("user.") && !name.hasPrefix("user.overlay.")) || name.hasPrefix("system.posix_acl_")
    }

    /// Those of its own that another file, nil for none, has not with the same value.
    func set(on entry: CInt, unlike other: CInt?) throws(SystemCallError) -> [String] {
        var names: [String] = []
        for name in own {
            let value = try FileSystem.attribute(name, of: entry)
            if let other, let theirs = try FileSystem.attribute(name, of: other), theirs == value { continue }
            names.append(QuotedText.of(name))
        }
        return names.sorted()
    }
}
