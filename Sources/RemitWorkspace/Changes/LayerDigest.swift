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

    /// Takes the digest of a layer whose processes are gone.
    package init(of upper: CInt) throws {
        var walk = DigestWalk()
        try walk.add(upper, .root)
        digest = walk.finish()
        bytes = walk.bytes
        unread = walk.unread
    }
}

private struct DigestWalk {
    private var hasher = SHA256()
    private(set) var bytes: Int64 = 0
    private(set) var unread = 0
    private var budget = LayerDigest.totalLimit
    private var count = 0

    mutating func add(_ directory: CInt, _ path: TreePath) throws {
        note(path, "root", LayerAttributes.texts(try LayerAttributes(of: directory)))
        try walk(directory, path)
    }

    private mutating func walk(_ directory: CInt, _ path: TreePath) throws {
        for name in try FileSystem.entries(of: directory) {
            let facts = try FileSystem.facts(ofEntry: name, in: directory)
            let path = path.appending(name)
            bytes += facts.allocated
            count += 1
            if count > ChangeSet.limit { throw SystemCallError("take the digest of the layer", Errno(code: 27)) }
            let kind = "\(String(facts.mode, radix: 8)) \(facts.specialDevice)"
            if facts.isDirectory {
                guard path.depth <= ChangeWalk.depthLimit else {
                    note(path, kind, ["too deep"])
                    continue
                }
                try LayerReader.withEntry(name, facts, in: directory, isOurs: true) { entry in
                    note(path, kind, LayerAttributes.texts(try LayerAttributes(of: entry)))
                    try walk(entry, path)
                }
            } else if facts.isRegular {
                try LayerReader.withEntry(name, facts, in: directory, isOurs: true) { entry in
                    let attributes = LayerAttributes.texts(try LayerAttributes(of: entry))
                    note(path, "\(kind) \(facts.size)", attributes + [try contents(entry, facts.size)])
                }
            } else if facts.isSymbolicLink {
                note(path, kind, [QuotedText.of(try FileSystem.target(ofEntry: name, in: directory), always: true)])
            } else {
                note(path, kind, [])
            }
        }
    }

    private mutating func contents(_ file: CInt, _ size: Int64) throws(SystemCallError) -> String {
        guard size <= LayerDigest.fileLimit, size <= budget else {
            unread += 1
            return "unread"
        }
        budget -= size
        var hasher = SHA256()
        try FileSystem.readPieces(file, name: "a file of the layer") { hasher.update(data: $0) }
        return Hex.encode(hasher.finalize())
    }

    private mutating func note(_ path: TreePath, _ kind: String, _ more: [String]) {
        let line = ([QuotedText.of(path.bytes, always: true), kind] + more).joined(separator: " ") + "\n"
        hasher.update(data: Array(line.utf8))
    }

    func finish() -> String { Hex.encode(hasher.finalize()) }
}

extension LayerAttributes {
    static func texts(_ attributes: LayerAttributes) -> [String] {
        (attributes.isOpaque ? ["opaque"] : []) + attributes.tricks.sorted()
    }
}
