// SPDX-License-Identifier: Apache-2.0

internal import Crypto
internal import RemitJournal
internal import RemitKernel

/// What a whole layer comes to: its digest, so that what is applied later is what was sealed, and its size.
package struct LayerDigest: Hashable, Sendable {
    /// SHA-256 in hexadecimal.
    package let digest: String
    /// What the layer takes on disk.
    package let bytes: Int64
    /// Files whose contents are not in the digest, for their size.
    package let unread: Int

    /// The largest file whose contents are read, and the most that is read of all of them together: the end of a session
    /// must not be kept up by a sparse file.
    package static let fileLimit: Int64 = 256 << 20
    package static let totalLimit: Int64 = 4 << 30

    fileprivate init(digest: String, bytes: Int64, unread: Int) {
        self.digest = digest
        self.bytes = bytes
        self.unread = unread
    }
}

/// Takes the digest of a layer while somebody walks it: every entry is told of once, in the order of the walk, a directory
/// before what is in it.
struct LayerHasher {
    private var hasher = SHA256()
    private var bytes: Int64 = 0
    private var unread = 0
    private var budget = LayerDigest.totalLimit
    private var count = 0

    /// The layer itself.
    mutating func addRoot(_ attributes: LayerAttributes) { note(.root, "root", attributes.texts) }

    /// - Parameter entry: open, where it is a directory or a regular file.
    mutating func add(
        _ path: TreePath, _ facts: FileSystem.Facts, _ attributes: LayerAttributes? = nil, target: [UInt8]? = nil,
        entry: CInt? = nil
    ) throws(SystemCallError) {
        bytes += facts.allocated
        count += 1
        if count > ChangeSet.limit { throw SystemCallError("take the digest of the layer", Errno(code: 27)) }
        var kind = "\(String(facts.mode, radix: 8)) \(facts.specialDevice)"
        var more = attributes?.texts ?? []
        if facts.isRegular, let entry {
            kind += " \(facts.size)"
            more.append(try contents(entry, facts.size))
        } else if facts.isDirectory, entry == nil {
            more.append("too deep")
        } else if let target {
            more.append(QuotedText.of(target, always: true))
        }
        note(path, kind, more)
    }

    private mutating func contents(_ file: CInt, _ size: Int64) throws(SystemCallError) -> String {
        guard size <= LayerDigest.fileLimit, size <= budget else {
            unread += 1
            return "unread"
        }
        budget -= size
        var hasher = SHA256()
        try FileSystem.readPieces(file, name: "a file of the layer", expecting: size) { hasher.update(data: $0) }
        return Hex.encode(hasher.finalize())
    }

    private mutating func note(_ path: TreePath, _ kind: String, _ more: [String]) {
        let line = ([QuotedText.of(path.bytes, always: true), kind] + more).joined(separator: " ") + "\n"
        hasher.update(data: Array(line.utf8))
    }

    /// What all of it comes to.
    func finish() -> LayerDigest {
        LayerDigest(digest: Hex.encode(hasher.finalize()), bytes: bytes, unread: unread)
    }
}

extension LayerAttributes {
    fileprivate var texts: [String] { (isOpaque ? ["opaque"] : []) + tricks.sorted() }
}
