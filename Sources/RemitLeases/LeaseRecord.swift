// SPDX-License-Identifier: Apache-2.0

package import RemitKernel

/// One durable fact about a lease; the journal's body of a `lease.*` record. It never holds a secret.
///
/// All fields are flat: strings, integers, booleans. Only what changed is set.
package struct LeaseRecord: Sendable, Hashable {
    /// What happened; the raw value is the journal's record type.
    package enum Event: String, Sendable, Hashable, CaseIterable {
        case requested = "lease.requested"
        case denied = "lease.denied"
        /// Durable before the provider is asked to issue.
        case minting = "lease.minting"
        case unknown = "lease.unknown"
        case void = "lease.void"
        case active = "lease.active"
        /// Durable before the provider is asked to prolong: raises the upper bound of the expiry.
        case renewing = "lease.renewing"
        case renewed = "lease.renewed"
        case renewalFailed = "lease.renewal-failed"
        case suspended = "lease.suspended"
        case resumed = "lease.resumed"
        case revoking = "lease.revoking"
        /// The provider says it is revoked, which proves nothing yet.
        case acknowledged = "lease.acknowledged"
        case expiredPending = "lease.expired-pending"
        case expired = "lease.expired"
        case revoked = "lease.revoked"
        case deadLetter = "lease.dead-letter"
    }

    package var event: Event
    package var lease: String
    /// The supervisor's epoch; records of an older one than already seen are refused.
    package var epoch: Int
    package var time: Stamp

    // Set by `requested`.
    package var name: String?
    package var provider: String?
    package var handle: String?
    package var session: String?
    package var task: String?
    package var owner: String?
    /// Canonical JSON.
    package var scope: String?
    package var ttlMilliseconds: Int?
    package var isAgentHeld: Bool?
    package var parent: String?
    package var deadline: Stamp?

    // Set where they change.
    /// When the provider ends it by itself, or will at the latest (`minting`, `renewing`).
    package var expires: Stamp?
    /// The provider's non-secret facts, as canonical JSON.
    package var facts: String?
    package var reason: String?
    package var attempts: Int?
    package var nextAttempt: WallInstant?
    package var failure: LeaseFailure.Class?
    package var message: String?
    /// What proved the end: `probe`, `provider-ttl`, `never-issued`.
    package var verifiedBy: String?

    package init(event: Event, lease: String, epoch: Int, time: Stamp) {
        self.event = event
        self.lease = lease
        self.epoch = epoch
        self.time = time
    }
}
