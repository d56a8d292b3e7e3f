// SPDX-License-Identifier: Apache-2.0
// Whole files, through descriptors.

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
}
