// SPDX-License-Identifier: Apache-2.0

/// What issues, renews, revokes and probes one kind of credential for one configured instance.
package protocol Provider: AnyObject {
    /// The instance's name in the operator's configuration.
    var instance: String { get }

    /// How long one call may take.
    var timeLimit: Duration { get }

    /// The longest time an issue may last between renewals; nil for no limit.
    var maximumTTL: Duration? { get }

    /// A renewal issues another credential instead of prolonging the one delivered.
    var renewalReplacesContent: Bool { get }

    /// Begins a call. The completion runs exactly once, on the event loop's thread, possibly at once.
    func begin(_ request: ProviderRequest, completion: @escaping (ProviderReply) -> Void)
}

extension Provider {
    package var renewalReplacesContent: Bool { false }
}
