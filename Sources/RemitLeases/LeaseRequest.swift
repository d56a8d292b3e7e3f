// SPDX-License-Identifier: Apache-2.0

internal import RemitKernel

/// What one session wants from one provider, before anything is recorded.
package struct LeaseRequest: Sendable, Hashable {
    /// Unique for ever; also the tail of the name at the provider.
    package var lease: String
    /// The task's name for the credential, for example `orders-db`.
    package var name: String
    /// The provider instance of the operator's configuration.
    package var provider: String
    package var session: String
    package var task: String
    package var owner: String
    /// Means what the provider says it means.
    package var scope: [String: ProviderValue]
    /// How long one issue lasts between renewals.
    package var ttl: Duration
    /// The lease never outlives this, renewed or not.
    package var deadline: Stamp
    /// Delivered where the agent's process can keep it (an environment variable).
    package var isAgentHeld: Bool
    /// The lease this one hangs on; it is revoked after this one.
    package var parent: String?
    package var epoch: Int
    /// Whether the supervisor prolongs it; a credential that cannot be replaced where it was put is not worth it.
    package var isRenewable = true

    package init(
        lease: String = LeaseRequest.newIdentifier(),
        name: String,
        provider: String,
        session: String,
        task: String,
        owner: String,
        scope: [String: ProviderValue],
        ttl: Duration,
        deadline: Stamp,
        isAgentHeld: Bool = false,
        parent: String? = nil,
        epoch: Int
    ) {
        self.lease = lease
        self.name = name
        self.provider = provider
        self.session = session
        self.task = task
        self.owner = owner
        self.scope = scope
        self.ttl = ttl
        self.deadline = deadline
        self.isAgentHeld = isAgentHeld
        self.parent = parent
        self.epoch = epoch
    }

    /// 100 random bits that fit every provider's idea of a name.
    package static func newIdentifier() -> String { Random.identifier(20) }

    /// The name of the credential at the provider: `remit_` and the lease's identifier.
    package var handle: String { Self.handlePrefix + lease }

    /// What every name of ours at a provider begins with; orphan sweeps look for it.
    package static let handlePrefix = "remit_"

    /// Whether a name at a provider can be one of ours.
    package static func isHandle(_ name: String) -> Bool {
        name.hasPrefix(handlePrefix) && (14...63).contains(name.utf8.count)
            && name.utf8.dropFirst(handlePrefix.utf8.count).allSatisfy { 0x30...0x39 ~= $0 || 0x61...0x7A ~= $0 }
    }
}
