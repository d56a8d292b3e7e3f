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

    /// Removes a directory and everything in it; a symbolic link is removed, never followed.
    ///
    /// Names are walked, so nobody else may be able to change the tree meanwhile. However deep it is: an agent can make
    /// one that is too deep for any path to name.
    ///
    /// - Throws: ``SystemCallError`` when something is left.
    package static func removeTree(_ path: String) throws(SystemCallError) {
        try removeTree(path, of: path)
    }

    private static func removeTree(_ path: String, of root: String) throws(SystemCallError) {
        let facts = try facts(at: path)
        guard facts.isDirectory else {
            try check("remove `\(path)`") { unsafe unlink(path) }
            return
        }
        if facts.permissions & 0o700 != 0o700 { _ = unsafe chmod(path, 0o700) }
        // Deep down, a directory is not entered but moved up to the root, where it is found when all else is gone.
        if path.utf8.count > root.utf8.count + 1024 {
            let near = "\(root)/\(Random.identifier(16))"
            try check("move `\(path)`") { unsafe rename(path, near) }
            return
        }
        var names = try names(in: path)
        while !names.isEmpty {
            for name in names { try removeTree("\(path)/\(name)", of: root) }
            names = path == root ? try self.names(in: path) : []
        }
        try check("remove `\(path)`") { unsafe rmdir(path) }
    }
}
