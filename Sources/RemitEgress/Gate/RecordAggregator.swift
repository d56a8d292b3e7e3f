// SPDX-License-Identifier: Apache-2.0

package import RemitGate
package import RemitKernel

/// Keeps the rate of records bounded without losing a decision: above it, records that are alike become one with a count.
package struct RecordAggregator: Sendable {
    /// What records that become one have in common.
    private struct Key: Hashable {
        let kind: EgressRecord.Kind
        let isAllowed: Bool
        let rule: String
        let reason: String?
        let name: String?
        let address: String?
        let port: UInt16?
        let via: String?
        let method: String?
        let path: String?
        let status: Int?

        init(_ record: EgressRecord, isCoarse: Bool = false) {
            kind = record.kind
            isAllowed = record.isAllowed
            rule = record.rule
            reason = record.reason
            name = isCoarse ? nil : record.name
            address = isCoarse ? nil : record.address
            port = isCoarse ? nil : record.port
            via = record.via
            method = isCoarse ? nil : record.method
            path = isCoarse ? nil : record.path
            status = isCoarse ? nil : record.status
        }
    }

    /// A query for a name, for the second of which a count will do.
    private struct Question: Hashable {
        let name: String?
        let type: String?
        let isAllowed: Bool
    }

    /// Beyond so many different ones in one interval, what they were about is no longer told apart; their number is.
    private static let distinctLimit = 1024
    private static let questionLimit = 4096

    private let perSecond: Double
    private var credit: [Bool: Double]
    private var refilled: BootInstant
    private var held: [Key: EgressRecord] = [:]
    private var order: [Key] = []
    private var questions: Set<Question> = []

    /// - Parameter perSecond: records of allowed things that are told one by one; as many of denied ones are.
    package init(perSecond: Int, now: BootInstant) {
        self.perSecond = Double(max(1, perSecond))
        credit = [true: self.perSecond, false: self.perSecond]
        refilled = now
    }

    /// Whether something waits to be told.
    package var isEmpty: Bool { held.isEmpty }

    /// Takes a record: it is given back when it is to be told now, and kept for ``drain()`` otherwise.
    package mutating func add(_ record: EgressRecord, now: BootInstant, isPressed: Bool = false) -> EgressRecord? {
        refill(now)
        if !isPressed, isNew(record), credit[record.isAllowed, default: 0] >= 1 {
            credit[record.isAllowed, default: 0] -= 1
            return record
        }
        hold(record)
        return nil
    }

    /// What was kept, in the order in which each kind of it came first.
    package mutating func drain() -> [EgressRecord] {
        defer {
            held = [:]
            order = []
        }
        return order.compactMap { held[$0] }
    }

    private mutating func isNew(_ record: EgressRecord) -> Bool {
        guard record.kind == .name else { return true }
        let question = Question(name: record.name, type: record.method, isAllowed: record.isAllowed)
        guard questions.count < Self.questionLimit else { return false }
        return questions.insert(question).inserted
    }

    private mutating func refill(_ now: BootInstant) {
        let gained = refilled.duration(to: now).seconds * perSecond
        refilled = now
        credit = credit.mapValues { min($0 + max(0, gained), perSecond) }
    }

    private mutating func hold(_ record: EgressRecord) {
        var record = record
        var key = Key(record)
        if held[key] == nil, held.count >= Self.distinctLimit {
            key = Key(record, isCoarse: true)
            record.name = nil
            record.address = nil
            record.port = nil
            record.method = nil
            record.path = nil
            record.status = nil
        }
        guard var sum = held[key] else {
            held[key] = record
            order.append(key)
            return
        }
        sum.count = sum.count.addingReportingOverflow(record.count).partialValue
        sum.bytesUp &+= record.bytesUp
        sum.bytesDown &+= record.bytesDown
        if let more = record.microseconds { sum.microseconds = (sum.microseconds ?? 0) &+ more }
        sum.leases = Array(Set(sum.leases).union(record.leases)).sorted()
        held[key] = sum
    }
}
