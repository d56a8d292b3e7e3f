// SPDX-License-Identifier: Apache-2.0

/// Where a lease is in its life; the diagram is in this module's overview.
package enum LeaseState: String, Sendable, Hashable, Codable, CaseIterable {
    /// Asked for; nothing has been asked of the provider.
    case requested
    /// Refused by us; nothing was ever asked of the provider.
    case denied
    /// The name at the provider is chosen and recorded; the provider may have been asked.
    case minting
    /// The provider was asked and the answer is lost.
    case unknown
    /// Certainly no credential exists, and none was delivered.
    case void
    case active
    /// Active, and the provider was asked to prolong it.
    case renewing
    /// Exists at the provider but is withheld from the agent.
    case suspended
    /// Being ended; retried until a probe says that it is gone.
    case revoking
    /// Ended as far as the provider can be asked; its expiry is the only proof left to wait for.
    case expiredPending = "expired-pending"
    /// Ended by its expiry.
    case expired
    /// Ended, and a probe after the last revocation says that it is gone.
    case revoked
    /// Could not be ended for long or for good reason: retried hourly, needs a person.
    case deadLetter = "dead-letter"

    /// Nothing follows.
    package var isTerminal: Bool {
        switch self {
        case .denied, .void, .expired, .revoked: true
        default: false
        }
    }

    /// The agent may hold the credential.
    package var isUsable: Bool { self == .active || self == .renewing }

    /// The provider may hold a credential of this lease.
    package var mayBeLive: Bool { !isTerminal && self != .requested }
}
