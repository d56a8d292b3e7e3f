// SPDX-License-Identifier: Apache-2.0

import RemitGate
import RemitKernel
import Testing

@testable import RemitEgress

@Suite struct RecordAggregatorTests {
    private let start = BootInstant(nanoseconds: 1_000_000_000)

    private func record(_ port: UInt16, isAllowed: Bool = true, up: UInt64 = 1) -> EgressRecord {
        EgressRecord(
            .connection, isAllowed: isAllowed, rule: "r", name: "a.example", port: port, bytesUp: up, microseconds: 10)
    }

    @Test func `records below the rate are told one by one`() {
        var aggregator = RecordAggregator(perSecond: 10, now: start)
        for port in 1...10 { #expect(aggregator.add(record(UInt16(port)), now: start) != nil) }
        #expect(aggregator.isEmpty)
        #expect(aggregator.add(record(11), now: start.advanced(by: .milliseconds(100))) != nil)
    }

    @Test func `above the rate none is lost`() {
        var aggregator = RecordAggregator(perSecond: 10, now: start)
        var told = 0
        for _ in 0..<1000 {
            for isAllowed in [true, false] {
                told += aggregator.add(record(443, isAllowed: isAllowed, up: 3), now: start)?.count ?? 0
            }
        }
        let rest = aggregator.drain()
        #expect(told == 20)
        #expect(rest.map(\.count) == [990, 990])
        #expect(rest.map(\.bytesUp) == [2970, 2970])
        #expect(rest.map(\.microseconds) == [9900, 9900])
        #expect(aggregator.drain().isEmpty)
    }

    @Test func `a flood of different denials loses what they were about, and not their number`() {
        var aggregator = RecordAggregator(perSecond: 1, now: start)
        var sum = 0
        for number in 0..<100_000 {
            let denied = EgressRecord(
                .name, isAllowed: false, rule: "the task", reason: "no", name: "\(number).example")
            sum += aggregator.add(denied, now: start)?.count ?? 0
        }
        let rest = aggregator.drain()
        #expect(rest.count <= 1025)
        #expect(sum + rest.reduce(0) { $0 + $1.count } == 100_000)
        #expect(rest.last?.name == nil)
    }

    @Test func `a name is told once, and then counted`() {
        var aggregator = RecordAggregator(perSecond: 100, now: start)
        let name = EgressRecord(.name, isAllowed: true, rule: "r", name: "a.example", method: "A")
        #expect(aggregator.add(name, now: start) == name)
        for _ in 0..<5 { #expect(aggregator.add(name, now: start) == nil) }
        #expect(aggregator.drain().map(\.count) == [5])
    }

    @Test func `a supervisor that does not read makes counts grow`() {
        var aggregator = RecordAggregator(perSecond: 100, now: start)
        #expect(aggregator.add(record(1), now: start, isPressed: true) == nil)
        #expect(aggregator.drain().count == 1)
    }
}
