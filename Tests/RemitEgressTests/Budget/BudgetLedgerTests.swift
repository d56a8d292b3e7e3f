// SPDX-License-Identifier: Apache-2.0

import RemitGate
import RemitNetwork
import Synchronization
import Testing

@testable import RemitEgress

struct BudgetLedgerTests {
    private let here: Destination
    private let there: Destination

    init() throws {
        here = .name(try HostName("api.example.com"))
        there = .name(try HostName("other.example"))
    }

    private func plan(_ session: [BudgetDimension: UInt64], host: [BudgetDimension: UInt64] = [:]) throws -> BudgetPlan
    {
        BudgetPlan(
            session: Budget(session),
            hosts: host.isEmpty ? [] : [HostBudget(host: .exact(try HostName("api.example.com")), budget: Budget(host))]
        )
    }

    @Test func `the last request of a budget is made and the one after it is not`() throws {
        var ledger = BudgetLedger(try plan([.requests: 2]))
        #expect(ledger.admit(.requests, to: here).refused == nil)
        #expect(ledger.admit(.requests, to: there).refused == nil)
        #expect(ledger.admit(.requests, to: here).refused == .init(dimension: .requests, host: nil))
        #expect(ledger.usage(open: 0).session[.requests] == 2)
    }

    @Test func `a host's budget counts its own requests only`() throws {
        var ledger = BudgetLedger(try plan([:], host: [.requests: 1]))
        #expect(ledger.admit(.requests, to: there).refused == nil)
        #expect(ledger.admit(.requests, to: here).refused == nil)
        #expect(ledger.admit(.requests, to: there).refused == nil)
        #expect(ledger.admit(.requests, to: here).refused == .init(dimension: .requests, host: "api.example.com"))
    }

    @Test func `tokens that are used up stop requests, connections that are used up do not`() throws {
        var ledger = BudgetLedger(try plan([.outputTokens: 10, .connections: 1]))
        #expect(ledger.admit(.connections, to: here).refused == nil)
        #expect(ledger.admit(.requests, to: here).refused == nil)
        #expect(ledger.admit(.connections, to: here).refused?.dimension == .connections)
        _ = ledger.charge(ModelUsage(input: 1, output: 10), model: nil, to: here)
        #expect(ledger.admit(.requests, to: here).refused?.dimension == .outputTokens)
    }

    @Test func `each threshold is told once, and one that is leapt over is not`() throws {
        var ledger = BudgetLedger(try plan([.bytesDown: 100]))
        #expect(ledger.charge(.bytesDown, 49, to: here).crossings.isEmpty)
        #expect(ledger.charge(.bytesDown, 1, to: here).crossings.map(\.threshold) == [.half])
        #expect(ledger.charge(.bytesDown, 1, to: here).crossings.isEmpty)
        #expect(ledger.charge(.bytesDown, 44, to: here).crossings.map(\.threshold) == [.ninety])
        #expect(ledger.warnings(for: here).map(\.threshold) == [.ninety])
        let last = ledger.charge(.bytesDown, 5, to: here)
        #expect(last.overdrawn == nil)
        #expect(ledger.charge(.bytesDown, 1, to: here).overdrawn == .init(dimension: .bytesDown, host: nil))
    }

    @Test func `use never overflows`() throws {
        var ledger = BudgetLedger(try plan([.bytesUp: .max]))
        _ = ledger.charge(.bytesUp, .max, to: here)
        #expect(ledger.charge(.bytesUp, .max, to: here).overdrawn == nil)
        #expect(ledger.usage(open: 0).session[.bytesUp] == .max)
    }

    @Test func `a model costs its price, and the dearest one when it has none`() throws {
        let prices = PriceTable([
            "cheap": ModelPrice(input: 1_000_000, output: 2_000_000),
            "dear": ModelPrice(input: 10_000_000, output: 20_000_000),
        ])
        var ledger = BudgetLedger(try plan([.cost: 1_000_000]), prices: prices)
        _ = ledger.charge(ModelUsage(input: 100, output: 100), model: "cheap", to: here)
        #expect(ledger.usage(open: 0).session[.cost] == 300)
        _ = ledger.charge(ModelUsage(input: 100, output: 100), model: "unheard-of", to: here)
        #expect(ledger.usage(open: 0).session[.cost] == 3300)
    }

    @Test func `a meter tells of a refusal once, and of thresholds as they come`() throws {
        let events = Mutex<[GateEvent]>([])
        let meter = BudgetMeter(try plan([.requests: 2])) { event in events.withLock { $0.append(event) } }
        #expect(meter.admit(.requests, to: here) == nil)
        #expect(meter.warning(for: here) == "requests=50")
        #expect(meter.admit(.requests, to: here) == nil)
        for _ in 0..<3 {
            let refused = try #require(meter.admit(.requests, to: here))
            meter.refused(refused)
        }
        #expect(
            events.withLock { $0 } == [
                .budget(.requests, host: nil, threshold: .half), .budget(.requests, host: nil, threshold: .ninety),
                .exhausted(.requests, host: nil),
            ]
        )
    }
}
