// SPDX-License-Identifier: Apache-2.0

/// What a budget counts.
package enum BudgetDimension: String, Hashable, Sendable, Codable, CodingKeyRepresentable, CaseIterable {
    /// HTTP requests.
    case requests
    /// Bytes sent to hosts.
    case bytesUp
    /// Bytes received from hosts.
    case bytesDown
    /// Connections made.
    case connections
    /// Tokens that models read.
    case inputTokens
    /// Tokens that models wrote.
    case outputTokens
    /// Money, in millionths of the currency of the price table.
    case cost
}

/// How much may be used of each dimension; one that has no entry is not limited.
package struct Budget: Hashable, Sendable, Codable {
    /// Limits by dimension.
    package private(set) var limits: [BudgetDimension: UInt64]

    /// Makes a budget; without arguments it limits nothing.
    package init(_ limits: [BudgetDimension: UInt64] = [:]) { self.limits = limits }

    /// The limit of a dimension; nothing where it is not limited.
    package subscript(_ dimension: BudgetDimension) -> UInt64? {
        get { limits[dimension] }
        set { limits[dimension] = newValue }
    }

    /// Whether nothing is limited.
    package var isEmpty: Bool { limits.isEmpty }

    /// Whether it has to be read from answers of models.
    package var needsModelUsage: Bool {
        limits[.inputTokens] != nil || limits[.outputTokens] != nil || limits[.cost] != nil
    }

    /// Whether it has to be read from HTTP at all.
    package var needsRequests: Bool { limits[.requests] != nil || needsModelUsage }

    /// The smaller of both limits in each dimension.
    package func lowered(by other: Budget) -> Budget {
        Budget(limits.merging(other.limits) { min($0, $1) })
    }
}

/// The budget of one host pattern, within that of the session.
package struct HostBudget: Hashable, Sendable, Codable {
    /// Whose traffic counts.
    package var host: HostPattern
    /// How much of it.
    package var budget: Budget

    /// Makes the budget of a host pattern.
    package init(host: HostPattern, budget: Budget) {
        self.host = host
        self.budget = budget
    }
}

/// The budgets of a session: one for everything, and one for each host pattern that has one.
package struct BudgetPlan: Hashable, Sendable, Codable {
    /// For everything together.
    package var session: Budget
    /// For what goes to hosts of a pattern; a host may count in several.
    package var hosts: [HostBudget]

    /// Makes a plan; without arguments it limits nothing.
    package init(session: Budget = Budget(), hosts: [HostBudget] = []) {
        self.session = session
        self.hosts = hosts
    }

    /// Whether nothing is limited.
    package var isEmpty: Bool { session.isEmpty && hosts.allSatisfy(\.budget.isEmpty) }

    /// Whether requests to a destination have to be read to keep the budgets.
    ///
    /// A session's request and token budgets are kept for every host: what is not read cannot be counted.
    package func needsInspection(of destination: Destination) -> Bool {
        session.needsRequests || hosts.contains { $0.budget.needsRequests && $0.host.matches(destination) }
    }
}

/// A share of a budget at which its user is warned.
package enum BudgetThreshold: Int, Hashable, Sendable, CaseIterable, Comparable {
    /// Half of it.
    case half = 50
    /// Three quarters.
    case threeQuarters = 75
    /// Nine tenths.
    case ninety = 90

    /// The highest threshold that a use of a limit has reached; nothing below half.
    package static func reached(_ used: UInt64, of limit: UInt64) -> BudgetThreshold? {
        allCases.last { threshold in
            let (whole, part) = limit.multipliedFullWidth(by: UInt64(threshold.rawValue))
            let (usedWhole, usedPart) = used.multipliedFullWidth(by: 100)
            return (usedWhole, usedPart) >= (whole, part)
        }
    }

    /// The lower share first.
    package static func < (left: BudgetThreshold, right: BudgetThreshold) -> Bool { left.rawValue < right.rawValue }
}
