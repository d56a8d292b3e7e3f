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
    /// Names are walked, so nobody else may be able to change the tree meanwhile.
    ///
    /// - Throws: ``SystemCallError`` when something is left.
    package static func removeTree(_ path: String) throws(SystemCallError) {
        let facts = try facts(at: path)
        guard facts.isDirectory else {
            try check("remove `\(path)`") { unsafe unlink(path) }
            return
        }
        if facts.permissions & 0o700 != 0o700 { _ = unsafe chmod(path, 0o700) }
        for name in try names(in: path) { try removeTree("\(path)/\(name)") }
        try check("remove `\(path)`") { unsafe rmdir(path) }
    }
}
