// SPDX-License-Identifier: Apache-2.0
// What can be seen of a process that waits in a system call: its memory, its directories, its files.

internal import CLinux
internal import Glibc

/// Looks at another process as it is now. Nothing of it decides anything: it may have changed by the time it is used.
package enum CallerView {
    /// The text at an address, without its NUL; `nil` where it cannot be read, is longer than a path, or is not UTF-8.
    package static func text(of process: Int32, at address: UInt64) -> String? {
        guard let bytes = bytes(of: process, at: address, count: 4096), let end = bytes.firstIndex(of: 0) else {
            return nil
        }
        return String(validating: bytes[..<end], as: UTF8.self)
    }

    /// At most `count` bytes at an address: as many as are mapped there.
    package static func bytes(of process: Int32, at address: UInt64, count: Int) -> [UInt8]? {
        guard address != 0 else { return nil }
        var buffer = [UInt8](repeating: 0, count: count)
        let read = unsafe linux_read_memory(process, address, &buffer, count)
        return read > 0 ? Array(buffer[..<read]) : nil
    }

    /// What a relative path of the process starts from: its own directory, or an open one of it; an absolute path inside.
    package static func base(of process: Int32, directory: Int32?) -> String? {
        let name = directory.map { "fd/\($0)" } ?? "cwd"
        guard let path = try? FileSystem.linkTarget("/proc/\(process)/\(name)", in: AT_FDCWD), path.hasPrefix("/")
        else {
            return nil
        }
        return path
    }

    /// The root directory of a process, to look beneath.
    package static func root(of process: Int32) throws(SystemCallError) -> OwnedDescriptor {
        try FileSystem.open("/proc/\(process)/root", O_PATH | O_DIRECTORY)
    }
}

/// What is at a path of another root.
package struct RootedFile: Hashable, Sendable {
    /// The path with every link resolved, as that root has it.
    package let path: String
    package let facts: FileSystem.Facts

    /// Looks at a path as a process with that root would; nothing is opened, only found (`O_PATH`).
    ///
    /// - Parameter follows: a link at the end is followed.
    /// - Throws: ``SystemCallError`` as openat2(2).
    package init(_ path: String, in root: CInt, follows: Bool) throws(SystemCallError) {
        let flags = O_PATH | O_CLOEXEC | (follows ? 0 : O_NOFOLLOW)
        let file = OwnedDescriptor(
            adopting: try check("look at `\(path)`") {
                unsafe linux_openat2(
                    root, path, UInt64(flags), 0, UInt64(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS))
            }
        )
        facts = try FileSystem.facts(of: file.number)
        self.path = try FileSystem.linkTarget("/proc/self/fd/\(file.number)", in: AT_FDCWD)
    }
}

extension FileSystem {
    /// A directory to look beneath; nothing of it is read.
    package static func openPath(_ path: String) throws(SystemCallError) -> OwnedDescriptor {
        try open(path, O_PATH | O_DIRECTORY)
    }

    /// Whether there is something at a relative path on the very file system of a directory: no mount is crossed, none is
    /// triggered, and nothing is opened, see openat2(2).
    package static func isWithinReach(_ path: String, of directory: CInt) -> Bool {
        let flags = UInt64(O_PATH | O_CLOEXEC | O_NOFOLLOW)
        let number = unsafe linux_openat2(
            directory, path, flags, 0, UInt64(RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS))
        guard number >= 0 else { return false }
        _ = OwnedDescriptor(adopting: number)
        return true
    }
}
