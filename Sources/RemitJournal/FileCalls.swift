// SPDX-License-Identifier: Apache-2.0
// The few file calls that journals and keys need beyond those of RemitKernel.

internal import Glibc
internal import RemitKernel

/// File system calls with errors that name the file.
enum FileCalls {
    /// Reads a regular file from its start, never following a symbolic link as the last component.
    ///
    /// - Throws: EFBIG beyond the limit.
    static func contents(of path: String, limit: Int) throws(SystemCallError) -> [UInt8] {
        // Not to wait for the writer of a FIFO that somebody put there.
        let file = try FileSystem.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
        return try contents(of: file, path, limit: limit)
    }

    static func contents(
        of file: borrowing OwnedDescriptor, _ path: String, limit: Int
    ) throws(SystemCallError) -> [UInt8] {
        guard try FileSystem.facts(of: file.number).isRegular else {
            throw SystemCallError("read `\(path)`", Errno(code: EINVAL))
        }
        return try FileSystem.readAll(file.number, limit: limit, name: path)
    }

    /// The corresponding system call is `fdatasync(2)`: contents and length, not the times.
    static func synchroniseData(_ file: borrowing OwnedDescriptor, _ path: String) throws(SystemCallError) {
        let number = file.number
        try check("synchronise `\(path)`") { fdatasync(number) }
    }

    /// The corresponding system call is `ftruncate(2)`.
    static func truncate(_ file: borrowing OwnedDescriptor, to length: Int, _ path: String) throws(SystemCallError) {
        let number = file.number
        try check("shorten `\(path)`") { ftruncate(number, off_t(length)) }
    }

    /// Takes the file for this process without waiting; the corresponding system call is `flock(2)`.
    static func lock(_ file: borrowing OwnedDescriptor, _ path: String) throws(SystemCallError) {
        let number = file.number
        try check("lock `\(path)`") { flock(number, LOCK_EX | LOCK_NB) }
    }

    /// Puts a whole file at a path that must be free, so that nobody ever sees half of it; see `link(2)`.
    ///
    /// - Returns: false when the path was taken.
    static func place(_ bytes: [UInt8], at path: String, mode: UInt32) throws(SystemCallError) -> Bool {
        let temporary = "\(path).\(Random.identifier(8)).tmp"
        let file = try FileSystem.open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: mode)
        // The strings live for the length of the call, here and below.
        defer { _ = unsafe unlink(temporary) }
        try FileSystem.writeAll(file.number, bytes, name: temporary)
        try synchroniseData(file, temporary)
        do {
            try check("link `\(path)`") { unsafe link(temporary, path) }
        } catch  where error.errno == .exists {
            return false
        }
        try FileSystem.flushDirectory(of: path)
        return true
    }
}
