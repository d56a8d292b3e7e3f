// SPDX-License-Identifier: Apache-2.0

/// All leases of a journal, rebuilt from its records.
package struct LeaseLedger: Sendable, Hashable {
    /// In the order in which they were requested.
    package private(set) var leases: [Lease] = []
    /// The newest epoch seen.
    package private(set) var epoch = 0
    /// Records that could not be taken into account, with the reason; an orphan sweep covers what they name.
    package private(set) var refused: [Refusal] = []

    private var places: [String: Int] = [:]

    package struct Refusal: Sendable, Hashable {
        package let record: LeaseRecord
        package let error: LedgerError
    }

    package init() {}

    /// The leases that `records` tell of, in order.
    package static func fold(_ records: some Sequence<LeaseRecord>) -> [Lease] {
        LeaseLedger(records).leases
    }

    package init(_ records: some Sequence<LeaseRecord>) {
        for record in records { append(record) }
    }

    /// Takes one more record into account, or keeps it among the refused.
    package mutating func append(_ record: LeaseRecord) {
        do {
            try take(record)
        } catch {
            refused.append(Refusal(record: record, error: error))
        }
    }

    private mutating func take(_ record: LeaseRecord) throws(LedgerError) {
        guard record.epoch >= epoch else { throw .stale(record.lease, record.epoch, newest: epoch) }
        if let place = places[record.lease] {
            if record.event == .requested { throw .repeated(record.lease) }
            try leases[place].apply(record)
        } else {
            leases.append(try Lease(record))
            places[record.lease] = leases.count - 1
        }
        epoch = record.epoch
    }

    package subscript(lease identifier: String) -> Lease? { places[identifier].map { leases[$0] } }

    /// The leases that have not ended.
    package var open: [Lease] { leases.filter { !$0.state.isTerminal } }
}
