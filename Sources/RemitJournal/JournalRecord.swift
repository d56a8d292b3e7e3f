// SPDX-License-Identifier: Apache-2.0
// One line of a journal.

package import RemitKernel

/// A record of a journal as it stands on its line.
///
/// `{"seq":1,"time":"…","boot":1,"type":"…","session":"…","body":{…},"prev":"…","hash":"…"}`: members in this order,
/// no white space, the body in canonical form. The hash is the SHA-256 of the line up to, not including, `,"hash":"`.
package struct JournalRecord: Hashable, Sendable {
    /// The position in the journal, from 1.
    package let sequence: Int
    /// The time of day at which it was written.
    package let time: WallInstant
    /// The time since boot at which it was written.
    package let boot: BootInstant
    /// What happened, such as `lease.minting`.
    package let type: String
    /// The session it belongs to.
    package let session: String
    /// The particulars; always an object.
    package let body: JSONValue
    /// The hash of the record before; 64 zeros for the first.
    package let previous: String
    /// This record's hash.
    package let hash: String

    /// What the first record names as its predecessor.
    package static let origin = String(repeating: "0", count: 64)
    /// The longest line that is written or read, in bytes without the newline.
    package static let lineLimit = 1 << 20
    /// The type of a record that holds the host key's signature over all before it.
    package static let checkpointType = "checkpoint"
    /// The type of the last record but one of a finished journal.
    package static let sealedType = "session.sealed"
    /// The type of the record that says what the session used.
    package static let resourcesType = "session.resources"
    /// The type of the record that answers for what a crash left behind.
    package static let recoveredType = "journal.recovered"

    /// Whether the text can be a record's type: lower-case words joined by `.` or `-`, 64 bytes at most.
    package static func isType(_ text: String) -> Bool { isPlain(text) }

    /// Whether the text can be a session's id: lower-case letters, digits, `.` and `-`, 64 bytes at most.
    package static func isSession(_ text: String) -> Bool { isPlain(text) }

    private static func isPlain(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || byte == UInt8(ascii: "-")
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: ".")
            }
    }
}
