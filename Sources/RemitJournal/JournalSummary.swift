// SPDX-License-Identifier: Apache-2.0
// A journal in a few words, for lists of sessions.

package import RemitKernel

/// What the first and the latest records of a journal say; lease states are folded elsewhere.
package struct JournalSummary: Hashable, Sendable {
    /// The session.
    package let session: String
    /// The first record, which says what was admitted.
    package private(set) var first: JournalRecord
    /// The last record of any type.
    package private(set) var last: JournalRecord
    /// The last record whose type starts with `session.`: the state the session is in.
    package private(set) var lastState: JournalRecord?
    /// The `session.sealed` record; nil while the session is not finished.
    package private(set) var sealed: JournalRecord?
    /// How many records there are of each type.
    package private(set) var counts: [String: Int] = [:]

    /// The type of the latest state without its prefix, such as `admitted`; the first record's type if none has it.
    package var state: String {
        guard let lastState else { return first.type }
        return String(lastState.type.dropFirst(Self.prefix.count))
    }

    /// When the first record was written.
    package var began: WallInstant { first.time }
    /// When the last record was written.
    package var latest: WallInstant { last.time }

    private static let prefix = "session."

    /// Folds the records of one journal; nil when there are none.
    package init?(_ records: some Sequence<JournalRecord>) {
        var iterator = records.makeIterator()
        guard let first = iterator.next() else { return nil }
        self.first = first
        last = first
        session = first.session
        add(first)
        while let record = iterator.next() { add(record) }
    }

    private mutating func add(_ record: JournalRecord) {
        last = record
        counts[record.type, default: 0] += 1
        if record.type.hasPrefix(Self.prefix) { lastState = record }
        if record.type == JournalRecord.sealedType { sealed = record }
        // A crash in the middle of sealing: the session was taken up again and will be sealed once more.
        if record.type == JournalRecord.recoveredType { sealed = nil }
    }
}
