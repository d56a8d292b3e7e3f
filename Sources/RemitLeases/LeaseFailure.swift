// SPDX-License-Identifier: Apache-2.0

/// Why a provider's call did not do what was asked.
package struct LeaseFailure: Error, Sendable, Hashable, CustomStringConvertible {
    /// What a failure says about trying again.
    package enum Class: String, Sendable, Hashable, Codable, CaseIterable {
        /// Try again: time-outs, refused connections, overload.
        case transient
        /// Our own access to the provider was refused: tell the operator, try again.
        case auth
        /// Trying again is useless.
        case permanent
        /// The provider does not know the credential (any more).
        case gone
    }

    package var kind: Class
    /// One line without secrets.
    package var message: String
    /// The provider answered properly, so that a refused issue has certainly left nothing behind.
    package var isDefinite: Bool

    package init(_ kind: Class, _ message: String, isDefinite: Bool) {
        self.kind = kind
        self.message = message
        self.isDefinite = isDefinite
    }

    package var description: String { message }
}
