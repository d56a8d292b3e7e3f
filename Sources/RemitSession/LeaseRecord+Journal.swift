// SPDX-License-Identifier: Apache-2.0
// Lease records as bodies of journal records, and back.

internal import RemitJournal
internal import RemitLeases

extension LeaseRecord {
    var journalBody: JSONValue {
        .object(
            fields.mapValues { field in
                switch field {
                case .string(let text): .string(text)
                case .integer(let number): .integer(number)
                case .bool(let flag): .bool(flag)
                }
            }
        )
    }

    /// The lease record in a journal record, or `nil` where it is about something else.
    ///
    /// - Throws: ``LedgerError`` when it is about a lease and cannot be read.
    init?(_ record: JournalRecord) throws(LedgerError) {
        guard record.type.hasPrefix("lease."), case .object(let members) = record.body else { return nil }
        var fields: [String: Field] = [:]
        for (name, value) in members {
            switch value {
            case .string(let text): fields[name] = .string(text)
            case .integer(let number): fields[name] = .integer(number)
            case .bool(let flag): fields[name] = .bool(flag)
            default: throw .unreadable("`\(record.type)` has a wrong `\(name)`")
            }
        }
        try self.init(type: record.type, fields: fields)
    }
}

extension LeaseLedger {
    /// Every lease of a journal.
    ///
    /// - Throws: ``LedgerError`` when a lease record cannot be read.
    init(journal records: [JournalRecord]) throws(LedgerError) {
        self.init()
        for record in records {
            if let entry = try LeaseRecord(record) { append(entry) }
        }
    }
}
