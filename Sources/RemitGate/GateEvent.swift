// SPDX-License-Identifier: Apache-2.0

package import RemitNetwork

/// What a gate tells its supervisor.
package enum GateEvent: Hashable, Sendable {
    /// It is configured. The authority that signs what it terminates, in PEM; nothing where nothing is terminated.
    case ready(authority: String?)
    /// Something was decided.
    case record(EgressRecord)
    /// A placeholder went where it is not bound, and was stopped.
    case tripwire(Tripwire)
    /// A share of a budget was used; of a host pattern's where one is given.
    case budget(BudgetDimension, host: String?, threshold: BudgetThreshold)
    /// A budget is used up; of a host pattern's where one is given.
    case exhausted(BudgetDimension, host: String?)
    /// A fence stands: what it was for, and how many connections it cut.
    case fenced(lease: String?, connections: Int)
    /// What has been used.
    case usage(GateUsage)
    /// It cannot go on, or could not do what it was told: one clause.
    case failed(String)
}

/// A placeholder in the wrong place.
package struct Tripwire: Hashable, Sendable {
    /// The name of the credential.
    package var lease: String
    /// The host that it was going to, or the address.
    package var host: String
    /// The port.
    package var port: UInt16
    /// Where in the request it stood: `header x-forwarded-for`, `path`, `query`, `body`.
    package var place: String
    /// The method and path of the request, without its query; empty where it was none.
    package var request: String

    /// Makes a tripwire.
    package init(lease: String, host: String, port: UInt16, place: String, request: String) {
        self.lease = lease
        self.host = host
        self.port = port
        self.place = place
        self.request = request
    }
}

/// What a session has used of its network.
package struct GateUsage: Hashable, Sendable {
    /// For everything together, by dimension.
    package var session: [BudgetDimension: UInt64]
    /// By the host patterns that have a budget.
    package var hosts: [String: [BudgetDimension: UInt64]]
    /// Connections that are open.
    package var open: Int

    /// Makes a usage; without arguments it is none.
    package init(
        session: [BudgetDimension: UInt64] = [:], hosts: [String: [BudgetDimension: UInt64]] = [:], open: Int = 0
    ) {
        self.session = session
        self.hosts = hosts
        self.open = open
    }
}
