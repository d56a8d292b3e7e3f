// SPDX-License-Identifier: Apache-2.0
// A session's journal is of bounded size whatever its gate says: like records become one with a count. None that denies is
// lost, and the counts are exact.

internal import RemitGate
internal import RemitKernel

/// Decides what of a gate's records is written now, and what later as one.
struct EgressBatch {
    /// What makes two records alike.
    private struct Key: Hashable {
        let kind: EgressRecord.Kind
        let isAllowed: Bool
        let rule: String
        let reason: String?
        let name: String?
        let address: String?
        let port: UInt16?
        let method: String?
    }

    /// Written one by one within a window; the rest of it is aggregated.
    let limit: Int
    /// Aggregates kept at once: whatever is beyond joins one of its kind, verdict and rule.
    let room: Int
    static let window: Duration = .seconds(1)

    private var since: BootInstant?
    private var written = 0
    private var aggregates: [Key: EgressRecord] = [:]
    private var order: [Key] = []

    init(limit: Int = 200, room: Int = 512) {
        self.limit = limit
        self.room = room
    }

    var isEmpty: Bool { aggregates.isEmpty }

    /// - Returns: whether the record is to be written as it is; otherwise ``flush()`` will bring it.
    mutating func take(_ record: EgressRecord, at now: BootInstant) -> Bool {
        if since.map({ $0.duration(to: now) >= Self.window }) ?? true {
            since = now
            written = 0
        }
        if written < limit {
            written += 1
            return true
        }
        var key = Key(
            kind: record.kind, isAllowed: record.isAllowed, rule: record.rule, reason: record.reason,
            name: record.name, address: record.address, port: record.port, method: record.method
        )
        var piece = record
        if aggregates[key] == nil, order.count >= room {
            key = Key(
                kind: record.kind, isAllowed: record.isAllowed, rule: record.rule, reason: nil, name: nil, address: nil,
                port: nil, method: nil
            )
            piece = EgressRecord(
                record.kind, isAllowed: record.isAllowed, rule: record.rule, bytesUp: record.bytesUp,
                bytesDown: record.bytesDown, count: record.count
            )
        }
        if var sum = aggregates[key] {
            sum.bytesUp = Self.sum(sum.bytesUp, piece.bytesUp)
            sum.bytesDown = Self.sum(sum.bytesDown, piece.bytesDown)
            sum.count = Self.sum(sum.count, piece.count)
            if sum.path != piece.path { sum.path = nil }
            if sum.status != piece.status { sum.status = nil }
            sum.leases = Array(Set(sum.leases + piece.leases)).sorted()
            sum.microseconds = nil
            aggregates[key] = sum
        } else {
            aggregates[key] = piece
            order.append(key)
        }
        return false
    }

    /// What was aggregated since the last time.
    mutating func flush() -> [EgressRecord] {
        defer {
            aggregates = [:]
            order = []
        }
        return order.compactMap { aggregates[$0] }
    }

    private static func sum<Number: FixedWidthInteger>(_ left: Number, _ right: Number) -> Number {
        let (sum, overflow) = left.addingReportingOverflow(right)
        return overflow ? .max : sum
    }
}
