// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc

/// One process in /proc, held by its directory: what is read through it is never another process's with the same
/// number. See proc_pid(5).
package struct ProcessDirectory: ~Copyable {
    package let pid: Int32
    private let directory: OwnedDescriptor

    /// - Throws: ``SystemCallError``; `ENOENT` when there is no such process.
    package init(_ pid: Int32) throws(SystemCallError) {
        self.pid = pid
        directory = try FileSystem.open("/proc/\(pid)", O_PATH | O_DIRECTORY)
    }

    /// Reads one of its files, `status` or `task/7/status`, as text; what is not UTF-8 in it is repaired.
    package func text(_ name: String, limit: Int = 1 << 22) throws(SystemCallError) -> String {
        let file = try FileSystem.open(name, in: directory.number)
        return String(decoding: try FileSystem.readAll(file.number, limit: limit, name: name), as: UTF8.self)
    }

    /// The numbers that are names in one of its directories, `task` or `fd`, ascending.
    package func numbers(_ name: String) throws(SystemCallError) -> [Int32] {
        let list = try FileSystem.open(name, O_RDONLY | O_DIRECTORY, in: directory.number)
        return try FileSystem.names(of: list.number, name: name).compactMap { Int32($0) }.sorted()
    }

    /// Where one of its links points, `ns/mnt` or `fd/0`.
    package func link(_ name: String) throws(SystemCallError) -> String {
        try FileSystem.linkTarget(name, in: directory.number)
    }

    /// The inode of a namespace from its link, `mnt:[4026531832]`; `nil` when the link says something else.
    package func namespace(_ name: String) throws(SystemCallError) -> UInt64? {
        let text = try link(name)
        guard text.hasSuffix("]"), let start = text.lastIndex(of: "[") else { return nil }
        return UInt64(text[text.index(after: start)...].dropLast())
    }

    /// Who owns one of its files: the process's user when it may be inspected, otherwise root.
    package func owner(of name: String) throws(SystemCallError) -> UInt32 { try facts(of: name).owner }

    /// Device and inode of a file, `root/workspace`; a symbolic link at the end is not followed.
    package func facts(of name: String) throws(SystemCallError) -> FileSystem.Facts {
        try FileSystem.facts(at: name, in: directory.number)
    }

    /// The network namespace in which a socket of the process was made, from a short-lived copy of its descriptor.
    ///
    /// - Parameter inode: the socket's, as its link named it; another one means that the number was reused.
    /// - Returns: `nil` when it is a namespace over which the caller has no authority: none that the caller made.
    /// - Throws: ``SystemCallError``; `EPERM` when the process is not ours to look into.
    package func networkNamespace(ofSocket descriptor: Int32, inode: UInt64) throws(SystemCallError) -> UInt64? {
        let number = pid
        let process = OwnedDescriptor(
            adopting: try check("open process \(number)") { linux_pidfd_open(number, 0) }
        )
        let holder = process.number
        let socket = OwnedDescriptor(
            adopting: try check("copy descriptor \(descriptor)") { linux_pidfd_getfd(holder, descriptor) }
        )
        guard try FileSystem.facts(of: socket.number).inode == inode else {
            throw SystemCallError("copy descriptor \(descriptor)", .notFound)
        }
        let copy = socket.number
        let found = linux_socket_namespace(copy)
        if found < 0, Errno.last == .notPermitted { return nil }
        let namespace = OwnedDescriptor(adopting: try check("find the namespace of a socket") { found })
        return try FileSystem.facts(of: namespace.number).inode
    }
}

extension ProcessDirectory {
    /// The mount that every memfd of this host is on, by the number that `/proc/PID/fdinfo` shows: a descriptor that
    /// only calls itself `/memfd:…` is on another one.
    package static func memoryMount() throws(SystemCallError) -> String {
        // 1: close-on-exec.
        let file = OwnedDescriptor(adopting: try check("make a memfd") { unsafe linux_memfd_create("remit", 1) })
        return try ProcessDirectory(getpid()).text("fdinfo/\(file.number)")
    }
}
