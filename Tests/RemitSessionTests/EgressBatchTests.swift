// SPDX-License-Identifier: Apache-2.0

import RemitGate
import RemitKernel
import Testing

@testable import RemitSession

@Suite struct EgressBatchTests {
    private static let start = BootInstant(nanoseconds: 1_000_000_000)

    private func denial(_ name: String, rule: String = "the task") -> EgressRecord {
        EgressRecord(.name, isAllowed: false, rule: rule, reason: "no rule names the host", name: name, method: "A")
    }

    @Test func `the first of a second are written as they are, and the next second begins anew`() {
        var batch = EgressBatch(limit: 3)
        let answers = (0..<5).map { batch.take(denial("h\($0).example"), at: Self.start) }
        #expect(answers == [true, true, true, false, false])
        #expect(!batch.isEmpty)
        let next = batch.take(denial("h.example"), at: Self.start.advanced(by: .seconds(1)))
        #expect(next)
    }

    @Test func `like records become one with their sums`() throws {
        var batch = EgressBatch(limit: 0)
        for index in 0..<4 {
            let record = EgressRecord(
                .request, isAllowed: true, rule: "r", name: "api.example", port: 443, method: "GET", path: "/\(index)",
                status: 200, bytesUp: 10, bytesDown: .max, leases: index == 0 ? ["a"] : ["b"], count: 2)
            _ = batch.take(record, at: Self.start)
        }
        let sums = batch.flush()
        let sum = try #require(sums.first)
        #expect(sum.count == 8 && sum.bytesUp == 40 && sum.bytesDown == .max)
        #expect(sum.path == nil && sum.status == 200 && sum.leases == ["a", "b"])
        #expect(sums.count == 1 && batch.isEmpty)
    }

    @Test func `what is denied and what is allowed are never added up`() {
        var batch = EgressBatch(limit: 0)
        _ = batch.take(EgressRecord(.name, isAllowed: true, rule: "r", name: "x"), at: Self.start)
        _ = batch.take(EgressRecord(.name, isAllowed: false, rule: "r", name: "x"), at: Self.start)
        let verdicts = batch.flush().map(\.isAllowed)
        #expect(Set(verdicts) == [true, false])
    }

    @Test func `no denial is lost, however many names there are, and the room stays bounded`() {
        var batch = EgressBatch(limit: 10, room: 32)
        var written = 0
        for index in 0..<10_000 where batch.take(denial("n\(index).example"), at: Self.start) { written += 1 }
        let left = batch.flush()
        #expect(left.count <= 33)
        #expect(written + left.reduce(0) { $0 + $1.count } == 10_000)
        #expect(left.allSatisfy { !$0.isAllowed })
    }

    @Test func `counts that would overflow stay at the most there is`() throws {
        var batch = EgressBatch(limit: 0)
        for _ in 0..<2 {
            var record = denial("x")
            record.count = .max
            _ = batch.take(record, at: Self.start)
        }
        let sums = batch.flush()
        #expect(sums.first?.count == .max)
    }
}
