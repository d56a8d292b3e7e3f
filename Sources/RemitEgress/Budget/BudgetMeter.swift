// SPDX-License-Identifier: Apache-2.0

package import RemitGate
package import RemitNetwork
internal import Synchronization

/// Counts what a session uses, from any thread, and tells the supervisor of the shares that are reached.
package final class BudgetMeter: Sendable {
    private struct State {
        var ledger: BudgetLedger
        var told: Set<BudgetLedger.Entry> = []
    }

    private let state: Mutex<State>
    private let report: @Sendable (GateEvent) -> Void

    /// Makes a meter at zero.
    package init(
        _ plan: BudgetPlan, prices: PriceTable = PriceTable(), report: @escaping @Sendable (GateEvent) -> Void
    ) {
        state = Mutex(State(ledger: BudgetLedger(plan, prices: prices)))
        self.report = report
    }

    /// Counts one request or one connection to a destination.
    ///
    /// - Returns: the budget that has nothing left for it, in which case it was not counted and must be refused; then the
    ///   supervisor is told with ``refused(_:)``, after the agent was.
    package func admit(_ dimension: BudgetDimension, to destination: Destination) -> BudgetLedger.Entry? {
        let (refused, crossings) = state.withLock { $0.ledger.admit(dimension, to: destination) }
        tell(crossings)
        return refused
    }

    /// Counts bytes of a destination.
    ///
    /// - Returns: the budget that is overdrawn by them: nothing more may pass.
    package func charge(
        _ dimension: BudgetDimension, _ amount: Int, to destination: Destination
    ) -> BudgetLedger.Entry? {
        guard amount > 0 else { return nil }
        let (overdrawn, crossings) = state.withLock { $0.ledger.charge(dimension, UInt64(amount), to: destination) }
        tell(crossings)
        return overdrawn
    }

    /// Counts what a model read and wrote.
    package func charge(_ usage: ModelUsage, model: String?, to destination: Destination) {
        tell(state.withLock { $0.ledger.charge(usage, model: model, to: destination) })
    }

    /// Tells the supervisor, once, that something was refused because a budget is used up.
    package func refused(_ entry: BudgetLedger.Entry) {
        let isNew = state.withLock { $0.told.insert(entry).inserted }
        if isNew { report(.exhausted(entry.dimension, host: entry.host)) }
    }

    /// What a response to the agent says of the budgets it draws on; nil while less than half of each is used.
    package func warning(for destination: Destination) -> String? {
        let warnings = state.withLock { $0.ledger.warnings(for: destination) }
        guard !warnings.isEmpty else { return nil }
        return warnings.map { crossing in
            let name = "\(crossing.entry.dimension.rawValue)=\(crossing.threshold.rawValue)"
            return crossing.entry.host.map { "\(name);host=\"\($0)\"" } ?? name
        }.joined(separator: ", ")
    }

    /// What was used, with so many connections open.
    package func usage(open: Int) -> GateUsage {
        state.withLock { $0.ledger.usage(open: open) }
    }

    /// Every budget with a limit: how much of it was used.
    package var entries: [(entry: BudgetLedger.Entry, used: UInt64, limit: UInt64)] {
        state.withLock { $0.ledger.entries }
    }

    private func tell(_ crossings: [BudgetLedger.Crossing]) {
        for crossing in crossings {
            report(.budget(crossing.entry.dimension, host: crossing.entry.host, threshold: crossing.threshold))
        }
    }
}
