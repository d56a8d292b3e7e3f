// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc

extension FileSystem {
    /// Makes a directory that did not exist, with exactly that mode. The corresponding system call is `mkdir(2)`.
    package static func makeDirectory(_ path: String, mode: UInt32) throws(SystemCallError) {
        try check("make `\(path)`") { unsafe mkdir(path, mode) }
        try check("set the mode of `\(path)`") { unsafe chmod(path, mode) }
    }

    /// The corresponding system call is `lchown(2)`.
    package static func setOwner(of path: String, user: UInt32, group: UInt32) throws(SystemCallError) {
        try check("give `\(path)` to uid \(user)") { unsafe lchown(path, user, group) }
    }

    /// Copies a file of at most `limit` bytes; the copy must not exist, and has exactly that mode.
    package static func copy(_ path: String, to other: String, mode: UInt32, limit: Int) throws(SystemCallError) {
        let contents = try read(path, limit: limit)
        let file = try create(other)
        try writeAll(file.number, contents, name: other)
        let number = file.number
        try check("set the mode of `\(other)`") { fchmod(number, mode) }
    }

    /// Removes a directory, or whatever else there is by that path, and everything in it; see
    /// ``removeEntryTree(_:in:)``.
    ///
    /// - Throws: ``SystemCallError`` when something is left.
    package static func removeTree(_ path: String) throws(SystemCallError) {
        let directory = try open(parent(of: path), O_PATH | O_DIRECTORY)
        let name = path[(path.lastIndex(of: "/").map(path.index(after:)) ?? path.startIndex)...]
        try removeEntryTree(Array(name.utf8), in: directory.number)
    }

    /// Removes an entry and everything in it, whatever its names and modes; links are removed, never followed, and no
    /// mount is entered. However deep it is: an agent can make a tree that is too deep for any path to name.
    ///
    /// Nobody else may be able to change the tree meanwhile.
    ///
    /// - Throws: ``SystemCallError`` when something is left.
    package static func removeEntryTree(_ name: EntryName, in directory: CInt) throws(SystemCallError) {
        guard let top = try openForRemoval(name, in: directory) else {
            return try removeEntry(name, in: directory, isDirectory: false)
        }
        // What was brought up is found when all else is gone.
        while case let names = try entries(of: top.number), !names.isEmpty {
            for name in names { try removeLevel(name, in: top.number, top: top.number, depth: 1) }
        }
        try removeEntry(name, in: directory, isDirectory: true)
    }

    /// Every level holds a descriptor. What is deeper is brought up to the top, to be removed from there.
    private static let removalDepth = 100

    private static func removeLevel(
        _ name: EntryName, in directory: CInt, top: CInt, depth: Int
    ) throws(SystemCallError) {
        guard let entry = try openForRemoval(name, in: directory) else {
            return try removeEntry(name, in: directory, isDirectory: false)
        }
        if depth >= removalDepth {
            let near = Array(Random.identifier(16).utf8)
            return try renameEntry(name, in: directory, to: near, in: top, .onlyIfFree)
        }
        for child in try entries(of: entry.number) {
            try removeLevel(child, in: entry.number, top: top, depth: depth + 1)
        }
        try removeEntry(name, in: directory, isDirectory: true)
    }

    /// - Returns: a directory, which may be read and changed now; `nil` for everything else.
    private static func openForRemoval(_ name: EntryName, in directory: CInt) throws(SystemCallError) -> DescriptorBox?
    {
        let facts = try facts(ofEntry: name, in: directory)
        guard facts.isDirectory else { return nil }
        // Whoever may not set it finds out when something cannot be removed.
        if facts.permissions & 0o700 != 0o700 { try? setMode(ofEntry: name, in: directory, 0o700) }
        return DescriptorBox(try openEntry(name, in: directory, directoryEntry))
    }
}
