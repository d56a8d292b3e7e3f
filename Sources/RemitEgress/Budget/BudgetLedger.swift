// SPDX-License-Identifier: Apache-2.0

package import RemitGate
package import RemitNetwork

/// What was used of the budgets of a session, as a value.
package struct BudgetLedger: Sendable {
    /// A budget of one dimension: the session's, or a host pattern's.
    package struct Entry: Hashable, Sendable {
        /// What it counts.
        package let dimension: BudgetDimension
        /// The host pattern, as written; nil for the session's.
        package let host: String?
    }

    /// A share of a budget that was reached.
    package struct Crossing: Hashable, Sendable {
        /// Of which budget.
        package let entry: Entry
        /// The share that is used up now.
        package let threshold: BudgetThreshold
    }

    private struct Account: Sendable {
        let pattern: HostPattern?
        let name: String?
        let budget: Budget
        var used: [BudgetDimension: UInt64] = [:]
        var warned: [BudgetDimension: BudgetThreshold] = [:]

        func applies(to destination: Destination) -> Bool { pattern?.matches(destination) ?? true }

        func isUsedUp(_ dimension: BudgetDimension) -> Bool {
            budget[dimension].map { used[dimension, default: 0] >= $0 } ?? false
        }
    }

    private let prices: PriceTable
    private var accounts: [Account]

    /// Makes a ledger in which nothing was used.
    package init(_ plan: BudgetPlan, prices: PriceTable = PriceTable()) {
        self.prices = prices
        accounts =
            [Account(pattern: nil, name: nil, budget: plan.session)]
            + plan.hosts.map { Account(pattern: $0.host, name: "\($0.host)", budget: $0.budget) }
    }

    /// Counts one request or one connection, unless there is nothing left for it, or nothing left of what every request
    /// and connection uses: bytes, tokens, money.
    ///
    /// - Returns: the first budget with nothing left, in which case nothing was counted; and the shares that were reached.
    package mutating func admit(
        _ dimension: BudgetDimension, to destination: Destination
    ) -> (refused: Entry?, crossings: [Crossing]) {
        for account in accounts where account.applies(to: destination) {
            for other in BudgetDimension.allCases where account.isUsedUp(other) {
                // A used-up number of connections does not stop requests on those there are, nor the other way round.
                if other != dimension, other == .connections || other == .requests { continue }
                return (Entry(dimension: other, host: account.name), [])
            }
        }
        return (nil, charge(dimension, 1, to: destination).crossings)
    }

    /// Counts what was used.
    ///
    /// - Returns: the budget that is overdrawn by it, and the shares that were reached.
    package mutating func charge(
        _ dimension: BudgetDimension, _ amount: UInt64, to destination: Destination
    ) -> (overdrawn: Entry?, crossings: [Crossing]) {
        var overdrawn: Entry?
        var crossings: [Crossing] = []
        for index in accounts.indices where accounts[index].applies(to: destination) {
            let used = accounts[index].used[dimension, default: 0].addingSaturating(amount)
            accounts[index].used[dimension] = used
            guard let limit = accounts[index].budget[dimension] else { continue }
            let entry = Entry(dimension: dimension, host: accounts[index].name)
            if used > limit, overdrawn == nil { overdrawn = entry }
            let reached = BudgetThreshold.reached(used, of: limit)
            if let reached, accounts[index].warned[dimension].map({ $0 < reached }) ?? true {
                accounts[index].warned[dimension] = reached
                crossings.append(Crossing(entry: entry, threshold: reached))
            }
        }
        return (overdrawn, crossings)
    }

    /// Counts what a model read and wrote, and what that costs.
    ///
    /// A model without a price costs what the dearest one does: a name nobody thought of must not be free.
    package mutating func charge(_ usage: ModelUsage, model: String?, to destination: Destination) -> [Crossing] {
        let cost =
            model.flatMap { prices.price(of: $0)?.cost(of: usage) }
            ?? prices.prices.values.map { $0.cost(of: usage) }.max() ?? 0
        return charge(.inputTokens, usage.allInput, to: destination).crossings
            + charge(.outputTokens, usage.output, to: destination).crossings
            + charge(.cost, cost, to: destination).crossings
    }

    /// The shares of the budgets of a destination that were reached, worth telling its user.
    package func warnings(for destination: Destination) -> [Crossing] {
        accounts.filter { $0.applies(to: destination) }.flatMap { account in
            BudgetDimension.allCases.compactMap { dimension in
                account.warned[dimension].map {
                    Crossing(entry: Entry(dimension: dimension, host: account.name), threshold: $0)
                }
            }
        }
    }

    /// What was used, with so many connections open.
    package func usage(open: Int) -> GateUsage {
        GateUsage(
            session: accounts[0].used,
            hosts: Dictionary(
                accounts.dropFirst().map { ($0.name ?? "", $0.used) }, uniquingKeysWith: { first, _ in first }
            ),
            open: open
        )
    }

    /// Every budget with a limit: how much of it was used.
    package var entries: [(entry: Entry, used: UInt64, limit: UInt64)] {
        accounts.flatMap { account in
            BudgetDimension.allCases.compactMap { dimension in
                account.budget[dimension].map {
                    (Entry(dimension: dimension, host: account.name), account.used[dimension, default: 0], $0)
                }
            }
        }
    }
}
