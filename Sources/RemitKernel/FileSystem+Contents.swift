// SPDX-License-Identifier: Apache-2.0
// Whole files and whole trees, through descriptors.

internal import CLinux
internal import Glibc

extension FileSystem {
    /// Whether two open regular files have the same contents.
    package static func hasSameContents(_ one: CInt, _ other: CInt) throws(SystemCallError) -> Bool {
        var (left, right) = ([UInt8](repeating: 0, count: 65_536), [UInt8](repeating: 0, count: 65_536))
        var offset: off_t = 0
        while true {
            let count = try check("read a file") { unsafe pread(one, &left, left.count, offset) }
            let second = try check("read a file") { unsafe pread(other, &right, right.count, offset) }
            // A short read of a regular file is its end.
            guard count == second, left[..<count] == right[..<count] else { return false }
            if count == 0 { return true }
            offset += off_t(count)
        }
    }

    /// Copies an open regular file into an empty one; holes stay holes. The corresponding system calls are `lseek(2)` with
    /// SEEK_DATA, `pread(2)` and `pwrite(2)`.
    package static func copyContents(of source: CInt, to target: CInt) throws(SystemCallError) {
        let size = try facts(of: source).size
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        var offset: off_t = 0
        while offset < size {
            let data = lseek(source, offset, 3)  // SEEK_DATA
            if data < 0 {
                if Errno.last.code == ENXIO { break }
                // A file system that knows of no holes.
                guard Errno.last == .invalidArgument else { throw SystemCallError("look for data", .last) }
            }
            offset = data < 0 ? offset : data
            let hole = data < 0 ? off_t(size) : lseek(source, offset, 4)  // SEEK_HOLE
            let end = hole < 0 ? off_t(size) : min(hole, off_t(size))
            while offset < end {
                let wanted = min(buffer.count, Int(end - offset))
                let count = try check("read a file") { unsafe pread(source, &buffer, wanted, offset) }
                if count == 0 { throw SystemCallError("read a file to its end", Errno(code: EIO)) }
                var written = 0
                while written < count {
                    written += try check("write a file") {
                        unsafe buffer.withUnsafeBytes { bytes in
                            let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[written..<count])
                            return unsafe pwrite(target, rest.baseAddress, rest.count, offset + off_t(written))
                        }
                    }
                }
                offset += off_t(count)
            }
        }
        try check("set a file's length") { ftruncate(target, off_t(size)) }
    }

    /// Whether a path of names that may be links leads out of `directory`; one that leads nowhere does not.
    /// The corresponding system call is `openat2(2)` with RESOLVE_BENEATH.
    package static func leadsOut(_ path: [UInt8], of directory: CInt) throws(SystemCallError) -> Bool {
        let number = unsafe linux_openat2(
            directory, path.map { CChar(bitPattern: $0) } + [0], UInt64(O_PATH | O_CLOEXEC), 0,
            UInt64(RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS))
        if number >= 0 {
            close(number)
            return false
        }
        switch Errno.last.code {
        // A circle leads nowhere either.
        case ENOENT, ENOTDIR, EACCES, ELOOP: return false
        default: return true
        }
    }

    /// Removes an entry and everything in it, however deep, whatever its names and modes; links are removed, never
    /// followed. Nobody else may be able to change the tree meanwhile.
    ///
    /// - Throws: ``SystemCallError`` when something is left.
    package static func removeEntryTree(_ name: EntryName, in directory: CInt) throws(SystemCallError) {
        var pending = [name]
        while let next = pending.popLast() { try removeLevel(next, in: directory, top: directory, depth: 0, &pending) }
    }

    /// Every level holds a descriptor. What is deeper is brought up to the top, to be removed from there.
    private static let removalDepth = 100

    private static func removeLevel(
        _ name: EntryName, in directory: CInt, top: CInt, depth: Int, _ pending: inout [EntryName]
    ) throws(SystemCallError) {
        let facts = try facts(ofEntry: name, in: directory)
        guard facts.isDirectory else { return try removeEntry(name, in: directory, isDirectory: false) }
        if facts.permissions & 0o700 != 0o700 { try setMode(ofEntry: name, in: directory, 0o700) }
        if depth >= removalDepth {
            let other = Array(".removed-\(Random.identifier(12))".utf8)
            try renameEntry(name, in: directory, to: other, in: top, .onlyIfFree)
            pending.append(other)
            return
        }
        do {
            let entry = try openEntry(name, in: directory, directoryEntry)
            for child in try entries(of: entry.number) {
                try removeLevel(child, in: entry.number, top: top, depth: depth + 1, &pending)
            }
        }
        try removeEntry(name, in: directory, isDirectory: true)
    }
}
