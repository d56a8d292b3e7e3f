// SPDX-License-Identifier: Apache-2.0

/// A placeholder where it has no effect.
package struct Finding: Equatable, Sendable {
    /// The lease that it belongs to.
    package let lease: String
    /// Where in the request it stood: `path`, `query`, `header x-forwarded-for`, `trailer x-sum`, `body`, `signature`.
    package let place: String
    /// Why it has none.
    package let reason: Reason

    package enum Reason: Equatable, Sendable {
        /// It is bound to another place: a tripwire.
        case unbound
        /// Its lease is fenced.
        case fenced
        /// A request that claims to be signed with it is not, or cannot be signed again: why, as one clause.
        case signature(String)
    }
}
