// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc

/// Small files, read and written whole, without following a link where that matters.
package enum FileSystem {
    /// What fstat(2) says about a file.
    package struct Facts: Hashable, Sendable {
        package let device: UInt64
        package let inode: UInt64
        package let mode: UInt32
        package let owner: UInt32
        package let group: UInt32
        package let size: Int64
        /// How many names it has.
        package let links: UInt64
        /// Which device it is, of a device file.
        package let specialDevice: UInt64
        /// Bytes on disk.
        package let allocated: Int64
        package let modified: Int64
        package let changed: Int64

        package var isDirectory: Bool { mode & S_IFMT == S_IFDIR }
        package var isRegular: Bool { mode & S_IFMT == S_IFREG }
        package var isSymbolicLink: Bool { mode & S_IFMT == S_IFLNK }
        package var isSocket: Bool { mode & S_IFMT == S_IFSOCK }
        package var permissions: UInt32 { mode & 0o7777 }

        init(_ status: stat) {
            device = UInt64(status.st_dev)
            inode = UInt64(status.st_ino)
            mode = status.st_mode
            owner = status.st_uid
            group = status.st_gid
            size = Int64(status.st_size)
            links = UInt64(status.st_nlink)
            specialDevice = UInt64(status.st_rdev)
            allocated = Int64(status.st_blocks) * 512
            modified = Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec)
            changed = Int64(status.st_ctim.tv_sec) * 1_000_000_000 + Int64(status.st_ctim.tv_nsec)
        }
    }

    /// The corresponding system call is `openat(2)`; close-on-exec always.
    package static func open(
        _ path: String,
        _ flags: CInt = O_RDONLY,
        mode: UInt32 = 0,
        in directory: CInt = AT_FDCWD
    ) throws(SystemCallError) -> OwnedDescriptor {
        OwnedDescriptor(
            adopting: try check("open `\(path)`") { unsafe linux_openat(directory, path, flags | O_CLOEXEC, mode) }
        )
    }

    /// Opens `path` so that nothing outside `directory` can be reached and no symbolic link is followed.
    /// The corresponding system call is `openat2(2)`.
    package static func openBeneath(
        _ path: String,
        in directory: CInt,
        _ flags: CInt = O_PATH
    ) throws(SystemCallError) -> OwnedDescriptor {
        OwnedDescriptor(
            adopting: try check("open `\(path)`") {
                unsafe linux_openat2(
                    directory, path, UInt64(flags | O_CLOEXEC), 0,
                    UInt64(RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS)
                )
            }
        )
    }

    /// Makes an empty file, mode 0600, that must not exist.
    package static func create(_ path: String) throws(SystemCallError) -> OwnedDescriptor {
        try open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
    }

    /// The corresponding system call is `fstat(2)`.
    package static func facts(of descriptor: CInt) throws(SystemCallError) -> Facts {
        var status = stat()
        try check("look at a descriptor") { unsafe fstat(descriptor, &status) }
        return Facts(status)
    }

    /// The corresponding system call is `fstatat(2)`; a symbolic link at the end is not followed.
    package static func facts(at path: String, in directory: CInt = AT_FDCWD) throws(SystemCallError) -> Facts {
        var status = stat()
        try check("look at `\(path)`") { unsafe fstatat(directory, path, &status, AT_SYMLINK_NOFOLLOW) }
        return Facts(status)
    }

    /// The corresponding system call is `stat(2)`: a symbolic link is followed.
    package static func facts(following path: String) throws(SystemCallError) -> Facts {
        var status = stat()
        try check("look at `\(path)`") { unsafe stat(path, &status) }
        return Facts(status)
    }

    /// Where relative paths start from: AT_FDCWD.
    package static let currentDirectory: CInt = AT_FDCWD

    /// For ``open(_:_:mode:in:)``: read-only, and no symbolic link at the end.
    package static let noFollow: CInt = O_RDONLY | O_NOFOLLOW

    /// Reads a whole file of at most `limit` bytes.
    ///
    /// - Throws: ``SystemCallError``; a larger file is `EFBIG`.
    package static func read(_ path: String, limit: Int) throws(SystemCallError) -> [UInt8] {
        let file = try open(path)
        return try readAll(file.number, limit: limit, name: path)
    }

    /// Reads a descriptor to its end, at most `limit` bytes.
    package static func readAll(_ descriptor: CInt, limit: Int, name: String) throws(SystemCallError) -> [UInt8] {
        var contents: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = try check("read `\(name)`") { unsafe Glibc.read(descriptor, &buffer, buffer.count) }
            if count == 0 { return contents }
            contents += buffer[..<count]
            if contents.count > limit { throw SystemCallError("read `\(name)`", Errno(code: EFBIG)) }
        }
    }

    /// Reads at most `count` bytes from the start of a file.
    package static func readStart(
        _ descriptor: CInt, count: Int, name: String
    ) throws(SystemCallError) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: count)
        let read = try check("read `\(name)`") { unsafe pread(descriptor, &buffer, count, 0) }
        return Array(buffer[..<read])
    }

    /// Writes every byte, waiting where the descriptor makes it wait.
    package static func writeAll(_ descriptor: CInt, _ bytes: [UInt8], name: String) throws(SystemCallError) {
        var written = 0
        while written < bytes.count {
            let from = written
            written += try check("write `\(name)`") {
                unsafe bytes.withUnsafeBytes { buffer in
                    unsafe Glibc.write(descriptor, buffer.baseAddress.map { unsafe $0 + from }, bytes.count - from)
                }
            }
        }
    }

    /// Replaces a file atomically: a temporary file beside it, fsync, rename, fsync of the directory.
    package static func replace(_ path: String, with bytes: [UInt8], mode: UInt32) throws(SystemCallError) {
        let temporary = "\(path).\(Random.identifier(8)).tmp"
        let file = try open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: mode)
        do {
            try writeAll(file.number, bytes, name: temporary)
            let number = file.number
            try check("flush `\(temporary)`") { fsync(number) }
            try check("rename `\(temporary)`") { unsafe rename(temporary, path) }
            try flushDirectory(of: path)
        } catch {
            _ = unsafe unlink(temporary)
            throw error
        }
    }

    /// Makes the entry of `path` in its directory durable.
    package static func flushDirectory(of path: String) throws(SystemCallError) {
        let directory = try open(parent(of: path), O_RDONLY | O_DIRECTORY)
        let number = directory.number
        try check("flush the directory of `\(path)`") { fsync(number) }
    }

    package static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// Makes a directory and its missing parents, all with `mode`.
    package static func makeDirectories(_ path: String, mode: UInt32 = 0o700) throws(SystemCallError) {
        if unsafe mkdir(path, mode) == 0 || Errno.last == .exists { return }
        guard Errno.last == .notFound, path != "/" else { throw SystemCallError("make `\(path)`", .last) }
        try makeDirectories(parent(of: path), mode: mode)
        if unsafe mkdir(path, mode) != 0, Errno.last != .exists { throw SystemCallError("make `\(path)`", .last) }
    }

    /// The names in a directory, sorted, without `.` and `..`.
    package static func names(in path: String) throws(SystemCallError) -> [String] {
        let directory = try open(path, O_RDONLY | O_DIRECTORY)
        return try names(of: directory.number, name: path)
    }

    /// The names in an open directory, sorted. The descriptor keeps its own position.
    ///
    /// - Throws: ``SystemCallError``; EILSEQ for a name that is not UTF-8.
    package static func names(of descriptor: CInt, name: String) throws(SystemCallError) -> [String] {
        var names: [String] = []
        for entry in try entries(of: descriptor, action: "list `\(name)`") {
            // A repaired name would name another file, or none.
            guard let text = String(validating: entry, as: UTF8.self) else {
                throw SystemCallError("read a name in `\(name)`", Errno(code: EILSEQ))
            }
            names.append(text)
        }
        return names.sorted()
    }

    /// The path with every link resolved, see realpath(3).
    package static func resolved(_ path: String) throws(SystemCallError) -> String {
        guard let text = unsafe realpath(path, nil) else { throw SystemCallError("resolve `\(path)`", .last) }
        defer { unsafe free(text) }
        return unsafe String(cString: text)
    }

    package static func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }
}

extension FileSystem {
    /// Reads a descriptor to its end, piece by piece.
    ///
    /// - Parameter size: how much there should be, so that a small file takes a small piece of memory; it may be wrong.
    package static func readPieces(
        _ descriptor: CInt,
        name: String,
        expecting size: Int64 = .max,
        _ body: ([UInt8]) -> Void
    ) throws(SystemCallError) {
        var buffer = [UInt8](repeating: 0, count: Int(min(65_536, max(size, 1))))
        while true {
            let count = try check("read `\(name)`") { unsafe Glibc.read(descriptor, &buffer, buffer.count) }
            if count == 0 { return }
            body(Array(buffer[..<count]))
        }
    }

    /// Where the symbolic link `name` in an open directory points, see readlinkat(2).
    package static func linkTarget(_ name: String, in directory: CInt) throws(SystemCallError) -> String {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = try check("read the link `\(name)`") {
            unsafe readlinkat(directory, name, &buffer, buffer.count)
        }
        return String(decoding: buffer[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// Removes a file, if it is there. The corresponding system call is `unlink(2)`.
    package static func remove(_ path: String) { _ = unsafe unlink(path) }

    /// Removes an empty directory, if it is there. The corresponding system call is `rmdir(2)`.
    package static func removeDirectory(_ path: String) { _ = unsafe rmdir(path) }
}
