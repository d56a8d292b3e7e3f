// SPDX-License-Identifier: Apache-2.0

package import RemitNetwork

/// Everything that a gate needs to know before it serves; secrets come separately, with ``GateCommand/bind(_:)``.
package struct GateConfiguration: Sendable, Hashable {
    /// The session's id.
    package var session: String
    /// What may be reached.
    package var policy: EgressPolicy
    /// Where secrets are going to be swapped, so that their hosts are read from the first connection on.
    package var bindings: [SecretBinding]
    /// How much may be used.
    package var budgets: BudgetPlan
    /// What models cost.
    package var prices: PriceTable
    /// How hosts are verified.
    package var trust: UpstreamTrust
    /// Addresses of names that the operator gives, before any resolver is asked; they are checked like its answers.
    package var hosts: [HostName: [IPAddress]]
    /// What may be open at once.
    package var limits: GateLimits
    /// What a placeholder in the wrong place leads to.
    package var tripwire: TripwireAction
    /// What the agent is told of its session at `remit.internal`, as JSON text.
    package var remit: String
    /// Seconds until the session's deadline; nothing where it has none. What the gate signs is not valid for much longer.
    package var lifetime: Int64?
    /// Whom a gate that was started as root becomes once it has read the operator's files; nobody else may.
    package var identity: GateIdentity?

    /// Makes a configuration.
    package init(
        session: String, policy: EgressPolicy, bindings: [SecretBinding] = [], budgets: BudgetPlan = BudgetPlan(),
        prices: PriceTable = PriceTable(), trust: UpstreamTrust = UpstreamTrust(), hosts: [HostName: [IPAddress]] = [:],
        limits: GateLimits = GateLimits(), tripwire: TripwireAction = .block, remit: String = "{}",
        lifetime: Int64? = nil, identity: GateIdentity? = nil
    ) {
        self.session = session
        self.policy = policy
        self.bindings = bindings
        self.budgets = budgets
        self.prices = prices
        self.trust = trust
        self.hosts = hosts
        self.limits = limits
        self.tripwire = tripwire
        self.remit = remit
        self.lifetime = lifetime
        self.identity = identity
    }

    /// Whether connections to a destination have to be read although the policy would pass them through.
    package func needsInspection(of destination: Destination, port: UInt16) -> Bool {
        budgets.needsInspection(of: destination) || bindings.contains { $0.concerns(destination, port: port) }
    }
}

/// A user and a group without privileges.
package struct GateIdentity: Hashable, Sendable {
    /// The user's id.
    package var user: UInt32
    /// The group's id.
    package var group: UInt32

    /// Makes an identity.
    package init(user: UInt32, group: UInt32) {
        self.user = user
        self.group = group
    }
}

/// What a gate may hold at once; more is refused and recorded.
package struct GateLimits: Hashable, Sendable {
    /// Connections in all.
    package var connections: Int
    /// Connections that have not said yet what they are for, or whose host does not answer yet.
    package var pending: Int
    /// How long a connection may stay without a byte, in milliseconds.
    package var idleMilliseconds: Int
    /// How long connecting to a host may take, in milliseconds.
    package var connectMilliseconds: Int
    /// Records of things allowed per second, above which they are aggregated.
    package var recordsPerSecond: Int
    /// Names that have a synthetic address.
    package var names: Int

    /// Makes limits.
    package init(
        connections: Int = 4096, pending: Int = 512, idleMilliseconds: Int = 900_000, connectMilliseconds: Int = 15_000,
        recordsPerSecond: Int = 200, names: Int = 65_536
    ) {
        self.connections = connections
        self.pending = pending
        self.idleMilliseconds = idleMilliseconds
        self.connectMilliseconds = connectMilliseconds
        self.recordsPerSecond = recordsPerSecond
        self.names = names
    }
}
