// SPDX-License-Identifier: Apache-2.0
// Reads small files whole. The paths may be anybody's: a FIFO, a device or a sparse terabyte must not stop us.

import Glibc

/// Files of a bounded size.
package enum BoundedFile {
    /// The bytes of a regular file of at most one mebibyte.
    ///
    /// - Throws: `FileError` without a place when the file cannot be opened or read, is not regular, or is too large.
    package static func read(_ path: String) throws(FileError) -> [UInt8] {
        guard let bytes = try readIfPresent(path) else { throw failure(path, "open", ENOENT) }
        return bytes
    }

    /// The bytes of a regular file, or nothing when there is none of that name.
    static func readIfPresent(_ path: String) throws(FileError) -> [UInt8]? {
        if path.utf8.contains(0) { throw failure(path, "open", EINVAL) }
        // O_NONBLOCK: opening a FIFO for reading would wait for a writer.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
        guard descriptor >= 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw failure(path, "open", errno)
        }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw failure(path, "look at", errno) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw FileError(
                file: path, line: 0, column: 0,
                message: "cannot read `\(Excerpt.of(path, limit: 4096))`: not a regular file")
        }
        return try contents(descriptor, path: path)
    }

    private static func contents(_ descriptor: CInt, path: String) throws(FileError) -> [UInt8] {
        // One byte more than allowed is enough to know; its reader says so.
        let limit = SourceText.largestSize + 1
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16_384)
        while bytes.count < limit {
            let wanted = min(chunk.count, limit - bytes.count)
            let count = unsafe Glibc.read(descriptor, &chunk, wanted)
            if count < 0 {
                if errno == EINTR { continue }
                throw failure(path, "read", errno)
            }
            if count == 0 { break }
            bytes += chunk[..<count]
        }
        return bytes
    }

    /// The names in a directory that end in `.yaml`, without the ending, sorted; none when it cannot be read.
    static func documents(in directory: String) -> [String] {
        guard !directory.utf8.contains(0), let stream = unsafe opendir(directory) else { return [] }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name.hasSuffix(".yaml") { names.append(String(name.dropLast(5))) }
        }
        return names.sorted()
    }

    private static func failure(_ path: String, _ action: String, _ code: CInt) -> FileError {
        let reason = unsafe String(cString: strerror(code)).lowercased()
        return FileError(
            file: path, line: 0, column: 0, message: "cannot \(action) `\(Excerpt.of(path, limit: 4096))`: \(reason)"
        )
    }
}
