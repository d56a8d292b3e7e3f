// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import RemitNetwork

@Suite struct BudgetTests {
    @Test func `thresholds are reached when their share is, for the largest numbers too`() {
        #expect(BudgetThreshold.reached(49, of: 100) == nil)
        #expect(BudgetThreshold.reached(50, of: 100) == .half)
        #expect(BudgetThreshold.reached(75, of: 100) == .threeQuarters)
        #expect(BudgetThreshold.reached(89, of: 100) == .threeQuarters)
        #expect(BudgetThreshold.reached(100, of: 100) == .ninety)
        #expect(BudgetThreshold.reached(.max, of: .max) == .ninety)
        #expect(BudgetThreshold.reached(.max / 4, of: .max) == nil)
        #expect(BudgetThreshold.reached(0, of: 0) == .ninety)
    }

    @Test func `a cost is exact, rounded up, and never overflows`() {
        let price = ModelPrice(input: 3_000_000, output: 15_000_000, cacheRead: 300_000)
        #expect(price.cacheWrite == 3_000_000)
        #expect(price.cost(of: ModelUsage(input: 1_000_000, output: 1_000_000)) == 18_000_000)
        #expect(price.cost(of: ModelUsage(input: 1)) == 3)
        #expect(price.cost(of: ModelUsage(cacheRead: 1)) == 1)
        #expect(price.cost(of: ModelUsage()) == 0)
        #expect(price.cost(of: ModelUsage(input: .max, output: .max, cacheRead: .max, cacheWrite: .max)) == .max)
        #expect(ModelUsage(input: .max, cacheRead: 1).allInput == .max)
        #expect(ModelPrice(input: .max, output: 0).cost(of: ModelUsage(input: 1_000_000)) == .max)
    }

    @Test func `the price of a model is that of its own name, or of its longest beginning`() {
        let table = PriceTable([
            "claude-sonnet-4-5": ModelPrice(input: 1, output: 1), "claude-*": ModelPrice(input: 2, output: 2),
            "claude-sonnet-*": ModelPrice(input: 3, output: 3),
        ])
        #expect(table.price(of: "claude-sonnet-4-5")?.input == 1)
        #expect(table.price(of: "claude-sonnet-4")?.input == 3)
        #expect(table.price(of: "claude-opus")?.input == 2)
        #expect(table.price(of: "gpt-5") == nil)
        #expect(table.price(of: "claude-*")?.input == 2)
    }

    @Test func `a session's budget of tokens makes every host be read, a host's only that host`() throws {
        let plain = BudgetPlan(session: Budget([.bytesUp: 1, .connections: 1]))
        let host = try Destination("a.com".utf8)
        #expect(!plain.needsInspection(of: host))
        #expect(BudgetPlan(session: Budget([.cost: 1])).needsInspection(of: host))
        let own = BudgetPlan(hosts: [HostBudget(host: try HostPattern("*.a.com"), budget: Budget([.requests: 1]))])
        #expect(!own.needsInspection(of: host))
        #expect(own.needsInspection(of: try Destination("x.a.com".utf8)))
        #expect(
            Budget([.requests: 5, .cost: 1]).lowered(by: Budget([.requests: 3, .bytesUp: 1]))
                == Budget([.requests: 3, .cost: 1, .bytesUp: 1]))
    }
}
