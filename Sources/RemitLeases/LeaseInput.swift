// SPDX-License-Identifier: Apache-2.0

package import RemitKernel

/// Everything a lease can be told.
package enum LeaseInput: Sendable {
    /// Policy permits the lease.
    case start
    case deny(reason: String)
    /// The durable record asked for last is on disk.
    case journaled
    case journalFailed(reason: String)
    case issued(IssuedCredential)
    /// The provider prolonged it; some must issue new content for that.
    case renewed(expires: WallInstant, content: Secret?)
    /// The call in flight failed.
    case failed(LeaseFailure)
    /// The call in flight was ended at its time limit.
    case timedOut
    case tick
    case suspend(reason: String)
    case resume
    case end(reason: String)
    /// The provider says it is revoked.
    case acknowledged
    case probed(ProbeFinding)
    /// Another supervisor takes over; `epoch` must be newer than every epoch recorded.
    case recovered(epoch: Int)
}

/// What a probe found.
package enum ProbeFinding: String, Sendable, Hashable, Codable, CaseIterable {
    case gone
    case present
    /// This kind of credential cannot be asked about; only its expiry ends it.
    case impossible
}

/// What a provider issued.
package struct IssuedCredential: Sendable {
    package var content: Secret
    package var expires: WallInstant
    /// Non-secret facts for the receipt.
    package var facts: [String: String]

    package init(content: Secret, expires: WallInstant, facts: [String: String] = [:]) {
        self.content = content
        self.expires = expires
        self.facts = facts
    }
}

/// What is to be done, in this order.
package enum LeaseAction: Sendable {
    /// Append to the journal. After a durable one, say `.journaled` or `.journalFailed`.
    case record(LeaseRecord, durable: Bool)
    /// Call the provider; answer with one of issued, renewed, failed, timedOut, acknowledged, probed.
    case call(ProviderRequest)
    case deliver(Secret)
    /// Take the credential away from the agent.
    case withdraw
    /// Say `.tick` then. Replaces the wake asked for before; a batch without one means none is needed.
    case wake(at: BootInstant)
    /// A person should know.
    case alarm(reason: String)
}
