// SPDX-License-Identifier: Apache-2.0
// What a session left in the layer over its workspace, in its journal (`session.changes`) and in its receipt (`changes`).

/// What a session would change of its workspace, if somebody applied it.
package struct ReceiptChanges: Hashable, Sendable {
    /// Paths that are new, directories among them.
    package var added: Int
    /// Paths with other contents, another mode, or of another kind.
    package var modified: Int
    /// Paths that are gone.
    package var deleted: Int
    /// What the layer takes on disk.
    package var bytes: Int
    /// Files whose contents are not in the digest, for their size.
    package var unread: Int
    /// The SHA-256 of the layer in hexadecimal; nil when it could not be read.
    package var digest: String?
    /// Why it could not be read.
    package var problem: String?

    /// Changes from their parts.
    package init(
        added: Int = 0, modified: Int = 0, deleted: Int = 0, bytes: Int = 0, unread: Int = 0, digest: String? = nil,
        problem: String? = nil
    ) {
        self.added = added
        self.modified = modified
        self.deleted = deleted
        self.bytes = bytes
        self.unread = unread
        self.digest = digest
        self.problem = problem
    }

    /// There is nothing to review.
    package var isEmpty: Bool { added + modified + deleted == 0 && problem == nil }

    /// The type of the journal's record.
    package static let recordType = "session.changes"

    /// As an object: every member is always there.
    package var json: JSONValue {
        [
            "added": .integer(added), "modified": .integer(modified), "deleted": .integer(deleted),
            "bytes": .integer(bytes), "unread": .integer(unread), "digest": .optional(digest),
            "problem": .optional(problem),
        ]
    }

    /// Reads a record's body; nil when it is none.
    package init?(journal body: JSONValue) {
        guard let read = try? ReceiptChanges(MemberReader(body, "")) else { return nil }
        self = read
    }

    /// Reads a receipt's member.
    ///
    /// - Throws: for a member that is missing, unknown, or not of its kind.
    init(_ given: MemberReader) throws(ReceiptProblem) {
        var reader = given
        self.init(
            added: try reader.integer("added"), modified: try reader.integer("modified"),
            deleted: try reader.integer("deleted"), bytes: try reader.integer("bytes"),
            unread: try reader.integer("unread"), digest: try reader.optionalDigest("digest"),
            problem: try reader.optionalText("problem")
        )
        try reader.finish()
    }
}
