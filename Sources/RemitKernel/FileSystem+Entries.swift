// SPDX-License-Identifier: Apache-2.0
// Entries of an open directory, one name at a time. Names are bytes, as they are for the kernel; no call here follows a
// link, and none takes a path.

internal import CLinux
internal import Glibc

/// A name in a directory: bytes, without `/` and NUL.
package typealias EntryName = [UInt8]

extension FileSystem {
    /// The names in an open directory, sorted by their bytes, without `.` and `..`.
    ///
    /// - Parameter action: what is done, for an error. The descriptor keeps its own position.
    package static func entries(
        of directory: CInt, action: String = "list a directory"
    ) throws(SystemCallError) -> [EntryName] {
        let copy = try open(".", O_RDONLY | O_DIRECTORY, in: directory)
        guard let stream = unsafe fdopendir(copy.release()) else { throw SystemCallError(action, .last) }
        defer { unsafe closedir(stream) }
        var names: [EntryName] = []
        while true {
            errno = 0
            guard let entry = unsafe readdir(stream) else {
                if errno != 0 { throw SystemCallError(action, .last) }
                break
            }
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { field in
                unsafe EntryName(field.prefix { $0 != 0 })
            }
            if name != [0x2E], name != [0x2E, 0x2E] { names.append(name) }
        }
        return names.sorted { $0.lexicographicallyPrecedes($1) }
    }

    /// The corresponding system call is `fstatat(2)`.
    package static func facts(ofEntry name: EntryName, in directory: CInt) throws(SystemCallError) -> Facts {
        var status = stat()
        try check("look at `\(shown(name))`") {
            unsafe withName(name) { unsafe fstatat(directory, $0, &status, AT_SYMLINK_NOFOLLOW) }
        }
        return Facts(status)
    }

    /// Opens an entry: no link is followed, no mount is entered, nothing waits.
    /// The corresponding system call is `openat2(2)`.
    package static func openEntry(
        _ name: EntryName, in directory: CInt, _ flags: CInt = O_RDONLY
    ) throws(SystemCallError) -> OwnedDescriptor {
        // What is only looked at cannot wait, and the kernel refuses to be told so.
        let wanted = flags & O_PATH == 0 ? flags | O_NONBLOCK : flags
        return OwnedDescriptor(
            adopting: try check("open `\(shown(name))`") {
                unsafe withName(name) {
                    unsafe linux_openat2(
                        directory, $0, UInt64(wanted | O_CLOEXEC | O_NOFOLLOW), 0,
                        UInt64(RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV)
                    )
                }
            }
        )
    }

    /// Opens a directory by an absolute path in which nothing is a link.
    package static func openDirectory(_ path: String) throws(SystemCallError) -> OwnedDescriptor {
        OwnedDescriptor(
            adopting: try check("open `\(path)`") {
                unsafe linux_openat2(
                    AT_FDCWD, path, UInt64(O_RDONLY | O_DIRECTORY | O_CLOEXEC), 0,
                    UInt64(RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS))
            }
        )
    }

    /// For ``openEntry(_:in:_:)``: a directory to read.
    package static let directoryEntry: CInt = O_RDONLY | O_DIRECTORY

    /// Makes an empty file that must not exist, mode 0600. The corresponding system call is `openat(2)`.
    package static func createEntry(_ name: EntryName, in directory: CInt) throws(SystemCallError) -> OwnedDescriptor {
        OwnedDescriptor(
            adopting: try check("make `\(shown(name))`") {
                unsafe withName(name) {
                    unsafe linux_openat(directory, $0, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
                }
            }
        )
    }

    /// The corresponding system call is `mkdirat(2)`.
    package static func makeDirectoryEntry(
        _ name: EntryName, in directory: CInt, mode: UInt32
    ) throws(SystemCallError) {
        try check("make `\(shown(name))`") { unsafe withName(name) { unsafe mkdirat(directory, $0, mode) } }
    }

    /// The corresponding system call is `symlinkat(2)`.
    package static func makeLinkEntry(
        _ name: EntryName, to target: [UInt8], in directory: CInt
    ) throws(SystemCallError) {
        try check("make `\(shown(name))`") {
            unsafe withName(target) { target in
                unsafe withName(name) { unsafe symlinkat(target, directory, $0) }
            }
        }
    }

    /// Where a symbolic link points, as bytes. The corresponding system call is `readlinkat(2)`.
    package static func target(ofEntry name: EntryName, in directory: CInt) throws(SystemCallError) -> [UInt8] {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = try check("read the link `\(shown(name))`") {
            unsafe withName(name) { unsafe readlinkat(directory, $0, &buffer, buffer.count) }
        }
        return buffer[..<count].map(UInt8.init(bitPattern:))
    }

    /// The corresponding system call is `unlinkat(2)`.
    package static func removeEntry(
        _ name: EntryName, in directory: CInt, isDirectory: Bool
    ) throws(SystemCallError) {
        try check("remove `\(shown(name))`") {
            unsafe withName(name) { unsafe unlinkat(directory, $0, isDirectory ? AT_REMOVEDIR : 0) }
        }
    }

    /// How ``renameEntry(_:in:to:in:_:)`` treats what has the new name, see renameat2(2).
    package enum Renaming: UInt32, Sendable {
        case replacing = 0
        case onlyIfFree = 1
        case exchanging = 2
    }

    /// The corresponding system call is `renameat2(2)`.
    package static func renameEntry(
        _ name: EntryName, in directory: CInt, to other: EntryName, in target: CInt, _ renaming: Renaming
    ) throws(SystemCallError) {
        try check("rename `\(shown(name))` to `\(shown(other))`") {
            unsafe withName(name) { name in
                unsafe withName(other) { unsafe linux_renameat2(directory, name, target, $0, renaming.rawValue) }
            }
        }
    }

    /// The corresponding system call is `fchmod(2)`.
    package static func setMode(of descriptor: CInt, _ mode: UInt32) throws(SystemCallError) {
        try check("set a mode") { fchmod(descriptor, mode) }
    }

    /// Sets the mode of a file or directory that may not be open to us; never of a link's target.
    /// The corresponding system call is `fchmodat(2)`, through a descriptor of the very file.
    package static func setMode(
        ofEntry name: EntryName, in directory: CInt, _ mode: UInt32
    ) throws(SystemCallError) {
        let entry = try openEntry(name, in: directory, O_PATH)
        guard try !facts(of: entry.number).isSymbolicLink else {
            throw SystemCallError("set the mode of `\(shown(name))`", .symbolicLinkLoop)
        }
        let path = "/proc/self/fd/\(entry.number)"
        try check("set the mode of `\(shown(name))`") { unsafe chmod(path, mode) }
    }

    /// The corresponding system call is `fsync(2)`.
    package static func flush(_ descriptor: CInt) throws(SystemCallError) {
        try check("flush") { fsync(descriptor) }
    }

    /// The names of a file's extended attributes that this user may see; none where the file system has none.
    /// The corresponding system call is `flistxattr(2)`.
    package static func attributeNames(of descriptor: CInt) throws(SystemCallError) -> [[UInt8]] {
        // Most files have none: to ask for the length first spares us and the kernel the room for the longest list.
        if flistxattr(descriptor, nil, 0) == 0 { return [] }
        var buffer = [CChar](repeating: 0, count: 65_536)
        let count = unsafe flistxattr(descriptor, &buffer, buffer.count)
        if count < 0 {
            if Errno.last == .unsupported { return [] }
            throw SystemCallError("list extended attributes", .last)
        }
        return buffer[..<count].map(UInt8.init(bitPattern:)).split(separator: 0).map(Array.init)
    }

    /// The value of an extended attribute; `nil` when the file has none of that name.
    /// The corresponding system call is `fgetxattr(2)`.
    package static func attribute(_ name: [UInt8], of descriptor: CInt) throws(SystemCallError) -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = unsafe withName(name) { unsafe fgetxattr(descriptor, $0, &buffer, buffer.count) }
        if count < 0 {
            if Errno.last.code == ENODATA || Errno.last == .unsupported { return nil }
            throw SystemCallError("read the attribute `\(shown(name))`", .last)
        }
        return Array(buffer[..<count])
    }

    /// The corresponding system call is `fsetxattr(2)`.
    package static func setAttribute(
        _ name: [UInt8], _ value: [UInt8], of descriptor: CInt
    ) throws(SystemCallError) {
        try check("set the attribute `\(shown(name))`") {
            unsafe withName(name) { unsafe fsetxattr(descriptor, $0, value, value.count, 0) }
        }
    }

    /// Whether the file system keeps extended attributes: one is set and taken away again.
    package static func testAttributes(of descriptor: CInt, action: String) throws(SystemCallError) {
        let name = Array("user.remit.test".utf8)
        try check(action) { unsafe withName(name) { unsafe fsetxattr(descriptor, $0, [1], 1, 0) } }
        try check(action) { unsafe withName(name) { unsafe fremovexattr(descriptor, $0) } }
    }

    /// A name for messages.
    private static func shown(_ name: EntryName) -> String { String(decoding: name, as: UTF8.self) }

    /// Calls `body` with the name as the kernel reads it, valid for the length of the call.
    private static func withName<Result>(_ name: EntryName, _ body: (UnsafePointer<CChar>) -> Result) -> Result {
        unsafe body(name.map { CChar(bitPattern: $0) } + [0])
    }
}

extension CurrentProcess {
    /// Touches files as another user and group would, for the length of a call of this thread; only root can.
    /// The corresponding system calls are `setfsgid(2)` and `setfsuid(2)`.
    package static func asOwner<Result, Failure: Error>(
        user: UInt32, group: UInt32, _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        guard isRoot else { return try body() }
        linux_set_filesystem_ids(user, group)
        defer { linux_set_filesystem_ids(0, 0) }
        return try body()
    }
}
