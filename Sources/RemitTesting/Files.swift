// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Glibc

/// What tests do to files, without following a link at the end of a path.
package enum Files {
    /// Whether there is anything at a path, even a link that leads nowhere.
    package static func exists(_ path: String) -> Bool { facts(path) != nil }

    /// Whether a file may be executed.
    package static func isExecutable(_ path: String) -> Bool { unsafe access(path, X_OK) == 0 }

    /// Who owns it; nil where there is nothing.
    package static func owner(_ path: String) -> UInt32? { facts(path)?.st_uid }

    /// Its permission bits; nil where there is nothing.
    package static func mode(_ path: String) -> UInt32? { facts(path).map { $0.st_mode & 0o7777 } }

    /// A text file's contents; nil where there is none.
    package static func text(_ path: String) -> String? {
        FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
    }

    /// A file's bytes; nil where there is none.
    package static func bytes(_ path: String) -> [UInt8]? { FileManager.default.contents(atPath: path).map(Array.init) }

    /// The names in a directory, sorted; empty where there is none.
    package static func names(in directory: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []).sorted()
    }

    /// Every regular file below a directory.
    package static func all(below directory: String) -> [String] {
        ((try? FileManager.default.subpathsOfDirectory(atPath: directory)) ?? []).sorted().map { "\(directory)/\($0)" }
            .filter { facts($0).map { $0.st_mode & S_IFMT == S_IFREG } ?? false }
    }

    /// - Throws: ``TestingError`` when symlink(2) fails.
    package static func link(_ path: String, to target: String) throws(TestingError) {
        if unsafe symlink(target, path) != 0 { throw TestingError("symlink `\(path)`: \(errorText(errno))") }
    }

    /// - Throws: ``TestingError`` when chmod(2) fails.
    package static func setMode(_ path: String, _ mode: UInt32) throws(TestingError) {
        if unsafe chmod(path, mode) != 0 { throw TestingError("chmod `\(path)`: \(errorText(errno))") }
    }

    /// - Throws: ``TestingError`` when chown(2) fails.
    package static func setOwner(_ path: String, _ user: UInt32) throws(TestingError) {
        if unsafe chown(path, user, user) != 0 { throw TestingError("chown `\(path)`: \(errorText(errno))") }
    }

    /// - Throws: ``TestingError`` when rename(2) fails.
    package static func move(_ path: String, to target: String) throws(TestingError) {
        if unsafe rename(path, target) != 0 { throw TestingError("rename `\(path)`: \(errorText(errno))") }
    }

    private static func facts(_ path: String) -> stat? {
        var facts = stat()
        return unsafe lstat(path, &facts) == 0 ? facts : nil
    }
}
