// SPDX-License-Identifier: Apache-2.0
// Reading journals without the right to write them.

package import RemitKernel

/// Reads a journal's records together with the verdict on them.
package struct JournalReader {
    /// The largest journal that is read, in bytes.
    package static let sizeLimit = 256 << 20

    /// The good records, in order; also those after a damaged line, as far as they are good in themselves.
    package let records: [JournalRecord]
    /// What the look at all the bytes found.
    package let verdict: JournalVerdict

    /// Reads a journal's bytes.
    package init(bytes: [UInt8], key: HostPublicKey, session: String? = nil) {
        var records: [JournalRecord] = []
        verdict = JournalVerifier(key: key, session: session).scan(bytes) { records.append($0) }
        self.records = records
    }

    /// Reads a journal file; a symbolic link as the last component is refused.
    ///
    /// - Throws: when the file cannot be opened or read, or is larger than ``sizeLimit``.
    package init(path: String, key: HostPublicKey, session: String? = nil) throws(SystemCallError) {
        self.init(bytes: try Self.bytes(at: path), key: key, session: session)
    }

    /// The bytes of a journal or receipt file; a symbolic link as the last component is refused.
    ///
    /// - Throws: when the file cannot be opened or read, or is larger than ``sizeLimit``.
    package static func bytes(at path: String) throws(SystemCallError) -> [UInt8] {
        try FileCalls.contents(of: path, limit: sizeLimit)
    }
}
